-- At most one batch per table named in `retention`, oldest first; one line per table with what it removed.
create function cleanup_old_data(batch integer default 5000)
returns table (table_name text, removed bigint) language plpgsql as $$
declare
  rule record;
begin
  if batch is null or batch < 1 then
    raise exception 'cleanup_old_data: the batch must be at least 1, not %', batch using errcode = '22023';
  end if;
  for rule in
    select r.table_name as name,
           string_agg(format('(%s) and %I < now() - interval %L', r.condition, r.time_column, r.keep), ') or (') as expired,
           min(r.time_column) as oldest_first
      from public.retention r group by r.table_name order by r.table_name
  loop
    execute format(
      'delete from public.%I where ctid = any (array(select ctid from public.%I where (%s) order by %I limit %s))',
      rule.name, rule.name, rule.expired, rule.oldest_first, batch);
    get diagnostics removed = row_count;
    table_name := rule.name;
    return next;
  end loop;
end $$;
