"""When people hear of a version."""

from datetime import UTC, datetime, timedelta

import pytest

from vault.lifecycle import ladder
from vault.models import Notice

pytestmark = pytest.mark.no_database

START = datetime(2026, 1, 1, tzinfo=UTC)
Reason = Notice.Reason


def reasons(days: float, **facts: datetime) -> list[tuple[str, float]]:
    """Each reason with the days before the end at which it is said."""
    end = START + timedelta(days=days)
    return [
        (str(step.reason), (end - step.at) / timedelta(days=1))
        for step in ladder.steps(not_before=START, not_after=end, **facts)
    ]


def test_what_a_person_sees_to_is_told_ever_more_urgently() -> None:
    assert reasons(398) == [("early", 45), ("near", 30), ("close", 14), ("week", 7), ("day", 1), ("expired", 0)]


def test_a_short_life_has_short_steps() -> None:
    assert reasons(6) == [("early", 3), ("near", 2), ("close", 1), ("week", 0.5), ("day", 0.15), ("expired", 0)]


@pytest.mark.parametrize("life", [timedelta(hours=6), timedelta(days=6), timedelta(days=47), timedelta(days=3650)])
def test_whatever_the_life_there_is_time_to_hear_it(life: timedelta) -> None:
    steps = ladder.steps(not_before=START, not_after=START + life)

    before = [step for step in steps if step.at < START + life]
    assert len(before) == 5
    assert all(step.at > START for step in before)
    assert [step.reason for step in steps if step.urgent] == [Reason.DAY, Reason.EXPIRED]


def test_what_renews_by_itself_is_announced_once_and_told_about_when_it_is_late() -> None:
    assert reasons(100, renew_at=START + timedelta(days=80)) == [
        ("renews-soon", 27),
        ("close", 14),
        ("week", 7),
        ("day", 1),
        ("expired", 0),
    ]


def test_a_renewal_that_fails_is_counted_down() -> None:
    told = reasons(100, renew_at=START + timedelta(days=80), failing_since=START + timedelta(days=80))

    assert [one for one in told if one[0].startswith("failed")] == [
        ("failed", 20),
        ("failed-50", 10),
        ("failed-25", 5),
        ("failed-10", 2),
    ]
    assert "renews-soon" not in dict(told)


def test_a_failure_after_the_end_is_told_once() -> None:
    assert [one for one in reasons(10, failing_since=START + timedelta(days=11)) if one[0].startswith("failed")] == [
        ("failed", -1)
    ]


def test_a_policy_that_tells_people_does() -> None:
    assert ("action", 20) in reasons(100, tell_at=START + timedelta(days=80))


def test_the_next_step_is_the_first_that_nobody_heard_of() -> None:
    steps = ladder.steps(not_before=START, not_after=START + timedelta(days=398))
    near, end = steps[1].at, steps[-1].at

    assert ladder.next_at(steps, None) == steps[0].at
    assert ladder.next_at(steps, steps[0].at) == near
    assert ladder.next_at(steps, near - timedelta(seconds=1)) == near
    assert ladder.next_at(steps, end) is None
