"""Managed SSL's stand-in: it is as strict as the schema, and shows its oddities."""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from tests.pki.authority import make_csr
from vault.providers.globalsign.soap import ORDERS, QUERIES, Nodes, Service, envelope
from vault.simulators.globalsign import GlobalSignSimulator
from vault.simulators.globalsign.service import PASSWORD, PROFILE, USER
from vault.x509.requests import csr_pem

pytestmark = pytest.mark.no_database

TOKEN: Nodes = [("AuthToken", [("UserName", USER), ("Password", PASSWORD)])]
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@pytest.fixture(scope="module")
def running() -> Iterator[GlobalSignSimulator]:
    with GlobalSignSimulator() as simulator:
        yield simulator


@pytest.fixture
def mssl(running: GlobalSignSimulator) -> GlobalSignSimulator:
    running.clear()
    return running


def send(mssl: GlobalSignSimulator, body: bytes, path: str = ORDERS.path) -> httpx.Response:
    return httpx.post(mssl.address + path, content=body, headers={"Content-Type": "text/xml"})


def ask(mssl: GlobalSignSimulator, service: Service, operation: str, nodes: Nodes) -> Element:
    answer = send(mssl, envelope(service, operation, nodes), service.path)
    assert answer.status_code == 200
    found = fromstring(answer.content).find(
        f"{{http://schemas.xmlsoap.org/soap/envelope/}}Body/{{{service.namespace}}}{operation}Response/Response"
    )
    assert found is not None
    return found


def an_order(**changes: str) -> list[tuple[str, str | Nodes]]:
    values = {"name": "www.example.org", "kind": "new", "domain": "DSMS20000000001", "target": "", **changes}
    parameter: list[tuple[str, str | Nodes]] = [
        ("ProductCode", "PV_SHA2"),
        ("OrderKind", values["kind"]),
        ("Licenses", "1"),
        ("ValidityPeriod", [("Months", "6")]),
        ("CSR", csr_pem(make_csr(subject=f"CN={values['name']}"))),
    ]
    if values["target"]:
        parameter.append(("RenewalTargetOrderID", values["target"]))
    contact: Nodes = [("FirstName", "Ada"), ("LastName", "Lind"), ("Phone", "1"), ("Email", "a@example.org")]
    return [
        ("OrderRequestHeader", TOKEN),
        ("OrderRequestParameter", parameter),
        ("MSSLProfileID", PROFILE),
        ("MSSLDomainID", values["domain"]),
        ("ContactInfo", contact),
    ]


def code_of(response: Element) -> str:
    return response.findtext("OrderResponseHeader/Errors/Error/ErrorCode") or ""


def test_a_good_order_is_taken(mssl: GlobalSignSimulator) -> None:
    response = ask(mssl, ORDERS, "PVOrder", an_order())

    assert response.findtext("OrderResponseHeader/SuccessCode") == "0"
    assert response.findtext("OrderID") == mssl.orders[0].id
    assert mssl.orders[0].names == ("www.example.org", "example.org")


def reordered(nodes: Sequence[tuple[str, str | Nodes]]) -> list[tuple[str, str | Nodes]]:
    return [nodes[0], nodes[2], nodes[1], *nodes[3:]]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
        envelope(ORDERS, "PVOrder", reordered(an_order())),
        envelope(ORDERS, "PVOrder", an_order()[:-1]),
        envelope(ORDERS, "PVOrder", [*an_order(), ("Surprise", "1")]),
        envelope(QUERIES, "PVOrder", an_order()),
        envelope(ORDERS, "PVOrder", an_order()).replace(b"<Request>", b'<Request xmlns="urn:x">'),
        envelope(ORDERS, "OrderEverything", []),
    ],
)
def test_what_does_not_follow_the_schema_is_a_fault(mssl: GlobalSignSimulator, body: bytes) -> None:
    answer = send(mssl, body)

    assert answer.status_code == 500
    assert b"faultstring" in answer.content
    assert answer.headers["X-Simulator"] == mssl.title
    assert not mssl.orders


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "www.else.test"}, "-4083"),
        ({"domain": "DSMS2"}, "-4083"),
        ({"kind": "renewal", "target": "CEAP0"}, "-6102"),
    ],
)
def test_what_is_wrong_is_refused_by_number(mssl: GlobalSignSimulator, changes: dict[str, str], code: str) -> None:
    assert code_of(ask(mssl, ORDERS, "PVOrder", an_order(**changes))) == code
    assert not mssl.orders


def test_an_order_is_renewed_once_and_only_when_issued(mssl: GlobalSignSimulator) -> None:
    ask(mssl, ORDERS, "PVOrder", an_order())
    renewal = an_order(kind="renewal", target=mssl.orders[0].id)

    before = ask(mssl, ORDERS, "PVOrder", renewal)
    mssl.issue(mssl.orders[0])
    good = ask(mssl, ORDERS, "PVOrder", renewal)
    again = ask(mssl, ORDERS, "PVOrder", renewal)

    assert [code_of(one) for one in (before, good, again)] == ["-6102", "", "-6102"]


def test_lists_show_the_oddities_of_the_schema(mssl: GlobalSignSimulator) -> None:
    row = ask(mssl, ORDERS, "GetMSSLProfiles", [("QueryRequestHeader", TOKEN)]).find(
        "SearchMSSLProfileDetails/SearchMsslProfileDetail"
    )
    assert row is not None
    assert [one.tag for one in row][:2] == ["MSSLProfileId", "MSSLPlofileStatus"]

    domains = ask(mssl, ORDERS, "GetDomains", [("QueryRequestHeader", TOKEN)])
    first = domains.find("DomainDetails/DomainDetail/PVRecieveDate")
    assert first is not None
    assert first.get(NIL) == "true"
    assert domains.find("QueryResponseHeader") is not None


def test_one_order_answers_with_the_header_of_orders(mssl: GlobalSignSimulator) -> None:
    ask(mssl, ORDERS, "PVOrder", an_order())
    nodes: Nodes = [("QueryRequestHeader", TOKEN), ("OrderID", mssl.orders[0].id)]

    response = ask(mssl, QUERIES, "GetOrderByOrderID", nodes)

    assert response.findtext("OrderResponseHeader/SuccessCode") == "0"
    assert response.findtext("OrderDetail/OrderInfo/OrderStatus") == "4"
    assert "BEGIN CERTIFICATE REQUEST" in (response.findtext("OrderDetail/Fulfillment/OriginalCSR") or "")


def test_people_at_globalsign_can_be_played(mssl: GlobalSignSimulator) -> None:
    mssl.script.approval = True
    ask(mssl, ORDERS, "PVOrder", an_order())
    control = f"{mssl.address}/_simulator/orders"
    shown = httpx.get(control).json()["orders"][0]
    assert shown["status"] == "approval"

    assert httpx.post(f"{control}/{shown['id']}/approve").json()["status"] == "pending"
    assert httpx.post(f"{control}/{shown['id']}/issue").json()["issued"]


def test_an_issued_order_that_is_cancelled_is_void(mssl: GlobalSignSimulator) -> None:
    ask(mssl, ORDERS, "PVOrder", an_order())
    mssl.issue(mssl.orders[0])
    number = ("OrderID", mssl.orders[0].id)

    header = ("OrderRequestHeader", TOKEN)
    ask(mssl, ORDERS, "ModifyMSSLOrder", [header, number, ("ModifyOrderOperation", "CANCEL")])
    response = ask(mssl, QUERIES, "GetOrderByOrderID", [("QueryRequestHeader", TOKEN), number])

    assert response.findtext("OrderDetail/OrderInfo/OrderStatus") == "5"
