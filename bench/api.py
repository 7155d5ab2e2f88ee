"""What the API serves, beside a bare Django view with the same bytes in the same process and run. Run:

    python -m bench.api [demo] [100k] [--servers=uvicorn,granian]

Over HTTP on loopback, under every web server of SERVERS that is installed, one process each; also while
refreshes run one after the other. Each catalogue has an embedded cluster of its own, loaded once and kept.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from socket import socket
from statistics import median
from urllib.parse import urlsplit

from bench.loads import CONNECTIONS, HOST, PACE, WRK, Seen, flat_out, generator, paced
from bench.machine import RESULTS, ROOT, load, machine

ROUNDS = 3
ROUNDS_IN_TURN = 5
SECONDS = 1.0  # of a case, each round
PACED_SECONDS = 5.0
PATIENCE_SECONDS = 60
LIST = "/api/trending/artists/"
CATALOGUES = ("demo", "100k")
EACH_IN_TURN = """
local paths, turn = {%s}, 0
request = function() turn = turn %% #paths + 1; return wrk.format("GET", paths[turn]) end
"""
# name: what must be installed, and how it is started with one process
SERVERS = {
    "uvicorn": (
        ["uvicorn"],
        "uvicorn mysetlist.asgi:application --port {port} --lifespan off --log-level warning --loop asyncio --http h11",
    ),
    "uvicorn with uvloop and httptools": (
        ["uvicorn", "uvloop", "httptools"],
        "uvicorn mysetlist.asgi:application --port {port} --lifespan off --log-level warning --loop uvloop --http httptools",
    ),
    "gunicorn, 4 threads (no SSE)": (
        ["gunicorn"],
        "gunicorn mysetlist.wsgi:application -b 127.0.0.1:{port} -k gthread --threads 4 --log-level warning",
    ),
    "gunicorn, uvicorn's worker": (
        ["gunicorn", "uvicorn_worker"],
        "gunicorn mysetlist.asgi:application -b 127.0.0.1:{port} -k uvicorn_worker.UvicornWorker --log-level warning",
    ),
    "granian": (
        ["granian"],
        "granian mysetlist.asgi:application --interface asginl --port {port} --log-level warning --no-ws",
    ),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table: what is asked, and what it is compared with."""

    what: str
    path: str
    beside: str = ""  # the path of the bare view with the same bytes
    etag: str = ""
    script: Path | None = None


def main() -> None:
    if sys.argv[1:2] == ["refresh"]:
        keep_refreshing(Path(sys.argv[2]))
        return
    chosen = [word.removeprefix("--servers=").split(",") for word in sys.argv if word.startswith("--servers=")]
    servers = [name for name in SERVERS if not chosen or name in chosen[0]]
    for catalogue in [word for word in sys.argv[1:] if word in CATALOGUES] or CATALOGUES:
        measure(catalogue, servers)


def measure(catalogue: str, servers: list[str]) -> None:
    folder = ROOT / ".data" / "bench" / catalogue
    env = {
        **os.environ,
        "MYSETLIST_DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "DJANGO_SETTINGS_MODULE": "bench.api_settings",
        "PYTHONWARNINGS": "ignore:No directory at",  # static files were not collected
        "BENCH_BODIES": str(folder / "bodies.json"),
    }
    fill(catalogue, env)
    lines = [
        f"# The API, {catalogue} catalogue",
        "",
        f"{machine()}; `python -m bench.api {catalogue}`; requests by {generator()}.",
        f"One server process; {CONNECTIONS} connections, flat out; medians of {ROUNDS} rounds of {SECONDS:g} s, a ratio is of one round.",
    ]
    for name in servers:
        say(f"{catalogue}: {name} …")
        missing = lacking(name)
        told = [f"Not measured: {missing} is not installed."] if missing else under(SERVERS[name][1], env)
        lines += ["", f"## {name}", "", *told]
    say(f"{catalogue}: all of them in turn …")
    lines += ["", *side_by_side([name for name in servers if not lacking(name)], env)]
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    (RESULTS / f"api-{catalogue}.md").write_text(text)


def fill(catalogue: str, env: Mapping[str, str]) -> None:
    """The catalogue, loaded unless it is there, with scores."""
    if catalogue == "demo":
        python = [sys.executable, "manage.py"]
        subprocess.run([*python, "migrate", "-v0"], cwd=ROOT, env=env, check=True)
        subprocess.run([*python, "demo"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    else:
        subprocess.run([sys.executable, "-m", "bench.trending", catalogue, "--load"], cwd=ROOT, check=True)


def lacking(server: str) -> str:
    """What a server needs and is not installed."""
    return ", ".join(module for module in SERVERS[server][0] if find_spec(module) is None)


def side_by_side(servers: list[str], env: Mapping[str, str]) -> list[str]:
    """All servers at once, asked in turn, so that a busy moment of the machine meets them all."""
    asked = {"list, kept": LIST, "bare view": "/bench/bare/list/"}
    seen: dict[tuple[str, str], list[Seen]] = {(name, what): [] for name in servers for what in asked}
    before = load()
    with ExitStack() as stack:
        bases = {name: stack.enter_context(serving(SERVERS[name][1], env)) for name in servers}
        for base in bases.values():
            prepared(base, Path(env["BENCH_BODIES"]))
        for _ in range(ROUNDS_IN_TURN):
            for name, what in seen:
                seen[name, what].append(flat_out(bases[name] + asked[what], seconds=SECONDS))
    rows = []
    for (name, what), each in seen.items():
        first = seen[servers[0], what]
        ratio = median(ours.rate / theirs.rate for ours, theirs in zip(each, first, strict=True))
        rate, p50, p99 = (median(getattr(one, field) for one in each) for field in ("rate", "p50", "p99"))
        rows.append(f"| {name} | {what} | {rate:,.0f} | {ratio:.2f} | {p50:.1f} | {p99:.1f} |")
    return [
        "## All in turn",
        "",
        f"{before} at the start; medians of {ROUNDS_IN_TURN} rounds.",
        "",
        f"| | | requests/s | times {servers[0]} | p50, ms | p99, ms |",
        "|---|---|---:|---:|---:|---:|",
        *rows,
    ]


def under(command: str, env: Mapping[str, str]) -> list[str]:
    """The tables of one server."""
    with serving(command, env) as base:
        cases = prepared(base, Path(env["BENCH_BODIES"]))
        before = load()
        alone = rounds(base, cases)
        pair = [base + LIST, base + "/bench/bare/list/"]
        calm = paced(pair, seconds=PACED_SECONDS)
        with refreshing(env) as refreshed:
            busy = paced(pair, seconds=PACED_SECONDS)
            loaded = rounds(base, cases[:3])
            count = refreshed()
    slow = [
        f"| {what}{when} | {seen[url].p50:.1f} | {seen[url].p99:.1f} |"
        for when, seen in (("", calm), (", while refreshes run", busy))
        for what, url in zip(("list, kept", "bare view"), pair, strict=True)
    ]
    return [
        f"{before} at the start.",
        *("", *table(alone)),
        *("", f"While refreshes ran one after the other, {count} of them:"),
        *("", *table(loaded)),
        *("", f"At {PACE} requests a second, half of them for the bare view:"),
        *("", "| | p50, ms | p99, ms |", "|---|---:|---:|", *slow),
    ]


def prepared(base: str, bodies: Path) -> list[Case]:
    """Ask once for each, and give the bare views the same bytes."""
    body, etag = ask(base + LIST)
    slugs = top(base)
    trend = f"/api/artists/{slugs[0]}/trend/"
    bodies.write_text(json.dumps({"list": body.decode(), "trend": ask(base + trend)[0].decode()}))
    cases = [
        Case("bare view, the list's bytes", "/bench/bare/list/"),
        Case("the same before all middleware", "/bench/barest/list/", "/bench/bare/list/"),
        Case("list, kept", LIST, "/bench/bare/list/"),
        Case("bare view, 304", "/bench/bare/304/"),
        Case("list, 304", LIST, "/bench/bare/304/", etag=etag),
        Case("bare view, the bytes of `/trend/`", "/bench/bare/trend/"),
        Case("`/trend/`, kept", trend, "/bench/bare/trend/"),
    ]
    if WRK:  # so many that none is kept when its turn comes again
        script = bodies.with_suffix(".lua")
        script.write_text(EACH_IN_TURN % ", ".join(f'"/api/artists/{slug}/trend/"' for slug in slugs))
        cases.append(Case("`/trend/` of another artist each time", trend, "/bench/bare/trend/", script=script))
    return cases


def rounds(base: str, cases: list[Case]) -> dict[Case, list[Seen]]:
    seen: dict[Case, list[Seen]] = {case: [] for case in cases}
    for _ in range(ROUNDS):
        for case in cases:
            headers = {"If-None-Match": case.etag} if case.etag else {}
            seen[case].append(flat_out(base + case.path, seconds=SECONDS, headers=headers, script=case.script))
    return seen


def table(seen: Mapping[Case, list[Seen]]) -> list[str]:
    bare = {case.path: rates for case, rates in seen.items() if not case.beside}
    lines = ["| | requests/s | times the bare view | p50, ms | p99, ms |", "|---|---:|---:|---:|---:|"]
    for case, each in seen.items():
        beside = bare[case.beside or case.path]
        ratio = median(ours.rate / theirs.rate for ours, theirs in zip(each, beside, strict=True))
        rate, p50, p99 = (median(getattr(one, name) for one in each) for name in ("rate", "p50", "p99"))
        errors = sum(one.errors for one in each)
        wrong = f", {errors} errors" if errors else ""
        lines.append(f"| {case.what}{wrong} | {rate:,.0f} | {ratio:.2f} | {p50:.1f} | {p99:.1f} |")
    return lines


def top(base: str) -> list[str]:
    """The slugs of a thousand artists."""
    slugs: list[str] = []
    url = f"{LIST}?limit=100"
    while url and len(slugs) < 1000:
        page = json.loads(ask(base + url)[0])
        slugs += [row["artist"]["slug"] for row in page["results"]]
        url = page["next"]
    return slugs


def ask(url: str) -> tuple[bytes, str]:
    """Body and ETag."""
    parts = urlsplit(url)
    link = HTTPConnection(HOST, parts.port, timeout=PATIENCE_SECONDS)
    try:
        link.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer = link.getresponse()
        if answer.status != 200:
            raise HTTPException(f"{url}: {answer.status}")
        return answer.read(), answer.getheader("ETag", "")
    finally:
        link.close()


@contextmanager
def serving(command: str, env: Mapping[str, str]) -> Iterator[str]:
    with socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    with started(shlex.split(f"-m {command.format(port=port)}"), env):
        base = f"http://{HOST}:{port}"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                ask(f"{base}/livez")
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                yield base
                return


@contextmanager
def refreshing(env: Mapping[str, str]) -> Iterator[Callable[[], int]]:
    """Refreshes in another process; how many ended so far."""
    ended = Path(env["BENCH_BODIES"]).with_suffix(".refreshes")
    ended.write_text("")
    with started(["-m", "bench.api", "refresh", str(ended)], env):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ended.stat().st_size and time.monotonic() < deadline:
            time.sleep(0.1)
        before = ended.stat().st_size
        yield lambda: ended.stat().st_size - before


@contextmanager
def started(arguments: list[str], env: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=dict(env), start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def keep_refreshing(ended: Path) -> None:
    """All votes counted anew, again and again; a mark in the file for each time."""
    import django

    django.setup()
    from monitoring.cron import Terminated
    from trending.models import TrendState
    from trending.services import calculate_trending

    with suppress(Terminated):
        while True:
            calculate_trending(as_of=TrendState.objects.get().as_of, full=True)
            with ended.open("a") as file:
                file.write(".")


def say(what: str) -> None:
    sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    main()
