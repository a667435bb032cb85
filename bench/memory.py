"""Memory of each process of a running portal, after requests of every common kind.

PSS counts a page that n processes share as 1/n, so that the sum is what the portal really takes; RSS counts it whole
in each. Run it by `.venv/bin/python -m bench.memory` (Linux).
"""

import argparse

from bench import people
from bench.browser import Browser
from bench.figures import show
from bench.running import portal
from bench.scratch import scratch

_VAULT = f"/vaults/{people.VAULT}"
_LIMITS = {"CHANCERY_RUNNING_PER_PERSON": "1000000", "CHANCERY_RUNNING_PER_VAULT": "1000000"}


def main() -> None:
    """Send requests, then look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=500, help="how many, over four connections")
    options = parser.parse_args()
    with scratch(**_LIMITS) as place:
        place.enter()
        with portal(place) as running:
            browsers = people.signed_in(running.port, 4)
            for number in range(options.requests):
                _visit(browsers[number % len(browsers)], number)
            words = f"PSS / RSS, after {options.requests} requests, {place.conditions}"
            total = 0.0
            for process in running.processes():
                memory = process.memory_full_info()
                total += memory.pss / 1e6
                show(process.name(), f"{memory.pss / 1e6:.0f} / {memory.rss / 1e6:.0f}", "MB", words)
            show("all processes", f"{total:.0f}", "MB", f"sum of PSS, {place.conditions}")


def _visit(browser: Browser, number: int) -> None:
    """Look at a page, or every fifth time ask for a certificate and follow to its page. SystemExit: not answered."""
    pages = ("/", f"{_VAULT}/", f"{_VAULT}/operations/", f"{_VAULT}/request/")
    if number % 5 < 4:
        status, path = browser.get(pages[number % 5])[0], pages[number % 5]
    else:
        status, path = browser.post(f"{_VAULT}/request/submit/", people.answers())
    if status not in {200, 303}:
        raise SystemExit(f"{path} was answered with {status}.")
    if status == 303:
        browser.get(path)


if __name__ == "__main__":
    main()
