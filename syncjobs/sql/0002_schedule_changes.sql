-- Schedules may be edited by form, by QuerySet.update() or by SQL: these triggers see all of them.

-- Slots before an edit were the old timing's: the account of the new one starts now.
create function start_schedule_account() returns trigger language plpgsql as $$
begin
  insert into public.schedule_state as s (schedule_id, accounted_until) values (new.id, clock_timestamp())
  on conflict (schedule_id) do update set accounted_until = greatest(s.accounted_until, excluded.accounted_until);
  return null;
end $$;

create function start_schedule_accounts() returns trigger language plpgsql as $$
begin
  update public.schedule_state s set accounted_until = greatest(s.accounted_until, clock_timestamp())
    from public.django_celery_beat_periodictask t
   where t.id = s.schedule_id and to_jsonb(t) ->> tg_argv[0] = new.id::text;
  return null;
end $$;

-- What django-celery-beat's own save() does for those who go round it.
create function note_schedule_change() returns trigger language plpgsql as $$
begin
  insert into public.django_celery_beat_periodictasks (ident, last_update) values (1, clock_timestamp())
  on conflict (ident) do update set last_update = excluded.last_update;
  return null;
end $$;

create trigger account_of_new after insert on django_celery_beat_periodictask
  for each row execute function start_schedule_account();
create trigger account_of_edited after update on django_celery_beat_periodictask
  for each row when (
    (old.task, old.crontab_id, old.interval_id, old.clocked_id, old.solar_id, old.start_time, old.enabled)
    is distinct from
    (new.task, new.crontab_id, new.interval_id, new.clocked_id, new.solar_id, new.start_time, new.enabled))
  execute function start_schedule_account();
create trigger account_of_edited after update on django_celery_beat_crontabschedule
  for each row when (old.* is distinct from new.*) execute function start_schedule_accounts('crontab_id');
create trigger account_of_edited after update on django_celery_beat_intervalschedule
  for each row when (old.* is distinct from new.*) execute function start_schedule_accounts('interval_id');
create trigger account_of_edited after update on django_celery_beat_clockedschedule
  for each row when (old.* is distinct from new.*) execute function start_schedule_accounts('clocked_id');
create trigger account_of_edited after update on django_celery_beat_solarschedule
  for each row when (old.* is distinct from new.*) execute function start_schedule_accounts('solar_id');

create trigger tell_beat after insert or delete
  or update of name, task, crontab_id, interval_id, clocked_id, solar_id, start_time, expires, enabled, one_off, kwargs
  on django_celery_beat_periodictask for each statement execute function note_schedule_change();
create trigger tell_beat after update on django_celery_beat_crontabschedule
  for each statement execute function note_schedule_change();
create trigger tell_beat after update on django_celery_beat_intervalschedule
  for each statement execute function note_schedule_change();
create trigger tell_beat after update on django_celery_beat_clockedschedule
  for each statement execute function note_schedule_change();
create trigger tell_beat after update on django_celery_beat_solarschedule
  for each statement execute function note_schedule_change();

insert into schedule_state (schedule_id, accounted_until)
select id, clock_timestamp() from django_celery_beat_periodictask;
