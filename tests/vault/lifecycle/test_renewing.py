import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from tests.factories import make_certificate, make_operation, make_vault
from vault import tasks
from vault.errors import RingError
from vault.lifecycle import changing, issuing, outlook, renewing
from vault.models import Certificate, Issuer, Operation, Version
from vault.models.audit import SYSTEM
from vault.models.policy import LifetimeAction, LifetimeActionType, Validity

pytestmark = pytest.mark.django_db


def fresh(certificate: Certificate) -> Certificate:
    return Certificate.objects.select_related("vault", "current", "current__key").get(pk=certificate.pk)


def codes(certificate: Certificate) -> list[str]:
    """What was found, but for what is so in all of these tests: that nobody would hear of it."""
    return [finding["code"] for finding in certificate.findings if finding["code"] != "no-one-to-tell"]


def renewals(certificate: Certificate) -> list[Operation]:
    return list(Operation.objects.filter(certificate=certificate, reason=Operation.Reason.RENEWAL).order_by("id"))


def due(certificate: Certificate) -> time_machine.travel:
    """Travel to just after the moment at which the certificate is to be renewed."""
    moment = fresh(certificate).renew_at
    assert moment is not None
    return time_machine.travel(moment + timedelta(seconds=1), tick=False)


def looked_at(**facts: Any) -> Certificate:
    certificate = make_certificate(**facts)
    outlook.look_ahead()
    return fresh(certificate)


def test_a_certificate_renews_by_itself_at_its_time_and_not_before() -> None:
    certificate = looked_at()
    assert (certificate.readiness, codes(certificate)) == (Certificate.Readiness.UNATTENDED, [])
    first = certificate.current
    assert first is not None
    assert certificate.renew_at == first.not_before + (first.not_after - first.not_before + timedelta(seconds=1)) * 0.8
    assert renewing.renew_due() == 0
    with due(certificate):
        assert renewing.renew_due() == 1
        (operation,) = renewals(certificate)
        assert (operation.requested_by, operation.policy) == (None, certificate.policy)
        tasks.advance_operation(operation.pk)
        outlook.look_ahead()
        after = fresh(certificate)
        assert after.current is not None
        assert (after.current.number, after.tags) == (2, certificate.tags)
        assert after.current.key_id != first.key_id
        assert after.renew_at is not None
        assert after.renew_at > timezone.now()
        assert renewing.renew_due() == 0


def test_the_key_is_kept_where_the_policy_says_so() -> None:
    certificate = make_certificate()
    policy = replace(certificate.policy, key=replace(certificate.policy.key, reuse=True))
    changing.change_policy(certificate=certificate, policy=policy, by=SYSTEM)
    outlook.look_ahead()
    with due(certificate):
        tasks.renew()
        tasks.advance_operation(renewals(certificate)[0].pk)
    assert certificate.current is not None
    after = fresh(certificate).current
    assert after is not None
    assert (after.number, after.key_id) == (2, certificate.current.key_id)


def test_two_sweeps_begin_one_renewal() -> None:
    certificate = looked_at()
    with due(certificate):
        assert (renewing.renew_due(), renewing.renew_due()) == (1, 0)
        outlook.look_ahead()
        assert (renewing.renew_due(), len(renewals(certificate))) == (0, 1)


def test_a_renewal_that_fails_leaves_the_version_and_is_tried_again_ever_later() -> None:
    certificate = looked_at()
    waits = []
    for _ in range(3):
        with due(certificate):
            renewing.renew_due()
            renewals(certificate)[-1].fail(code="Rejected", message="No.")
            tasks.look_ahead()
            after = fresh(certificate)
            assert after.renew_at is not None
            waits.append(after.renew_at - timezone.now())
    assert waits == [timedelta(hours=6), timedelta(hours=12), timedelta(hours=24)]
    assert after.current == certificate.current
    assert after.failing_since is not None
    assert after.readiness == Certificate.Readiness.PERSON
    assert codes(after) == ["renewal-failed"]
    with due(certificate):
        renewing.renew_due()
        tasks.advance_operation(renewals(certificate)[-1].pk)
        outlook.look_ahead()
    after = fresh(certificate)
    assert (after.failing_since, codes(after)) == (None, [])


def test_a_request_that_runs_is_not_doubled() -> None:
    certificate = looked_at()
    with due(certificate):
        make_operation(vault=certificate.vault, name=certificate.name, issuer="Self")
        assert renewing.renew_due() == 0
        Certificate.objects.filter(pk=certificate.pk).look_again()
        outlook.look_ahead()
        assert fresh(certificate).renew_at is None


def test_an_issuer_gets_so_many_a_minute_and_those_that_expire_first(settings: Any) -> None:
    settings.RENEWALS_PER_MINUTE = 2
    vault = make_vault()
    found = [make_certificate(vault=vault) for _ in range(5)]
    outlook.look_ahead()
    moment = timezone.now()
    for number, certificate in enumerate(reversed(found)):
        ends = moment + timedelta(days=number + 1)
        Certificate.objects.filter(pk=certificate.pk).update(renew_at=moment, expires_at=ends)
    with time_machine.travel(moment + timedelta(seconds=1), tick=False) as clock:
        assert (renewing.renew_due(), renewing.renew_due()) == (2, 0)
        assert [len(renewals(one)) for one in found] == [0, 0, 0, 1, 1]
        clock.shift(timedelta(minutes=1))
        assert renewing.renew_due() == 2
        clock.shift(timedelta(minutes=1))
        assert renewing.renew_due() == 1


def test_a_full_vault_waits_and_others_go_on(settings: Any) -> None:
    full, free = looked_at(), looked_at()
    make_operation(vault=full.vault)
    settings.RUNNING_PER_VAULT = 1
    with due(free):
        Certificate.objects.filter(pk=full.pk).update(renew_at=timezone.now())
        assert renewing.renew_due() == 1
        assert fresh(full).renew_at is not None
        settings.RUNNING_PER_VAULT = 2
        assert renewing.renew_due() == 1


def test_what_cannot_begin_is_looked_at_again_and_tried_later() -> None:
    certificate = looked_at()
    broken = replace(certificate.policy, lifetime_actions=(*certificate.policy.lifetime_actions, *_rules(80)))
    Certificate.objects.filter(pk=certificate.pk).update(policy=broken)
    with due(certificate):
        assert renewing.renew_due() == 0
        assert renewing.renew_due() == 0
        outlook.look_ahead()
    after = fresh(certificate)
    assert (after.readiness, after.renew_at) == (Certificate.Readiness.BLOCKED, None)
    assert codes(after) == ["policy"]


def _rules(percentage: int) -> tuple[LifetimeAction, ...]:
    return (LifetimeAction(action=LifetimeActionType.AUTO_RENEW, lifetime_percentage=percentage),)


@pytest.mark.parametrize(
    ("issuer", "code"),
    [
        (None, "issuer-gone"),
        ({"enabled": False}, "issuer-disabled"),
        ({"pause": Issuer.Pause.CREDENTIALS}, "issuer-paused"),
    ],
)
def test_an_issuer_that_cannot_issue_blocks(issuer: dict[str, Any] | None, code: str) -> None:
    certificate = make_certificate()
    if issuer is not None:
        Issuer.objects.create(vault=certificate.vault, name="Public", provider="DigiCert", secrets=b"", **issuer)
    certificate.adopt_policy(replace(certificate.policy, issuer_name="public"))
    outlook.look_ahead()
    after = fresh(certificate)
    assert (after.readiness, after.renew_at) == (Certificate.Readiness.BLOCKED, None)
    assert codes(after) == [code]


def test_without_a_rule_it_needs_a_person() -> None:
    certificate = make_certificate()
    told = (LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, lifetime_percentage=80),)
    certificate.adopt_policy(replace(certificate.policy, lifetime_actions=told))
    outlook.look_ahead()
    after = fresh(certificate)
    assert (after.readiness, after.renew_at) == (Certificate.Readiness.PERSON, None)
    assert codes(after) == ["no-auto-renew"]


def test_a_certificate_without_a_version_has_nothing_ahead() -> None:
    operation = make_operation()
    assert outlook.look_ahead() == 1
    after = fresh(operation.certificate)
    assert (after.readiness, after.renew_at) == (Certificate.Readiness.UNKNOWN, None)
    assert outlook.look_ahead() == 0


def test_looking_asks_as_often_for_many_as_for_one(django_assert_max_num_queries: Any) -> None:
    vault = make_vault()
    for _ in range(4):
        make_certificate(vault=vault)
    with django_assert_max_num_queries(4 + 2 + 4):
        assert outlook.look_ahead() == 4


def test_a_mark_set_meanwhile_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate()
    later = timezone.now()

    def changed(*_: Any) -> Any:
        Certificate.objects.filter(pk=certificate.pk).update(look_at=later)
        return real(*_)

    real = outlook._past
    monkeypatch.setattr(outlook, "_past", changed)
    outlook.look_ahead()
    assert fresh(certificate).look_at == later


def test_a_deleted_certificate_is_not_renewed() -> None:
    certificate = looked_at()
    with due(certificate):
        certificate.delete_softly()
        assert renewing.renew_due() == 0


def test_a_certificate_of_a_deleted_vault_is_not_renewed() -> None:
    certificate = looked_at()
    with due(certificate):
        certificate.vault.delete_softly()
        assert renewing.renew_due() == 0
        certificate.vault.recover()
        assert renewing.renew_due() == 1


def test_an_edit_of_the_policy_counts_at_once_and_is_not_undone() -> None:
    certificate = looked_at()
    told = (LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, lifetime_percentage=80),)
    with due(certificate):
        fresh(certificate).adopt_policy(replace(certificate.policy, lifetime_actions=told))
        assert renewing.renew_due() == 0
    assert fresh(certificate).policy.lifetime_actions == told


def test_an_edit_between_choosing_and_claiming_rules_the_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = looked_at()
    policy = replace(certificate.policy, key=replace(certificate.policy.key, reuse=True))
    real = renewing._renew

    def edited(pk: int) -> bool:
        Certificate.objects.filter(pk=pk).update(policy=policy)
        return real(pk)

    monkeypatch.setattr(renewing, "_renew", edited)
    with due(certificate):
        assert renewing.renew_due() == 1
    assert renewals(certificate)[0].policy.key.reuse
    assert fresh(certificate).policy.key.reuse


def test_one_that_breaks_does_not_keep_the_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = looked_at()
    others = [make_certificate(vault=broken.vault) for _ in range(2)]
    outlook.look_ahead()
    real = issuing.new_key

    def breaking(vault: Any, wanted: Any) -> Any:
        monkeypatch.setattr(issuing, "new_key", real)
        raise RingError("The key ring is missing.")

    monkeypatch.setattr(issuing, "new_key", breaking)
    with time_machine.travel(timezone.now() + timedelta(days=330), tick=False):
        assert renewing.renew_due() == 2
        outlook.look_ahead()
        assert renewing.renew_due() == 0
        assert [len(renewals(one)) for one in (broken, *others)] == [0, 1, 1]
    with time_machine.travel(timezone.now() + timedelta(days=330, hours=1), tick=False):
        assert renewing.renew_due() == 1


def test_a_certificate_whose_key_is_elsewhere_never_renews_by_itself() -> None:
    certificate = looked_at()
    Version.objects.filter(pk=fresh(certificate).current_id).update(key=None)
    Certificate.objects.filter(pk=certificate.pk).look_again()
    outlook.look_ahead()
    after = fresh(certificate)
    assert (after.readiness, after.renew_at) == (Certificate.Readiness.PERSON, None)
    with time_machine.travel(timezone.now() + timedelta(days=400), tick=False):
        outlook.look_ahead()
        assert renewing.renew_due() == 0


def test_after_a_month_without_a_worker_what_expires_first_is_renewed_first(settings: Any) -> None:
    settings.RENEWALS_PER_MINUTE = 1
    late = looked_at(validity=Validity(number=12, unit="months"))
    soon = make_certificate(vault=late.vault, validity=Validity(number=11, unit="months"))
    outlook.look_ahead()
    with time_machine.travel(timezone.now() + timedelta(days=320), tick=False) as clock:
        outlook.look_ahead()
        assert renewing.renew_due() == 1
        assert [len(renewals(one)) for one in (soon, late)] == [1, 0]
        clock.shift(timedelta(minutes=1))
        assert renewing.renew_due() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_moment_renew_each_certificate_once() -> None:
    vault = make_vault()
    certificates = [make_certificate(vault=vault) for _ in range(6)]
    outlook.look_ahead()
    Certificate.objects.update(renew_at=timezone.now())
    begun: list[int] = []
    together = threading.Barrier(4)

    def work() -> None:
        try:
            together.wait()
            begun.append(renewing.renew_due())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(begun), sum(begun)) == (4, 6)
    assert [len(renewals(certificate)) for certificate in certificates] == [1] * 6
