-- The lists: the thousand hottest artists and shows, populated from the start, so that a refresh may
-- always be concurrent. Text columns are text: a longer name later needs no new view.

create materialized view trending_artists_mv as
select row_number() over (order by t.raw desc, t.artist_id)::integer as rank,
       a.id as artist_id, a.name::text as name, a.slug::text as slug, a.image_url::text as image_url,
       a.genres::text[] as genres, t.score, t.raw, t.vote_count, t.fan_count, t.recent_votes, t.active_users,
       t.upcoming_shows, t.recent_shows, t.followers, t.popularity, t.engagement_ratio, t.recency_boost
  from (select * from public.artist_trends order by raw desc, artist_id limit 1000) t
  join public.catalog_artist a on a.id = t.artist_id
with data;

create unique index trending_artists_mv_artist on trending_artists_mv (artist_id);
create unique index trending_artists_mv_rank on trending_artists_mv (rank);

-- A show stays listed for four hours from its start; called off or without a date it is not listed.
create materialized view trending_shows_mv as
select row_number() over (order by t.raw desc, t.show_id)::integer as rank,
       t.show_id, t.name::text as name, t.slug::text as slug, t.start, t.local_date, t.status::text as status,
       a.id as artist_id, a.name::text as artist_name, a.slug::text as artist_slug, a.image_url::text as image_url,
       a.genres::text[] as genres,
       v.name::text as venue_name, v.city::text as city, v.region::text as region, v.country::text as country,
       t.score, t.raw, t.vote_count, t.fan_count, t.recent_votes, t.active_users,
       t.upcoming_shows, t.recent_shows, t.followers, t.popularity, t.engagement_ratio, t.recency_boost
  from (select tt.*, s.name, s.slug, s.start, s.local_date, s.status, s.headliner_id, s.venue_id
          from public.show_trends tt join public.catalog_show s on s.id = tt.show_id
         where s.start > (select as_of from public.trend_state) - interval '4 hours'
           and s.status not in ('cancelled', 'postponed')
         order by tt.raw desc, tt.show_id limit 1000) t
  join public.catalog_artist a on a.id = t.headliner_id
  left join public.catalog_venue v on v.id = t.venue_id
with data;

create unique index trending_shows_mv_show on trending_shows_mv (show_id);
create unique index trending_shows_mv_rank on trending_shows_mv (rank);

create function refresh_trending_data() returns void language plpgsql as $$
begin
  refresh materialized view concurrently public.trending_artists_mv;
  refresh materialized view concurrently public.trending_shows_mv;
end $$;
