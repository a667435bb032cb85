"""Files that carry a certificate with its key."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.pki.authority import CURVES, ec_key, make_intermediate, make_leaf, make_root, rsa_key
from tests.vault.x509.openssl import openssl
from vault.errors import BadCertificate, BadParameter, UnreadableFile
from vault.x509.pfx import build_pem, build_pfx, check_password

ROOT = make_root()
ISSUING = make_intermediate(ROOT)
CHAIN = (ISSUING.der, ROOT.der)


def public_part(key: object) -> object:
    """A key's public half, by which two keys are compared."""
    return key.public_key()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("curve", "legacy"), [*((curve, False) for curve in CURVES), ("RSA", False), ("RSA", True)])
def test_openssl_opens_a_pfx_with_its_password(curve: str, legacy: bool, tmp_path: Path) -> None:
    leaf = make_leaf(ISSUING, key=rsa_key() if curve == "RSA" else ec_key(curve))
    file = tmp_path / "file.pfx"

    file.write_bytes(
        build_pfx(key=leaf.key, leaf=leaf.der, chain=CHAIN, password="pass word", friendly_name="www", legacy=legacy)
    )

    options = ["-legacy"] if legacy else []
    text = openssl("pkcs12", "-in", str(file), "-passin", "pass:pass word", "-nodes", *options).decode()
    assert text.count("BEGIN CERTIFICATE") == 3
    assert text.count("BEGIN PRIVATE KEY") == 1
    assert "friendlyName: www" in text


@pytest.mark.parametrize(
    ("legacy", "words"),
    [
        (False, ["MAC: sha256", "PBES2, PBKDF2, AES-256-CBC, Iteration 100000"]),
        (True, ["MAC: sha1", "pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 100000"]),
    ],
)
def test_the_ciphers_are_modern_unless_old_ones_are_asked_for(legacy: bool, words: list[str], tmp_path: Path) -> None:
    leaf = make_leaf(ISSUING)
    file = tmp_path / "file.pfx"
    file.write_bytes(
        build_pfx(key=leaf.key, leaf=leaf.der, chain=CHAIN, password="secret", friendly_name="www", legacy=legacy)
    )

    text = openssl("pkcs12", "-in", str(file), "-passin", "pass:secret", "-info", "-noout", "-legacy").decode()

    assert all(word in text for word in words)


def test_a_pfx_without_password_is_open_to_anyone() -> None:
    leaf = make_leaf(ISSUING)

    octets = build_pfx(key=leaf.key, leaf=leaf.der, chain=CHAIN, password=None, friendly_name="www")

    opened = pkcs12.load_pkcs12(octets, None)
    assert public_part(opened.key) == leaf.key.public_key()
    assert [one.certificate.public_bytes(serialization.Encoding.DER) for one in opened.additional_certs] == list(CHAIN)


def test_a_pfx_can_do_without_the_key() -> None:
    leaf = make_leaf(ISSUING)

    octets = build_pfx(key=None, leaf=leaf.der, chain=CHAIN, password="secret", friendly_name="www")

    opened = pkcs12.load_pkcs12(octets, b"secret")
    assert opened.key is None
    assert len(opened.additional_certs) + bool(opened.cert) == 3


@pytest.mark.parametrize("password", ["a", "pässwörd", "密码", "🔑 key", '"; rm -rf', "x" * 200, "  "])
def test_any_password_that_can_be_typed_opens_its_pfx_and_no_other_does(password: str) -> None:
    leaf = make_leaf(ISSUING)

    octets = build_pfx(key=leaf.key, leaf=leaf.der, chain=(), password=password, friendly_name="wéb 例")

    opened = pkcs12.load_pkcs12(octets, password.encode())
    assert public_part(opened.key) == leaf.key.public_key()
    assert opened.cert is not None
    assert opened.cert.friendly_name == "wéb 例".encode()
    with pytest.raises(ValueError):
        pkcs12.load_pkcs12(octets, f"{password}x".encode())


@pytest.mark.parametrize("password", ["", "a\x00b", "\x00", "a\nb", "a\x1bb", "a\x7fb", "a\x85b", "\ud800", "x" * 201])
def test_a_password_that_the_library_cannot_take_is_refused_before_and_never_repeated(
    password: str, capfd: pytest.CaptureFixture[str]
) -> None:
    leaf = make_leaf(ISSUING)

    with pytest.raises(BadParameter) as refusal:
        build_pfx(key=leaf.key, leaf=leaf.der, chain=(), password=password, friendly_name="www")

    assert refusal.value.field == "password"
    assert not password or password not in str(refusal.value)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(BadParameter):
        check_password(password)


@pytest.mark.parametrize("friendly_name", ["", "a\x00b", "\u202e", "x" * 1000])
def test_any_friendly_name_makes_a_pfx(friendly_name: str) -> None:
    leaf = make_leaf(ISSUING)

    octets = build_pfx(key=leaf.key, leaf=leaf.der, chain=(), password=None, friendly_name=friendly_name)

    assert public_part(pkcs12.load_pkcs12(octets, None).key) == leaf.key.public_key()


def test_a_key_and_a_certificate_that_do_not_belong_together_make_no_file() -> None:
    leaf = make_leaf(ISSUING)

    with pytest.raises(BadCertificate, match="do not belong together"):
        build_pfx(key=ec_key(), leaf=leaf.der, chain=(), password=None, friendly_name="www")
    with pytest.raises(BadCertificate, match="do not belong together"):
        build_pem(key=rsa_key(), leaf=leaf.der, chain=())


def test_a_pem_bundle_is_the_key_then_the_leaf_then_its_issuers() -> None:
    leaf = make_leaf(ISSUING)

    text = build_pem(key=leaf.key, leaf=leaf.der, chain=CHAIN)

    assert text.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert text.endswith("-----END CERTIFICATE-----\n")
    assert text[text.index("-----BEGIN CERTIFICATE") :] == leaf.pem + ISSUING.pem + ROOT.pem
    assert public_part(serialization.load_pem_private_key(text.encode(), None)) == leaf.key.public_key()
    assert all(len(line) <= 64 for line in text.splitlines())


def test_a_pem_bundle_can_do_without_the_key() -> None:
    leaf = make_leaf(ISSUING)

    assert build_pem(key=None, leaf=leaf.der, chain=()) == leaf.pem


def test_a_leaf_that_is_no_certificate_makes_no_file() -> None:
    with pytest.raises(UnreadableFile):
        build_pem(key=None, leaf=b"hello", chain=())
