"""What fans do over HTTP: vote, take it back, follow. Everything may be sent twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from mysetlist import examples
from mysetlist.catalog.models import Artist, SetlistSong, User, Vote
from mysetlist.catalog.serializers import CastVoteSerializer, FollowSerializer, VoteSerializer
from mysetlist.catalog.services import (
    NotPredicted,
    SetlistGone,
    SetlistLocked,
    ShowCalledOff,
    ShowStarted,
    VotingClosed,
    cast_vote,
    follow_artist,
    retract_vote,
    unfollow_artist,
)
from mysetlist.doors import FanView
from mysetlist.problems import Conflict
from mysetlist.schema import Answer, told

REFUSED = (401, 403, 429)
SENT = (400, 413, 415)

CODES = {
    SetlistLocked: "setlist_locked",
    ShowStarted: "show_started",
    ShowCalledOff: "show_called_off",
    SetlistGone: "setlist_gone",
    NotPredicted: "not_predicted",
}


class Votes(FanView):
    """A fan votes for a song of a predicted setlist."""

    @told(
        tag="fans",
        takes=CastVoteSerializer,
        sends={"setlist_song": 44021},
        answers={
            201: Answer("The vote is cast.", VoteSerializer, examples.VOTE),
            200: Answer("It had been cast before.", VoteSerializer, examples.VOTE),
        },
        problems=(*REFUSED, *SENT, 409),
    )
    def post(self, request: Request) -> Response:
        asked = CastVoteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        song = SetlistSong.objects.filter(pk=asked.validated_data["setlist_song"]).first()
        if song is None:
            raise ValidationError({"setlist_song": ["There is no such song of a setlist."]})
        with voting():
            vote, is_new = cast_vote(fan=caller(request), setlist_song=song, now=timezone.now())
        return Response(VoteSerializer(vote).data, status=201 if is_new else 200)


class OneVote(FanView):
    """A fan's own vote. Of others' votes nothing is told: they are as gone as one taken back."""

    @told(tag="fans", answers={204: Answer("You have no such vote, or no longer.")}, problems=(*REFUSED, 404, 409))
    def delete(self, request: Request, pk: int) -> Response:
        vote = Vote.objects.filter(fan=caller(request), pk=pk).select_related("setlist_song").first()
        if vote:
            with voting():
                retract_vote(fan=caller(request), setlist_song=vote.setlist_song, now=timezone.now())
        return Response(status=204)


class Following(FanView):
    """A fan follows an artist, or no longer."""

    @told(
        tag="fans",
        answers={
            201: Answer("You follow the artist.", FollowSerializer, examples.FOLLOW),
            200: Answer("You did before.", FollowSerializer, examples.FOLLOW),
        },
        problems=(*REFUSED, 404),
    )
    def post(self, request: Request, slug: str) -> Response:
        artist = get_object_or_404(Artist, slug=slug)
        is_new = follow_artist(fan=caller(request), artist=artist)
        told: dict[str, Any] = {"artist": artist.slug, "following": True}
        return Response(FollowSerializer(told).data, status=201 if is_new else 200)

    @told(tag="fans", answers={204: Answer("You do not follow the artist.")}, problems=(*REFUSED, 404))
    def delete(self, request: Request, slug: str) -> Response:
        unfollow_artist(fan=caller(request), artist=get_object_or_404(Artist, slug=slug))
        return Response(status=204)


def caller(request: Request) -> User:
    """The fan: IsFan has let nobody else in."""
    return cast(User, request.user)


@contextmanager
def voting() -> Iterator[None]:
    """Say as a problem why votes are not accepted."""
    try:
        yield
    except VotingClosed as problem:
        raise Conflict(str(problem), code=CODES[type(problem)]) from problem
