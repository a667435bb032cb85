"""Atlas's stand-in: a token for everything, a type for every body, the policy kept."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.pki.authority import make_csr
from vault.simulators.atlas import KEY, SECRET, AtlasSimulator
from vault.x509.requests import csr_pem

pytestmark = pytest.mark.no_database

JSON = {"Content-Type": "application/json;charset=utf-8"}


@pytest.fixture(scope="module")
def running() -> Iterator[AtlasSimulator]:
    with AtlasSimulator() as simulator:
        yield simulator


@pytest.fixture
def client(running: AtlasSimulator) -> Iterator[httpx.Client]:
    running.clear()
    with httpx.Client(base_url=f"{running.address}/v2", headers=JSON) as client:
        token = client.post("/login", json={"api_key": KEY, "api_secret": SECRET}, headers=JSON).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def body(**changes: Any) -> dict[str, Any]:
    return {
        "validity": {"not_before": int(datetime.now(UTC).timestamp()), "not_after": 0},
        "subject_dn": {"common_name": "www.example.org"},
        "san": {"dns_names": ["www.example.org"]},
        "public_key": csr_pem(make_csr()),
        "signature": {"hash_algorithm": "SHA-256"},
        **changes,
    }


def test_an_order_answers_with_a_place_and_nothing_else(client: httpx.Client, running: AtlasSimulator) -> None:
    running.script.delay_polls = 1
    answer = client.post("/certificates", json=body(), headers=JSON)
    place = answer.headers["Location"]

    assert (answer.status_code, answer.content) == (201, b"")
    assert place.rpartition("/")[2] == running.orders[0].id == running.orders[0].id.upper()
    assert client.get(place).status_code == 202
    assert client.get(place).json()["status"] == "ISSUED"


@pytest.mark.parametrize("path", ["/validationpolicy", "/certificates/01", "/trustchain", "/stats/issued", "/nothing"])
def test_nothing_is_told_without_a_token(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"Authorization": "Bearer x"})

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"subject_dn": {}}, "subject_dn.common_name is REQUIRED"),
        ({"subject_dn": {"common_name": "a", "email": "a@b"}}, "subject_dn.email is FORBIDDEN"),
        ({"subject_dn": {"common_name": "a", "country": "SE"}}, "subject_dn.country is STATIC"),
        ({"san": {"uris": ["https://a"]}}, "san.uris has more than 0 entries"),
        ({"validity": {"not_before": 1, "not_after": 10**9}}, "validity is longer than allowed"),
        ({"signature": {}}, "signature.hash_algorithm"),
        ({"public_key": "x"}, "public_key is not a request"),
    ],
)
def test_what_is_outside_the_policy_is_refused(
    client: httpx.Client, running: AtlasSimulator, changes: dict[str, Any], says: str
) -> None:
    answer = client.post("/certificates", json=body(**changes), headers=JSON)

    assert (answer.status_code, answer.json()["description"]) == (422, says)
    assert not running.orders


def test_a_body_has_its_type(client: httpx.Client) -> None:
    assert client.post("/certificates", json=body(), headers={"Content-Type": "application/json"}).status_code == 415


def test_what_was_issued_is_listed_by_page(client: httpx.Client, running: AtlasSimulator) -> None:
    for _ in range(3):
        client.post("/certificates", json=body(), headers=JSON)
    until = str(int(datetime.now(UTC).timestamp()) + 10)

    answer = client.get("/stats/issued", params={"page": "2", "per_page": "2", "from": "0", "to": until})

    assert answer.headers["Total-Count"] == "3"
    assert [row["serial_number"] for row in answer.json()] == [running.orders[2].id]


def test_a_certificate_is_revoked_for_a_reason_once(client: httpx.Client, running: AtlasSimulator) -> None:
    place = client.post("/certificates", json=body(), headers=JSON).headers["Location"]
    client.get(place)

    codes = [
        client.patch(place, json={"revocation_reason": reason}, headers=JSON).status_code
        for reason in ("boredom", "superseded", "superseded")
    ]

    assert codes == [422, 204, 409]
    assert client.get(place).json()["status"] == "REVOKED"
