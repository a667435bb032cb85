"""When to ask a CA again."""

import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from vault.models import Operation
from vault.providers.base import Provider

FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=10), timedelta(hours=1)
LONGEST_RETRY_AFTER = timedelta(days=1)
# Where an adapter says nothing: often at first, then ever less.
USUAL_PACE = tuple(min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY) for doublings in range(10))
# So far from the plan, at most, to both sides: many orders of one moment do not stay together.
JITTER = 0.2


def next_poll_at(operation: Operation, provider: Provider, *, retry_after: timedelta | None, is_news: bool) -> datetime:
    """Return when to ask about an order that is pending: by the adapter's pace, counted from the last news.

    What the CA asks for wins when it is longer, up to a day; without a pace of the adapter's own it wins anyway.
    """
    moment = timezone.now()
    asked_for = min(retry_after, LONGEST_RETRY_AFTER) if retry_after is not None else None
    if asked_for is not None and not provider.pace:
        return moment + asked_for
    since = operation.news_at or operation.submitted_at or operation.created_at
    age = timedelta(0) if is_news else moment - since
    planned = _at_age(provider.pace or USUAL_PACE, age) * _jitter(operation)
    return moment + max(planned, asked_for or planned)


def retry_delay(attempts: int) -> timedelta:
    """Return how long to wait after `attempts` that came to nothing: 10 s, 20 s, 40 s … up to an hour."""
    doublings: int = max(0, min(attempts, 12) - 1)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


def _at_age(pace: Sequence[timedelta], age: timedelta) -> timedelta:
    """The wait whose turn it is at this age: they follow one another, the last goes on for ever."""
    passed = timedelta(0)
    for wait in pace[:-1]:
        passed += wait
        # Half of the next wait earlier, so that a jitter to the short side does not repeat a wait.
        if age < passed - wait / 2:
            return wait
    return pace[-1]


def _jitter(operation: Operation) -> float:
    """A factor from 0.8 to 1.2, the same whenever it is asked for."""
    drawn = zlib.crc32(f"{operation.request_id.hex} {operation.claims}".encode()) / 0xFFFFFFFF
    return 1 - JITTER + 2 * JITTER * drawn
