"""Every page of the admin answers, in a number of queries that does not grow with the rows."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, IntervalSchedule, SolarSchedule

from monitoring.health import check_health
from monitoring.models import Alert, CronLog
from mysetlist.admin import BoundedPaginator, ReadOnlyAdmin
from mysetlist.catalog.models import Activity, Artist, Billing, SetlistSong, Show, Vote
from syncjobs.models import QueueJob, QueueMetric
from tests.factories import make_artist, make_fan, make_follow, make_setlist, make_show, make_venue, make_vote
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
        QueueJob.objects.create(queue_name="cron", job_name=job)
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


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_list_search_and_row_has_a_page(admin_client, model):
    make_rows(2)
    assert admin_client.get(page(model, "changelist")).status_code == 200
    assert admin_client.get(page(model, "changelist"), {"q": "o'b 1%_é \\"}).status_code in {200, 302}
    row = model._default_manager.first()
    assert row is not None
    assert admin_client.get(page(model, "change", row.pk)).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_what_can_be_added_has_a_form(admin_client, rf, admin_user, model):
    request = rf.get("/")
    request.user = admin_user
    allowed = admin.site._registry[model].has_add_permission(request)
    assert admin_client.get(page(model, "add")).status_code == (200 if allowed else 403)


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_takes_as_many_queries_for_thirty_rows_as_for_three(admin_client, model):
    make_rows(1)
    few = queries(admin_client, page(model, "changelist"), q="")
    make_rows(10)
    assert queries(admin_client, page(model, "changelist"), q="") == few <= 7


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Show, Vote, Billing], ids=lambda model: model._meta.label)
def test_a_search_takes_as_many_queries_for_many_rows_as_for_few(admin_client, model):
    make_rows(1)
    few = queries(admin_client, page(model, "changelist"), q="artist")
    make_rows(10)
    assert queries(admin_client, page(model, "changelist"), q="artist") == few <= 9


def queries(client, url, **parameters):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, parameters).status_code == 200
    return len(captured)


@pytest.mark.django_db
@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model._meta.label)
def test_records_are_neither_added_nor_changed_nor_deleted(admin_client, model):
    make_rows(1)
    row = model._default_manager.first()
    assert admin_client.post(page(model, "add"), {}).status_code == 403
    assert admin_client.post(page(model, "change", row.pk), {}).status_code == 403
    assert admin_client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    admin_client.post(page(model, "changelist"), chosen)
    assert model._default_manager.filter(pk=row.pk).exists()


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
