"""What a job's command says, where, and how it exits."""

import json
import sys
from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from monitoring.command import JobCommand
from monitoring.cron import cron_job
from monitoring.models import CronLog
from tests.monitoring.runs import open_leased

pytestmark = pytest.mark.django_db(transaction=True)


def answers(result: Mapping[str, Any]) -> Callable[[], Any]:
    @cron_job
    def nightly() -> Mapping[str, Any]:
        return result

    return nightly


def call(job: Callable[[], Any], *options: str) -> tuple[str, str]:
    """What the job's command writes to stdout and stderr."""

    class Nightly(JobCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            self.run(job, options)

    out, errors = StringIO(), StringIO()
    call_command(Nightly(), *options, stdout=out, stderr=errors, no_color=True)
    return out.getvalue(), errors.getvalue()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)


def test_success_is_silent_off_a_terminal() -> None:
    assert call(answers({"seen": 3})) == ("", "")


def test_success_is_one_line_on_a_terminal(terminal: None) -> None:
    out, errors = call(answers({"seen": 3}))
    row = CronLog.objects.get()
    assert (out, errors) == (f"nightly: success in {row.execution_time_ms} ms (run {row.pk})\n", "")


@pytest.mark.usefixtures("terminal")
def test_json_is_one_object_even_on_a_terminal() -> None:
    out, errors = call(answers({"seen": 3, "name": "Björk"}), "--json")
    row = CronLog.objects.get()
    assert json.loads(out) == {
        "job": "nightly",
        "run": row.pk,
        "status": "success",
        "duration_ms": row.execution_time_ms,
        "result": {"seen": 3, "name": "Björk"},
    }
    assert "Björk" in out
    assert (out.count("\n"), errors) == (1, "")


def test_some_items_failed_is_a_warning_on_stderr() -> None:
    out, errors = call(answers({"failed": 1}))
    assert (out, errors) == ("", f"nightly: some items failed; see run {CronLog.objects.get().pk}.\n")


def test_some_items_failed_exits_with_1_when_strict() -> None:
    with pytest.raises(SystemExit) as caught:
        call(answers({"failed": 1}), "--strict", "--json")
    assert caught.value.code == 1
    assert CronLog.objects.get().status == "partial"


def test_strict_success_exits_with_0() -> None:
    assert call(answers({"failed": 0}), "--strict") == ("", "")


def test_a_job_that_runs_already_exits_with_75() -> None:
    living = open_leased("nightly", seconds=60)
    with pytest.raises(CommandError, match=f"nightly is already running \\(run {living}\\)") as caught:
        call(answers({}))
    assert caught.value.returncode == 75


@pytest.mark.parametrize(
    "as_of", ["nonsense", "2026-07-01T14:00", "2026-13-01T14:00Z", "2026-07-01T14:30Z", "2999-01-01T00:00Z"]
)
def test_wrong_arguments_exit_with_2_and_leave_no_run(as_of: str) -> None:
    with pytest.raises(CommandError, match=r"2026-07-01T14:00Z|lies ahead") as caught:
        call_command("calculate_trending", f"--as-of={as_of}")
    assert caught.value.returncode == 2
    assert not CronLog.objects.exists()
