"""How many renewals lie ahead, week by week to the end of 2029, as caps on validity come into force.

A simulation of what is there now: each certificate is renewed again and again, always at the same share of its
lifetime as now, and is then valid as long as before, or as long as the cap of that day allows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

from django.db.models import Count, Func, IntegerField, QuerySet

from vault import caps
from vault.caps import Cap, Kind
from vault.models import Certificate, Issuer
from vault.models.certificate import NEVER

LAST_DAY: Final = date(2029, 12, 31)
_DAYS_A_YEAR: Final = 365.25
# The share of its lifetime, in percent, at which a certificate is renewed that has no date for that.
_USUAL_SHARE: Final = 80
# Shares are told apart in steps of so many percent.
_STEP: Final = 5
_ENDLESS: Final = 1_000_000


class Way(NamedTuple):
    """How certificates are renewed: valid for `lifetime` days, at `share` percent of them, `unattended` or not."""

    kind: Kind | None
    lifetime: int
    share: int
    unattended: bool

    @property
    def interval(self) -> int:
        """Days from one renewal to the next."""
        return max(1, round(self.lifetime * self.share / 100))


class Group(NamedTuple):
    """So many certificates whose next renewal is on one day (an ordinal, UTC), all in one way."""

    day: int
    way: Way
    size: int


@dataclass(frozen=True, kw_only=True)
class Span:
    """The renewals of some time: all, those that need a person, and how many there would be without further caps."""

    begins: date
    renewals: int
    by_person: int
    unchanged: int


@dataclass(frozen=True, kw_only=True)
class Phase(Span):
    """The time from one cap to the next. `caps` come into force when it begins; none for the time that begins today.

    `a_year` is how many renewals a year its caps mean once every certificate has been renewed under them, and
    `by_person_a_year` how many of those need a person.
    """

    caps: tuple[tuple[Kind, Cap], ...]
    a_year: float
    by_person_a_year: float


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What lies ahead: ISO weeks, calendar years, and the phases between caps. `today` begins the first of each.

    `certificates` is how many were counted; `left_out` those that have expired and that nobody renews.
    """

    today: date
    weeks: Sequence[Span]
    years: Sequence[Span]
    phases: Sequence[Phase]
    certificates: int
    left_out: int


# ------------------------------------------------------------------ from the rows
def groups_of(certificates: QuerySet[Certificate], today: date) -> tuple[list[Group], int]:
    """What is to be renewed of these certificates, and how many have expired with nobody renewing them.

    Two questions however many there are. The kind of issuer is told by the issuer alone, as for usual TLS
    certificates. What has no date for its renewal (a person brings it) is counted at 80 % of its lifetime; when that
    is over, at its end.
    """
    with_version = certificates.filter(expires_at__lt=NEVER, lifetime_days__gt=0).order_by()
    days = with_version.annotate(ends=_Day("expires_at"), due=_Day("renew_at"))
    columns = days.values_list("ends", "due", "lifetime_days", "vault", "issuer_name", "readiness")
    rows = list(columns.annotate(count=Count("pk")))
    kinds = _kinds({row[3] for row in rows})
    groups: Counter[tuple[int, Way]] = Counter()
    left_out, now = 0, today.toordinal()
    for ends, due, lifetime, vault, issuer, readiness, count in rows:
        if due is None and ends < now:
            left_out += count
            continue
        unattended = readiness == Certificate.Readiness.UNATTENDED
        way = Way(kinds.get((vault, issuer.lower())), lifetime, _share(ends, due, lifetime), unattended)
        groups[_next(ends, due, lifetime, now), way] += count
    return [Group(day, way, count) for (day, way), count in groups.items()], left_out


class _Day(Func):
    """The ordinal of a time's day in UTC, as `date.toordinal()` counts."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Julian days begin at noon; day 1 of the ordinals is 1721425.5.
        return super().as_sql(
            compiler, connection, template="CAST(julianday(%(expressions)s) - 1721424.5 AS INTEGER)", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "((%(expressions)s AT TIME ZONE 'UTC')::date - DATE '0001-01-01' + 1)"
        return super().as_sql(compiler, connection, template=template, **context)


def _kinds(vaults: Iterable[int]) -> dict[tuple[int, str], Kind | None]:
    rows = Issuer.objects.filter(vault__in=vaults).only("vault", "name_key", "provider", "config")
    return {(row.vault_id, row.name_key): caps.kind_of(row) for row in rows}


def _share(ends: int, due: int | None, lifetime: int) -> int:
    if due is None:
        return _USUAL_SHARE
    passed = 100 * (lifetime - (ends - due)) / lifetime
    return min(95, max(_STEP, _STEP * round(passed / _STEP)))


def _next(ends: int, due: int | None, lifetime: int, today: int) -> int:
    if due is None:
        due = ends - lifetime * (100 - _USUAL_SHARE) // 100
        return due if due >= today else ends
    return max(due, today)


# ----------------------------------------------------------------- the simulation
def foresee(groups: Sequence[Group], *, today: date, left_out: int = 0) -> Forecast:
    """Simulate every renewal from today (UTC) to the end of 2029, or of next year when that is later."""
    end = max(LAST_DAY, date(today.year + 1, 12, 31)) + timedelta(days=1)
    kinds = {group.way.kind for group in groups if group.way.kind is not None}
    caps_ahead = _caps_ahead(kinds, today)
    counted = _Counted(
        days=_simulate(groups, today, end, _steps(kinds, today, caps_ahead)),
        unchanged=_simulate(groups, today, end, _steps(kinds, today, {})),
    )
    phases = []
    for begins, until in pairwise([today, *caps_ahead, end]):
        span = vars(counted.between(begins, until))
        by_person = _pace((group for group in groups if not group.way.unattended), begins)
        a_year = _pace(groups, begins)
        phases.append(Phase(**span, caps=caps_ahead.get(begins, ()), a_year=a_year, by_person_a_year=by_person))
    return Forecast(
        today=today,
        weeks=[counted.between(*bounds) for bounds in pairwise(_mondays(today, end))],
        years=[counted.between(*bounds) for bounds in pairwise(_new_years(today, end))],
        phases=phases,
        certificates=sum(group.size for group in groups),
        left_out=left_out,
    )


# By day: all renewals, and those that need a person.
_Days = Mapping[int, tuple[int, int]]
# By kind: from which day (an ordinal) on at most how many days, the latest first.
_Steps = Mapping[Kind, Sequence[tuple[int, int]]]


@dataclass(frozen=True, kw_only=True)
class _Counted:
    days: _Days
    unchanged: _Days

    def between(self, begins: date, until: date) -> Span:
        """The renewals from a day on until the day before another."""
        ordinals = range(begins.toordinal(), until.toordinal())
        nothing = (0, 0)
        return Span(
            begins=begins,
            renewals=sum(self.days.get(day, nothing)[0] for day in ordinals),
            by_person=sum(self.days.get(day, nothing)[1] for day in ordinals),
            unchanged=sum(self.unchanged.get(day, nothing)[0] for day in ordinals),
        )


def _simulate(groups: Iterable[Group], today: date, end: date, steps: _Steps) -> dict[int, tuple[int, int]]:
    """Sweep day by day until before `end`. Certificates that are renewed on one day in one way are one from then on."""
    ahead: defaultdict[int, Counter[Way]] = defaultdict(Counter)
    for day, way, size in groups:
        ahead[day][way] += size
    found = {}
    for day in range(today.toordinal(), end.toordinal()):
        due = ahead.pop(day, None)
        if due is None:
            continue
        found[day] = (due.total(), sum(count for way, count in due.items() if not way.unattended))
        for way, count in due.items():
            after = _capped(way, day, steps)
            ahead[day + after.interval][after] += count
    return found


def _capped(way: Way, day: int, steps: _Steps) -> Way:
    """How what is renewed on a day will be renewed the next time."""
    if way.kind is None:
        return way
    most = next((days for since, days in steps[way.kind] if since <= day), _ENDLESS)
    return way if way.lifetime <= most else way._replace(lifetime=most)


def _steps(kinds: Iterable[Kind], today: date, caps_ahead: Mapping[date, Sequence[tuple[Kind, Cap]]]) -> _Steps:
    found = {kind: [(0, cap.days if (cap := caps.cap_for(kind, today)) else _ENDLESS)] for kind in kinds}
    for coming in caps_ahead.values():
        for kind, cap in coming:
            found[kind].insert(0, (cap.since.toordinal(), cap.days))
    return found


def _caps_ahead(kinds: Iterable[Kind], today: date) -> dict[date, tuple[tuple[Kind, Cap], ...]]:
    """What comes into force for these kinds of issuers, by its day, the next first."""
    found: defaultdict[date, list[tuple[Kind, Cap]]] = defaultdict(list)
    for kind in sorted(kinds):
        for cap in caps.caps_after(kind, today):
            found[cap.since].append((kind, cap))
    return {day: tuple(found[day]) for day in sorted(found)}


def _pace(groups: Iterable[Group], on: date) -> float:
    total = 0.0
    for _, way, size in groups:
        cap = caps.cap_for(way.kind, on)
        lifetime = min(way.lifetime, cap.days) if cap else way.lifetime
        total += size * _DAYS_A_YEAR / max(1.0, lifetime * way.share / 100)
    return total


def _mondays(today: date, end: date) -> list[date]:
    """Today, then each Monday, and `end`."""
    monday = today + timedelta(days=7 - today.weekday())
    return [today, *(date.fromordinal(day) for day in range(monday.toordinal(), end.toordinal(), 7)), end]


def _new_years(today: date, end: date) -> list[date]:
    return [today, *(date(year, 1, 1) for year in range(today.year + 1, end.year + 1))]
