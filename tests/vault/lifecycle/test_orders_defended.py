"""What an order must survive: an issuer that becomes another one, a wrong number, a database that is an hour old."""

from datetime import timedelta

import pytest

from tests.pki.authority import make_csr
from tests.vault.lifecycle.cas import Rig, fresh
from tests.vault.lifecycle.tiny import KEY, TinySimulator
from vault.lifecycle import configuring, deciding, issuers, lateness, reconciling, withdrawing
from vault.lifecycle.configuring import Given
from vault.models import Issuer, Operation
from vault.models.audit import SYSTEM
from vault.simulators.kit import Fault


def lost(rig: Rig) -> Operation:
    """A request whose order the CA has, and whose answer did not come."""
    rig.break_down(Fault(on="submit", do="reset-after"))
    return rig.step(rig.request())


def test_an_issuer_that_becomes_another_one_does_not_have_the_order_placed_there_too(rig: Rig) -> None:
    operation = lost(rig)
    with TinySimulator() as second:
        second.key = KEY
        row = Issuer.objects.get(pk=rig.issuer.pk)
        config = {**row.config, "address": second.address}
        given = Given(provider=row.provider, config=config, secrets={"password": KEY}, administrators=[])
        configuring.edit_issuer(issuer=row, given=given, by=SYSTEM)

        operation = rig.play(operation)

        assert second.orders == []
    assert rig.orders_of(operation) == 1
    assert operation.is_in_progress
    assert operation.unclear_at is not None


def test_an_issuer_switched_off_and_on_is_still_the_same(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset"))
    operation = rig.step(rig.request())
    for enabled in (False, True):
        configuring.set_enabled(issuer=Issuer.objects.get(pk=rig.issuer.pk), enabled=enabled, by=SYSTEM)

    operation = rig.play(operation)

    assert operation.status == Operation.Status.COMPLETED
    assert rig.orders_of(operation) == 1


def test_new_credentials_never_meet_the_address_of_before(blind: Rig) -> None:
    operation = blind.request()
    claimed = Operation.objects.claim(operation.pk, lease=timedelta(seconds=150), by="machine 1 1")
    assert claimed is not None
    row = Issuer.objects.get(pk=blind.issuer.pk)
    config = {**row.config, "address": "https://new.example.org"}
    row.edit(config=config, secrets=issuers.seal_secrets(row, {"password": "new"}))

    web = issuers.provider_for(claimed).web

    assert (web.base, web.headers["X-Key"]) == ("https://new.example.org", "new")


def test_a_number_that_a_person_gave_is_not_withdrawn_before_it_is_proved(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset-after"), Fault(on="find", do="status:500", times=10**6))
    operation = rig.play(rig.request(), most=2000)
    foreign = rig.simulator.accept(make_csr())
    withdrawing.cancel(operation=operation, by=SYSTEM)
    operation = rig.play(operation)

    deciding.adopt_order(operation=operation, order_id=foreign.id, by=SYSTEM)
    rig.simulator.issue(foreign)
    operation = rig.play(operation)

    assert foreign.status != "cancelled"
    assert rig.simulator.counts["cancel"] == 0
    assert operation.is_in_progress
    assert operation.unclear_at is not None


def test_what_came_late_counts_only_for_our_own_key(blind: Rig) -> None:
    operation = blind.play_until(blind.request(), "ordered")
    foreign = blind.simulator.accept(make_csr())
    blind.simulator.issue(foreign)
    ref = {**operation.provider_ref, "order_id": foreign.id}
    Operation.objects.filter(pk=operation.pk).update(provider_ref=ref, order_number=foreign.id)
    withdrawing.cancel(operation=fresh(operation), by=SYSTEM)
    operation = blind.play(fresh(operation))
    Operation.objects.filter(pk=operation.pk).update(watch_at=blind.now)

    reconciling.watch_due()

    assert fresh(operation).late_at is None


def test_send_again_sends_although_the_search_still_fails(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset"), Fault(on="find", do="status:500", times=10**6))
    operation = rig.play(rig.request(), most=2000)
    assert operation.unclear_at is not None

    deciding.send_again(operation=operation, by=SYSTEM)
    operation = rig.play(operation)

    assert operation.status == Operation.Status.COMPLETED
    assert rig.orders_of(operation) == 1


def test_a_request_that_cannot_be_looked_for_before_it_is_sent_becomes_a_persons_after_a_day(rig: Rig) -> None:
    rig.break_down(Fault(on="find", do="status:500", times=10**6))
    operation = rig.request()
    rig.move(timedelta(minutes=1))

    operation = rig.play(operation, most=2000)

    assert operation.is_in_progress
    assert operation.unclear_at is not None
    assert rig.orders_of(operation) == 0


@pytest.mark.parametrize("ca", ["rig", "blind"])
def test_after_a_restore_nothing_is_ordered_a_second_time(ca: str, request: pytest.FixtureRequest) -> None:
    rig: Rig = request.getfixturevalue(ca)
    operation = rig.request()
    before = Operation.objects.filter(pk=operation.pk).values().get()
    rig.play_until(operation, "ordered")
    rig.move(timedelta(hours=1))
    Operation.objects.filter(pk=operation.pk).update(**before)

    reconciling.look_before_sending()
    operation = rig.play(operation)

    assert rig.orders_of(operation) == 1
    assert operation.status == Operation.Status.COMPLETED or operation.unclear_at is not None


def test_a_certificate_adopted_while_it_is_revoked_is_shown_as_revoked(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = rig.play_until(rig.request(), "ordered")
    order = rig.simulator.orders[-1]
    ended = {"status": "cancelled", "step": "done", "ended_at": rig.now, "watch_at": rig.now, "next_step_at": None}
    Operation.objects.filter(pk=operation.pk).update(**ended)
    rig.simulator.issue(order)
    reconciling.watch_due()
    operation = fresh(operation)
    adapter = type(issuers.provider_of(operation.issuer))
    revoke = adapter.revoke

    def while_another_adopts(self: object, *given: object) -> object:
        lateness.adopt_late(operation=fresh(operation), by=SYSTEM)
        return revoke(self, *given)

    monkeypatch.setattr(adapter, "revoke", while_another_adopts)
    lateness.revoke_late(operation=operation, by=SYSTEM)

    assert order.status == "revoked"
    assert fresh(operation).version.revocation == "revoked"


@pytest.mark.parametrize("arrived", [True, False])
def test_a_ca_that_comes_back_after_a_person_was_asked_answers_the_question(rig: Rig, arrived: bool) -> None:
    sent = Fault(on="submit", do="reset-after" if arrived else "status:503")
    rig.break_down(sent, Fault(on="*", do="at-once", times=-1), Fault(on="find", do="status:503", times=-1))
    operation = rig.play(rig.request(), most=2000)
    assert operation.unclear_at is not None

    rig.break_down(Fault(on="*", do="at-once", times=-1))
    assert operation.next_step_at is not None
    rig.move_to(operation.next_step_at)
    rig.step(operation)
    operation = rig.play(operation)

    assert operation.unclear_at is None
    rig.assert_ended_well(operation)
