"""Filters that the components in templates/components/ need."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django import template
from django.utils import timezone

from portal.pages import readable

register = template.Library()

# Unit, its length in seconds, and from how many seconds on it is used: days say more than a month or two.
UNITS: Final = (
    ("year", 31_557_600, 2 * 31_557_600),
    ("month", 2_629_800, 120 * 86_400),
    ("day", 86_400, 2 * 86_400),
    ("hour", 3_600, 3_600),
    ("minute", 60, 60),
)
MOMENT: Final = 45
DAY: Final = 86_400


@register.filter
def relative(at: datetime, now: datetime | None = None) -> str:
    """Return how far `at` is from `now`, in a fitting unit: “3 days ago”, “in 2 hours”, “just now”.

    `static/js/times.js` says the same words, so that a page does not change when its script starts.
    """
    seconds = (at - (now or timezone.now())).total_seconds()
    size = abs(seconds)
    if size < MOMENT:
        return "in a moment" if seconds > 0 else "just now"
    unit, length, _ = next((each for each in UNITS if size >= each[2]), UNITS[-1])
    whole = size / length + (0.1 if seconds > 0 and length >= DAY else 0)  # what ends in 365 days is 12 months away
    count = max(1, int(whole))
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


@register.filter
def wire_time(at: datetime) -> str:
    """Return `at` for the `datetime` attribute of <time>: UTC, seconds, “Z” (RFC 3339)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@register.filter
def initials(name: str) -> str:
    """Return the first letters of the first and last word of a person's name, in capitals: “Ada Lovelace” → “AL”."""
    words = [word for word in name.replace(".", " ").replace("_", " ").split() if word[0].isalnum()]
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "") if words else "?"
    return letters.upper()


@register.filter
def issuer_title(name: str) -> str:
    """Return how pages call an issuer: the two that always exist in words, others by their names."""
    return readable.issuer_title(name)
