"""Certificate signing requests."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from hypothesis import given
from hypothesis import strategies as st

from tests.pki.authority import CURVES, ec_key, rsa_key
from tests.vault.x509.openssl import openssl
from vault.errors import BadName, BadParameter, UnreadableFile
from vault.models.policy import KEY_USAGES, AlternativeNames
from vault.x509 import asn1
from vault.x509.requests import KEY_USAGE_BITS, build_csr, csr_pem, describe_csr
from vault.x509.types import PrivateKey

EVERY_KIND = AlternativeNames(
    dns=("www.example.org", "*.example.org"),
    emails=("alice@example.org",),
    upns=("jürgen@corp.example",),
    uris=("https://example.org/a",),
    ips=("192.0.2.1", "2001:db8::1"),
)


def csr_of(
    subject: str = "CN=www.example.org",
    names: AlternativeNames = EVERY_KIND,
    key_usage: tuple[str, ...] = ("digitalSignature", "keyEncipherment"),
    ekus: tuple[str, ...] = ("1.3.6.1.5.5.7.3.1",),
    key: PrivateKey | None = None,
) -> bytes:
    return build_csr(subject=subject, names=names, key_usage=key_usage, ekus=ekus, key=key or ec_key())


def extensions_of(csr: bytes) -> dict[str, asn1.Extension]:
    found = asn1.request_extensions(x509.load_der_x509_csr(csr).tbs_certrequest_bytes)
    return {one.oid: one for one in found}


def test_a_request_holds_usage_purposes_names_and_no_ca_in_the_order_of_a_key_vault() -> None:
    csr = x509.load_der_x509_csr(csr_of())

    assert [one.oid for one in csr.extensions] == [
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.BASIC_CONSTRAINTS,
    ]
    usage = csr.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert usage.value.key_encipherment
    assert not usage.value.key_cert_sign
    assert not csr.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_every_kind_of_name_is_in_the_request_in_its_order() -> None:
    facts = describe_csr(csr_of())

    assert facts.names == tuple(EVERY_KIND.pairs())


@pytest.mark.parametrize(("subject", "critical"), [("", True), ("CN=www.example.org", False)])
def test_names_are_critical_only_without_a_subject(subject: str, critical: bool) -> None:
    assert extensions_of(csr_of(subject))["2.5.29.17"].critical is critical


@pytest.mark.parametrize(
    ("key", "title", "digest"),
    [
        (rsa_key(), "RSA 2048", "sha256"),
        (ec_key("P-256"), "EC P-256", "sha256"),
        (ec_key("P-256K"), "EC P-256K", "sha256"),
        (ec_key("P-384"), "EC P-384", "sha384"),
        (ec_key("P-521"), "EC P-521", "sha512"),
    ],
    ids=["RSA", "P-256", "P-256K", "P-384", "P-521"],
)
def test_the_hash_is_as_strong_as_the_key(key: PrivateKey, title: str, digest: str) -> None:
    csr = csr_of(key=key)

    loaded = x509.load_der_x509_csr(csr)
    assert loaded.signature_hash_algorithm is not None
    assert loaded.signature_hash_algorithm.name == digest
    assert describe_csr(csr).key_title == title
    assert describe_csr(csr).signature_ok


@pytest.mark.parametrize("usage", KEY_USAGES)
def test_each_key_usage_can_stand_alone(usage: str) -> None:
    value = extensions_of(csr_of(key_usage=(usage,)))["2.5.29.15"].value

    assert asn1.bits(asn1.read(value)) == [KEY_USAGES.index(usage)]


def test_the_key_usages_are_those_of_the_policy() -> None:
    assert KEY_USAGE_BITS == KEY_USAGES


def test_all_key_usages_together_are_read_by_the_library() -> None:
    csr = x509.load_der_x509_csr(csr_of(key_usage=KEY_USAGES))

    usage = csr.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.decipher_only
    assert usage.encipher_only
    assert usage.crl_sign


def test_no_key_usage_and_no_purposes_leave_their_extensions_out() -> None:
    assert set(extensions_of(csr_of(key_usage=(), ekus=()))) == {"2.5.29.17", "2.5.29.19"}


@pytest.mark.parametrize("curve", [*CURVES, "RSA"])
def test_openssl_verifies_a_request(curve: str, tmp_path: Path) -> None:
    key = rsa_key() if curve == "RSA" else ec_key(curve)
    file = tmp_path / "request.pem"
    file.write_text(csr_pem(csr_of('CN=www.example.org, O="Example, Inc.", C=DE', key=key)))

    text = openssl("req", "-in", str(file), "-verify", "-noout", "-text").decode()

    assert "verify OK" in text
    assert 'C = DE, O = "Example, Inc.", CN = www.example.org' in text
    assert "DNS:www.example.org, DNS:*.example.org, email:alice@example.org" in text
    assert "IP Address:2001:DB8:0:0:0:0:0:1" in text


def test_a_request_needs_a_subject_or_a_name() -> None:
    with pytest.raises(BadName, match="subject or at least one name"):
        csr_of("", AlternativeNames())


def test_a_subject_alone_is_enough() -> None:
    assert describe_csr(csr_of(names=AlternativeNames())).names == ()


def test_a_usage_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(BadParameter, match="“signing” is not a key usage") as refusal:
        csr_of(key_usage=("signing",))

    assert refusal.value.field == "key_usage"


@pytest.mark.parametrize("eku", ["serverAuth", "", "1", "1.2.", "9.9.9", "1.3.6.1\x00", "1" * 500])
def test_a_purpose_that_is_no_object_identifier_is_refused_by_name(eku: str) -> None:
    with pytest.raises(BadParameter, match="is not an object identifier") as refusal:
        csr_of(ekus=(eku,))

    assert refusal.value.field == "ekus"


@pytest.mark.parametrize(
    "names",
    [
        AlternativeNames(dns=("münchen.example",)),
        AlternativeNames(emails=("ü@example.org",)),
        AlternativeNames(ips=("no address",)),
        AlternativeNames(upns=("\ud800@corp",)),
        AlternativeNames(uris=("https://münchen.example",)),
    ],
)
def test_names_that_are_not_clean_are_refused_as_names(names: AlternativeNames) -> None:
    with pytest.raises(BadName) as refusal:
        csr_of(names=names)

    assert refusal.value.field == "names"


def test_five_hundred_names_go_into_a_request() -> None:
    names = AlternativeNames(dns=tuple(f"n{number}.example" for number in range(500)))

    assert describe_csr(csr_of(names=names)).names == tuple(names.pairs())


def test_a_request_with_a_broken_signature_says_so() -> None:
    csr = csr_of("CN=aaaaaaaa").replace(b"aaaaaaaa", b"bbbbbbbb")

    facts = describe_csr(csr)

    assert facts.subject == "CN=bbbbbbbb"
    assert not facts.signature_ok


@pytest.mark.parametrize("octets", [b"", b"hello", b"\x30\x00", b"\x30\x82\xff\xff", csr_of()[:-20]])
def test_octets_that_are_no_request_are_refused(octets: bytes) -> None:
    with pytest.raises(UnreadableFile) as refusal:
        describe_csr(octets)

    assert refusal.value.field == "csr"


@given(
    usages=st.lists(st.sampled_from(KEY_USAGES), unique=True),
    ekus=st.lists(st.sampled_from(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"]), unique=True),
)
def test_any_choice_of_usages_is_written_as_it_was_asked(usages: list[str], ekus: list[str]) -> None:
    found = extensions_of(csr_of(key_usage=tuple(usages), ekus=tuple(ekus)))

    bits = asn1.bits(asn1.read(found["2.5.29.15"].value)) if usages else []
    oids = [asn1.oid(one) for one in asn1.sequence(found["2.5.29.37"].value)] if ekus else []
    assert bits == sorted(KEY_USAGES.index(usage) for usage in usages)
    assert oids == ekus
