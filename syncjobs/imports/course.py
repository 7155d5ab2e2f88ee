"""The course of one import: which steps are done, what they counted, what a source could not give."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mysetlist.catalog.models import Artist
from syncjobs.clients.errors import SourceBusy, SourceError, SourceNotConfigured, SourceUnavailable
from syncjobs.imports.outside import Outside, is_short, refusal
from syncjobs.models import QueueJob
from syncjobs.progress import Counts, Work
from syncjobs.queue import enqueue
from syncjobs.services.writing import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of an import that is done or not: a crash resumes with the first that is not."""

    name: str
    phase: str
    percent: int  # when it is done
    what: str  # in the words of the result
    take: Callable[["Course", "Step"], None]
    later: str | None = None  # the job that makes up for what the source could not give now


class Course:
    """One import under way. What must outlive the process is in the work's state."""

    def __init__(self, work: Work, outside: Outside, now: datetime, *, is_listed: bool, share: str) -> None:
        self.work, self.outside, self.now, self.is_listed, self.share = work, outside, now, is_listed, share
        self.artist = Artist()
        state = work.state
        self.done: list[str] = list(state.get("done", ()))
        self.notes: list[str] = list(state.get("notes", ()))
        self.counts: dict[str, dict[str, int]] = dict(state.get("counts", {}))

    def follow(self, steps: Sequence[Step]) -> Counts:
        """Take each step that is not done yet."""
        for step in steps:
            if step.name not in self.done:
                self.artist.refresh_from_db()
                self.attempt(step)
        total = sum((Tally(**each) for each in self.counts.values()), Tally())
        return {
            "artist": {"id": self.artist.pk, "slug": self.artist.slug, "name": self.artist.name},
            **total.counts(),
            **{name: counts for name, counts in self.counts.items() if name != "sources"},
            "notes": self.notes,
        }

    @contextmanager
    def write(self, step: Step, message: str, *, is_done: bool = True, **state: Any) -> Iterator[None]:
        """A checkpoint of this step; what its body counts and notes is remembered with it."""
        self.done += [step.name] if is_done else []
        remembered = {"done": self.done, "notes": self.notes, "counts": self.counts}
        with self.work.checkpoint(step.phase, step.percent, message[:200], **remembered, **state):
            yield

    def count(self, area: str, tally: Tally, rejected: Sequence[str] = ()) -> None:
        """Add to what was counted of an area; an entry that could not be read has failed."""
        tally = tally + Tally(seen=len(rejected), failed=len(rejected))
        self.counts[area] = (Tally(**self.counts.get(area, {})) + tally).counts()
        if rejected:
            self.notes.append(f"{area}: {len(rejected)} entries could not be read, such as {rejected[0]}.")

    def skip(self, step: Step, why: str) -> None:
        """Do without this step."""
        with self.write(step, why):
            self.notes.append(f"{step.what}: {why}")
            self.count("sources", Tally(seen=1, skipped=1))

    def put_off(self, job: str, *, is_waited_for: bool = True, **arguments: Any) -> None:
        """Queue a job for what is left. A run waits for it if that is a matter of minutes; an operator's import never."""
        run = self.work.run if is_waited_for else None
        enqueue(
            job,
            priority=QueueJob.Priority.BACKGROUND,
            dedup_key=f"{job} {self.artist.pk}",
            parent=self.work.job if run else None,
            run=run,
            artist=self.artist.pk,
            share=self.share,
            **arguments,
        )

    def attempt(self, step: Step) -> None:
        """Take the step. What its source cannot give is noted, and made up for later if waiting helps."""
        try:
            step.take(self, step)
        except SourceError as problem:
            if is_short(problem):
                raise  # the queue puts the job off for as long
            if isinstance(problem, SourceNotConfigured):
                self.skip(step, str(problem))
                return
            refused = refusal(problem)
            with self.write(step, str(problem), unresolved=self.is_unresolved or step.later is None):
                self.notes.append(f"{step.what}: {refused or problem}")
                if isinstance(problem, SourceBusy | SourceUnavailable) and not refused:
                    self._make_up(step, problem)
                else:
                    self.count("sources", Tally(seen=1, failed=1))

    @property
    def is_unresolved(self) -> bool:
        """Whether a source could not say who this is: then the whole import is to be tried again."""
        return bool(self.work.state.get("unresolved"))

    def _make_up(self, step: Step, problem: SourceError) -> None:
        if step.later is None:
            self.notes[-1] += " sync_artist_data will try again."
            return
        self.put_off(step.later, is_waited_for=isinstance(problem, SourceUnavailable))
        self.notes[-1] += f" {step.later} is queued to do it later."
