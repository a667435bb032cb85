"""The stand-in for CertCentral keeps the wire contract: spoken to as a client would, without the adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509

from tests.pki.authority import make_csr
from vault.providers.digicert import OFFER
from vault.simulators.digicert import DigiCertSimulator
from vault.simulators.digicert.desk import DEFAULTS
from vault.simulators.kit import Fault
from vault.x509.requests import csr_pem

pytestmark = pytest.mark.no_database

WWW = "www.example.org"


@pytest.fixture(scope="module")
def _running() -> Iterator[DigiCertSimulator]:
    with DigiCertSimulator() as running:
        yield running


@pytest.fixture
def certcentral(_running: DigiCertSimulator) -> DigiCertSimulator:
    _running.clear()
    return _running


@pytest.fixture
def client(certcentral: DigiCertSimulator) -> Iterator[httpx.Client]:
    values = certcentral.values()
    headers = {"X-DC-DEVKEY": values["password"], "Accept": "application/json"}
    with httpx.Client(base_url=values["address"], headers=headers, trust_env=False) as client:
        yield client


def order(client: httpx.Client, **more: Any) -> httpx.Response:
    certificate = {"common_name": WWW, "dns_names": [WWW], "csr": csr_pem(make_csr()), "cert_validity": {"days": 365}}
    body = {"certificate": certificate, "organization": {"id": 112233}, "skip_approval": True, **more}
    return client.post("/order/certificate/ssl_basic", json=body)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_the_administrators_page_names_every_setting_and_field() -> None:
    page = (Path(__file__).parents[3] / "docs/cas/digicert.md").read_text()

    assert [name for name in DEFAULTS if f'"{name}"' not in page] == []
    assert [field.label for field in OFFER.fields if field.label.split(" for ")[0] not in page] == []


def test_an_order_from_beginning_to_end(client: httpx.Client, certcentral: DigiCertSimulator) -> None:
    certcentral.script.delay_polls = 1
    taken = order(client)
    assert taken.status_code == 201
    number = taken.json()["id"]
    assert taken.headers["X-Simulator"] == "DigiCert"

    states = [client.get(f"/order/certificate/{number}").json()["status"] for _ in range(2)]

    assert states == ["pending", "issued"]
    shown = client.get(f"/order/certificate/{number}").json()["certificate"]
    sent = client.get(f"/certificate/{shown['id']}/download/format/pem_all", headers={"Accept": "*/*"})
    leaf, issuer, root = x509.load_pem_x509_certificates(sent.content)
    leaf.verify_directly_issued_by(issuer)
    issuer.verify_directly_issued_by(root)
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 198
    assert client.get(f"/certificate/download/order/{number}/format/pem_all").content == sent.content


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/order/certificate/1", (404, "not_found|order")),
        ("GET", "/nothing", (404, "not_found|route")),
        ("GET", "/product/none", (404, "not_found|product")),
        ("GET", "/certificate/1/download/format/pem_all", (404, "not_found|certificate")),
        ("PUT", "/certificate/1/revoke", (404, "not_found|certificate")),
        ("PUT", "/request/1/status", (404, "not_found|request")),
        ("POST", "/order/certificate/ssl_basic", (400, "bad_request_format")),
        ("POST", "/order/certificate/none", (404, "not_found|product")),
    ],
)
def test_refusals_have_a_code(client: httpx.Client, method: str, path: str, expected: tuple[int, str]) -> None:
    assert code(client.request(method, path)) == expected


def test_a_wrong_key_and_a_wrong_accept_are_refused(client: httpx.Client) -> None:
    assert code(client.get("/user/me", headers={"X-DC-DEVKEY": "x"})) == (401, "invalid_api_key")
    assert client.get("/user/me", headers={"Accept": "text/html"}).status_code == 406


def test_the_list_has_no_requests_and_pages(client: httpx.Client) -> None:
    for _ in range(3):
        order(client)

    found = client.get("/order/certificate", params={"filters[common_name]": WWW, "limit": 2, "offset": 1}).json()

    assert [row["id"] for row in found["orders"]] == [542773, 542772]
    assert found["page"] == {"total": 3, "limit": 2, "offset": 1}
    assert "csr" not in str(found)
    assert client.get("/order/certificate", params={"filters[common_name]": "x"}).json()["orders"] == []


def test_cancelling_needs_a_note_and_the_right_state(client: httpx.Client, certcentral: DigiCertSimulator) -> None:
    certcentral.script.delay_polls = 1
    number = order(client).json()["id"]
    address = f"/order/certificate/{number}/status"

    assert code(client.put(address, json={"status": "canceled"})) == (400, "bad_request_format")
    assert code(client.put(address, json={"status": "CANCELED", "note": "x"})) == (400, "bad_request_format")
    assert client.put(address, json={"status": "canceled", "note": "x"}).status_code == 204
    assert client.get(f"/order/certificate/{number}").json()["status"] == "canceled"
    assert code(client.put(address, json={"status": "canceled", "note": "x"})) == (400, "invalid_order_status")


def test_the_control_port_acts_as_the_staff(client: httpx.Client, certcentral: DigiCertSimulator) -> None:
    control = httpx.Client(base_url=f"{certcentral.address}/_simulator", trust_env=False)
    with control:
        control.post("/script", json={"faults": [{"on": "submit", "do": "ov-wait", "times": -1}]})
        first, second = order(client).json()["id"], order(client).json()["id"]
        assert client.get(f"/order/certificate/{first}").json()["status"] == "pending"

        control.post(f"/orders/{first}/validate")
        control.post(f"/orders/{second}/reject", content="Not in the register")

        assert client.get(f"/order/certificate/{first}").json()["status"] == "issued"
        refused = client.get(f"/order/certificate/{second}").json()
        assert (refused["status"], refused["requests"][0]["processor_comment"]) == ("rejected", "Not in the register")
        assert [row["status"] for row in control.get("/orders").json()["orders"]] == ["issued", "rejected"]


def test_approval_is_refused_to_those_without_the_right(client: httpx.Client, certcentral: DigiCertSimulator) -> None:
    certcentral.script.more["approver"] = False
    taken = order(client).json()
    address = f"/request/{taken['requests'][0]['id']}/status"
    assert client.get(f"/order/certificate/{taken['id']}").json()["status"] == "needs_approval"

    assert code(client.put(address, json={"status": "approved"})) == (403, "access_denied|invalid_approver")

    certcentral.script.more["approver"] = True
    assert client.put(address, json={"status": "approved"}).status_code == 204
    assert client.get(f"/order/certificate/{taken['id']}").json()["status"] == "issued"


@pytest.mark.parametrize("do", ["status-after:500", "reset-after", "truncate", "html-after"])
def test_an_order_whose_answer_is_lost_is_an_order(
    client: httpx.Client, certcentral: DigiCertSimulator, do: str
) -> None:
    certcentral.script.faults = [Fault(on="submit", do=do)]

    try:
        answer = order(client)
        assert not answer.is_success or not answer.text.startswith("{")
    except httpx.TransportError:
        pass

    assert len(certcentral.orders) == 1
