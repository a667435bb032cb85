"""Secrets over the wire: the PFX or PEM of a version, always the same, for those who may."""

import base64
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from pytest_django import DjangoAssertNumQueries

from portal.models import Role
from tests.factories import make_certificate, make_member, make_operation, make_vault
from tests.portal.api.client import ApiClient, error_of
from vault.keys.making import open_key
from vault.lifecycle import retiring, revealing
from vault.models import Vault, Version
from vault.models.audit import SYSTEM, AuditEvent
from vault.models.policy import PEM_FILE, PKCS12, KeyPolicy

Api = Callable[..., ApiClient]
PEM = {"content_type": PEM_FILE}
HIDDEN = KeyPolicy(kty="EC", size=None, curve="P-256", exportable=False)


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def officer(api: Api, vault: Vault) -> ApiClient:
    return api(make_member(vault), vault)


def public_key_of(version: Version) -> object:
    return open_key(version.key).public_key()


def test_a_pfx_without_password_holds_the_key_of_the_certificate(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current

    body = officer.get("/secrets/www/").json()

    key, leaf, _ = pkcs12.load_key_and_certificates(base64.b64decode(body["value"]), None)
    assert key.public_key() == leaf.public_key() == public_key_of(version)
    assert body["contentType"] == PKCS12
    assert body["managed"] is True
    assert body["id"] == f"https://payments.vault.localhost/secrets/www/{version}"
    assert body["kid"] == f"https://payments.vault.localhost/keys/www/{version}"
    assert body["attributes"]["recoveryLevel"] == "Recoverable+Purgeable"
    assert "previousVersion" not in body


def test_pem_is_plain_text_key_first_then_the_leaf(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www", **PEM).current

    value = officer.get("/secrets/www").json()["value"]

    assert value.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert value.endswith("-----END CERTIFICATE-----\n")
    assert load_pem_private_key(value.encode(), None).public_key() == public_key_of(version)
    assert x509.load_pem_x509_certificates(value.encode())[0].public_key() == public_key_of(version)
    assert max(map(len, value.splitlines())) == 64
    assert "\r" not in value


def test_the_value_is_the_same_each_time(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current

    values = {officer.get("/secrets/www").json()["value"] for _ in range(2)}
    values.add(officer.get(f"/secrets/www/{version}").json()["value"])

    assert len(values) == 1


def test_each_version_has_its_own_secret_and_names_the_one_before(officer: ApiClient, vault: Vault) -> None:
    first = make_certificate(vault=vault, name="www").current
    second = make_certificate(vault=vault, name="www").current

    bodies = [officer.get(f"/secrets/www/{version}").json() for version in (first, second)]

    assert bodies[0]["value"] != bodies[1]["value"]
    assert bodies[1]["previousVersion"] == str(first)


def test_a_pfx_is_read_as_pem_on_demand(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current

    body = officer.get("/secrets/www", outContentType=PEM_FILE).json()

    assert body["contentType"] == PEM_FILE
    assert load_pem_private_key(body["value"].encode(), None).public_key() == public_key_of(version)


@pytest.mark.parametrize(("kept", "wanted", "status"), [(PEM_FILE, PKCS12, 400), (PKCS12, "text/plain", 400), (PKCS12, "", 400), (PEM_FILE, PEM_FILE, 200)])  # fmt: skip
def test_there_is_no_other_conversion(officer: ApiClient, vault: Vault, kept: str, wanted: str, status: int) -> None:
    make_certificate(vault=vault, name="www", content_type=kept)

    assert officer.get("/secrets/www", outContentType=wanted).status_code == status


@pytest.mark.parametrize("form", [PKCS12, PEM_FILE])
def test_a_key_that_may_not_leave_is_not_in_the_secret(officer: ApiClient, vault: Vault, form: str) -> None:
    make_certificate(vault=vault, name="www", key=HIDDEN)

    value = officer.get("/secrets/www", outContentType=form).json()["value"]

    if form == PEM_FILE:
        assert "PRIVATE KEY" not in value
        assert "BEGIN CERTIFICATE" in value
    else:
        assert pkcs12.load_key_and_certificates(base64.b64decode(value), None)[0] is None


def test_a_disabled_secret_is_not_read(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current
    retiring.set_enabled(version=version, enabled=False, by=SYSTEM)

    response = officer.get("/secrets/www")

    assert response.status_code == 403
    assert error_of(response) == {
        "code": "Forbidden",
        "message": "Operation get is not allowed on a disabled secret.",
        "innererror": {"code": "SecretDisabled"},
    }
    assert officer.get("/certificates/www").status_code == 200


def test_while_the_first_version_is_pending_there_is_no_secret(officer: ApiClient, vault: Vault) -> None:
    make_operation(vault=vault, name="slow")

    response = officer.get("/secrets/slow")

    assert response.status_code == 404
    assert error_of(response)["code"] == "SecretNotFound"
    assert error_of(response)["message"].startswith("A secret with (name/id) slow was not found")


def test_the_event_is_there_before_the_secret_is_opened(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    version = make_certificate(vault=vault, name="www").current
    monkeypatch.setattr(revealing, "unseal", lambda *_, **__: pytest.fail("opened"))

    with pytest.raises(pytest.fail.Exception, match="opened"):
        revealing.secret_value(version, by=SYSTEM)

    assert AuditEvent.objects.get(action="secrets/get").details["sha256"] == version.thumbprint_sha256


def test_a_token_without_the_verb_reads_the_certificate_and_not_the_secret(api: Api, vault: Vault) -> None:
    make_certificate(vault=vault, name="www")
    client = api(make_member(vault), vault, verbs=["certificates/get"])

    assert client.get("/certificates/www").status_code == 200
    assert client.get("/secrets/www").status_code == 403
    assert not AuditEvent.objects.filter(action="secrets/get").exists()


def test_a_requester_reads_the_secret_of_their_own(api: Api, vault: Vault) -> None:
    requester = make_member(vault, Role.REQUESTER)
    make_certificate(vault=vault, name="mine", by=requester)
    make_certificate(vault=vault, name="theirs")

    assert api(requester, vault).get("/secrets/mine").status_code == 200
    assert api(requester, vault).get("/secrets/theirs").status_code == 404


def test_the_lists_hold_what_is_managed_and_no_value(officer: ApiClient, vault: Vault) -> None:
    make_operation(vault=vault, name="slow")
    version = make_certificate(vault=vault, name="www").current

    listed = officer.get("/secrets").json()["value"]
    versions = officer.get("/secrets/www/versions").json()["value"]

    assert [one["id"] for one in listed] == ["https://payments.vault.localhost/secrets/www"]
    assert [one["id"] for one in versions] == [f"https://payments.vault.localhost/secrets/www/{version}"]
    assert all(one["managed"] and one["contentType"] == PKCS12 and "value" not in one for one in listed + versions)


def test_reading_a_secret_costs_few_queries(
    officer: ApiClient, vault: Vault, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_certificate(vault=vault, name="www")

    officer.get("/secrets/www")
    with django_assert_max_num_queries(10):  # four of them write the event
        officer.get("/secrets/www")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_secret_is_not_changed_on_its_own(officer: ApiClient, vault: Vault, method: str) -> None:
    make_certificate(vault=vault, name="www")

    assert officer.raw(method, "/secrets/www", {}).status_code == 405
