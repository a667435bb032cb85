"""Renewals that lie ahead, counted by a simulation."""

import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.factories import make_policy, make_vault
from tests.vault.lifecycle.cas import make_issuer
from vault.caps import Kind
from vault.foresight import LAST_DAY, Forecast, Group, Way, foresee, groups_of
from vault.models import Certificate, Vault

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
Readiness = Certificate.Readiness
_count = itertools.count(1)


def way(kind: Kind | None = Kind.PUBLIC_TLS, *, lifetime: int = 200, share: int = 80, unattended: bool = True) -> Way:
    """Public TLS for 200 days, renewed by itself at 80 %."""
    return Way(kind, lifetime, share, unattended)


def group(in_days: int = 0, count: int = 1, **facts: Any) -> Group:
    """Certificates renewed in so many days."""
    return Group(TODAY.toordinal() + in_days, way(**facts), count)


def forecast(*groups: Group) -> Forecast:
    """What lies ahead of them."""
    return foresee(groups, today=TODAY)


# ----------------------------------------------------------------- simulation
@pytest.mark.parametrize(
    ("on", "lifetime", "a_year"),
    [
        (date(2026, 3, 14), 398, 1.1),
        (date(2026, 3, 15), 398, 2.3),
        (date(2027, 3, 15), 398, 4.6),
        (date(2029, 3, 15), 398, 9.7),
    ],
)
def test_shorter_caps_mean_more_renewals_a_year(on: date, lifetime: int, a_year: float) -> None:
    found = foresee([Group(on.toordinal(), way(lifetime=lifetime), 1)], today=on)

    assert round(found.phases[0].a_year, 1) == a_year


def test_each_renewal_gets_the_cap_of_its_day() -> None:
    # Renewed on the eve of the cap for 200 days, so again after 160; from then on for 100 days, after 80 each.
    eve = (date(2027, 3, 14) - TODAY).days

    found = forecast(group(eve))

    renewed = [date(2027, 3, 14), date(2027, 8, 21)]
    while (following := renewed[-1] + timedelta(days=80)) < date(2029, 3, 15):
        renewed.append(following)
    first_short = renewed[-1] + timedelta(days=80)
    assert _weeks_with_renewals(found.weeks, until=first_short) == [_monday(day) for day in renewed]


def test_without_further_caps_everything_stays_as_it_is() -> None:
    found = forecast(group(kind=None, lifetime=90))

    assert [phase.caps for phase in found.phases] == [()]
    assert all(span.renewals == span.unchanged for span in (*found.weeks, *found.years))


def test_what_is_shorter_than_the_cap_already_does_not_change() -> None:
    found = forecast(group(lifetime=40))

    assert all(span.renewals == span.unchanged for span in found.years)
    assert len({round(phase.a_year, 6) for phase in found.phases}) == 1


def test_weeks_years_and_phases_count_the_same_renewals() -> None:
    groups = [group(day, count=day % 7 + 1, lifetime=199, unattended=day % 3 > 0) for day in range(160)]

    found = forecast(*groups)

    for what in ("renewals", "by_person", "unchanged"):
        totals = {sum(getattr(span, what) for span in spans) for spans in (found.weeks, found.years, found.phases)}
        assert len(totals) == 1
    assert found.certificates == sum(one.size for one in groups)


def test_weeks_are_iso_weeks_from_today_to_the_end_of_2029() -> None:
    weeks = forecast(group()).weeks

    assert weeks[0].begins == TODAY
    assert {week.begins.weekday() for week in weeks[1:]} == {0}
    assert weeks[1].begins == date(2026, 11, 30)
    assert weeks[-1].begins <= LAST_DAY < weeks[-1].begins + timedelta(days=7)
    assert [year.begins.year for year in forecast(group()).years] == [2026, 2027, 2028, 2029]


def test_phases_begin_with_the_caps_of_the_kinds_that_are_there() -> None:
    found = forecast(group(kind=Kind.DIGICERT), group(kind=Kind.CLASSIC, lifetime=90))

    assert [phase.begins for phase in found.phases] == [
        TODAY,
        date(2027, 2, 10),
        date(2027, 3, 15),
        date(2028, 2, 16),
        date(2029, 3, 15),
    ]
    assert [[kind for kind, _ in phase.caps] for phase in found.phases[1:3]] == [[Kind.CLASSIC], [Kind.DIGICERT]]


def test_what_needs_a_person_is_told_apart() -> None:
    found = forecast(group(count=3), group(count=2, unattended=False))

    assert (found.weeks[0].renewals, found.weeks[0].by_person) == (5, 2)


def test_late_in_2029_and_after_it_looks_to_the_end_of_the_next_year() -> None:
    found = foresee([Group(LAST_DAY.toordinal(), way(lifetime=45), 1)], today=LAST_DAY)

    assert [year.begins for year in found.years] == [LAST_DAY, date(2030, 1, 1)]
    assert [year.renewals for year in found.years] == [1, 10]


def test_a_hundred_thousand_certificates_are_one_sweep() -> None:
    groups = [group(day, count=500, lifetime=lifetime) for day in range(150) for lifetime in (199, 200, 365, 90)]

    found = forecast(*groups)

    assert found.certificates == 300_000
    assert found.years[2].renewals > found.years[2].unchanged


def _weeks_with_renewals(weeks: Iterable[Any], *, until: date) -> list[date]:
    return [_monday(week.begins) for week in weeks if week.renewals and week.begins < _monday(until)]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


# -------------------------------------------------------------- from the rows
def make_row(
    vault: Vault,
    *,
    issuer: str = "Self",
    lifetime: int = 200,
    ends_in: float = 50,
    renew_in: float | None = 10,
    readiness: str = Readiness.UNATTENDED,
    **facts: Any,
) -> Certificate:
    """A certificate as the outlook leaves it; times in days from noon today."""
    return Certificate.objects.create(
        vault=vault,
        name=f"row{next(_count)}",
        policy=make_policy(),
        issuer_name=issuer,
        lifetime_days=lifetime,
        expires_at=NOON + timedelta(days=ends_in),
        renew_at=None if renew_in is None else NOON + timedelta(days=renew_in),
        readiness=readiness,
        **facts,
    )


def found_groups() -> tuple[list[tuple[int, Way, int]], int]:
    """The groups of everything, with days counted from today."""
    groups, left_out = groups_of(Certificate.objects.live(), TODAY)
    return sorted((day - TODAY.toordinal(), one, count) for day, one, count in groups), left_out


pytestmark = pytest.mark.django_db


def test_certificates_that_are_renewed_alike_are_one_group() -> None:
    vault = make_vault()
    for _ in range(3):
        make_row(vault)

    assert found_groups() == ([(10, Way(None, 200, 80, True), 3)], 0)


def test_days_are_those_of_utc() -> None:
    vault = make_vault()
    make_row(vault, renew_in=10 + 11.99 / 24)
    make_row(vault, renew_in=10 - 12 / 24)

    groups, _ = groups_of(Certificate.objects.live(), TODAY)

    assert {day for day, _, _ in groups} == {(TODAY + timedelta(days=10)).toordinal()}


def test_the_kind_is_that_of_the_issuer_of_that_vault() -> None:
    vault, other = make_vault(), make_vault()
    make_issuer(vault, provider="DigiCert", name="CA")
    make_issuer(other, provider="ACME", name="CA", config={"directory": "other", "address": "https://ca.example/"})
    make_row(vault, issuer="CA")
    make_row(other, issuer="CA")
    make_row(vault, issuer="Gone")

    groups, _ = groups_of(Certificate.objects.live(), TODAY)

    assert {(one.kind, count) for _, one, count in groups} == {(Kind.DIGICERT, 1), (None, 2)}


def test_without_a_date_a_person_renews_at_a_fifth_before_the_end() -> None:
    make_row(make_vault(), lifetime=100, ends_in=50, renew_in=None, readiness=Readiness.PERSON)

    assert found_groups() == ([(30, Way(None, 100, 80, False), 1)], 0)


def test_when_that_is_over_a_person_renews_at_the_end() -> None:
    make_row(make_vault(), lifetime=100, ends_in=5, renew_in=None, readiness=Readiness.BLOCKED)

    assert found_groups() == ([(5, Way(None, 100, 80, False), 1)], 0)


def test_what_is_overdue_is_renewed_today() -> None:
    make_row(make_vault(), ends_in=30, renew_in=-10)

    ((day, _, _),) = found_groups()[0]

    assert day == 0


def test_expired_certificates_that_nobody_renews_are_left_out() -> None:
    vault = make_vault()
    make_row(vault, ends_in=-1, renew_in=None, readiness=Readiness.PERSON)
    make_row(vault, ends_in=-1, renew_in=-30)

    groups, left_out = found_groups()

    assert (len(groups), left_out) == (1, 1)


def test_certificates_without_a_version_do_not_count() -> None:
    Certificate.objects.create(vault=make_vault(), name="new", policy=make_policy(), issuer_name="Self")

    assert found_groups() == ([], 0)


def test_it_takes_two_questions_however_many_there_are(django_assert_num_queries: Callable[[int], Any]) -> None:
    for _ in range(3):
        vault = make_vault()
        make_issuer(vault, provider="DigiCert", name="CA")
        make_row(vault, issuer="CA")

    with django_assert_num_queries(2):
        groups_of(Certificate.objects.live(), TODAY)
