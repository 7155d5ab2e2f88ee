-- May a source be called? One row per source, one statement per question, the database's clock.
-- A caller holds the row for the length of a statement. `at` stands in for the clock in tests.

-- The call that is asked for goes out after `wait_seconds`; with a `reason` it does not, and may be asked for again
-- then. A `probe` is the number of the one call that tries a source whose breaker is open.
create function acquire_source(
    source text, per_second double precision, per_day integer, share text default 'rest',
    longest_wait double precision default 1, at timestamptz default null,
    out wait_seconds double precision, out reason text, out probe bigint
) language plpgsql as $$
declare
    probe_lease constant interval := '60 seconds';   -- longer than any call takes
    look_again constant double precision := 5;       -- seconds, for those who find a probe under way
    state public.source_state%rowtype;
    moment timestamptz;
    slot timestamptz;
    is_forced boolean;
begin
    select * into state from public.source_state where name = source for update;
    if not found then
        insert into public.source_state (name) values (source) on conflict do nothing;
        select * into state from public.source_state where name = source for update;
    end if;
    moment := coalesce(at, clock_timestamp());       -- read under the lock: nobody is granted a slot that is past
    is_forced := state.forced <> '' and state.forced_until > moment;

    if state.quota_resets_at is null or state.quota_resets_at <= moment then
        state.quota_resets_at := moment + interval '24 hours';
        state.quota_used := 0;
        state.spent := '{}';
    end if;
    slot := greatest(moment, state.next_at, state.blocked_until);

    -- Refusals first: they change nothing. The breaker comes last, since it may hand out its only probe.
    if is_forced and state.forced = 'open' then
        reason := 'breaker';
        wait_seconds := extract(epoch from state.forced_until - moment);
    elsif state.blocked_until > moment + longest_wait * interval '1 second' then
        reason := state.blocked_reason;
        wait_seconds := extract(epoch from state.blocked_until - moment);
    elsif state.quota_used >= per_day then
        reason := 'quota';
        wait_seconds := extract(epoch from state.quota_resets_at - moment);
    elsif slot > moment + longest_wait * interval '1 second' then
        reason := 'rate';
        wait_seconds := extract(epoch from slot - moment);
    elsif is_forced or state.breaker = 'closed' then
        null;
    elsif state.breaker = 'open' and state.retry_at > moment then
        reason := 'breaker';
        wait_seconds := extract(epoch from state.retry_at - moment);
    elsif state.breaker = 'half_open' and state.probe_until > moment then
        reason := 'breaker';
        wait_seconds := least(extract(epoch from state.probe_until - moment), look_again);
    else
        probe := state.probe_number + 1;
    end if;
    if reason is not null then
        return;
    end if;

    wait_seconds := extract(epoch from slot - moment);
    update public.source_state set
        next_at = slot + interval '1 second' / per_second,
        quota_used = state.quota_used + 1,
        quota_resets_at = state.quota_resets_at,
        spent = jsonb_set(state.spent, array[share], to_jsonb(coalesce((state.spent ->> share)::integer, 0) + 1)),
        breaker = case when probe is null then breaker else 'half_open' end,
        probe_number = coalesce(probe, probe_number),
        probe_until = case when probe is null then probe_until else slot + probe_lease end
    where name = source;
end $$;

-- Who waited asks again before calling: meanwhile another's answer may have closed the source. No row: go ahead.
create function source_closed_meanwhile(source text, probe bigint default null, at timestamptz default null)
returns table (wait_seconds double precision, reason text) language sql stable
begin atomic
    select
        extract(epoch from case
            when forced = 'open' and forced_until > moment then forced_until
            when blocked_until > moment then blocked_until
            else greatest(retry_at, moment)
        end - moment)::double precision,
        case when not (forced = 'open' and forced_until > moment) and blocked_until > moment
            then blocked_reason else 'breaker' end
    from public.source_state, lateral (select coalesce(at, clock_timestamp()) as moment) as clock
    where name = source
        and (
            (forced = 'open' and forced_until > moment)
            or blocked_until > moment
            or (breaker <> 'closed' and probe_number is distinct from probe
                and not (forced = 'closed' and forced_until > moment))
        );
end;

-- How a call ended. Only calls that began under a closed breaker, or as its probe, move the breaker.
create function record_source(
    source text, verdict text, probe bigint default null, status integer default null,
    retry_after double precision default null, busy_reason text default null,
    quota_left integer default null, quota_resets_at double precision default null, per_day integer default null,
    problem text default null, at timestamptz default null
) returns void language plpgsql as $$
declare
    failures_to_open constant integer := 5;          -- and half of the calls
    failure_window constant interval := '60 seconds';
    first_opening constant double precision := 30;   -- seconds, doubled after each bad probe
    longest_opening constant double precision := 900;
    probes_to_close constant integer := 2;
    errors_kept constant integer := 10;
    state public.source_state%rowtype;
    moment timestamptz;
    reset timestamptz;
    is_bad boolean := verdict in ('unavailable', 'refused');
    opens boolean := false;
begin
    select * into state from public.source_state where name = source for update;
    if not found then
        return;
    end if;
    moment := coalesce(at, clock_timestamp());
    reset := to_timestamp(quota_resets_at);

    case verdict
        when 'answered' then
            state.answered_count := state.answered_count + 1;
            state.last_answered_at := moment;
        when 'busy' then
            state.busy_count := state.busy_count + 1;
            if moment + retry_after * interval '1 second' > coalesce(state.blocked_until, moment) then
                state.blocked_until := moment + retry_after * interval '1 second';
                state.blocked_reason := coalesce(busy_reason, 'rate');
            end if;
        when 'unavailable' then state.unavailable_count := state.unavailable_count + 1;
        when 'refused' then state.refused_count := state.refused_count + 1;
    end case;
    if verdict <> 'answered' then
        state.recent_errors := (
            select jsonb_agg(entry order by place) from jsonb_array_elements(
                jsonb_build_array(jsonb_build_object(
                    'at', moment, 'verdict', verdict, 'status', status, 'problem', coalesce(problem, '')
                )) || state.recent_errors
            ) with ordinality as errors (entry, place) where place <= errors_kept
        );
    end if;

    -- The source's own count wins where it is higher: others may use the same key.
    if quota_left is not null and per_day is not null and (reset is null or reset > moment) then
        state.quota_used := greatest(state.quota_used, least(per_day - quota_left, per_day));
        state.quota_resets_at := least(state.quota_resets_at, reset);
    end if;

    if state.forced <> '' and state.forced_until > moment then
        null;                                        -- an operator decides
    elsif state.breaker = 'closed' then
        if state.window_began_at is null or state.window_began_at <= moment - failure_window then
            state.window_began_at := moment;
            state.window_count := 0;
            state.window_failures := 0;
        end if;
        if verdict <> 'busy' then
            state.window_count := state.window_count + 1;
            state.window_failures := state.window_failures + is_bad::integer;
        end if;
        opens := verdict = 'refused'
            or (is_bad and state.window_failures >= failures_to_open and state.window_failures * 2 >= state.window_count);
    elsif state.breaker = 'half_open' and state.probe_number = probe then
        state.probe_until := moment;                 -- the next may try
        if is_bad then
            opens := true;
        elsif verdict = 'answered' then
            state.good_probes := state.good_probes + 1;
        end if;
        if state.good_probes >= probes_to_close then
            state.breaker := 'closed';
            state.openings := 0;
            state.window_began_at := null;
        end if;
    end if;
    if opens then
        state.breaker := 'open';
        state.retry_at := moment
            + least(first_opening * 2 ^ least(state.openings, 10), longest_opening) * interval '1 second';
        state.openings := state.openings + 1;
        state.good_probes := 0;
    end if;

    update public.source_state set
        answered_count = state.answered_count, busy_count = state.busy_count,
        unavailable_count = state.unavailable_count, refused_count = state.refused_count,
        last_answered_at = state.last_answered_at, recent_errors = state.recent_errors,
        blocked_until = state.blocked_until, blocked_reason = state.blocked_reason,
        quota_used = state.quota_used, quota_resets_at = state.quota_resets_at,
        window_began_at = state.window_began_at, window_count = state.window_count,
        window_failures = state.window_failures,
        breaker = state.breaker, retry_at = state.retry_at, openings = state.openings,
        good_probes = state.good_probes, probe_until = state.probe_until
    where name = source;
end $$;
