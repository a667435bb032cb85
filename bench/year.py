"""A year of a fleet: whether anything expires unannounced, is said twice, or is renewed late or early.

Certificates of all sorts, half a day at a time, with all well, the CA down for three days (at three times), the mail
server for a week, the worker for a month. Prints figures and what went wrong; exits with 1 when something did. Run it
by `.venv/bin/python -m bench.year`; the database is DATABASE_URL's. The full size takes some minutes for each year.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import time
from typing import TYPE_CHECKING, Final

from bench.figures import show
from bench.scratch import scratch

if TYPE_CHECKING:
    from tests.vault.lifecycle.year import Outage

# What is out of order, from which day on, for how many days.
_YEARS: Final = {
    "all is well": (),
    "CA down, days 30-32": ("ca", 30, 3),
    "CA down, days 100-102": ("ca", 100, 3),
    "CA down, days 201-203": ("ca", 201, 3),
    "mail server down for a week": ("mail", 40, 7),
    "worker down for a month": ("worker", 60, 30),
}
_MOST_SHOWN: Final = 20


def main() -> None:
    """Let each year go by in a process of its own; SystemExit 1 when one went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1000, help="certificates")
    parser.add_argument("--days", type=int, default=365, help="how long a year is")
    parser.add_argument("--only", choices=_YEARS, help="one of the years")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    went_wrong = False
    for name in [options.only] if options.only else _YEARS:
        process = context.Process(target=_pass_by, args=(name, options.size, options.days))
        process.start()
        process.join()
        went_wrong |= process.exitcode != 0
    raise SystemExit(1 if went_wrong else 0)


def _pass_by(name: str, size: int, days: int) -> None:
    with scratch() as place:
        place.enter()
        logging.disable(logging.WARNING)
        from tests.vault.lifecycle.year import Year

        began = time.perf_counter()
        with Year(size=size, **_outages(name)) as year:
            year.pass_by(days)
            figures, wrongs = year.figures(), year.wrongs()
        seconds = time.perf_counter() - began
    conditions = f"{size} certificates, {days} days, {place.conditions}"
    show(f"{name}: took", f"{seconds:.0f}", "s", conditions)
    for what, count in figures.items():
        show(f"{name}: {what}", str(count), "", conditions)
    show(f"{name}: went wrong", str(len(wrongs)), "", conditions)
    print(*wrongs[:_MOST_SHOWN], sep="\n", end="\n" if wrongs else "")
    raise SystemExit(1 if wrongs else 0)


def _outages(name: str) -> dict[str, Outage]:
    from tests.vault.lifecycle.year import Outage

    if not (given := _YEARS[name]):
        return {}
    what, day, days = given
    return {what: Outage(day=day, days=days)}


if __name__ == "__main__":
    main()
