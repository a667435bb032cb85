"""Making self-signed certificates, and the facts of any."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519, mldsa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pki import forging
from tests.pki.authority import CURVES, ec_key, make_csr, make_intermediate, make_leaf, make_root, rsa_key, sign_csr
from tests.vault.x509.openssl import openssl
from vault.errors import BadCertificate, UnreadableFile
from vault.models.policy import KEY_USAGES, AlternativeNames
from vault.x509 import asn1, certificates
from vault.x509.requests import build_csr, describe_csr
from vault.x509.visible import is_plain

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
END = START + timedelta(days=365)


def self_signed(*dns: str, key_usage: tuple[str, ...] = ("digitalSignature",), curve: str = "P-256") -> bytes:
    key = rsa_key() if curve == "RSA" else ec_key(curve)
    csr = build_csr(
        subject="CN=www.example.org, O=Example",
        names=AlternativeNames(dns=dns or ("www.example.org",)),
        key_usage=key_usage,
        ekus=("1.3.6.1.5.5.7.3.1",),
        key=key,
    )
    return certificates.self_sign(csr, key, not_before=START, not_after=END)


def test_a_self_signed_certificate_has_the_subject_and_names_of_its_request_and_the_given_times() -> None:
    facts = certificates.facts(self_signed("a.example", "*.b.example"))

    assert facts.subject == facts.issuer == "CN=www.example.org, O=Example"
    assert facts.names == (("dns", "a.example"), ("dns", "*.b.example"))
    assert (facts.not_before, facts.not_after) == (START, END)
    assert facts.self_signed
    assert not facts.is_ca


def test_a_self_signed_certificate_adds_key_identifiers_to_the_requests_extensions() -> None:
    names = [extension.name for extension in certificates.describe(self_signed())]

    assert names == [
        "Key usage",
        "Extended key usage",
        "Subject alternative names",
        "Basic constraints",
        "Authority key identifier",
        "Subject key identifier",
    ]


def test_serial_numbers_are_positive_random_and_of_128_bits() -> None:
    key = ec_key()
    csr = make_csr(key=key)

    signed = [certificates.self_sign(csr, key, not_before=START, not_after=END) for _ in range(20)]

    serials = {certificates.facts(der).serial for der in signed}
    assert len(serials) == 20
    assert all(len(serial) == 32 and int(serial, 16).bit_length() == 128 for serial in serials)


@pytest.mark.parametrize("usage", KEY_USAGES)
def test_any_key_usage_can_be_self_signed_even_those_the_library_refuses_to_read(usage: str) -> None:
    der = self_signed(key_usage=(usage,))

    described = certificates.describe(der)
    assert described[0].critical
    assert len(described[0].lines) == 1
    assert certificates.facts(der).names == (("dns", "www.example.org"),)


@pytest.mark.parametrize("curve", [*CURVES, "RSA"])
def test_openssl_reads_and_verifies_a_self_signed_certificate(curve: str, tmp_path: Path) -> None:
    der = self_signed(curve=curve)
    file = tmp_path / "certificate.pem"
    file.write_text(certificates.pem(der))
    moment = str(int(START.timestamp()) + 60)

    verified = openssl("verify", "-attime", moment, "-CAfile", str(file), "-check_ss_sig", str(file)).decode()
    text = openssl("x509", "-in", str(file), "-noout", "-fingerprint", "-sha256", "-serial", "-subject").decode()

    facts = certificates.facts(der)
    assert verified.endswith(": OK\n")
    assert facts.thumbprint_sha256 in text.replace(":", "").lower()
    assert f"serial={facts.serial.upper()}" in text
    assert "O = Example, CN = www.example.org" in text


def test_a_request_is_not_signed_with_another_key() -> None:
    with pytest.raises(BadCertificate, match="another key"):
        certificates.self_sign(make_csr(), ec_key(), not_before=START, not_after=END)


def test_a_certificate_that_would_end_before_it_begins_is_refused() -> None:
    key = ec_key()

    with pytest.raises(BadCertificate, match="dates"):
        certificates.self_sign(make_csr(key=key), key, not_before=END, not_after=START)


def test_facts_name_key_hash_serial_and_fingerprints() -> None:
    root = make_root()
    key = rsa_key()
    csr = make_csr(key=key)
    der = sign_csr(root, csr, serial=0xABC)

    facts = certificates.facts(der)

    assert facts.serial == "abc"
    assert facts.thumbprint_sha1 == hashlib.sha1(der).hexdigest()
    assert facts.thumbprint_sha256 == hashlib.sha256(der).hexdigest()
    assert facts.issuer == "CN=Example Root CA"
    assert facts.key_title == "RSA 2048"
    assert facts.signature_hash == "sha256"
    assert facts.spki_sha256 == describe_csr(csr).spki_sha256 == certificates.spki_sha256(key.public_key())
    assert not facts.self_signed


def test_a_ca_is_recognised() -> None:
    root = make_root()

    assert certificates.facts(root.der).is_ca
    assert certificates.facts(root.der).self_signed
    assert not certificates.facts(make_intermediate(root).der).self_signed


def test_a_certificate_that_only_names_itself_as_issuer_is_not_self_signed() -> None:
    impostor = make_root("Same name")
    other = make_intermediate(make_root("Same name"), "Same name", key=impostor.key)

    assert not certificates.facts(other.der).self_signed


def test_hostile_text_in_a_foreign_certificate_is_made_visible() -> None:
    root = make_root("evil\u202egro.elpmaxe\x00")
    value = b"\x82\x0ea\x00b\n<script>c\x07"

    der = forging.with_extensions(root, make_leaf(root).der, forging.extension("2.5.29.17", b"\x30\x10" + value))

    facts = certificates.facts(der)
    assert facts.issuer == "CN=evilU+202Egro.elpmaxeU+0000"
    assert facts.names == (("dns", "aU+0000bU+000A<script>cU+0007"),)
    assert all(is_plain(line) for extension in certificates.describe(der) for line in extension.lines)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize(("octets", "serial"), [(b"\xff", "-1"), (b"\x00", "0"), (b"\x7f" * 21, "7f" * 21)])
def test_serial_numbers_that_break_the_rules_are_still_shown(octets: bytes, serial: str) -> None:
    root = make_root()

    der = forging.with_serial(root, make_leaf(root).der, octets)

    assert certificates.facts(der).serial == serial


@pytest.mark.parametrize(
    "octets", [b"", b"\x30", b"\x30\x03\x02\x01\x00", b"-----BEGIN CERTIFICATE-----", make_root().der[:-1]]
)
def test_octets_that_are_no_certificate_are_refused(octets: bytes) -> None:
    for reader in (certificates.facts, certificates.describe, certificates.pem, certificates.public_key_of):
        with pytest.raises(UnreadableFile, match="cannot be read"):
            reader(octets)


def test_pem_is_split_into_what_it_was_made_of() -> None:
    ders = [make_root().der for _ in range(3)]

    assert certificates.split_pem("".join(map(certificates.pem, ders))) == ders
    assert certificates.split_pem("") == []


def test_the_public_key_is_the_one_that_was_certified() -> None:
    leaf = make_leaf(make_root())

    assert certificates.public_key_of(leaf.der) == leaf.key.public_key()
    assert certificates.describe_key(leaf.der)[0] == "EC P-256"


@settings(max_examples=25)
@given(
    labels=st.lists(st.from_regex(r"[a-z]([a-z0-9]{0,10}[a-z0-9])?", fullmatch=True), min_size=1, unique=True),
    usages=st.lists(st.sampled_from(KEY_USAGES), unique=True),
    days=st.integers(min_value=1, max_value=5000),
    curve=st.sampled_from(sorted(CURVES)),
)
def test_what_a_request_asks_for_is_what_the_self_signed_certificate_says(
    labels: list[str], usages: list[str], days: int, curve: str
) -> None:
    key = ec_key(curve)
    names = AlternativeNames(dns=tuple(f"{label}.example" for label in labels))
    csr = build_csr(subject="CN=x, O=Example", names=names, key_usage=usages, ekus=(), key=key)

    der = certificates.self_sign(csr, key, not_before=START, not_after=START + timedelta(days=days))

    facts, asked = certificates.facts(der), describe_csr(csr)
    assert (facts.subject, facts.names, facts.spki_sha256) == (asked.subject, asked.names, asked.spki_sha256)
    assert facts.key_title == asked.key_title == f"EC {curve}"
    assert facts.not_after - facts.not_before == timedelta(days=days)
    x509.load_der_x509_certificate(der).verify_directly_issued_by(x509.load_der_x509_certificate(der))


@pytest.mark.parametrize(
    ("key", "title"),
    [
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
        (dsa.generate_private_key(1024), "DSA 1024"),
        (mldsa.MLDSA65PrivateKey.generate(), "ML-DSA-65"),
    ],
    ids=["Ed25519", "DSA", "ML-DSA"],
)
def test_keys_of_other_kinds_are_called_by_their_name(key: ed25519.Ed25519PrivateKey, title: str) -> None:
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    root = make_root()

    der = forging.with_key(root, make_leaf(root).der, spki)

    assert certificates.facts(der).key_title == title
    assert certificates.facts(der).spki_sha256 == hashlib.sha256(spki).hexdigest()


def test_a_key_of_an_unknown_kind_is_called_by_its_identifier_and_still_compared() -> None:
    root = make_root()
    spki = asn1.encode(asn1.SEQUENCE, asn1.encode(asn1.SEQUENCE, forging.oid_der("1.2.3.4")) + b"\x03\x02\x00\x01")

    der = forging.with_key(root, make_leaf(root).der, spki)

    facts = certificates.facts(der)
    assert facts.key_title == "Unknown key (1.2.3.4)"
    assert facts.spki_sha256 == hashlib.sha256(spki).hexdigest()
    assert certificates.describe_key(der)[0] == "Unknown key (1.2.3.4)"
    with pytest.raises(UnreadableFile, match="of a kind that cannot be read"):
        certificates.public_key_of(der)


def test_an_unknown_signature_algorithm_is_shown_by_its_identifier() -> None:
    root = make_root()

    der = forging.with_algorithm(root, make_leaf(root).der, "1.2.3.4")

    assert certificates.facts(der).signature_hash == "1.2.3.4"
