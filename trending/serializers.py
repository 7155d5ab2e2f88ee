"""What the API says of scores, and what it may be asked: fields alone, no logic."""

from typing import Any

from rest_framework import serializers

from mysetlist.querying import WORDS, Parameters
from trending.cursors import LONGEST, check_cursor

Fields = serializers.Serializer[Any]


class ArtistsQuery(Parameters):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20, help_text="Rows of a page.")
    cursor = serializers.RegexField(
        r"^[A-Za-z0-9_-]+$",
        required=False,
        max_length=LONGEST,
        validators=[check_cursor],
        help_text="As `next` or `previous` say.",
    )
    genre = serializers.RegexField(WORDS, required=False, max_length=64, help_text="A genre, in any case.")
    country = serializers.RegexField(
        r"^[A-Za-z]{2}$", required=False, help_text="ISO 3166 alpha-2. Artists: has an upcoming show there."
    )
    city = serializers.RegexField(WORDS, required=False, max_length=255, help_text="A city, in any case.")


class ShowsQuery(ArtistsQuery):
    def get_fields(self) -> dict[str, Any]:
        return {
            **super().get_fields(),
            "from": serializers.DateField(required=False, help_text="First day, at the venue."),
            "to": serializers.DateField(required=False, help_text="Last day, at the venue."),
        }


class HistoryQuery(Parameters):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=50, help_text="Changes of a page.")
    before = serializers.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, help_text="Changes before this one, as `next` says."
    )


class NoQuery(Parameters):
    pass


class EditionSerializer(Fields):
    version = serializers.IntegerField(help_text="Rises with every refresh that changed something.")
    as_of = serializers.DateTimeField(allow_null=True, help_text="The whole hour (UTC) of the count; null: no scores.")
    refreshed_at = serializers.DateTimeField(allow_null=True)
    next_refresh_at = serializers.DateTimeField(allow_null=True)
    stale = serializers.BooleanField(help_text="Older than three refresh intervals.")
    formula_version = serializers.IntegerField()


class FactorSerializer(Fields):
    count = serializers.IntegerField(allow_null=True, help_text="Plain things counted; null: unknown, or no count.")
    effective = serializers.FloatField(allow_null=True, help_text="What decay or soft cap leave; null: unknown.")
    points = serializers.FloatField(help_text="What it added to the plain sum.")


class FactorsSerializer(Fields):
    recent_votes = FactorSerializer()
    active_users = FactorSerializer()
    upcoming_shows = FactorSerializer()
    recent_shows = FactorSerializer()
    followers = FactorSerializer()
    popularity = FactorSerializer()
    engagement_ratio = FactorSerializer()
    recency_boost = FactorSerializer()


class ListedArtistSerializer(Fields):
    id = serializers.IntegerField(source="artist_id")
    slug = serializers.CharField()
    name = serializers.CharField()
    image_url = serializers.CharField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())


class HeadlinerSerializer(Fields):
    id = serializers.IntegerField(source="artist_id")
    slug = serializers.CharField(source="artist_slug")
    name = serializers.CharField(source="artist_name")
    image_url = serializers.CharField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())


class ListedVenueSerializer(Fields):
    name = serializers.CharField(source="venue_name", allow_null=True)
    city = serializers.CharField(allow_null=True)
    region = serializers.CharField(allow_null=True)
    country = serializers.CharField(allow_null=True)


class ListedShowSerializer(Fields):
    id = serializers.IntegerField(source="show_id")
    slug = serializers.CharField()
    name = serializers.CharField()
    start = serializers.DateTimeField()
    local_date = serializers.DateField(allow_null=True)
    status = serializers.CharField()
    venue = ListedVenueSerializer(source="*")


class PlaceSerializer(Fields):
    rank = serializers.IntegerField(allow_null=True, help_text="Among all; null past 1,000.")
    position = serializers.IntegerField(help_text="In this list, from 1.")
    score = serializers.FloatField(help_text="0 to 999.99.")


class ArtistPlaceSerializer(PlaceSerializer):
    artist = ListedArtistSerializer(source="*")
    factors = FactorsSerializer()


class ShowPlaceSerializer(PlaceSerializer):
    show = ListedShowSerializer(source="*")
    artist = HeadlinerSerializer(source="*", help_text="The headliner.")
    factors = FactorsSerializer()


class ListSerializer(EditionSerializer):
    refreshed = serializers.BooleanField(help_text="The cursor is of an older version: rows may repeat or be missed.")
    next = serializers.CharField(allow_null=True, help_text="Address of the next page, relative to this host.")
    previous = serializers.CharField(allow_null=True)


class TrendingArtistsSerializer(ListSerializer):
    results = ArtistPlaceSerializer(many=True)


class TrendingShowsSerializer(ListSerializer):
    results = ShowPlaceSerializer(many=True)


class NamedSerializer(Fields):
    id = serializers.IntegerField(source="pk")
    slug = serializers.CharField()
    name = serializers.CharField()


class ExplanationSerializer(Fields):
    factor = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField(allow_null=True)
    effective = serializers.FloatField(allow_null=True)
    weight = serializers.FloatField(help_text="Points for each effective one.")
    units = serializers.IntegerField(help_text="In 1/5242880 point; those of all factors sum to `raw_units`.")
    points = serializers.FloatField()
    share = serializers.FloatField(help_text="Of the plain sum, 0 to 1.")
    note = serializers.CharField()


class TrendSerializer(EditionSerializer):
    rank = serializers.IntegerField(allow_null=True, help_text="Among all; null past 1,000.")
    score = serializers.FloatField()
    raw_units = serializers.IntegerField()
    raw_points = serializers.FloatField(help_text="The plain sum; above 500 the score is 1000 - 250,000 / sum.")
    baseline_score = serializers.FloatField(help_text="The score at the last significant change.")
    changed_at = serializers.DateTimeField()
    summary = serializers.CharField()
    factors = ExplanationSerializer(many=True)


class ArtistTrendSerializer(TrendSerializer):
    artist = NamedSerializer()


class ShowTrendSerializer(TrendSerializer):
    show = NamedSerializer()


class ChangeSerializer(Fields):
    id = serializers.IntegerField()
    as_of = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    old_score = serializers.FloatField()
    new_score = serializers.FloatField()
    rank = serializers.IntegerField(allow_null=True, help_text="At that time; null past 1,000.")
    mostly = serializers.CharField(allow_blank=True, help_text="What moved most since the change before.")


class HistorySerializer(EditionSerializer):
    next = serializers.CharField(allow_null=True, help_text="Address of older changes, relative to this host.")
    results = ChangeSerializer(many=True, help_text="Significant changes, newest first.")


class ArtistHistorySerializer(HistorySerializer):
    artist = NamedSerializer()


class ShowHistorySerializer(HistorySerializer):
    show = NamedSerializer()


class FormulaFactorSerializer(Fields):
    factor = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    weight = serializers.FloatField()
    knee = serializers.FloatField(allow_null=True, help_text="Up to here all count fully; null: no soft cap.")
    limit = serializers.FloatField(allow_null=True, help_text="Never reached, however many there are.")
    meaning = serializers.CharField()


class SoftCapSerializer(Fields):
    knee = serializers.FloatField()
    limit = serializers.FloatField()
    above_the_knee = serializers.CharField()


class DecaySerializer(Fields):
    half_life_hours = serializers.IntegerField()
    horizon_hours = serializers.IntegerField(help_text="Older votes weigh nothing.")


class CapSerializer(Fields):
    votes = serializers.IntegerField(help_text="Of one fan for one artist that count …")
    hours = serializers.IntegerField(help_text="… in any so many consecutive hours.")


class SignificanceSerializer(Fields):
    points = serializers.FloatField()
    share = serializers.FloatField(help_text="Of the score at the last significant change; the larger one holds.")


class FormulaSerializer(EditionSerializer):
    formula = serializers.CharField()
    factors = FormulaFactorSerializer(many=True)
    score = SoftCapSerializer()
    decay = DecaySerializer()
    cap = CapSerializer()
    recent_show_hours = serializers.IntegerField()
    significant_change = SignificanceSerializer()
    units_of_a_point = serializers.IntegerField()
