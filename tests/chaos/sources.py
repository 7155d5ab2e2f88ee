"""Sources from outside: a rate that many processes share, a source that is dead, one that is moody."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.test import override_settings

from syncjobs.clients.errors import Source
from syncjobs.models import QueueJob
from syncjobs.queue import enqueue_many
from syncjobs.sources import client_for
from tests.chaos.ground import Ground, Toll, ask, figures, unmet
from tests.standin.calls import most_within
from tests.standin.faults import Fault, Kind
from tests.standin.outside import Outside, outside
from tests.syncjobs.crowds import Crowd
from tests.syncjobs.outsiders import FAST, FRESH, questions
from tests.syncjobs.toll import rows

RATE, QUOTA = 20, 1000
FAILURES_TO_OPEN = 5
WATCH = """
DROP TABLE IF EXISTS watched CASCADE;
CREATE TABLE watched (at timestamptz DEFAULT clock_timestamp(), goes_out timestamptz, was text, is_now text,
                      probe bigint, used integer);
CREATE OR REPLACE FUNCTION watch_source() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO watched (goes_out, was, is_now, probe, used)
  VALUES (new.next_at, old.breaker, new.breaker, nullif(new.probe_number, old.probe_number),
          nullif(new.quota_used, old.quota_used));
  RETURN null; END $$;
CREATE TRIGGER watched AFTER UPDATE ON source_state FOR EACH ROW EXECUTE FUNCTION watch_source();
"""
UNWATCH = "DROP TRIGGER watched ON source_state; DROP FUNCTION watch_source(); DROP TABLE watched"
GRANTS = "SELECT extract(epoch FROM goes_out)::float8 FROM watched WHERE used IS NOT NULL"
OPENINGS = "SELECT count(*) FROM watched WHERE is_now = 'open' AND was <> 'open'"
PROBES = """
SELECT count(*), count(DISTINCT openings) FROM (
  SELECT (SELECT count(*) FROM watched o WHERE o.is_now = 'open' AND o.was <> 'open' AND o.at <= p.at) openings
    FROM watched p WHERE probe IS NOT NULL AND extract(epoch FROM at) < {}) while_dead
"""
USED_UP = """
SELECT count(*) FROM queue_jobs j WHERE attempts <> 1 + (
  SELECT count(*) FROM job_events e WHERE e.job_id = j.id AND kind = 'retrying')
"""


@contextmanager
def watched() -> Iterator[None]:
    """Everything that becomes of a source's row is written down, by the database's clock."""
    ask(FRESH)
    ask(WATCH)
    try:
        yield
    finally:
        ask(UNWATCH)
        ask(FRESH)


@contextmanager
def standing() -> Iterator[Outside]:
    """The stand-in; processes that are started now ask it."""
    with outside() as world:
        os.environ["TEST_STANDIN"] = world.url
        try:
            yield world
        finally:
            del os.environ["TEST_STANDIN"]


def r14(ground: Ground, size: float) -> Toll:
    """Eight processes at one gate: 20 calls a second, then a day's quota of 1,000."""
    seconds, quota = max(10 * size, 2.0), max(int(QUOTA * size), 10)
    with Crowd(8) as crowd, watched():
        told = [each for words in crowd.ask(RATE, seconds) for each in words]
        granted = [at for word, at in told if word == "granted"]
        by_stamp = most_within((at for (at,) in rows(GRANTS)), 1.0)
        ask(FRESH)
        hasty = [word for words in crowd.ask(1000, quota / 200 + 1, quota) for word, _ in words]
    passed = hasty.count("granted")
    enough, most = int(0.95 * RATE * seconds), int(RATE * (seconds + 1)) + 1  # a call may wait for a second
    return Toll(
        killed="nothing",
        jobs=len(told) + len(hasty),
        lost=0,
        twice=max(passed - quota, 0),
        remark=f"{len(granted)} granted in {seconds:.0f} s, {by_stamp} in the fullest second by the database's clock;"
        f" {passed} of a quota of {quota}",
        missed=unmet(
            {
                f"{enough} to {most} granted": enough <= len(granted) <= most,
                f"at most {RATE + 1} a second": by_stamp <= RATE + 1,
                "the whole quota": passed == quota,
            }
        ),
    )


def r15(ground: Ground, size: float) -> Toll:
    """A source is dead for a minute, asked by twelve processes: probes alone reach it, and no attempt is lost."""
    processes, jobs, seconds = 12, max(int(200 * size), 24), 60 * size
    with standing() as world, watched():
        world.fails(Fault(kind=Kind.RESET, source=Source.SETLISTFM))
        of = next(iter(world.world.artists.values())).mbid
        enqueue_many("inquire", [{"source": Source.SETLISTFM, "what": "artist", "of": of}] * jobs)
        ground.relay()
        ground.start("worker", str(processes))
        ground.wait(lambda: world.log.calls, "the first call")
        ground.wait(lambda: _now() > world.log.calls[0].at + seconds, "the end of its death")
        revived = _now()
        world.fails()
        ground.wait_for_all()
        dead = sum(bool(call.fault) for call in world.log.calls)
        (openings,), (probes, windows) = figures(OPENINGS), figures(PROBES.format(revived))
    before, (used,) = dead - probes, figures(USED_UP)
    effects, done = figures("SELECT count(*), count(DISTINCT job) FROM effects")
    return Toll(
        killed=f"a source, {seconds:.0f} s",
        jobs=jobs,
        lost=jobs - done,
        twice=effects - done,
        remark=f"{before} calls before it opened, {probes} probes while it was dead, {openings} openings",
        missed=unmet(
            {
                f"at most {FAILURES_TO_OPEN + processes} calls": before <= FAILURES_TO_OPEN + processes,
                "one probe a window": probes == windows,
                "no attempt used by waiting": used == 0,
            }
        ),
    )


def _now() -> float:
    return float(figures("SELECT extract(epoch FROM clock_timestamp())")[0])


def r16(ground: Ground, size: float) -> Toll:
    """A moody source: 500s, Retry-After of 1 to 5 s, timeouts, cut answers; all is got all the same."""
    processes, times = 8, max(round(6 * size), 1)
    with standing() as world, watched():
        asked = questions(world, len(world.world.artists))
        jobs = [{"source": source, "what": what, "of": of} for source, what, of in asked] * times
        ideal = _calls_without_faults(world, asked) * times + processes  # a token each
        world.fails(
            *(Fault(kind=Kind.WAIT, chance=0.01, seconds=seconds) for seconds in (1, 2, 3, 4, 5)),
            Fault(kind=Kind.ERROR, chance=0.10),
            Fault(kind=Kind.SILENT, chance=0.02, seconds=12),
            Fault(kind=Kind.CUT, chance=0.01),
            seed=16,
        )
        enqueue_many("inquire", jobs)
        ground.relay()
        ground.start("worker", str(processes))
        ground.wait_for_all()
        calls, early = len(world.log.calls), len(world.log.early())
        spoilt = sum(bool(call.fault) for call in world.log.calls)
    effects, done = figures("SELECT count(*), count(DISTINCT job) FROM effects")
    done = min(done, QueueJob.objects.filter(status="completed").count())
    return Toll(
        killed=f"{spoilt} answers",
        jobs=len(jobs),
        lost=len(jobs) - done,
        twice=effects - done,
        remark=f"{calls / ideal:.2f} × the {ideal} calls that were needed; {early} inside a Retry-After",
        missed=unmet({"at most 1.35 ×": calls <= 1.35 * ideal, "none inside a Retry-After": early == 0}),
    )


def _calls_without_faults(world: Outside, asked: list[tuple[Source, str, str]]) -> int:
    """How many calls these questions are when nothing goes wrong, tokens aside."""
    with override_settings(**world.settings(), SOURCE_LIMITS=FAST):
        for source, what, of in asked:
            getattr(client_for(source), what)(of)
    calls = sum(call.path != "/api/token" for call in world.log.calls)
    world.log.clear()
    ask(FRESH)
    return calls
