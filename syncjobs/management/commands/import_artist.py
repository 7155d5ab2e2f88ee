"""manage.py import_artist: bring in one artist, here and now."""

import json
import sys
import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from monitoring.command import EXIT_ALREADY_RUNNING, EXIT_FAILED
from syncjobs import queue
from syncjobs.command import shown
from syncjobs.imports.asking import WHO, request_import
from syncjobs.imports.import_artist import LATER
from syncjobs.models import QueueJob
from syncjobs.progress import OnProgress
from syncjobs.running import run_job, this_process

LOOK_SECONDS = 0.2
LONGEST_PATIENCE = timedelta(minutes=15)  # what is put off for longer is left to the workers


class Command(BaseCommand):
    help = "Import an artist: identifiers, shows, songs, played and predicted setlists."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the finished import as one JSON object")
        parser.add_argument("--strict", action="store_true", help="exit 1 when a source could not do its part")
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--ticketmaster-id", metavar="ID", help="of the attraction, such as K8vZ9171ob7")
        who.add_argument("--mbid", metavar="UUID", help="the MusicBrainz id")
        who.add_argument("--spotify-id", metavar="ID", help="22 letters and digits")
        who.add_argument("--name", help="exactly as the artist is called")
        parser.add_argument("--all", action="store_true", help="do here, too, what the import leaves to the queue")

    def handle(self, *args: Any, **options: Any) -> None:
        job = request_import(*next((who, options[who]) for who in WHO if options[who] is not None))
        began = time.monotonic()
        with shown() as on_progress:
            done = self.drive(job.pk, on_progress)
            rest = self.drive_rest(done, on_progress) if options["all"] else []
        self.answer(done, rest, round((time.monotonic() - began) * 1000), options)

    def drive(self, number: int, on_progress: OnProgress | None) -> QueueJob:
        """Do the job in this process until it is final."""
        while True:
            queue.promote()
            if claimed := queue.claim(number, worker=this_process()):
                run_job(claimed, on_progress)
            job = QueueJob.objects.get(pk=number)
            if job.status in QueueJob.TERMINAL:
                return job
            if job.status == QueueJob.Status.ACTIVE:
                raise CommandError(
                    f"This import is running already (queue job {number}, {job.worker}).",
                    returncode=EXIT_ALREADY_RUNNING,
                )
            if job.run_at > timezone.now() + LONGEST_PATIENCE:
                raise CommandError(
                    f"Put off until {job.run_at:%Y-%m-%d %H:%M} UTC (queue job {number}): {job.message}",
                    returncode=EXIT_ALREADY_RUNNING,
                )
            time.sleep(LOOK_SECONDS)

    def drive_rest(self, done: QueueJob, on_progress: OnProgress | None) -> list[QueueJob]:
        """What the import has put into the queue for later."""
        artist = ((done.result or {}).get("artist") or {}).get("id")
        keys = [f"{job} {artist}" for job in LATER]
        left = QueueJob.objects.live().filter(dedup_key__in=keys).order_by("pk").values_list("pk", flat=True)
        return [self.drive(number, on_progress) for number in list(left)]

    def answer(self, job: QueueJob, rest: list[QueueJob], duration_ms: int, options: dict[str, Any]) -> None:
        """Say how it went; exits unless it is done."""
        result = {**(job.result or {}), **({"rest": {j.job_name: j.result for j in rest}} if rest else {})}
        is_done = job.status == QueueJob.Status.COMPLETED
        status = ("partial" if result.get("failed") else "success") if is_done else "failed"
        if options["json"]:
            body = {
                "job": "import_artist",
                "run": None,
                "queue_job": job.pk,
                "status": status,
                "duration_ms": duration_ms,
            }
            self.stdout.write(json.dumps({**body, "result": result}, cls=DjangoJSONEncoder, ensure_ascii=False))
        if not is_done:
            raise CommandError(job.last_error, returncode=EXIT_FAILED)
        if sys.stdout.isatty() and not options["json"]:
            self.tell(result, duration_ms)
        if status == "partial":
            self.stderr.write(self.style.WARNING("import_artist: a source could not do its part; see the notes."))
            if options["strict"]:
                sys.exit(EXIT_FAILED)

    def tell(self, result: dict[str, Any], duration_ms: int) -> None:
        """The result for people."""
        self.stdout.write(f"{result['artist']['name']} ({result['artist']['slug']}) in {duration_ms / 1000:.1f} s")
        areas = {area: result.get(area, {}) for area in ("identifiers", "shows", "songs", "setlists", "predictions")}
        for area, counts in {**areas, **result.get("rest", {})}.items():
            told = ", ".join(f"{number} {name}" for name, number in (counts or {}).items() if number and name != "seen")
            self.stdout.write(f"  {area}: {told or 'nothing'}")
        for note in result.get("notes", []):
            self.stdout.write(f"  {note}")
