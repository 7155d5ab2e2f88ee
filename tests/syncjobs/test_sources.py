"""The shared gate: rates and quotas hold, blocks bind everybody, the breaker opens, tries and closes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from syncjobs.models import SourceState
from syncjobs.sources import PERCENT, Share, share_left

pytestmark = pytest.mark.django_db

START = datetime(2026, 7, 1, 12, tzinfo=UTC)


@dataclass
class Source:
    """A source whose clock is an argument: seconds since the start."""

    per_second: float = 5
    per_day: int = 5000
    name: str = "ticketmaster"
    share: str = "rest"
    at: float = field(default=0, init=False)

    def ask(self, at: float, longest_wait: float = 1) -> tuple[float, str | None, int | None]:
        """How long to wait, why not, and the number of the probe, if it is one."""
        return self._call(
            "SELECT * FROM acquire_source(%s, %s, %s, %s, %s, %s)",
            [self.name, self.per_second, self.per_day, self.share, longest_wait, moment(at)],
        )

    def tell(self, at: float, verdict: str, probe: int | None = None, **more: Any) -> None:
        """Say how a call ended."""
        answer = {"source": self.name, "verdict": verdict, "probe": probe, "at": moment(at), "per_day": self.per_day}
        answer |= more
        named = ", ".join(f"{name} => %({name})s" for name in answer)
        self._call(f"SELECT record_source({named})", answer)

    def look(self, at: float, probe: int | None = None) -> tuple[float, str] | None:
        """Whether it was closed meanwhile."""
        return self._call("SELECT * FROM source_closed_meanwhile(%s, %s, %s)", [self.name, probe, moment(at)])

    def set(self, **columns: Any) -> None:
        SourceState.objects.filter(pk=self.name).update(**columns)

    @property
    def state(self) -> SourceState:
        return SourceState.objects.get(pk=self.name)

    def opens(self, at: float = 0) -> None:
        """Five failures."""
        for _ in range(5):
            self.tell(at, "unavailable", problem="No answer.")

    @staticmethod
    def _call(question: str, values: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(question, values)
            return cursor.fetchone()


def moment(at: float) -> datetime:
    return START + timedelta(seconds=at)


@pytest.fixture
def source() -> Source:
    return Source()


def test_each_source_has_its_row():
    assert set(SourceState.objects.values_list("name", flat=True)) == {"ticketmaster", "spotify", "setlistfm"}


def test_a_row_that_is_missing_is_made(source):
    SourceState.objects.all().delete()
    assert source.ask(0) == (0, None, None)
    assert source.state.quota_used == 1


# --- rate


def test_calls_are_spaced_and_who_would_wait_too_long_is_sent_away(source):
    waits = [source.ask(0)[:2] for _ in range(8)]
    assert waits[:6] == [(pytest.approx(number * 0.2), None) for number in range(6)]
    assert waits[6:] == [(pytest.approx(1.2), "rate")] * 2


def test_who_was_sent_away_took_nothing(source):
    for _ in range(9):
        source.ask(0)
    assert source.state.quota_used == 6
    assert source.ask(1.2)[:2] == (pytest.approx(0), None)


@settings(max_examples=40)
@given(
    per_second=st.sampled_from([0.5, 1.6, 2, 5, 20]),
    pauses=st.lists(st.floats(0, 0.7), min_size=1, max_size=40),
)
def test_no_second_ever_holds_more_than_the_rate(per_second: float, pauses: list[float]):
    SourceState.objects.all().delete()
    source, at, granted = Source(per_second=per_second), 0.0, []
    for pause in pauses:
        at += pause
        wait, reason, _ = source.ask(at)
        if reason is None:
            granted.append(at + wait)
    assert granted[0] == pytest.approx(pauses[0])
    gaps = [after - before for before, after in pairwise(granted)]
    assert all(gap >= 1 / per_second - 1e-5 for gap in gaps)


# --- the day's quota


def test_the_quota_ends_and_comes_back_a_day_after_its_first_call():
    source = Source(per_second=100, per_day=3)
    assert [source.ask(number)[1] for number in range(5)] == [None, None, None, "quota", "quota"]
    assert source.ask(3600)[0] == pytest.approx(86400 - 3600)
    assert source.ask(86400)[1] is None
    assert source.state.quota_used == 1


def test_the_source_s_own_count_wins_where_it_is_higher(source):
    source.ask(0)
    source.tell(0.1, "answered", quota_left=7, quota_resets_at=moment(100).timestamp())
    assert source.state.quota_used == 4993
    source.tell(0.2, "answered", quota_left=4999, quota_resets_at=moment(500).timestamp())
    assert (source.state.quota_used, source.state.quota_resets_at) == (4993, moment(100))
    assert source.ask(100)[1] is None
    assert source.state.quota_used == 1


def test_a_count_of_yesterday_or_of_a_larger_quota_changes_nothing(source):
    source.ask(0)
    source.tell(1, "answered", quota_left=0, quota_resets_at=moment(-5).timestamp())
    source.tell(1, "answered", quota_left=499_972)
    assert source.state.quota_used == 1


def test_calls_are_counted_on_their_share(source):
    for share in ["discovery", "discovery", "rest"]:
        source.share = share
        source.ask(0)
    assert source.state.spent == {"discovery": 2, "rest": 1}


# --- blocks


def test_retry_after_blocks_everybody_until_it_is_over(source):
    source.ask(0)
    source.tell(0.1, "busy", retry_after=30, busy_reason="rate")
    assert source.ask(0.2)[:2] == (pytest.approx(29.9), "rate")
    assert source.ask(29.5)[:2] == (pytest.approx(0.6), None)  # short enough to wait
    assert source.ask(30.4)[0] == pytest.approx(0)


def test_the_longer_of_two_blocks_holds(source):
    source.tell(0, "busy", retry_after=3600, busy_reason="quota")
    source.tell(1, "busy", retry_after=2, busy_reason="rate")
    assert source.ask(5)[:2] == (pytest.approx(3595), "quota")


def test_who_waited_sees_a_block_that_came_meanwhile(source):
    assert source.look(0) is None
    source.tell(0, "busy", retry_after=30, busy_reason="rate")
    assert source.look(0.5) == (pytest.approx(29.5), "rate")
    assert source.look(30) is None


# --- the breaker


def test_five_failures_in_a_minute_open_it(source):
    for number in range(4):
        source.tell(number, "unavailable")
    assert source.ask(4)[1] is None
    source.tell(5, "unavailable")
    assert source.ask(6)[:2] == (pytest.approx(29), "breaker")
    assert source.look(6) == (pytest.approx(29), "breaker")


@pytest.mark.parametrize(
    ("told", "breaker"),
    [
        (["unavailable"] * 4, "closed"),
        (["unavailable"] * 5, "open"),
        (["answered"] * 6 + ["unavailable"] * 5, "closed"),  # fewer than half
        (["answered"] * 5 + ["unavailable"] * 5, "open"),
        (["busy"] * 50, "closed"),  # for the limiter
        (["answered"] * 50, "closed"),  # "not found" is an answer
        (["busy"] * 20 + ["unavailable"] * 5, "open"),
        (["refused"], "open"),  # every next call would fail, too
        (["answered"] * 99 + ["refused"], "open"),
    ],
)
def test_what_opens_it(source, told, breaker):
    for verdict in told:
        source.tell(1, verdict, retry_after=0.1 if verdict == "busy" else None)
    assert source.state.breaker == breaker


def test_it_is_noted_since_when_it_is_open_and_what_failed_until_it_closes(source):
    for at in range(4):
        source.tell(at, "unavailable", status=503)
    assert source.state.opened_at is None
    source.tell(4, "unavailable", problem="No answer.")
    assert (source.state.opened_at, source.state.failures) == (moment(4), {"HTTP 503": 4, "No answer.": 1})
    probe = source.ask(34)[2]
    source.tell(34, "unavailable", probe, status=503)
    assert (source.state.opened_at, source.state.failures["HTTP 503"]) == (moment(4), 5)
    for _ in range(2):
        source.tell(94, "answered", source.ask(94)[2])
    assert (source.state.breaker, source.state.opened_at, source.state.failures) == ("closed", None, {})


def test_failures_of_a_minute_that_is_over_are_none_of_those_that_open_it(source):
    source.tell(0, "unavailable", status=500)
    for _ in range(5):
        source.tell(61, "unavailable", status=503)
    assert (source.state.opened_at, source.state.failures) == (moment(61), {"HTTP 503": 5})


def test_it_is_noted_when_it_was_forced_and_anew_when_that_was_over(source):
    source.set(forced="open", forced_until=timezone.now() + timedelta(hours=1), forced_reason="Asked to.")
    first = source.state.forced_at
    source.tell(0, "unavailable")
    source.set(forced_reason="Asked twice.", forced_until=timezone.now() - timedelta(seconds=1))
    assert (source.state.forced_at, source.state.failures) == (first, {})
    source.set(forced_until=timezone.now() + timedelta(hours=1))
    assert source.state.forced_at > first
    source.set(forced="")
    assert source.state.forced_at is None


def test_failures_of_different_minutes_do_not_add_up(source):
    for number in range(10):
        source.tell(number * 20, "unavailable")
    assert source.state.breaker == "closed"


def test_one_probe_at_a_time_and_two_good_ones_close_it(source):
    source.opens()
    assert source.ask(29.9)[1] == "breaker"
    assert source.ask(30)[1:] == (None, 1)
    assert source.ask(30)[:2] == (pytest.approx(5), "breaker")
    source.tell(31, "answered", probe=1)
    assert source.state.breaker == "half_open"
    assert source.ask(31)[1:] == (None, 2)
    assert source.ask(31)[1] == "breaker"
    source.tell(32, "answered", probe=2)
    assert source.state.breaker == "closed"
    assert source.ask(33)[1:] == (None, None)


def test_each_bad_probe_doubles_the_wait_up_to_a_quarter_of_an_hour(source):
    source.opens()
    at, waits = 0.0, []
    for number in range(1, 8):
        at = (source.state.retry_at - START).total_seconds()
        assert source.ask(at)[1:] == (None, number)
        source.tell(at, "unavailable", probe=number)
        waits.append((source.state.retry_at - START).total_seconds() - at)
    assert waits == [60, 120, 240, 480, 900, 900, 900]


def test_after_it_has_closed_the_next_opening_is_short_again(source):
    source.opens()
    source.ask(30)
    source.tell(30, "unavailable", probe=1)
    for probe in (2, 3):
        source.ask(100 + probe)
        source.tell(100 + probe, "answered", probe=probe)
    source.opens(200)
    assert source.state.retry_at == moment(230)


def test_a_probe_that_never_ended_is_given_to_another(source):
    source.opens()
    assert source.ask(30)[2] == 1
    assert source.ask(89)[1] == "breaker"
    assert source.ask(90)[1:] == (None, 2)
    source.tell(91, "answered", probe=1)  # the lost one comes back: too late
    assert source.state.good_probes == 0


@pytest.mark.parametrize("verdict", ["answered", "unavailable", "refused"])
def test_calls_that_began_before_it_opened_neither_close_nor_reopen_it(source, verdict):
    source.opens()
    source.ask(30)
    before = source.state.retry_at
    source.tell(31, verdict)
    assert (source.state.breaker, source.state.good_probes, source.state.retry_at) == ("half_open", 0, before)


def test_a_busy_probe_says_nothing_of_health(source):
    source.opens()
    source.ask(30)
    source.tell(31, "busy", probe=1, retry_after=60)
    assert (source.state.breaker, source.state.good_probes) == ("half_open", 0)
    assert source.ask(40)[1] == "rate"
    assert source.ask(91)[1:] == (None, 2)


def test_a_probe_that_waited_may_go_and_others_may_not(source):
    source.opens()
    source.ask(30)
    assert source.look(30.5, probe=1) is None
    assert source.look(30.5)[1] == "breaker"


# --- forced


def test_forced_open_lets_nothing_pass_until_its_end(source):
    source.set(forced="open", forced_until=moment(600), forced_reason="They asked us to stop.")
    assert source.ask(0)[:2] == (pytest.approx(600), "breaker")
    assert source.look(1)[1] == "breaker"
    assert source.ask(600)[1] is None


def test_forced_closed_passes_whatever_happens_but_keeps_to_the_rate(source):
    source.opens()
    source.set(forced="closed", forced_until=moment(600), forced_reason="It is well, we know.")
    assert source.ask(1)[1:] == (None, None)
    source.opens(2)
    assert source.look(2) is None
    assert [source.ask(2)[1] for _ in range(7)][-1] == "rate"
    source.tell(3, "busy", retry_after=60)
    assert source.ask(4)[1] == "rate"


def test_after_a_forced_breaker_the_old_state_goes_on(source):
    source.opens()
    source.set(forced="closed", forced_until=moment(10), forced_reason="Try.")
    assert source.ask(11)[1] == "breaker"


# --- whatever happens

ACTIONS = st.lists(
    st.tuples(
        st.floats(0, 20),  # seconds later
        st.sampled_from(["ask", "ask", "ask", "answered", "unavailable", "unavailable", "busy", "refused", "lost"]),
        st.integers(0, 7),  # which of the open calls it is about
        st.sampled_from([0.5, 3, 40]),
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(actions=ACTIONS)
def test_whatever_happens_no_rule_is_broken(actions):
    """A block is kept, an open breaker is shut, at most one probe is out, the day's quota is never passed."""
    SourceState.objects.all().delete()
    source = Source(per_second=2, per_day=12)
    source.ask(0)
    at, out = 0.0, [None]
    granted = 1
    for pause, action, which, seconds in actions:
        at += pause
        before = source.state
        if action == "ask":
            wait, reason, probe = source.ask(at)
            if reason is None:
                check_grant(before, at, wait, probe)
                out.append(probe)
                granted += 1
        elif out:
            probe = out.pop(which % len(out))
            if action != "lost":
                source.tell(at, action, probe=probe, retry_after=seconds if action == "busy" else None)
            check_told(before, source.state, probe)
    assert source.state.quota_used == granted <= 12


def check_grant(before: SourceState, at: float, wait: float, probe: int | None) -> None:
    assert before.blocked_until is None or moment(at + wait) >= before.blocked_until
    match before.breaker:
        case "closed":
            assert probe is None
        case "open":
            assert probe
            assert before.retry_at <= moment(at)
        case "half_open":
            assert probe == before.probe_number + 1
            assert before.probe_until <= moment(at)  # the last one has ended, or is lost


def check_told(before: SourceState, after: SourceState, probe: int | None) -> None:
    """Only the newest probe moves a breaker that is not closed."""
    assert before.breaker in ("closed", after.breaker) or probe == before.probe_number


# --- what is remembered


def test_the_last_ten_errors_are_kept_the_newest_first(source):
    for number in range(12):
        source.tell(number, "unavailable", status=503, problem=f"Problem {number}.")
    errors = source.state.recent_errors
    assert [error["problem"] for error in errors] == [f"Problem {number}." for number in range(11, 1, -1)]
    assert (errors[0]["status"], errors[0]["verdict"]) == (503, "unavailable")


def test_calls_are_counted_by_how_they_ended(source):
    for verdict in ["answered", "answered", "busy", "unavailable", "refused"]:
        source.tell(3, verdict, retry_after=1)
    state = source.state
    assert (state.answered_count, state.busy_count, state.unavailable_count, state.refused_count) == (2, 1, 1, 1)
    assert state.last_answered_at == moment(3)


def test_what_is_told_of_an_unknown_source_is_forgotten(source):
    source.name = "songkick"
    source.tell(0, "answered")
    assert not SourceState.objects.filter(pk="songkick").exists()


# --- shares of the day


@pytest.mark.parametrize(
    ("share", "used", "spent", "day_left", "left"),
    [
        (Share.OPERATORS, 0, {}, 1, 200),
        (Share.DISCOVERY, 0, {}, 1, 400),
        (Share.UPDATES, 0, {}, 1, 300),
        (Share.REST, 0, {}, 1, 100),
        (Share.DISCOVERY, 400, {Share.DISCOVERY: 400}, 1, 0),
        (Share.DISCOVERY, 400, {Share.DISCOVERY: 400}, 0.5, 300),  # half of the 600 that the others left
        (Share.UPDATES, 400, {Share.DISCOVERY: 400}, 1, 300),
        (Share.REST, 0, {}, 0, 1000),
        (Share.REST, 1000, {}, 0.2, 0),
        (Share.OPERATORS, 700, {Share.DISCOVERY: 400}, 1, 0),  # somebody else uses the key
    ],
)
def test_what_a_share_has_left(share, used, spent, day_left, left):
    assert share_left(share, per_day=1000, used=used, spent=spent, day_left=day_left) == left


@given(
    spent=st.dictionaries(st.sampled_from(list(Share)), st.integers(0, 600)),
    day_left=st.floats(0, 1),
    share=st.sampled_from(list(Share)),
)
def test_no_share_gets_more_than_is_left_nor_takes_what_is_still_another_s(spent, day_left, share):
    used = sum(spent.values())
    left = share_left(share, per_day=1000, used=used, spent=spent, day_left=day_left)
    assert 0 <= left <= max(1000 - used, 0)
    for other in set(Share) - {share}:
        own = max(1000 * PERCENT[other] / 100 - spent.get(other, 0), 0) * day_left
        if left:
            assert 1000 - used - left >= int(own)


def test_the_shares_are_the_whole_day():
    assert sum(PERCENT.values()) == 100
