"""Lines of a bill or a setlist, as the admin edits them: who or what a line names is fixed, its position is not."""

from typing import Any

from django import forms
from django.db.models import F, Model
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.forms import PaginationInlineFormSet

from mysetlist.catalog.models import Billing

OUT_OF_THE_WAY = 10_000  # beyond every position in use


class FixedText(forms.Widget):
    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        return format_html('<span class="block py-2">{}</span>', value)


class FixedRow(forms.Field):
    """The row that a line has named from the start. Asks the database nothing, however many lines a form has."""

    widget = FixedText

    def __init__(self, row: Model) -> None:
        super().__init__(disabled=True)
        self.row = row

    def prepare_value(self, value: Any) -> Model:
        return self.row

    def clean(self, value: Any) -> Model:
        return self.row


class LineForm(forms.ModelForm):
    """A line of a list. Votes and bills hang on what it names, so something else is another line."""

    fixed: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields[self.fixed] = FixedRow(getattr(self.instance, self.fixed))

    def clean_position(self) -> int:
        position = self.cleaned_data["position"]
        if not 0 < position < OUT_OF_THE_WAY:
            raise forms.ValidationError(f"A position is at least 1 and below {OUT_OF_THE_WAY}.")
        return position

    def _get_validation_exclusions(self) -> set[str]:
        # Two lines may change places: the whole list is checked, not each line against the old ones.
        return {*super()._get_validation_exclusions(), "position"}


class SongLineForm(LineForm):
    fixed = "song"


class ArtistLineForm(LineForm):
    fixed = "artist"


class LineFormSet(PaginationInlineFormSet):
    """The lines of one list, saved so that they may change places."""

    def clean(self) -> None:
        super().clean()
        seen: set[int] = set()
        for form in self.forms:
            position = form.cleaned_data.get("position") if hasattr(form, "cleaned_data") else None
            if position is None or self._should_delete_form(form):
                continue
            if position in seen:
                form.add_error("position", f"Another line has position {position}, too.")
            seen.add(position)

    def save(self, commit: bool = True) -> Any:
        leaving = [form.instance.pk for form in self.initial_forms if form in self.deleted_forms or form.has_changed()]
        self.model.objects.filter(pk__in=leaving, position__gt=0).update(position=F("position") + OUT_OF_THE_WAY)
        return super().save(commit=commit)


class BillFormSet(LineFormSet):
    """A bill without its headliner, whose line at position 0 is kept by a trigger."""

    def clean(self) -> None:
        super().clean()
        for form in self.extra_forms:
            artist = form.cleaned_data.get("artist") if hasattr(form, "cleaned_data") else None
            if artist and artist.pk == self.instance.headliner_id:
                form.add_error("artist", "The headliner is on the bill already.")

    # A guest who has just been made the headliner: the trigger has moved the line already.

    def save_existing(self, form: Any, obj: Billing, commit: bool = True) -> Billing:
        return obj if obj.artist_id == self.instance.headliner_id else super().save_existing(form, obj, commit)

    def delete_existing(self, obj: Billing, commit: bool = True) -> None:
        if obj.artist_id != self.instance.headliner_id:
            super().delete_existing(obj, commit=commit)
