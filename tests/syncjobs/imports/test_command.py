"""manage.py import_artist: here and now, without a worker; what it says and how it exits."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from mysetlist.catalog.models import Artist, Setlist, Show
from syncjobs.models import QueueJob
from syncjobs.queue import claim, enqueue
from tests.standin.faults import Fault, Kind
from tests.standin.outside import Outside


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("import_artist", "--json", *arguments, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_it_imports_here_and_answers_with_one_object(world: Outside) -> None:
    answer = run("--name", "Madonna")
    assert (answer["job"], answer["status"], answer["result"]["artist"]["slug"]) == (
        "import_artist",
        "success",
        "madonna",
    )
    assert set(answer["result"]) >= {"identifiers", "shows", "songs", "setlists", "predictions", "notes"}
    assert Show.objects.exists()
    job = QueueJob.objects.get()
    assert (job.status, job.phase, job.percent) == ("completed", "completed", 100)


def test_with_all_it_does_what_it_would_leave_to_the_workers(world: Outside) -> None:
    run("--ticketmaster-id", world.world.artists["Metallica"].ticketmaster_id)
    assert QueueJob.objects.live().count() == 1
    answer = run("--ticketmaster-id", world.world.artists["Metallica"].ticketmaster_id, "--all")
    assert answer["result"]["rest"]["sync_setlists"]["created"] > 0
    played = [p for p in world.world.setlists_of("Metallica") if p.sets and p.day <= world.today]
    assert Setlist.objects.filter(kind="actual").count() == len(played)
    assert Artist.objects.get(name="Metallica").setlists_synced_at


def test_off_a_terminal_success_is_silent(world: Outside, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_artist", "--name", "Sting")
    assert tuple(capsys.readouterr()) == ("", "")


def test_a_short_wait_is_waited_for(world: Outside) -> None:
    world.fails(Fault(kind=Kind.WAIT, chance=1.0, path="/albums", times=1, seconds=2))
    assert run("--name", "Sting")["status"] == "success"
    assert world.log.early() == []
    assert QueueJob.objects.get().snooze_count == 1


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["--ticketmaster-id", "K8vNobody00"], "Ticketmaster has no artist K8vNobody00. Check the id.", 1),
        (["--mbid", "no-uuid"], "setlist.fm cannot take this question", 1),
        (["--name", "Nobody Of This Name"], "No source knows an artist of exactly this name", 1),
    ],
)
def test_what_cannot_be_found_fails_in_words(world: Outside, arguments: list[str], said: str, code: int) -> None:
    with pytest.raises(CommandError, match=said) as problem:
        call_command("import_artist", *arguments)
    assert problem.value.returncode == code


@pytest.mark.parametrize("arguments", [[], ["--name", "Sting", "--mbid", "x"], ["--artist", "1"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("import_artist", *arguments)


def test_a_partial_import_warns_and_with_strict_fails(world: Outside, settings: Any, capsys: Any) -> None:
    settings.SPOTIFY_CLIENT_ID = "wrong"
    call_command("import_artist", "--name", "Sting")
    assert "a source could not do its part" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        call_command("import_artist", "--name", "Muse", "--strict")


def test_an_import_that_a_worker_is_at_is_not_done_twice(world: Outside) -> None:
    job = enqueue("import_artist", dedup_key="import_artist name Sting", name="Sting")
    claim(job.pk, worker="elsewhere:1")
    with pytest.raises(CommandError, match="running already") as problem:
        call_command("import_artist", "--name", "Sting")
    assert problem.value.returncode == 75
