"""Every fault, through the worker's own steps: one order for one request, and it ends right or says why it waits."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.vault.lifecycle.cas import Rig
from vault.lifecycle import configuring
from vault.models import Operation
from vault.models.audit import SYSTEM
from vault.simulators.kit import Fault

DONE, FAILED, WAITS = "completed", "failed", "inProgress"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What goes wrong, how the operation ends, what it says then, how often an order was sent and accepted."""

    faults: tuple[Fault, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    end: str = DONE
    says: str = ""
    sent: int = 1
    orders: int = 1
    config: dict[str, str] = field(default_factory=dict)


def on(call: str, do: str, **more: Any) -> Fault:
    return Fault(on=call, do=do, **more)


CASES = {
    # ------------------------------------------------ the order's answer is lost
    "500 after accepting": Case(faults=(on("submit", "status-after:500"),)),
    "503 after accepting": Case(faults=(on("submit", "status-after:503"),)),
    "reset after accepting": Case(faults=(on("submit", "reset-after"),)),
    "JSON cut off": Case(faults=(on("submit", "truncate"),)),
    "a proxy's page after accepting": Case(faults=(on("submit", "html-after"),)),
    "a proxy's 403 page after accepting": Case(faults=(on("submit", "html-after", value="404"),)),
    "octets in place of JSON, not accepted": Case(faults=(on("submit", "garbage"),), sent=2),
    "500, not accepted": Case(faults=(on("submit", "status:500"),), sent=2),
    "reset, not accepted": Case(faults=(on("submit", "reset"),), sent=2),
    "lost, and the list fails twice": Case(
        faults=(on("submit", "reset-after"), on("find", "status:500"), on("find", "html", skip=1))
    ),
    "lost, and the list is late": Case(faults=(on("submit", "reset-after"),), more={"list_lag": 3}),
    "lost, and the list ignores filters": Case(faults=(on("submit", "reset-after"),), more={"filters": False}),
    "lost, and the list reads times in Utah": Case(faults=(on("submit", "reset-after"),), more={"zone_hours": -7}),
    "lost, and the list reads times in Asia": Case(faults=(on("submit", "reset-after"),), more={"zone_hours": 9}),
    # ------------------------------------------------------- certainly no order
    "429": Case(faults=(on("submit", "429", value="7"),), sent=2),
    "429 without Retry-After, three times": Case(faults=(on("submit", "429", times=3),), sent=4),
    "401 while ordering": Case(
        faults=(on("submit", "401"),), end=WAITS, orders=0, says="refuses the API key: HTTP 401 (invalid_api_key)."
    ),
    "the key may not order": Case(more={"view_only": True}, end=WAITS, orders=0, says="may not order certificates"),
    "CAA": Case(more={"caa": True}, end=FAILED, orders=0, says="(caa_check_failed|other_ca). The domain's CAA record"),
    "errors as an object": Case(more={"caa": True, "errors": "object"}, end=FAILED, orders=0, says="caa_check_failed"),
    "another organisation": Case(
        config={"organisation_id": "7"}, end=FAILED, orders=0, says="Organization not found (not_found|organization)."
    ),
    "no such product": Case(config={"product_ov": "ssl_gone"}, end=FAILED, orders=0, says="(not_found|product)."),
    # ------------------------------------------------------------------ waiting
    "delay": Case(more={"delay_polls": 4}),
    "bare answer": Case(more={"bare": True}),
    "the certificate comes at once": Case(more={"immediate": True}),
    "validation of the organisation": Case(
        faults=(on("submit", "ov-wait"),), end=WAITS, says="DigiCert is validating the organisation."
    ),
    "needs approval, and the key approves": Case(faults=(on("submit", "needs-approval"),)),
    "needs approval of another person": Case(
        more={"approver": False}, end=WAITS, says="Someone has to approve request 922433 in CertCentral. DigiCert does"
    ),
    "approval in CertCentral is wished": Case(
        config={"skip_approval": ""}, end=WAITS, says="Someone has to approve request 922433 in CertCentral."
    ),
    "domains to prove": Case(more={"dcv": True}, end=WAITS, says="DigiCert waits for proof of domain control."),
    "domains proved at the third look": Case(more={"dcv": 3}),
    "domains, the answer lost": Case(faults=(on("submit", "reset-after"),), more={"dcv": 2}),
    "a state never seen": Case(faults=(on("poll", "unknown-status", times=2),)),
    "a state never seen, for ever": Case(
        faults=(on("poll", "unknown-status", times=-1),),
        end=WAITS,
        says="DigiCert calls the order's state “quarantined”, which is not known here. It is asked again.",
    ),
    # --------------------------------------------------------- what comes back
    "rejected with a comment": Case(
        faults=(on("submit", "reject", value="No such company in the register"),),
        end=FAILED,
        says="DigiCert rejected the request: No such company in the register.",
    ),
    "another key": Case(
        faults=(on("poll", "wrong-key"),),
        end=FAILED,
        says="issued the order 542772 with a certificate for another key. Revoke it in CertCentral.",
    ),
    "another key at once": Case(
        faults=(on("submit", "wrong-key"),), more={"immediate": True}, end=FAILED, says="a certificate for another key"
    ),
    "CR LF and the root": Case(faults=(on("download", "crlf-root"),)),
    "more names": Case(faults=(on("poll", "extra-names"),)),
    "fewer days": Case(faults=(on("poll", "short-validity", value="30"),)),
    "404 just after it was issued": Case(faults=(on("download", "not-yet", times=3),)),
    # ------------------------------------------------------- while asking, once ordered
    "polls: 500": Case(faults=(on("poll", "status:500", times=2),)),
    "polls: reset": Case(faults=(on("poll", "reset", times=2),)),
    "polls: cut off": Case(faults=(on("poll", "truncate", times=2),)),
    "polls: a proxy's page": Case(faults=(on("poll", "html", times=2),)),
    "polls: a proxy's 404 page": Case(faults=(on("poll", "html", value="404"),)),
    "polls: octets": Case(faults=(on("poll", "garbage"),)),
    "polls: 429": Case(faults=(on("poll", "429", value="60"),)),
    "polls: 401": Case(faults=(on("poll", "401"),), end=WAITS, says="refuses the API key"),
    "polls: 404 at first": Case(faults=(on("poll", "status:404"),)),
    "polls: 404 for ever": Case(
        faults=(on("poll", "status:404", times=-1),), end=FAILED, says="does not know the order 542772 (any more)."
    ),
    "download: 500": Case(faults=(on("download", "status:500", times=2),)),
    "download: a proxy's page": Case(faults=(on("download", "html"),)),
    "download: cut off": Case(faults=(on("download", "truncate"),)),
    "download: reset": Case(faults=(on("download", "reset-after"),)),
    "approval: lost": Case(faults=(on("submit", "needs-approval"), on("approve", "reset-after"))),
    "checking domains: 500": Case(faults=(on("validate", "status:500"),), more={"dcv": 2}),
}


@pytest.mark.parametrize("name", CASES)
def test_one_order_and_the_right_end(rig: Rig, name: str) -> None:
    case = CASES[name]
    rig.issuer.edit(config={**rig.issuer.config, **case.config})
    settings = dict(case.more)
    rig.break_down(*[Fault(**vars(fault)) for fault in case.faults], delay_polls=settings.pop("delay_polls", 0))
    rig.simulator.script.more = settings

    operation = rig.play(rig.request(), days=0.1 if case.end == WAITS else 3)

    said = f"{operation.error_message} {operation.detail} {operation.issuer.pause_words}"
    assert operation.status == case.end, (said, [step.text for step in operation.steps.all()])
    assert rig.orders_of(operation) == case.orders
    assert rig.simulator.counts["submit"] == case.sent
    assert case.says in said
    if case.end == DONE:
        rig.assert_ended_well(operation)
        assert operation.version.chain.count("BEGIN") == 2


def test_nothing_that_waits_or_failed_has_shown_the_key(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.break_down(Fault(on="poll", do="401"))

    operation = rig.play(rig.request(), days=1)

    operation.issuer.refresh_from_db()
    told = " ".join(step.text for step in operation.steps.all())
    for text in (caplog.text, told, operation.detail, operation.issuer.pause_words, str(operation.provider_ref)):
        assert rig.simulator.values()["password"] not in text


def test_two_requests_of_the_same_name_are_told_apart(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset-after", times=2), delay_polls=1)
    first, second = rig.request("one"), rig.request("two")
    rig.step(first), rig.step(second)

    ended = [rig.play(one) for one in (first, second)]

    for operation in ended:
        rig.assert_ended_well(operation)
    assert ended[0].order_number != ended[1].order_number
    assert rig.simulator.counts["submit"] == 2


def test_the_issuer_goes_on_after_a_good_test(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="401"))
    operation = rig.play(rig.request(), days=1)
    assert operation.status == Operation.Status.IN_PROGRESS

    configuring.test_issuer(issuer=rig.issuer, by=SYSTEM)

    rig.assert_ended_well(rig.play(operation))
