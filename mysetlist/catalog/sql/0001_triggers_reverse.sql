drop function catalog_keep_headliner, catalog_show_timezone, catalog_venue_timezone, catalog_log_votes,
  catalog_log_follows, catalog_log_billings, catalog_log_shows, catalog_log_venues, catalog_log_artists cascade;
