import contextlib
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from tests.factories import make_certificate, make_operation, make_vault
from vault import leases, queue, tasks
from vault.errors import OperationClosed
from vault.lifecycle import advancing, withdrawing
from vault.models import Key, Operation, Version
from vault.models.audit import SYSTEM
from vault.models.policy import SELF, Validity
from vault.x509 import certificates

LEASE = timedelta(seconds=150)


def test_an_operation_is_claimed_by_one_worker_only() -> None:
    operation = make_operation(issuer=SELF)

    first = Operation.objects.claim(operation.pk, lease=LEASE, by="one")
    second = Operation.objects.claim(operation.pk, lease=LEASE, by="two")

    assert first is not None
    assert first.attempts == 1
    assert second is None


def test_a_step_that_was_cut_off_after_the_claim_is_taken_again_when_its_worker_is_dead() -> None:
    operation = make_operation(issuer=SELF)
    Operation.objects.claim(operation.pk, lease=LEASE, by=f"{leases.machine()} 999999999 1.00")

    freed = tasks.release_dead_leases()
    tasks.advance_operation(operation.pk)

    operation.refresh_from_db()
    assert freed == 1
    assert operation.status == Operation.Status.COMPLETED


def test_a_lease_of_a_living_process_or_of_another_machine_is_left_alone() -> None:
    here, elsewhere = make_operation(issuer=SELF), make_operation(issuer=SELF)
    Operation.objects.claim(here.pk, lease=LEASE, by=leases.me())
    Operation.objects.claim(elsewhere.pk, lease=LEASE, by="another-machine 17 1.00")

    assert tasks.release_dead_leases() == 0


def test_a_step_that_was_cut_off_while_sending_is_finished_without_a_second_certificate() -> None:
    operation = make_operation(issuer=SELF)
    claimed = Operation.objects.claim(operation.pk, lease=LEASE, by="dead")
    claimed.begin_submitting()
    Operation.objects.filter(pk=operation.pk).update(next_step_at=timezone.now())

    tasks.advance_operation(operation.pk)
    tasks.advance_operation(operation.pk)

    operation.refresh_from_db()
    assert operation.status == Operation.Status.COMPLETED
    assert Version.objects.count() == Key.objects.count() == 1


def test_a_worker_that_lost_its_claim_changes_nothing() -> None:
    operation = make_operation(issuer=SELF)
    late = Operation.objects.claim(operation.pk, lease=timedelta(0), by="late")
    Operation.objects.claim(operation.pk, lease=LEASE, by="next")

    with pytest.raises(OperationClosed):
        late.begin_submitting()
    with pytest.raises(OperationClosed):
        late.try_again_later("", again_at=timezone.now())


def test_completion_happens_once_even_when_two_workers_hold_the_same_operation() -> None:
    operation = make_operation(issuer=SELF)
    one = Operation.objects.claim(operation.pk, lease=timedelta(0), by="one")
    other = Operation.objects.claim(operation.pk, lease=LEASE, by="other")
    advancing.advance(other)

    with pytest.raises(OperationClosed):
        advancing.advance(one)

    assert Version.objects.count() == 1


def test_a_cancelled_operation_is_not_completed_by_a_worker_that_finishes_late() -> None:
    operation = make_operation(issuer=SELF)
    late = Operation.objects.claim(operation.pk, lease=LEASE, by="late")
    withdrawing.cancel(operation=operation, by=SYSTEM)

    with pytest.raises(OperationClosed):
        advancing.advance(late)

    operation.refresh_from_db()
    assert operation.status == Operation.Status.CANCELLED
    assert not Version.objects.exists()


def test_a_step_that_kills_its_worker_three_times_fails_with_a_reason() -> None:
    operation = make_operation(issuer=SELF)
    for _ in range(advancing.MOST_ATTEMPTS):
        assert Operation.objects.claim(operation.pk, lease=timedelta(0), by="dead")

    tasks.advance_operation(operation.pk)

    operation.refresh_from_db()
    assert operation.status == Operation.Status.FAILED
    assert operation.error_code == "StepFailed"
    assert "tried 3 times" in operation.error_message


def test_an_operation_that_outlived_its_deadline_fails_with_a_reason() -> None:
    operation = make_operation(issuer=SELF)
    Operation.objects.claim(operation.pk, lease=timedelta(0), by="dead")

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        tasks.advance_operation(operation.pk)

    operation.refresh_from_db()
    assert operation.status == Operation.Status.FAILED
    assert operation.error_code == "GaveUp"


def test_a_request_made_while_the_worker_was_down_for_days_is_still_carried_out() -> None:
    operation = make_operation(issuer=SELF)

    with time_machine.travel(timezone.now() + timedelta(days=30)):
        tasks.advance_operation(operation.pk)

    operation.refresh_from_db()
    assert operation.status == Operation.Status.COMPLETED


def test_a_missing_ring_makes_the_operation_wait_and_say_so(settings, tmp_path) -> None:
    operation = make_operation(issuer=SELF)
    settings.KEYRING = tmp_path / "elsewhere"

    tasks.advance_operation(operation.pk)

    operation.refresh_from_db()
    assert operation.is_in_progress
    assert "cannot be read" in operation.detail


def test_a_task_for_an_operation_that_is_gone_does_nothing() -> None:
    tasks.advance_operation(123456789)

    assert not Version.objects.exists()


@pytest.mark.parametrize(("number", "unit", "days"), [(90, "days", 90), (1, "months", 30), (12, "months", 365)])
def test_validity_is_what_was_asked_for_and_begins_ten_minutes_early(number: int, unit: str, days: int) -> None:
    with time_machine.travel("2026-11-23 12:00:00+00:00", tick=False):
        version = make_certificate(validity=Validity(number=number, unit=unit)).current

    facts = certificates.facts(bytes(version.der))
    assert (facts.not_after - facts.not_before) - timedelta(minutes=10) == timedelta(days=days)


@pytest.mark.django_db(transaction=True)
def test_the_sweep_rings_for_what_is_overdue() -> None:
    operation = make_operation(issuer=SELF)
    before = queue.waiting()
    Operation.objects.filter(pk=operation.pk).update(next_step_at=timezone.now() - timedelta(seconds=60))

    tasks.sweep()

    assert queue.waiting() == before + 1


@pytest.mark.django_db(transaction=True)
def test_cancel_against_completion_has_one_winner() -> None:
    vault = make_vault()
    operations = [make_operation(vault=vault, issuer=SELF) for _ in range(15)]

    def run(verb) -> None:
        for operation in operations:
            with contextlib.suppress(OperationClosed):
                verb(operation)
        connections.close_all()

    def cancel(operation: Operation) -> None:
        withdrawing.cancel(
            operation=Operation.objects.select_related("vault", "certificate").get(pk=operation.pk), by=SYSTEM
        )

    threads = [
        threading.Thread(target=run, args=(verb,)) for verb in (cancel, lambda one: tasks.advance_operation(one.pk))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for operation in operations:
        operation.refresh_from_db()
        assert operation.status in {"completed", "cancelled", "inProgress"}
        assert (operation.status == "completed") == (operation.version_id is not None)
        if operation.status == "inProgress":
            assert operation.cancellation_requested
