"""The page that foresees renewals until 2029."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from portal.models import Role, User
from portal.pages import load
from tests.factories import make_member, make_policy, make_user, make_vault
from tests.vault.lifecycle.cas import make_issuer
from vault.caps import Kind
from vault.foresight import Group, Way, foresee
from vault.models import Certificate, Vault

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = NOON.date()

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def client_of(user: User) -> Client:
    """A browser in which they are signed in."""
    client = Client()
    client.force_login(user)
    return client


def make_rows(vault: Vault, count: int, *, by_person: bool = False, issuer: str = "CA", **facts: Any) -> None:
    """Certificates of 200 days, of which one is due each day."""
    for number in range(count):
        due = NOON + timedelta(days=number)
        Certificate.objects.create(
            vault=vault,
            name=f"{'p' if by_person else 'u'}{number}",
            policy=make_policy(),
            issuer_name=issuer,
            lifetime_days=200,
            expires_at=due + timedelta(days=40),
            renew_at=None if by_person else due,
            readiness="person" if by_person else "unattended",
            **facts,
        )


def page_of(user: User) -> str:
    """The page, as they see it."""
    answer = client_of(user).get(reverse("expiry:load"))
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_stranger_is_sent_to_sign_in() -> None:
    assert Client().get(reverse("expiry:load")).status_code == 302


def test_a_person_without_certificates_is_told_so() -> None:
    assert "No renewals to foresee" in page_of(make_user())


def test_the_page_tells_the_renewals_before_and_after_each_cap() -> None:
    vault = make_vault()
    make_issuer(vault, provider="DigiCert", name="CA")
    make_rows(vault, 20)
    make_rows(vault, 5, by_person=True)

    page = page_of(make_member(vault, Role.READER))

    assert "25 certificates" in page
    assert "Today 5 renewals a month, 1 of them by a person; 10 from 15 March 2027, 21 from 15 March 2029." in page
    assert "DigiCert: at most 99 days" in page
    assert "DigiCert: at most 46 days" in page


def test_only_certificates_that_one_may_see_are_counted() -> None:
    vault, other = make_vault(), make_vault()
    make_rows(other, 3)
    requester = make_member(vault, Role.REQUESTER)
    make_rows(vault, 4)
    make_rows(vault, 2, by_person=True, owner=requester)

    assert "2 certificates" in page_of(requester)
    assert "6 certificates" in page_of(make_member(vault, Role.OFFICER))


def test_expired_certificates_are_named_and_not_counted() -> None:
    vault = make_vault()
    make_rows(vault, 2)
    Certificate.objects.filter(name="u0").update(renew_at=None, expires_at=NOON - timedelta(days=1))

    page = page_of(make_member(vault, Role.READER))

    assert "1 certificate has expired and nobody renews it: not counted." in page


def test_the_picture_says_in_words_where_its_figures_are_and_brings_no_style() -> None:
    vault = make_vault()
    make_rows(vault, 2)

    page = page_of(make_member(vault, Role.READER))
    (svg,) = re.findall(
        r"<svg class=\"load-picture\".*?</svg>\s*</svg>|<svg class=\"load-picture\".*", page, re.DOTALL
    )[:1]

    assert 'role="img" aria-label="Renewals by week until the end of 2029' in svg
    assert "style=" not in svg
    assert page.count("Week from") == 1
    assert '<th scope="row">30 November 2026</th>' in page


def test_it_takes_the_same_questions_for_few_and_for_many(
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    vaults = [make_vault() for _ in range(3)]
    user = make_user()
    for vault in vaults:
        make_member(vault, Role.READER, user)
        make_issuer(vault, provider="DigiCert", name="CA")
        make_rows(vault, 10)
    client = client_of(user)
    client.get(reverse("expiry:load"))  # renews the session

    with django_assert_max_num_queries(6):
        client.get(reverse("expiry:load"))


# ------------------------------------------------------------------- the words
def phases_of(count: int, kind: Kind | None = Kind.PUBLIC_TLS, lifetime: int = 200) -> Any:
    """Phases of so many certificates, renewed today at 80 %."""
    return foresee([Group(TODAY.toordinal(), Way(kind, lifetime, 80, True), count)], today=TODAY).phases


@pytest.mark.parametrize(
    ("count", "kind", "words"),
    [
        (210, Kind.PUBLIC_TLS, "Today 40 renewals a month; 80 from 15 March 2027, 170 from 15 March 2029."),
        (1, Kind.PUBLIC_TLS, "Today 2 renewals a year; 5 from 15 March 2027, 10 from 15 March 2029."),
        (210, None, "Today 40 renewals a month, and no cap that we know of changes that."),
        (100_000, None, "Today 19,023 renewals a month, and no cap that we know of changes that."),
    ],
)
def test_the_sentence_counts_by_the_month_or_by_the_year_when_they_are_few(
    count: int, kind: Kind | None, words: str
) -> None:
    assert load.sentence(phases_of(count, kind)) == words


# ----------------------------------------------------------------- the picture
def test_every_bar_fits_and_the_highest_nearly_fills_the_picture() -> None:
    groups = [Group(TODAY.toordinal() + day, Way(None, 200, 80, day % 2 == 0), 3) for day in range(100)]

    picture = load.picture(foresee(groups, today=TODAY))

    heights = [float(found) for found in re.findall(r"V([\d.e+-]+)", picture.alone + picture.person)]
    assert 0 <= min(heights) <= 30
    assert max(heights) <= 100
    assert [mark.words for mark in picture.years] == ["2027", "2028", "2029"]


def test_caps_stand_where_their_day_is() -> None:
    groups = [Group(TODAY.toordinal(), Way(Kind.PUBLIC_TLS, 200, 80, True), 1)]

    picture = load.picture(foresee(groups, today=TODAY))

    places = [float(mark.at.removesuffix("%")) for mark in picture.caps]
    days = (date(2029, 12, 31) - TODAY).days
    expected = [100 * (cap - TODAY).days / days for cap in (date(2027, 3, 15), date(2029, 3, 15))]
    assert [mark.words for mark in picture.caps] == ["A", "B"]
    assert places == pytest.approx(expected, abs=0.7)


def test_a_filter_narrows_it_and_can_be_left() -> None:
    vault, other = make_vault("payments"), make_vault("intranet")
    ada = make_member(vault, Role.READER, make_user("ada"))
    make_member(other, Role.READER, ada)
    make_rows(vault, 3)
    make_rows(other, 5)

    page = client_of(ada).get(reverse("expiry:load"), {"vault": "payments"}).content.decode()

    assert "3 certificates of" in page
    assert 'href="/expiry/?vault=payments"' in page
    assert "8 certificates" in client_of(ada).get(reverse("expiry:load")).content.decode()
