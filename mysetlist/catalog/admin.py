"""Pages for what exists: fans and staff, artists, venues, shows, songs, setlists, follows and votes."""

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet, URLField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from rest_framework.authtoken.models import TokenProxy
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from mysetlist.admin import Admin, ReadOnlyAdmin
from mysetlist.catalog.forms import ArtistLineForm, BillFormSet, LineFormSet, SongLineForm
from mysetlist.catalog.models import (
    Activity,
    Artist,
    ArtistSong,
    Billing,
    Follow,
    Setlist,
    SetlistSong,
    Show,
    Song,
    User,
    Venue,
    Vote,
)
from mysetlist.catalog.services import VotingClosed, retract_vote

admin.site.unregister(Group)
admin.site.unregister(TokenProxy)  # its list would show every fan's key; manage.py drf_create_token makes one


@admin.register(User)
class UserAdmin(DjangoUserAdmin, Admin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("username", "email")
    ordering = ("username",)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, Admin):
    pass


@admin.register(Artist)
class ArtistAdmin(Admin):
    list_display = ("name", "genre_names", "popularity", "spotify_followers", "ticketmaster_id", "spotify_id", "mbid")
    list_filter = (
        ("popularity", admin.EmptyFieldListFilter),
        ("ticketmaster_id", admin.EmptyFieldListFilter),
        ("spotify_id", admin.EmptyFieldListFilter),
        ("mbid", admin.EmptyFieldListFilter),
    )
    search_fields = ("name",)
    search_exactly = ("slug", "ticketmaster_id", "spotify_id", "mbid")
    search_help_text = "Name, slug or an external id"
    ordering = ("name",)
    prepopulated_fields = {"slug": ("name",)}
    formfield_overrides = {URLField: {"assume_scheme": "https"}}

    @display(description="genres")
    def genre_names(self, artist: Artist) -> str:
        return ", ".join(artist.genres)


@admin.register(Venue)
class VenueAdmin(Admin):
    list_display = ("name", "city", "region", "country", "timezone", "ticketmaster_id")
    list_filter = (("timezone", admin.EmptyFieldListFilter), ("ticketmaster_id", admin.EmptyFieldListFilter))
    search_fields = ("name", "city")
    search_exactly = ("ticketmaster_id",)
    search_help_text = "Name, city or Ticketmaster id"
    ordering = ("name",)


class BillingInline(TabularInline):
    """Who else plays. The headliner's own line is kept by a trigger and not shown."""

    model = Billing
    form = ArtistLineForm
    formset = BillFormSet
    fields = ("position", "artist")
    autocomplete_fields = ("artist",)
    extra = 0
    verbose_name_plural = "also on the bill"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Billing]:
        return (
            super().get_queryset(request).filter(position__gt=0).select_related("artist", "show").order_by("position")
        )


@admin.register(Show)
class ShowAdmin(Admin):
    list_display = ("name", "headliner", "venue", "local_date", "start", "status")
    list_filter = ("status", ("venue", admin.EmptyFieldListFilter), ("start", admin.EmptyFieldListFilter))
    list_select_related = ("headliner", "venue")
    search_fields = ("name",)
    search_exactly = ("slug", "ticketmaster_id")
    search_through = {"headliner": "name", "venue": "name"}
    search_help_text = "Name, headliner, venue, slug or Ticketmaster id"
    ordering = ("-start",)
    autocomplete_fields = ("headliner", "venue")
    readonly_fields = ("start", "setlist_tries", "setlist_next_try_at")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (BillingInline,)


class ArtistSongInline(TabularInline):
    model = ArtistSong
    form = ArtistLineForm
    autocomplete_fields = ("artist",)
    extra = 0
    verbose_name = "artist who plays it"
    verbose_name_plural = "artists who play it"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ArtistSong]:
        return super().get_queryset(request).select_related("artist", "song").order_by("pk")


@admin.register(Song)
class SongAdmin(Admin):
    list_display = ("title", "artist_names", "popularity", "spotify_id", "isrc")
    list_filter = (("popularity", admin.EmptyFieldListFilter), ("spotify_id", admin.EmptyFieldListFilter))
    search_fields = ("title",)
    search_exactly = ("spotify_id", "isrc")
    search_help_text = "Title, Spotify id or ISRC"
    ordering = ("title",)
    inlines = (ArtistSongInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Song]:
        return super().get_queryset(request).prefetch_related("artists")

    @display(description="artists")
    def artist_names(self, song: Song) -> str:
        return ", ".join(artist.name for artist in song.artists.all())


@admin.register(ArtistSong)
class ArtistSongAdmin(Admin):
    list_display = ("song", "artist")
    list_select_related = ("song", "artist")
    search_fields = ("song__title", "artist__name")
    search_through = {"song": "title", "artist": "name"}
    search_help_text = "Song or artist"
    autocomplete_fields = ("song", "artist")


@admin.register(Billing)
class BillingAdmin(ReadOnlyAdmin):
    """All bills, to search; a bill is edited on the page of its show."""

    list_display = ("artist", "position", "show")
    list_select_related = ("show", "artist")
    search_fields = ("artist__name", "show__name")
    search_through = {"artist": "name", "show": "name"}
    search_help_text = "Artist or show"


class SetlistSongInline(TabularInline):
    model = SetlistSong
    form = SongLineForm
    formset = LineFormSet
    fields = ("position", "song")
    autocomplete_fields = ("song",)
    extra = 0
    verbose_name_plural = "songs"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SetlistSong]:
        return super().get_queryset(request).select_related("song").order_by("position")


@admin.register(Setlist)
class SetlistAdmin(Admin):
    list_display = ("artist", "show", "kind", "locked_at", "accuracy", "setlistfm_id")
    list_filter = ("kind", ("locked_at", admin.EmptyFieldListFilter))
    search_fields = ("artist__name", "show__name")
    search_exactly = ("setlistfm_id",)
    search_through = {"artist": "name", "show": "name"}
    search_help_text = "Artist, show or setlist.fm id"
    autocomplete_fields = ("artist", "show")
    inlines = (SetlistSongInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Setlist]:
        return super().get_queryset(request).select_related("artist", "show")  # also for autocompletes

    def get_readonly_fields(self, request: HttpRequest, obj: Setlist | None = None) -> tuple[str, ...]:
        return ("artist", "show", "kind") if obj else ()  # votes repeat them


@admin.register(SetlistSong)
class SetlistSongAdmin(ReadOnlyAdmin):
    """All lines of setlists, to search; a setlist is edited on its own page."""

    list_display = ("song", "position", "setlist")
    list_select_related = ("song", "setlist__artist", "setlist__show")
    search_fields = ("song__title",)
    search_through = {"song": "title"}
    search_help_text = "Song"


@admin.register(Follow)
class FollowAdmin(Admin):
    list_display = ("fan", "artist", "created_at")
    list_select_related = ("fan", "artist")
    search_fields = ("fan__username", "artist__name")
    search_through = {"fan": "username", "artist": "name"}
    search_help_text = "Fan or artist"
    autocomplete_fields = ("fan", "artist")
    readonly_fields = ("created_at",)

    def has_change_permission(self, request: HttpRequest, obj: Follow | None = None) -> bool:
        return False


@admin.register(Vote)
class VoteAdmin(Admin):
    """Votes are cast by fans alone. Deleting one retracts it, by the rules of retract_vote."""

    list_display = ("fan", "song", "artist", "show", "created_at", "counted")
    list_filter = ("counted",)
    list_select_related = ("fan", "setlist_song__song", "artist", "show")
    search_fields = ("fan__username", "artist__name", "show__name")
    search_through = {"fan": "username", "artist": "name", "show": "name"}
    search_help_text = "Fan, artist or show"
    ordering = ("-created_at",)
    sortable_by = ("created_at",)
    actions = ("retract",)

    @display(description="song")
    def song(self, vote: Vote) -> str:
        return str(vote.setlist_song.song)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Vote | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {name: entry for name, entry in super().get_actions(request).items() if name != "delete_selected"}

    @action(description="Retract selected votes", permissions=["delete"])
    def retract(self, request: HttpRequest, queryset: QuerySet[Vote]) -> None:
        now, retracted, refused = timezone.now(), 0, Counter[str]()
        for vote in queryset.select_related("fan", "setlist_song"):
            try:
                retracted += retract_vote(fan=vote.fan, setlist_song=vote.setlist_song, now=now)
            except VotingClosed as problem:
                refused[str(problem)] += 1
        if retracted:
            self.message_user(request, f"{retracted} retracted.", messages.SUCCESS)
        for reason, count in refused.items():
            self.message_user(request, f"{count} not retracted: {reason}", messages.ERROR)

    def delete_model(self, request: HttpRequest, vote: Vote) -> None:
        retract_vote(fan=vote.fan, setlist_song=vote.setlist_song, now=timezone.now())

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except VotingClosed as problem:
            self.message_user(request, f"Not retracted: {problem}", messages.ERROR)
            return redirect("admin:catalog_vote_changelist")


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    list_display = ("kind", "artist_id", "show_id", "fan_id", "hour", "counted", "change")
    list_filter = ("kind",)
    ordering = ("-id",)
    sortable_by = ()
