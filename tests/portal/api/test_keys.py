"""Keys over the wire: the public part, and what the private part does without leaving."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from django.utils import timezone

from portal.models import Role
from tests.factories import EC_KEY, make_certificate, make_member, make_vault
from tests.portal.api.client import ApiClient, error_of
from vault.keys.making import open_key
from vault.lifecycle import retiring
from vault.models import Vault, Version
from vault.models.audit import SYSTEM, AuditEvent
from vault.models.policy import KEY_USAGES, KeyPolicy

Api = Callable[..., ApiClient]
RSA = KeyPolicy(kty="RSA", size=2048, curve=None)
EVERYTHING = ("digitalSignature", "keyEncipherment", "dataEncipherment")
HASHES = {"256": (hashlib.sha256, hashes.SHA256()), "384": (hashlib.sha384, hashes.SHA384()), "512": (hashlib.sha512, hashes.SHA512())}  # fmt: skip


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def officer(api: Api, vault: Vault) -> ApiClient:
    return api(make_member(vault), vault)


def url64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(("curve", "size"), [("P-256", 32), ("P-384", 48), ("P-521", 66), ("P-256K", 32)])
def test_a_key_on_a_curve_is_shown_with_coordinates_as_long_as_its_field(
    officer: ApiClient, vault: Vault, curve: str, size: int
) -> None:
    key = KeyPolicy(kty="EC", size=None, curve=curve)
    version = make_certificate(vault=vault, name="www", key=key).current

    body = officer.get("/keys/www/").json()

    point = open_key(version.key).public_key().public_numbers()
    jwk = body["key"]
    assert (jwk["kty"], jwk["crv"], jwk["key_ops"]) == ("EC", curve, ["sign", "verify"])
    assert (len(octets(jwk["x"])), len(octets(jwk["y"]))) == (size, size)
    assert (int.from_bytes(octets(jwk["x"])), int.from_bytes(octets(jwk["y"]))) == (point.x, point.y)
    assert jwk["kid"] == f"https://payments.vault.localhost/keys/www/{version}"
    assert body["managed"] is True
    assert not {"n", "e", "d"} & set(jwk)


def test_an_rsa_key_is_shown_with_its_modulus(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www", key=RSA, key_usage=EVERYTHING).current

    jwk = officer.get(f"/keys/www/{version}").json()["key"]

    numbers = open_key(version.key).public_key().public_numbers()
    assert (int.from_bytes(octets(jwk["n"])), octets(jwk["e"])) == (numbers.n, b"\x01\x00\x01")
    assert jwk["key_ops"] == ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (("digitalSignature",), {"sign", "verify"}),
        (("nonRepudiation",), {"sign", "verify"}),
        (("keyEncipherment",), {"wrapKey", "unwrapKey"}),
        (("dataEncipherment",), {"encrypt", "decrypt"}),
        (("decipherOnly",), {"decrypt"}),
        (("encipherOnly",), {"encrypt"}),
        (("keyAgreement",), set()),
        ((), {"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"}),
        (KEY_USAGES, {"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"}),
    ],
)
def test_key_usage_decides_what_a_key_may_do(
    officer: ApiClient, vault: Vault, usage: tuple[str, ...], expected: set[str]
) -> None:
    make_certificate(vault=vault, name="www", key=RSA, key_usage=usage)

    assert set(officer.get("/keys/www").json()["key"]["key_ops"]) == expected


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_rsa_signs_a_digest_in_a_way_that_others_verify(officer: ApiClient, vault: Vault, alg: str) -> None:
    version = make_certificate(vault=vault, name="www", key=RSA).current
    digest_of, algorithm = HASHES[alg[2:]]
    digest = digest_of(b"text").digest()

    answer = officer.post(f"/keys/www/{version}/sign", {"alg": alg, "value": url64(digest)}).json()

    pad = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size) if alg[0] == "P" else padding.PKCS1v15()
    public = open_key(version.key).public_key()
    public.verify(octets(answer["value"]), digest, pad, Prehashed(algorithm))
    assert answer["kid"].endswith(f"/keys/www/{version}")
    body = {"alg": alg, "digest": url64(digest), "value": answer["value"]}
    assert officer.post(f"/keys/www/{version}/verify", body).json() == {"value": True}


@pytest.mark.parametrize(
    ("alg", "curve", "size"),
    [("ES256", "P-256", 32), ("ES384", "P-384", 48), ("ES512", "P-521", 66), ("ES256K", "P-256K", 32)],
)
def test_curves_sign_raw_and_not_der(officer: ApiClient, vault: Vault, alg: str, curve: str, size: int) -> None:
    version = make_certificate(vault=vault, name="www", key=KeyPolicy(kty="EC", size=None, curve=curve)).current
    digest_of, algorithm = HASHES[alg[2:5]]
    digest = digest_of(b"text").digest()

    value = octets(officer.post("/keys/www/sign", {"alg": alg, "value": url64(digest)}).json()["value"])

    assert len(value) == 2 * size
    der = encode_dss_signature(int.from_bytes(value[:size]), int.from_bytes(value[size:]))
    open_key(version.key).public_key().verify(der, digest, ec.ECDSA(Prehashed(algorithm)))
    body = {"alg": alg, "digest": url64(digest), "value": url64(value)}
    assert officer.post("/keys/www/verify", body).json() == {"value": True}


@pytest.mark.parametrize("value", ["", "AA", url64(b"\x01" * 64), url64(b"\xff" * 64), url64(b"\x01" * 63)])
def test_a_signature_that_is_none_does_not_verify(officer: ApiClient, vault: Vault, value: str) -> None:
    make_certificate(vault=vault, name="www", key=EC_KEY)
    body = {"alg": "ES256", "digest": url64(b"\x00" * 32), "value": value}

    assert officer.post("/keys/www/verify", body).json() == {"value": False}


@pytest.mark.parametrize("alg", ["RSA1_5", "RSA-OAEP", "RSA-OAEP-256"])
@pytest.mark.parametrize(("there", "back"), [("encrypt", "decrypt"), ("wrapkey", "unwrapkey")])
def test_what_is_encrypted_is_decrypted(officer: ApiClient, vault: Vault, alg: str, there: str, back: str) -> None:
    make_certificate(vault=vault, name="www", key=RSA, key_usage=EVERYTHING)

    closed = officer.post(f"/keys/www/{there}", {"alg": alg, "value": url64(b"secret")}).json()["value"]
    opened = officer.post(f"/keys/www/{back}", {"alg": alg, "value": closed}).json()["value"]

    assert octets(opened) == b"secret"
    assert AuditEvent.objects.filter(action=f"keys/{back}").count() == 1


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("sign", {"alg": "RS256", "value": url64(b"\x00" * 32)}),  # another type of key
        ("sign", {"alg": "ES384", "value": url64(b"\x00" * 48)}),  # another curve
        ("sign", {"alg": "ES256", "value": url64(b"\x00" * 31)}),
        ("sign", {"alg": "none", "value": ""}),
        ("sign", {"alg": "ES256", "value": "not base64url!"}),
        ("sign", {"alg": "ES256", "value": "é"}),
        ("sign", {"alg": "ES256"}),
        ("sign", {}),
        ("verify", {"alg": "ES256", "value": "AA"}),
    ],
)
def test_what_does_not_fit_the_key_is_refused(officer: ApiClient, vault: Vault, operation: str, body: object) -> None:
    make_certificate(vault=vault, name="www", key=EC_KEY)

    response = officer.post(f"/keys/www/{operation}", body)

    assert response.status_code == 400
    assert error_of(response)["code"] == "BadParameter"


@pytest.mark.parametrize("value", [url64(b"\x00" * 256), url64(b"\xff" * 256), "AA", ""])
def test_what_does_not_open_is_refused_in_the_same_words(officer: ApiClient, vault: Vault, value: str) -> None:
    make_certificate(vault=vault, name="www", key=RSA, key_usage=EVERYTHING)

    response = officer.post("/keys/www/decrypt", {"alg": "RSA-OAEP-256", "value": value})

    assert response.status_code == 400
    assert "cannot be decrypted" in error_of(response)["message"]


def test_too_much_cannot_be_encrypted(officer: ApiClient, vault: Vault) -> None:
    make_certificate(vault=vault, name="www", key=RSA, key_usage=EVERYTHING)

    response = officer.post("/keys/www/encrypt", {"alg": "RSA-OAEP", "value": url64(b"x" * 300)})

    assert response.status_code == 400


def test_a_key_does_only_what_its_usage_allows(officer: ApiClient, vault: Vault) -> None:
    make_certificate(vault=vault, name="www", key=RSA, key_usage=("keyEncipherment",))

    response = officer.post("/keys/www/sign", {"alg": "RS256", "value": url64(b"\x00" * 32)})

    assert response.status_code == 403
    assert "Operation sign is not allowed on this key" in error_of(response)["message"]


def test_a_disabled_key_does_nothing(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current
    retiring.set_enabled(version=version, enabled=False, by=SYSTEM)

    response = officer.post("/keys/www/sign", {"alg": "ES256", "value": url64(b"\x00" * 32)})

    assert response.status_code == 403
    assert error_of(response)["innererror"] == {"code": "KeyDisabled"}
    assert officer.get("/keys/www").status_code == 200


def test_an_expired_key_still_decrypts_and_signs_no_more(officer: ApiClient, vault: Vault) -> None:
    make_certificate(vault=vault, name="www", key=RSA, key_usage=EVERYTHING)
    closed = officer.post("/keys/www/encrypt", {"alg": "RSA-OAEP", "value": "AAAA"}).json()["value"]
    Version.objects.update(not_after=timezone.now() - timedelta(seconds=1))

    assert officer.post("/keys/www/decrypt", {"alg": "RSA-OAEP", "value": closed}).status_code == 200
    assert officer.post("/keys/www/encrypt", {"alg": "RSA-OAEP", "value": "AAAA"}).status_code == 403
    assert officer.post("/keys/www/sign", {"alg": "RS256", "value": url64(b"\x00" * 32)}).status_code == 403


def test_a_reader_reads_the_key_and_does_not_use_it(api: Api, vault: Vault) -> None:
    make_certificate(vault=vault, name="www")
    reader = api(make_member(vault, Role.READER), vault)

    assert reader.get("/keys/www").status_code == 200
    assert reader.post("/keys/www/sign", {"alg": "ES256", "value": url64(b"\x00" * 32)}).status_code == 403


def test_signing_is_in_the_trail(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current

    officer.post("/keys/www/sign", {"alg": "ES256", "value": url64(b"\x00" * 32)})

    event = AuditEvent.objects.get(action="keys/sign")
    assert event.target == f"certificates/www/{version}"
    assert event.details["alg"] == "ES256"


def test_the_lists_hold_ids_with_and_without_version(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current

    listed, versions = (officer.get(path).json()["value"] for path in ("/keys", "/keys/www/versions"))

    assert [one["kid"] for one in listed] == ["https://payments.vault.localhost/keys/www"]
    assert [one["kid"] for one in versions] == [f"https://payments.vault.localhost/keys/www/{version}"]
    assert listed[0]["managed"] is True


def test_what_is_not_there_is_a_key_not_found(officer: ApiClient) -> None:
    assert error_of(officer.get("/keys/nope"))["code"] == "KeyNotFound"
