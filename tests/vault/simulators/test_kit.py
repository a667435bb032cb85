"""What all simulators share: scripted faults, orders that are counted, certificates that hold."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509

from tests.pki.authority import ec_key, make_csr, rsa_key
from vault.providers.base import AddressRules, OutcomeUnknown, ProviderError, RateLimited, Transient
from vault.providers.web import Answer, Purpose, Web
from vault.simulators.authority import Authority, pem
from vault.simulators.kit import Call, Fault, Order, Reply, Script, Simulator
from vault.simulators.script import COMMON, OWN
from vault.x509 import chains
from vault.x509.certificates import facts, split_pem
from vault.x509.requests import csr_pem

pytestmark = pytest.mark.no_database

READ, ORDER, WRITE = Purpose.READ, Purpose.ORDER, Purpose.WRITE
HERE = AddressRules(loopback=True)
CSR = make_csr("a.example.com", subject="CN=a.example.com")


class SmallCA(Simulator):
    """POST /orders takes a CSR; GET /orders/N asks about it; DELETE withdraws it."""

    title: ClassVar[str] = "Small CA"
    provider: ClassVar[str] = "Small"

    def name_of(self, call: Call) -> str:
        return {"POST": "submit", "GET": "poll", "DELETE": "cancel"}[call.method]

    def values(self) -> Mapping[str, str]:
        return {"address": self.address}

    def handle(self, call: Call) -> Reply:
        if call.method == "POST":
            return Reply(status=201, json={"id": self.accept(call.body).id})
        order = self.order(call.path.rpartition("/")[2])
        if order is None:
            return Reply(status=404, json={})
        if call.method == "DELETE":
            self.withdraw(order)
        else:
            self.look(order)
        chain = self.chain(order) if order.certificate else ""
        return Reply(json={"status": order.status, "comment": order.comment, "chain": chain})


@pytest.fixture(scope="module")
def _running() -> Iterator[SmallCA]:
    with SmallCA() as simulator:
        yield simulator


@pytest.fixture
def ca(_running: SmallCA) -> SmallCA:
    _running.clear()
    return _running


@pytest.fixture
def web(ca: SmallCA) -> Web:
    return Web(title="Small CA", base=ca.address, rules=HERE)


def order(web: Web) -> str:
    return web.json(web.call("POST", "orders", purpose=ORDER, content=CSR), ORDER)["id"]


def ask(web: Web, number: str) -> dict[str, str]:
    return web.json(web.call("GET", f"orders/{number}", purpose=READ), READ)


# ---------------------------------------------------------------------- faults
@pytest.mark.parametrize(
    ("do", "refusal", "orders"),
    [
        ("status:500", OutcomeUnknown, 0),
        ("status:503", OutcomeUnknown, 0),
        ("status-after:500", OutcomeUnknown, 1),
        ("429", RateLimited, 0),
        ("reset", OutcomeUnknown, 0),
        ("reset-after", OutcomeUnknown, 1),
        ("truncate", OutcomeUnknown, 1),
        ("html", OutcomeUnknown, 0),
        ("html-after", OutcomeUnknown, 1),
        ("garbage", OutcomeUnknown, 0),
    ],
)
def test_a_fault_loses_the_answer_before_or_after_the_order(
    do: str, refusal: type[ProviderError], orders: int, ca: SmallCA, web: Web
) -> None:
    ca.script = Script(faults=[Fault(on="submit", do=do)])

    with pytest.raises(refusal):
        order(web)

    assert len(ca.orders) == orders
    assert order(web) == ca.orders[-1].id  # the fault is over
    assert ca.counts == {"submit": 2}


def test_a_refused_credential_is_answered_with_401(ca: SmallCA, web: Web) -> None:
    ca.script = Script(faults=[Fault(on="submit", do="401")])

    assert web.call("POST", "orders", purpose=ORDER, content=CSR).status == 401
    assert ca.orders == []


def test_a_slow_answer_comes_all_the_same(ca: SmallCA, web: Web) -> None:
    ca.script = Script(faults=[Fault(on="*", do="slow:0.05")])

    assert order(web) == ca.orders[0].id


def test_a_limited_call_may_say_how_long_to_wait(ca: SmallCA, web: Web) -> None:
    ca.script = Script(faults=[Fault(on="poll", do="429", value="30")])
    number = order(web)

    with pytest.raises(RateLimited) as refusal:
        ask(web, number)

    assert refusal.value.retry_after == timedelta(seconds=30)


def test_the_first_calls_may_pass_and_the_next_ones_not(ca: SmallCA, web: Web) -> None:
    ca.script = Script(delay_polls=9, faults=[Fault(on="poll", do="status:500", skip=2, times=2)])
    number = order(web)

    def answers() -> bool:
        try:
            return bool(ask(web, number))
        except Transient:
            return False

    assert [answers() for _ in range(6)] == [True, True, False, False, True, True]


def test_a_fault_may_last_for_ever(ca: SmallCA, web: Web) -> None:
    ca.script = Script(faults=[Fault(on="*", do="reset", times=-1)])

    for _ in range(4):
        with pytest.raises(OutcomeUnknown):
            order(web)


# -------------------------------------------------------------- orders' lives
def test_an_order_is_issued_when_it_was_asked_about_often_enough(ca: SmallCA, web: Web) -> None:
    ca.script = Script(delay_polls=2)
    number = order(web)

    assert [ask(web, number)["status"] for _ in range(4)] == ["pending", "pending", "issued", "issued"]
    assert ca.orders[0].events == ["accepted", "issued"]


@pytest.mark.parametrize(
    ("fault", "waits", "verb"),
    [("ov-wait", "validation", "validate"), ("needs-approval", "approval", "approve")],
)
def test_an_order_may_wait_for_a_person_at_the_ca(fault: str, waits: str, verb: str, ca: SmallCA, web: Web) -> None:
    ca.script = Script(faults=[Fault(on="submit", do=fault)])
    number = order(web)
    assert [ask(web, number)["status"] for _ in range(3)] == [waits] * 3

    web.call("POST", f"_simulator/orders/{number}/{verb}", purpose=WRITE)

    assert ask(web, number)["status"] == "issued"


def test_every_order_may_need_an_approval(ca: SmallCA, web: Web) -> None:
    ca.script = Script(approval=True)

    assert [ask(web, order(web))["status"] for _ in range(2)] == ["approval", "approval"]


def test_an_order_may_be_rejected_with_a_comment(ca: SmallCA, web: Web) -> None:
    ca.script = Script(faults=[Fault(on="submit", do="reject", value="Not your name.")])

    assert ask(web, order(web)) == {"status": "rejected", "comment": "Not your name.", "chain": ""}


def test_an_order_may_be_issued_after_it_was_cancelled(ca: SmallCA, web: Web) -> None:
    ca.script = Script(delay_polls=9, faults=[Fault(on="cancel", do="late-issue")])
    late, other = order(web), order(web)
    web.call("DELETE", f"orders/{late}", purpose=WRITE)
    web.call("DELETE", f"orders/{other}", purpose=WRITE)

    assert (ask(web, late)["status"], ask(web, other)["status"]) == ("issued", "cancelled")


# ------------------------------------------------------------------ the control
def test_the_control_calls_show_orders_and_are_not_counted(ca: SmallCA, web: Web) -> None:
    number = order(web)

    shown = web.call("GET", "_simulator/orders", purpose=READ).json()

    assert shown["calls"] == {"submit": 1}
    assert [(one["id"], one["status"], one["common_name"]) for one in shown["orders"]] == [
        (number, "pending", "a.example.com")
    ]


@pytest.mark.parametrize(
    ("verb", "becomes"), [("issue", "issued"), ("reject", "rejected"), ("revoke", "revoked"), ("approve", "pending")]
)
def test_the_control_calls_act_as_the_cas_staff(verb: str, becomes: str, ca: SmallCA, web: Web) -> None:
    number = order(web)

    shown = web.call("POST", f"_simulator/orders/{number}/{verb}", purpose=WRITE, content=b"because").json()

    assert shown["status"] == becomes == ca.orders[0].status


def test_a_script_can_be_replaced_while_it_runs(ca: SmallCA, web: Web) -> None:
    script = {"delay_polls": 3, "faults": [{"on": "poll", "do": "html"}], "licence": "short"}

    assert web.call("POST", "_simulator/script", purpose=WRITE, json=script).status == 204

    assert (ca.script.delay_polls, ca.script.faults[0].do, ca.script.more) == (3, "html", {"licence": "short"})


@pytest.mark.parametrize("path", ["orders/1/issue", "orders/{}/burn", "nothing"])
def test_what_the_control_does_not_know_is_404(path: str, ca: SmallCA, web: Web) -> None:
    number = order(web)

    assert web.call("POST", f"_simulator/{path.format(number)}", purpose=WRITE).status == 404


def test_every_answer_says_that_it_is_a_simulators(ca: SmallCA, web: Web) -> None:
    answers: list[Answer] = [
        web.call("POST", "orders", purpose=ORDER, content=CSR),
        web.call("GET", "orders/1", purpose=READ),
        web.call("GET", "_simulator/orders", purpose=READ),
    ]

    assert {answer.headers["x-simulator"] for answer in answers} == {"Small CA"}


def test_a_mistake_in_a_simulator_is_answered_and_logged(
    ca: SmallCA, web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OutcomeUnknown, match="HTTP 500"):
        web.call("POST", "orders", purpose=ORDER, content=b"no CSR")

    assert "Small CA broke at POST /orders" in caplog.text


def test_a_body_that_is_too_long_is_not_read(ca: SmallCA, web: Web) -> None:
    with pytest.raises(OutcomeUnknown):
        web.call("POST", "orders", purpose=ORDER, content=b"x" * 2_000_001)

    assert ca.counts == {}


# --------------------------------------------------------------------- scripts
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "A script is an object"),
        ('{"faults": {}}', "“faults” is a list"),
        ('{"faults": ["reset"]}', "“on” and “do”"),
        ('{"faults": [{"on": "poll"}]}', "“on” and “do”"),
        ('{"faults": [{"on": "poll", "do": "reset", "when": 1}]}', "“on” and “do”"),
        ('{"faults": [{"on": "poll", "do": "explode"}]}', "“explode” is nothing a simulator does"),
        ('{"delay_polls": "two"}', "“delay_polls” is a whole number"),
        ("{", "is not JSON"),
    ],
)
def test_a_script_that_makes_no_sense_says_why(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "script.json"
    file.write_text(text)

    with pytest.raises(ValueError, match=words):
        Script.from_file(file)


def test_a_script_that_is_refused_changes_nothing(ca: SmallCA, web: Web) -> None:
    before = ca.script

    answer = web.call("POST", "_simulator/script", purpose=WRITE, json={"faults": [{"on": "*", "do": "explode"}]})

    assert (answer.status, ca.script) == (400, before)


def test_every_fault_can_stand_in_a_script(tmp_path: Path) -> None:
    file = tmp_path / "script.json"
    file.write_text(json.dumps({"faults": [{"on": "*", "do": do} for do in COMMON + OWN]}))

    assert len(Script.from_file(file).faults) == len(COMMON + OWN)


# ---------------------------------------------------------------- certificates
def a_chain(ca: SmallCA, web: Web, *faults: Fault) -> tuple[list[bytes], str]:
    """The certificates of a new order, and the text they came in."""
    ca.script = Script(faults=list(faults))
    text = ask(web, order(web))["chain"]
    return split_pem(text.replace("\r\n", "\n")), text


def test_a_certificate_is_for_the_request_and_its_chain_holds(ca: SmallCA, web: Web) -> None:
    (leaf, intermediate), _ = a_chain(ca, web)

    found = facts(leaf)
    assert x509.load_der_x509_certificate(leaf).public_key() == x509.load_der_x509_csr(CSR).public_key()
    assert found.not_after - found.not_before == timedelta(days=199, seconds=-1)
    assert chains.order(leaf, [ca.authority.root, intermediate]).complete


@pytest.mark.parametrize(
    ("fault", "is_so"),
    [
        ("wrong-key", lambda leaf, _: leaf.public_key() != x509.load_der_x509_csr(CSR).public_key()),
        ("short-validity", lambda leaf, _: leaf.not_valid_after_utc < datetime.now(UTC) + timedelta(days=8)),
        ("extra-names", lambda leaf, _: "www.a.example.com" in names_of(leaf)),
        ("crlf-root", lambda _, text: text.count("BEGIN") == 3 and text.count("\r\n") == text.count("\n")),
    ],
)
def test_a_certificate_may_be_odd(
    fault: str, is_so: Callable[[x509.Certificate, str], bool], ca: SmallCA, web: Web
) -> None:
    plain, plain_text = a_chain(ca, web)
    odd, odd_text = a_chain(ca, web, Fault(on="*", do=fault))

    assert is_so(x509.load_der_x509_certificate(odd[0]), odd_text)
    assert not is_so(x509.load_der_x509_certificate(plain[0]), plain_text)


def names_of(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


@pytest.mark.parametrize("csr", [CSR, csr_pem(CSR), csr_pem(CSR).encode(), make_csr(key=rsa_key())])
def test_an_authority_takes_requests_as_der_and_pem(csr: bytes | str) -> None:
    leaf = x509.load_der_x509_certificate(Authority().issue(csr, names=["b.example.com", "192.0.2.1"], common_name=""))

    assert names_of(leaf) == ["b.example.com", "192.0.2.1"]
    assert list(leaf.subject) == []


def test_a_name_too_long_for_a_subject_is_an_alternative_name_alone() -> None:
    name = f"{'a' * 60}.{'b' * 60}.example.com"

    leaf = x509.load_der_x509_certificate(Authority().issue(CSR, names=[name], common_name=name))

    assert list(leaf.subject) == []
    assert leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_what_is_revoked_is_listed(ca: SmallCA, web: Web) -> None:
    (leaf, _), _ = a_chain(ca, web)

    web.call("POST", f"_simulator/orders/{ca.orders[0].id}/revoke", purpose=WRITE, content=b"superseded")

    assert ca.authority.revoked == {x509.load_der_x509_certificate(leaf).serial_number: "superseded"}


# -------------------------------------------------------------------------- TLS
def test_over_tls_it_asks_for_a_client_certificate() -> None:
    authority = Authority()
    chain, key = authority.pair("client")
    tls = authority.server_tls(client_ca=pem(authority.root))
    with SmallCA(tls=tls) as ca:
        assert ca.address.startswith("https://127.0.0.1:")
        known = Web(
            title="CA", base=ca.address, rules=HERE, ca_pem=pem(authority.root), client_pem=chain, client_key=key
        )
        stranger = Web(title="CA", base=ca.address, rules=HERE, ca_pem=pem(authority.root))

        assert order(known) == ca.orders[0].id
        with pytest.raises(ProviderError):
            order(stranger)

        ca.script = Script(faults=[Fault(on="submit", do="reset-after")])
        with pytest.raises(OutcomeUnknown):
            order(known)
        assert len(ca.orders) == 2


def test_a_stopped_simulator_answers_no_more(web: Web) -> None:
    ca = SmallCA().start()
    mine = Web(title="CA", base=ca.address, rules=HERE)
    order(mine)

    ca.stop()

    with pytest.raises(Transient):
        ask(mine, "1")


def test_a_port_can_be_chosen() -> None:
    with SmallCA() as first:
        port = int(first.address.rpartition(":")[2])
        with pytest.raises(OSError):
            SmallCA(port=port)
    with SmallCA(port=port) as second:
        assert second.address == f"http://127.0.0.1:{port}"


def test_numbers_of_orders_are_not_repeated(ca: SmallCA) -> None:
    numbers = [ca.accept(make_csr(key=ec_key())).id for _ in range(3)]

    assert len(set(numbers)) == 3
    assert isinstance(ca.orders[0], Order)


# --------------------------------------------------------------- documentation
def test_every_fault_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs/rehearsing.md").read_text(encoding="utf-8")

    assert [do for do in (*COMMON, *OWN) if f"`{do}`" not in page and f"`{do}:" not in page] == []
