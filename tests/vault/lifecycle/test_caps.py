"""Caps on validity where certificates are asked for and ordered."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.factories import make_operation, make_policy, make_vault
from tests.vault.lifecycle.cas import Rig, make_issuer
from vault.errors import PolicyViolation
from vault.lifecycle import changing, issuing, orders
from vault.models import Operation
from vault.models.audit import SYSTEM
from vault.models.policy import Validity
from vault.simulators.digicert import DigiCertSimulator

pytestmark = pytest.mark.django_db

BEFORE = datetime(2027, 3, 14, 12, tzinfo=UTC)
AFTER = datetime(2027, 3, 15, 12, tzinfo=UTC)
TOLD = "The validity of 12 months is reduced to 199 days: CA/B cap of 15 March 2026"


def told(operation: Operation) -> list[str]:
    """The lines of its history."""
    return [step.text for step in operation.steps.all()]


def test_the_order_carries_the_shortened_validity_and_the_story_says_why() -> None:
    with Rig(DigiCertSimulator()) as rig:
        rig.move_to(datetime(2026, 11, 24, 12, tzinfo=UTC))
        operation = rig.play(rig.request(validity=Validity(number=12)))

        assert operation.version is not None
        assert (operation.version.not_after - operation.version.not_before).days in {198, 199}
        assert TOLD in told(operation)
        assert operation.policy.validity == Validity(number=12)
        assert operation.certificate.policy.validity == Validity(number=12)


def test_the_cap_of_the_day_of_sending_counts() -> None:
    with Rig(DigiCertSimulator()) as rig:
        rig.move_to(BEFORE)
        operation = rig.request(validity=Validity(number=6))
        before = orders.request_of(operation).validity_days

        rig.move_to(AFTER)
        operation = rig.step(operation)

        assert before == 184
        assert orders.request_of(operation).validity_days == 99
        assert "The validity of 6 months is reduced to 99 days: CA/B cap of 15 March 2027" in told(operation)


def test_what_was_sent_before_a_cap_stays_as_it_was_sent() -> None:
    with Rig(DigiCertSimulator()) as rig:
        rig.move_to(BEFORE)
        rig.break_down(delay_polls=3)
        operation = rig.step(rig.request(validity=Validity(number=6)))

        rig.move_to(AFTER + timedelta(days=1))

        assert orders.request_of(operation).validity_days == 184


def test_self_signed_certificates_last_as_long_as_asked() -> None:
    operation = make_operation(issuer="Self", validity=Validity(number=60))

    assert (orders.request_of(operation).validity_days or 0) > 1800


@time_machine.travel(AFTER, tick=False)
@pytest.mark.parametrize(("months", "is_refused"), [("6", True), ("3", False), ("exact", False)])
def test_a_request_is_refused_where_the_issuer_would_refuse_it(months: str, *, is_refused: bool) -> None:
    vault = make_vault()
    make_issuer(vault, provider="GlobalSign", name="GS", config={"validity": months})
    policy = make_policy(issuer_name="GS")

    if not is_refused:
        assert issuing.prepare(vault, policy).validity == policy.validity
        return
    with pytest.raises(PolicyViolation, match="orders 6 months, and its CA gives 99 days at most") as refusal:
        issuing.prepare(vault, policy)
    assert refusal.value.field == "validity"


def test_a_policy_keeps_a_validity_that_is_longer_than_the_cap() -> None:
    vault = make_vault()
    make_issuer(vault, provider="DigiCert", name="DC", config={})
    operation = make_operation(vault=vault)

    changing.change_policy(certificate=operation.certificate, policy=make_policy(issuer_name="DC"), by=SYSTEM)

    operation.certificate.refresh_from_db()
    assert operation.certificate.policy.validity == Validity(number=12)
