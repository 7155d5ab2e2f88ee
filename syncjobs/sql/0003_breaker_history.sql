-- Since when a breaker lets nothing pass, and because of what: noted in the very UPDATE that moves it, whoever moves it.

create function note_breaker() returns trigger language plpgsql as $$
declare
    newest jsonb := new.recent_errors -> 0;
    is_forced boolean := new.forced <> '' and new.forced_until > clock_timestamp();
    is_bad boolean := new.unavailable_count + new.refused_count > old.unavailable_count + old.refused_count;
    kind text := coalesce('HTTP ' || (newest ->> 'status'), nullif(left(newest ->> 'problem', 100), ''), 'no answer');
begin
    if new.breaker = 'closed' and old.breaker <> 'closed'
        or old.breaker = 'closed' and new.window_began_at is distinct from old.window_began_at
    then
        new.failures := '{}';                        -- they are over, or of a window that is
    end if;
    if is_bad and not is_forced then
        new.failures := jsonb_set(
            new.failures, array[kind], to_jsonb(coalesce((new.failures ->> kind)::integer, 0) + 1)
        );
    end if;

    if new.breaker = 'closed' then
        new.opened_at := null;
    elsif old.breaker = 'closed' then
        new.opened_at := coalesce(case when is_bad then (newest ->> 'at')::timestamptz end, clock_timestamp());
    end if;

    if new.forced = '' then
        new.forced_at := null;
    elsif old.forced <> new.forced or old.forced_until <= clock_timestamp() then
        new.forced_at := clock_timestamp();
    end if;
    return new;
end $$;

create trigger note_breaker before update on source_state for each row execute function note_breaker();

update source_state set opened_at = clock_timestamp() where breaker <> 'closed';
update source_state set forced_at = clock_timestamp() where forced <> '';
