drop function trending_artist_scores(timestamptz, boolean, bigint[]);
drop function trending_show_scores(timestamptz, boolean, bigint[]);
drop function trending_artist_ballots(timestamptz, boolean, bigint[]);
drop function trending_show_ballots(timestamptz, boolean, bigint[]);
drop trigger trending_forget_votes on catalog_vote;
drop function trending_forget_votes();
drop function trending_rebuild(timestamptz);

-- As 0002 made them.
create function trending_artist_scores(as_of timestamptz) returns table (
  artist_id bigint, vote_count bigint, fan_count bigint, recent_votes bigint, active_users bigint,
  upcoming_shows bigint, recent_shows bigint, followers bigint, popularity smallint,
  engagement_ratio bigint, recency_boost bigint, raw bigint, score numeric
) language sql stable as $$
  with fans as (
    select v.artist_id, count(*) as votes, max(v.created_at) as latest,
           coalesce(sum(public.trending_weight(public.trending_age(as_of, v.created_at))) filter (where v.counted), 0) as weight
      from public.catalog_vote v
     where v.created_at >= as_of - interval '503 hours' and v.created_at < as_of + interval '1 hour'
     group by v.artist_id, v.fan_id
  ), ballots as (
    select f.artist_id, sum(f.votes)::bigint as vote_count, count(*) as fan_count, sum(f.weight)::bigint as recent_votes,
           sum(public.trending_weight(public.trending_age(as_of, f.latest))) as active_users,
           public.trending_weight(public.trending_age(as_of, max(f.latest))) as recency_boost
      from fans f group by f.artist_id
  ), stages as (
    select b.artist_id, count(*) filter (where s.start >= as_of) as upcoming_shows,
           count(*) filter (where s.start < as_of) as recent_shows
      from public.catalog_show s join public.catalog_billing b on b.show_id = s.id
     where s.start >= as_of - interval '720 hours' and s.status not in ('cancelled', 'postponed')
     group by b.artist_id
  ), crowds as (
    select f.artist_id, count(*) as followers from public.catalog_follow f group by f.artist_id
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

-- The same for every show that is not long past or has no date; followers and popularity are the headliner's.
create function trending_show_scores(as_of timestamptz) returns table (
  show_id bigint, vote_count bigint, fan_count bigint, recent_votes bigint, active_users bigint,
  upcoming_shows bigint, recent_shows bigint, followers bigint, popularity smallint,
  engagement_ratio bigint, recency_boost bigint, raw bigint, score numeric
) language sql stable as $$
  with fans as (
    select v.show_id, count(*) as votes, max(v.created_at) as latest,
           coalesce(sum(public.trending_weight(public.trending_age(as_of, v.created_at))) filter (where v.counted), 0) as weight
      from public.catalog_vote v
     where v.created_at >= as_of - interval '503 hours' and v.created_at < as_of + interval '1 hour'
     group by v.show_id, v.fan_id
  ), ballots as (
    select f.show_id, sum(f.votes)::bigint as vote_count, count(*) as fan_count, sum(f.weight)::bigint as recent_votes,
           sum(public.trending_weight(public.trending_age(as_of, f.latest))) as active_users,
           public.trending_weight(public.trending_age(as_of, max(f.latest))) as recency_boost
      from fans f group by f.show_id
  ), crowds as (
    select f.artist_id, count(*) as followers from public.catalog_follow f group by f.artist_id
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
     where s.start >= as_of - interval '720 hours' or s.start is null
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
