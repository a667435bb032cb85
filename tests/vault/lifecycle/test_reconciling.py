"""Cancelling at the CA, and what it issues after the end: it is seen, and someone decides."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from tests.vault.lifecycle.cas import Rig, fresh
from vault import tasks
from vault.errors import NotAllowedNow
from vault.lifecycle import lateness, reconciling, withdrawing
from vault.models import AuditEvent, Operation, Version
from vault.models.audit import SYSTEM
from vault.providers.base import RevokeResult, Transient
from vault.simulators.kit import Fault

Step, Status, Late = Operation.Step, Operation.Status, Operation.LateSettled


def ordered(rig: Rig, *faults: Fault, polls: int = 1000) -> Operation:
    """A request whose CA has an order and is not done."""
    rig.break_down(*faults, delay_polls=polls)
    return rig.play_until(rig.request(), Step.ORDERED)


def watch(rig: Rig, operation: Operation) -> Operation:
    """Let the planned look at an ended operation's order happen."""
    operation = fresh(operation)
    assert operation.watch_at is not None
    rig.move_to(max(operation.watch_at, rig.now))
    tasks.watch_orders()
    return fresh(operation)


def late(rig: Rig) -> Operation:
    """A cancelled request whose certificate came all the same."""
    operation = ordered(rig, Fault(on="*", do="late-issue"))
    rig.cancel(operation)
    operation = watch(rig, rig.play(operation))
    assert operation.late_at is not None
    return operation


# --------------------------------------------------------------------- cancel
def test_an_order_is_cancelled_at_the_ca(rig: Rig) -> None:
    operation = ordered(rig)

    assert not rig.cancel(operation)
    operation = rig.play(operation)

    assert operation.status == Status.CANCELLED
    assert operation.detail == "Tiny has withdrawn the order."
    assert rig.simulator.orders[0].status == "cancelled"
    assert operation.watch_at == operation.ended_at + timedelta(hours=1)


def test_a_cancellation_that_the_ca_works_on_is_asked_for_once_and_ends_with_its_word(rig: Rig) -> None:
    operation = ordered(rig, Fault(on="*", do="slow-cancel", times=-1))
    rig.cancel(operation)

    operation = rig.play(operation)

    assert operation.status == Status.CANCELLED
    assert rig.simulator.counts["cancel"] == 1
    assert rig.simulator.counts["poll"] >= 1


def test_a_cancellation_that_comes_too_late_completes_with_a_note(rig: Rig) -> None:
    operation = ordered(rig)
    with rig.simulator.lock:
        rig.simulator.issue(rig.simulator.orders[0])
    rig.cancel(operation)

    operation = rig.play(operation)

    rig.assert_ended_well(operation)
    assert operation.version.notes[0] == "It was issued before the cancellation took effect."


@pytest.mark.parametrize("fault", ["status:500", "reset-after", "html", "401", "429"])
def test_a_cancellation_whose_answer_is_lost_is_asked_for_again(rig: Rig, fault: str) -> None:
    operation = ordered(rig, Fault(on="cancel", do=fault))
    rig.cancel(operation)
    operation = rig.play(operation)
    if fault == "401":
        assert operation.is_in_progress
        rig.issuer.resume()
        tasks.sweep()

    assert rig.play(operation).status == Status.CANCELLED
    assert rig.simulator.orders[0].status == "cancelled"


def test_a_ca_that_cannot_withdraw_orders_is_watched(blind: Rig) -> None:
    operation = ordered(blind, polls=0)
    blind.cancel(operation)
    operation = blind.play(operation)
    assert operation.status == Status.CANCELLED
    assert "may still issue it" in operation.detail

    operation = watch(blind, operation)

    assert operation.late_at is not None


def test_a_request_without_an_answer_is_found_before_it_is_cancelled(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset-after"), delay_polls=1000)
    operation = rig.step(rig.request())

    rig.cancel(operation)
    operation = rig.play(operation)

    assert operation.status == Status.CANCELLED
    assert rig.simulator.orders[0].status == "cancelled"


def test_a_request_that_certainly_was_never_ordered_ends_cancelled_without_being_sent(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset"))
    operation = rig.step(rig.request())

    rig.cancel(operation)
    operation = rig.play(operation)

    assert operation.status == Status.CANCELLED
    assert rig.orders_of(operation) == 0
    assert operation.watch_at is None


@pytest.mark.django_db(transaction=True)
def test_cancel_against_issue_has_one_winner_and_both_agree(rig: Rig) -> None:
    rig.break_down(delay_polls=0)
    operations = [rig.play_until(rig.request(), Step.ORDERED) for _ in range(8)]
    rig.move(timedelta(minutes=10))

    def cancel() -> None:
        for operation in operations:
            try:
                withdrawing.cancel(operation=fresh(operation), by=SYSTEM)
            except NotAllowedNow:
                continue
        connections.close_all()

    def work() -> None:
        for operation in operations:
            tasks.advance_operation(operation.pk)
        connections.close_all()

    threads = [threading.Thread(target=verb) for verb in (cancel, work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for operation, order in zip(operations, rig.simulator.orders, strict=True):
        ended = rig.play(operation)
        assert (ended.status, order.status) in {("completed", "issued"), ("cancelled", "cancelled")}


# ----------------------------------------------------------------------- late
def test_what_is_issued_after_the_end_is_kept_for_a_decision(rig: Rig) -> None:
    operation = late(rig)

    assert operation.late.count("BEGIN CERTIFICATE") >= 2
    assert operation.status == Status.CANCELLED
    assert operation.watch_at is None
    assert AuditEvent.objects.get(action="certificates/late").result == "alarm"


def test_a_late_certificate_is_adopted(rig: Rig) -> None:
    operation = late(rig)

    version = lateness.adopt_late(operation=operation, by=SYSTEM)

    operation = fresh(operation)
    assert (operation.status, operation.late_settled) == (Status.COMPLETED, Late.ADOPTED)
    assert operation.version == version == operation.certificate.current
    assert version.notes[0] == lateness.NOTE
    assert version.secret is not None


def test_a_late_certificate_is_revoked(rig: Rig) -> None:
    operation = late(rig)

    assert lateness.revoke_late(operation=operation, by=SYSTEM) is RevokeResult.DONE

    assert fresh(operation).late_settled == Late.REVOKED
    assert rig.simulator.orders[0].status == "revoked"
    assert [event.result for event in AuditEvent.objects.filter(action="certificates/revoke-late")] == [
        "requested",
        "done",
    ]


def test_a_revocation_that_does_not_reach_the_ca_leaves_the_decision_open(rig: Rig) -> None:
    operation = late(rig)
    rig.break_down(Fault(on="revoke", do="status:500"))

    with pytest.raises(Transient):
        lateness.revoke_late(operation=operation, by=SYSTEM)

    assert lateness.revoke_late(operation=fresh(operation), by=SYSTEM) is RevokeResult.DONE


def test_a_late_certificate_is_left_and_then_nothing_more_can_be_decided(rig: Rig) -> None:
    operation = late(rig)
    before = fresh(operation)

    lateness.leave_late(operation=operation, by=SYSTEM)

    for verb in (lateness.adopt_late, lateness.revoke_late, lateness.leave_late):
        with pytest.raises(NotAllowedNow, match="no late certificate to decide about"):
            verb(operation=fresh(operation), by=SYSTEM)
    with pytest.raises(NotAllowedNow, match="no late certificate to decide about"):
        lateness.leave_late(operation=before, by=SYSTEM)
    assert not Version.objects.exists()


def test_a_deleted_request_is_watched_too_and_its_certificate_cannot_be_adopted(rig: Rig) -> None:
    operation = ordered(rig, Fault(on="*", do="late-issue"))
    rig.cancel(operation)
    operation = rig.play(operation)
    withdrawing.delete_operation(operation=operation, by=SYSTEM)

    operation = watch(rig, operation)

    with pytest.raises(NotAllowedNow, match="is deleted"):
        lateness.adopt_late(operation=operation, by=SYSTEM)
    lateness.revoke_late(operation=operation, by=SYSTEM)


def test_an_order_that_the_ca_has_ended_is_looked_at_once(rig: Rig) -> None:
    operation = ordered(rig)
    rig.cancel(operation)

    operation = watch(rig, rig.play(operation))

    assert (operation.watch_at, operation.late_at) == (None, None)


def test_an_order_that_stays_open_is_looked_at_for_thirty_days(blind: Rig) -> None:
    operation = ordered(blind)
    blind.cancel(operation)
    operation = blind.play(operation)
    ended, looks = operation.ended_at, []
    while operation.watch_at is not None:
        looks.append(operation.watch_at - ended)
        operation = watch(blind, operation)

    assert looks[:4] == [timedelta(hours=1), timedelta(hours=6), timedelta(hours=30), timedelta(hours=54)]
    assert timedelta(days=29) < looks[-1] <= timedelta(days=30)
    assert operation.late_at is None


@pytest.mark.parametrize("fault", ["status:500", "401", "garbage"])
def test_a_look_that_fails_is_made_again(blind: Rig, fault: str) -> None:
    operation = ordered(blind, polls=0)
    with blind.simulator.lock:
        blind.simulator.script.faults.append(Fault(on="poll", do=fault))
    blind.cancel(operation)
    operation = watch(blind, blind.play(operation))
    assert operation.late_at is None

    assert watch(blind, operation).late_at is not None


def test_a_failed_request_whose_order_is_issued_after_all_is_seen(rig: Rig) -> None:
    rig.break_down(Fault(on="*", do="reject"))
    operation = rig.play(rig.request())
    with rig.simulator.lock:
        rig.simulator.issue(rig.simulator.orders[0])

    assert watch(rig, operation).late_at is not None


def test_the_looks_are_an_hour_and_six_hours_after_the_end_then_daily() -> None:
    ended = datetime(2026, 11, 23, tzinfo=UTC)

    assert reconciling.next_watch(ended, ended) == ended + timedelta(hours=1)
    assert reconciling.next_watch(ended, ended + timedelta(hours=2)) == ended + timedelta(hours=6)
    assert reconciling.next_watch(ended, ended + timedelta(days=3)) == ended + timedelta(days=4)
    assert reconciling.next_watch(ended, ended + timedelta(days=29, hours=1)) is None
