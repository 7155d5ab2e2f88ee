"""The desk answers for every floor, in a bounded number of queries, and leads on from everything that it says."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from monitoring.heartbeats import beat
from monitoring.models import Alert, CronLog, CronMetric, SystemHealth
from mysetlist.desk.front import NEEDS, sections
from mysetlist.desk.jobs import all_schedules, jobs
from mysetlist.desk.menu import ROOMS
from mysetlist.desk.queues import queues
from mysetlist.desk.slots import MOST_TOLD, last_day
from mysetlist.desk.sources import sources
from mysetlist.desk.state import alerts, health
from mysetlist.desk.trends import trending
from mysetlist.desk.words import until
from syncjobs.models import PausedQueue, QueueJob, QueueMetric, ScheduleState, SourceState
from syncjobs.queue import pause
from tests.factories import make_artist, make_show
from trending.models import TrendChange, TrendState
from trending.services import refresh, whole_hour

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 7, 1, 12, 34, 56, tzinfo=UTC)
SLOT = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
JOB = "calculate_trending"  # may start two minutes late
DESK = "/admin/"


def address(model, key):
    return reverse(f"admin:{model}_change", args=[key])


def make_run(status="success", *, job=JOB, slot=SLOT, delay=1.0, **values):
    started = (slot or SLOT) + timedelta(seconds=delay)
    is_open = status in CronLog.OPEN
    usual = {"finished_at": None if is_open else started + timedelta(seconds=2), "trigger": "schedule"}
    took = {} if is_open else {"execution_time_ms": 2000}
    return CronLog.objects.create(
        job_name=job,
        status=status,
        slot=slot,
        schedule=job if slot else "",
        started_at=started,
        **usual | took | values,
    )


def make_queue_job(status="pending", **values):
    final = {"finished_at": NOW - timedelta(minutes=5)} if status in QueueJob.TERMINAL else {}
    usual = {"queue_name": "images", "job_name": "sync_artist_image", "run_at": NOW - timedelta(minutes=9)}
    return QueueJob.objects.create(status=status, **usual | final | values)


def account_until(moment, name=JOB):
    ScheduleState.objects.filter(schedule__name=name).update(accounted_until=moment)


@pytest.fixture(autouse=True)
def _accounted():
    ScheduleState.objects.update(accounted_until=NOW)


# --- the page ---


def make_rows(number):
    """So many rows of everything that the desk reads."""
    now = timezone.now()
    for n in range(number):
        for status in ("success", "failed", "missed", "skipped"):
            moment = now - timedelta(minutes=CronLog.objects.count() + 5)
            make_run(status, slot=moment)
        make_run(job=f"other_{CronLog.objects.count()}", slot=None)
        make_queue_job("dead", queue_name=f"queue_{CronLog.objects.count()}")
        make_queue_job()
        QueueMetric.objects.create(
            queue_name=f"q{CronLog.objects.count()}",
            hour=now.replace(minute=0, second=0, microsecond=0),
            depth=1,
            started=2,
            failed=0,
        )
        CronMetric.objects.create(
            job_name=JOB,
            day=now.date() - timedelta(days=CronMetric.objects.count()),
            runs=3,
            failures=0,
            skipped=0,
            missed=0,
        )
        artist = make_artist()
        of = {"artist": artist} if n % 2 else {"show": make_show(artist, starts_at=now + timedelta(days=3))}
        TrendChange.objects.create(
            **of, as_of=now, old_score=1, new_score=9, units={}, run=CronLog.objects.latest("pk")
        )
        for state in ("open", "resolved"):
            ended = {"resolved_at": now} if state == "resolved" else {}
            Alert.objects.create(
                rule=f"r{Alert.objects.count()}",
                subject=JOB,
                says="It failed.",
                state=state,
                opened_at=now,
                last_seen_at=now,
                **ended,
            )
        beat(f"worker here:{CronLog.objects.count()}")
        PausedQueue.objects.create(name=f"p{CronLog.objects.count()}")
    TrendState.objects.get_or_create(
        pk=1,
        defaults={
            "version": 1,
            "as_of": whole_hour(now),
            "refreshed_at": now,
            "interval_seconds": 300,
            "formula_version": 1,
        },
    )


def ask(client):
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(DESK)
    assert answer.status_code == 200
    return answer.content.decode(), len(captured)


def test_the_desk_takes_as_many_queries_for_many_rows_as_for_few(admin_client):
    make_rows(1)
    few = ask(admin_client)[1]
    make_rows(12)
    assert ask(admin_client)[1] == few <= 20


def test_the_desk_of_a_new_system_says_that_there_is_nothing_yet(admin_client):
    CronLog.objects.all().delete()
    text = ask(admin_client)[0]
    for said in ("Nothing is wrong.", "Nothing has been checked yet", "It has not run yet.", "There are no scores yet"):
        assert said in text


def test_every_link_of_the_desk_leads_somewhere(admin_client):
    make_rows(2)
    refresh(as_of=whole_hour(timezone.now()))  # every artist and show has a score
    text = ask(admin_client)[0]
    links = set(re.findall(r'<a (?:class="why" )?href="(/admin/[^"]*)"', text.partition('class="desk"')[2]))
    assert len(links) > 60
    for link in links:
        assert admin_client.get(link.replace("&amp;", "&")).status_code == 200, link


def test_staff_see_the_sections_that_they_may_read(client, django_user_model):
    make_rows(1)
    person = django_user_model.objects.create_user("trainee", password="x", is_staff=True)
    client.force_login(person)
    headings = set(re.findall(r'<h2 id="(\w+)"', ask(client)[0]))
    assert headings == set()
    person.user_permissions.add(
        Permission.objects.get(codename="view_alert"), Permission.objects.get(codename="view_queuejob")
    )
    headings = set(re.findall(r'<h2 id="(\w+)"', ask(client)[0]))
    assert headings == {"alerts", "queues"}


def test_every_model_that_a_section_needs_is_one_of_the_side_bar():
    known = {model for offers in ROOMS.values() for _, _, model in offers}
    assert {model for models in NEEDS.values() for model in models} <= known


def test_nothing_is_asked_for_a_section_that_nobody_may_see(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert sections(set(), NOW) == {}


def test_every_picture_has_its_words(admin_client):
    make_rows(3)
    text = ask(admin_client)[0]
    pictures = re.findall(r'<svg[^>]*role="img"[^>]*>', text.partition('class="desk"')[2])
    assert len(pictures) > 20
    assert all(re.search(r'aria-label="[^"]+"', picture) for picture in pictures)


def test_text_of_jobs_and_sources_is_escaped(admin_client):
    hostile = "<script>alert(1)</script>"
    make_run("failed", job=hostile, slot=timezone.now() - timedelta(minutes=1), error_message=hostile)
    PeriodicTask.objects.create(name=hostile, task=f"x.{hostile}", crontab=CrontabSchedule.objects.first())
    make_queue_job("dead", queue_name=hostile, finished_at=timezone.now())
    SystemHealth.objects.create(
        component=hostile, status="down", detail=hostile, latency_ms=1, checked_at=timezone.now(), since=timezone.now()
    )
    assert hostile not in ask(admin_client)[0]


# --- slots ---


@pytest.mark.parametrize(
    ("run", "word", "why"),
    [
        ({"status": "success", "delay": 119}, None, None),
        ({"status": "running"}, None, None),
        ({"status": "success", "delay": 121}, "late", "Started at 12:02, 2 min after."),
        ({"status": "partial", "delay": 900, "trigger": "catch_up"}, "caught up", "Started at 12:15, 15 min after."),
        ({"status": "failed", "error_message": "KeyError: 'name'"}, "failed", "KeyError: 'name'"),
        ({"status": "abandoned", "error_message": "Its process died."}, "failed", "Its process died."),
        ({"status": "missed"}, "missed", "Nobody started it in time: no scheduler was alive."),
        ({"status": "missed", "error_message": "There is no job x."}, "missed", "There is no job x."),
        (
            {"status": "missed", "trigger": "catch_up"},
            "missed, to be caught up",
            "Nobody started it in time: no scheduler was alive.",
        ),
        ({"status": "skipped", "result": {"running": 7}}, "skipped", "Run 7 was under way."),
        (
            {"status": "skipped", "result": {"skipped_because": "BACKUP_DIR is not set."}},
            "skipped",
            "BACKUP_DIR is not set.",
        ),
        ({"status": "queued"}, "waiting", "Queued for 35 min."),
    ],
)
def test_what_became_of_a_slot_and_why(run, word, why):
    made = make_run(**run)
    slots = last_day(all_schedules(), NOW)
    told = [(each.word, each.why, each.url) for each in slots.told]
    assert told == ([(word, why, address("monitoring_cronlog", made.pk))] if word else [])
    assert slots.is_calm == (word is None)
    assert sum(slots.counts.values()) == 1


def test_a_slot_skipped_for_another_run_leads_to_that_run():
    other = make_run(slot=SLOT - timedelta(hours=1))
    make_run("skipped", result={"running": other.pk})
    (told,) = last_day(all_schedules(), NOW).told
    assert told.cause == address("monitoring_cronlog", other.pk)


def test_slots_that_the_scheduler_has_not_come_to_are_not_answered():
    account_until(SLOT)
    slots = last_day(all_schedules(), NOW)
    assert [f"{each.slot:%H:%M}" for each in slots.told] == ["12:30", "12:25", "12:20", "12:15", "12:10", "12:05"]
    assert {each.why for each in slots.told} == {"It has no run yet: no scheduler has come so far."}
    assert slots.counts == {"not answered": 6}


def test_a_schedule_that_is_switched_off_owes_no_answer():
    account_until(SLOT)
    PeriodicTask.objects.filter(name=JOB).update(enabled=False)
    assert last_day(all_schedules(), NOW).counts == {}


def test_only_the_last_day_counts():
    make_run("missed", slot=NOW - timedelta(hours=24))
    make_run("missed", slot=NOW - timedelta(hours=23, minutes=59))
    make_run("missed", slot=NOW + timedelta(seconds=1))
    assert last_day(all_schedules(), NOW).counts == {"missed": 1}


def test_the_newest_are_told_and_the_others_counted():
    for n in range(MOST_TOLD + 3):
        make_run("missed", slot=SLOT - timedelta(minutes=5 * n))
    slots = last_day(all_schedules(), NOW)
    assert (len(slots.told), slots.untold, slots.told[0].slot) == (MOST_TOLD, 3, SLOT)


def test_each_hour_of_a_schedule_has_the_colour_of_its_worst_slot():
    make_run(slot=NOW - timedelta(minutes=10))
    make_run("missed", slot=NOW - timedelta(minutes=70))
    make_run(slot=NOW - timedelta(minutes=80))
    day = last_day(all_schedules(), NOW).days[JOB]
    assert [cell.kind for cell in day.cells[-3:]] == ["none", "bad", "good"]
    assert day.cells[-2].says == "10:34 to 11:34: 1 ran, 1 missed"
    assert day.says == "2 ran, 1 missed"
    assert len(day.cells) == 24


# --- jobs ---


def listed(name=JOB, now=NOW):
    return next(job for job in jobs(all_schedules(), {}, now) if job.name == name)


def test_a_job_shows_its_last_run_and_when_it_runs_next():
    make_run(slot=SLOT - timedelta(minutes=5))
    last = make_run("failed", error_message="It broke.")
    make_run("skipped", slot=SLOT + timedelta(minutes=5))
    job = listed()
    assert (job.last, job.last_url, job.is_wrong) == (last, address("monitoring_cronlog", last.pk), True)
    (schedule,) = job.schedules
    assert (schedule.name, schedule.at) == (JOB, datetime(2026, 7, 1, 12, 35, tzinfo=UTC))
    assert [point.kind for point in job.figures.points] == ["success", "failed"]


def test_a_job_that_went_wrong_comes_first():
    make_run("failed", job="verify_trending")
    assert jobs(all_schedules(), {}, NOW)[0].name == "verify_trending"


def test_a_schedule_that_is_off_or_has_no_times_says_so():
    PeriodicTask.objects.filter(name=JOB).update(enabled=False)
    assert listed().schedules[0].says == "switched off"
    PeriodicTask.objects.filter(name=JOB).update(enabled=True, crontab=None)
    assert listed().schedules[0].says == "never: It says nowhere when."


@pytest.mark.parametrize(
    ("figures", "kind", "says"),
    [
        ({"runs": 288}, "good", "288 runs"),
        ({"runs": 288, "failures": 1}, "bad", "288 runs, 1 failed"),
        ({"runs": 287, "missed": 1}, "bad", "287 runs, 1 missed"),
        ({"runs": 0, "skipped": 1}, "warn", "0 runs, 1 skipped"),
        ({"runs": 1, "skipped": 1}, "good", "1 run, 1 skipped"),
    ],
)
def test_a_day_has_the_colour_of_its_outcome(figures, kind, says):
    usual = {"failures": 0, "skipped": 0, "missed": 0}
    CronMetric.objects.create(job_name=JOB, day=NOW.date() - timedelta(days=1), **usual | figures)
    job = listed()
    assert [cell.kind for cell in job.days[-3:]] == ["none", kind, "none"]
    assert (job.days[-2].says, job.days_say) == (f"2026-06-30: {says}", f"1 day: {says}")
    assert len(job.days) == 30


# --- queues ---


def queue_line(name="images"):
    return next(line for line in queues(NOW) if line.name == name)


def test_a_queue_says_what_waits_is_at_work_and_gave_up():
    make_queue_job()
    make_queue_job(run_at=NOW - timedelta(minutes=30))
    make_queue_job("delayed", run_at=NOW + timedelta(minutes=5))
    make_queue_job("active", lease_until=NOW + timedelta(minutes=1))
    make_queue_job("dead")
    make_queue_job("dead", finished_at=NOW - timedelta(hours=25))
    make_queue_job("failed")
    make_queue_job("completed")
    line = queue_line()
    counts = [count.number for count in (line.ready, line.later, line.active, line.failed, line.dead)]
    assert counts == [2, 1, 1, 1, 1]
    assert line.oldest == NOW - timedelta(minutes=30)
    assert line.dead.url == "/admin/syncjobs/queuejob/?queue_name=images&status__exact=dead"


def test_a_paused_queue_says_since_when_and_why():
    pause("images", reason="new crop sizes")
    paused = queue_line().paused
    assert paused is not None
    assert paused.reason == "new crop sizes"
    assert queue_line("cron").paused is None


def test_a_queue_that_nobody_declares_is_shown_while_it_has_jobs():
    make_queue_job(queue_name="of old")
    assert queues(NOW)[-1].name == "of old"
    assert queue_line("of old").places == 0


def test_the_rate_of_a_queue_is_shown_hour_by_hour():
    hour = datetime(2026, 7, 1, 12, tzinfo=UTC)
    for ago, started in ((0, 3), (1, 40), (23, 5), (24, 100)):
        QueueMetric.objects.create(
            queue_name="images",
            hour=hour - timedelta(hours=ago),
            depth=1,
            started=started,
            failed=ago == 1,
            p95_wait_ms=ago + 7,
        )
    line = queue_line()
    assert [point.value for point in line.hours] == [5, *[0] * 21, 40, 3]
    assert (line.last_hour, line.p95_wait_ms, line.says) == (40, 7, "48 started in 24 hours")
    assert line.hours[-2].says == "11:00: 40 started, 1 failed"


def test_a_process_that_was_killed_and_replaced_is_neither_alive_nor_missed(admin_client):
    now = timezone.now()
    beat("worker here:1")
    SystemHealth.objects.update(checked_at=now - timedelta(minutes=2), since=now - timedelta(hours=1))
    beat("worker here:2")
    assert [(word.name, word.kind) for word in health(now).processes] == [
        ("worker here:1", "none"),
        ("worker here:2", "good"),
    ]
    page = admin_client.get(DESK).content.decode()
    assert "Another worker came in its place." in page
    assert "> replaced</td>" in page


# --- sources ---


def source_line(**columns):
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL session_replication_role = replica"
        )  # times of our own: the trigger notes the clock's
        SourceState.objects.filter(pk="setlistfm").update(**columns)
        cursor.execute("SET LOCAL session_replication_role = origin")
    return next(line for line in sources(NOW) if line.label == "setlist.fm")


ERROR = {"at": "2026-07-01T12:30:00+00:00", "verdict": "unavailable", "status": 503, "problem": "It did not answer."}


@pytest.mark.parametrize(
    ("columns", "word", "kind", "why"),
    [
        ({}, "closed", "good", ""),
        (
            {
                "breaker": "open",
                "opened_at": NOW - timedelta(minutes=20),
                "failures": {"HTTP 503": 37, "No answer.": 2},
                "retry_at": NOW + timedelta(minutes=4),
                "recent_errors": [ERROR],
            },
            "open since 12:14",
            "bad",
            "HTTP 503 × 37, No answer × 2. Asked again from 12:38:56 UTC on. 2026-07-01 12:30 It did not answer. (status 503)",
        ),
        (
            {"breaker": "half_open", "opened_at": NOW - timedelta(days=1), "recent_errors": [ERROR]},
            "half open since Jun 30 12:34",
            "bad",
            "2026-07-01 12:30 It did not answer. (status 503)",
        ),
        (
            {
                "forced": "open",
                "forced_at": NOW - timedelta(minutes=1),
                "forced_until": NOW + timedelta(hours=1),
                "forced_reason": "They asked us to",
            },
            "forced open since 12:33",
            "bad",
            "They asked us to, until 13:34 UTC",
        ),
        ({"forced": "open", "forced_until": NOW - timedelta(hours=1), "forced_reason": "Once"}, "closed", "good", ""),
        (
            {"blocked_until": NOW + timedelta(minutes=1), "blocked_reason": "quota"},
            "blocked (quota)",
            "warn",
            "until 2026-07-01 12:35:56 UTC",
        ),
    ],
)
def test_whether_a_source_may_be_asked_and_why_not(settings, columns, word, kind, why):
    settings.SETLISTFM_API_KEY = "key"
    line = source_line(**columns)
    assert (line.word, line.kind, line.why) == (word, kind, why)


def test_a_source_without_its_key_says_so(settings):
    settings.SETLISTFM_API_KEY = ""
    assert source_line().word == "no key"


def test_the_quota_of_a_source_is_split_by_whose_calls_they_were(settings):
    settings.SOURCE_LIMITS = {**settings.SOURCE_LIMITS, "setlistfm": (2, 1000)}
    line = source_line(
        quota_used=300, quota_resets_at=NOW + timedelta(hours=2), spent={"discovery": 200, "operators": 50}
    )
    assert (line.left, line.spent_says) == (700, "300 of 1,000 spent, operators: 50, discovery: 200")
    assert [(part.kind, part.share) for part in line.spent] == [("share-operators", 0.05), ("share-discovery", 0.2)]
    assert source_line(quota_resets_at=NOW).left == 1000


def test_a_source_leads_to_the_queues_that_ask_it():
    assert [name for name, _ in source_line().queues] == ["artist_import", "setlist_sync"]


# --- trending, alerts, health ---


def test_what_moved_leads_to_the_score_and_to_the_run():
    artist, run = make_artist(name="Björk"), make_run()
    TrendChange.objects.create(
        artist=artist, as_of=NOW, changed_at=NOW, old_score=10, new_score="4.5", units={}, run=run
    )
    show = make_show(artist, name="Björk in Berlin")
    TrendChange.objects.create(
        show=show, as_of=NOW, changed_at=NOW - timedelta(hours=30), old_score=1, new_score=9, units={}
    )
    told = trending(NOW)
    assert (told.moves[0].name, told.moves[0].by) == ("Björk", Decimal("-5.5"))
    assert told.moves[0].url == address("trending_artisttrend", artist.pk)
    assert told.moves[0].run_url == address("monitoring_cronlog", run.pk)
    assert (told.moves[1].url, told.moves[1].run_url) == (address("trending_showtrend", show.pk), "")
    assert told.count == 1


@pytest.mark.parametrize(("minutes", "is_stale"), [(15, False), (15.1, True)])
def test_scores_older_than_three_intervals_are_stale(minutes, is_stale):
    TrendState.objects.update_or_create(
        pk=1,
        defaults={
            "version": 1,
            "as_of": NOW,
            "refreshed_at": NOW - timedelta(minutes=minutes),
            "interval_seconds": 300,
            "formula_version": 1,
        },
    )
    assert trending(NOW).is_stale == is_stale


def make_alert(rule, *, state="open", severity="warning", minutes=5, **values):
    moment = NOW - timedelta(minutes=minutes)
    return Alert.objects.create(
        rule=rule, subject=JOB, says=rule, state=state, severity=severity, opened_at=moment, last_seen_at=NOW, **values
    )


def test_open_alerts_come_first_causes_before_effects_and_what_is_over_below():
    make_alert("known", state="acknowledged", severity="critical")
    make_alert("small")
    cause = make_alert("cause", severity="critical", minutes=9)
    make_alert("effect", severity="critical", minutes=1, cause=cause)
    make_alert("over", state="resolved", resolved_at=NOW - timedelta(hours=1))
    make_alert("long over", state="resolved", resolved_at=NOW - timedelta(hours=25))
    told = alerts(NOW)
    assert [alert.rule for alert, _ in told.live] == ["cause", "small", "effect", "known"]
    assert [alert.rule for alert, _ in told.over] == ["over"]
    assert told.open_count == 3


def test_health_on_the_desk_is_what_the_door_says():
    beat("worker here:1")
    beat("relay here:2")
    now = timezone.now()
    SystemHealth.objects.filter(component="worker here:1").update(checked_at=now - timedelta(minutes=2))
    SystemHealth.objects.create(
        component="cache", status="degraded", detail="No Redis.", latency_ms=1, checked_at=now, since=now
    )
    SystemHealth.objects.create(
        component="disk", status="healthy", detail="Room.", latency_ms=1, checked_at=now, since=now
    )
    told = health(now)
    assert (told.word, told.kind) == ("down", "bad")
    assert [(word.name, word.kind) for word in told.processes] == [("relay here:2", "good"), ("worker here:1", "bad")]
    assert [word.name for word in told.unwell] == ["cache"]
    assert [word.name for word in told.well] == ["disk"]


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-1), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=61), "1 h 1 min"),
        (timedelta(days=2, hours=3), "2 d 3 h"),
    ],
)
def test_how_long_ago_in_words(span, words):
    assert until(NOW - span, NOW) == words


# --- the chain ---


def test_a_run_leads_to_its_schedule_its_queue_jobs_their_sources_and_what_it_moved(admin_client):
    run = make_run()
    parent = make_queue_job("completed", run=run, queue_name="cron", job_name=JOB)
    child = make_queue_job("dead", run=run, parent=parent, queue_name="setlist_sync", last_error="No answer.")
    TrendChange.objects.create(artist=make_artist(name="Björk"), as_of=NOW, old_score=1, new_score=9, units={}, run=run)
    text = admin_client.get(address("monitoring_cronlog", run.pk)).content.decode()
    schedule = PeriodicTask.objects.get(name=JOB)
    for url in (
        address("django_celery_beat_periodictask", schedule.pk),
        address("syncjobs_queuejob", parent.pk),
        address("syncjobs_queuejob", child.pk),
        address("syncjobs_sourcestate", "setlistfm"),
        address("trending_artisttrend", TrendChange.objects.get().artist_id),
    ):
        assert f'href="{url}"' in text, url
    assert "No answer." in text


def test_a_run_with_many_queue_jobs_shows_those_that_gave_up_and_counts_the_others(admin_client):
    run = make_run()
    parent = make_queue_job("completed", run=run, job_name=JOB)
    for _ in range(25):
        make_queue_job("completed", run=run, parent=parent)
    dead = make_queue_job("dead", run=run, parent=parent)
    text = admin_client.get(address("monitoring_cronlog", run.pk)).content.decode()
    assert text.index(f"{JOB} #{parent.pk}<") < text.index(f"sync_artist_image #{dead.pk}<")
    assert "All 27 of them" in text
    assert re.search(r"25 sync_artist_image completed", text)


def test_a_schedule_leads_to_the_runs_of_its_last_slots(admin_client):
    runs = [make_run(slot=SLOT - timedelta(minutes=5 * n)) for n in range(12)]
    other = make_run(job="verify_trending")
    schedule = PeriodicTask.objects.get(name=JOB)
    text = admin_client.get(address("django_celery_beat_periodictask", schedule.pk)).content.decode()
    panel = text.partition('id="last-runs"')[2]
    assert re.findall(r">#(\d+)<", panel) == [str(run.pk) for run in runs[:10]]
    assert str(other.pk) not in re.findall(r">#(\d+)<", panel)
    assert f"?schedule={JOB}" in panel


def test_a_queue_job_leads_to_its_run_and_the_sources_and_a_source_to_its_queues(admin_client):
    run = make_run()
    job = make_queue_job("dead", run=run, queue_name="setlist_sync")
    text = admin_client.get(address("syncjobs_queuejob", job.pk)).content.decode()
    assert f'href="{address("monitoring_cronlog", run.pk)}"' in text
    assert f'href="{address("syncjobs_sourcestate", "setlistfm")}"' in text
    text = admin_client.get(address("syncjobs_sourcestate", "setlistfm")).content.decode()
    assert 'href="/admin/syncjobs/queuejob/?queue_name=setlist_sync"' in text
