"""Ten thousand orders in progress at one CA: how many a worker asks about, how late, and what one question costs.

The CA is a simulator in a process of its own, the worker a real `manage.py worker` with one process for tasks, on a
scratch place. First the orders are due as an adapter's pace has it, spread over ten minutes; then all at once. The
processor time of a poll stands beside that of a bare httpx GET of the same address, in turns in one process.

Run it by `.venv/bin/python -m bench.orders`.
"""

import argparse
import contextlib
import copy
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from bench.figures import p50_p95, show, span
from bench.scratch import Scratch, scratch

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from vault.models import Operation
    from vault.simulators.kit import Simulator

_PROJECT = Path(__file__).resolve().parent.parent
_ROUND = 300
_BATCH = 2000
_SETTINGS = {"CHANCERY_CA_LOOPBACK": "1", "CHANCERY_WORKERS": "1"}


@dataclass(frozen=True)
class Authority:
    """A simulator that runs elsewhere: its address, and what to enter into the issuer's form."""

    line: "Connection"
    address: str
    values: dict[str, str]

    def copy_first(self, count: int) -> list[str]:
        """Have it take its first order so many times again; return their numbers."""
        self.line.send(count)
        numbers: list[str] = self.line.recv()
        return numbers

    def polls(self) -> int:
        """How many questions it has answered so far."""
        self.line.send(0)
        return int(self.line.recv())


def main() -> None:
    """Measure and print."""
    options = _options()
    with scratch(**_SETTINGS) as place, _authority() as authority:
        place.enter()
        _fill(authority, options.orders)
        words = f"{place.conditions}, {options.orders} orders in progress, one worker"
        _show_cost(authority, options.rounds)
        _show_paced(place, authority, options, words)
        _show_burst(place, authority, options, words)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=10_000, help="how many are in progress")
    parser.add_argument("--seconds", type=int, default=60, help="how long each load lasts")
    parser.add_argument("--rounds", type=int, default=5, help="how often the cost of a poll is taken")
    return parser.parse_args()


# -------------------------------------------------------------------- the CA
@contextlib.contextmanager
def _authority() -> Iterator[Authority]:
    """Run a simulator in a process of its own that issues nothing."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_simulate, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    yield Authority(ours, *ours.recv())
    process.kill()
    process.join()


def _simulate(told: "Connection") -> None:
    from vault.simulators.digicert import DigiCertSimulator
    from vault.simulators.kit import Script

    with DigiCertSimulator(script=Script(delay_polls=10**9)) as simulator:
        told.send((simulator.address, dict(simulator.values())))
        while True:
            wanted = told.recv()
            told.send(_copies(simulator, wanted) if wanted else simulator.counts["poll"])


def _copies(simulator: "Simulator", count: int) -> list[str]:
    with simulator.lock:
        first = simulator.orders[0]
        for _ in range(count):
            copied = copy.deepcopy(first)
            copied.id = simulator.next_id()
            simulator.orders.append(copied)
            simulator._by_id[copied.id] = copied
        return [order.id for order in simulator.orders[1:]]


# ---------------------------------------------------------------- operations
def _fill(authority: Authority, orders: int) -> None:
    """Put an operation into the tables for each order, all like one that a worker has asked about twice."""
    from vault import tasks
    from vault.models import Certificate, Operation

    sample = _sample(authority)
    all_numbers = authority.copy_first(orders)
    for start in range(0, orders, _BATCH):
        numbers = all_numbers[start : start + _BATCH]
        certificates = Certificate.objects.bulk_create(
            [Certificate(vault=sample.vault, name=f"order-{number}", policy=sample.policy) for number in numbers]
        )
        pairs = zip(certificates, numbers, strict=True)
        Operation.objects.bulk_create([_like(sample, certificate, number) for certificate, number in pairs])
    Operation.objects.filter(pk=sample.pk).update(status=Operation.Status.CANCELLED, next_step_at=None)
    tasks.tidy()


def _sample(authority: Authority) -> "Operation":
    from tests.factories import make_operation, make_vault
    from tests.vault.lifecycle.cas import make_issuer
    from vault import tasks
    from vault.models import Operation
    from vault.providers import OFFERS

    fields = OFFERS["DigiCert"].fields
    given = {field.name: field.default for field in fields} | authority.values
    config = {field.name: given[field.name] for field in fields if not field.secret}
    secrets = {field.name: given[field.name] for field in fields if field.secret}
    vault = make_vault("bench")
    make_issuer(vault, provider="DigiCert", config=config, secrets=secrets, name="bench-ca")
    operation = make_operation(vault=vault, issuer="bench-ca")
    for _ in range(3):
        Operation.objects.filter(pk=operation.pk).update(next_step_at=_now())
        tasks.advance_operation(operation.pk)
    operation.refresh_from_db()
    if operation.step != Operation.Step.ORDERED:
        raise SystemExit(f"The sample order does not wait as it should: {operation.step}, {operation.detail}")
    return operation


def _like(sample: "Operation", certificate: Any, number: str) -> "Operation":
    from vault.models import Operation

    ref = json.loads(json.dumps(sample.provider_ref).replace(sample.order_number, number))
    long_ago = _now() - timedelta(days=1)
    return Operation(
        vault=sample.vault,
        certificate=certificate,
        step=sample.step,
        policy=sample.policy,
        issuer_name=sample.issuer_name,
        issuer=sample.issuer,
        csr=sample.csr,
        spki_sha256=sample.spki_sha256,
        provider_ref=ref,
        order_number=ref["order_id"],
        tasks=sample.tasks,
        detail=sample.detail,
        submitted_at=long_ago,
        news_at=long_ago,
        claims=3,
    )


def _mine() -> Any:
    from vault.models import Operation

    return Operation.objects.in_progress().filter(issuer__name="bench-ca")


def _now() -> Any:
    from django.utils import timezone

    return timezone.now()


# --------------------------------------------------------------------- cost
def _show_cost(authority: Authority, rounds: int) -> None:
    """Processor time of a poll from claim to the planned next one, and of the bare call, in turns."""
    pks = list(_mine().order_by("pk").values_list("pk", flat=True)[:_ROUND])
    headers = {"X-DC-DEVKEY": authority.values.get("password", "")}
    polls, calls = [], []
    with httpx.Client(headers=headers) as client:
        address = _address_of(authority)
        for _ in range(rounds + 1):
            _mine().filter(pk__in=pks).update(next_step_at=_now())
            polls.append(_processor(_poll_all_due, _ROUND))
            calls.append(_processor(lambda: [client.get(address).raise_for_status() for _ in pks], _ROUND))
    polls, calls = polls[1:], calls[1:]
    show("processor time of a poll", span([spent * 1e3 for spent in polls], 2), "ms", "claim, call, outcome, one row")
    show(
        "processor time of a bare httpx GET", span([spent * 1e3 for spent in calls], 2), "ms", "same address, kept open"
    )
    ratio = sorted(poll / call for poll, call in zip(polls, calls, strict=True))[len(polls) // 2]
    show("a poll beside a bare GET", f"{ratio:.1f}", "times", "median of the rounds")


def _poll_all_due() -> None:
    """What a worker does with one bell, as often as it takes."""
    from vault import tasks

    while pk := _mine().filter(next_step_at__lte=_now()).values_list("pk", flat=True).first():
        tasks.advance_operation(pk)


def _address_of(authority: Authority) -> str:
    """The address that a poll asks: what the simulator's log would show for one."""
    operation = _mine().order_by("pk").first()
    base = operation.issuer.config.get("address", "") or authority.address
    return f"{base.rstrip('/')}/order/certificate/{operation.order_number}"


def _processor(work: Callable[[], object], count: int) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) / count


# -------------------------------------------------------------------- loads
def _show_paced(place: Scratch, authority: Authority, options: argparse.Namespace, words: str) -> None:
    """Due one after the other, as many a second as ten minutes between two polls of each order give."""
    planned = _plan(timedelta(minutes=10) / options.orders)
    before = authority.polls()
    with _worker(place) as processes:
        began = time.monotonic()
        time.sleep(options.seconds)
        rate = (authority.polls() - before) / (time.monotonic() - began)
        memory = [process.memory_info().rss / 2**20 for process in processes()]
    late = _lateness(planned)
    show("polls, due over ten minutes", f"{rate:.1f}", "/s", f"{options.orders / 600:.1f} /s planned; {words}")
    show("late against the plan, due over ten minutes", p50_p95(late), "ms", f"p50 / p95 of {len(late)} polls")
    show("memory of the worker", f"{sum(memory):.0f}", "MB", f"{len(memory)} processes, the largest {max(memory):.0f}")


def _show_burst(place: Scratch, authority: Authority, options: argparse.Namespace, words: str) -> None:
    """All due at once."""
    planned = _plan(timedelta(0))
    before = authority.polls()
    with _worker(place):
        time.sleep(3)
        first, began = authority.polls(), time.monotonic()
        time.sleep(options.seconds)
        rate = (authority.polls() - first) / (time.monotonic() - began)
    late = _lateness(planned)
    twice = authority.polls() - before - len(late)
    show("polls, all due at once", f"{rate:.0f}", "/s", f"{len(late)} asked about, {twice} more than once; {words}")


def _plan(apart: timedelta) -> dict[int, float]:
    """Have the orders due one after the other, so far apart, from five seconds on; return when, by key."""
    from vault.models import Operation

    moment = _now() + timedelta(seconds=5)
    planned: dict[int, float] = {}
    rows = []
    for number, pk in enumerate(_mine().order_by("pk").values_list("pk", flat=True)):
        due = moment + number * apart
        planned[pk] = due.timestamp()
        rows.append(Operation(pk=pk, next_step_at=due, asked_at=None, leased_by=""))
    Operation.objects.bulk_update(rows, ["next_step_at", "asked_at", "leased_by"], batch_size=200)
    return planned


def _lateness(planned: dict[int, float]) -> list[float]:
    """Seconds between plan and answer of those that were asked about."""
    asked = _mine().filter(asked_at__isnull=False).values_list("pk", "asked_at")
    return [moment.timestamp() - planned[pk] for pk, moment in asked]


@contextlib.contextmanager
def _worker(place: Scratch) -> Iterator[Callable[[], list[psutil.Process]]]:
    environment = {**os.environ, **place.environment}
    with (place.directory / "worker.txt").open("wb") as output:
        command = [sys.executable, str(_PROJECT / "manage.py"), "worker"]
        worker = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    time.sleep(3)
    try:
        yield lambda: [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
    finally:
        worker.terminate()
        worker.wait(60)


if __name__ == "__main__":
    main()
