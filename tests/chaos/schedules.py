"""Schedulers are killed, asked for the same slots by everybody at once, and edited behind their backs."""

import time
from datetime import timedelta

from django.test import Client
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from monitoring.models import CronLog, SystemHealth
from mysetlist.catalog.models import User
from syncjobs.models import ScheduleState
from syncjobs.runs import Overlap, request_run
from syncjobs.scheduler import TICK_SECONDS, account_for_all
from tests.chaos.ground import Ground, Toll, ask, unmet
from tests.monitoring.runs import at_once
from tests.syncjobs.edits import EDITS
from tests.syncjobs.stage import Process

JOB = "calculate_trending"


def every_second() -> None:
    PeriodicTask.objects.all().delete()
    interval = IntervalSchedule.objects.create(every=1, period="seconds")
    PeriodicTask.objects.create(name=JOB, task=f"trending.tasks.{JOB}", interval=interval)


def missing_and_doubled() -> tuple[int, int, int]:
    """Seconds between the first and the last slot, those of them without a row, and rows too many."""
    slots = list(
        CronLog.objects.filter(schedule=JOB, slot__isnull=False).order_by("slot").values_list("slot", flat=True)
    )
    seconds = round((slots[-1] - slots[0]).total_seconds()) + 1
    missed = CronLog.objects.filter(schedule=JOB, status="missed").count()
    return seconds, seconds - len(set(slots)) + missed, len(slots) - len(set(slots))


def r17(ground: Ground, size: float) -> Toll:
    """Two schedulers and two other doors ask for the same slots at once."""
    every_second()
    count, now = int(500 * size), timezone.now().replace(microsecond=0)
    ScheduleState.objects.update(accounted_until=now - timedelta(seconds=count))
    moments = [now - timedelta(seconds=second) for second in range(count)]

    def demand(trigger: CronLog.Trigger, slots: list) -> None:
        for slot in slots:
            try:
                request_run(JOB, trigger=trigger, now=now, slot=slot)
            except Overlap:
                continue

    answers = at_once(
        lambda: account_for_all(now),
        lambda: account_for_all(now),
        lambda: demand(CronLog.Trigger.HTTP, moments),
        lambda: demand(CronLog.Trigger.ADMIN, moments[::-1]),
        patience=300,
    )
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    if failed:
        raise RuntimeError(str(failed))
    slots = CronLog.objects.filter(schedule=JOB, slot__isnull=False)
    distinct = slots.values("slot").distinct().count()
    PeriodicTask.objects.all().delete()
    return Toll(killed="4 doors at once", jobs=count, lost=count - distinct, twice=slots.count() - distinct)


def r18(ground: Ground, size: float) -> Toll:
    """A slot each second, and the leader of two schedulers killed again and again."""
    kills = max(int(25 * size), 2)
    every_second()
    running = [ground.start("scheduler") for _ in range(2)]
    ground.wait(lambda: sorted(map(_said, running)) == ["leads", "stands by"], "two schedulers")
    for _ in range(kills):
        time.sleep(3)
        leader, standby = sorted(running, key=_said)
        leader.kill()
        ground.wait(lambda process=standby: _said(process) == "leads", "the new lead")
        running = [standby, ground.start("scheduler")]
        ground.wait(lambda process=running[1]: _said(process) == "stands by", "the other one")
    seconds, lost, twice = missing_and_doubled()
    PeriodicTask.objects.all().delete()
    return Toll(killed=f"{kills} leading schedulers", jobs=seconds, lost=lost, twice=twice, remark="a slot each second")


def _said(process: Process) -> str:
    """What the scheduler of this process last said of itself."""
    lines = SystemHealth.objects.filter(component__endswith=f":{process.popen.pid}", component__startswith="scheduler ")
    return lines.values_list("detail", flat=True).first() or ""


def r24(ground: Ground, size: float) -> Toll:
    """A schedule edited by form, by .update() and by SQL while a scheduler runs."""
    PeriodicTask.objects.all().delete()
    rounds, longest = max(int(10 * size), 1), 0.0
    far = CrontabSchedule.objects.create(minute="0", hour="0", day_of_month="29", month_of_year="2")
    often = IntervalSchedule.objects.create(every=1, period="seconds")
    schedule = PeriodicTask.objects.create(name=JOB, task=f"trending.tasks.{JOB}", crontab=far)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get_or_create(username="chaos", is_staff=True, is_superuser=True)[0])
    scheduler = ground.start("scheduler")
    ground.wait(lambda: _said(scheduler) == "leads", "the scheduler")
    for edit in EDITS * rounds:
        PeriodicTask.objects.update(crontab=far, interval=None)
        time.sleep(2 * TICK_SECONDS)  # it has seen that
        ask("TRUNCATE cron_logs, queue_jobs CASCADE")
        edit(client, schedule, often)
        longest = max(longest, ground.wait(CronLog.objects.exists, edit.__name__))
    PeriodicTask.objects.all().delete()
    return Toll(
        killed="nothing",
        jobs=len(EDITS) * rounds,
        lost=0,
        twice=0,
        remark=f"the first run {longest:.1f} s after an edit at most",
        missed=unmet({"within 10 s": longest <= 10}),
    )
