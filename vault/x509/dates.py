"""How long a certificate is valid, and when to renew it."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

from vault.errors import BadParameter, PolicyViolation

_MONTHS = 12
_DAYS_OF_MONTHS = (0, 31, 62, 92, 123, 153, 184, 215, 245, 276, 306, 337)
"""The most days that so many months in a row can have."""
_MAX_NUMBER = 100_000


def add_validity(start: datetime, number: int, unit: str) -> datetime:
    """`start` plus so many `days` or calendar `months`; 31 January plus one month is the last of February.

    Raises:
        BadParameter: field `validity`; not at least 1, another unit, or past the year 9999.
    """
    _check(number, unit)
    try:
        return start + timedelta(days=number) if unit == "days" else _add_months(start, number)
    except (ValueError, OverflowError):
        raise BadParameter(
            f"{number} {unit} from now is past the year 9999. Ask for less.",
            field="validity",
        ) from None


def validity_months(number: int, unit: str) -> int:
    """A validity in months, as the wire shows it: the fewest calendar months that can hold so many days.

    365 and 366 days are 12, 397 are 13, 398 are 14, 3650 are 120.

    Raises:
        BadParameter: field `validity`; not at least 1, or another unit.
    """
    _check(number, unit)
    if unit == "months":
        return number
    months = number // 31
    while most_days(months) < number:
        months += 1
    return months


def most_days(months: int) -> int:
    """The most days that so many calendar months in a row can have, leap days counted."""
    years, rest = divmod(months, _MONTHS)
    return 365 * years + (years + 3) // 4 + _DAYS_OF_MONTHS[rest]


def renewal_due_at(
    not_before: datetime,
    not_after: datetime,
    *,
    lifetime_percentage: int | None = None,
    days_before_expiry: int | None = None,
) -> datetime:
    """The moment at which a percentage of the validity has passed, or so many days before its end.

    The validity runs from notBefore through notAfter, both included (RFC 5280 §4.1.2.5), so it is one second
    longer than their difference. The answer is never before `not_before`.

    Raises:
        PolicyViolation: field `lifetime_actions`; not exactly one rule, a percentage outside 1 to 99, or days below 1.
    """
    if (lifetime_percentage is None) == (days_before_expiry is None):
        raise _violation("A renewal rule is a percentage of the lifetime or a number of days before expiry: give one.")
    if lifetime_percentage is not None:
        if not 1 <= lifetime_percentage <= 99:
            raise _violation(f"{lifetime_percentage} % is not between 1 and 99. Choose a percentage in between.")
        lifetime = not_after - not_before + timedelta(seconds=1)
        return not_before + lifetime * lifetime_percentage / 100
    days = days_before_expiry or 0
    if days < 1:
        raise _violation(f"{days} days before expiry is too late. Choose at least 1.")
    lead = min(timedelta(days=min(days, _MAX_NUMBER)), not_after - not_before)
    return not_after - lead


def _violation(sentence: str) -> PolicyViolation:
    return PolicyViolation(sentence, field="lifetime_actions")


def _check(number: int, unit: str) -> None:
    if unit not in ("days", "months"):
        raise BadParameter("A validity counts in days or months. Choose one of them.", field="validity")
    if not 1 <= number <= _MAX_NUMBER:
        raise BadParameter(
            f"A validity of {number} {unit} is not possible. Ask for 1 or more.",
            field="validity",
        )


def _add_months(start: datetime, number: int) -> datetime:
    years, month = divmod(start.month - 1 + number, _MONTHS)
    year, month = start.year + years, month + 1
    last = calendar.monthrange(year, month)[1]
    return start.replace(year=year, month=month, day=min(start.day, last))
