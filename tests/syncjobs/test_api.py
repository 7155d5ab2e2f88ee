"""Jobs over HTTP: is this one healthy?"""

import pytest
from django.conf import settings
from django.test import Client

from monitoring.models import CronLog
from tests.monitoring.runs import log_cron_run

pytestmark = pytest.mark.django_db

URL = "/api/cron/calculate-trending/"


def ended(*statuses: str) -> None:
    for status in statuses:
        log_cron_run("calculate_trending", status)


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([], 200),
        (["success"], 200),
        (["partial"], 200),
        (["failed"], 503),
        (["abandoned"], 503),
        (["missed"], 503),
        (["failed", "success"], 200),
        (["success", "failed"], 503),
        (["success", "skipped"], 200),
        (["failed", "skipped"], 503),
        (["failed", "running"], 503),
    ],
)
def test_a_job_is_as_healthy_as_its_latest_finished_run(client: Client, statuses: list[str], code: int) -> None:
    ended(*statuses)
    answer = client.get(URL)
    assert (answer.status_code, answer["Content-Type"]) == (code, "application/health+json")
    assert answer.json() == {"status": "pass" if code == 200 else "fail"}  # and nothing of why
    assert client.head(URL).status_code == code


def test_anothers_failure_is_not_ones_own(client: Client) -> None:
    log_cron_run("another_job", "failed")
    assert client.get(URL).status_code == 200


@pytest.mark.parametrize("job", settings.CRON_JOBS)
def test_every_job_has_its_address(client: Client, job: str) -> None:
    assert client.get(f"/api/cron/{job.replace('_', '-')}/").status_code == 200


@pytest.mark.parametrize("slug", ["nothing", "calculate_trending", "Calculate-Trending", "runs", "a%00b"])
def test_an_unknown_job_is_not_found(client: Client, slug: str) -> None:
    answer = client.get(f"/api/cron/{slug}/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_asking_leaves_no_trace_in_the_run_log(client: Client) -> None:
    client.get(URL)
    assert not CronLog.objects.exists()
