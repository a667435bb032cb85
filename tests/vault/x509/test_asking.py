"""A certificate read back as what would be asked for."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pki import authority, forging
from vault import policies
from vault.models.policy import AlternativeNames, KeyPolicy, Policy, Validity
from vault.x509.asking import Asked, key_terms, what_was_asked
from vault.x509.certificates import self_sign
from vault.x509.requests import build_csr

pytestmark = pytest.mark.filterwarnings("ignore:Attribute's length")
ROOT = authority.make_root()
KEY = authority.ec_key()


def certificate(
    *attributes: tuple[x509.ObjectIdentifier, str], names: list[x509.GeneralName] | None = None, days: float = 90
) -> bytes:
    subject = x509.Name([x509.NameAttribute(oid, value, _validate=False) for oid, value in attributes])
    start = datetime.now(UTC) - timedelta(hours=1)
    builder = x509.CertificateBuilder(ROOT.subject, subject, KEY.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=days))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return authority.to_der(builder.sign(ROOT.key, hashes.SHA256()))


def policy_of(asked: Asked) -> Policy:
    return Policy(
        key=KeyPolicy(kty=asked.kty, size=asked.size, curve=asked.curve),
        subject=asked.subject,
        names=asked.names,
        key_usage=asked.key_usage,
        ekus=asked.ekus,
        validity=Validity(number=asked.days, unit="days"),
    )


def test_what_was_asked_for_is_read_back() -> None:
    names = AlternativeNames(
        dns=("www.example.org", "*.example.org"),
        emails=("a@example.org",),
        upns=("a@corp.example.org",),
        uris=("spiffe://example.org/a",),
        ips=("192.0.2.1", "2001:db8::1"),
    )
    usages, ekus = ("digitalSignature", "keyAgreement", "decipherOnly"), ("1.3.6.1.5.5.7.3.1", "1.2.3.4")
    now = datetime.now(UTC)
    csr = build_csr(
        subject='CN=www.example.org, O="Example, Inc.", C=DE', names=names, key_usage=usages, ekus=ekus, key=KEY
    )

    asked = what_was_asked(self_sign(csr, KEY, not_before=now, not_after=now + timedelta(days=398)))

    assert asked == Asked(
        subject='CN=www.example.org, O="Example, Inc.", C=DE',
        names=names,
        kty="EC",
        size=None,
        curve="P-256",
        key_usage=usages,
        ekus=ekus,
        days=398,
    )


def test_a_certificate_without_extensions_asks_for_none() -> None:
    asked = what_was_asked(certificate((NameOID.COMMON_NAME, "www.example.org")))

    assert (asked.names, asked.key_usage, asked.ekus) == (AlternativeNames(), (), ())


def test_names_that_no_policy_takes_are_left_out_and_named() -> None:
    names = [
        x509.DNSName("www.example.org"),
        x509.DNSName("under_score.example.org"),
        x509.DNSName("WWW.example.org"),
        x509.DirectoryName(ROOT.subject),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.UniformResourceIdentifier("javascript:alert(1)"),
    ]

    asked = what_was_asked(certificate(names=names))

    assert asked.names == AlternativeNames(dns=("www.example.org",))
    (sentence,) = asked.left_out
    assert "under_score.example.org" in sentence
    assert "javascript:alert(1)" in sentence


def test_more_names_than_a_policy_holds_are_cut_and_counted() -> None:
    asked = what_was_asked(certificate(names=[x509.DNSName(f"h{number}.example.org") for number in range(510)]))

    assert len(asked.names) == 500
    assert asked.left_out == ("A policy holds 500 names; the other 10 stay out of it.",)


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [
        ([(NameOID.COMMON_NAME, "a.example.org"), (x509.ObjectIdentifier("1.2.3.4"), "x")], "CN=a.example.org"),
        ([(NameOID.COMMON_NAME, "x" * 65), (NameOID.ORGANIZATION_NAME, "Example")], "O=Example"),
        ([(NameOID.COMMON_NAME, "a\u202eb")], ""),
        ([(NameOID.COUNTRY_NAME, "D1"), (NameOID.COMMON_NAME, "a")], "CN=a"),
    ],
)
def test_parts_of_a_subject_that_no_policy_takes_are_left_out(attributes: list, kept: str) -> None:
    asked = what_was_asked(certificate(*attributes))

    assert asked.subject == kept
    assert f"“{kept}” is kept" in asked.left_out[0]


def test_a_subject_that_is_too_long_is_cut_to_its_first_parts() -> None:
    units = [(NameOID.ORGANIZATIONAL_UNIT_NAME, str(number) * 60) for number in range(5)]

    asked = what_was_asked(certificate(*units, (NameOID.COMMON_NAME, "a.example.org")))

    assert len(asked.subject) <= 200
    assert asked.subject.startswith("CN=a.example.org, OU=4")


@pytest.mark.parametrize(
    ("key", "terms"),
    [
        (ec.generate_private_key(ec.SECP384R1()), ("EC", None, "P-384")),
        (ec.generate_private_key(ec.SECP256K1()), ("EC", None, "P-256K")),
        (ec.generate_private_key(ec.SECP192R1()), (None, None, None)),
        (authority.rsa_key(), ("RSA", 2048, None)),
        (rsa.generate_private_key(65537, 1024), (None, None, None)),
        (ed25519.Ed25519PrivateKey.generate(), (None, None, None)),
    ],
    ids=["P-384", "P-256K", "P-192", "RSA-2048", "RSA-1024", "Ed25519"],
)
def test_keys_have_a_policys_terms_or_none(key, terms: tuple) -> None:
    assert key_terms(key.public_key()) == terms


def test_no_key_at_all_has_no_terms() -> None:
    assert key_terms(None) == (None, None, None)


def test_usages_that_are_no_plain_identifiers_are_left_out() -> None:
    huge = "1.2." + "9" * 17
    ekus = forging.oid_der("1.3.6.1.5.5.7.3.1") + forging.oid_der(huge)
    value = b"\x30" + bytes([len(ekus)]) + ekus

    der = forging.with_extensions(ROOT, certificate((NameOID.COMMON_NAME, "a")), forging.extension("2.5.29.37", value))

    assert what_was_asked(der).ekus == ("1.3.6.1.5.5.7.3.1",)


def test_a_key_usage_that_cannot_be_read_is_none() -> None:
    broken = forging.extension("2.5.29.15", b"\x04\x01\x00")

    assert (
        what_was_asked(forging.with_extensions(ROOT, certificate((NameOID.COMMON_NAME, "a")), broken)).key_usage == ()
    )


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=80)
_TYPES = st.sampled_from([NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.STREET_ADDRESS, NameOID.TITLE])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(_TYPES, _TEXT), max_size=6),
    st.lists(st.text(st.characters(codec="ascii"), min_size=1, max_size=80), max_size=5),
)
def test_whatever_a_certificate_holds_a_policy_takes_what_is_kept(attributes: list, names: list[str]) -> None:
    der = certificate(*attributes, names=[x509.DNSName(name) for name in names])

    asked = what_was_asked(der)

    if asked.subject or asked.names:
        policies.check(policy_of(asked))
