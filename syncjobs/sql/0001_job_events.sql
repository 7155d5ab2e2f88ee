-- Who watches a job hears of each event when it is committed.
create function tell_job_events() returns trigger language plpgsql as $$
begin
  perform pg_notify('job_events', job_id::text) from (select distinct job_id from new_events) told;
  return null;
end $$;

create trigger job_events_are_told after insert on job_events
  referencing new table as new_events for each statement execute function tell_job_events();
