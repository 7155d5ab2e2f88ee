"""Every page of the admin answers, in a number of queries that does not grow with the rows."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from monitoring.health import check_health
from monitoring.models import Alert, CronLog, CronMetric
from mysetlist.admin import BoundedPaginator, ReadOnlyAdmin
from mysetlist.catalog.models import Activity, Artist, ArtistSong, Billing, SetlistSong, Show, Vote
from syncjobs.models import JobEvent, PausedQueue, QueueJob, QueueMetric
from tests.factories import (
    make_artist,
    make_fan,
    make_follow,
    make_setlist,
    make_show,
    make_song,
    make_venue,
    make_vote,
)
from trending.models import TrendChange
from trending.services import refresh, whole_hour

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
RECORDS = [model for model in MODELS if isinstance(admin.site._registry[model], ReadOnlyAdmin)]


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def make_rows(number):
    """So many rows of everything that has a page."""
    now = timezone.now()
    for _ in range(number):
        artist, guest = make_artist(popularity=50), make_artist()
        show = make_show(artist, bill=[guest], venue=make_venue(), starts_at=now + timedelta(days=3))
        setlist = make_setlist(show, songs=3)
        make_follow(artist)
        make_vote(setlist.setlist_songs.first(), at=now)
        job = f"job_{artist.pk}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT log_cron_run(%s, 'running'), log_cron_run(%s, 'success')", [job, job])
        parent = QueueJob.objects.create(queue_name="cron", job_name=job, run=CronLog.objects.latest("pk"))
        QueueJob.objects.create(queue_name="cron", job_name=job, parent=parent)
        PausedQueue.objects.get_or_create(name="images", defaults={"reason": "The source asked for it."})
        QueueMetric.objects.create(queue_name=job, hour=now, depth=1, started=2, failed=0)
        TrendChange.objects.create(
            artist=artist, as_of=now, old_score=10, new_score=20, units={}, run=CronLog.objects.latest("pk")
        )
        Group.objects.create(name=job)
        ClockedSchedule.objects.create(clocked_time=now)
        IntervalSchedule.objects.create(every=artist.pk, period="days")
        SolarSchedule.objects.create(event="sunrise", latitude=artist.pk % 90, longitude=number)
        Alert.objects.create(rule="failed", subject=job, says="It failed.", opened_at=now, last_seen_at=now)
    refresh(as_of=whole_hour(now))
    make_vote(SetlistSong.objects.latest("pk"), at=now)  # activity that no refresh has taken yet
    check_health(now=now)


def answers(of, models=MODELS):
    """What is found of each, by its label."""
    return {model._meta.label: of(model) for model in models}


@pytest.mark.django_db
def test_every_list_search_and_row_has_a_page(admin_client):
    def statuses(model):
        return (
            admin_client.get(page(model, "changelist")).status_code,
            admin_client.get(page(model, "changelist"), {"q": "o'b 1%_é \\"}).status_code in {200, 302},
            admin_client.get(page(model, "change", model._default_manager.first().pk)).status_code,
        )

    make_rows(2)
    assert answers(statuses) == answers(lambda model: (200, True, 200))


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_what_can_be_added_has_a_form(admin_client, rf, admin_user, model):
    request = rf.get("/")
    request.user = admin_user
    allowed = admin.site._registry[model].has_add_permission(request)
    assert admin_client.get(page(model, "add")).status_code == (200 if allowed else 403)


@pytest.mark.django_db
def test_a_list_takes_as_many_queries_for_thirty_rows_as_for_three(admin_client):
    def needed(model):
        return queries(admin_client, page(model, "changelist"), q="")

    make_rows(1)
    few = answers(needed)
    make_rows(10)
    assert answers(needed) == few
    assert max(few.values()) <= 7


@pytest.mark.django_db
def test_a_search_takes_as_many_queries_for_many_rows_as_for_few(admin_client):
    def needed(model):
        return queries(admin_client, page(model, "changelist"), q="artist")

    make_rows(1)
    few = answers(needed, [Show, Vote, Billing])
    make_rows(10)
    assert answers(needed, [Show, Vote, Billing]) == few
    assert max(few.values()) <= 9


def runs_more(run, n):
    with connection.cursor() as cursor:
        cursor.execute("SELECT log_cron_run(%s, 'success')", [run.job_name])


def days_more(day, n):
    CronMetric.objects.create(
        job_name=day.job_name, day=day.day - timedelta(days=n + 1), runs=n, failures=0, skipped=0, missed=0
    )


def job_more(job, n):
    JobEvent.objects.create(job=job, kind="started" if n % 2 else "retrying", error="No disk.")
    QueueJob.objects.create(queue_name="cron", job_name="child", parent=job)


def changes_more(of):
    def change(trend, n):
        run = CronLog.objects.first()
        TrendChange.objects.create(
            **{of: trend.pk}, as_of=timezone.now(), old_score=n, new_score=n + 9, units={}, run=run
        )

    return change


def schedules_more(timing):
    def schedule(row, n):
        PeriodicTask.objects.create(
            name=f"more {make_artist().pk}", task="t", one_off=timing == "clocked", **{timing: row}
        )

    return schedule


MORE = {  # what hangs on a row: the n-th of them
    "catalog.Song": lambda song, n: ArtistSong.objects.create(song=song, artist=make_artist()),
    "catalog.Show": lambda show, n: Billing.objects.create(show=show, artist=make_artist(), position=n + 10),
    "catalog.Setlist": lambda setlist, n: SetlistSong.objects.create(
        setlist=setlist, song=make_song(setlist.artist), position=n + 10
    ),
    "catalog.User": lambda user, n: user.groups.add(Group.objects.create(name=f"more {user.pk} {n}")),
    "monitoring.CronLog": runs_more,
    "syncjobs.QueueJob": job_more,
    "monitoring.CronMetric": days_more,
    "trending.ArtistTrend": changes_more("artist_id"),
    "trending.ShowTrend": changes_more("show_id"),
    **{
        f"django_celery_beat.{timing.capitalize()}Schedule": schedules_more(timing)
        for timing in ("crontab", "interval", "solar", "clocked")
    },
}


def page_of_a_row(model, things):
    """The page of the newest row, once so much hangs on it."""
    row = model._default_manager.latest("pk")
    for n in range(things):
        if more := MORE.get(model._meta.label):
            more(row, n)
    return page(model, "change", row.pk)


@pytest.mark.django_db
def test_a_page_takes_no_more_queries_for_a_row_with_much_than_for_one_with_little(admin_client):
    def needed(things):
        return answers(lambda model: queries(admin_client, page_of_a_row(model, things)))

    make_rows(2)
    needed(0)  # Django keeps content types from here on
    few = needed(1)
    make_rows(8)
    much = needed(13)
    assert {label: number for label, number in much.items() if number > few[label]} == {}
    assert max(few.values()) <= 12


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "field"), [("show", "headliner"), ("show", "venue"), ("setlist", "show"), ("vote", "show")]
)
def test_an_autocomplete_takes_as_many_queries_for_many_rows_as_for_few(admin_client, name, field):
    asked = {"app_label": "catalog", "model_name": name, "field_name": field, "term": "a"}
    make_rows(1)
    few = queries(admin_client, reverse("admin:autocomplete"), **asked)
    make_rows(10)
    assert queries(admin_client, reverse("admin:autocomplete"), **asked) == few <= 6


def queries(client, url, **parameters):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, parameters).status_code == 200
    return len(captured)


@pytest.mark.django_db
def test_records_are_neither_added_nor_changed_nor_deleted(admin_client):
    def refused(model):
        row = model._default_manager.first()
        chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        admin_client.post(page(model, "changelist"), chosen)
        return (
            admin_client.post(page(model, "add"), {}).status_code,
            admin_client.post(page(model, "change", row.pk), {}).status_code,
            admin_client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code,
            model._default_manager.filter(pk=row.pk).exists(),
        )

    make_rows(1)
    assert answers(refused, RECORDS) == answers(lambda model: (403, 403, 403, True), RECORDS)


def test_the_logs_are_records():
    names = {model.__name__ for model in RECORDS}
    assert {"Alert", "CronLog", "CronMetric", "SystemHealth", "TrendChange", "QueueJob", "Activity"} <= names


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_has_at_most_seven_columns(model):
    assert len(admin.site._registry[model].list_display) <= 7


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_list_counts_a_whole_table(model):
    shown = admin.site._registry[model]
    assert shown.paginator is BoundedPaginator
    assert shown.show_full_result_count is False


@pytest.mark.django_db
def test_a_list_says_when_there_is_more_than_it_counts(admin_client, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "most", 2)
    Artist.objects.bulk_create(Artist(name=f"Artist {n}", slug=f"artist-{n}") for n in range(3))
    text = admin_client.get(page(Artist, "changelist")).content.decode()
    assert "More than 2 artists" in text
    assert "<strong" in text or "Artist 1" in text


@pytest.mark.django_db
def test_counting_stops_at_the_limit(monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "most", 2)
    Artist.objects.bulk_create(Artist(name=f"Artist {n}", slug=f"artist-{n}") for n in range(5))
    with CaptureQueriesContext(connection) as captured:
        paginator = BoundedPaginator(Artist.objects.order_by("name"), 50)
        assert (paginator.count, paginator.has_more) == (2, True)
    assert "LIMIT 3" in captured[0]["sql"]
    assert len(captured) == 1


@pytest.mark.django_db
def test_search_finds_words_in_any_order_and_whole_ids(admin_client):
    wanted = make_artist(name="Foo Fighters", mbid="67f66c07-6e61-4026-ade5-7e782fad3a5d")
    make_artist(name="Fighters")
    for text in ("fighters foo", str(wanted.mbid), wanted.slug):
        found = admin_client.get(page(Artist, "changelist"), {"q": text}).context["cl"].result_list
        assert list(found) == [wanted], text


@pytest.mark.django_db
def test_autocompletes_find_artists_even_by_hostile_text(admin_client):
    artist = make_artist(name="Beyoncé")
    asked = {"app_label": "catalog", "model_name": "show", "field_name": "headliner"}
    found = admin_client.get(reverse("admin:autocomplete"), {**asked, "term": "beyoncÉ\0"}).json()
    assert found["results"] == [{"id": str(artist.pk), "text": "Beyoncé"}]


@pytest.mark.django_db
def test_names_are_escaped(admin_client):
    make_show(make_artist(name="<script>alert(1)</script>"))
    for model in (Artist, Show, Activity):
        assert b"<script>alert(1)" not in admin_client.get(page(model, "changelist")).content


@pytest.mark.django_db
def test_deleting_an_artist_says_how_many_votes_would_go(admin_client):
    artist = make_artist()
    line = make_setlist(make_show(artist), songs=1).setlist_songs.get()
    for _ in range(5):
        make_vote(line, fan=make_fan())
    TrendChange.objects.create(artist=artist, as_of=timezone.now(), old_score=1, new_score=9, units={})
    few = queries(admin_client, page(Artist, "delete", artist.pk))
    text = admin_client.get(page(Artist, "delete", artist.pk)).content.decode()
    assert "Votes: 5" in text
    assert "fan-" not in text
    assert few <= 25
    assert admin_client.post(page(Artist, "delete", artist.pk), {"post": "yes"}).status_code == 302
    assert not Vote.objects.exists()


@pytest.mark.django_db
def test_a_page_far_down_shows_the_rows_of_its_place(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr("mysetlist.admin.FAR_DOWN", 4)
    Artist.objects.bulk_create(Artist(name=f"Artist {n:02}", slug=f"artist-{n}") for n in range(7))
    paginator = BoundedPaginator(Artist.objects.order_by("name"), 2)
    shown = [[artist.name for artist in paginator.page(number)] for number in paginator.page_range]
    assert shown == [["Artist 00", "Artist 01"], ["Artist 02", "Artist 03"], ["Artist 04", "Artist 05"], ["Artist 06"]]


@pytest.mark.django_db
def test_a_search_through_a_relation_reads_its_names_and_no_joins(admin_client):
    vote = make_vote(make_setlist(make_show(make_artist(name="Foo Fighters")), songs=1).setlist_songs.get())
    with CaptureQueriesContext(connection) as captured:
        found = admin_client.get(page(Vote, "changelist"), {"q": "fighters foo"}).context["cl"].result_list
        assert list(found) == [vote]
    asked = [query["sql"] for query in captured if "UPPER" in query["sql"]]
    assert len(asked) == 3
    assert not any("JOIN" in sql for sql in asked)
