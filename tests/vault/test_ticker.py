import logging

import pytest

from vault.ticker import Job, Watch


class Action:
    """Counts its calls and fails while it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.broken = False

    def __call__(self) -> None:
        self.calls += 1
        if self.broken:
            raise ConnectionError("secret-value")


@pytest.fixture
def action() -> Action:
    return Action()


def test_a_job_runs_at_once_and_then_at_its_interval(action: Action) -> None:
    job = Job(action, interval=10)

    calls = []
    for now in (100.0, 100.2, 109.9, 110.0, 119.0, 121.0):
        job.run(now)
        calls.append(action.calls)

    assert calls == [1, 1, 1, 2, 2, 3]


def test_a_failing_job_is_tried_again_and_is_reported_once(action: Action, caplog: pytest.LogCaptureFixture) -> None:
    job = Job(action, interval=1)
    action.broken = True

    with caplog.at_level(logging.WARNING, "vault.ticker"):
        for now in (1.0, 2.0, 3.0):
            job.run(now)
        action.broken = False
        for now in (4.0, 5.0):
            job.run(now)

    assert action.calls == 5
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "ConnectionError" in caplog.text
    assert "secret-value" not in caplog.text


def test_a_count_that_stands_still_is_noticed_after_the_limit() -> None:
    watch = Watch(30, now=0)

    still = [watch.stands_still(5, now=now) for now in (10, 20, 30, 40, 50)]

    assert still == [False, False, False, False, True]


def test_a_count_that_moves_is_left_alone() -> None:
    watch = Watch(30, now=0)

    still = [watch.stands_still(now // 20, now=now) for now in range(0, 200, 10)]

    assert not any(still)


def test_a_machine_that_slept_has_not_been_silent() -> None:
    watch = Watch(30, now=0)
    watch.stands_still(5, now=1)

    assert not watch.stands_still(5, now=10_000)


def test_silence_without_work_does_not_count() -> None:
    watch = Watch(30, now=0)
    watch.stands_still(5, now=10)
    watch.stands_still(5, now=25)

    watch.rest(now=40)

    assert not watch.stands_still(5, now=55)
