"""Scores, their significant changes and their state; and the two lists over them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from monitoring.models import CronLog
from mysetlist.catalog.models import Artist, Show

# The columns of a trend row that scoring fills, in the order of the SQL functions.
COLUMNS = (
    "vote_count",
    "fan_count",
    "recent_votes",
    "active_users",
    "upcoming_shows",
    "recent_shows",
    "followers",
    "popularity",
    "engagement_ratio",
    "recency_boost",
    "raw",
    "score",
)


class Factors(models.Model):
    """What the score counted, as the integers that entered it; trending.scoring has the units."""

    vote_count = models.BigIntegerField("votes", help_text="Live votes of three weeks.")
    fan_count = models.BigIntegerField("fans", help_text="Fans with a live vote in three weeks.")
    recent_votes = models.BigIntegerField(help_text="Counted votes by weight, in 1/1048576 vote.")
    active_users = models.BigIntegerField(help_text="Fans by the weight of their latest vote, in 1/1048576 fan.")
    upcoming_shows = models.BigIntegerField()
    recent_shows = models.BigIntegerField(help_text="Shows of the last 720 hours.")
    followers = models.BigIntegerField(help_text="Followers in this app.")
    popularity = models.PositiveSmallIntegerField(null=True, help_text="Spotify's 0 to 100; empty is unknown.")
    engagement_ratio = models.BigIntegerField(help_text="Votes per fan, in units of raw.")
    recency_boost = models.BigIntegerField(help_text="Weight of the latest vote, in 1/1048576.")
    raw = models.BigIntegerField(help_text="The plain sum, in 1/5242880 point.")
    score = models.DecimalField(max_digits=6, decimal_places=2, help_text="0 to 999.99.")

    class Meta:
        abstract = True


class Trend(Factors):
    """The current score of one artist or show. Rewritten only when a factor changed."""

    baseline_score = models.DecimalField(
        max_digits=6, decimal_places=2, help_text="The score at the last significant change."
    )
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True


def score_in_range(prefix: str) -> models.CheckConstraint:
    """0 <= score < 1000, in the database."""
    return models.CheckConstraint(condition=Q(score__gte=0, score__lt=1000), name=f"{prefix}_score_0_to_1000")


class ArtistTrend(Trend):
    """The score of an artist; every artist has one."""

    artist = models.OneToOneField(Artist, models.CASCADE, primary_key=True, related_name="trend")

    class Meta:
        db_table = "artist_trends"
        constraints = [score_in_range("artist")]
        indexes = [models.Index(F("raw").desc(), "artist_id", name="artist_trend_order")]

    def __str__(self) -> str:
        return f"{self.artist}: {self.score}"


class ShowTrend(Trend):
    """The score of a show; every show that is not long past has one."""

    show = models.OneToOneField(Show, models.CASCADE, primary_key=True, related_name="trend")

    class Meta:
        db_table = "show_trends"
        constraints = [score_in_range("show")]
        indexes = [models.Index(F("raw").desc(), "show_id", name="show_trend_order")]

    def __str__(self) -> str:
        return f"{self.show}: {self.score}"


class TrendChange(models.Model):
    """A significant change of a score: at least 5, and at least 5 % of the score before."""

    artist = models.ForeignKey(
        Artist, models.CASCADE, null=True, blank=True, related_name="trend_changes", db_index=False
    )
    show = models.ForeignKey(Show, models.CASCADE, null=True, blank=True, related_name="trend_changes", db_index=False)
    as_of = models.DateTimeField()
    changed_at = models.DateTimeField(db_default=Now())
    old_score = models.DecimalField(max_digits=6, decimal_places=2)
    new_score = models.DecimalField(max_digits=6, decimal_places=2)
    rank = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: beyond the first thousand.")
    units = models.JSONField(help_text="What each factor added, in 1/5242880 point.")
    # Its constraint is in SQL, for ON DELETE SET NULL: cleanup_old_data() takes runs sooner than changes.
    run = models.ForeignKey(
        CronLog, models.SET_NULL, null=True, blank=True, related_name="trend_changes", db_constraint=False
    )

    class Meta:
        db_table = "trend_changes"
        constraints = [
            models.CheckConstraint(
                condition=Q(artist__isnull=True, show__isnull=False) | Q(artist__isnull=False, show__isnull=True),
                name="change_of_an_artist_or_a_show",
            ),
        ]
        indexes = [
            models.Index(fields=["artist", "-changed_at"], name="change_by_artist"),
            models.Index(fields=["show", "-changed_at"], name="change_by_show"),
            models.Index(fields=["changed_at"], name="change_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.artist or self.show}: {self.old_score} to {self.new_score}"


class TrendState(models.Model):
    """One row: what the scores in the tables and lists are."""

    id = models.SmallIntegerField(primary_key=True, db_default=1)
    version = models.BigIntegerField(help_text="Rises with every refresh that changed something.")
    as_of = models.DateTimeField(help_text="The whole hour (UTC) at which everything was counted.")
    refreshed_at = models.DateTimeField()
    interval_seconds = models.PositiveIntegerField()
    formula_version = models.PositiveSmallIntegerField()

    class Meta:
        db_table = "trend_state"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="trend_state_is_one_row")]

    def __str__(self) -> str:
        return f"version {self.version} as of {self.as_of:%Y-%m-%d %H:%M} UTC"


class TrendingArtist(Factors):
    """The thousand hottest artists, as the last refresh left them (trending_artists_mv)."""

    rank = models.IntegerField()
    artist = models.OneToOneField(Artist, models.DO_NOTHING, primary_key=True, related_name="+")
    name = models.TextField()
    slug = models.TextField()
    image_url = models.TextField(null=True)
    genres = ArrayField(models.TextField())

    class Meta:
        db_table = "trending_artists_mv"
        managed = False

    def __str__(self) -> str:
        return f"{self.rank}. {self.name}"


class TrendingShow(Factors):
    """The thousand hottest shows that have not been over for long (trending_shows_mv)."""

    rank = models.IntegerField()
    show = models.OneToOneField(Show, models.DO_NOTHING, primary_key=True, related_name="+")
    name = models.TextField()
    slug = models.TextField()
    start = models.DateTimeField()
    local_date = models.DateField(null=True)
    status = models.TextField()
    artist = models.ForeignKey(Artist, models.DO_NOTHING, related_name="+")
    artist_name = models.TextField()
    artist_slug = models.TextField()
    image_url = models.TextField(null=True)
    genres = ArrayField(models.TextField())
    venue_name = models.TextField(null=True)
    city = models.TextField(null=True)
    region = models.TextField(null=True)
    country = models.TextField(null=True)

    class Meta:
        db_table = "trending_shows_mv"
        managed = False

    def __str__(self) -> str:
        return f"{self.rank}. {self.name}"


class ArtistHour(models.Model):
    """Rollup: what one clock hour (UTC) added to an artist. Plain numbers instead of foreign keys:
    what was counted must still be taken back after its fan or artist is gone."""

    pk = models.CompositePrimaryKey("artist_id", "hour")
    artist_id = models.BigIntegerField()
    hour = models.DateTimeField()
    votes = models.IntegerField(help_text="Live votes cast in this hour.")
    counted = models.IntegerField(help_text="Those that count.")
    fans = models.IntegerField(help_text="Fans whose latest live vote lies in this hour.")

    class Meta:
        db_table = "artist_hours"

    def __str__(self) -> str:
        return f"artist {self.artist_id}, {self.hour:%Y-%m-%d %H}h: {self.votes} votes"


class ArtistFan(models.Model):
    """Rollup: the hour of a fan's latest live vote for an artist."""

    pk = models.CompositePrimaryKey("artist_id", "fan_id")
    artist_id = models.BigIntegerField()
    fan_id = models.BigIntegerField()
    hour = models.DateTimeField()

    class Meta:
        db_table = "artist_fans"

    def __str__(self) -> str:
        return f"fan {self.fan_id} for artist {self.artist_id}"


class ShowHour(models.Model):
    """Rollup: what one clock hour (UTC) added to a show."""

    pk = models.CompositePrimaryKey("show_id", "hour")
    show_id = models.BigIntegerField()
    hour = models.DateTimeField()
    votes = models.IntegerField(help_text="Live votes cast in this hour.")
    counted = models.IntegerField(help_text="Those that count.")
    fans = models.IntegerField(help_text="Fans whose latest live vote lies in this hour.")

    class Meta:
        db_table = "show_hours"

    def __str__(self) -> str:
        return f"show {self.show_id}, {self.hour:%Y-%m-%d %H}h: {self.votes} votes"


class ShowFan(models.Model):
    """Rollup: the hour of a fan's latest live vote on a show."""

    pk = models.CompositePrimaryKey("show_id", "fan_id")
    show_id = models.BigIntegerField()
    fan_id = models.BigIntegerField()
    hour = models.DateTimeField()

    class Meta:
        db_table = "show_fans"

    def __str__(self) -> str:
        return f"fan {self.fan_id} for show {self.show_id}"
