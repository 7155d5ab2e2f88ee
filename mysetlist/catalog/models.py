"""What exists: people, artists, venues, shows, songs, setlists, follows and votes."""

from datetime import datetime, time
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce, Now, Upper


def validate_timezone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone such as Europe/Berlin."""
    if name not in available_timezones():
        raise ValidationError(f"{name!r} is not a time zone; use a name such as Europe/Berlin.")


class User(AbstractUser):
    """A fan or a member of staff."""


class Artist(models.Model):
    """Someone who performs. External ids are the keys by which imports find the row again."""

    name = models.CharField(max_length=255)
    slug = models.SlugField(max_length=255, unique=True, allow_unicode=True)
    ticketmaster_id = models.CharField(max_length=32, unique=True, null=True, blank=True)
    spotify_id = models.CharField(max_length=32, unique=True, null=True, blank=True)
    mbid = models.UUIDField("MusicBrainz id", unique=True, null=True, blank=True, help_text="The key to setlist.fm.")
    genres = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    image_url = models.URLField(max_length=500, null=True, blank=True)
    popularity = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Spotify's 0 to 100. Empty: unknown, which adds nothing to the score."
    )
    spotify_followers = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Followers on Spotify; for display. The score counts followers in this app."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="artist_has_a_name"),
            models.CheckConstraint(
                condition=Q(popularity__isnull=True) | Q(popularity__range=(0, 100)), name="artist_popularity_0_to_100"
            ),
        ]
        indexes = [GinIndex(fields=["genres"], name="artist_genres")]

    def __str__(self) -> str:
        return self.name


class Venue(models.Model):
    """Where shows happen. Without a Ticketmaster id, name, city and country tell venues apart."""

    name = models.CharField(max_length=255)
    city = models.CharField(max_length=255, blank=True)
    region = models.CharField(max_length=255, null=True, blank=True)
    country = models.CharField(max_length=2, null=True, blank=True, help_text="ISO 3166 alpha-2, such as DE.")
    timezone = models.CharField(
        max_length=64, null=True, blank=True, validators=[validate_timezone], help_text="Such as Europe/Berlin."
    )
    ticketmaster_id = models.CharField(max_length=32, unique=True, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "city", "country"],
                condition=Q(ticketmaster_id__isnull=True),
                nulls_distinct=False,
                name="one_venue_per_name_city_country",
            ),
            models.CheckConstraint(
                condition=Q(country__isnull=True) | Q(country__regex="^[A-Z]{2}$"), name="venue_country_is_alpha_2"
            ),
        ]
        indexes = [
            models.Index(fields=["country", "city"], name="venue_country_city"),
            models.Index(Upper("city"), name="venue_city_in_any_case"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.city}" if self.city else self.name


class ShowQuerySet(models.QuerySet["Show"]):
    """Questions about shows, in our words. The clock decides, not the stored status."""

    def standing(self) -> "ShowQuerySet":
        """Shows that are neither cancelled nor postponed."""
        return self.exclude(status__in=Show.CALLED_OFF)

    def upcoming(self, now: datetime) -> "ShowQuerySet":
        """Standing shows that start at `now` or later."""
        return self.standing().filter(start__gte=now)


# A show whose hour is unknown starts at eight in the evening, at the venue.
USUAL_START = time(20)

_local_start = Func(
    Coalesce(F("timezone"), Value("UTC")),
    Func(F("local_date"), template=f"(%(expressions)s + time '{USUAL_START:%H:%M}')"),
    function="timezone",
)


class Show(models.Model):
    """One concert. A trigger keeps the headliner at position 0 of the bill."""

    class Status(models.TextChoices):
        UPCOMING = "upcoming"
        ONGOING = "ongoing"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        POSTPONED = "postponed"

    CALLED_OFF = frozenset({Status.CANCELLED, Status.POSTPONED})

    headliner = models.ForeignKey(Artist, models.CASCADE, related_name="headlined_shows", db_index=False)
    venue = models.ForeignKey(Venue, models.SET_NULL, null=True, blank=True, related_name="shows")
    artists = models.ManyToManyField(Artist, through="Billing", related_name="shows")
    name = models.CharField(max_length=255)
    slug = models.SlugField(max_length=255, unique=True, allow_unicode=True)
    ticketmaster_id = models.CharField(max_length=32, unique=True, null=True, blank=True)
    local_date = models.DateField(null=True, blank=True, help_text="The day at the venue.")
    starts_at = models.DateTimeField(null=True, blank=True, help_text="The exact start, if it is known.")
    timezone = models.CharField(
        max_length=64, null=True, blank=True, validators=[validate_timezone], help_text="Empty: the venue's."
    )
    start = models.GeneratedField(
        expression=Coalesce(F("starts_at"), _local_start),
        output_field=models.DateTimeField(null=True),
        db_persist=True,
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.UPCOMING, db_default=Status.UPCOMING)

    objects = ShowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["upcoming", "ongoing", "completed", "cancelled", "postponed"]),
                name="show_status_is_known",
            ),
        ]
        indexes = [
            models.Index(fields=["start"], name="show_start"),
            models.Index(fields=["headliner", "start"], name="show_headliner_start"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.local_date or 'no date'})"


class Billing(models.Model):
    """An artist's place on the bill of a show; the headliner is position 0."""

    show = models.ForeignKey(Show, models.CASCADE, related_name="billings", db_index=False)
    artist = models.ForeignKey(Artist, models.CASCADE, related_name="billings")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["show", "artist"], name="one_billing_per_show_and_artist"),
            models.UniqueConstraint(
                fields=["show", "position"],
                deferrable=models.Deferrable.DEFERRED,
                name="one_artist_per_position_of_a_bill",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.artist} at {self.show}"


class Song(models.Model):
    """A song as fans vote for it."""

    title = models.CharField(max_length=255)
    spotify_id = models.CharField(max_length=32, unique=True, null=True, blank=True)
    isrc = models.CharField("ISRC", max_length=12, unique=True, null=True, blank=True)
    popularity = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Spotify's 0 to 100, if known.")
    artists = models.ManyToManyField(Artist, through="ArtistSong", related_name="songs")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="song_has_a_title"),
            models.CheckConstraint(
                condition=Q(popularity__isnull=True) | Q(popularity__range=(0, 100)), name="song_popularity_0_to_100"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ArtistSong(models.Model):
    """An artist plays a song."""

    artist = models.ForeignKey(Artist, models.CASCADE, db_index=False)
    song = models.ForeignKey(Song, models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["artist", "song"], name="one_row_per_artist_and_song")]

    def __str__(self) -> str:
        return f"{self.song} by {self.artist}"


class Setlist(models.Model):
    """What an artist may play at a show (predicted, open to votes) or has played (actual)."""

    class Kind(models.TextChoices):
        PREDICTED = "predicted"
        ACTUAL = "actual"

    show = models.ForeignKey(Show, models.CASCADE, related_name="setlists")
    artist = models.ForeignKey(Artist, models.CASCADE, related_name="setlists")
    kind = models.CharField(max_length=9, choices=Kind)
    locked_at = models.DateTimeField(null=True, blank=True, help_text="From then on votes are refused.")
    setlistfm_id = models.CharField("setlist.fm id", max_length=32, unique=True, null=True, blank=True)
    version_id = models.CharField(
        "setlist.fm version", max_length=32, null=True, blank=True, help_text="Changes with each edit there."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["predicted", "actual"]), name="setlist_kind_is_known"),
            models.UniqueConstraint(
                fields=["show", "artist"],
                condition=Q(kind="predicted"),
                name="one_predicted_setlist_per_show_and_artist",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} setlist of {self.artist}, {self.show}"


class SetlistSong(models.Model):
    """A song's place in a setlist; what fans vote for."""

    setlist = models.ForeignKey(Setlist, models.CASCADE, related_name="setlist_songs", db_index=False)
    song = models.ForeignKey(Song, models.CASCADE, related_name="setlist_songs")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["setlist", "position"], name="one_song_per_position_of_a_setlist"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.song}"


class Follow(models.Model):
    """A fan follows an artist."""

    fan = models.ForeignKey(User, models.CASCADE, related_name="follows", db_index=False)
    artist = models.ForeignKey(Artist, models.CASCADE, related_name="follows")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["fan", "artist"], name="one_follow_per_fan_and_artist")]

    def __str__(self) -> str:
        return f"{self.fan} follows {self.artist}"


class Vote(models.Model):
    """A fan's live vote for one song of a predicted setlist. Retracting deletes the row.

    `show` and `artist` repeat the setlist's, so that counting needs no join. `counted` is decided
    once, when the vote is cast: see catalog.services.cast_vote.
    """

    fan = models.ForeignKey(User, models.CASCADE, related_name="votes", db_index=False)
    setlist_song = models.ForeignKey(SetlistSong, models.CASCADE, related_name="votes")
    show = models.ForeignKey(Show, models.CASCADE, related_name="votes", db_index=False)
    artist = models.ForeignKey(Artist, models.CASCADE, related_name="votes", db_index=False)
    created_at = models.DateTimeField()
    counted = models.BooleanField(help_text="Among the ten of this fan for this artist that count in a week.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fan", "setlist_song"], name="one_live_vote_per_fan_and_setlist_song"),
        ]
        indexes = [
            models.Index(fields=["fan", "artist", "created_at"], name="vote_cap_check"),
            models.Index(fields=["artist", "created_at"], include=["fan", "counted"], name="vote_artist_hour"),
            models.Index(fields=["show", "fan", "created_at"], name="vote_show_fan"),
            models.Index(fields=["created_at"], include=["artist", "show", "fan", "counted"], name="vote_window"),
        ]

    def __str__(self) -> str:
        return f"{self.fan} for {self.setlist_song}"


class Activity(models.Model):
    """One change that a score or a list shows, written by triggers alone, drained by the next refresh.

    Plain numbers instead of foreign keys: the line must outlive the row that it tells of.
    """

    class Kind(models.TextChoices):
        VOTE = "vote"
        FOLLOW = "follow"
        SHOW = "show"
        ARTIST = "artist"

    kind = models.CharField(max_length=6, choices=Kind)
    artist_id = models.BigIntegerField()
    show_id = models.BigIntegerField(null=True)
    fan_id = models.BigIntegerField(null=True)
    hour = models.DateTimeField(null=True)
    counted = models.BooleanField(null=True)
    change = models.SmallIntegerField()

    class Meta:
        db_table = "catalog_activity"
        verbose_name_plural = "activity"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["vote", "follow", "show", "artist"]), name="activity_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.change:+d} for artist {self.artist_id}"
