"""What only a person can know: whether the CA has an order, and which; and asking it now."""

from datetime import timedelta

import pytest

from tests.factories import actor_of, make_user
from tests.vault.lifecycle.cas import Rig, fresh
from vault.errors import BadParameter, NotAllowedNow, TooMany
from vault.lifecycle import checking, deciding, looking
from vault.models import AuditEvent, Operation
from vault.models.audit import SYSTEM
from vault.simulators.kit import Fault

Step, Status = Operation.Step, Operation.Status


def unclear(rig: Rig, fault: str = "reset-after") -> Operation:
    """A request of which nobody knows whether the CA has an order."""
    rig.break_down(Fault(on="submit", do=fault))
    operation = rig.play(rig.request())
    assert operation.unclear_at is not None
    return operation


# ------------------------------------------------------------------- deciding
def test_an_order_that_a_person_found_is_gone_on_with(blind: Rig) -> None:
    operation = unclear(blind)

    deciding.adopt_order(operation=operation, order_id=f" {blind.simulator.orders[0].id} ", by=SYSTEM)

    blind.assert_ended_well(blind.play(operation))
    event = AuditEvent.objects.get(action="orders/adopt")
    assert event.details["order"] == blind.simulator.orders[0].id


def test_what_a_person_rules_out_is_sent_once_more(blind: Rig) -> None:
    operation = unclear(blind, "reset")

    deciding.send_again(operation=operation, by=SYSTEM)

    blind.assert_ended_well(blind.play(operation))
    assert AuditEvent.objects.filter(action="orders/send-again").count() == 1


@pytest.mark.parametrize("number", ["999999", "100002"], ids=["unknown", "of another key"])
def test_a_wrong_order_number_harms_nothing_and_is_asked_for_again(blind: Rig, number: str) -> None:
    operation = unclear(blind)
    with blind.simulator.lock:
        other = blind.request()
        blind.simulator.accept(bytes(other.csr))

    deciding.adopt_order(operation=operation, order_id=number, by=SYSTEM)
    operation = blind.play(operation)

    assert operation.unclear_at is not None
    assert operation.order_number == ""
    assert f"{number} that was entered is not right" in operation.detail
    deciding.adopt_order(operation=operation, order_id=blind.simulator.orders[0].id, by=SYSTEM)
    assert blind.play(operation).status == Status.COMPLETED


@pytest.mark.parametrize(
    ("number", "words"),
    [("  ", "Enter the order number"), ("9" * 501, "cannot be an order number"), ("1\u202e2", "cannot be an order")],
)
def test_what_cannot_be_an_order_number_is_refused(blind: Rig, number: str, words: str) -> None:
    operation = unclear(blind)

    with pytest.raises(BadParameter, match=words) as refusal:
        deciding.adopt_order(operation=operation, order_id=number, by=SYSTEM)

    assert refusal.value.field == "order_id"


def test_the_order_of_another_request_is_refused(blind: Rig) -> None:
    taken = blind.play(blind.request("shop"))
    operation = unclear(blind)

    with pytest.raises(BadParameter, match="belongs to the request for “shop”"):
        deciding.adopt_order(operation=operation, order_id=taken.order_number, by=SYSTEM)


def test_one_of_several_orders_is_chosen_and_the_others_are_not_found_again(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset-after"))
    operation = rig.step(rig.request())
    with rig.simulator.lock:
        rig.simulator.accept(rig.simulator.orders[0].csr)
    operation = rig.play(operation)

    deciding.adopt_order(operation=operation, order_id=operation.candidates[1]["order_id"], by=SYSTEM)
    operation = rig.play(operation)

    assert operation.status == Status.COMPLETED
    assert operation.order_number == rig.simulator.orders[1].id


def test_orders_that_a_person_ruled_out_do_not_stop_the_sending(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset-after"))
    operation = rig.step(rig.request())
    with rig.simulator.lock:
        rig.simulator.accept(rig.simulator.orders[0].csr)
    operation = rig.play(operation)

    deciding.send_again(operation=operation, by=SYSTEM)
    operation = rig.play(operation)

    assert operation.status == Status.COMPLETED
    assert operation.order_number == rig.simulator.orders[2].id


def test_only_the_first_decision_counts(blind: Rig) -> None:
    operation = unclear(blind, "reset")
    late = fresh(operation)
    deciding.send_again(operation=operation, by=SYSTEM)

    with pytest.raises(NotAllowedNow, match="does not wait for this decision any more"):
        deciding.send_again(operation=late, by=SYSTEM)
    with pytest.raises(NotAllowedNow, match="does not wait for this decision any more"):
        deciding.adopt_order(operation=late, order_id="1", by=SYSTEM)


def test_a_cancelled_request_is_not_sent_again(blind: Rig) -> None:
    operation = unclear(blind, "reset")
    assert not blind.cancel(operation)

    deciding.send_again(operation=blind.play(operation), by=SYSTEM)
    operation = blind.play(operation)

    assert operation.status == Status.CANCELLED
    assert blind.orders_of(operation) == 0


# ------------------------------------------------------------------- check now
def test_the_ca_is_asked_now_and_not_again_for_ten_seconds(rig: Rig) -> None:
    rig.break_down(delay_polls=100)
    operation = rig.step(rig.request())
    with pytest.raises(TooMany):
        checking.check_now(operation=operation, by=SYSTEM)
    rig.move(checking.PAUSE)
    rig.step(operation)
    Operation.objects.update(next_step_at=rig.now + timedelta(hours=1))
    rig.move(checking.PAUSE)
    operation = fresh(operation)

    checking.check_now(operation=operation, by=actor_of(make_user("anna")))
    polls = rig.simulator.counts["poll"]
    operation = rig.step(operation)

    assert rig.simulator.counts["poll"] == polls + 1
    assert AuditEvent.objects.get(action="orders/check").actor == "anna"
    with pytest.raises(TooMany, match="Try again in 10 seconds"):
        checking.check_now(operation=operation, by=SYSTEM)


def test_two_who_ask_at_once_are_one_question(rig: Rig) -> None:
    rig.break_down(delay_polls=100)
    operation = rig.step(rig.request())
    rig.step(operation)
    Operation.objects.update(next_step_at=rig.now + timedelta(hours=1))
    rig.move(timedelta(minutes=1))
    one, other = fresh(operation), fresh(operation)

    checking.check_now(operation=one, by=SYSTEM)

    with pytest.raises(TooMany):
        checking.check_now(operation=other, by=SYSTEM)


def test_checking_an_unclear_request_looks_for_its_order_again(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset-after"), Fault(on="find", do="status:500", times=1))
    operation = rig.step(rig.request())
    rig.move(looking.ASK_A_PERSON + timedelta(minutes=1))
    operation = rig.step(operation)
    assert operation.unclear_at is not None
    rig.move(checking.PAUSE)

    checking.check_now(operation=operation, by=SYSTEM)

    rig.assert_ended_well(rig.play(operation))


@pytest.mark.parametrize("why", ["ended", "paused"])
def test_nothing_is_asked_of_a_paused_issuer_or_about_an_ended_request(rig: Rig, why: str) -> None:
    operation = rig.step(rig.request())
    if why == "ended":
        operation = rig.play(operation)
    else:
        rig.issuer.pause_for_credentials("no")
    rig.move(checking.PAUSE)

    with pytest.raises(NotAllowedNow):
        checking.check_now(operation=fresh(operation), by=SYSTEM)
