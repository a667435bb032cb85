"""Is what a CA sent back the certificate that was asked for?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.pki import forging
from tests.pki.authority import (
    Authority,
    ec_key,
    key_pem,
    make_csr,
    make_intermediate,
    make_leaf,
    make_root,
    sign_csr,
)
from tests.vault.x509.openssl import openssl
from vault.errors import BadCertificate, UnreadableFile
from vault.models.policy import AlternativeNames
from vault.x509 import certificates
from vault.x509.chains import Chain, order
from vault.x509.checks import CertificateWarning, check_answer, check_certificate, expiry_refusal, pick_leaf
from vault.x509.requests import build_csr, csr_pem, describe_csr

NOW = datetime.now(UTC)
ROOT = make_root()
ISSUING = make_intermediate(ROOT)
KEY = ec_key()
CSR = make_csr("www.example.org", key=KEY)
NAMES = AlternativeNames(dns=("www.example.org",))


def check(
    der: bytes, *, csr: bytes = CSR, names: AlternativeNames = NAMES, now: datetime = NOW, chain: Chain | None = None
) -> list[CertificateWarning]:
    return check_answer(der, csr_der=csr, expected_names=names, now=now, chain=chain)


def codes(warnings: list[CertificateWarning]) -> list[str]:
    return [warning.code for warning in warnings]


def refused(der: bytes, words: str, *, csr: bytes = CSR) -> None:
    with pytest.raises(BadCertificate, match=words) as refusal:
        check(der, csr=csr)
    assert refusal.value.field == "certificate"


def test_a_certificate_as_it_was_asked_for_gives_no_warning() -> None:
    der = sign_csr(ISSUING, CSR)

    assert check(der, chain=order(der, [ISSUING.der, ROOT.der])) == []


def test_a_certificate_for_another_key_names_both_keys() -> None:
    other = make_leaf(ISSUING)

    wanted, given = describe_csr(CSR).spki_sha256[:16], describe_csr(other.csr).spki_sha256[:16]
    refused(other.der, f"another request.*{given}….*{wanted}…")


def test_a_ca_certificate_for_our_key_is_refused() -> None:
    refused(sign_csr(ISSUING, CSR, ca=True), "makes its key a CA")


def test_a_certificate_signed_with_our_own_key_is_refused() -> None:
    der = certificates.self_sign(CSR, KEY, not_before=NOW, not_after=NOW + timedelta(days=9))

    refused(der, "signed with the request's own key")


def test_a_certificate_that_only_bears_its_own_name_as_issuer_is_not_self_signed() -> None:
    name = x509.load_der_x509_csr(CSR).subject
    namesake = Authority(subject=name, key=ec_key(), der=b"")

    assert check(sign_csr(namesake, CSR)) == []


def test_a_certificate_that_openssl_signed_with_sha1_is_refused(tmp_path: Path) -> None:
    files = {"csr": csr_pem(CSR), "ca": ROOT.pem, "key": key_pem(ROOT.key)}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    places = {name: str(tmp_path / name) for name in files}

    der = openssl(
        *("x509", "-req", "-in", places["csr"], "-CA", places["ca"], "-CAkey", places["key"], "-sha1"),
        *("-days", "9", "-set_serial", "5", "-outform", "DER", "-copy_extensions", "copy"),
    )

    refused(der, "signed with SHA-1")


@pytest.mark.parametrize(
    ("oid", "title"),
    [
        ("1.2.840.113549.1.1.2", "MD5 or older"),
        ("1.2.840.113549.1.1.4", "MD5 or older"),
        ("1.2.840.113549.1.1.5", "SHA-1"),
        ("1.2.840.10045.4.1", "SHA-1"),
    ],
    ids=["MD2", "MD5", "SHA-1 with RSA", "SHA-1 with ECDSA"],
)
def test_a_weak_signature_is_refused(oid: str, title: str) -> None:
    refused(forging.with_algorithm(ISSUING, sign_csr(ISSUING, CSR), oid), f"signed with {title}")


def test_an_expired_certificate_is_refused_with_its_date() -> None:
    der = sign_csr(ISSUING, CSR, not_before=datetime(2020, 1, 1, tzinfo=UTC), days=31)

    refused(der, "expired on 1 February 2020 at 00:00 UTC")


def test_the_last_second_of_a_certificate_still_counts() -> None:
    der = sign_csr(ISSUING, CSR, days=1)
    end = certificates.facts(der).not_after

    assert check(der, now=end) == []
    with pytest.raises(BadCertificate, match="expired"):
        check(der, now=end + timedelta(seconds=1))


def test_a_certificate_that_ends_before_it_begins_is_refused() -> None:
    der = sign_csr(ISSUING, CSR)

    def swap(tbs: list[bytes]) -> list[bytes]:
        times = tbs[4][2:]
        half = len(times) // 2
        return [*tbs[:4], tbs[4][:2] + times[half:] + times[:half], *tbs[5:]]

    refused(forging.forge(ISSUING, der, swap), "ends before it begins")


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("octets", [b"\x00", b"\xff", b"\x80\x01", b"\x01" * 21])
def test_a_serial_number_that_breaks_the_rules_is_refused(octets: bytes) -> None:
    refused(forging.with_serial(ISSUING, sign_csr(ISSUING, CSR), octets), "serial number")


@pytest.mark.parametrize("octets", [b"\x01", b"\x7f" * 20, b"\x00" + b"\xff" * 19])
def test_a_serial_number_of_up_to_twenty_octets_is_fine(octets: bytes) -> None:
    assert check(forging.with_serial(ISSUING, sign_csr(ISSUING, CSR), octets)) == []


@pytest.mark.parametrize("version", [1])
def test_an_old_version_is_refused(version: int) -> None:
    refused(forging.with_version(ISSUING, sign_csr(ISSUING, CSR), version), "version 3")


@pytest.mark.parametrize(
    "extensions",
    [
        [forging.extension("2.5.29.19", b"\x30\x00")] * 2,
        [forging.extension("1.2.3", b"\x05\x00"), forging.extension("1.2.3", b"\x05\x00")],
        [forging.extension("2.5.29.17", b"\x30\x05\x82\xff")],
        [forging.extension("2.5.29.37", b"")],
    ],
    ids=["twice", "unknown twice", "cut off", "empty"],
)
def test_extensions_that_are_repeated_or_unreadable_are_refused(extensions: list[bytes]) -> None:
    refused(
        forging.with_extensions(ISSUING, sign_csr(ISSUING, CSR), *extensions), "extensions are damaged or given twice"
    )


def test_octets_that_are_no_certificate_are_unreadable() -> None:
    with pytest.raises(UnreadableFile):
        check(b"hello")


def test_missing_and_added_names_are_each_listed() -> None:
    csr = make_csr("a.example", "b.example", "c.example", key=KEY)
    names = AlternativeNames(dns=("a.example", "b.example", "c.example"))

    warnings = check(sign_csr(ISSUING, csr, names=["a.example", "www.a.example"]), csr=csr, names=names)

    assert codes(warnings) == ["names-missing", "names-added"]
    assert warnings[0].names == ("b.example", "c.example")
    assert "b.example, c.example" in warnings[0].sentence
    assert warnings[1].names == ("www.a.example",)


def test_names_are_compared_without_case_order_and_repetition() -> None:
    csr = make_csr("a.example", "b.example", key=KEY)
    names = AlternativeNames(dns=("B.example", "a.example"))

    assert check(sign_csr(ISSUING, csr, names=["A.EXAMPLE", "b.example", "a.example"]), csr=csr, names=names) == []


def test_every_kind_of_name_is_compared() -> None:
    names = AlternativeNames(
        dns=("a.example",),
        emails=("Alice@Example.org",),
        upns=("jürgen@corp",),
        uris=("https://a.example/",),
        ips=("2001:DB8::1",),
    )
    csr = build_csr(subject="", names=names, key_usage=(), ekus=(), key=KEY)

    assert check(sign_csr(ISSUING, csr, ekus=()), csr=csr, names=names) == []
    assert codes(check(sign_csr(ISSUING, csr, names=["a.example"], ekus=()), csr=csr, names=names)) == ["names-missing"]


def test_many_missing_names_are_cut_in_the_sentence_and_whole_in_the_list() -> None:
    names = AlternativeNames(dns=tuple(f"n{number}.example" for number in range(100)))

    warnings = check(sign_csr(ISSUING, CSR, names=["x.example"]), names=names)

    assert len(warnings[0].names) == 100
    assert "and 90 more" in warnings[0].sentence


def test_hostile_names_from_a_ca_are_shown_by_their_code_points() -> None:
    der = sign_csr(ISSUING, CSR)
    value = x509.SubjectAlternativeName([x509.DNSName("www.example.org"), x509.DNSName("a\x00<b>")]).public_bytes()

    warnings = check(forging.with_extensions(ISSUING, der, forging.extension("2.5.29.17", value)))

    assert warnings[0].names == ("aU+0000<b>",)


def test_a_certificate_without_names_is_warned_of() -> None:
    assert "no-names" in codes(check(sign_csr(ISSUING, CSR, names=[])))


def test_a_certificate_that_is_not_valid_yet_is_warned_of_with_its_date() -> None:
    der = sign_csr(ISSUING, CSR, not_before=datetime(2030, 5, 4, 3, 2, tzinfo=UTC))

    warnings = check(der)

    assert codes(warnings) == ["not-yet-valid"]
    assert "4 May 2030 at 03:02 UTC" in warnings[0].sentence


def test_a_certificate_without_end_is_warned_of() -> None:
    start = NOW - timedelta(days=1)
    days = (datetime(9999, 12, 31, tzinfo=UTC) - start).days

    assert codes(check(sign_csr(ISSUING, CSR, not_before=start, days=days))) == ["no-end"]


def test_missing_purposes_are_warned_of() -> None:
    warnings = check(sign_csr(ISSUING, CSR, ekus=["1.3.6.1.5.5.7.3.2"]))

    assert codes(warnings) == ["ekus-missing"]
    assert warnings[0].names == ("1.3.6.1.5.5.7.3.1",)


def test_an_unknown_critical_extension_is_warned_of() -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")

    warnings = check(sign_csr(ISSUING, CSR, extra=[odd]))

    assert codes(warnings) == ["unknown-critical"]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], ["no-chain"]),
        ([ISSUING.der], ["chain-incomplete"]),
        ([ISSUING.der, ROOT.der], []),
        ([ISSUING.der, ROOT.der, make_root("Stranger").der], ["chain-ignored"]),
    ],
    ids=["none", "no root", "whole", "a stranger"],
)
def test_the_chain_is_remarked_upon(others: list[bytes], expected: list[str]) -> None:
    der = sign_csr(ISSUING, CSR)

    assert codes(check(der, chain=order(der, others))) == expected


def test_the_leaf_is_the_one_with_the_requests_key_wherever_it_stands() -> None:
    der = sign_csr(ISSUING, CSR)

    assert pick_leaf([ROOT.der, make_leaf(ISSUING).der, der, ISSUING.der], csr_der=CSR) == der
    assert pick_leaf([der, der], csr_der=CSR) == der


def test_no_certificate_with_the_requests_key_is_refused_with_both_fingerprints() -> None:
    other = make_leaf(ISSUING)

    with pytest.raises(BadCertificate, match="made for another request") as refusal:
        pick_leaf([other.der, ISSUING.der], csr_der=CSR)

    assert describe_csr(CSR).spki_sha256[:16] in str(refusal.value)
    assert describe_csr(other.csr).spki_sha256[:16] in str(refusal.value)


def test_two_different_certificates_for_one_request_are_refused() -> None:
    with pytest.raises(BadCertificate, match="2 different certificates"):
        pick_leaf([sign_csr(ISSUING, CSR), sign_csr(ISSUING, CSR)], csr_der=CSR)


def test_no_certificates_at_all_are_refused() -> None:
    with pytest.raises(BadCertificate):
        pick_leaf([], csr_der=CSR)


def test_a_certificate_with_more_names_than_any_ca_gives_is_refused() -> None:
    refused(sign_csr(ISSUING, CSR, names=[f"n{number}.example" for number in range(1001)]), "holds 1,001 names")


def test_a_subnet_among_the_names_is_a_name_that_nobody_asked_for() -> None:
    names = b"\x82\x0fwww.example.org\x87\x08\xc0\x00\x02\x00\xff\xff\xff\x00"
    san = forging.extension("2.5.29.17", b"\x30" + bytes([len(names)]) + names)

    warnings = check(forging.with_extensions(ISSUING, sign_csr(ISSUING, make_csr(key=KEY, ekus=())), san))

    assert "192.0.2.0/255.255.255.0" in next(one for one in warnings if one.code == "names-added").sentence


# --------------------------------------------- certificates that nobody asked for here
def test_a_certificate_that_nobody_asked_for_is_judged_by_itself() -> None:
    other = make_leaf(ISSUING, "other.example.org")

    assert check_certificate(other.der, now=NOW, chain=order(other.der, [ISSUING.der, ROOT.der])) == []


def test_an_expired_certificate_is_sound_and_its_expiry_is_a_matter_of_its_own() -> None:
    der = sign_csr(ISSUING, CSR, days=0.001)
    end = certificates.facts(der).not_after

    assert check_certificate(der, now=NOW) == []
    assert expiry_refusal(end, end) == ""
    assert expiry_refusal(end, end + timedelta(seconds=1)).startswith("This certificate expired on ")


def test_a_ca_and_a_self_signed_certificate_are_sound() -> None:
    assert codes(check_certificate(ROOT.der, now=NOW, chain=order(ROOT.der, []))) == ["no-names", "is-ca"]


@pytest.mark.parametrize(
    ("days", "left", "words"),
    [
        (90, timedelta(days=30), ""),
        (90, timedelta(days=29, hours=23), "in 29 days"),
        (90, timedelta(days=1, hours=1), "in 1 day."),
        (90, timedelta(hours=5), "today"),
        (90, timedelta(seconds=-1), ""),
        (6, timedelta(days=3), ""),
        (6, timedelta(days=1, hours=23), "in 1 day."),
    ],
)
def test_the_last_days_are_told_when_they_are_few_for_such_a_certificate(
    days: int, left: timedelta, words: str
) -> None:
    der = sign_csr(ISSUING, CSR, days=days)

    warnings = check_certificate(der, now=certificates.facts(der).not_after - left)

    assert [one.code for one in warnings] == (["few-days"] if words else [])
    assert all(words in one.sentence for one in warnings)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (forging.with_version(ISSUING, sign_csr(ISSUING, CSR), 1), "version 3"),
        (forging.with_serial(ISSUING, sign_csr(ISSUING, CSR), b"\x01" * 21), "serial number"),
        (forging.with_algorithm(ISSUING, sign_csr(ISSUING, CSR), "1.2.840.10045.4.1"), "signed with SHA-1"),
        (forging.with_extensions(ISSUING, sign_csr(ISSUING, CSR), forging.extension("2.5.29.37", b"")), "damaged"),
        (sign_csr(ISSUING, CSR, names=[f"h{number}.example.org" for number in range(1001)]), "1,001 names"),
    ],
    ids=["version", "serial", "signature", "extension", "names"],
)
def test_what_is_unsound_is_refused_whoever_asked_for_it(broken: bytes, words: str) -> None:
    with pytest.raises(BadCertificate, match=words):
        check_certificate(broken, now=NOW)
    refused(broken, words)


@pytest.mark.parametrize("subject", ["parts", "octets"])
def test_a_subject_that_never_ends_is_refused(subject: str) -> None:
    name = x509.NameOID.ORGANIZATIONAL_UNIT_NAME
    value, count = ("Unit", 101) if subject == "parts" else ("u" * 500, 21)
    long = x509.Name([x509.NameAttribute(name, value, _validate=False) for _ in range(count)])

    refused(with_subject(long), "100 and 10,000 are the most that are kept", csr=CSR)


def with_subject(subject: x509.Name) -> bytes:
    """A certificate for our request under another subject."""
    start = NOW - timedelta(minutes=10)
    builder = x509.CertificateBuilder(
        issuer_name=ROOT.subject,
        subject_name=subject,
        public_key=KEY.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=start,
        not_valid_after=start + timedelta(days=90),
    )
    return builder.sign(ROOT.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
