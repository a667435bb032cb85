"""WoSign by its contract profile: one order whatever goes wrong, and nothing decided on what is not understood."""

import base64
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.pki.authority import make_csr, make_leaf, make_root
from tests.vault.lifecycle.cas import Rig, fresh
from tests.vault.providers.rawserver import RawServer, response
from vault.lifecycle import configuring, deciding
from vault.models import Operation
from vault.models.audit import SYSTEM
from vault.providers.answers import Answer, BadAnswer
from vault.providers.base import (
    AddressRules,
    Administrator,
    Can,
    Cancelled,
    CancelResult,
    CertRequest,
    Failed,
    InvalidRequest,
    Issued,
    Lookup,
    Names,
    NotAuthorised,
    OrderNotFound,
    OutcomeUnknown,
    Pending,
    ProviderError,
    Ref,
    Rejected,
    RevocationReason,
    RevokeResult,
    Setup,
    Transient,
)
from vault.providers.wosign import OFFER, WoSign
from vault.providers.wosign.profile import DEFAULT, Profile
from vault.simulators.kit import Fault, Script
from vault.simulators.wosign import TOKEN, WoSignSimulator
from vault.x509.requests import csr_pem

DONE, FAILED, WAITS = "completed", "failed", "inProgress"
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def _running() -> Iterator[WoSignSimulator]:
    with WoSignSimulator() as simulator:
        yield simulator


@pytest.fixture
def ca(_running: WoSignSimulator) -> WoSignSimulator:
    _running.clear()
    return _running


@pytest.fixture
def rig(ca: WoSignSimulator) -> Iterator[Rig]:
    with Rig(ca) as rig:
        yield rig


def on(call: str, do: str, **more: Any) -> Fault:
    return Fault(on=call, do=do, **more)


# --------------------------------------------------------- through the lifecycle
@dataclass(frozen=True, kw_only=True)
class Case:
    """What goes wrong, how the operation ends, what it says then, how often an order was sent and accepted."""

    faults: tuple[Fault, ...] = ()
    delay: int = 0
    end: str = DONE
    says: str = ""
    sent: int = 1
    orders: int = 1


UNKNOWN = "It is unknown whether WoSign has taken the order"
CASES = {
    "nothing": Case(),
    "delay": Case(delay=4),
    "500 after accepting": Case(faults=(on("submit", "status-after:500"),), end=WAITS, says=UNKNOWN),
    "reset after accepting": Case(faults=(on("submit", "reset-after"),), end=WAITS, says=UNKNOWN),
    "cut off": Case(faults=(on("submit", "truncate"),), end=WAITS, says=UNKNOWN),
    "a proxy's page after accepting": Case(faults=(on("submit", "html-after"),), end=WAITS, says=UNKNOWN),
    "a proxy's 404 page": Case(faults=(on("submit", "html", value="404"),), end=WAITS, says=UNKNOWN, orders=0),
    "500": Case(faults=(on("submit", "status:500"),), end=WAITS, says=UNKNOWN, orders=0),
    "reset": Case(faults=(on("submit", "reset"),), end=WAITS, says=UNKNOWN, orders=0),
    "octets": Case(faults=(on("submit", "garbage"),), end=WAITS, says=UNKNOWN, orders=0),
    "429": Case(faults=(on("submit", "429", value="5"),), sent=2),
    "401": Case(faults=(on("submit", "401"),), end=WAITS, says="HTTP 401", orders=0),
    "validation": Case(faults=(on("submit", "ov-wait"),), end=WAITS, says="checking the organisation or the domains"),
    "approval": Case(faults=(on("submit", "needs-approval"),), end=WAITS, says="WoSign is working on the order"),
    "rejected": Case(
        faults=(on("submit", "reject", value="No such company."),),
        end=FAILED,
        says="WoSign rejected the order: No such company.",
    ),
    "a state never seen": Case(faults=(on("poll", "unknown-status", times=2),)),
    "a state never seen, for ever": Case(
        faults=(on("poll", "unknown-status", times=-1),), end=WAITS, says="the contract profile does not know"
    ),
    "another key": Case(faults=(on("poll", "wrong-key"),), end=FAILED, says="The CA's answer cannot be used"),
    "CR LF and the root": Case(faults=(on("poll", "crlf-root"),)),
    "more names": Case(faults=(on("poll", "extra-names"),)),
    "fewer days": Case(faults=(on("poll", "short-validity"),)),
    "issued without a certificate at first": Case(faults=(on("poll", "not-yet", times=3),)),
    "polls: 500": Case(faults=(on("poll", "status:500", times=2),)),
    "polls: reset": Case(faults=(on("poll", "reset-after", times=2),)),
    "polls: cut off": Case(faults=(on("poll", "truncate", times=2),)),
    "polls: a proxy's page": Case(faults=(on("poll", "html", times=2),)),
    "polls: octets": Case(faults=(on("poll", "garbage"),)),
    "polls: 429": Case(faults=(on("poll", "429", value="60"),)),
    "polls: 404": Case(faults=(on("poll", "status:404", times=3),)),
    "polls: 401": Case(faults=(on("poll", "401"),), end=WAITS, says="HTTP 401"),
}


@pytest.mark.parametrize("name", CASES)
def test_one_order_and_the_right_end(rig: Rig, name: str) -> None:
    case = CASES[name]
    rig.break_down(*[Fault(**vars(fault)) for fault in case.faults], delay_polls=case.delay)

    operation = rig.play(rig.request(), days=0.05 if case.end == WAITS else 3)

    said = f"{operation.error_message} {operation.detail} {operation.issuer.pause_words}"
    assert operation.status == case.end, (said, [step.text for step in operation.steps.all()])
    assert (rig.orders_of(operation), rig.simulator.counts["submit"]) == (case.orders, case.sent)
    assert case.says in said
    assert TOKEN not in said
    if case.end == DONE:
        rig.assert_ended_well(operation)


def test_a_person_who_found_the_order_has_the_portal_go_on(rig: Rig) -> None:
    rig.break_down(on("submit", "reset-after"))
    operation = rig.play(rig.request(), days=1)
    assert operation.status == WAITS

    deciding.adopt_order(operation=operation, order_id=rig.simulator.orders[0].id, by=SYSTEM)

    rig.assert_ended_well(rig.play(operation))


def test_a_person_who_found_no_order_has_it_sent_again(rig: Rig) -> None:
    rig.break_down(on("submit", "reset"))
    operation = rig.play(rig.request(), days=1)

    deciding.send_again(operation=operation, by=SYSTEM)

    rig.assert_ended_well(rig.play(operation))


def test_a_number_that_is_wrong_decides_nothing(rig: Rig) -> None:
    rig.break_down(on("submit", "reset-after"))
    operation = rig.play(rig.request(), days=1)

    deciding.adopt_order(operation=operation, order_id="999", by=SYSTEM)
    operation = rig.play(operation, days=1)

    assert operation.status == WAITS
    assert "The order number 999 that was entered is not right" in operation.detail
    assert rig.orders_of(operation) == 1


def test_a_cancelled_order_ends_cancelled(rig: Rig) -> None:
    rig.break_down(delay_polls=99)
    operation = rig.play_until(rig.request(), Operation.Step.ORDERED)

    rig.cancel(operation)
    operation = rig.play(operation)

    assert operation.status == "cancelled"
    assert rig.simulator.orders[0].status == "cancelled"


def test_a_wrong_token_pauses_the_issuer_and_a_good_test_resumes_it(rig: Rig) -> None:
    rig.break_down(on("poll", "401"), delay_polls=1)
    operation = rig.play(rig.request(), days=0.05)
    assert operation.status == WAITS
    assert fresh(operation).issuer.is_paused

    configuring.test_issuer(issuer=rig.issuer, by=SYSTEM)

    rig.assert_ended_well(rig.play(operation))


# ------------------------------------------------------------- the adapter alone
class Nothing:
    """What this adapter does not use."""

    def load(self) -> None: ...
    def keep(self, before: Any, now: Any) -> bool: ...
    def put_up(self, token: str, key_authorization: str) -> None: ...
    def take_down(self, token: str) -> None: ...


def build(address: str, *, token: str = TOKEN, person: Administrator | None = None, **config: str) -> WoSign:
    adapter = OFFER.build(
        Setup(
            config={"address": address, **config},
            secrets={"password": token},
            administrators=[person] if person else [],
            rules=AddressRules(loopback=True),
            memory=Nothing(),
            board=Nothing(),
            now=lambda: NOW,
        )
    )
    assert isinstance(adapter, WoSign)
    return adapter


CSR = make_csr()


def request(**facts: Any) -> CertRequest:
    names = Names(common_name="www.example.org", dns=("www.example.org", "example.org"))
    ends = {"not_before": NOW, "not_after": NOW + timedelta(days=90)}
    return CertRequest(**{"operation_id": "5b1f", "csr": CSR, "names": names, "validity_days": 90, **ends, **facts})


def submit(adapter: WoSign, asked: CertRequest | None = None) -> tuple[Any, list[Ref]]:
    saved: list[Ref] = []
    return adapter.submit(asked or request(), saved.append), saved


alone = pytest.mark.no_database


@alone
@pytest.mark.parametrize(
    ("do", "raised", "orders"),
    [
        ("status:500", OutcomeUnknown, 0),
        ("status-after:500", OutcomeUnknown, 1),
        ("reset", OutcomeUnknown, 0),
        ("reset-after", OutcomeUnknown, 1),
        ("truncate", OutcomeUnknown, 1),
        ("html-after", OutcomeUnknown, 1),
        ("garbage", OutcomeUnknown, 0),
        ("429", Transient, 0),
        ("401", NotAuthorised, 0),
        ("status:403", NotAuthorised, 0),
    ],
)
def test_a_fault_while_ordering_is_the_right_refusal(
    do: str, raised: type[ProviderError], orders: int, ca: WoSignSimulator
) -> None:
    ca.script = Script(faults=[on("submit", do)])

    with pytest.raises(raised):
        submit(build(ca.address))

    assert len(ca.orders) == orders


@alone
def test_the_number_is_saved_as_soon_as_it_is_known(ca: WoSignSimulator) -> None:
    ca.script = Script(delay_polls=1)

    outcome, saved = submit(build(ca.address))

    assert isinstance(outcome, Pending)
    assert [ref.order_id for ref in saved] == [ca.orders[0].id]
    assert (ca.orders[0].names, ca.orders[0].data["months"]) == (("www.example.org", "example.org"), 3)


@alone
def test_a_lost_order_cannot_be_looked_for(ca: WoSignSimulator) -> None:
    assert build(ca.address).find(request(), NOW) == Lookup(complete=False)
    assert Can.FIND_ORDERS not in WoSign.can


@alone
def test_the_check_tells_a_good_token_from_a_bad_one(ca: WoSignSimulator) -> None:
    good, bad = build(ca.address).check(), build(ca.address, token="other").check()

    assert good.ok
    assert good.lines[0].text.startswith("WoSign takes the token")
    assert not bad.ok
    assert bad.lines[0].text == "WoSign does not take the connection token: connect_token is wrong"
    assert ca.orders == []


@alone
@pytest.mark.parametrize("do", ["status:500", "html", "reset", "garbage", "401", "429"])
def test_a_check_that_fails_says_so_and_raises_nothing(do: str, ca: WoSignSimulator) -> None:
    ca.script = Script(faults=[on("check", do)])

    check = build(ca.address).check()

    assert not check.ok
    assert "WoSign" in check.lines[0].text


@alone
@pytest.mark.parametrize("body", ["[1];OrderID=7;orderStatus=1", "[0];message=what is this", "[9]"])
def test_a_check_is_not_good_when_a_made_up_order_is_known(body: str) -> None:
    with RawServer(response(body.encode())) as server:
        check = build(server.address).check()

    assert not check.ok
    assert "did not say that a made-up order does not exist" in check.lines[0].text


@alone
def test_a_contract_may_have_no_call_to_cancel() -> None:
    adapter = build("http://127.0.0.1:1", profile="action.cancel =")

    assert adapter.cancel(request(), Ref(order_id="7")) is CancelResult.UNSUPPORTED


@alone
def test_a_check_shows_what_is_wrong_with_the_profile(ca: WoSignSimulator) -> None:
    check = build(ca.address, profile="send.cvr = CSR\nsend.csr").check()

    assert [line.ok for line in check.lines] == [False, False, True]
    assert "“send.cvr” is no name of the contract profile" in check.lines[0].text


@alone
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", CancelResult.DONE),
        ("validation", CancelResult.DONE),
        ("issued", CancelResult.TOO_LATE),
        ("rejected", CancelResult.TOO_LATE),
    ],
)
def test_cancelling_in_each_state(status: str, expected: CancelResult, ca: WoSignSimulator) -> None:
    adapter = build(ca.address)
    ca.script = Script(delay_polls=9)
    _, saved = submit(adapter)
    ca.orders[0].become(status)

    assert adapter.cancel(request(), saved[0]) is expected


@alone
def test_what_was_cancelled_may_be_issued_all_the_same(ca: WoSignSimulator) -> None:
    adapter = build(ca.address)
    ca.script = Script(delay_polls=9, faults=[on("cancel", "late-issue")])
    _, (ref,) = submit(adapter)
    adapter.cancel(request(), ref)

    assert isinstance(adapter.poll(request(), ref, lambda _: None), Issued)


@alone
def test_an_order_that_was_cancelled_there_is_cancelled_here(ca: WoSignSimulator) -> None:
    adapter = build(ca.address)
    ca.script = Script(delay_polls=9)
    _, (ref,) = submit(adapter)
    ca.orders[0].become("cancelled")

    assert isinstance(adapter.poll(request(), ref, lambda _: None), Cancelled)


@alone
def test_a_revocation_is_asked_for_by_the_orders_number(ca: WoSignSimulator) -> None:
    adapter = build(ca.address)
    _, (ref,) = submit(adapter)
    issued = adapter.poll(request(), ref, lambda _: None)
    assert isinstance(issued, Issued)

    result = adapter.revoke(issued.leaf, ref, RevocationReason.SUPERSEDED, "replaced")

    assert result is RevokeResult.REQUESTED
    assert list(ca.authority.revoked.values()) == ["superseded replaced"]
    for wrong in (None, Ref(), ref):
        with pytest.raises(Rejected, match=r"Revoke it in your account|did not take the revocation"):
            adapter.revoke(issued.leaf, wrong, RevocationReason.SUPERSEDED, "")


@alone
@pytest.mark.parametrize(
    ("config", "kind", "code"),
    [
        ({}, "", None),
        ({}, "OV-SSL", "OVZhenSSLPro"),
        ({}, "EV-SSL", "EVZhenSSLPro"),
        ({"certificate_type": "EV-SSL"}, "", "EVZhenSSLPro"),
        ({"certificate_type": "EV-SSL"}, "OV-SSL", "OVZhenSSLPro"),
        ({"profile": "product.account = X1"}, "", "X1"),
        ({"profile": "product.OV-SSL = X2"}, "OV-SSL", "X2"),
    ],
)
def test_the_product_is_the_requests_the_issuers_or_the_accounts(
    config: dict[str, str], kind: str, code: str | None
) -> None:
    assert sent_by(request(certificate_type=kind), **config).get("certName") == code


def sent_by(asked: CertRequest, **config: str) -> dict[str, str]:
    """The form that an order is sent as."""
    with RawServer(response(b"[1];OrderID=7")) as server:
        person = Administrator(first_name="Ada", last_name="Byron", email="ada@example.org", phone="+49 30 1")
        submit(build(server.address, person=person, **config), asked)
    return {name: value for name, (value,) in parse_qs(server.received.decode().rpartition("\r\n\r\n")[2]).items()}


@alone
def test_an_order_says_what_the_contract_wants_to_know() -> None:
    sent = sent_by(
        request(),
        organisation="Example Ltd",
        organisation_kind="BusinessEntity",
        account_id="me",
        profile="# by our contract\n\nsend.csr = csrText\nsend.account = userID\nfixed.cerepayType = 1\nsend.months =",
    )

    assert sent == {
        "actionType": "MakeOrder",
        "connect_token": TOKEN,
        "userID": "me",
        "certencryptType": "SHA2",
        "cerepayType": "1",
        "certallDomain": "www.example.org,example.org",
        "csrText": csr_pem(CSR),
        "ownUser_name": "Ada Byron",
        "ownUser_email": "ada@example.org",
        "ownUser_phone": "+49 30 1",
        "org_name": "Example Ltd",
        "org_Type": "BusinessEntity",
    }


# ---------------------------------------------------- answers nobody has foreseen
ROOT = make_root()
LEAF = make_leaf(ROOT, "www.example.org")
LEAF_64 = base64.b64encode(LEAF.der).decode()
ODD_ANSWERS = [
    "[1];OrderID=7;orderStatus=8",
    "[1];OrderID=7;orderStatus=2",
    "[1];OrderID=7;orderStatus=2;certificate=",
    "[1];OrderID=7;orderStatus=2;certificate=AAAA",
    f"[1];OrderID=7;orderStatus=2;certificate={LEAF_64[:200]}",
    f"[1];OrderID=7;orderStatus=2;certificate={LEAF_64};intermediateCertificate=MIIB",
    "[1];OrderID=7;orderStatus=2;certificate=-----BEGIN CERTIFICATE-----",
    f"[1];OrderID=7;orderStatus=9;certificate={LEAF_64}",
    "[0];message=not now",
    "[9];message=something else",
    "[-17]",
    "[3];message=no such order",
    "[1]",
]


@alone
@pytest.mark.parametrize("body", ODD_ANSWERS)
def test_an_answer_that_is_not_understood_never_ends_an_order(body: str) -> None:
    with RawServer(response(body.encode())) as server:
        outcome = build(server.address).poll(request(), Ref(order_id="7", data={"placed": True}), lambda _: None)

    assert isinstance(outcome, Pending)


@alone
@pytest.mark.parametrize("body", ["", "1", "OK", "[]", "[1", "<h1>Proxy</h1>", '{"status": 1}', "[a-b];x=y", "\x00"])
def test_what_is_no_answer_at_all_is_asked_again(body: str) -> None:
    with RawServer(response(body.encode())) as server:
        adapter = build(server.address)
        with pytest.raises(Transient):
            adapter.poll(request(), Ref(order_id="7"), lambda _: None)
        with pytest.raises(OutcomeUnknown):
            submit(adapter)


@alone
@pytest.mark.parametrize(
    "body",
    ["[1]", "[1];OrderID=", "[1];Order=7", "[1];OrderID=a b", f"[1];OrderID={'1' * 101}", "[9];OrderID=7", "[3]"],
)
def test_an_order_without_a_clear_answer_has_an_unknown_fate(body: str) -> None:
    with RawServer(response(body.encode())) as server, pytest.raises(OutcomeUnknown, match="It may exist"):
        submit(build(server.address))


@alone
def test_a_clear_no_has_ordered_nothing() -> None:
    server = RawServer(response(b"[0];message=certName is unknown"))

    with server, pytest.raises(Rejected, match="WoSign refused the order: certName is unknown"):
        submit(build(server.address))


@alone
def test_a_number_entered_by_a_person_that_is_not_known_is_said_to_be(ca: WoSignSimulator) -> None:
    with pytest.raises(OrderNotFound, match="does not know the order 12: no such order"):
        build(ca.address).poll(request(), Ref(order_id="12"), lambda _: None)


@alone
def test_what_is_not_understood_is_logged_without_the_token(caplog: pytest.LogCaptureFixture) -> None:
    body = f"[9];message=token {TOKEN} \x1b[31m was seen;" + "x" * 900
    with RawServer(response(body.encode())) as server:
        outcome = build(server.address).poll(request(), Ref(order_id="7"), lambda _: None)

    assert isinstance(outcome, Pending)
    (line,) = [record.getMessage() for record in caplog.records if "contract profile" in record.getMessage()]
    assert "[9];message=token … [31m was seen" in line
    assert len(line) < 300
    assert TOKEN not in line + outcome.said + repr(build(server.address))


@alone
def test_a_certificate_may_be_fetched_by_a_call_of_its_own() -> None:
    answers = iter([b"[1];OrderID=7;orderStatus=2", f"[1];certificate={LEAF_64}".encode()])

    def answer(connection: socket.socket) -> None:
        connection.sendall(response(next(answers), "Connection: close"))

    with RawServer(answer) as server:
        adapter = build(server.address, profile="action.fetch = RetrieveCertificate")
        outcome = adapter.poll(request(csr=LEAF.csr), Ref(order_id="7"), lambda _: None)

    assert isinstance(outcome, Issued)
    assert outcome.leaf == LEAF.der
    assert b"actionType=RetrieveCertificate" in server.received


@alone
def test_the_leaf_is_found_in_a_whole_chain() -> None:
    body = f"[1];orderStatus=2;certificate={ROOT.pem}{LEAF.pem}".replace("\n", "\r\n")
    with RawServer(response(body.encode())) as server:
        outcome = build(server.address).poll(request(csr=LEAF.csr), Ref(order_id="7"), lambda _: None)

    assert isinstance(outcome, Issued)
    assert (outcome.leaf, outcome.chain) == (LEAF.der, (ROOT.der,))


SISTER = """
request = json
answer = json
action.order = ApplyCertificate
action.status = RetrieveCertificate
send.token = tokenID
send.order = orderID
read.order = orderID
read.message = shortMsg
mark.99 = token
"""


@alone
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"status": 1, "data": {"orderID": "u-1", "orderStatus": 1}}', Pending),
        (b'{"status": 1, "data": {"orderID": "u-1", "orderStatus": 3}, "shortMsg": "no"}', Failed),
        (
            b'{"status": 1, "data": {"orderID": "u-1", "orderStatus": 2, "certificate": "%s"}}' % LEAF_64.encode(),
            Issued,
        ),
        (b'{"status": 99, "shortMsg": "token"}', NotAuthorised),
        (b'{"status": 1, "data": [1, null]}', Pending),
        (b'{"status": null}', Transient),
        (b"[1, 2]", Transient),
        (b'"text"', Transient),
    ],
)
def test_a_contract_may_speak_json(body: bytes, expected: type[object]) -> None:
    with RawServer(response(body)) as server:
        adapter = build(server.address, profile=SISTER)
        outcome: object
        try:
            outcome = adapter.poll(request(csr=LEAF.csr), Ref(order_id="u-1", data={"placed": True}), lambda _: None)
        except ProviderError as error:
            outcome = error

    assert type(outcome) is expected
    assert b'"actionType": "RetrieveCertificate"' in server.received
    assert b'"orderID": "u-1"' in server.received


@alone
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "no line like name = value"),
        ("read.cert = x", "no name of the contract profile"),
        ("answer = xml", "choose one of text, json"),
        ("state.9 = done", "choose one of pending, validating, issued, rejected, cancelled"),
        ("mark.7 = fine", "choose one of ok, refused, token, no_order"),
    ],
)
def test_a_line_of_a_profile_that_makes_no_sense_stops_orders(line: str, words: str) -> None:
    adapter = build("http://127.0.0.1:1", profile=line)

    with pytest.raises(InvalidRequest, match=words):
        adapter.validate(request())


@alone
def test_the_default_profile_has_no_flaws_and_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs/cas/wosign.md").read_text(encoding="utf-8")

    assert Profile.read("").flaws == ()
    assert DEFAULT.strip() in page


@alone
def test_an_answer_with_ever_more_fields_is_read_within_bounds() -> None:
    body = b"[1];" + b"a=b;" * 1_000_000
    said = Profile.read("").understand(Answer(status=200, headers={}, body=body))

    assert said.order == ""
    with pytest.raises(BadAnswer):
        Profile.read("answer = json").understand(Answer(status=200, headers={}, body=b"[" * 100_000))


# ------------------------------------------------------------------------- rules
@alone
@pytest.mark.parametrize(
    ("names", "words"),
    [
        (Names(), "at least one DNS name"),
        (Names(dns=("a.example.org",), ip=("192.0.2.1",)), "no IP addresses: “192.0.2.1”"),
        (Names(dns=("a.example.org",), email=("a@example.org",)), "no e-mail addresses"),
        (Names(dns=("a.example.org",), uri=("https://a",)), "no URIs"),
        (Names(dns=("a.example.org",), upn=("a@b",)), "no user names"),
        (Names(common_name="a,b.example.org"), "not a DNS name"),
        (Names(dns=("*.example.org",)), "EV certificates hold no wildcards"),
    ],
)
def test_what_cannot_be_ordered_is_refused_before_it_is_sent(names: Names, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        build("http://127.0.0.1:1").validate(request(names=names, certificate_type="EV-SSL"))


@alone
def test_a_validity_that_will_be_shortened_is_a_doubt() -> None:
    adapter = build("http://127.0.0.1:1")

    assert adapter.validate(request()) == ()
    assert "199 days at most" in adapter.validate(request(validity_days=365))[0]


@alone
@pytest.mark.parametrize(("days", "months"), [(1, "1"), (30, "1"), (90, "3"), (199, "7"), (365, "12"), (None, "12")])
def test_days_are_ordered_in_months(days: int | None, months: str) -> None:
    assert sent_by(request(validity_days=days))["certExpTime"] == months


@alone
def test_the_form_says_that_this_is_not_verified() -> None:
    assert "not verified" in OFFER.title
    assert "Not verified against the provider" in OFFER.warning
    assert "Browsers do not trust WoSign's own roots" in OFFER.warning


# ---------------------------------------------------------------- the simulator
@alone
def test_the_simulator_says_that_its_profile_is_not_verified(ca: WoSignSimulator) -> None:
    answer = build(ca.address).web.call("POST", "", purpose=_read(), form={"connect_token": TOKEN})

    assert answer.headers["X-Simulator"] == "WoSign, default contract profile, not verified"


@alone
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda form: form | {"connect_token": "x"}, "[2];message=connect_token is wrong"),
        (lambda form: form | {"certallDomain": ""}, "[0];message=certallDomain"),
        (lambda form: form | {"certExpTime": "a"}, "[0];message=certallDomain"),
        (lambda form: form | {"certencryptType": "SHA1"}, "[0];message=certallDomain"),
        (lambda form: form | {"certName": "Gold"}, "[0];message=certName is unknown"),
        (lambda form: form | {"CSR": "x"}, "[0];message=the CSR cannot be read"),
        (lambda form: form | {"actionType": "Dance"}, "[3];message=no such order"),
    ],
)
def test_the_simulator_refuses_what_the_profile_does_not_allow(
    change: Callable[[dict[str, str]], dict[str, str]], words: str, ca: WoSignSimulator
) -> None:
    good = sent_by(request())

    answer = build(ca.address).web.call("POST", "", purpose=_read(), form=change(good))

    assert answer.text().startswith(words)
    assert ca.orders == []


def _read() -> Any:
    from vault.providers.web import Purpose

    return Purpose.READ
