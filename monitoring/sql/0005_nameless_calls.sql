-- As in 0001, but a call without a number closes only what other systems opened: what came through a door of
-- ours (trigger other than 'sql') is closed by who opened it, even where it has no lease, as runs of the queue.
create or replace function log_cron_run(
  job_name text, status text, result jsonb default null, run_id bigint default null
) returns bigint language plpgsql as $$
declare
  statuses constant text[] := array['queued', 'running', 'success', 'partial', 'failed', 'skipped', 'missed', 'abandoned'];
  name constant text := replace(trim(log_cron_run.job_name), '-', '_');
  moment constant timestamptz := clock_timestamp();
  run public.cron_logs%rowtype;
begin
  if coalesce(name, '') = '' then
    raise exception 'log_cron_run: the job name is empty' using errcode = '22023';
  end if;
  if log_cron_run.status is null or not log_cron_run.status = any (statuses) then
    raise exception 'log_cron_run: unknown status %; use one of: %',
      coalesce(quote_literal(log_cron_run.status), 'NULL'), array_to_string(statuses, ', ') using errcode = '22023';
  end if;

  if run_id is not null then
    select * into run from public.cron_logs l where l.id = run_id for update;
    if not found then
      raise exception 'log_cron_run: there is no run %', run_id using errcode = '22023';
    elsif run.job_name <> name then
      raise exception 'log_cron_run: run % is of job %, not %', run_id, run.job_name, name using errcode = '22023';
    elsif run.finished_at is not null then
      raise exception 'log_cron_run: run % has already ended (%)', run_id, run.status using errcode = '55000';
    end if;
  end if;

  if log_cron_run.status in ('queued', 'running') then
    if run.id is not null then
      update public.cron_logs l set status = log_cron_run.status, started_at = moment where l.id = run.id;
      return run.id;
    end if;
    insert into public.cron_logs (job_name, status, started_at, result)
    values (name, log_cron_run.status, moment, log_cron_run.result) returning id into run.id;
    return run.id;
  end if;

  if run.id is null then
    -- The caller forgot the number: the newest open run that another system opened by this function. And
    -- what was skipped or missed cannot close what runs.
    select * into run from public.cron_logs l
     where l.job_name = name and l.trigger = 'sql' and l.lease_until is null
       and l.status = any (case when log_cron_run.status in ('skipped', 'missed')
                                then array['queued'] else array['queued', 'running'] end)
     order by l.started_at desc, l.id desc limit 1 for update;
  end if;

  if run.id is null then
    insert into public.cron_logs (job_name, status, started_at, finished_at, result, error_message)
    values (name, log_cron_run.status, moment, moment, log_cron_run.result,
            coalesce(log_cron_run.result ->> 'error', '')) returning id into run.id;
  else
    update public.cron_logs l
       set status = log_cron_run.status,
           finished_at = moment,
           -- What never ran took no time that anyone could know.
           execution_time_ms = case when run.status = 'running'
                                    then round(extract(epoch from moment - run.started_at) * 1000)::bigint end,
           result = coalesce(log_cron_run.result, l.result),
           error_message = coalesce(log_cron_run.result ->> 'error', l.error_message),
           lease_until = null
     where l.id = run.id;
  end if;

  perform public.sum_up_runs(name, (moment at time zone 'UTC')::date);
  return run.id;
end $$;
