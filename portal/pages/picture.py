"""When certificates expire, and whether they renew by themselves: counted in one question, and drawn week by week.

A certificate counts once, by its current version. Days and weeks are those of UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Case, Count, F, Func, IntegerField, Value, When
from django.utils import timezone

from portal.pages.search import SPANS
from vault.models import Certificate
from vault.models.certificate import NEVER, CertificateQuerySet

_Kind = Certificate.Readiness
# As they stand on each other in a bar, the lowest first.
KINDS: Final = (_Kind.BLOCKED.value, _Kind.PERSON.value, _Kind.UNATTENDED.value, _Kind.UNKNOWN.value)
# The states of `search` by which certificates with a version are told apart.
BUCKETS: Final = ("expired", *SPANS, "later")
_MOST_TICKS: Final = 4
# How much of its week a bar fills.
_FILL: Final = 0.76

Split = Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Week:
    """What expires from `begins` to `ends`, both included, by readiness. The first week begins today."""

    begins: date
    ends: date
    split: Split

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.split.values())


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Certificates by when they expire and by readiness; `pending` are those that no version was issued for yet."""

    buckets: Mapping[str, Split]
    weeks: Sequence[Week]
    pending: int

    @property
    def total(self) -> Split:
        """All that have a version, by readiness."""
        return sum((Counter(split) for split in self.buckets.values()), Counter[str]())


# --------------------------------------------------------------------- counting
def take(certificates: CertificateQuerySet, *, until: date) -> Picture:
    """Count certificates as of now, in weeks up to the one with the day `until`. One question."""
    now = timezone.now()
    today, mondays = now.date(), list(_mondays(now.date(), until))
    shown = When(
        expires_at__gte=_midnight(today),
        expires_at__lt=_midnight(mondays[-1] + timedelta(days=7)),
        then=_Week(F("expires_at")),
    )
    grouped = certificates.order_by().annotate(bucket=_bucket(now), week=Case(shown, default=None))
    buckets = [Counter[str]() for _ in (*BUCKETS, "pending")]
    weeks = {_number(monday): Counter[str]() for monday in mondays}
    for readiness, bucket, week, count in grouped.values_list("readiness", "bucket", "week").annotate(Count("pk")):
        buckets[bucket][readiness] += count
        if week is not None:
            weeks[week][readiness] += count
    *in_order, pending = buckets
    drawn = [
        Week(begins=max(monday, today), ends=monday + timedelta(days=6), split=weeks[_number(monday)])
        for monday in mondays
    ]
    return Picture(buckets=dict(zip(BUCKETS, in_order, strict=True)), weeks=drawn, pending=pending.total())


def _bucket(now: datetime) -> Case:
    """The place in BUCKETS, and behind them for what has no version: numbers are grouped faster than names."""
    ends = [now, *(now + timedelta(days=days) for _, days in SPANS.values())]
    whens = [When(expires_at__lte=end, then=Value(place)) for place, end in enumerate(ends)]
    return Case(*whens, When(expires_at__lt=NEVER, then=Value(len(ends))), default=Value(len(BUCKETS)))


class _Week(Func):
    """The number of a time's week, from Monday on, in UTC: weeks since 1 January of the year 1, a Monday."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Days are cut off the text: julianday() rounds to milliseconds. Day 1 of the ordinals is 1721425.5.
        template = "CAST((julianday(substr(%(expressions)s, 1, 10)) - 1721425.5) / 7 AS INTEGER)"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(((%(expressions)s AT TIME ZONE 'UTC')::date - DATE '0001-01-01') / 7)"
        return super().as_sql(compiler, connection, template=template, **context)


def _number(monday: date) -> int:
    return (monday.toordinal() - 1) // 7


def _mondays(first: date, last: date) -> Iterator[date]:
    """The Mondays of the weeks from the one with `first` to the one with `last`, one at least."""
    monday = first - timedelta(days=first.weekday())
    yield monday
    while (monday := monday + timedelta(days=7)) <= last:
        yield monday


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


# ---------------------------------------------------------------------- drawing
@dataclass(frozen=True, kw_only=True)
class Box:
    """A part of a bar: of which kind, and where, in percent of the drawing from its upper left corner."""

    kind: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Words at a place, in percent; `late` where they must be written to the left of it."""

    at: str
    words: str
    late: bool = False


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The drawing: parts of bars, what stands along its edges, and days that matter."""

    boxes: Sequence[Box]
    ticks: Sequence[Mark]
    months: Sequence[Mark]
    days: Sequence[Mark]


def draw(weeks: Sequence[Week], *, days: Mapping[date, str]) -> Chart:
    """Draw a bar for each week; `days` that lie in them are marked with their words."""
    top = _top(max(week.total for week in weeks))
    return Chart(
        boxes=[box for number, week in enumerate(weeks) for box in _bar(number, week, len(weeks), top)],
        ticks=[Mark(at=_percent(1 - tick / top), words=f"{tick:,}") for tick in range(_step(top), top + 1, _step(top))],
        months=list(_months(weeks)),
        days=[_mark(day, words, weeks) for day, words in days.items() if weeks[0].begins <= day <= weeks[-1].ends],
    )


def _bar(number: int, week: Week, count: int, top: int) -> Iterator[Box]:
    x, width = _percent((number + (1 - _FILL) / 2) / count), _percent(_FILL / count)
    below = 0
    for kind in KINDS:
        if size := week.split.get(kind, 0):
            below += size
            yield Box(kind=kind, x=x, width=width, y=_percent(1 - below / top), height=_percent(size / top))


def strip(split: Split) -> list[Box]:
    """One bar that lies, filled by shares; empty where there is nothing."""
    total, before, boxes = sum(split.values()), 0, []
    for kind in KINDS:
        if size := split.get(kind, 0):
            boxes.append(Box(kind=kind, x=_percent(before / total), y="0", width=_percent(size / total), height="100%"))
            before += size
    return boxes


def _top(most: int) -> int:
    """The height of the drawing: a round number that the highest bar reaches almost."""
    step = _step(most)
    return max(step * -(-most // step), 1)


def _step(most: int) -> int:
    """The least of 1, 2, 5, 10, 20 … of which few make up `most`."""
    size = 1
    while True:
        for digit in (1, 2, 5):
            if digit * size * _MOST_TICKS >= most:
                return digit * size
        size *= 10


def _months(weeks: Sequence[Week]) -> Iterator[Mark]:
    """A word where a month begins: January by its year; in a long time quarters, in a longer one years."""
    every = next((months for weeks_at_most, months in _EVERY if len(weeks) <= weeks_at_most), 12)
    for number, week in enumerate(weeks):
        if number and week.ends.day <= 7 and (week.ends.month - 1) % every == 0:
            words = f"{week.ends:%b}" if week.ends.month > 1 else str(week.ends.year)
            place = (number + (7 - week.ends.day) / 7) / len(weeks)
            if place < _LAST_WORD:
                yield Mark(at=_percent(place), words=words)


# Words that begin later would leave the drawing.
_LAST_WORD: Final = 0.96
# A word each so many months for so many weeks at most.
_EVERY: Final = ((30, 1), (80, 3))


def _mark(day: date, words: str, weeks: Sequence[Week]) -> Mark:
    monday = weeks[0].ends - timedelta(days=6)
    place = (day - monday).days / 7 / len(weeks)
    return Mark(at=_percent(place), words=words, late=place > 0.5)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"
