"""Every fault on both platforms, through the worker's own steps: one order, and it ends right or says why it waits."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.vault.lifecycle.cas import Rig
from vault.simulators.atlas import POLICY, AtlasSimulator
from vault.simulators.globalsign import GlobalSignSimulator
from vault.simulators.kit import Fault

DONE, FAILED, WAITS = "completed", "failed", "inProgress"
CONTACT = {"first_name": "Ada", "last_name": "Lind", "email": "pki@example.org", "phone": "+46 8 123 456"}


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


def both() -> dict[str, Case]:
    """What HTTP does, which is the same whatever is spoken over it."""
    return {
        # ---------------------------------------------- the order's answer is lost
        "500 after accepting": Case(faults=(on("submit", "status-after:500"),)),
        "503 after accepting": Case(faults=(on("submit", "status-after:503"),)),
        "reset after accepting": Case(faults=(on("submit", "reset-after"),)),
        "cut off": Case(faults=(on("submit", "truncate"),)),
        "500, not accepted": Case(faults=(on("submit", "status:500"),), sent=2),
        "reset, not accepted": Case(faults=(on("submit", "reset"),), sent=2),
        "octets, not accepted": Case(faults=(on("submit", "garbage"),), sent=2),
        "lost, and the search fails twice": Case(
            faults=(on("submit", "reset-after"), on("find", "status:500"), on("find", "html", skip=1))
        ),
        "lost, and the search is cut off": Case(faults=(on("submit", "status-after:500"), on("find", "truncate"))),
        "lost, and the search is refused": Case(
            faults=(on("submit", "reset-after"), on("find", "401", times=-1)), end=WAITS, says="refuses the"
        ),
        # ------------------------------------------------------ certainly no order
        "429": Case(faults=(on("submit", "429", value="7"),), sent=2),
        "429 without Retry-After, three times": Case(faults=(on("submit", "429", times=3),), sent=4),
        # ----------------------------------------------------------------- waiting
        "delay": Case(more={"delay_polls": 4}),
        "a state never seen": Case(faults=(on("poll", "unknown-status", times=2),)),
        "a state never seen, for ever": Case(
            faults=(on("poll", "unknown-status", times=-1),),
            end=WAITS,
            says="which is not known here. It is asked again.",
        ),
        "not there just after it was issued": Case(faults=(on("poll", "not-yet", times=2),)),
        # -------------------------------------------------------- what comes back
        "another key": Case(faults=(on("*", "wrong-key"),), end=FAILED, says="was made for another request"),
        "CR LF and the root": Case(faults=(on("poll", "crlf-root"),)),
        "more names": Case(faults=(on("*", "extra-names"),)),
        "fewer days": Case(faults=(on("*", "short-validity", value="30"),)),
        # ------------------------------------------------------ while asking, once ordered
        "polls: 500": Case(faults=(on("poll", "status:500", times=2),)),
        "polls: reset": Case(faults=(on("poll", "reset", times=2),)),
        "polls: cut off": Case(faults=(on("poll", "truncate", times=2),)),
        "polls: a proxy's page": Case(faults=(on("poll", "html", times=2),)),
        "polls: octets": Case(faults=(on("poll", "garbage"),)),
        "polls: 429": Case(faults=(on("poll", "429", value="60"),)),
    }


MSSL = {
    **both(),
    "a proxy's page after accepting": Case(faults=(on("submit", "html-after"),)),
    "a proxy's 404 page after accepting": Case(faults=(on("submit", "html-after", value="404"),)),
    "HTTP 401 while ordering": Case(faults=(on("submit", "401"),), end=WAITS, orders=0, says="refuses the call (HTTP 401)"),
    "wrong password": Case(
        config={"account_id": "PAR_other"}, end=WAITS, orders=0, sent=0, says="Invalid user name or password (-4001)."
    ),
    "address not on the list": Case(
        more={"errors": {"domains": ["-4201"]}}, end=WAITS, orders=0, sent=0, says="on the allow list"
    ),
    "locked while ordering": Case(more={"errors": {"submit": ["-9939"]}}, end=WAITS, orders=0, says="is locked"),
    "no right to Managed SSL": Case(more={"errors": {"submit": ["-9403"]}}, end=WAITS, orders=0, says="the right to Managed"),
    "database error at the order": Case(more={"errors": {"submit": ["-2001"]}}, sent=2),
    "internal error at the order": Case(more={"errors": {"submit": ["-1"]}}, sent=2),
    "system error while asking": Case(more={"errors": {"poll": ["-201", "-300"]}}),
    "system error while looking up the domain": Case(more={"errors": {"domains": ["-301"]}}),
    "no balance": Case(more={"errors": {"submit": ["-6101"]}}, end=FAILED, orders=0, says="(-6101). The balance"),
    "the CA behind it fails": Case(more={"errors": {"submit": ["-9942"]}}, end=FAILED, orders=0, says="own CA failed"),
    "a parameter": Case(more={"errors": {"submit": ["-103"]}}, end=FAILED, orders=0, says="Refused (-103)."),
    "a code never seen": Case(more={"errors": {"submit": ["-7777"]}}, end=FAILED, orders=0, says="(-7777)."),
    "no such domain": Case(more={"domains": ["else.test"]}, end=FAILED, orders=0, sent=0, says="under no domain of the profile"),
    "no such product for the type": Case(
        config={"product_ov": ""}, end=FAILED, orders=0, sent=0, says="orders no certificates of type OV-SSL"
    ),
    "held with a warning": Case(more={"warn": True}, end=WAITS, says="held by a check at GlobalSign (phishing)"),
    "held, and the answer lost": Case(
        faults=(on("submit", "reset-after"),), more={"warn": True}, end=WAITS, says="held by a check"
    ),
    "the certificate comes at once": Case(more={"immediate": True}),
    "needs approval": Case(faults=(on("submit", "needs-approval"),), end=WAITS, says="waits for an approval in the GCC portal"),
    "denied": Case(
        faults=(on("submit", "reject"),), end=FAILED, says="GlobalSign denied the order CEAP"
    ),
    "polls: not known at first": Case(more={"errors": {"poll": ["-4003", "-9916"]}}),
    "polls: a refusal that is about the question": Case(more={"errors": {"poll": ["-101", "-9902"]}}),
    "polls: not known for ever": Case(
        more={"errors": {"poll": ["-4003"] * 50}}, end=FAILED, says="(any more)."
    ),
    "polls: locked account": Case(more={"errors": {"poll": ["-9939"]}}, end=WAITS, says="is locked"),
    "lost, and dates have no zone": Case(faults=(on("submit", "reset-after"),), config={"date_format": "local"}),
}  # fmt: skip

_NO_NAMES = copy.deepcopy(POLICY)
_NO_NAMES["san"]["dns_names"]["maxcount"] = 0
_BARE_KEYS = copy.deepcopy(POLICY)
_BARE_KEYS["public_key"]["key_format"] = "PKCS8"
_LOCALITY = copy.deepcopy(POLICY)
_LOCALITY["subject_dn"]["locality"]["presence"] = "REQUIRED"

ATLAS = {
    **both(),
    "a proxy's page in place of 201": Case(faults=(on("submit", "html-after"),)),
    "a proxy's 404 page after accepting": Case(faults=(on("submit", "html-after", value="404"),)),
    "token refused once": Case(faults=(on("submit", "401"),), sent=2),
    "token refused twice": Case(faults=(on("submit", "401", times=2),), end=WAITS, orders=0, sent=2, says="refuses the call"),
    "polls: token refused once": Case(faults=(on("poll", "401"),)),
    "wrong secret": Case(config={"account_id": "other"}, end=WAITS, orders=0, sent=0, says="The API key or secret is wrong"),
    "sign-in: 500": Case(faults=(on("login", "status:500"),)),
    "sign-in: a proxy's page": Case(faults=(on("login", "html"),)),
    "policy: cut off": Case(faults=(on("policy", "truncate"),)),
    "no quota": Case(more={"quota": 0}, end=WAITS, orders=0, says="quota for this credential is used up"),
    "outside the policy": Case(
        faults=(on("submit", "reject", value="subject_dn.common_name"),),
        end=FAILED,
        orders=0,
        says="GlobalSign said no: subject_dn.common_name (HTTP 422).",
    ),
    "the policy allows no names": Case(more={"policy": _NO_NAMES}, end=FAILED, orders=0, sent=0, says="allows at most 0 dns names"),
    "the policy wants bare keys": Case(more={"policy": _BARE_KEYS}, end=FAILED, orders=0, sent=0, says="Ask GlobalSign to change"),
    "the policy wants a locality": Case(more={"policy": _LOCALITY}, end=FAILED, orders=0, sent=0, says="requires the subject's locality"),
    "polls: 503": Case(faults=(on("poll", "status:503", times=3),)),
    "polls: 404 for ever": Case(faults=(on("poll", "not-yet", times=-1),), end=FAILED, says="(any more)."),
    "chain: 500": Case(faults=(on("download", "status:500", times=2),)),
    "chain: a proxy's page": Case(faults=(on("download", "html"),)),
    "lost, and opening the found fails": Case(faults=(on("submit", "reset-after"), on("poll", "status:503"))),
}  # fmt: skip


@pytest.fixture
def mssl_rig(mssl: GlobalSignSimulator) -> Iterator[Rig]:
    with Rig(mssl) as rig:
        rig.issuer.administrators = [CONTACT]
        rig.issuer.save(update_fields=["administrators"])
        yield rig


@pytest.fixture
def atlas_rig(atlas: AtlasSimulator) -> Iterator[Rig]:
    with Rig(atlas) as rig:
        yield rig


@pytest.mark.parametrize("name", MSSL)
def test_managed_ssl(mssl_rig: Rig, name: str) -> None:
    _one_order_and_the_right_end(mssl_rig, MSSL[name], authorities=2)


@pytest.mark.parametrize("name", ATLAS)
def test_atlas(atlas_rig: Rig, name: str) -> None:
    _one_order_and_the_right_end(atlas_rig, ATLAS[name], authorities=2)


def _one_order_and_the_right_end(rig: Rig, case: Case, *, authorities: int) -> None:
    rig.issuer.edit(config={**rig.issuer.config, **case.config})
    settings = copy.deepcopy(case.more)
    rig.break_down(*[Fault(**vars(fault)) for fault in case.faults], delay_polls=settings.pop("delay_polls", 0))
    rig.simulator.script.more = settings

    operation = rig.play(rig.request(), days=0.1 if case.end == WAITS else 3)

    said = f"{operation.error_message} {operation.detail} {operation.issuer.pause_words}"
    told = [step.text for step in operation.steps.all()]
    assert operation.status == case.end, (said, told)
    assert rig.orders_of(operation) == case.orders
    assert rig.simulator.counts["submit"] == case.sent
    assert case.says in said
    assert rig.simulator.values()["password"] not in f"{said}{told}{operation.provider_ref}"
    if case.end == DONE:
        rig.assert_ended_well(operation)
        assert operation.version.chain.count("BEGIN") <= authorities


def test_a_renewal_goes_back_to_the_order_before(mssl_rig: Rig) -> None:
    first = mssl_rig.play(mssl_rig.request("web"))
    mssl_rig.assert_ended_well(first)

    second = mssl_rig.play(mssl_rig.request("web"))

    mssl_rig.assert_ended_well(second)
    assert [order.data["kind"] for order in mssl_rig.simulator.orders] == ["new", "renewal"]


def test_a_renewal_that_is_refused_becomes_a_new_order_in_the_same_step(mssl_rig: Rig) -> None:
    mssl_rig.assert_ended_well(mssl_rig.play(mssl_rig.request("web")))
    mssl_rig.simulator.script.more = {"errors": {"submit": ["-6102"]}}

    second = mssl_rig.play(mssl_rig.request("web"))

    mssl_rig.assert_ended_well(second)
    assert [order.data["kind"] for order in mssl_rig.simulator.orders] == ["new", "new"]


def test_cancelled_before_it_is_issued(mssl_rig: Rig) -> None:
    mssl_rig.break_down(delay_polls=10)
    operation = mssl_rig.play_until(mssl_rig.request(), "ordered")

    mssl_rig.cancel(operation)

    assert mssl_rig.play(operation, days=1).status == "cancelled"
    assert mssl_rig.simulator.orders[0].status == "cancelled"


def test_cancelled_too_late_is_completed_and_never_voided(mssl_rig: Rig) -> None:
    operation = mssl_rig.play_until(mssl_rig.request(), "ordered")

    mssl_rig.cancel(operation)

    mssl_rig.assert_ended_well(mssl_rig.play(operation, days=1))
    assert mssl_rig.simulator.counts["cancel"] == 0
