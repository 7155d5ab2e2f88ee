"""The shared gate over real processes, in and out of transactions, and before the stand-in's faults."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import OperationalError, connections, transaction
from django.utils import timezone

from syncjobs import sources
from syncjobs.clients.errors import (
    BusyReason,
    RecordNotFound,
    Source,
    SourceBusy,
    SourceNotConfigured,
    SourceRefused,
    SourceUnavailable,
)
from syncjobs.clients.gate import Outcome, Verdict
from syncjobs.models import SourceState
from syncjobs.sources import Share, SharedGate, client_for, left_today, spending
from tests.standin.faults import Fault, Kind
from tests.standin.outside import Outside, outside
from tests.syncjobs.crowds import Crowd
from tests.syncjobs.outsiders import questions

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = 5
FAST = dict.fromkeys(Source, (200.0, 0))


@pytest.fixture(autouse=True)
def forget():
    SourceState.objects.all().delete()
    vars(sources._kept).clear()


@pytest.fixture(scope="module")
def standing() -> Iterator[Outside]:
    with outside(begin=date(2026, 7, 1)) as made:
        yield made


@pytest.fixture
def standin(standing: Outside, settings) -> Outside:
    standing.fails()
    standing.log.clear()
    for name, value in standing.settings().items():
        setattr(settings, name, value)
    settings.SOURCE_LIMITS = FAST
    return standing


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with Crowd(PROCESSES) as made:
        yield made


def state() -> SourceState:
    return SourceState.objects.get(pk="ticketmaster")


def outcome(verdict: Verdict, **more) -> Outcome:
    return Outcome(source=Source.TICKETMASTER, verdict=verdict, elapsed_seconds=0.1, **more)


# --- many processes


def test_many_processes_together_keep_to_the_rate(crowd):
    began = timezone.now()
    told = Counter(word for words in crowd.ask(20, 2.0) for word, _ in words)
    span = (state().next_at - began).total_seconds()
    assert set(told) <= {"granted", "rate"}
    assert told["granted"] == state().quota_used
    assert told["granted"] <= span * 20
    assert told["granted"] >= 40  # two seconds' worth: waiting cost nothing


def test_of_many_processes_one_probes(crowd):
    past = timezone.now() - timedelta(seconds=1)
    SourceState.objects.create(name="ticketmaster", breaker="open", retry_at=past, openings=1)
    told = Counter(word for words in crowd.ask(1000, 0) for word, _ in words)
    assert told == {"granted": 1, "breaker": PROCESSES - 1}
    assert state().breaker == "half_open"


# --- transactions


def test_the_latency_is_that_of_answers_each_new_one_a_tenth():
    gate = SharedGate()
    gate.acquire(Source.TICKETMASTER)
    assert state().latency_ms is None
    for verdict, seconds in ((Verdict.ANSWERED, 0.1), (Verdict.UNAVAILABLE, 10.0), (Verdict.ANSWERED, 0.2)):
        gate.record(Outcome(source=Source.TICKETMASTER, verdict=verdict, elapsed_seconds=seconds))
    assert state().latency_ms == pytest.approx(110)


def test_a_call_counts_even_if_the_caller_rolls_back_and_the_row_is_free():
    with transaction.atomic():
        SharedGate().acquire(Source.TICKETMASTER)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(_lock_at_once).result() == 1
        transaction.set_rollback(True)
    assert state().quota_used == 1


def _lock_at_once() -> int:
    try:
        with transaction.atomic():
            return len(SourceState.objects.select_for_update(nowait=True))
    finally:
        connections.close_all()


def test_it_works_in_a_transaction_that_has_failed():
    with transaction.atomic():
        transaction.set_rollback(True)
        SharedGate().acquire(Source.TICKETMASTER)
        SharedGate().record(outcome(Verdict.ANSWERED))
    assert state().answered_count == 1


def test_a_caller_that_holds_the_row_itself_is_told_instead_of_waiting_for_ever():
    SharedGate().acquire(Source.TICKETMASTER)
    with transaction.atomic():
        SourceState.objects.select_for_update().get(pk="ticketmaster")
        with pytest.raises(OperationalError, match="lock timeout"):
            SharedGate().acquire(Source.TICKETMASTER)


# --- waiting


def test_a_short_wait_is_waited_and_a_long_one_refused(settings):
    settings.SOURCE_LIMITS = {Source.TICKETMASTER: (0.5, 100)}
    pauses: list[float] = []
    gate = SharedGate(pause=pauses.append)
    gate.acquire(Source.TICKETMASTER)
    with pytest.raises(SourceBusy) as caught:
        gate.acquire(Source.TICKETMASTER)
    assert pauses == []
    assert 1 <= caught.value.retry_after <= 2
    settings.SOURCE_LIMITS = {Source.TICKETMASTER: (2, 100)}
    SourceState.objects.update(next_at=timezone.now() + timedelta(seconds=0.6))
    gate.acquire(Source.TICKETMASTER)
    assert len(pauses) == 1
    assert 0 < pauses[0] <= 0.6


def test_an_answer_that_closes_the_source_stops_those_who_wait_at_the_gate():
    def meanwhile(seconds: float) -> None:
        SharedGate().record(outcome(Verdict.BUSY, status=429, retry_after=30.0, reason=BusyReason.RATE))

    SharedGate().acquire(Source.TICKETMASTER)
    SourceState.objects.update(next_at=timezone.now() + timedelta(seconds=0.5))
    with pytest.raises(SourceBusy) as caught:
        SharedGate(pause=meanwhile).acquire(Source.TICKETMASTER)
    assert 29 < caught.value.retry_after <= 30


def test_a_probe_of_another_thread_is_not_taken_for_ones_own():
    past = timezone.now() - timedelta(seconds=1)
    SourceState.objects.create(name="ticketmaster", breaker="open", retry_at=past, openings=1)
    gate = SharedGate()
    gate.acquire(Source.TICKETMASTER)

    def late_answer() -> None:
        gate.record(outcome(Verdict.ANSWERED))
        connections.close_all()

    thread = threading.Thread(target=late_answer)
    thread.start()
    thread.join()
    assert state().good_probes == 0
    gate.record(outcome(Verdict.ANSWERED))
    assert state().good_probes == 1


# --- clients made from settings


def test_a_source_without_its_key_says_which_setting_is_missing(settings):
    for source, setting in [
        (Source.TICKETMASTER, "TICKETMASTER_API_KEY"),
        (Source.SPOTIFY, "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET"),
        (Source.SETLISTFM, "SETLISTFM_API_KEY"),
    ]:
        with pytest.raises(SourceNotConfigured, match=setting) as caught:
            client_for(source)
        assert str(caught.value).startswith(source.label)


def test_each_thread_keeps_its_clients_until_the_settings_change(standin, settings):
    for source in Source:
        assert client_for(source) is client_for(source)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(client_for, Source.SPOTIFY).result() is not client_for(Source.SPOTIFY)
    before = client_for(Source.TICKETMASTER)
    settings.TICKETMASTER_API_KEY = "another"
    assert client_for(Source.TICKETMASTER) is not before


def test_a_token_is_asked_for_once_over_many_jobs(standin):
    for _ in range(3):
        sources.spotify().artist(standin.world.artists["Coldplay"].spotify_id)
    assert [call.path for call in standin.log.of(Source.SPOTIFY)].count("/api/token") == 1


def test_answers_are_counted_and_the_quota_is_the_source_s_own(standin, settings):
    settings.SOURCE_LIMITS = {**FAST, Source.TICKETMASTER: (200.0, 5000)}
    standin.ticketmaster.calls = 4200
    sources.ticketmaster().artist(standin.world.artists["Coldplay"].ticketmaster_id)
    assert state().answered_count == 1
    assert state().quota_used == 4201
    assert left_today(Source.TICKETMASTER, Share.DISCOVERY, now=timezone.now()) == 0
    assert left_today(Source.SPOTIFY, Share.DISCOVERY, now=timezone.now()) == 0.4 * 200 * 86400


def test_calls_are_counted_on_the_share_they_are_made_for(standin):
    artist = standin.world.artists["Coldplay"]
    with spending(Share.DISCOVERY):
        sources.ticketmaster().artist(artist.ticketmaster_id)
    sources.ticketmaster().artist(artist.ticketmaster_id)
    assert state().spent == {"discovery": 1, "rest": 1}


def test_not_found_and_bad_questions_leave_the_breaker_closed(standin):
    for _ in range(10):
        with pytest.raises(RecordNotFound):
            sources.ticketmaster().artist("K8vNobody00")
    assert (state().breaker, state().answered_count) == ("closed", 10)


def test_a_refused_key_opens_the_breaker_at_once_and_is_told_without_the_key(standin, settings):
    settings.SETLISTFM_API_KEY = "wrong"
    with pytest.raises(SourceRefused):
        sources.setlistfm().artist(standin.world.artists["Coldplay"].mbid)
    with pytest.raises(SourceBusy, match="breaker"):
        sources.setlistfm().artist(standin.world.artists["Coldplay"].mbid)
    kept = SourceState.objects.get(pk="setlistfm")
    assert len(standin.log.of(Source.SETLISTFM)) == 1
    assert "SETLISTFM_API_KEY" in kept.recent_errors[0]["problem"]
    assert "wrong" not in json.dumps(kept.recent_errors)


def test_the_end_of_the_quota_stops_everybody(standin):
    artist = standin.world.artists["Coldplay"]
    standin.fails(Fault(kind=Kind.QUOTA, source=Source.TICKETMASTER))
    for _ in range(3):
        with pytest.raises(SourceBusy) as caught:
            sources.ticketmaster().artist(artist.ticketmaster_id)
        assert caught.value.reason == BusyReason.QUOTA
        assert caught.value.retry_after > 60
    assert len(standin.log.calls) == 1
    assert left_today(Source.TICKETMASTER, Share.OPERATORS, now=timezone.now()) == 0


def test_while_a_source_is_dead_only_probes_reach_it(standin):
    """R15: at most the threshold and what is on its way before it opens, then one probe per window."""
    standin.fails(Fault(kind=Kind.RESET, source=Source.SETLISTFM))
    mbid = standin.world.artists["Coldplay"].mbid

    def ask(_: int) -> str:
        try:
            sources.setlistfm().artist(mbid)
        except SourceBusy as busy:
            return busy.reason
        except SourceUnavailable:
            return "unavailable"
        finally:
            connections.close_all()
        return "answered"

    with ThreadPoolExecutor(4) as threads:
        told = Counter(threads.map(ask, range(24)))
        assert len(standin.log.calls) <= 5 + 4
        assert told["answered"] == 0
        assert told["breaker"] >= 12
        for _ in range(3):
            standin.log.clear()
            SourceState.objects.filter(pk="setlistfm").update(retry_at=timezone.now())
            list(threads.map(ask, range(12)))
            assert len(standin.log.calls) == 1
        standin.fails()
        SourceState.objects.filter(pk="setlistfm").update(retry_at=timezone.now())
        list(threads.map(ask, range(12)))
        SourceState.objects.filter(pk="setlistfm").update(probe_until=timezone.now())
        assert set(threads.map(ask, range(12))) == {"answered"}


def test_under_faults_all_is_got_and_nobody_calls_while_retry_after_runs(standin):
    """R16 at a tenth of its size: whoever is told to come back comes back then, as the queue does."""
    standin.fails(
        Fault(kind=Kind.WAIT, chance=0.04, seconds=1),
        Fault(kind=Kind.ERROR, chance=0.08),
        Fault(kind=Kind.SILENT, chance=0.02, seconds=0.1),
        Fault(kind=Kind.CUT, chance=0.01),
        seed=11,
    )
    asked = questions(standin, 12)

    def persist(question: tuple[Source, str, str]) -> object:
        source, what, of = question
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                return getattr(client_for(source), what)(of)
            except SourceBusy as busy:
                time.sleep(min(busy.retry_after, 2))
            except SourceUnavailable:
                continue
            finally:
                connections.close_all()
        return None

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(persist, asked))
    assert standin.log.early() == []
    assert {"wait", "error", "silent"} <= {call.fault for call in standin.log.calls}
    assert len(standin.log.calls) <= 1.35 * (len(asked) + 4)  # and a token for each thread


def test_left_today_of_a_source_that_nobody_asked_yet_is_the_whole_share():
    assert left_today(Source.SETLISTFM, Share.UPDATES, now=datetime(2026, 7, 1, tzinfo=UTC)) == 432
