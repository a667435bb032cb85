"""Importing over the wire: what clients send, and what is refused in the key vault's words."""

import base64
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from portal.models import Role
from tests.factories import make_certificate, make_member, make_operation, make_vault
from tests.pki.authority import Authority, Leaf, key_pem, make_intermediate, make_leaf, make_root
from tests.portal.api.client import ApiClient, error_of
from vault.lifecycle import retiring
from vault.models import Certificate, Vault
from vault.models.audit import SYSTEM
from vault.models.policy import PEM_FILE, PKCS12

Api = Callable[..., ApiClient]
PATH = "/certificates/www/import"


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def officer(api: Api, vault: Vault) -> ApiClient:
    return api(make_member(vault), vault)


@pytest.fixture
def authority() -> Authority:
    return make_intermediate(make_root())


@pytest.fixture
def leaf(authority: Authority) -> Leaf:
    return make_leaf(authority, "www.example.org", days=90)


def pem(leaf: Leaf, *others: str) -> str:
    return "".join([key_pem(leaf.key), leaf.pem, *others])


def pfx(leaf: Leaf, password: str = "") -> str:
    sealed = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    certificate = x509.load_der_x509_certificate(leaf.der)
    return base64.b64encode(pkcs12.serialize_key_and_certificates(b"www", leaf.key, certificate, None, sealed)).decode()


def test_pem_with_its_chain_becomes_a_certificate_with_key_and_secret(
    officer: ApiClient, leaf: Leaf, authority: Authority
) -> None:
    response = officer.post(PATH, {"value": pem(leaf, authority.pem), "tags": {"team": "web"}})

    body = response.json()
    assert response.status_code == 200
    assert base64.b64decode(body["cer"]) == leaf.der
    assert body["tags"] == {"team": "web"}
    assert body["policy"]["issuer"]["name"] == "Unknown"
    assert body["policy"]["lifetime_actions"][0]["action"]["action_type"] == "EmailContacts"
    assert body["policy"]["x509_props"]["subject"] == "CN=www.example.org"
    secret = officer.get("/secrets/www").json()
    assert secret["contentType"] == PEM_FILE
    assert secret["value"].count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize(
    "wrap",
    [str, lambda text: text.replace("\n", "\r\n"), lambda text: base64.b64encode(text.encode()).decode()],
    ids=["as it is", "CRLF", "base64"],
)
def test_pem_comes_in_the_ways_that_clients_send_it(officer: ApiClient, leaf: Leaf, wrap: Callable[[str], str]) -> None:
    assert officer.post(PATH, {"value": wrap(pem(leaf))}).status_code == 200


def test_a_pfx_is_opened_with_its_password_which_the_secret_does_not_have(officer: ApiClient, leaf: Leaf) -> None:
    response = officer.post(PATH, {"value": pfx(leaf, "secret"), "pwd": "secret"})

    assert response.status_code == 200
    secret = officer.get("/secrets/www").json()
    assert secret["contentType"] == PKCS12
    key, found, _ = pkcs12.load_key_and_certificates(base64.b64decode(secret["value"]), None)
    assert found.public_key() == key.public_key() == leaf.key.public_key()


def test_what_a_certificate_cannot_tell_comes_from_the_policy_that_is_sent(officer: ApiClient, leaf: Leaf) -> None:
    policy = {
        "key_props": {"exportable": False, "reuse_key": True, "kty": "RSA", "key_size": 4096},
        "secret_props": {"contentType": PKCS12},
        "x509_props": {"subject": "CN=something else"},
        "issuer": {"name": "Self"},
    }

    body = officer.post(PATH, {"value": pem(leaf), "policy": policy, "attributes": {"enabled": False}}).json()

    assert body["policy"]["key_props"] == {
        "exportable": False,
        "kty": "EC",
        "key_size": 256,
        "reuse_key": True,
        "crv": "P-256",
    }
    assert body["policy"]["x509_props"]["subject"] == "CN=www.example.org"
    assert body["policy"]["lifetime_actions"][0]["action"]["action_type"] == "AutoRenew"
    assert body["contentType"] == PKCS12
    assert body["attributes"]["enabled"] is False


def test_a_name_that_exists_gets_another_version_and_keeps_its_issuer(
    officer: ApiClient, vault: Vault, leaf: Leaf
) -> None:
    made = make_certificate(vault=vault, name="www")

    body = officer.post("/certificates/WWW/import", {"value": pem(leaf)}).json()

    assert "/certificates/www/" in body["id"]
    assert body["policy"]["issuer"]["name"] == "Self"
    assert len(officer.get("/certificates/www/versions").json()["value"]) == 2
    assert Certificate.objects.get(pk=made.pk).current_id.hex in body["id"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (lambda leaf: leaf.pem, "The specified PEM X.509 certificate content is in an unexpected format"),
        (lambda leaf: key_pem(leaf.key), "The specified PEM X.509 certificate content is in an unexpected format"),
        (lambda _: "nonsense", "The specified PEM X.509 certificate content is in an unexpected format"),
        (lambda leaf: pfx(leaf, "another"), "The specified PKCS#12 X.509 certificate content can not be read"),
        (lambda leaf: pem(leaf) + pem(make_leaf(make_root(), "b.example.org")), "2 certificates with their keys"),
    ],
    ids=["no key", "no certificate", "nothing", "wrong password", "two"],
)
def test_what_cannot_be_imported_is_refused_and_nothing_is_made(
    officer: ApiClient, leaf: Leaf, value: Callable[[Leaf], str], words: str
) -> None:
    response = officer.post(PATH, {"value": value(leaf), "pwd": "secret"})

    assert response.status_code == 400
    assert error_of(response)["code"] == "BadParameter"
    assert words in error_of(response)["message"]
    assert not Certificate.objects.exists()


def test_an_expired_certificate_is_refused(officer: ApiClient, authority: Authority) -> None:
    expired = make_leaf(authority, "www.example.org", days=0.001)

    response = officer.post(PATH, {"value": pem(expired)})

    assert response.status_code == 400
    assert "expired" in error_of(response)["message"]


def test_a_password_with_a_nul_is_refused_before_the_library_sees_it(officer: ApiClient, leaf: Leaf) -> None:
    response = officer.post(PATH, {"value": pfx(leaf), "pwd": "a\x00b"})

    assert response.status_code == 400
    assert "a\x00b" not in response.text


def test_while_a_request_is_in_progress_it_is_a_conflict(officer: ApiClient, vault: Vault, leaf: Leaf) -> None:
    make_operation(vault=vault, name="www")

    response = officer.post(PATH, {"value": pem(leaf)})

    assert response.status_code == 409
    assert "created or imported while a pending" in error_of(response)["message"]


def test_a_deleted_certificate_holds_its_name(officer: ApiClient, vault: Vault, leaf: Leaf) -> None:
    retiring.delete_certificate(certificate=make_certificate(vault=vault, name="www"), by=SYSTEM)

    response = officer.post(PATH, {"value": pem(leaf)})

    assert response.status_code == 409
    assert error_of(response)["innererror"] == {"code": "ObjectIsDeletedButRecoverable"}


def test_a_requester_imports_under_free_names_and_their_own(api: Api, vault: Vault, leaf: Leaf) -> None:
    make_certificate(vault=vault, name="www", by=make_member(vault))
    requester = api(make_member(vault, Role.REQUESTER), vault)

    assert requester.post(PATH, {"value": pem(leaf)}).status_code == 409
    assert requester.post("/certificates/mine/import", {"value": pem(leaf)}).status_code == 200
    assert requester.get("/certificates/mine").status_code == 200
