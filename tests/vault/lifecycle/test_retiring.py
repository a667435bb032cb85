from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.factories import make_certificate, make_operation, make_vault
from vault import tasks
from vault.errors import BadName, BadParameter, NameTaken, NotAllowed, NotAllowedNow
from vault.lifecycle import retiring, vaults, withdrawing
from vault.models import AuditChain, Certificate, Key, Operation, Vault, Version, VersionName
from vault.models.audit import SYSTEM, verify
from vault.models.policy import SELF, KeyPolicy


def test_a_deleted_certificate_comes_back_whole() -> None:
    certificate = make_certificate()
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)

    retiring.recover_certificate(certificate=certificate, by=SYSTEM)

    certificate.refresh_from_db()
    assert certificate.deleted_at is None
    assert certificate.current is not None


def test_deleting_twice_is_told() -> None:
    certificate = make_certificate()
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)

    with pytest.raises(NotAllowedNow, match="deleted already"):
        retiring.delete_certificate(certificate=certificate, by=SYSTEM)


def test_deleting_a_certificate_cancels_its_request() -> None:
    operation = make_operation()

    retiring.delete_certificate(certificate=operation.certificate, by=SYSTEM)

    operation.refresh_from_db()
    assert operation.status == Operation.Status.CANCELLED


def test_purging_removes_versions_names_and_keys_also_shared_ones() -> None:
    reuse = KeyPolicy(kty="EC", size=None, curve="P-256", reuse=True)
    certificate = make_certificate(name="www", key=reuse)
    again = make_operation(vault=certificate.vault, name="www", issuer=SELF, key=reuse)
    tasks.advance_operation(again.pk)
    bystander = make_certificate(vault=certificate.vault)
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)

    retiring.purge_certificate(certificate=Certificate.objects.get(pk=certificate.pk), by=SYSTEM)

    assert list(Certificate.objects.all()) == [bystander]
    assert Key.objects.get() == bystander.current.key
    assert Version.objects.get() == bystander.current
    assert set(VersionName.objects.values_list("certificate", flat=True)) == {bystander.pk}


def test_only_a_deleted_certificate_is_purged() -> None:
    certificate = make_certificate()

    with pytest.raises(NotAllowedNow, match="not deleted"):
        retiring.purge_certificate(certificate=certificate, by=SYSTEM)

    certificate.refresh_from_db()
    assert certificate.current is not None


def test_purge_protection_holds_until_the_retention_ends() -> None:
    certificate = make_certificate(vault=make_vault(purge_protection=True, retention_days=7))
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)

    with pytest.raises(NotAllowed, match="protected from purging"):
        retiring.purge_certificate(certificate=certificate, by=SYSTEM)
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        tasks.sweep()

    assert not Certificate.objects.exists()
    assert not Key.objects.exists()


def test_the_sweep_leaves_what_can_still_be_recovered() -> None:
    certificate = make_certificate()
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)

    with time_machine.travel(timezone.now() + timedelta(days=89)):
        tasks.sweep()

    assert Certificate.objects.filter(pk=certificate.pk).exists()


def test_a_purged_vault_leaves_its_audit_trail() -> None:
    certificate = make_certificate()
    vault = certificate.vault
    vaults.delete_vault(vault=vault, by=SYSTEM)

    vaults.purge_vault(vault=vault, by=SYSTEM)

    assert not Vault.objects.exists()
    assert not Key.objects.exists()
    chain = AuditChain.objects.get(name=vault.name)
    assert verify(chain) == []
    assert chain.events.order_by("-sequence")[0].action == "vaults/purge"


@pytest.mark.parametrize("name", ["ab", "1abc", "a" * 25, "login", "API", "a_b", "a.b", "ünï", "", "abc\n", "ab\x00"])
def test_a_name_that_cannot_be_a_vaults_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        vaults.create_vault(name=name, by=SYSTEM)


@pytest.mark.parametrize("days", [6, 91, 0, -1])
def test_retention_out_of_range_is_refused(days: int) -> None:
    with pytest.raises(BadParameter):
        vaults.create_vault(name="payments", retention_days=days, by=SYSTEM)


def test_a_vaults_name_is_taken_whatever_the_case() -> None:
    make_vault("Payments")

    with pytest.raises(NameTaken, match="There is a vault named “Payments” already"):
        make_vault("payments")


def test_a_deleted_vault_holds_its_name_and_says_until_when() -> None:
    vaults.delete_vault(vault=make_vault("payments"), by=SYSTEM)

    with pytest.raises(NameTaken, match="Recover it, purge it") as caught:
        make_vault("payments")

    assert caught.value.recoverable


def test_a_disabled_version_can_be_enabled_again() -> None:
    version = make_certificate().current

    retiring.set_enabled(version=version, enabled=False, by=SYSTEM)
    assert not Version.objects.get().enabled
    retiring.set_enabled(version=version, enabled=True, by=SYSTEM)

    assert Version.objects.get().enabled


def test_a_request_that_waits_for_a_merge_is_cancelled_at_once_and_frees_the_name() -> None:
    operation = make_operation(name="www")

    ended = withdrawing.cancel(operation=operation, by=SYSTEM)

    assert ended
    assert make_operation(vault=operation.vault, name="www").is_in_progress


def test_a_deleted_request_stays_as_a_row_and_frees_the_name() -> None:
    operation = make_operation(name="www")

    withdrawing.delete_operation(operation=operation, by=SYSTEM)

    operation.refresh_from_db()
    assert operation.deleted_at is not None
    assert make_operation(vault=operation.vault, name="www").is_in_progress


def test_cancelling_what_has_ended_is_told() -> None:
    operation = make_operation()
    withdrawing.cancel(operation=operation, by=SYSTEM)

    with pytest.raises(NotAllowedNow, match="already ended"):
        withdrawing.cancel(operation=operation, by=SYSTEM)


def test_a_request_that_is_being_sent_is_not_deleted() -> None:
    operation = make_operation(issuer=SELF)
    claimed = Operation.objects.claim(operation.pk, lease=timedelta(seconds=9), by="worker")
    claimed.begin_submitting()

    with pytest.raises(NotAllowedNow, match="Cancel it first"):
        withdrawing.delete_operation(operation=claimed, by=SYSTEM)
