"""R30: what may happen to queue jobs, in any order and with crashes, and the rules of theirs that always hold."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from monitoring.models import CronLog
from syncjobs import queue
from syncjobs.models import JobEvent, QueueJob
from syncjobs.progress import Cancelled, LeaseLost
from syncjobs.queue import Claimed
from syncjobs.running import Leased
from syncjobs.runs import Overlap, request_run

Status = QueueJob.Status
LEGAL = {
    (None, "pending"),
    (None, "delayed"),
    ("pending", "active"),
    ("delayed", "active"),  # a command's own
    ("delayed", "pending"),
    ("pending", "cancelled"),
    ("active", "completed"),
    ("active", "failed"),
    ("active", "dead"),
    ("active", "delayed"),  # a retry, a snooze, or children
    ("active", "pending"),  # its worker died
    ("active", "cancelled"),
    ("delayed", "completed"),  # the last child
    ("delayed", "failed"),
    ("delayed", "dead"),
    ("delayed", "cancelled"),
    ("failed", "pending"),  # an operator's retry
    ("dead", "pending"),
    ("cancelled", "pending"),
}
WATCH = """
CREATE TABLE seen (job bigint, was text, is_now text, was_token bigint, token bigint);
CREATE FUNCTION watch_jobs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO seen VALUES (new.id, old.status, new.status, old.lease_token, new.lease_token); RETURN null; END $$;
CREATE TRIGGER watched AFTER INSERT OR UPDATE ON queue_jobs FOR EACH ROW EXECUTE FUNCTION watch_jobs();
"""
UNWATCH = "DROP TRIGGER watched ON queue_jobs; DROP FUNCTION watch_jobs(); DROP TABLE seen"


class Queue(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.held: list[Claimed] = []
        ask("TRUNCATE queue_jobs, job_events, seen")
        ask("DELETE FROM cron_logs")

    # --- what a program, a clock and an operator do ---

    @rule(key=st.sampled_from([None, "a", "b"]), later=st.booleans())
    def enqueue(self, key: str | None, later: bool) -> None:
        run_at = timezone.now() + timedelta(hours=1) if later else None
        queue.enqueue("count", dedup_key=key, run_at=run_at)

    @rule()
    def open_a_run(self) -> None:
        with suppress(Overlap):
            request_run("count", trigger=CronLog.Trigger.SCHEDULE, now=timezone.now())

    @rule()
    def time_passes(self) -> None:
        QueueJob.objects.filter(status=Status.DELAYED).update(run_at=timezone.now() - timedelta(seconds=1))
        queue.promote()

    @rule()
    def publish(self) -> None:
        queue.take_due()

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        numbers = list(QueueJob.objects.values_list("pk", flat=True))
        if numbers:
            queue.retry([data.draw(st.sampled_from(numbers))])

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        numbers = list(QueueJob.objects.live().values_list("pk", flat=True))
        if numbers:
            queue.cancel([data.draw(st.sampled_from(numbers))])

    # --- what a worker does ---

    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        numbers = list(QueueJob.objects.live().values_list("pk", flat=True))
        if numbers:
            taken = queue.claim(data.draw(st.sampled_from(numbers)), worker=f"w{len(self.held)}")
            self.held += [taken] if taken else []

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def checkpoint(self, data: st.DataObject) -> None:
        work = Leased(data.draw(st.sampled_from(self.held)))
        with suppress(LeaseLost, Cancelled), work.checkpoint("half", 50, half=True):
            pass

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def have_a_child(self, data: st.DataObject) -> None:
        work = Leased(data.draw(st.sampled_from(self.held)))
        with suppress(LeaseLost, Cancelled, queue.CannotEnqueue), work.checkpoint("plan", 10):
            queue.enqueue("count", parent=work.job)

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(),
        how=st.sampled_from(["finish", "fail", "retry", "snooze", "cancelled"]),
        crash=st.sampled_from([False, False, True]),
    )
    def end(self, data: st.DataObject, how: str, crash: bool) -> None:
        """A stale worker may try, too; one may crash just before its commit."""
        taken = data.draw(st.sampled_from(self.held))
        with suppress(LeaseLost), transaction.atomic():
            {
                "finish": lambda: queue.finish(taken, {"shows": 1}),
                "fail": lambda: queue.fail(taken, "x"),
                "retry": lambda: queue.retry_later(taken, "x", chance=1),
                "snooze": lambda: queue.snooze(taken, 60, "x"),
                "cancelled": lambda: queue.cancelled(taken),
            }[how]()
            transaction.set_rollback(crash)

    @rule()
    def workers_die(self) -> None:
        QueueJob.objects.filter(status=Status.ACTIVE).update(lease_until=timezone.now() - timedelta(seconds=1))
        queue.rescue()

    # --- what is always so ---

    @invariant()
    def no_step_is_illegal_and_tokens_only_rise(self) -> None:
        steps = set(ask("SELECT DISTINCT was, is_now FROM seen WHERE was IS DISTINCT FROM is_now"))
        assert steps <= LEGAL, steps - LEGAL
        assert ask("SELECT * FROM seen WHERE token < was_token") == []
        assert ask("SELECT * FROM seen WHERE is_now = 'active' AND was <> 'active' AND token <= was_token") == []

    @invariant()
    def each_key_has_one_live_job(self) -> None:
        assert (
            ask(
                "SELECT dedup_key FROM queue_jobs WHERE status IN ('pending', 'delayed', 'active') AND dedup_key IS NOT NULL"
                " GROUP BY 1 HAVING count(*) > 1"
            )
            == []
        )

    @invariant()
    def parents_wait_for_exactly_their_live_children(self) -> None:
        for parent in QueueJob.objects.live():
            assert parent.children_left == parent.children.live().count()
        assert not QueueJob.objects.waiting().filter(children_left=0).exists()

    @invariant()
    def a_run_is_open_while_its_job_is_live_the_first_time(self) -> None:
        for run in CronLog.objects.filter(status__in=CronLog.OPEN):
            assert run.queue_jobs.live().exists()

    @invariant()
    def every_end_was_told(self) -> None:
        for job in QueueJob.objects.exclude(status__in=QueueJob.LIVE):
            last = JobEvent.objects.filter(job=job).order_by("seq").last()
            assert last is not None
            assert last.kind == job.status


def ask(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def watched() -> Iterator[None]:
    ask(WATCH)
    try:
        yield
    finally:
        ask(UNWATCH)
