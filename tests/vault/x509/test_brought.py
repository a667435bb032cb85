"""Requests made elsewhere: what they ask for, and which are refused."""

import contextlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from tests.pki import csrs
from tests.pki.authority import CURVES, ec_key, rsa_key
from tests.pki.forging import extension
from tests.vault.x509.openssl import openssl
from vault import policies
from vault.errors import BadName, BadParameter, UnreadableFile, VaultError
from vault.models.policy import CLIENT_AUTH, SERVER_AUTH, AlternativeNames, KeyPolicy
from vault.x509 import asn1, brought
from vault.x509.brought import in_letters, read_brought, refuse_weak_key
from vault.x509.requests import build_csr, describe_csr
from vault.x509.types import PrivateKey

KEY = ec_key()
EVERY_KIND = AlternativeNames(
    dns=("www.example.org", "*.example.org", "xn--mnchen-3ya.example"),
    emails=("alice@example.org",),
    upns=("jürgen@corp.example",),
    uris=("https://example.org/a",),
    ips=("192.0.2.1", "2001:db8::1"),
)


def csr_of(
    subject: str = "CN=www.example.org", names: AlternativeNames = EVERY_KIND, key: PrivateKey | None = None
) -> bytes:
    return build_csr(
        subject=subject,
        names=names,
        key_usage=("digitalSignature", "keyAgreement"),
        ekus=(SERVER_AUTH, CLIENT_AUTH),
        key=key or ec_key(),
    )


def refusal_of(der: bytes) -> BadParameter:
    with pytest.raises(BadParameter) as caught:
        read_brought(der)
    return caught.value


# ------------------------------------------------------------- what is asked for
def test_everything_that_a_request_asks_for_is_read_as_it_stands() -> None:
    der = csr_of(subject='CN=www.example.org, O="Example, Inc."')

    found = read_brought(der)

    assert found.subject == 'CN=www.example.org, O="Example, Inc."'
    assert found.names == EVERY_KIND
    assert found.key_usage == ("digitalSignature", "keyAgreement")
    assert found.ekus == (SERVER_AUTH, CLIENT_AUTH)
    assert found.spki_sha256 == describe_csr(der).spki_sha256
    assert found.notes == ()


@pytest.mark.parametrize("curve", list(CURVES))
def test_a_key_on_every_curve_that_a_policy_allows_is_taken(curve: str) -> None:
    found = read_brought(csr_of(key=ec_key(curve)))

    assert found.key == KeyPolicy(kty="EC", size=None, curve=curve, exportable=False)


@pytest.mark.parametrize("size", policies.RSA_SIZES)
def test_an_rsa_key_of_every_size_that_a_policy_allows_is_taken(size: int) -> None:
    found = read_brought(csr_of(key=rsa_key(size)))

    assert found.key == KeyPolicy(kty="RSA", size=size, exportable=False)


def test_the_keys_taken_are_those_that_a_policy_may_name() -> None:
    assert tuple(brought.RSA_SIZES) == policies.RSA_SIZES
    assert tuple(brought.CURVES.values()) == policies.CURVES


def test_what_a_request_leaves_open_is_left_to_the_ca() -> None:
    found = read_brought(csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"www.example.org"))]))

    assert (found.key_usage, found.ekus) == ((), ())


def test_letters_of_either_case_stay_as_they_are_signed() -> None:
    found = read_brought(csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"WWW.Example.org"))]))

    assert found.names.dns == ("WWW.Example.org",)


def test_a_request_of_openssl_is_read(tmp_path) -> None:
    path = tmp_path / "own.csr"
    openssl(
        "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-noenc", "-keyout", tmp_path / "own.key",
        "-out", path, "-outform", "DER", "-subj", "/C=DE/O=Example/CN=www.example.org",
        "-addext", "subjectAltName=DNS:www.example.org,IP:192.0.2.7", "-addext", "extendedKeyUsage=serverAuth",
    )  # fmt: skip

    found = read_brought(path.read_bytes())

    assert found.subject == "CN=www.example.org, O=Example, C=DE"
    assert found.names == AlternativeNames(dns=("www.example.org",), ips=("192.0.2.7",))
    assert found.key.title == "EC P-384"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("xn--mnchen-3ya.example", "münchen.example"),
        ("*.xn--mnchen-3ya.example", "*.münchen.example"),
        ("alice@xn--mnchen-3ya.example", "alice@münchen.example"),
        ("www.example.org", ""),
        ("xn--a.example", ""),
    ],
)
def test_an_internationalised_name_is_also_told_in_its_letters(name: str, letters: str) -> None:
    assert in_letters(name) == letters


# ---------------------------------------------------------------------- notes
def test_a_challenge_password_is_named_and_never_shown() -> None:
    secret = csrs.attribute(csrs.CHALLENGE_PASSWORD, asn1.encode(asn1.UTF8, b"horse battery staple"))
    der = csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"www.example.org"))], attributes=[secret])

    found = read_brought(der)

    assert "challenge password" in " ".join(found.notes)
    assert "horse" not in repr(found.notes)


def test_attributes_that_are_not_used_are_named() -> None:
    attributes = [csrs.attribute(oid, asn1.encode(asn1.UTF8, b"x")) for oid in ("1.3.6.1.4.1.311.13.2.3", "1.2.3.4")]
    der = csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"www.example.org"))], attributes=attributes)

    found = read_brought(der)

    assert found.notes == ("It also carries the attribute 1.2.3.4, the Windows version: not used here.",)


def test_extensions_that_are_the_cas_to_judge_are_named() -> None:
    must_staple = extension("1.3.6.1.5.5.7.1.24", bytes.fromhex("3003020105"))
    der = csrs.forge_csr(
        extensions=[csrs.names(csrs.dns(b"a.example")), must_staple, extension("1.2.3.4", b"\x05\x00")]
    )

    assert "It also asks for TLS features, 1.2.3.4." in read_brought(der).notes[0]


def test_a_request_with_a_common_name_alone_is_read_with_a_warning() -> None:
    found = read_brought(csrs.forge_csr())

    assert found.names == AlternativeNames()
    assert "no alternative names" in found.notes[0]


# ------------------------------------------------------------------- refusals
EMPTY_NAME = csrs.sequence()
WITH_WWW = csrs.names(csrs.dns(b"www.example.org"))
FREE_TEXT = x509.Name([x509.NameAttribute(x509.ObjectIdentifier("2.5.4.99"), "x")]).public_bytes()
TOO_LONG = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "O" * 60) for _ in range(4)]).public_bytes()
DIRECTORY_NAME = asn1.encode(0xA4, FREE_TEXT)


REFUSED = (
    (b"", "not a certificate request"),
    (b"<html>", "not a certificate request"),
    (csrs.forge_csr(extensions=[WITH_WWW, csrs.constraints(ca=True)]), "CA:TRUE"),
    (csrs.forge_csr(subject=EMPTY_NAME), "neither a subject nor a name"),
    (csrs.forge_csr(subject=FREE_TEXT), "object identifier"),
    (csrs.forge_csr(subject=TOO_LONG), "200 is the most"),
    (csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"foo_bar.example"))]), "underscore"),
    (csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"a..example"))]), "empty part"),
    (csrs.forge_csr(extensions=[csrs.names(csrs.dns("münchen.example".encode("latin-1")))]), "xn--mnchen-3ya"),
    (csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"a.example\x00.b.example"))]), "cannot be seen"),
    (csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"<script>"))]), "not a host name"),
    (csrs.forge_csr(extensions=[csrs.names(DIRECTORY_NAME)]), "a directory name"),
    (csrs.forge_csr(extensions=[csrs.names(*[csrs.dns(b"h%d.example" % n) for n in range(501)])]), "takes 500"),
    (csrs.forge_csr(extensions=[WITH_WWW, WITH_WWW]), "the same thing twice"),
    (csrs.forge_csr(extensions=[extension("2.5.29.17", b"\x30\x05\x82")]), "damaged inside"),
    (csrs.forge_csr(extensions=[WITH_WWW, extension("2.5.29.15", b"\x05\x00")]), "damaged inside"),
    (csrs.forge_csr(attributes=[csrs.attribute("1.3.6.1.4.1.311.2.1.14", csrs.sequence(WITH_WWW))]), "old way"),
    (csrs.forge_csr(key=ed25519.Ed25519PrivateKey.generate()), "Ed25519"),
    (csrs.forge_csr(key=rsa.generate_private_key(public_exponent=65537, key_size=1024)), "RSA 1024"),
    (csrs.forge_csr(key=ec.generate_private_key(ec.SECP224R1())), "secp224r1"),
)  # fmt: skip


@pytest.mark.parametrize(("der", "words"), REFUSED, ids=[f"{number}" for number, _ in enumerate(REFUSED)])
def test_what_no_certificate_here_may_have_is_refused_in_words(der: bytes, words: str) -> None:
    error = refusal_of(der)

    assert error.field == "csr"
    assert words in str(error)


def test_a_bad_name_says_that_it_takes_a_new_request() -> None:
    error = refusal_of(csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"foo_bar.example"))]))

    assert isinstance(error, BadName)
    assert str(error).endswith("This request cannot be changed; make a new one.")


def test_five_hundred_names_are_taken() -> None:
    each = [csrs.dns(b"host%d.example.org" % number) for number in range(500)]

    assert len(read_brought(csrs.forge_csr(extensions=[csrs.names(*each)])).names) == 500


def test_a_request_of_unusual_size_is_refused_before_it_is_read() -> None:
    ballast = csrs.attribute("1.2.3.4", asn1.encode(asn1.OCTET_STRING, bytes(brought.MOST_OCTETS)))

    assert "octets" in str(refusal_of(csrs.forge_csr(attributes=[ballast])))


def test_a_request_signed_by_another_key_is_refused() -> None:
    theirs, mine = csr_of(), csr_of()
    signature = asn1.sequence(mine)[2].whole
    info, algorithm, _ = asn1.sequence(theirs)

    error = refusal_of(csrs.sequence(info.whole, algorithm.whole, signature))

    assert "does not fit its key" in str(error)


def test_a_request_changed_after_it_was_signed_is_refused() -> None:
    der = csr_of().replace(b"www.example.org", b"www.example.net")

    assert "does not fit its key" in str(refusal_of(der))


@pytest.mark.parametrize("algorithm", ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"])
def test_a_signature_with_a_broken_hash_proves_nothing(algorithm: str) -> None:
    key = ec_key() if "10045" in algorithm else rsa_key()

    error = refusal_of(csrs.forge_csr(key=key, algorithm=algorithm))

    assert "proves nothing any more" in str(error)
    assert "SHA-256" in str(error)


def test_an_rsa_pss_signature_is_taken() -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "www.example.org")])
    )
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
    csr = builder.sign(rsa_key(), hashes.SHA256(), rsa_padding=pss)

    assert read_brought(csr.public_bytes(serialization.Encoding.DER)).key.title == "RSA 2048"


def test_a_certificate_is_no_request() -> None:
    with pytest.raises(UnreadableFile):
        read_brought(b"\x30\x03\x02\x01\x00")


def test_a_weak_key_is_refused() -> None:
    weak = rsa.generate_private_key(public_exponent=3, key_size=2048)

    with pytest.raises(BadParameter) as caught:
        refuse_weak_key(csrs.forge_csr(key=weak))

    assert caught.value.field == "csr"


def test_a_sound_key_is_not_refused() -> None:
    refuse_weak_key(csr_of(key=rsa_key()))


# --------------------------------------------------------------- anything at all
SAMPLE = csrs.forge_csr(
    extensions=[WITH_WWW, csrs.constraints(ca=False), extension("2.5.29.15", b"\x03\x02\x07\x80")],
    attributes=[csrs.attribute(csrs.CHALLENGE_PASSWORD, asn1.encode(asn1.UTF8, b"x"))],
)


@given(st.integers(0, len(SAMPLE) - 1), st.binary(min_size=1, max_size=3))
def test_a_damaged_request_is_read_or_refused_and_nothing_else(position: int, octets: bytes) -> None:
    damaged = SAMPLE[:position] + octets + SAMPLE[position + len(octets) :]

    with contextlib.suppress(VaultError):
        read_brought(damaged)


@given(st.lists(st.tuples(st.sampled_from([0x81, 0x82, 0x86, 0x87, 0x88, 0xA0, 0xA4]), st.binary(max_size=12))))
def test_any_names_at_all_are_read_or_refused_as_names(pairs: list[tuple[int, bytes]]) -> None:
    each = [asn1.encode(tag, octets) for tag, octets in pairs]

    with contextlib.suppress(BadParameter):
        read_brought(csrs.forge_csr(extensions=[csrs.names(*each)], key=KEY))


@given(st.binary(max_size=40))
def test_any_subject_at_all_is_read_or_refused(octets: bytes) -> None:
    with contextlib.suppress(VaultError):
        read_brought(csrs.forge_csr(subject=csrs.sequence(octets), extensions=[WITH_WWW], key=KEY))
