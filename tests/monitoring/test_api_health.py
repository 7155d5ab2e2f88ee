"""Health over HTTP: alive, ready, well; the public learns a word, operators every part."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from monitoring import readiness
from monitoring.health import check_health
from monitoring.models import SystemHealth
from mysetlist.rights import digest

KIND = "application/health+json"


@pytest.fixture
def operator(settings: Any) -> Client:
    settings.OPERATOR_TOKENS = {"probe": digest("probe-token")}
    return Client(headers={"authorization": "Bearer probe-token"})


def part(component: str, status: str, *, minutes: float = 0, detail: str = "so it is") -> None:
    now = timezone.now() - timedelta(minutes=minutes)
    SystemHealth.objects.create(
        component=component, status=status, detail=detail, latency_ms=1.5, checked_at=now, since=now, last_good_at=now
    )


def test_alive_asks_nothing_and_nobody(client: Client) -> None:
    answer = client.get("/livez")  # this test has no database
    assert (answer.status_code, answer["Content-Type"], answer.json()) == (200, KIND, {"status": "pass"})
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
class TestReady:
    def test_ready_with_its_database_and_all_migrations(self, client: Client) -> None:
        assert (client.get("/readyz").status_code, client.head("/readyz").status_code) == (200, 200)

    def test_not_ready_while_a_migration_is_missing(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(readiness, "_migrated", False)
        monkeypatch.setattr(readiness.MigrationExecutor, "migration_plan", lambda self, targets: ["one to go"])
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "fail"})

    def test_not_ready_without_its_database_and_silent_of_why(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away() -> str:
            raise OperationalError("password=hunter2")

        monkeypatch.setattr(readiness, "database", away)
        answer = client.get("/readyz")
        assert (answer.status_code, answer.content) == (503, b'{"status":"fail"}')

    def test_migrations_found_applied_are_not_looked_for_again(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        client.get("/readyz")
        with django_assert_num_queries(1):
            client.get("/readyz")


@pytest.mark.django_db
class TestHealth:
    @pytest.mark.parametrize(
        ("statuses", "told", "code"),
        [
            (["healthy", "healthy"], "pass", 200),
            (["healthy", "degraded"], "warn", 200),
            (["degraded", "down"], "fail", 503),
            ([], "warn", 200),
        ],
    )
    def test_the_public_gets_the_worst_of_the_parts_and_no_more(
        self, client: Client, statuses: list[str], told: str, code: int
    ) -> None:
        for number, status in enumerate(statuses):
            part(f"part {number}", status)
        answer = client.get("/api/health/")
        assert (answer.status_code, answer["Content-Type"], answer.json()) == (code, KIND, {"status": told})

    def test_operators_get_every_part(self, operator: Client) -> None:
        part("database", "healthy")
        part("queue", "down", detail="nobody works")
        body = operator.get("/api/health/").json()
        assert (body["status"], body["output"]) == ("fail", "Not well: queue.")
        assert list(body["checks"]) == ["database", "queue"]
        (queue,) = body["checks"]["queue"]
        assert (queue["status"], queue["output"], queue["observedValue"], queue["observedUnit"]) == (
            "fail",
            "nobody works",
            1.5,
            "ms",
        )

    def test_a_part_that_nobody_checks_any_more_is_not_well(self, operator: Client) -> None:
        part("database", "healthy", minutes=9)
        body = operator.get("/api/health/").json()
        assert body["status"] == "warn"
        assert body["checks"]["database"][0]["output"] == "Not checked for 9 minutes. Last: so it is"

    def test_one_of_two_that_fell_silent_is_missed_while_none_came_in_its_place(self, operator: Client) -> None:
        part("relay here:1", "healthy", minutes=0.7)
        part("relay here:2", "healthy")
        SystemHealth.objects.filter(component="relay here:2").update(since=timezone.now() - timedelta(hours=1))
        body = operator.get("/api/health/").json()
        (told,) = body["checks"]["relay here:1"]
        assert (body["status"], told["output"].partition(" UTC. ")[2]) == ("warn", "Another relay lives.")

    @pytest.mark.parametrize(
        ("processes", "told", "output"),
        [
            ([("relay here:1", "healthy", 0.5)], "pass", "so it is"),
            ([("relay here:1", "healthy", 0.7)], "fail", "Silent since {} UTC. No relay is alive."),
            ([("relay here:1", "down", 9)], "fail", "so it is No relay is alive."),
            (
                [("relay here:1", "healthy", 0.7), ("relay here:2", "healthy", 0)],
                "pass",
                "Silent since {} UTC. Another relay came in its place.",
            ),
            (
                [("relay here:1", "healthy", 0.7), ("worker here:2", "healthy", 0)],
                "fail",
                "Silent since {} UTC. No relay is alive.",
            ),
        ],
    )
    def test_a_dead_process_is_found_out_by_its_heartbeat_when_nobody_else_is_left_to_do_so(
        self, operator: Client, processes: list[tuple[str, str, float]], told: str, output: str
    ) -> None:
        for component, status, minutes in processes:
            part(component, status, minutes=minutes)
        body = operator.get("/api/health/").json()
        last = SystemHealth.objects.get(component="relay here:1").checked_at
        assert body["status"] == told
        assert body["checks"]["relay here:1"][0]["output"] == output.format(f"{last:%Y-%m-%d %H:%M:%S}")

    def test_a_wrong_token_is_told_so(self, client: Client) -> None:
        assert client.get("/api/health/", headers={"authorization": "Bearer x"}).status_code == 401

    def test_json_will_do(self, client: Client) -> None:
        answer = client.get("/api/health/", headers={"accept": "application/json"})
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")

    def test_what_the_checks_say_is_what_is_told(self, operator: Client) -> None:
        check_health(now=timezone.now())
        body = operator.get("/api/health/").json()
        assert body["checks"]["database"][0]["status"] == "pass"
        assert body["checks"]["trending"][0]["output"].startswith("No scores yet")

    def test_it_takes_one_query_however_many_parts(self, operator: Client, django_assert_num_queries: Any) -> None:
        for number in range(20):
            part(f"part {number}", "healthy")
        with django_assert_num_queries(1):
            operator.get("/api/health/")
