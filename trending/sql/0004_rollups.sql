-- Rollups make a refresh cost what happened, not what there is. Per (artist, hour): live votes, counted
-- votes, and the fans whose latest vote lies in that hour, so that distinct fans can be added up.
-- All derived: trending_rebuild() makes them anew from the votes.

create function trending_rebuild(as_of timestamptz) returns void language plpgsql as $$
begin
  -- What waits to be added up is in the votes already; its lines go on to say whose scores moved.
  update public.catalog_activity set change = 0 where kind = 'vote' and hour <= as_of;

  delete from public.artist_hours;
  delete from public.artist_fans;
  delete from public.show_hours;
  delete from public.show_fans;

  insert into public.artist_fans (artist_id, fan_id, hour)
  select v.artist_id, v.fan_id, date_trunc('hour', max(v.created_at), 'UTC') from public.catalog_vote v
   where v.created_at >= as_of - interval '503 hours' and v.created_at < as_of + interval '1 hour'
   group by v.artist_id, v.fan_id;
  insert into public.artist_hours (artist_id, hour, votes, counted, fans)
  select artist_id, hour, sum(votes), sum(counted), sum(fans) from (
    select v.artist_id, date_trunc('hour', v.created_at, 'UTC') as hour, 1 as votes, v.counted::integer as counted, 0 as fans
      from public.catalog_vote v
     where v.created_at >= as_of - interval '503 hours' and v.created_at < as_of + interval '1 hour'
    union all select f.artist_id, f.hour, 0, 0, 1 from public.artist_fans f) parts
   group by artist_id, hour;

  insert into public.show_fans (show_id, fan_id, hour)
  select v.show_id, v.fan_id, date_trunc('hour', max(v.created_at), 'UTC') from public.catalog_vote v
   where v.created_at >= as_of - interval '503 hours' and v.created_at < as_of + interval '1 hour'
   group by v.show_id, v.fan_id;
  insert into public.show_hours (show_id, hour, votes, counted, fans)
  select show_id, hour, sum(votes), sum(counted), sum(fans) from (
    select v.show_id, date_trunc('hour', v.created_at, 'UTC') as hour, 1 as votes, v.counted::integer as counted, 0 as fans
      from public.catalog_vote v
     where v.created_at >= as_of - interval '503 hours' and v.created_at < as_of + interval '1 hour'
    union all select f.show_id, f.hour, 0, 0, 1 from public.show_fans f) parts
   group by show_id, hour;
end $$;

-- TRUNCATE tells no row trigger; what is summed up of the votes goes with them, or waits to be.
create function trending_forget_votes() returns trigger language plpgsql as $$
begin
  update public.catalog_activity set change = 0 where kind = 'vote';
  delete from public.artist_hours;
  delete from public.artist_fans;
  delete from public.show_hours;
  delete from public.show_fans;
  return null;
end $$;

create trigger trending_forget_votes after truncate on catalog_vote
  for each statement execute function trending_forget_votes();

-- What a kind's votes come to per artist or show: from the votes, or from their rollups.
create function trending_artist_ballots(as_of timestamptz, rolled boolean, only_ids bigint[]) returns table (
  artist_id bigint, vote_count bigint, fan_count bigint, recent_votes bigint, active_users bigint, recency_boost integer
) language sql stable as $$
  select f.artist_id, sum(f.votes)::bigint, count(*), sum(f.weight)::bigint,
         sum(public.trending_weight(public.trending_age(as_of, f.latest))),
         public.trending_weight(public.trending_age(as_of, max(f.latest)))
    from (select v.artist_id, count(*) as votes, max(v.created_at) as latest,
                 coalesce(sum(public.trending_weight(public.trending_age(as_of, v.created_at))) filter (where v.counted), 0) as weight
            from public.catalog_vote v
           where not rolled and (only_ids is null or v.artist_id = any (only_ids))
             and v.created_at >= as_of - interval '503 hours' and v.created_at < as_of + interval '1 hour'
           group by v.artist_id, v.fan_id) f
   group by f.artist_id
  union all
  select h.artist_id, sum(h.votes)::bigint, sum(h.fans)::bigint,
         sum(h.counted::bigint * public.trending_weight(public.trending_age(as_of, h.hour)))::bigint,
         sum(h.fans::bigint * public.trending_weight(public.trending_age(as_of, h.hour)))::bigint,
         public.trending_weight(public.trending_age(as_of, max(h.hour) filter (where h.fans > 0)))
    from public.artist_hours h
   where rolled and (only_ids is null or h.artist_id = any (only_ids))
     and h.hour >= as_of - interval '503 hours' and h.hour <= as_of
   group by h.artist_id
$$;

create function trending_show_ballots(as_of timestamptz, rolled boolean, only_ids bigint[]) returns table (
  show_id bigint, vote_count bigint, fan_count bigint, recent_votes bigint, active_users bigint, recency_boost integer
) language sql stable as $$
  select f.show_id, sum(f.votes)::bigint, count(*), sum(f.weight)::bigint,
         sum(public.trending_weight(public.trending_age(as_of, f.latest))),
         public.trending_weight(public.trending_age(as_of, max(f.latest)))
    from (select v.show_id, count(*) as votes, max(v.created_at) as latest,
                 coalesce(sum(public.trending_weight(public.trending_age(as_of, v.created_at))) filter (where v.counted), 0) as weight
            from public.catalog_vote v
           where not rolled and (only_ids is null or v.show_id = any (only_ids))
             and v.created_at >= as_of - interval '503 hours' and v.created_at < as_of + interval '1 hour'
           group by v.show_id, v.fan_id) f
   group by f.show_id
  union all
  select h.show_id, sum(h.votes)::bigint, sum(h.fans)::bigint,
         sum(h.counted::bigint * public.trending_weight(public.trending_age(as_of, h.hour)))::bigint,
         sum(h.fans::bigint * public.trending_weight(public.trending_age(as_of, h.hour)))::bigint,
         public.trending_weight(public.trending_age(as_of, max(h.hour) filter (where h.fans > 0)))
    from public.show_hours h
   where rolled and (only_ids is null or h.show_id = any (only_ids))
     and h.hour >= as_of - interval '503 hours' and h.hour <= as_of
   group by h.show_id
$$;

-- The counting of 0002, with the choice of source, and for all or only some. Each sum is made once,
-- whatever the planner knows: on tables never analysed it would make them anew for every artist.
drop function trending_artist_scores(timestamptz);
drop function trending_show_scores(timestamptz);

create function trending_artist_scores(as_of timestamptz, rolled boolean default false, only_ids bigint[] default null)
returns table (
  artist_id bigint, vote_count bigint, fan_count bigint, recent_votes bigint, active_users bigint,
  upcoming_shows bigint, recent_shows bigint, followers bigint, popularity smallint,
  engagement_ratio bigint, recency_boost bigint, raw bigint, score numeric
) language sql stable as $$
  with ballots as materialized (
    select * from public.trending_artist_ballots(as_of, rolled, only_ids)
  ), stages as materialized (
    select b.artist_id, count(*) filter (where s.start >= as_of) as upcoming_shows,
           count(*) filter (where s.start < as_of) as recent_shows
      from public.catalog_show s join public.catalog_billing b on b.show_id = s.id
     where s.start >= as_of - interval '720 hours' and s.status not in ('cancelled', 'postponed')
       and (only_ids is null or b.artist_id = any (only_ids))
     group by b.artist_id
  ), crowds as materialized (
    select f.artist_id, count(*) as followers from public.catalog_follow f
     where only_ids is null or f.artist_id = any (only_ids) group by f.artist_id
  ), counted as materialized (
    select a.id as artist_id, coalesce(v.vote_count, 0) as vote_count, coalesce(v.fan_count, 0) as fan_count,
           coalesce(v.recent_votes, 0) as recent_votes, coalesce(v.active_users, 0) as active_users,
           coalesce(s.upcoming_shows, 0) as upcoming_shows, coalesce(s.recent_shows, 0) as recent_shows,
           coalesce(c.followers, 0) as followers, a.popularity,
           coalesce(v.recency_boost, 0)::bigint as recency_boost
      from public.catalog_artist a
      left join ballots v on v.artist_id = a.id
      left join stages s on s.artist_id = a.id
      left join crowds c on c.artist_id = a.id
     where only_ids is null or a.id = any (only_ids)
  ), summed as materialized (
    select n.*, public.trending_raw(n.recent_votes, n.active_users, n.upcoming_shows, n.recent_shows,
                                    n.followers, n.popularity, n.recency_boost) as raw
      from counted n
  )
  select artist_id, vote_count, fan_count, recent_votes, active_users, upcoming_shows, recent_shows, followers,
         popularity, public.trending_engagement(recent_votes, active_users), recency_boost,
         raw, public.trending_score(raw)
    from summed
$$;

create function trending_show_scores(as_of timestamptz, rolled boolean default false, only_ids bigint[] default null)
returns table (
  show_id bigint, vote_count bigint, fan_count bigint, recent_votes bigint, active_users bigint,
  upcoming_shows bigint, recent_shows bigint, followers bigint, popularity smallint,
  engagement_ratio bigint, recency_boost bigint, raw bigint, score numeric
) language sql stable as $$
  with ballots as materialized (
    select * from public.trending_show_ballots(as_of, rolled, only_ids)
  ), crowds as materialized (
    select f.artist_id, count(*) as followers from public.catalog_follow f
     where only_ids is null or f.artist_id = any (array(select s.headliner_id from public.catalog_show s where s.id = any (only_ids)))
     group by f.artist_id
  ), counted as materialized (
    select s.id as show_id, coalesce(v.vote_count, 0) as vote_count, coalesce(v.fan_count, 0) as fan_count,
           coalesce(v.recent_votes, 0) as recent_votes, coalesce(v.active_users, 0) as active_users,
           case when stands and s.start >= as_of then 1 else 0 end::bigint as upcoming_shows,
           case when stands and s.start < as_of then 1 else 0 end::bigint as recent_shows,
           coalesce(c.followers, 0) as followers, a.popularity,
           coalesce(v.recency_boost, 0)::bigint as recency_boost
      from public.catalog_show s
      cross join lateral (select s.status not in ('cancelled', 'postponed')) x (stands)
      join public.catalog_artist a on a.id = s.headliner_id
      left join ballots v on v.show_id = s.id
      left join crowds c on c.artist_id = s.headliner_id
     where (s.start >= as_of - interval '720 hours' or s.start is null) and (only_ids is null or s.id = any (only_ids))
  ), summed as materialized (
    select n.*, public.trending_raw(n.recent_votes, n.active_users, n.upcoming_shows, n.recent_shows,
                                    n.followers, n.popularity, n.recency_boost) as raw
      from counted n
  )
  select show_id, vote_count, fan_count, recent_votes, active_users, upcoming_shows, recent_shows, followers,
         popularity, public.trending_engagement(recent_votes, active_users), recency_boost,
         raw, public.trending_score(raw)
    from summed
$$;
