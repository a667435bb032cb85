from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.factories import make_policy
from vault.lifecycle.timing import renewal_at, retry_at, telling_at
from vault.models.policy import LifetimeAction, LifetimeActionType, Policy

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=100) - timedelta(seconds=1)


def policy_that(action: LifetimeActionType = LifetimeActionType.AUTO_RENEW, **when: int) -> Policy:
    return replace(make_policy(), lifetime_actions=(LifetimeAction(action=action, **when),))


def renewed(policy: Policy, made_at: datetime = BEGIN, end: datetime = END) -> datetime:
    found = renewal_at(policy, not_before=BEGIN, not_after=end, made_at=made_at)
    assert found is not None
    return found


def test_a_percentage_of_the_lifetime_rules() -> None:
    assert renewed(policy_that(lifetime_percentage=60)) == BEGIN + timedelta(days=60)


def test_days_before_the_end_rule() -> None:
    assert renewed(policy_that(days_before_expiry=10)) == END - timedelta(days=10)


def test_days_before_the_end_that_are_longer_than_the_life_become_80_percent() -> None:
    assert renewed(policy_that(days_before_expiry=200)) == BEGIN + timedelta(days=80)


def test_a_version_that_came_late_is_not_renewed_at_once() -> None:
    made_at = BEGIN + timedelta(days=91)
    found = renewed(policy_that(lifetime_percentage=50), made_at=made_at)
    assert made_at < found == made_at + (END - made_at) / 3


def test_an_expired_version_that_is_brought_is_due_now() -> None:
    made_at = END + timedelta(days=5)
    assert renewed(policy_that(lifetime_percentage=50), made_at=made_at) == made_at


def test_without_a_rule_nothing_is_renewed() -> None:
    told = policy_that(LifetimeActionType.EMAIL_CONTACTS, lifetime_percentage=80)
    assert renewal_at(told, not_before=BEGIN, not_after=END, made_at=BEGIN) is None
    assert telling_at(told, not_before=BEGIN, not_after=END, made_at=BEGIN) == BEGIN + timedelta(days=80)
    assert telling_at(policy_that(lifetime_percentage=80), not_before=BEGIN, not_after=END, made_at=BEGIN) is None


def test_the_window_of_the_ca_rules_over_the_policy_and_spreads() -> None:
    window = (BEGIN + timedelta(days=10), BEGIN + timedelta(days=12))
    rule = policy_that(lifetime_percentage=90)
    found = [
        renewal_at(rule, not_before=BEGIN, not_after=END, made_at=BEGIN, window=window, seed=str(number))
        for number in range(40)
    ]
    assert all(one is not None and window[0] <= one <= window[1] for one in found)
    assert len(set(found)) == 40
    again = renewal_at(rule, not_before=BEGIN, not_after=END, made_at=BEGIN, window=window, seed="7")
    assert again == found[7]


def within(window: tuple[datetime, datetime], made_at: datetime = BEGIN) -> datetime | None:
    rule = policy_that(lifetime_percentage=90)
    return renewal_at(rule, not_before=BEGIN, not_after=END, made_at=made_at, window=window)


def test_a_window_after_the_end_is_no_window() -> None:
    assert within((END, END + timedelta(days=1))) == BEGIN + timedelta(days=90)


def test_a_window_of_the_past_is_now_but_not_again_as_soon_as_there_is_a_version() -> None:
    gone = (BEGIN + timedelta(days=9), BEGIN + timedelta(days=10))
    found = within(gone)
    assert found is not None
    assert gone[0] <= found <= gone[1]
    made_at = BEGIN + timedelta(days=20)
    assert within(gone, made_at) == made_at + timedelta(hours=6)


@pytest.mark.parametrize(
    ("failures", "left", "wait"),
    [
        (1, timedelta(days=100), timedelta(hours=6)),
        (2, timedelta(days=100), timedelta(hours=12)),
        (4, timedelta(days=100), timedelta(days=2)),
        (5, timedelta(days=100), timedelta(days=3)),
        (5000, timedelta(days=100), timedelta(days=3)),
        (3, timedelta(days=2), timedelta(hours=6)),
        (3, timedelta(hours=2), timedelta(hours=1)),
        (3, -timedelta(days=9), timedelta(days=1)),
    ],
)
def test_a_failure_is_tried_again_later_each_time_but_in_time(failures: int, left: timedelta, wait: timedelta) -> None:
    assert retry_at(failures=failures, failed_at=BEGIN, not_after=BEGIN + left) == BEGIN + wait
