-- Every door leads through these: forms, imports, COPY and psql alike.

-- The headliner is position 0 of the bill.
create function catalog_keep_headliner() returns trigger language plpgsql as $$
begin
  delete from public.catalog_billing
   where show_id = new.id and position = 0 and artist_id <> new.headliner_id;
  insert into public.catalog_billing as b (show_id, artist_id, position)
  values (new.id, new.headliner_id, 0)
  on conflict (show_id, artist_id) do update set position = 0 where b.position <> 0;  -- a row written is a change noted
  return null;
end $$;

create trigger catalog_keep_headliner after insert or update of headliner_id on catalog_show
  for each row execute function catalog_keep_headliner();

-- A show without a time zone of its own has its venue's. A generated column cannot look there.
create function catalog_show_timezone() returns trigger language plpgsql as $$
declare
  theirs constant text := (select v.timezone from public.catalog_venue v where v.id = new.venue_id);
begin
  if tg_op = 'UPDATE' and new.venue_id is distinct from old.venue_id and new.timezone = old.timezone
     and old.timezone = (select v.timezone from public.catalog_venue v where v.id = old.venue_id) then
    new.timezone := coalesce(theirs, new.timezone);  -- moved: it had the zone of the venue that it leaves
  end if;
  new.timezone := coalesce(new.timezone, theirs);
  return new;
end $$;

create trigger catalog_show_timezone before insert or update of venue_id, timezone on catalog_show
  for each row execute function catalog_show_timezone();

create function catalog_venue_timezone() returns trigger language plpgsql as $$
begin
  update public.catalog_show set timezone = new.timezone
   where venue_id = new.id and timezone is not distinct from old.timezone;
  return null;
end $$;

create trigger catalog_venue_timezone after update of timezone on catalog_venue
  for each row when (old.timezone is distinct from new.timezone) execute function catalog_venue_timezone();

-- What can move a score, or what a list shows of it, is noted: one line a changed row.
create function catalog_log_votes() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    insert into public.catalog_activity (kind, artist_id, show_id, fan_id, hour, counted, change)
    select 'vote', artist_id, show_id, fan_id, date_trunc('hour', created_at, 'UTC'), counted, -1 from gone;
  end if;
  if tg_op <> 'DELETE' then
    insert into public.catalog_activity (kind, artist_id, show_id, fan_id, hour, counted, change)
    select 'vote', artist_id, show_id, fan_id, date_trunc('hour', created_at, 'UTC'), counted, 1 from come;
  end if;
  return null;
end $$;

create trigger catalog_votes_come after insert on catalog_vote
  referencing new table as come for each statement execute function catalog_log_votes();
create trigger catalog_votes_go after delete on catalog_vote
  referencing old table as gone for each statement execute function catalog_log_votes();
create trigger catalog_votes_change after update on catalog_vote
  referencing old table as gone new table as come for each statement execute function catalog_log_votes();

create function catalog_log_follows() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    insert into public.catalog_activity (kind, artist_id, fan_id, change) select 'follow', artist_id, fan_id, -1 from gone;
  end if;
  if tg_op <> 'DELETE' then
    insert into public.catalog_activity (kind, artist_id, fan_id, change) select 'follow', artist_id, fan_id, 1 from come;
  end if;
  return null;
end $$;

create trigger catalog_follows_come after insert on catalog_follow
  referencing new table as come for each statement execute function catalog_log_follows();
create trigger catalog_follows_go after delete on catalog_follow
  referencing old table as gone for each statement execute function catalog_log_follows();
create trigger catalog_follows_change after update on catalog_follow
  referencing old table as gone new table as come for each statement execute function catalog_log_follows();

create function catalog_log_billings() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    insert into public.catalog_activity (kind, artist_id, show_id, change) select 'show', artist_id, show_id, -1 from gone;
  end if;
  if tg_op <> 'DELETE' then
    insert into public.catalog_activity (kind, artist_id, show_id, change) select 'show', artist_id, show_id, 1 from come;
  end if;
  return null;
end $$;

create trigger catalog_billings_come after insert on catalog_billing
  referencing new table as come for each statement execute function catalog_log_billings();
create trigger catalog_billings_go after delete on catalog_billing
  referencing old table as gone for each statement execute function catalog_log_billings();
create trigger catalog_billings_change after update on catalog_billing
  referencing old table as gone new table as come for each statement execute function catalog_log_billings();

-- A new or deleted show tells by its bill; an edited one by what scores and lists see of it.
create function catalog_log_shows() returns trigger language plpgsql as $$
begin
  insert into public.catalog_activity (kind, artist_id, show_id, change)
  select 'show', b.artist_id, b.show_id, 0
    from come join gone using (id)
    join public.catalog_billing b on b.show_id = come.id
   where (come.start, come.status, come.headliner_id, come.name, come.slug, come.venue_id, come.local_date)
         is distinct from
         (gone.start, gone.status, gone.headliner_id, gone.name, gone.slug, gone.venue_id, gone.local_date);
  return null;
end $$;

create trigger catalog_shows_change after update on catalog_show
  referencing old table as gone new table as come for each statement execute function catalog_log_shows();

create function catalog_log_venues() returns trigger language plpgsql as $$
begin
  insert into public.catalog_activity (kind, artist_id, show_id, change)
  select 'show', b.artist_id, b.show_id, 0
    from come join gone using (id)
    join public.catalog_show s on s.venue_id = come.id
    join public.catalog_billing b on b.show_id = s.id
   where (come.name, come.city, come.region, come.country) is distinct from (gone.name, gone.city, gone.region, gone.country);
  return null;
end $$;

create trigger catalog_venues_change after update on catalog_venue
  referencing old table as gone new table as come for each statement execute function catalog_log_venues();

create function catalog_log_artists() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into public.catalog_activity (kind, artist_id, change) select 'artist', id, 1 from come;
  elsif tg_op = 'DELETE' then
    insert into public.catalog_activity (kind, artist_id, change) select 'artist', id, -1 from gone;
  else
    insert into public.catalog_activity (kind, artist_id, change)
    select 'artist', come.id, 0
      from come join gone using (id)
     where (come.popularity, come.name, come.slug, come.image_url, come.genres)
           is distinct from (gone.popularity, gone.name, gone.slug, gone.image_url, gone.genres);
  end if;
  return null;
end $$;

create trigger catalog_artists_come after insert on catalog_artist
  referencing new table as come for each statement execute function catalog_log_artists();
create trigger catalog_artists_go after delete on catalog_artist
  referencing old table as gone for each statement execute function catalog_log_artists();
create trigger catalog_artists_change after update on catalog_artist
  referencing old table as gone new table as come for each statement execute function catalog_log_artists();
