"""The form of a schedule: a job, when, and what it is called with. What cannot be is refused by its field."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask
from unfold.widgets import UnfoldAdminSelect2Widget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from syncjobs.policies import POLICIES
from syncjobs.schedules import arguments_of, job_of, task_of
from syncjobs.slots import BadTiming, cron_line, next_runs

PARTS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
PREVIEW = "_preview"  # the button that shows the next runs and saves nothing
SHOWN = 10
SHAPE = "%a %Y-%m-%d %H:%M:%S"
WAYS = ("line", "interval", "clocked")  # of saying when


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    job = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    line = forms.CharField(
        label="Cron line",
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget,
        help_text="Minute, hour, day of month, month, day of week: 30 2 * * 1-5. With both days given, either is"
        " enough, unless one of the two starts with *.",
    )
    timezone = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelect2Widget,
        help_text="Whose clock the cron line means. A time that is left out when clocks are changed comes once,"
        " right after; one that is repeated comes once.",
    )

    class Meta:
        model = PeriodicTask
        fields = (
            "name",
            "enabled",
            "description",
            "interval",
            "clocked",
            "one_off",
            "start_time",
            "expires",
            "kwargs",
        )
        labels = {
            "interval": "Or every",
            "clocked": "Or once at",
            "one_off": "Only once",
            "start_time": "Not before",
            "expires": "Not from",
            "kwargs": "Arguments",
        }
        help_texts = {
            "enabled": "Switched off it has no runs, and none later for the time that it was off.",
            "description": "",
            "interval": "Counted from “not before”, or else from midnight of 1 January 1970, UTC.",
            "clocked": "",
            "one_off": "The first run is the last: the schedule switches itself off.",
            "start_time": "",
            "expires": "",
            "kwargs": 'A JSON object, such as {"full": true}.',
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        job, crontab = job_of(self.instance), self.instance.crontab
        self._offer("job", sorted({*POLICIES, *([job] if job else [])}))
        self._offer("timezone", ["UTC", *sorted(available_timezones() - {"UTC"})])
        self.initial["job"] = job
        self.initial["timezone"] = str(crontab.timezone) if crontab else "UTC"
        if crontab:
            self.initial["line"] = cron_line(crontab)
        for name in {"description", "kwargs"} & self.fields.keys():
            self.fields[name].widget.attrs["rows"] = 2
        if "name" in self.fields:
            self.fields["name"].help_text = "It stays as it is from here on: slots are told apart by it."

    def _offer(self, field: str, names: list[str]) -> None:
        chosen = self.fields[field]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [(name, name) for name in names]

    @property
    def is_preview(self) -> bool:
        return PREVIEW in self.data

    def is_valid(self) -> bool:
        return super().is_valid() and not self.is_preview

    def clean_line(self) -> str:
        """Raises ValidationError, which names the part of the line that is wrong."""
        parts = str(self.cleaned_data["line"]).split()
        if parts and len(parts) != len(PARTS):
            raise ValidationError(
                f"A cron line has five parts (minute, hour, day of month, month, day of week), this one has {len(parts)}."
            )
        return " ".join(parts)

    def clean_kwargs(self) -> str:
        text = self.cleaned_data["kwargs"] or "{}"
        try:
            arguments_of(PeriodicTask(kwargs=text))
        except ValueError as problem:
            raise ValidationError(f"This is no JSON object: {problem}") from problem
        return str(text)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "line" not in cleaned:
            return cleaned
        said = [way for way in WAYS if cleaned.get(way)]
        if len(said) != 1:
            why = "Say when by one of these alone: cron line, interval, clocked time."
            for way in said or WAYS[:1]:
                self.add_error(way, why)
            return cleaned
        self.instance.crontab = self._crontab(cleaned["line"], cleaned.get("timezone") or "UTC")
        self.instance.solar = None
        if cleaned.get("clocked"):
            cleaned["one_off"] = True
        return cleaned

    def _crontab(self, line: str, zone: str) -> CrontabSchedule | None:
        """What the line says, not saved. A part that is wrong becomes an error of the field."""
        if not line:
            return None
        crontab = CrontabSchedule(**dict(zip(PARTS, line.split(), strict=True)), timezone=ZoneInfo(zone))
        try:
            crontab.full_clean(validate_unique=False)
            next_runs(PeriodicTask(crontab=crontab), timezone.now(), 1)
        except ValidationError as problem:
            for part, messages in problem.message_dict.items():
                self.add_error("line", f"{part.replace('_', ' ').capitalize()}: {' '.join(messages)}")
        except BadTiming as problem:
            self.add_error("line", str(problem))
        return crontab

    @property
    def clock(self) -> ZoneInfo:
        """Whose clock the schedule goes by."""
        return ZoneInfo(str(self.instance.crontab.timezone) if self.instance.crontab else "UTC")

    def coming(self, now: datetime) -> list[tuple[str, str]]:
        """The next runs, as the form stands, in UTC and by the clock of the schedule."""
        if (self.is_bound and self.errors) or not self.instance.scheduler:
            return []
        try:
            slots = next_runs(self.instance, now, SHOWN)
        except BadTiming:  # a row put there by SQL
            return []
        return [(format(slot, SHAPE), format(slot.astimezone(self.clock), SHAPE)) for slot in slots]

    def save(self, commit: bool = True) -> PeriodicTask:
        schedule = self.instance
        if schedule.crontab and schedule.crontab.pk is None:
            same = {name: getattr(schedule.crontab, name) for name in (*PARTS, "timezone")}
            schedule.crontab = CrontabSchedule.objects.filter(**same).first() or CrontabSchedule.objects.create(**same)
        if job_of(schedule) != self.cleaned_data["job"]:
            schedule.task = task_of(self.cleaned_data["job"])
        saved: PeriodicTask = super().save(commit=commit)
        return saved


class TimingForm(forms.ModelForm):  # type: ignore[type-arg]
    """A crontab, interval or clocked time by itself; schedules that use it follow."""

    ways = {CrontabSchedule: "crontab", IntervalSchedule: "interval", ClockedSchedule: "clocked"}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            next_runs(PeriodicTask(**{self.ways[type(self.instance)]: self.instance}), timezone.now(), 1)
        except BadTiming as problem:
            self.add_error(None, str(problem))
