"""Polls of an operation by 50 clients: per second and p95, beside a bare Django view that answers with the same octets.

Both are served by granian with as many processes and threads, and asked in turns, so that they meet the same noise; the
limits on calls are raised. Run it by `.venv/bin/python -m bench.api`.
"""

import argparse
import asyncio
import contextlib
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import running
from bench.figures import percentile, show, span
from bench.scratch import Scratch, scratch

_LIMITS = {f"CHANCERY_API_CALLS_PER_{of}": "100000000" for of in ("TOKEN", "VAULT")}
_PATH = "/certificates/www/pending?api-version=7.4"
_THREADS = 4


@dataclass
class Found:
    """What each round came to: answers per second, and the 95th percentile in seconds."""

    rates: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)


def main() -> None:
    """Measure in turns with each number of processes, and print."""
    options = _options()
    for processes in options.processes:
        with scratch(CHANCERY_WEB_WORKERS=str(processes), **_LIMITS) as place:
            token = _seed(place)
            with running.portal(place) as portal, _bare(place, processes, portal.port, token) as port:
                polls, bare = Found(), Found()
                for _ in range(options.rounds):
                    for found, at in ((polls, portal.port), (bare, port)):
                        _round(found, at, _request(token), options)
                _show(place, processes, options.clients, polls, bare)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4], help="web processes")
    parser.add_argument("--clients", type=int, default=50, help="clients, each with a connection that it keeps")
    parser.add_argument("--seconds", type=float, default=4, help="how long a round lasts")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is asked")
    return parser.parse_args()


def _show(place: Scratch, processes: int, clients: int, polls: Found, bare: Found) -> None:
    conditions = f"{place.conditions}, {processes} web processes, {clients} clients"
    for name, found in (("polls", polls), ("a bare view", bare)):
        show(name, span(found.rates), "per s", conditions)
        show(f"{name}, p95", span([value * 1e3 for value in found.p95]), "ms", conditions)
    parts = [one / other for one, other in zip(polls.rates, bare.rates, strict=True)]
    show("polls, of the bare view", f"{median(parts):.2f}", "parts", conditions)


# ---------------------------------------------------------------------- places
def _seed(place: Scratch) -> str:
    """In a process of its own, make a vault with a request that waits; return a token for it."""
    text = """
import sys
from bench.scratch import Scratch
from pathlib import Path
import os
Scratch(Path(os.environ["CHANCERY_DATA"]), {}).enter()
from portal import memberships, tokens
from portal.models import Role, User
from vault.lifecycle import issuing, vaults
from vault.lifecycle.issuing import Order
from vault.models.audit import SYSTEM
from vault.models.policy import KeyPolicy, Policy
vault = vaults.create_vault(name="bench", by=SYSTEM)
user = User.objects.create(username="poller")
memberships.add(vault=vault, member=user, role=Role.OFFICER, by=SYSTEM)
key = KeyPolicy(kty="EC", size=None, curve="P-256")
order = Order(name="www", policy=Policy(key=key, subject="CN=www.example.org"))
issuing.request_certificate(vault=vault, order=order, by=SYSTEM)
print(tokens.make(user=user, name="bench", vaults=[vault], verbs=["all"], days=1, by=SYSTEM)[1])
"""
    environment = {**os.environ, **place.environment}
    done = subprocess.run([sys.executable, "-c", text], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


@contextlib.contextmanager
def _bare(place: Scratch, processes: int, portal: int, token: str) -> Iterator[int]:
    """Serve the octets of a poll by a bare view."""
    connection = http.client.HTTPConnection("127.0.0.1", portal)
    connection.request("GET", _PATH, headers=dict(_headers(token)))
    answer = connection.getresponse()
    body = place.directory / "poll.json"
    body.write_bytes(answer.read())
    if answer.status != http.HTTPStatus.OK:
        raise SystemExit(f"A poll was answered with {answer.status}: {body.read_text()}")
    port = running.free_port()
    command = [
        *(str(Path(sys.executable).with_name("granian")), "bench.bare_view:application", "--interface", "wsgi"),
        *("--port", str(port), "--workers", str(processes), "--blocking-threads", str(_THREADS), "--http", "1"),
        *("--no-ws", "--log-level", "error"),
    ]
    server = subprocess.Popen(command, env={**os.environ, "BARE_BODY": str(body)})
    try:
        _await(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _await(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/")
            connection.getresponse()
            return
        time.sleep(0.1)
    raise SystemExit("The bare view did not start.")


# --------------------------------------------------------------------- clients
def _headers(token: str) -> Iterator[tuple[str, str]]:
    yield "Host", "bench.vault.localhost"
    yield "X-Forwarded-Proto", "https"
    yield "Authorization", f"Bearer {token}"


def _request(token: str) -> bytes:
    lines = [f"GET {_PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in _headers(token)), "", ""]
    return "\r\n".join(lines).encode()


def _round(found: Found, port: int, request: bytes, options: argparse.Namespace) -> None:
    seconds = asyncio.run(_clients(port, request, options.clients, options.seconds))
    found.rates.append(len(seconds) / options.seconds)
    found.p95.append(percentile(seconds, 95))


async def _clients(port: int, request: bytes, count: int, seconds: float) -> list[float]:
    until = time.perf_counter() + seconds
    taken = await asyncio.gather(*(_client(port, request, until) for _ in range(count)))
    return [one for each in taken for one in each]


async def _client(port: int, request: bytes, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = []
    while (begun := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"A poll was answered with {head[:40]!r}.")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append(time.perf_counter() - begun)
    writer.close()
    return taken


if __name__ == "__main__":
    main()
