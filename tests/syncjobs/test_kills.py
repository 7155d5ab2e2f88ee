"""Nothing is lost and nothing is done twice, whatever is killed: real workers, relays and brokers."""

import signal
from collections.abc import Iterator
from contextlib import closing

import pytest
from django.db import connections

from monitoring.heartbeats import living
from syncjobs.models import JobEvent, QueueJob
from syncjobs.queue import enqueue, enqueue_many
from tests.syncjobs.stage import PATIENCE_SECONDS, Stage, eventually, real_redis, redis_server, stage
from tests.syncjobs.toll import all_done, before_the_last, done, lost_and_doubled, rows

pytestmark = pytest.mark.usefixtures("effects")

Status = QueueJob.Status


@pytest.fixture(params=["pgmq", "redis"])
def on_each_broker(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "pgmq":
        with stage() as made:
            yield made
        return
    with real_redis() as url, stage(url) as made:
        yield made


@pytest.fixture
def on_pgmq() -> Iterator[Stage]:
    with stage() as made:
        yield made


def test_killed_workers_lose_nothing_and_do_nothing_twice(on_each_broker: Stage) -> None:
    """R1, smaller: 100 jobs, two workers, three kills of a whole tree."""
    enqueue_many("apply", [{"pause": 0.02}] * 100)
    on_each_broker.relay()
    workers = [on_each_broker.worker() for _ in range(2)]
    for number in range(3):
        goal = min(done() + 10, 90)
        eventually(lambda goal=goal: done() >= goal, "work")
        workers[number % 2].kill()
        workers[number % 2] = on_each_broker.worker()
    eventually(all_done, "the last job")
    assert done() == 100
    assert lost_and_doubled() == (0, 0)
    assert JobEvent.objects.filter(kind="lost").exists()  # the kills struck work


def forgotten() -> bool:
    """Messages, as when they were taken for lost."""
    QueueJob.objects.update(published_at=None)
    return True


def test_a_relay_killed_at_any_step_loses_nothing(on_pgmq: Stage) -> None:
    """R3, smaller: two kills at each step."""
    jobs = [enqueue("note") for _ in range(10)]
    for step in ("after-select", "after-commit", "mid-batch", "after-send"):
        relays = on_pgmq.relay(step, "2")
        eventually(lambda relays=relays: forgotten() and relays.popen.poll() is not None, step)
        assert relays.popen.returncode == 0, relays.said()
    on_pgmq.relay()
    on_pgmq.worker()
    eventually(all_done, "the last job")
    assert rows("SELECT count(*), count(DISTINCT job) FROM effects") == [(len(jobs), len(jobs))]


def test_a_worker_frozen_past_its_lease_is_fenced_out(on_pgmq: Stage) -> None:
    """R4, smaller."""
    enqueue_many("apply_slowly", [{"seconds": 0.5}] * 4)
    on_pgmq.relay()
    frozen = on_pgmq.worker(4)
    eventually(lambda: rows("SELECT count(*) FROM effects WHERE what = 'begun'")[0][0] == 4, "the first")
    frozen.signal(signal.SIGSTOP)
    eventually(lambda: QueueJob.objects.filter(lost_count=1).count() == 4, "the rescue")
    on_pgmq.worker(4)
    eventually(all_done, "the other worker")
    frozen.signal(signal.SIGCONT)
    eventually(lambda: frozen.said().count("no longer this worker's") >= 4, "the frozen worker to be fenced out")
    assert rows("SELECT job FROM effects WHERE what = 'second' GROUP BY job HAVING count(*) <> 1") == []
    assert done() == 4


def test_a_worker_that_fell_silent_while_it_read_keeps_nobody_from_starting(on_pgmq: Stage) -> None:
    """Frozen, or cut off, in the middle of a transaction on the queue of messages, whose locks it keeps."""
    on_pgmq.relay()
    on_pgmq.worker()
    enqueue("note")
    eventually(all_done, "the first job")
    with closing(connections.create_connection("default")) as silent:
        silent.set_autocommit(False)
        with silent.cursor() as cursor:
            cursor.execute("SELECT pgmq.read('jobs', 60, 1)")
        on_pgmq.worker()
        on_pgmq.relay()
        eventually(lambda: len(living("worker")) == len(living("relay")) == 2, "the others")
        enqueue("note")
        eventually(all_done, "the last job")


def test_effects_and_the_end_of_a_job_are_one(on_pgmq: Stage) -> None:
    """R5, smaller: killed inside the finishing transaction, and just behind it."""
    enqueue_many("die_in_finish", [{"step": step} for step in ("before", "after", "committed") * 2])
    on_pgmq.relay()
    on_pgmq.worker(4)
    eventually(all_done, "the last job")
    assert done() == 6
    assert rows("SELECT count(*), count(DISTINCT job) FROM effects") == [(6, 6)]


def test_a_job_that_kills_its_worker_is_dead_after_three(on_pgmq: Stage) -> None:
    """R9, smaller: and the others are done meanwhile."""
    poison = enqueue("poison", priority=1)
    enqueue_many("apply", [{}] * 30)
    on_pgmq.relay()
    on_pgmq.worker(2)
    eventually(all_done, "the last job")
    poison.refresh_from_db()
    assert (poison.status, poison.lost_count, poison.attempts) == (Status.DEAD, 3, 3)
    assert rows(f"SELECT count(*) FROM effects WHERE job = {poison.pk}") == [(3,)]
    assert (done(), lost_and_doubled()) == (30, (0, 0))


def test_what_is_urgent_overtakes_what_waits(on_pgmq: Stage) -> None:
    """R13, smaller: at most two rounds of the queue's places go before it."""
    enqueue_many("apply", [{"pause": 0.01}] * 120, priority=20)
    on_pgmq.relay()
    on_pgmq.worker(4)
    eventually(lambda: done() >= 20, "the first")
    enqueue_many("apply", [{}] * 20, priority=5)
    (arrived,) = rows("SELECT clock_timestamp()")[0]
    eventually(lambda: done() == 140, "the last job")
    assert before_the_last(5, 20, arrived) <= 2 * 4


def test_a_worker_and_a_relay_say_that_they_live_and_leave_when_told(on_pgmq: Stage) -> None:
    relay, worker = on_pgmq.relay(), on_pgmq.worker()
    eventually(lambda: len(living("relay") + living("worker")) == 2, "their sign of life")
    job = enqueue("note")
    eventually(lambda: QueueJob.objects.filter(pk=job.pk, status=Status.COMPLETED).exists(), "the job")
    for process in (relay, worker):
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(PATIENCE_SECONDS) == 0, process.said()
    assert living("relay") + living("worker") == []
    assert "Traceback" not in relay.said() + worker.said()


def test_a_worker_whose_whole_group_is_told_to_stop_ends_what_it_is_at(on_pgmq: Stage) -> None:
    job = enqueue("apply_slowly", seconds=1)
    on_pgmq.relay()
    worker = on_pgmq.worker()
    eventually(lambda: rows("SELECT 1 FROM effects"), "the beginning")
    worker.signal(signal.SIGTERM)
    assert worker.popen.wait(PATIENCE_SECONDS) == 0, worker.said()
    job.refresh_from_db()
    assert (job.status, job.lost_count) == (Status.COMPLETED, 0)


def test_a_relay_outlives_a_broker_that_goes_away_and_comes_back() -> None:
    with redis_server() as server, stage(server.url) as made:
        relay = made.relay()
        eventually(lambda: living("relay"), "the relay")
        server.kill()
        job = enqueue("note")
        eventually(lambda: relay.said().count("The relay lost") >= 2, "two failures")
        job.refresh_from_db()
        assert job.published_at is None
        server.start()
        made.worker(1)
        eventually(all_done, "the job")
        assert relay.popen.poll() is None
