"""Lists, search and dashboard with few and with many certificates: p50 and p95, queries, and how they grow.

Each size has a scratch database of its own in a process of its own; they are asked in turns, through Django's test
client, so that both meet the same noise. Run it by `.venv/bin/python -m bench.lists`.
"""

import argparse
import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlencode

from bench import seeding
from bench.figures import p50_p95, percentile, show
from bench.scratch import Scratch, scratch

_VAULT = f"/vaults/{seeding.VAULT}"


@dataclass
class Found:
    """What one page cost: seconds of each answer, queries of one, and how many octets it has."""

    seconds: list[float] = field(default_factory=list)
    queries: int = 0
    octets: int = 0


def main() -> None:
    """Seed, measure in turns, print."""
    options = _options()
    with contextlib.ExitStack() as stack:
        rooms = [stack.enter_context(_room(size, options.repeat)) for size in options.sizes]
        conditions = {size: pipe.recv() for size, pipe in zip(options.sizes, rooms, strict=True)}
        found: dict[int, dict[str, Found]] = {size: {} for size in options.sizes}
        for _ in range(options.rounds):
            for name in conditions[options.sizes[0]][1]:
                for size, pipe in zip(options.sizes, rooms, strict=True):
                    pipe.send(name)
                    _merge(found[size].setdefault(name, Found()), pipe.recv())
    _show(found, conditions[options.sizes[0]][0])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 100_000], help="certificates")
    parser.add_argument("--rounds", type=int, default=10, help="how often each size has its turn with each page")
    parser.add_argument("--repeat", type=int, default=6, help="how often a page is asked in a turn")
    return parser.parse_args()


@contextlib.contextmanager
def _room(size: int, repeat: int) -> Iterator["Connection[Any, Any]"]:
    """Start the process for one size; its first answer, database and pages' names, says that it is seeded."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    with scratch() as place:
        process = spawn.Process(target=_serve, args=(there, place, size, repeat))
        process.start()
        there.close()
        try:
            yield here
        finally:
            here.close()
            process.join()


def _serve(pipe: "Connection[Any, Any]", place: Scratch, size: int, repeat: int) -> None:
    place.enter()
    seeding.fill(size)
    pages = _pages(size)
    clients = {person: _client(person) for person in (seeding.OFFICER, seeding.REQUESTER)}
    for person, path in pages.values():
        _measure(clients[person], path, 2)
    pipe.send((place.conditions.partition(",")[0], list(pages)))
    with contextlib.suppress(EOFError):
        while name := pipe.recv():
            person, path = pages[name]
            pipe.send(_measure(clients[person], path, repeat))


def _merge(page: Found, more: Found) -> None:
    page.seconds.extend(more.seconds)
    # Once a minute one more set of queries notes that the person is still there.
    page.queries = min(page.queries, more.queries) if page.queries else more.queries
    page.octets = more.octets


def _show(found: dict[int, dict[str, Found]], database: str) -> None:
    least = found[min(found)]
    for size, pages in found.items():
        for name, page in pages.items():
            words = f"{page.queries} queries, {page.octets // 1000} kB; {size} certificates, {database}"
            if size != min(found):
                growth = [percentile(page.seconds, at) / percentile(least[name].seconds, at) for at in (50, 95)]
                words += f"; {growth[0]:.2f} / {growth[1]:.2f} times that of {min(found)}"
            show(name, p50_p95(page.seconds), "ms", f"p50 / p95, {words}")


# --------------------------------------------------------------------- one page
def _measure(client: Any, path: str, repeat: int) -> Found:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        _, octets = _ask(client, path)
    asked = len(queries)  # the next request empties the log
    return Found([_ask(client, path)[0] for _ in range(repeat)], asked, octets)


def _client(username: str) -> Any:
    from django.test import Client

    from portal.models import User

    client = Client(SERVER_NAME="127.0.0.1")
    person = User.objects.get(username=username)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    client.get("/")
    return client


def _ask(client: Any, path: str) -> tuple[float, int]:
    began = time.perf_counter()
    response = client.get(path)
    seconds = time.perf_counter() - began
    if response.status_code != 200:
        raise SystemExit(f"{path} was answered with {response.status_code}.")
    return seconds, len(response.content)


# -------------------------------------------------------------------- all pages
def _pages(size: int) -> dict[str, tuple[str, str]]:
    """Return what is asked: name, and who asks for which path."""
    officer = {
        **_lists(size),
        **_searches(size),
        **_operations(),
        "home": "/",
        "home, all that expires": "/?show=expiring",
        "vaults": "/vaults/",
    }
    own = {"certificates, requester's own": f"{_VAULT}/", "home, requester": "/"}
    asked = {name: (seeding.OFFICER, path) for name, path in officer.items()}
    return asked | {name: (seeding.REQUESTER, path) for name, path in own.items()}


def _lists(size: int) -> dict[str, str]:
    from vault.models import Certificate

    rows = Certificate.objects.order_by("name_key")
    deep = rows[size * 9 // 10]
    late = Certificate.objects.order_by("expires_at")[size * 9 // 10]
    return {
        "certificates by name": f"{_VAULT}/",
        "certificates by name, behind 90 %": _list(after=_after(deep.name_key, deep.pk)),
        "certificates by expiry": _list(sort="expires"),
        "certificates by expiry, behind 90 %": _list(sort="expires", after=_after(late.expires_at, late.pk)),
        "certificates that expire soon": _list(state="expiring"),
        "certificates, disabled": _list(state="disabled"),
        "certificates of a rare issuer": _list(issuer="Unknown"),
    }


def _searches(size: int) -> dict[str, str]:
    number = size // 2 + 7
    hexadecimal = seeding.digits(number)
    return {
        "search: host name": _list(q=seeding.host(number)),
        "search: suffix of few": _list(q="*.shop.example.com"),
        "search: suffix of nearly all": _list(q="*.example.org"),
        "search: beginning of a host name": _list(q=f"www.{seeding.host(number)}"[:12] + "."),
        "search: beginning of a certificate's name": _list(q=seeding.name(number)[:4]),
        "search: serial number": _list(q=hexadecimal[:32].lstrip("0")),
        "search: thumbprint": _list(q=hexadecimal),
        "search: nothing found": _list(q="nowhere.example.net"),
    }


def _operations() -> dict[str, str]:
    from vault.models import Operation

    rows = Operation.objects.order_by("-id")
    deep = rows[rows.count() * 9 // 10]
    path = f"{_VAULT}/operations/?"
    return {
        "requests": path,
        "requests, behind 90 %": path + urlencode({"after": _after(deep.pk, deep.pk)}),
        "requests, failed": path + "status=failed",
        "requests, waiting for merge": path + "status=waiting",
        "requests, mine": path + "mine=1",
    }


def _list(**query: str) -> str:
    return f"{_VAULT}/?{urlencode(query)}"


def _after(value: Any, pk: int) -> str:
    """Return the place behind a row as the portal's own links write it."""
    from portal.pages import paging

    return paging._write(value, pk)


if __name__ == "__main__":
    main()
