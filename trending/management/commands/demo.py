"""manage.py demo: load the bundled catalogue with simulated fans, score it, show what is hot."""

from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import fields
from datetime import UTC, datetime
from time import perf_counter
from typing import IO, Any, TypeVar, cast

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitoring.command import EXIT_ALREADY_RUNNING, EXIT_INTERRUPTED, WrongArguments
from monitoring.cron import AlreadyRunning, Run
from mysetlist.catalog.demo.bundle import LISTED_ON, BundleDamaged
from mysetlist.catalog.demo.services import Demo, DemoRefused, ensure_demo, tidy
from trending.models import TrendingArtist, TrendingShow
from trending.scoring import HORIZON_HOURS, POINT, Factors, units
from trending.services import RefreshRunning, calculate_trending, whole_hour

S = TypeVar("S", bound=Sized)

HONEST = (
    "Fans, votes and follows are simulated; artists, shows and songs are real (see mysetlist/catalog/demo/CREDIT.md)."
)
NEXT = {
    "make serve": "look at it: board, API and admin, on port 8000",
    "make test": "run the whole test suite",
    ".venv/bin/python manage.py calculate_trending": "score again, as of this hour",
    "make demo ARGS=--reset": "delete the demo and load it anew, as of today",
}

TOP = 10
WIDE = 108  # columns that the full headings need
HEADINGS = {  # by factor: in full, and for a narrow terminal
    "recent_votes": ("votes", "votes"),
    "active_users": ("fans", "fans"),
    "upcoming_shows": ("upcoming", "upc."),
    "recent_shows": ("recent", "rec."),
    "followers": ("followers", "fol."),
    "popularity": ("popularity", "pop."),
    "engagement_ratio": ("engagement", "eng."),
    "recency_boost": ("recency", "new"),
}
LEGEND = (
    "What each factor contributed, in points. They add up to the plain sum; up to 500 that is the score, "
    "above it the score is 1000 - 250,000 / sum."
)
ABBREVIATIONS = (
    "upc., rec.: upcoming and recent shows; fol.: followers; pop.: popularity; eng.: engagement, votes per fan; "
    "new: recency of the latest vote."
)


class Command(BaseCommand):
    help = "Load the demo (real artists, shows and songs; simulated fans), score it, and show what is hot."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--reset", action="store_true", help="delete the whole catalogue and its votes and scores, and start anew"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DATABASE_URL:
            raise WrongArguments(
                "DATABASE_URL is set, and the demo loads into the embedded PostgreSQL only. "
                "Run it without: DATABASE_URL= make demo"
            )
        self.stdout.ending = ""  # rich ends its own lines
        console = Console(file=cast(IO[str], self.stdout), no_color=options["no_color"] or None, highlight=False)
        try:
            self.show(console, reset=options["reset"])
        except (DemoRefused, BundleDamaged) as problem:
            raise WrongArguments(str(problem)) from problem
        except (AlreadyRunning, RefreshRunning) as problem:
            raise CommandError(
                f"{problem} The demo is loaded: run it again.", returncode=EXIT_ALREADY_RUNNING
            ) from problem
        except KeyboardInterrupt as problem:
            raise CommandError("Interrupted; nothing is half loaded.", returncode=EXIT_INTERRUPTED) from problem

    def show(self, console: Console, *, reset: bool) -> None:
        """Load, score, print."""
        now = timezone.now()
        with console.status("Looking at the tables …"):
            migrate()
        demo = ensure_demo(now=now, reset=reset, step=Steps(console))
        for line in told(demo, now):
            console.print(line, soft_wrap=True)
        with console.status("Scoring …"):
            run = calculate_trending(as_of=whole_hour(timezone.now()))
            if demo.loaded:
                tidy()
        console.print(scored(run), soft_wrap=True)
        wide = console.width >= WIDE
        artists = TrendingArtist.objects.filter(rank__lte=TOP).order_by("rank")
        shows = TrendingShow.objects.filter(rank__lte=TOP).order_by("rank")
        console.print(board("The ten hottest artists", ((artist, artist.name) for artist in artists), wide))
        console.print(board("The ten hottest shows", ((show, show_line(show)) for show in shows), wide))
        console.print(LEGEND if wide else f"{LEGEND} {ABBREVIATIONS}", style="dim")
        console.print(f"[bold]{HONEST}[/bold]\n\nWhat to do next:")
        for command, purpose in NEXT.items():
            console.print(f"  {command:<46} {purpose}", soft_wrap=True)


class Steps:
    """Prints what each step of the load made, and how long it took; turns a wheel on a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __call__(self, label: str, work: Callable[..., S], /, *args: Any) -> S:
        start = perf_counter()
        with self.console.status(f"Loading {label} …"):
            made = work(*args)
        self.console.print(f"  {len(made):>7,} {label:<22} {perf_counter() - start:5.1f} s")
        return made


def migrate() -> None:
    """Make the tables, if any are missing."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def scored(run: Run) -> str:
    """What was scored. Within the hour that is only what was touched, mostly nothing."""
    artists, shows, as_of = (run.result[name] for name in ("artists_scored", "shows_scored", "as_of"))
    if not artists and not shows:
        return f"The scores of {as_of:%Y-%m-%d %H:%M} UTC are up to date: nobody has voted since."
    return f"Scored {artists:,} artists and {shows:,} shows as of {as_of:%Y-%m-%d %H:%M} UTC in {run.duration_ms / 1000:.1f} s."


def told(demo: Demo, now: datetime) -> list[str]:
    """What there is to say about the demo's age and what this run did to it."""
    lines = []
    if demo.removed:
        gone = ", ".join(f"{count:,} {name}" for name, count in demo.removed.items())
        lines.append(f"Deleted before loading: {gone}.")
    if demo.loaded:
        return [
            *lines,
            f"Loaded. The shows' dates are shifted by whole days: what was listed on {LISTED_ON} is today, {demo.since}.",
        ]
    days = (now.astimezone(UTC).date() - demo.since).days
    age = "was loaded today" if not days else f"is {days} day{'s' if days > 1 else ''} old, loaded on {demo.since}"
    lines.append(f"The demo {age}. Nothing was changed but the scores' age; make demo ARGS=--reset starts anew.")
    if days * 24 >= HORIZON_HOURS:
        lines.append("Its votes are older than three weeks, so they no longer count.")
    return lines


def board(title: str, rows: Iterable[tuple[TrendingArtist | TrendingShow, str]], wide: bool) -> Table:
    """A table of what is hot: rank, name, score, and what each factor contributed."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("name")
    table.add_column("score", justify="right", no_wrap=True, style="bold")
    for full, short in HEADINGS.values():
        table.add_column(full if wide else short, justify="right", no_wrap=True)
    for row, name in rows:
        points = (f"{added / POINT:,.0f}" for added in contributed(row).values())
        table.add_row(str(row.rank), Text(name), f"{row.score:.2f}", *points)
    return table


def contributed(row: TrendingArtist | TrendingShow) -> Mapping[str, int]:
    """What each factor of a stored row added to its raw, in units."""
    return units(Factors(**{field.name: getattr(row, field.name) for field in fields(Factors)}))


def show_line(show: TrendingShow) -> str:
    """Who plays, and where and when."""
    where = show.city or show.venue_name
    return f"{show.artist_name}\n{where + ', ' if where else ''}{show.local_date or 'no date'}"
