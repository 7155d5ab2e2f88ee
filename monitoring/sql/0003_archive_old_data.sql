-- One batch of what cleanup_old_data() would remove from one table, oldest first: removed, and given as JSON.
-- For who writes it to a file before he commits.
create function archive_old_data(name text, batch integer default 5000)
returns setof jsonb language plpgsql as $$
declare
  rule record;
begin
  if batch is null or batch < 1 then
    raise exception 'archive_old_data: the batch must be at least 1, not %', batch using errcode = '22023';
  end if;
  select string_agg(format('(%s) and %I < now() - interval %L', r.condition, r.time_column, r.keep), ') or (') as expired,
         min(r.time_column) as oldest_first
    into rule
    from public.retention r where r.table_name = archive_old_data.name;
  if rule.expired is null then
    raise exception 'archive_old_data: there is no retention of %', coalesce(quote_literal(name), 'NULL')
      using errcode = '22023';
  end if;
  return query execute format(
    'delete from public.%I as gone where ctid = any (array(select ctid from public.%I where (%s) order by %I limit %s))'
    ' returning to_jsonb(gone)',
    name, name, rule.expired, rule.oldest_first, batch);
end $$;
