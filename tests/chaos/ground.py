"""The ground of one test: a database and a broker that can be killed, processes, and what is counted at the end."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from redis import StrictRedis

from mysetlist.embedded import Place
from mysetlist.embedded.programs import server_call
from syncjobs.models import JobEvent, QueueJob
from tests.syncjobs.stage import Process, Redis, Stage, redis_server
from tests.syncjobs.toll import all_done, done, rows

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 180.0
EMPTY = "TRUNCATE queue_jobs, job_events, cron_logs, cron_metrics, system_health, effects CASCADE"


@dataclass(kw_only=True)
class Toll:
    """What a test did, and what it cost."""

    killed: str
    jobs: int
    lost: int
    twice: int
    remark: str = ""  # what was measured
    missed: str = ""  # the targets that were not met, in words


def unmet(targets: dict[str, bool]) -> str:
    """Those targets that are not met, by their words."""
    return "; ".join(target for target, is_met in targets.items() if not is_met)


class Ground(Stage):
    """Where one test is run."""

    def __init__(self, redis: Redis | None) -> None:
        super().__init__(redis.url if redis else "")
        self.redis = redis

    def wait(self, is_so: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> float:
        """Until it is so, even while the database comes and goes; how long it took."""
        began = time.monotonic()
        while not without_fail(is_so):
            if (waited := time.monotonic() - began) > seconds:
                raise TimeoutError(f"{what} did not happen within {waited:.0f} s")
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - began

    def wait_for_work(self, jobs: int) -> float:
        """Until so many more jobs are done."""
        was = without_fail(done) or 0
        return self.wait(lambda: done() >= was + jobs, f"{jobs} more jobs")

    def wait_for_all(self) -> None:
        """Until no job is left, however long that takes while jobs are done."""
        while not without_fail(all_done):
            was = without_fail(done)
            self.wait(lambda n=was: all_done() or done() != n, "another job, or the last,")

    def replace(self, process: Process, *arguments: str) -> Process:
        """Kill one with its whole tree and start another one in its place."""
        process.kill()
        return self.start(*arguments)

    def kill_broker(self) -> str:
        """A broker that forgets everything; with PGMQ it is the database that crashes. What was killed."""
        if self.redis:
            self.redis.kill()
            self.redis.start()
            return "Redis"
        stop_database()
        return "PostgreSQL (immediate)"

    def messages(self) -> int:
        """How many lie in the broker."""
        if not self.redis:
            return int(figures("SELECT count(*) FROM pgmq.q_jobs")[0])
        with StrictRedis.from_url(self.redis.url) as client:
            return int(client.llen(settings.CELERY_TASK_DEFAULT_QUEUE))

    def fenced(self) -> int:
        """Workers that were told that a job is no longer theirs."""
        return sum(process.said().count("no longer this worker's") for process in self.processes)


@contextmanager
def ground(broker: str) -> Iterator[Ground]:
    connection.close()
    for sql in (EMPTY, "DO $$ BEGIN TRUNCATE pgmq.q_jobs; EXCEPTION WHEN undefined_table THEN END $$"):
        ask(sql)
    if broker == "redis":
        with redis_server() as server:
            yield from _ended(Ground(server))
    else:
        yield from _ended(Ground(None))


def _ended(made: Ground) -> Iterator[Ground]:
    try:
        yield made
    finally:
        made.end()


def ask(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def without_fail(question: Callable[[], Any]) -> Any:
    """Its answer; none while the database does not give one."""
    try:
        return question()
    except (DatabaseError, InterfaceError):
        connection.close()
        return None


def the_database() -> Place:
    return Place.of(Path(settings.DATABASES["default"]["EMBEDDED_FOLDER"]))


def stop_database(how: str = "immediate") -> None:
    """Without a checkpoint, or fast; whoever needs it next starts it, and it recovers from its log."""
    place = the_database()
    # Without waiting: somebody may have started it again within a blink, and pg_ctl would wait for that one's end.
    server_call(place, place.cluster, "pg_ctl", "stop", "-s", "-W", "-m", how)
    connection.close()


def crash_database() -> None:
    """SIGKILL to every process of the server at once: what was only in its memory is gone."""
    place = the_database()
    for _ in range(20):  # one may fork while we look
        processes = [int(process.name) for process in Path("/proc").glob("[0-9]*") if _runs_in(process, place.cluster)]
        if not processes:
            break
        for number in processes:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
    connection.close()


def _runs_in(process: Path, folder: Path) -> bool:
    try:
        return os.path.samefile(process / "cwd", folder)
    except OSError:  # it has just ended, or has no folder any more
        return False


def taken_back() -> int:
    """Jobs that were taken back from workers that fell silent."""
    return JobEvent.objects.filter(kind="lost").count()


def not_completed(jobs: int) -> int:
    return jobs - QueueJob.objects.filter(status="completed").count()


def figures(sql: str) -> tuple[Any, ...]:
    return rows(sql)[0]
