"""What a certificate's page says about what lies ahead."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from tests.factories import make_certificate, make_member, make_operation, make_vault
from vault.lifecycle import outlook, renewing
from vault.models import Certificate, Contact, Issuer, Operation, Vault
from vault.models.policy import LifetimeAction, LifetimeActionType

SignIn = Callable[[User], Client]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TELLS = (LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, lifetime_percentage=80),)


def page_of(client: Client, certificate: Certificate) -> str:
    """The card on its page, tags taken out."""
    page = client.get(f"/vaults/{certificate.vault}/certificates/{certificate}/").content.decode()
    card = re.search(r'<section class="card" aria-labelledby="ahead-title">.*?</section>', page, re.DOTALL)
    return card[0] if card else ""


def words_of(card: str) -> str:
    """What a person reads of it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", card)).split())


@pytest.fixture
def vault() -> Vault:
    vault = make_vault("payments")
    Contact.objects.create(vault=vault, email="team@example.org")
    return vault


def owned(vault: Vault, **facts: Any) -> Certificate:
    """A certificate of an active officer who can be written to."""
    ada = make_member(vault, Role.OFFICER)
    User.objects.filter(pk=ada.pk).update(email=f"{ada}@example.org")
    return make_certificate(vault=vault, by=ada, **facts)


def test_what_renews_by_itself_says_when_and_that_there_is_nothing_to_do(client_of: SignIn, vault: Vault) -> None:
    with time_machine.travel(NOW, tick=False):
        certificate = owned(vault)
        outlook.look_ahead()

        card = words_of(page_of(client_of(make_member(vault, Role.READER)), certificate))

    assert "Renews by itself" in card
    assert "nothing to do" in card
    assert re.search(r"Renews 12 Sep 2027, in \d+ months", card)
    assert re.search(r"Next notice 5 Sep 2027, in \d+ months .*“Will be renewed”", card)


def test_before_the_first_look_nothing_is_claimed(client_of: SignIn, vault: Vault) -> None:
    certificate = owned(vault)

    card = words_of(page_of(client_of(make_member(vault, Role.READER)), certificate))

    assert "Not looked at yet" in card
    assert "Renews by itself" not in card


def test_a_certificate_without_a_version_has_no_card(client_of: SignIn, vault: Vault) -> None:
    operation = make_operation(vault=vault)
    outlook.look_ahead()

    assert page_of(client_of(make_member(vault, Role.READER)), operation.certificate) == ""


def test_what_stops_it_is_said_with_the_way_to_put_it_right(client_of: SignIn, vault: Vault) -> None:
    certificate = owned(vault)
    Issuer.objects.create(vault=vault, name="Public", provider="DigiCert", secrets=b"", enabled=False)
    certificate.adopt_policy(replace(certificate.policy, issuer_name="Public"))
    outlook.look_ahead()

    card = page_of(client_of(make_member(vault, Role.OFFICER)), certificate)

    assert "Blocked" in card
    assert "is switched off" in words_of(card)
    assert "Not by itself" in card
    assert f'href="/vaults/{vault}/issuers/Public/"' in card


def test_who_may_not_put_it_right_gets_no_link(client_of: SignIn, vault: Vault) -> None:
    certificate = owned(vault)
    certificate.adopt_policy(replace(certificate.policy, lifetime_actions=TELLS))
    outlook.look_ahead()

    reader = page_of(client_of(make_member(vault, Role.READER)), certificate)
    officer = page_of(client_of(make_member(vault, Role.OFFICER)), certificate)

    assert "Needs a person" in reader
    assert "<a " not in reader
    assert f'href="/vaults/{vault}/certificates/{certificate}/policy/"' in officer


def test_a_renewal_that_fails_says_since_when_and_when_it_is_tried_again(client_of: SignIn, vault: Vault) -> None:
    certificate = owned(vault)
    outlook.look_ahead()
    certificate.refresh_from_db()
    assert certificate.renew_at is not None
    with time_machine.travel(certificate.renew_at + timedelta(seconds=1), tick=False):
        renewing.renew_due()
        operation = Operation.objects.get(reason=Operation.Reason.RENEWAL)
        outlook.look_ahead()
        client = client_of(make_member(vault, Role.OFFICER))
        running = words_of(page_of(client, certificate))
        operation.fail(code="Rejected", message="No.")
        outlook.look_ahead()
        failed = page_of(client, certificate)

    assert "Renews A request is in progress" in running
    assert "Its renewal has failed once" in words_of(failed)
    assert "Needs a person" in failed
    assert re.search(r"Tried again \d+ \w+ \d{4}, in 6 hours", words_of(failed))
    assert re.search(r"Fails since \d+ \w+ \d{4}, just now", words_of(failed))
    assert f'href="/vaults/{vault}/operations/{operation.request_id.hex}/"' in failed


@pytest.mark.parametrize(
    ("url", "is_linked"), [("https://ca.example.org/why", True), ("http://ca.example.org/why", False), ("", False)]
)
def test_the_window_of_the_ca_is_shown(client_of: SignIn, vault: Vault, url: str, is_linked: bool) -> None:
    certificate = owned(vault)
    start = datetime(2027, 1, 3, tzinfo=UTC)
    window = {"window_start": start, "window_end": start + timedelta(days=2), "window_url": url}
    Certificate.objects.filter(pk=certificate.pk).update(**window)

    card = page_of(client_of(make_member(vault, Role.READER)), certificate)

    assert "3 Jan 2027, 00:00 to 5 Jan 2027, 00:00 UTC" in words_of(card)
    assert ("in its words" in card) == is_linked


def test_words_of_others_are_shown_as_text(client_of: SignIn, vault: Vault) -> None:
    certificate = owned(vault)
    findings = [{"code": "policy", "words": "The policy says <b>no</b>."}]
    Certificate.objects.filter(pk=certificate.pk).update(findings=findings, readiness="blocked")

    assert "&lt;b&gt;no&lt;/b&gt;" in page_of(client_of(make_member(vault, Role.READER)), certificate)


def test_the_card_asks_nothing_of_the_database(
    client_of: SignIn, vault: Vault, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    certificate = owned(vault)
    client = client_of(make_member(vault, Role.OFFICER))
    path = f"/vaults/{vault}/certificates/{certificate}/"
    client.get(path)
    with django_assert_num_queries(6):
        client.get(path)
    Certificate.objects.filter(pk=certificate.pk).update(
        findings=[{"code": code, "words": "Words."} for code in ("cap", "owner-inactive", "renewal-failed", "expired")],
        renew_at=timezone.now(),
    )
    with django_assert_num_queries(6):
        client.get(path)
