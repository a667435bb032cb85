"""What lies ahead of certificates, and that it is looked at again when something changes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal import people
from tests.factories import actor_of, make_certificate, make_user, make_vault
from tests.vault.lifecycle.cas import Rig
from vault.lifecycle import changing, configuring, contacts, outlook, retiring
from vault.lifecycle.issuing import Order, request_certificate
from vault.models import Certificate, Contact, Issuer, Notice, Operation, Version
from vault.models.audit import SYSTEM
from vault.models.policy import UNKNOWN, LifetimeAction, LifetimeActionType
from vault.simulators.digicert import DigiCertSimulator

RENEWS = (LifetimeAction(action=LifetimeActionType.AUTO_RENEW, lifetime_percentage=80),)
TELLS = (LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, lifetime_percentage=80),)


@pytest.fixture(scope="module")
def _running() -> Iterator[DigiCertSimulator]:
    with DigiCertSimulator() as running:
        yield running


@pytest.fixture
def rig(_running: DigiCertSimulator) -> Iterator[Rig]:
    _running.clear()
    with Rig(_running) as rig:
        yield rig


def seen(certificate: Certificate) -> tuple[str, list[str]]:
    """What a look finds now, but for what is so in most of these tests: that nobody would hear of it."""
    readiness, codes = seen_whole(certificate)
    return readiness, [code for code in codes if code != "no-one-to-tell"]


def seen_whole(certificate: Certificate) -> tuple[str, list[str]]:
    """What a look finds now."""
    assert outlook.look_ahead() >= 1, "nobody asked for another look"
    found = Certificate.objects.get(pk=certificate.pk)
    return found.readiness, [finding["code"] for finding in found.findings]


def issued(rig: Rig) -> Certificate:
    """A certificate that its CA issued and will renew."""
    operation = rig.play(rig.request(lifetime_actions=RENEWS))
    assert operation.status == "completed"
    return operation.certificate


def test_a_policy_that_renews_at_a_ca_that_works_needs_nobody(rig: Rig) -> None:
    assert seen(issued(rig)) == ("unattended", [])


def test_whatever_happens_to_an_issuer_is_seen_at_once(rig: Rig) -> None:
    certificate, issuer = issued(rig), rig.issuer
    seen(certificate)

    configuring.set_enabled(issuer=issuer, enabled=False, by=SYSTEM)
    assert seen(certificate) == ("blocked", ["issuer-disabled"])
    configuring.set_enabled(issuer=issuer, enabled=True, by=SYSTEM)
    assert seen(certificate) == ("unattended", [])
    issuer.pause_for_credentials("no such key")
    assert seen(certificate) == ("blocked", ["issuer-paused"])
    issuer.resume()
    assert seen(certificate) == ("unattended", [])
    issuer.note_check(good=False, lines=[])
    assert seen(certificate) == ("unattended", ["issuer-test-failed"])
    issuer.note_check(good=True, lines=[])
    assert seen(certificate) == ("unattended", [])
    configuring.delete_issuer(issuer=issuer, by=SYSTEM)
    assert seen(certificate) == ("blocked", ["issuer-gone"])


def test_an_owner_who_left_is_told_and_stops_nothing() -> None:
    boss, ada = make_user("boss", staff=True), make_user("ada")
    certificate = make_certificate(lifetime_actions=RENEWS, by=ada)
    certificate.hand_over(owner_id=ada.pk, deputy_id=None)
    assert seen(certificate) == ("unattended", [])

    people.deactivate(person=ada, by=actor_of(boss))
    assert seen(certificate) == ("unattended", ["owner-inactive"])
    people.activate(person=ada, by=actor_of(boss))
    assert seen(certificate) == ("unattended", [])


def test_a_policy_that_only_tells_needs_a_person_and_so_does_one_without_an_issuer() -> None:
    certificate = make_certificate(lifetime_actions=TELLS)
    assert seen(certificate) == ("person", ["no-auto-renew"])

    certificate.adopt_policy(replace(certificate.policy, issuer_name=UNKNOWN, lifetime_actions=TELLS))
    assert seen(certificate) == ("person", ["merge-only"])


def test_a_renewal_that_waits_for_a_person_needs_one(rig: Rig) -> None:
    certificate = issued(rig)
    seen(certificate)
    rig.simulator.script.more.update(approver=False)
    certificate = Certificate.objects.select_related("vault").get(pk=certificate.pk)
    order = Order(
        name=certificate.name, policy=certificate.policy, reason=Operation.Reason.RENEWAL, holder=certificate.pk
    )
    operation = request_certificate(vault=certificate.vault, order=order, by=SYSTEM)

    operation = rig.play(operation, days=0.05)

    assert operation.tasks
    assert seen(certificate) == ("person", ["renewal-waits"])


def test_what_has_expired_says_so() -> None:
    certificate = make_certificate(lifetime_actions=TELLS)
    seen(certificate)
    with time_machine.travel(timezone.now() + timedelta(days=500), tick=False):
        assert seen(certificate) == ("person", ["no-auto-renew", "expired"])


def test_a_certificate_that_came_after_a_bad_test_says_that_the_issuer_is_well(rig: Rig) -> None:
    certificate, issuer = issued(rig), rig.issuer
    issuer.note_check(good=False, lines=[])
    assert seen(certificate) == ("unattended", ["issuer-test-failed"])

    rig.move(timedelta(minutes=1))
    issuer.note_success()

    assert seen(certificate) == ("unattended", [])


def test_an_issuer_made_anew_under_its_old_name_is_found_again(rig: Rig) -> None:
    certificate, issuer = issued(rig), rig.issuer
    others = make_certificate(vault=issuer.vault)
    outlook.look_ahead()
    given = configuring.Given(provider="Test", config={}, secrets={})
    configuring.delete_issuer(issuer=issuer, by=SYSTEM)
    assert outlook.look_ahead() == 1, "only those of this issuer are looked at"

    configuring.create_issuer(vault=issuer.vault, name=issuer.name.upper(), given=given, by=SYSTEM)

    assert seen(certificate) == ("blocked", ["issuer-unknown"])
    others.refresh_from_db()
    assert others.readiness == "unattended"


def test_dns_records_by_hand_need_a_person_each_time_and_it_begins_by_itself() -> None:
    certificate = make_certificate(lifetime_actions=RENEWS)
    config = {"directory": "other", "address": "https://ca.example.org/", "method": "dns-01-by-hand"}
    Issuer.objects.create(vault=certificate.vault, name="By-hand", provider="ACME", config=config, secrets=b"")
    certificate.adopt_policy(replace(certificate.policy, issuer_name="By-hand"))

    assert seen(certificate) == ("person", ["by-hand"])
    certificate.refresh_from_db()
    assert certificate.renew_at is not None


def test_the_cap_of_the_day_of_renewal_counts() -> None:
    with time_machine.travel(datetime(2026, 11, 24, tzinfo=UTC), tick=False):
        certificate = make_certificate(lifetime_actions=RENEWS)
        facts = {"provider": "GlobalSign", "config": {"platform": "mssl", "validity": "6"}, "secrets": b""}
        Issuer.objects.create(vault=certificate.vault, name="Global", **facts)
        certificate.adopt_policy(replace(certificate.policy, issuer_name="Global"))
        soon = replace(RENEWS[0], lifetime_percentage=1)

        assert seen(certificate) == ("blocked", ["cap"])
        certificate.adopt_policy(replace(certificate.policy, lifetime_actions=(soon,)))
        assert seen(certificate) == ("unattended", [])


def test_a_type_that_the_issuer_does_not_offer_blocks() -> None:
    certificate = make_certificate(lifetime_actions=RENEWS)
    Issuer.objects.create(vault=certificate.vault, name="Free", provider="ACME", secrets=b"")
    certificate.adopt_policy(replace(certificate.policy, issuer_name="Free", certificate_type="EV-SSL"))

    assert seen(certificate) == ("blocked", ["policy"])


def test_a_version_that_is_switched_off_or_revoked_is_noted() -> None:
    certificate = make_certificate(lifetime_actions=RENEWS)
    version = certificate.current
    assert version is not None
    seen(certificate)

    retiring.set_enabled(version=version, enabled=False, by=SYSTEM)
    assert seen(certificate) == ("unattended", ["disabled"])
    retiring.set_enabled(version=version, enabled=True, by=SYSTEM)
    assert seen(certificate) == ("unattended", [])
    version.note_revocation(Version.Revocation.REVOKED, reason=4)
    assert seen(certificate) == ("unattended", ["revoked"])


def test_whether_anybody_would_hear_of_it_is_noted() -> None:
    boss = make_user("boss", staff=True)
    certificate = make_certificate(lifetime_actions=RENEWS)
    vault, person = certificate.vault, contacts.Person(email="team@example.org")
    assert seen_whole(certificate) == ("unattended", ["no-one-to-tell"])

    made = contacts.add_contact(vault=vault, person=person, by=SYSTEM)
    assert seen_whole(certificate) == ("unattended", ["owner-missing"])
    contacts.remove_contact(contact=made, by=SYSTEM)
    assert seen_whole(certificate) == ("unattended", ["no-one-to-tell"])
    contacts.set_contacts(vault=vault, people=[person], by=SYSTEM)
    assert seen_whole(certificate) == ("unattended", ["owner-missing"])
    contacts.delete_contacts(vault=vault, by=SYSTEM)
    assert seen_whole(certificate) == ("unattended", ["no-one-to-tell"])

    ada = make_user("ada")
    changing.change_people(certificate=certificate, owner=ada, deputy=None, by=SYSTEM)
    assert seen_whole(certificate) == ("unattended", ["no-one-to-tell"])
    people.describe(person=ada, full_name="Ada", email="ada@example.org", by=actor_of(boss))
    assert seen_whole(certificate) == ("unattended", [])


def test_a_deputy_who_left_is_noticed() -> None:
    boss, ada, bob = make_user("boss", staff=True), make_user("ada"), make_user("bob", email="bob@example.org")
    certificate = make_certificate(lifetime_actions=RENEWS)
    changing.change_people(certificate=certificate, owner=ada, deputy=bob, by=SYSTEM)
    assert seen_whole(certificate) == ("unattended", [])

    people.deactivate(person=bob, by=actor_of(boss))

    assert seen_whole(certificate) == ("unattended", ["no-one-to-tell"])


def test_what_comes_back_and_what_is_brought_is_looked_at() -> None:
    certificate = make_certificate(lifetime_actions=RENEWS)
    seen(certificate)
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)
    assert outlook.look_ahead() == 0

    retiring.recover_certificate(certificate=certificate, by=SYSTEM)
    assert seen(certificate) == ("unattended", [])

    changing.change_policy(
        certificate=certificate, policy=replace(certificate.policy, lifetime_actions=TELLS), by=SYSTEM
    )
    assert seen(certificate) == ("person", ["no-auto-renew"])


def test_turning_to_blocked_is_told_once_for_each_version(rig: Rig) -> None:
    certificate, issuer = issued(rig), rig.issuer
    Contact.objects.create(vault=issuer.vault, email="team@example.org")
    told = Notice.objects.filter(certificate=certificate, reason=Notice.Reason.BLOCKED)
    seen(certificate)

    issuer.pause_for_credentials("no such key")
    seen(certificate)
    certificate.refresh_from_db()
    certificate.adopt_policy(certificate.policy)
    seen(certificate)
    assert [notice.settled for notice in told.all()] == [""]

    issuer.resume()
    seen(certificate)
    assert [notice.settled for notice in told.all()] == ["overtaken"]

    issuer.pause_for_credentials("no such key")
    seen(certificate)
    version = certificate.current
    assert version is not None
    certificate.become(version)
    Notice.objects.all().delete()
    seen(certificate)
    assert told.count() == 1, "blocked before, and this version is another"


def test_as_many_questions_and_writings_for_many_as_for_one(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    vault = make_vault()
    asked, written = 5, 3
    for count in (1, 6):
        for _ in range(count):
            make_certificate(vault=vault, lifetime_actions=RENEWS)
        with django_assert_num_queries(asked + written + 2):
            assert outlook.look_ahead() == count
    Certificate.objects.all().look_again()
    with django_assert_num_queries(asked + written - 1 + 2):
        assert outlook.look_ahead() == 7
    with django_assert_num_queries(1):
        assert outlook.look_ahead() == 0


def test_marking_many_is_one_writing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    vault = make_vault()
    for _ in range(3):
        make_certificate(vault=vault)

    with django_assert_num_queries(1):
        assert vault.certificates.live().look_again() == 3


@pytest.mark.django_db(transaction=True)
def test_marking_needs_no_transaction_around_it() -> None:
    certificate = make_certificate()
    outlook.look_ahead()

    assert Certificate.objects.filter(pk=certificate.pk).look_again() == 1
    assert outlook.look_ahead() == 1
