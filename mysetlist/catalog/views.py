"""What fans do over HTTP: vote, take it back, follow. Everything may be sent twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from mysetlist.catalog.models import Artist, SetlistSong, Vote
from mysetlist.catalog.serializers import CastVoteSerializer, FollowSerializer, VoteSerializer
from mysetlist.catalog.services import (
    NotPredicted,
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

CODES = {
    SetlistLocked: "setlist_locked",
    ShowStarted: "show_started",
    ShowCalledOff: "show_called_off",
    NotPredicted: "not_predicted",
}


class Votes(FanView):
    """A fan votes for a song of a predicted setlist."""

    def post(self, request: Request) -> Response:
        asked = CastVoteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        song = SetlistSong.objects.filter(pk=asked.validated_data["setlist_song"]).first()
        if song is None:
            raise ValidationError({"setlist_song": ["There is no such song of a setlist."]})
        with voting():
            vote, is_new = cast_vote(fan=request.user, setlist_song=song, now=timezone.now())
        return Response(VoteSerializer(vote).data, status=201 if is_new else 200)


class OneVote(FanView):
    """A fan's own vote. Of others' votes nothing is told: they are as gone as one taken back."""

    def delete(self, request: Request, pk: int) -> Response:
        vote = Vote.objects.filter(fan=request.user, pk=pk).select_related("setlist_song").first()
        if vote:
            with voting():
                retract_vote(fan=request.user, setlist_song=vote.setlist_song, now=timezone.now())
        return Response(status=204)


class Following(FanView):
    """A fan follows an artist, or no longer."""

    def post(self, request: Request, slug: str) -> Response:
        artist = get_object_or_404(Artist, slug=slug)
        is_new = follow_artist(fan=request.user, artist=artist)
        told: dict[str, Any] = {"artist": artist.slug, "following": True}
        return Response(FollowSerializer(told).data, status=201 if is_new else 200)

    def delete(self, request: Request, slug: str) -> Response:
        unfollow_artist(fan=request.user, artist=get_object_or_404(Artist, slug=slug))
        return Response(status=204)


@contextmanager
def voting() -> Iterator[None]:
    """Say as a problem why votes are not accepted."""
    try:
        yield
    except VotingClosed as problem:
        raise Conflict(str(problem), code=CODES[type(problem)]) from problem
