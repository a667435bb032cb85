"""Who is to hear what about which certificate."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from tests.factories import actor_of, make_certificate, make_member, make_user, make_vault
from vault.lifecycle import answering_notices, outcomes, outlook, telling
from vault.lifecycle.issuing import Order, request_certificate
from vault.models import Certificate, Contact, Notice, Operation, Vault
from vault.models.audit import SYSTEM
from vault.models.policy import LifetimeAction, LifetimeActionType, Validity

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
RENEWS = (LifetimeAction(action=LifetimeActionType.AUTO_RENEW, lifetime_percentage=80),)
TELLS = (LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, lifetime_percentage=80),)
NINETY_DAYS = Validity(number=90, unit="days")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def ada() -> User:
    return make_user("ada", email="Ada@example.org")


@pytest.fixture
def vault(ada: User) -> Vault:
    vault = make_vault("payments")
    make_member(vault, Role.ADMINISTRATOR, ada)
    return vault


def look_and_tell() -> None:
    outlook.look_ahead()
    while telling.tell_due():
        outlook.look_ahead()


def heard(certificate: Certificate) -> list[tuple[str, str]]:
    rows = certificate.notices.order_by("created_at", "reason", "address")
    return list(rows.values_list("reason", "address"))


def own(vault: Vault, owner: User | None, actions: tuple[LifetimeAction, ...]) -> Certificate:
    certificate = make_certificate(vault=vault, validity=NINETY_DAYS, lifetime_actions=actions)
    certificate.hand_over(owner_id=owner.pk if owner else None, deputy_id=None)
    return certificate


def test_the_owner_hears_each_step_once_and_others_join_when_time_runs_out(
    clock: time_machine.Traveller, vault: Vault, ada: User
) -> None:
    bob = make_user("bob", email="bob@example.org")
    Contact.objects.create(vault=vault, email="Team@example.org")
    certificate = own(vault, ada, TELLS)
    certificate.hand_over(owner_id=ada.pk, deputy_id=bob.pk)

    told: dict[int, list[tuple[str, str]]] = {}
    for day in range(92):
        clock.move_to(NOW + timedelta(days=day, minutes=1))
        before = len(heard(certificate))
        look_and_tell()
        look_and_tell()
        if new := heard(certificate)[before:]:
            told[day] = sorted(new)

    ada_, bob_, team = "ada@example.org", "bob@example.org", "team@example.org"
    assert [(reason, [who for _, who in one]) for one in told.values() for reason in [one[0][0]]] == [
        ("early", [ada_]),
        ("near", [ada_]),
        ("action", [ada_, team]),
        ("close", [ada_, bob_]),
        ("week", [ada_, bob_, team]),
        ("day", [ada_, bob_, team]),
        ("expired", [ada_, bob_, team]),
    ]


def test_after_a_month_without_a_worker_the_latest_is_said_alone(
    clock: time_machine.Traveller, vault: Vault, ada: User
) -> None:
    certificate = own(vault, ada, TELLS)
    outlook.look_ahead()
    clock.move_to(NOW + timedelta(days=77))

    look_and_tell()

    assert {reason for reason, _ in heard(certificate)} == {"close", "action"}


def test_what_renews_by_itself_is_announced_and_not_complained_about(
    clock: time_machine.Traveller, vault: Vault, ada: User
) -> None:
    certificate = own(vault, ada, RENEWS)

    for day in range(72):
        clock.move_to(NOW + timedelta(days=day))
        look_and_tell()

    assert heard(certificate) == [("renews-soon", "ada@example.org")]


def test_a_failed_renewal_is_told_at_once_in_the_cas_words_and_only_once(vault: Vault, ada: User) -> None:
    certificate = own(vault, ada, RENEWS)
    for _ in range(2):
        operation = _renewal(certificate)
        outcomes.fail(operation, "rejected", "The CA says no.")

    notice = Notice.objects.get()
    assert (notice.reason, notice.urgent, notice.words) == ("failed", True, "The CA says no.")
    assert notice.is_trouble


def test_a_request_of_a_person_that_fails_is_theirs_to_see(vault: Vault, ada: User) -> None:
    certificate = own(vault, ada, RENEWS)
    operation = _renewal(certificate)
    operation.reason = Operation.Reason.REQUEST

    telling.renewal_failed(operation)

    assert not Notice.objects.exists()


def test_turning_to_blocked_is_told_once_and_settled_when_it_is_not_any_more(vault: Vault, ada: User) -> None:
    certificate = own(vault, ada, RENEWS)
    outlook.look_ahead()
    kept = certificate.policy
    certificate.adopt_policy(replace(kept, issuer_name="gone"))
    outlook.look_ahead()
    outlook.look_ahead()
    notice = Notice.objects.get()
    assert (notice.reason, notice.settled) == ("blocked", "")
    assert "not there any more" in notice.words

    certificate.adopt_policy(kept)
    outlook.look_ahead()

    assert Notice.objects.get().settled == "overtaken"


def test_who_said_i_know_hears_of_the_last_day_alone(clock: time_machine.Traveller, vault: Vault, ada: User) -> None:
    certificate = own(vault, ada, TELLS)
    outlook.look_ahead()
    clock.move_to(NOW + timedelta(days=46))
    look_and_tell()
    answering_notices.acknowledge(Notice.objects.get(), by=actor_of(ada))

    for day in range(47, 92):
        clock.move_to(NOW + timedelta(days=day))
        look_and_tell()

    assert [reason for reason, _ in heard(certificate)] == ["early", "day", "expired"]


def test_where_nobody_looks_after_it_administrators_hear(
    clock: time_machine.Traveller, vault: Vault, ada: User
) -> None:
    gone = make_user("gone", email="gone@example.org")
    gone.is_active = False
    gone.save()
    certificate = own(vault, gone, TELLS)
    outlook.look_ahead()
    clock.move_to(NOW + timedelta(days=46))

    look_and_tell()

    assert heard(certificate) == [("early", "ada@example.org")]


def test_questions_do_not_grow_with_certificates(
    clock: time_machine.Traveller, vault: Vault, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def round_of(count: int) -> None:
        for _ in range(count):
            own(vault, ada, TELLS)
        outlook.look_ahead()
        clock.shift(timedelta(days=46))
        with django_assert_num_queries(7):
            assert telling.tell_due() == count
        Certificate.objects.all().update(deleted_at=NOW)

    round_of(1)
    round_of(12)


def _renewal(certificate: Certificate) -> Operation:
    order = Order(
        name=certificate.name, policy=certificate.policy, reason=Operation.Reason.RENEWAL, holder=certificate.pk
    )
    return request_certificate(vault=certificate.vault, order=order, by=SYSTEM)
