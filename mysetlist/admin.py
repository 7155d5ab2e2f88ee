"""What every admin page here shares: no page counts a whole table, and records are read only."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from functools import reduce
from operator import and_
from typing import Any

from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db import router
from django.db.models import Model, Q, QuerySet
from django.db.models.deletion import Collector
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.timezone import make_aware
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.contrib.filters.forms import RangeDateTimeForm

FAR_DOWN = 1000  # rows above a page that cost more than a second query
MOST_NAMED = 200  # rows that a search by name, or a page that asks before deleting, goes into


class BoundedPaginator(Paginator):
    """Counts up to `most` rows and no further: what lies beyond is found by filters, not by paging."""

    most = 10_000
    template_name = "admin/bounded_pagination.html"

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.most)

    def page(self, number: int | str) -> Page:
        """A page far down finds its rows first, and only then what they refer to."""
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        if bottom < FAR_DOWN:
            return super().page(number)
        found = list(self.object_list.values_list("pk", flat=True)[bottom : bottom + self.per_page])
        return self._get_page(self.object_list.filter(pk__in=found), number, self)

    @property
    def has_more(self) -> bool:
        return self._counted > self.most

    @cached_property
    def _counted(self) -> int:
        return self.object_list.order_by()[: self.most + 1].count()


class Admin(ModelAdmin):
    """A page for rows that people edit."""

    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 50
    warn_unsaved_form = True
    search_fields: Sequence[str] = ()  # columns with a name; every word must be in one of them
    search_exactly: Sequence[str] = ()  # columns with an id; the whole text
    search_through: Mapping[str, str] = {}  # a relation -> the column of its name; every word must be in it

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Only what an index can find: Django's own OR over joins and casts would scan the whole table."""
        text = search_term.replace("\0", "").strip()
        if not text:
            return queryset, False
        wanted = self._id_is(text) | self._relation_is_named(text)
        if own := [name for name in self.search_fields if "__" not in name]:  # a join would scan the whole table
            wanted |= reduce(and_, (_any_contains(own, word) for word in text.split()))
        return queryset.filter(wanted), False

    def _id_is(self, text: str) -> Q:
        wanted = Q()
        for name in self.search_exactly:
            with suppress(ValidationError):  # not an id of this kind
                wanted |= Q(**{name: self.model._meta.get_field(name).to_python(text)})
        return wanted

    def _relation_is_named(self, text: str) -> Q:
        wanted = Q()
        for relation, column in self.search_through.items():
            named = self.model._meta.get_field(relation).related_model._default_manager
            words = reduce(and_, (_any_contains([column], word) for word in text.split()))
            ids = named.filter(words).values_list("pk", flat=True)
            wanted |= Q(**{f"{relation}__in": list(ids[:MOST_NAMED])})
        return wanted

    def get_deleted_objects(
        self, objs: QuerySet[Any] | Sequence[Model], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What would go: counted by kind, not listed, since an artist has thousands of votes."""
        collector = Collector(using=router.db_for_write(self.model), origin=objs)
        collector.collect(objs)
        counts = {model._meta.verbose_name_plural: len(rows) for model, rows in collector.data.items()}
        paths = defaultdict(list)  # by which the rows of a model are reached; a vote hangs on three
        for rows in collector.fast_deletes:
            paths[rows.model].append(rows.order_by().values("pk"))
        for model, (first, *others) in paths.items():
            counts[model._meta.verbose_name_plural] = first.union(*others).count()
        listed = [f"{capfirst(self.opts.verbose_name)}: {obj}" for obj in objs[:MOST_NAMED]]
        return listed, {kind: count for kind, count in counts.items() if count}, set(), []


def _any_contains(columns: Sequence[str], word: str) -> Q:
    wanted = Q()
    for column in columns:
        wanted |= Q(**{f"{column}__icontains": word})
    return wanted


class TimeRangeForm(RangeDateTimeForm):
    """The inputs of a range of time. A placeholder is no name for them: it goes with the first letter."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        for end in ("from", "to"):
            for widget, part in zip(self.fields[f"{name}_{end}"].widget.widgets, ("date", "time"), strict=True):
                widget.attrs["aria-label"] = f"{name.replace('_', ' ').capitalize()} {end}: {part}, UTC"


class TimeRangeFilter(RangeDateTimeFilter):
    """From and to, in the time zone of the pages. A date alone means all of that day."""

    form_class = TimeRangeForm

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if begin := self._moment("from", time.min):
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": begin})
        if end := self._moment("to", time.max):
            queryset = queryset.filter(**{f"{self.parameter_name}__lte": end})
        return queryset

    def _moment(self, end: str, without_time: time) -> datetime | None:
        """One end of the range; None when it is open, or not a date, which the form says."""
        try:
            day = date.fromisoformat(self.used_parameters.get(f"{self.parameter_name}_{end}_0") or "")
            hour = self.used_parameters.get(f"{self.parameter_name}_{end}_1")
            return make_aware(datetime.combine(day, time.fromisoformat(hour) if hour else without_time))
        except ValueError:
            return None


class ReadOnlyAdmin(Admin):
    """A page for records: nobody adds, changes or deletes them here."""

    actions: Sequence[str] | None = None
    warn_unsaved_form = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
