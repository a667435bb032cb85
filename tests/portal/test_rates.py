"""Counts that processes share."""

import multiprocessing
import threading
from pathlib import Path

import pytest
import time_machine

from portal.rates import Rates

pytestmark = pytest.mark.no_database


def test_a_look_counts_nothing(tmp_path: Path) -> None:
    rates = Rates(tmp_path / "rates")
    key = ("token", 1)

    with time_machine.travel("2026-11-23T09:00:00Z", tick=False):
        assert rates.full([key], window=10) == (None, 0)
        rates.take([key], window=10)
        assert rates.full([key], window=10) == (0, 10)


def test_a_refused_call_counts_for_nobody(tmp_path: Path) -> None:
    rates = Rates(tmp_path / "rates")

    with time_machine.travel(1_800_000_000, tick=False):
        assert rates.take([("token", 1), ("vault", 2)], window=10) == (None, 0)
        assert rates.take([("token", 1), ("vault", 2)], window=10) == (0, 10)
        assert rates.take([("other", 1), ("vault", 2)], window=10) == (None, 0)
        assert rates.take([("third", 1), ("vault", 2)], window=10) == (1, 10)
        assert rates.take([("third", 1)], window=10) == (None, 0)


def test_a_clock_that_goes_back_locks_nobody_out(tmp_path: Path) -> None:
    rates = Rates(tmp_path / "rates")

    with time_machine.travel(1_800_000_000, tick=False) as clock:
        rates.take([("token", 1)], window=10)
        clock.shift(-3600)
        assert rates.take([("token", 1)], window=10) == (None, 0)


def test_the_wait_is_at_least_a_second(tmp_path: Path) -> None:
    rates = Rates(tmp_path / "rates")

    with time_machine.travel(1_800_000_000, tick=False) as clock:
        rates.take([("token", 1)], window=10)
        clock.shift(9.9)
        assert rates.take([("token", 1)], window=10) == (0, 1)


def test_threads_share_one_count(tmp_path: Path) -> None:
    rates, taken = Rates(tmp_path / "rates"), []

    def take() -> None:
        taken.extend(rates.take([("token", 150)], window=3600)[0] is None for _ in range(100))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert taken.count(True) == 150


def _take(path: Path, count: int) -> int:
    rates = Rates(path)
    return sum(rates.take([("token", 1500)], window=3600)[0] is None for _ in range(count))


@pytest.mark.slow
def test_processes_share_one_count(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        taken = pool.starmap(_take, [(tmp_path / "rates", 1000)] * 3)

    assert sum(taken) == 1500


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    Rates(tmp_path / "run" / "rates")

    assert (tmp_path / "run" / "rates").stat().st_mode & 0o077 == 0
