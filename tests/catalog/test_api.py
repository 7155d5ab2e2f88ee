"""What fans do over HTTP: each call may come twice, at a measured pace, and touches only what is theirs."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.authtoken.models import Token

from mysetlist.catalog.models import Follow, SetlistSong, User, Vote
from mysetlist.throttles import AddressThrottle, FanThrottle
from tests.factories import make_artist, make_fan, make_setlist, make_show, make_vote

pytestmark = pytest.mark.django_db


def door(fan: User) -> Client:
    """A client with the fan's token."""
    token, _ = Token.objects.get_or_create(user=fan)
    return Client(headers={"authorization": f"Token {token.key}"})


def song(**show: Any) -> SetlistSong:
    starts_at = timezone.now() + timedelta(days=3)
    return make_setlist(make_show(**{"starts_at": starts_at, **show}), songs=1).setlist_songs.get()


def vote(client: Client, of: Any) -> Any:
    return client.post("/api/votes/", {"setlist_song": of}, content_type="application/json")


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    return answer.json()


def test_a_vote_is_cast_once_however_often_it_is_sent() -> None:
    fan, choice = make_fan(), song()
    first, second = vote(door(fan), choice.pk), vote(door(fan), choice.pk)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    cast = Vote.objects.get()
    assert first.json() == {
        "id": cast.pk,
        "setlist_song": choice.pk,
        "show": choice.setlist.show_id,
        "artist": choice.setlist.artist_id,
        "created_at": first.json()["created_at"],
        "counted": True,
    }


def test_a_vote_is_taken_back_once_however_often_it_is_asked() -> None:
    fan = make_fan()
    number = vote(door(fan), song().pk).json()["id"]
    for _ in range(2):
        assert door(fan).delete(f"/api/votes/{number}/").status_code == 204
        assert not Vote.objects.exists()


def test_with_the_number_of_anothers_vote_not_even_ones_own_is_taken_back() -> None:
    fan, choice = make_fan(), song()
    theirs, own = make_vote(choice), make_vote(choice, fan=fan)
    door(fan).delete(f"/api/votes/{theirs.pk}/")
    assert set(Vote.objects.all()) == {theirs, own}


def test_nobody_takes_back_or_learns_of_anothers_vote() -> None:
    theirs = make_vote(song())
    answer, unknown = (door(make_fan()).delete(f"/api/votes/{number}/") for number in (theirs.pk, 10**17))
    assert (answer.status_code, answer.content) == (unknown.status_code, unknown.content) == (204, b"")
    assert Vote.objects.get() == theirs


@pytest.mark.parametrize(
    ("show", "code"),
    [
        ({"starts_at": timezone.now() - timedelta(hours=1)}, "show_started"),
        ({"status": "cancelled"}, "show_called_off"),
        ({"status": "postponed"}, "show_called_off"),
    ],
)
def test_where_no_votes_are_taken_it_is_409_and_says_why(show: dict[str, Any], code: str) -> None:
    fan, choice = make_fan(), song(**show)
    assert problem(vote(door(fan), choice.pk), 409)["code"] == code
    cast = make_vote(choice, fan=fan)
    assert problem(door(fan).delete(f"/api/votes/{cast.pk}/"), 409)["code"] == code
    assert Vote.objects.exists()


def test_a_locked_and_a_played_setlist_are_told_apart() -> None:
    locked, played = song(), song()
    locked.setlist.__class__.objects.filter(pk=locked.setlist_id).update(locked_at=timezone.now())
    played.setlist.__class__.objects.filter(pk=played.setlist_id).update(kind="actual")
    client = door(make_fan())
    assert problem(vote(client, locked.pk), 409)["code"] == "setlist_locked"
    assert (
        problem(vote(client, played.pk), 409)["detail"]
        == "This setlist tells what was played: vote on the predicted one."
    )


@pytest.mark.parametrize("of", [None, 0, -1, 2**63, 10**30, "x", "", "\x00", [], {}, 1.5, True])
def test_what_is_no_song_is_400_and_named(of: Any) -> None:
    assert [error["name"] for error in problem(vote(door(make_fan()), of), 400)["errors"]] == ["setlist_song"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'"\xff"', "application/json", 400),
        (b"[" * 30_000, "application/json", 400),
        (b'{"setlist_song": NaN}', "application/json", 400),
        (b'{"setlist_song": ' + b"9" * 6000 + b"}", "application/json", 400),
        (b"{}".ljust(70_000), "application/json", 413),
        (b"{}".ljust(3_000_000), "application/json", 413),
        (b"setlist_song=1", "application/x-www-form-urlencoded", 415),
        (b"<vote/>", "text/xml", 415),
        (b"{}", "", 415),
        (b"{}", "application/json; charset=nonsense", 400),
    ],
)
def test_a_body_that_is_none_is_a_problem(body: bytes, kind: str, status: int) -> None:
    problem(door(make_fan()).generic("POST", "/api/votes/", body, content_type=kind), status)


def test_an_artist_is_followed_and_left_once_however_often() -> None:
    fan, artist = make_fan(), make_artist(slug="björk")
    url = "/api/artists/björk/follow/"
    assert [door(fan).post(url).status_code for _ in range(2)] == [201, 200]
    assert door(fan).post(url).json() == {"artist": "björk", "following": True}
    assert Follow.objects.get().artist == artist
    assert [door(fan).delete(url).status_code for _ in range(2)] == [204, 204]
    assert not Follow.objects.exists()


@pytest.mark.parametrize("method", ["post", "delete"])
def test_an_unknown_artist_is_not_found(method: str) -> None:
    problem(getattr(door(make_fan()), method)("/api/artists/nobody/follow/"), 404)


# --- rights ---


@pytest.mark.parametrize(
    "header",
    [None, "Token nonsense", "Token", "Token a b", "Token \x00", "Token é", "Basic Zm9vOmJhcg==", "Bearer x"],
)
@pytest.mark.parametrize(
    ("method", "url"), [("post", "/api/votes/"), ("delete", "/api/votes/1/"), ("post", "/api/artists/a/follow/")]
)
def test_without_a_right_token_it_is_401(method: str, url: str, header: str | None) -> None:
    client = Client(headers={"authorization": header} if header else {})
    answer = getattr(client, method)(url)
    problem(answer, 401)
    assert answer["WWW-Authenticate"] == "Token"


def test_a_fan_who_was_switched_off_is_401() -> None:
    client = door(fan := make_fan())
    User.objects.filter(pk=fan.pk).update(is_active=False)
    problem(vote(client, 1), 401)


def test_a_session_will_do_and_needs_its_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_fan())
    choice = song()
    problem(vote(client, choice.pk), 403)
    client.cookies["csrftoken"] = token = "a" * 32
    answer = client.post(
        "/api/votes/",
        {"setlist_song": choice.pk},
        content_type="application/json",
        headers={"x-csrftoken": token},
    )
    assert answer.status_code == 201


# --- pace ---


def test_a_fan_too_fast_waits_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FanThrottle, "rate", "2/minute")
    fan, artist = make_fan(), make_artist()
    url = f"/api/artists/{artist.slug}/follow/"
    answers = [door(fan).post(url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 429]
    assert problem(answers[-1], 429)["code"] == "throttled"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert door(make_fan()).post(url).status_code == 201


def test_who_guesses_tokens_is_slowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AddressThrottle, "rate", "2/minute")
    client = Client(headers={"authorization": "Token nonsense"})
    assert [client.post("/api/votes/").status_code for _ in range(3)] == [401, 401, 429]
    assert client.post("/api/votes/", REMOTE_ADDR="192.0.2.7").status_code == 401


def test_a_forged_forwarded_address_makes_nobody_new(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(AddressThrottle, "rate", "1/minute")

    def call(forwarded: str) -> int:
        return Client().post("/api/votes/", headers={"x-forwarded-for": forwarded}).status_code

    assert [call("192.0.2.1"), call("192.0.2.2")] == [401, 429]
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}  # one proxy of ours says who it was
    assert [call("6.6.6.6, 192.0.2.3"), call("7.7.7.7, 192.0.2.3"), call("192.0.2.4")] == [401, 429, 401]
