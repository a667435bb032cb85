"""The pieces around a certificate: encrypted keys, P7B, ZIPs, chains without their root."""

from __future__ import annotations

import io
import zipfile

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from tests.pki.authority import ec_key, make_intermediate, make_leaf, make_root, rsa_key
from tests.vault.x509.openssl import openssl
from vault.errors import BadParameter
from vault.x509.bundles import build_encrypted_key, build_p7b, build_zip, without_root

ROOT = make_root()
ISSUING = make_intermediate(ROOT)
LEAF = make_leaf(ISSUING)


@pytest.mark.parametrize("key", [rsa_key(), ec_key(), ec_key("P-521")])
@pytest.mark.parametrize("password", ["secret", "pässwörd mit Lücken", "🔑"])
def test_an_encrypted_key_opens_with_its_password_alone(key: object, password: str) -> None:
    text = build_encrypted_key(key=key, password=password).encode()

    opened = serialization.load_pem_private_key(text, password.encode())
    assert opened.public_key() == key.public_key()
    with pytest.raises(ValueError):
        serialization.load_pem_private_key(text, b"another")


def test_an_encrypted_key_is_encrypted_as_its_description_says() -> None:
    text = openssl("asn1parse", data=build_encrypted_key(key=ec_key(), password="secret").encode()).decode()

    assert [word for word in ("PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc", ":0186A0") if word not in text] == []


def test_an_encrypted_key_is_another_one_each_time() -> None:
    key = ec_key()

    assert build_encrypted_key(key=key, password="secret") != build_encrypted_key(key=key, password="secret")


@pytest.mark.parametrize("password", ["", "a\x00b", "line\nbreak", "x" * 201])
def test_a_key_is_not_encrypted_with_a_password_that_cannot_be_used(password: str) -> None:
    with pytest.raises(BadParameter) as refusal:
        build_encrypted_key(key=ec_key(), password=password)

    assert refusal.value.field == "password"


def test_a_p7b_holds_leaf_and_chain() -> None:
    octets = build_p7b(leaf=LEAF.der, chain=[ISSUING.der])

    inside = [one.public_bytes(serialization.Encoding.DER) for one in pkcs7.load_der_pkcs7_certificates(octets)]
    assert sorted(inside) == sorted([LEAF.der, ISSUING.der])


def test_a_chain_loses_its_root_and_nothing_else() -> None:
    assert without_root([ISSUING.der, ROOT.der]) == (ISSUING.der,)
    assert without_root([ISSUING.der]) == (ISSUING.der,)
    assert without_root([]) == ()


def test_the_same_members_give_the_same_zip_readable_by_its_owner_alone() -> None:
    members = {"shop/fullchain.pem": b"one", "shop/privkey.pem": b"two"}

    octets = build_zip(members)

    assert octets == build_zip(members)
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == members
        assert {one.external_attr >> 16 for one in archive.infolist()} == {0o100600}
