-- How many rows a run says that it wrote: the sum of what its result counts as created, updated, deleted,
-- removed or written; null when it says nothing of the kind.
create function rows_written(result jsonb) returns bigint language sql immutable parallel safe
return (
  select sum(entry.value::text::bigint)
    from jsonb_each(case when jsonb_typeof(result) = 'object' then result else '{}'::jsonb end) entry
   where entry.key ~ '(^|_)(created|updated|deleted|removed|written)$' and entry.value::text ~ '^[0-9]{1,15}$'
);

-- As in 0001, and the rows.
create or replace function sum_up_runs(job text, on_day date) returns void language plpgsql as $$
begin
  -- One at a time: the second must see what the first one closed.
  perform pg_advisory_xact_lock(hashtextextended('cron_metrics ' || job, 0));
  insert into public.cron_metrics as m
    (job_name, day, runs, failures, skipped, missed, p50_ms, p95_ms, max_ms, rows)
  select job, on_day,
         count(*) filter (where l.status in ('success', 'partial', 'failed', 'abandoned')),
         count(*) filter (where l.status in ('failed', 'abandoned')),
         count(*) filter (where l.status = 'skipped'),
         count(*) filter (where l.status = 'missed'),
         percentile_disc(0.5) within group (order by l.execution_time_ms),
         percentile_disc(0.95) within group (order by l.execution_time_ms),
         max(l.execution_time_ms),
         sum(public.rows_written(l.result))
    from public.cron_logs l
   where l.job_name = job
     and l.finished_at >= on_day::timestamp at time zone 'UTC'
     and l.finished_at < (on_day + 1)::timestamp at time zone 'UTC'
  on conflict (job_name, day) do update
     set runs = excluded.runs, failures = excluded.failures, skipped = excluded.skipped,
         missed = excluded.missed, p50_ms = excluded.p50_ms, p95_ms = excluded.p95_ms, max_ms = excluded.max_ms,
         rows = excluded.rows;
end $$;
