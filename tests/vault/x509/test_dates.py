"""Validities and renewal."""

import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import BadParameter, PolicyViolation
from vault.x509.dates import add_validity, renewal_due_at, validity_months

MOMENTS = st.integers(min_value=0, max_value=3_800_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
START = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "number", "unit", "end"),
    [
        (START, 1, "days", datetime(2026, 2, 1, 12, 30, tzinfo=UTC)),
        (START, 365, "days", datetime(2027, 1, 31, 12, 30, tzinfo=UTC)),
        (START, 1, "months", datetime(2026, 2, 28, 12, 30, tzinfo=UTC)),
        (START, 12, "months", datetime(2027, 1, 31, 12, 30, tzinfo=UTC)),
        (START, 11, "months", datetime(2026, 12, 31, 12, 30, tzinfo=UTC)),
        (START, 25, "months", datetime(2028, 2, 29, 12, 30, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), 12, "months", datetime(2029, 2, 28, tzinfo=UTC)),
    ],
)
def test_a_validity_is_added_in_days_or_calendar_months(start: datetime, number: int, unit: str, end: datetime) -> None:
    assert add_validity(start, number, unit) == end


@pytest.mark.parametrize(
    ("number", "unit"), [(0, "days"), (-1, "months"), (10**9, "days"), (1, "years"), (99999, "months")]
)
def test_an_impossible_validity_is_refused(number: int, unit: str) -> None:
    with pytest.raises(BadParameter) as refusal:
        add_validity(START, number, unit)

    assert refusal.value.field == "validity"


@pytest.mark.parametrize(
    ("days", "months"),
    [
        (1, 1),
        (30, 1),
        (31, 1),
        (32, 2),
        (62, 2),
        (63, 3),
        (90, 3),
        (199, 7),
        (365, 12),
        (366, 12),
        (367, 13),
        (397, 13),
        (398, 14),
        (730, 24),
        (1095, 36),
        (1825, 60),
        (3650, 120),
    ],
)
def test_days_are_shown_as_the_fewest_months_that_can_hold_them(days: int, months: int) -> None:
    assert validity_months(days, "days") == months


@given(st.integers(min_value=1, max_value=600))
def test_months_are_shown_as_they_are(months: int) -> None:
    assert validity_months(months, "months") == months


@given(
    start=MOMENTS,
    months=st.integers(min_value=1, max_value=120),
)
def test_a_span_of_whole_months_never_needs_more_months_than_it_has(start: datetime, months: int) -> None:
    first = start.replace(day=1)
    days = (add_validity(first, months, "months") - first).days

    assert validity_months(days, "days") <= months


@given(st.integers(min_value=1, max_value=4000))
def test_the_months_shown_can_hold_the_days(days: int) -> None:
    months = validity_months(days, "days")

    spans = []
    for month in range(48):
        first = datetime(2024 + month // 12, 1 + month % 12, 1, tzinfo=UTC)
        spans.append((add_validity(first, months, "months") - first).days)
    assert max(spans) >= days


@given(
    start=MOMENTS,
    months=st.integers(min_value=1, max_value=600),
)
def test_adding_months_keeps_the_day_or_takes_the_last_one(start: datetime, months: int) -> None:
    end = add_validity(start, months, "months")

    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == min(start.day, calendar.monthrange(end.year, end.month)[1])


def test_a_percentage_counts_both_ends_of_the_validity() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    due = renewal_due_at(start, start + timedelta(seconds=99), lifetime_percentage=80)

    assert due == start + timedelta(seconds=80)


def test_days_before_expiry_count_from_the_end() -> None:
    end = START + timedelta(days=90)

    assert renewal_due_at(START, end, days_before_expiry=30) == START + timedelta(days=60)


def test_renewal_is_never_due_before_the_certificate_begins() -> None:
    end = START + timedelta(days=10)

    assert renewal_due_at(START, end, days_before_expiry=30) == START
    assert renewal_due_at(START, end, days_before_expiry=10**30) == START


@pytest.mark.parametrize(
    ("percentage", "days"), [(None, None), (80, 30), (0, None), (100, None), (-1, None), (None, 0), (None, -5)]
)
def test_a_rule_that_is_not_exactly_one_in_its_range_is_refused(percentage: int | None, days: int | None) -> None:
    with pytest.raises(PolicyViolation):
        renewal_due_at(START, START + timedelta(days=90), lifetime_percentage=percentage, days_before_expiry=days)


@given(percentage=st.integers(min_value=1, max_value=99), days=st.integers(min_value=1, max_value=10_000))
def test_a_percentage_is_due_within_the_validity(percentage: int, days: int) -> None:
    end = START + timedelta(days=days)

    assert START < renewal_due_at(START, end, lifetime_percentage=percentage) <= end
