"""Create-to-completed over HTTP: how many certificates a second, and how long one takes on an idle portal.

A real portal runs; people sign in and send the request form's last page (EC P-256, Self). A rate counts from the
first form sent to the last operation completed. What the same machine does in the same minute without a portal
around it stands beside: key, CSR and signature; and three durable commits.

Run it by `.venv/bin/python -m bench.issuing`.
"""

import argparse
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench import bare, people
from bench.browser import Browser
from bench.figures import p50_p95, show, span
from bench.running import portal
from bench.scratch import Scratch, scratch

_SUBMIT = f"/vaults/{people.VAULT}/request/submit/"
_BARE_SECONDS = 1.5
_LIMITS = {"CHANCERY_RUNNING_PER_PERSON": "1000000", "CHANCERY_RUNNING_PER_VAULT": "1000000"}


@dataclass
class Load:
    """What came of one round with some clients: drained rate, answers' durations (s) and statuses."""

    rate: float = 0.0
    answered: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def main() -> None:
    """Measure and print."""
    options = _options()
    with scratch(**_LIMITS) as place:
        place.enter()
        with portal(place) as running:
            browsers = people.signed_in(running.port, max(options.clients))
            _load(browsers, 50)
            _show_idle(browsers[0], place, options.idle)
            worked = running.worked()
            _show_rates(browsers, place, options)
            _show_work(worked, running.worked(), options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=[4, 16], help="how many at a time")
    parser.add_argument("--rounds", type=int, default=3, help="how often each figure is taken")
    parser.add_argument("--requests", type=int, default=600, help="certificates a round")
    parser.add_argument("--idle", type=int, default=30, help="certificates on an idle portal")
    return parser.parse_args()


# ---------------------------------------------------------------------- rates
def _show_rates(browsers: list[Browser], place: Scratch, options: argparse.Namespace) -> None:
    rounds: dict[int, list[Load]] = {clients: [] for clients in options.clients}
    bare_rates: list[tuple[float, float]] = []
    for _ in range(options.rounds):
        bare_rates.append(_bare(place))
        for clients, loads in rounds.items():
            loads.append(_load(browsers[:clients], options.requests))
    words = f"{place.conditions}, EC P-256, Self, {options.requests} a round, {options.rounds} rounds"
    for clients, loads in rounds.items():
        _show_loads(clients, loads, words)
    crypto, commits = zip(*bare_rates, strict=True)
    show("bare key + CSR + signature", span(crypto), "/s", "cryptography package, one thread")
    show("bare three durable commits", span(commits), "/s", f"{place.conditions.partition(',')[0]}, one connection")


def _show_loads(clients: int, loads: list[Load], words: str) -> None:
    statuses = sum((load.statuses for load in loads), Counter[int]())
    broken = sum(count for status, count in statuses.items() if status >= 500)
    refused = sum(count for status, count in statuses.items() if 400 <= status < 500 or status == 200)
    answered = [seconds for load in loads for seconds in load.answered]
    show(f"created to completed, {clients} clients", span([load.rate for load in loads]), "/s", words)
    show(f"answer to the form, {clients} clients", p50_p95(answered), "ms", "p50 / p95")
    show(f"5xx and refusals, {clients} clients", f"{broken} and {refused}", "answers", f"of {len(answered)}")


def _show_work(before: dict[str, float], after: dict[str, float], options: argparse.Namespace) -> None:
    """Processor time does not depend on what else the machine does, so it is the steadiest figure."""
    certificates = options.requests * options.rounds * len(options.clients)
    used = {role: (after[role] - before.get(role, 0.0)) / certificates * 1e3 for role in after}
    parts = ", ".join(f"{role} {spent:.1f}" for role, spent in sorted(used.items()) if spent >= 0.05)
    show("processor time a certificate", f"{sum(used.values()):.1f}", "ms", parts)


def _bare(place: Scratch) -> tuple[float, float]:
    with bare.three_commits(place) as commit:
        return bare.rate(bare.certificate, _BARE_SECONDS), bare.rate(commit, _BARE_SECONDS)


def _load(browsers: list[Browser], requests: int) -> Load:
    """Send `requests` forms, each browser its share, and wait until all operations have ended."""
    from vault.models import Operation

    last = _last_operation()
    load, forms = Load(), iter([people.answers() for _ in range(requests)])
    taking = threading.Lock()

    def next_forms() -> Iterator[people.Form]:
        while True:
            with taking:
                form = next(forms, None)
            if form is None:
                return
            yield form

    def work(browser: Browser) -> None:
        for form in next_forms():
            began = time.perf_counter()
            status, _ = browser.post(_SUBMIT, form)
            load.answered.append(time.perf_counter() - began)
            load.statuses[status] += 1

    for browser in browsers:
        browser.connect()
    threads = [threading.Thread(target=work, args=(browser,)) for browser in browsers]
    started = time.time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mine = Operation.objects.filter(pk__gt=last)
    _until_ended(mine)
    completed = mine.filter(status=Operation.Status.COMPLETED)
    load.rate = completed.count() / (completed.latest("ended_at").ended_at.timestamp() - started)
    return load


def _last_operation() -> int:
    from vault.models import Operation

    return Operation.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _until_ended(operations: "object") -> None:
    deadline = time.monotonic() + 120
    while operations.in_progress().exists():
        if time.monotonic() > deadline:
            raise SystemExit("Operations are still in progress two minutes after the last form.")
        time.sleep(0.1)


# ------------------------------------------------------------------ idle portal
def _show_idle(browser: Browser, place: Scratch, count: int) -> None:
    """From the form's sending to the completed operation, and to the answer, one after the other with pauses."""
    from vault.models import Operation

    completed, answered = [], []
    for _ in range(count):
        time.sleep(random.uniform(0.3, 0.5))
        last, began = _last_operation(), time.time()
        browser.post(_SUBMIT, people.answers())
        answered.append(time.time() - began)
        mine = Operation.objects.filter(pk__gt=last)
        _until_ended(mine)
        completed.append(mine.get().ended_at.timestamp() - began)
    words = f"p50 / p95, {place.conditions}, {count} one by one"
    show("idle: form sent to answer", p50_p95(answered), "ms", words)
    show("idle: form sent to completed", p50_p95(completed), "ms", words)


if __name__ == "__main__":
    main()
