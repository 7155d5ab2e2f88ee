"""What fans send and are told: fields alone, no logic."""

from typing import Any

from rest_framework import serializers

Fields = serializers.Serializer[Any]


class CastVoteSerializer(Fields):
    setlist_song = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, help_text="A song of a predicted setlist, by its number."
    )


class VoteSerializer(Fields):
    id = serializers.IntegerField()
    setlist_song = serializers.IntegerField(source="setlist_song_id")
    show = serializers.IntegerField(source="show_id")
    artist = serializers.IntegerField(source="artist_id")
    created_at = serializers.DateTimeField()
    counted = serializers.BooleanField(help_text="Among the ten of a fan for an artist that count in a week.")


class FollowSerializer(Fields):
    artist = serializers.CharField(help_text="The artist's slug.")
    following = serializers.BooleanField()
