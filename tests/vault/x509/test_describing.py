"""Extensions in words."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID
from hypothesis import given
from hypothesis import strategies as st

from tests.pki.authority import ec_key, make_leaf, make_root, sign_csr, to_der
from tests.pki.forging import extension, with_extensions
from vault.x509 import asn1
from vault.x509.certificates import describe
from vault.x509.describing import _READERS, read_extension
from vault.x509.visible import is_plain


def lines_of(oid: str, value: bytes) -> tuple[str, ...]:
    return read_extension(asn1.Extension(oid, critical=False, value=value)).lines


def lines_for(value: x509.ExtensionType) -> tuple[str, ...]:
    return lines_of(value.oid.dotted_string, value.public_bytes())


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (x509.BasicConstraints(ca=True, path_length=2), ("Is a CA", "At most 2 CAs below it")),
        (x509.BasicConstraints(ca=False, path_length=None), ("Is not a CA",)),
        (
            x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.1"), x509.ObjectIdentifier("1.2.3")]),
            ("TLS server (1.3.6.1.5.5.7.3.1)", "1.2.3"),
        ),
        (
            x509.SubjectAlternativeName(
                [x509.DNSName("a.example"), x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))],
            ),
            ("DNS: a.example", "rid: 1.2.3"),
        ),
        (
            x509.SubjectAlternativeName(
                [x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "é")]))]
            ),
            ("Directory name: CN=é",),
        ),
        (
            x509.SubjectAlternativeName([x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x05\x00")]),
            ("other: 1.2.3=",),
        ),
        (x509.SubjectKeyIdentifier(b"\x01\xab"), ("01:AB",)),
        (
            x509.AuthorityKeyIdentifier(b"\x01\xab", [x509.DNSName("ca.example")], 0x1234),
            ("Key: 01:AB", "Issuer: DNS: ca.example", "Serial number: 1234"),
        ),
        (
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.example")
                    )
                ]
            ),
            ("OCSP (1.3.6.1.5.5.7.48.1): URI: http://ocsp.example",),
        ),
        (
            x509.CRLDistributionPoints(
                [x509.DistributionPoint([x509.UniformResourceIdentifier("http://crl.example/a")], None, None, None)]
            ),
            ("URI: http://crl.example/a",),
        ),
        (
            x509.CertificatePolicies(
                [x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), ["https://cps.example"])]
            ),
            ("Domain validated (2.23.140.1.2.1)", "Statement: https://cps.example"),
        ),
        (
            x509.NameConstraints([x509.DNSName("example.org")], [x509.DNSName("bad.example.org")]),
            ("Permitted DNS: example.org", "Excluded DNS: bad.example.org"),
        ),
        (x509.TLSFeature([x509.TLSFeatureType.status_request]), ("Must staple (OCSP)",)),
        (x509.OCSPNoCheck(), ("Yes",)),
        (x509.PrecertPoison(), ("Yes",)),
        (x509.InhibitAnyPolicy(3), ("3",)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_extensions_are_put_into_words(value: x509.ExtensionType, lines: tuple[str, ...]) -> None:
    assert lines_for(value) == lines


def test_an_address_range_of_name_constraints_is_readable() -> None:
    value = x509.NameConstraints([x509.IPAddress(__import__("ipaddress").ip_network("192.0.2.0/24"))], None)

    assert lines_for(value) == ("Permitted IP: 192.0.2.0/255.255.255.0",)


def test_transparency_timestamps_show_their_log_and_time() -> None:
    stamp = b"\x00" + b"\xab" * 32 + (1_700_000_000_000).to_bytes(8) + b"\x00\x00\x04\x03\x00\x00"
    listed = len(stamp).to_bytes(2) + stamp
    value = asn1.encode(asn1.OCTET_STRING, len(listed).to_bytes(2) + listed)

    lines = lines_of("1.3.6.1.4.1.11129.2.4.2", value)

    assert lines == (f"Log {'ab' * 32}, 2023-11-14 22:13:20 UTC",)


def test_an_unknown_extension_is_shown_as_hexadecimal_digits() -> None:
    text = read_extension(asn1.Extension("1.2.3.4", critical=True, value=b"\x00\x01\xff"))

    assert (text.name, text.oid, text.critical, text.lines) == ("Unknown extension", "1.2.3.4", True, ("00 01 ff",))


def test_a_broken_extension_does_not_hide_the_others() -> None:
    root = make_root()
    broken = extension("2.5.29.17", b"\x30\x05\x82\xff")
    good = extension("2.5.29.19", x509.BasicConstraints(ca=False, path_length=None).public_bytes())

    described = describe(with_extensions(root, make_leaf(root).der, broken, good))

    assert described[0].lines[0] == "Cannot be read:"
    assert described[1].lines == ("Is not a CA",)


def test_the_same_extension_twice_is_shown_twice() -> None:
    root = make_root()
    one = extension("2.5.29.19", b"\x30\x00")

    assert len(describe(with_extensions(root, make_leaf(root).der, one, one))) == 2


def test_a_certificate_with_ten_thousand_names_is_cut_in_words() -> None:
    value = x509.SubjectAlternativeName([x509.DNSName(f"n{number}.example") for number in range(10_000)])

    lines = lines_for(value)

    assert len(lines) == 1001
    assert lines[-1] == "… and 9000 more"


@given(oid=st.sampled_from([*_READERS, "1.2.3"]), value=st.binary(max_size=60))
def test_reading_any_octets_as_any_extension_never_fails(oid: str, value: bytes) -> None:
    lines = lines_of(oid, value)

    assert lines or value
    assert all(is_plain(line) for line in lines)


@given(st.data())
def test_reading_a_changed_extension_never_fails(data: st.DataObject) -> None:
    value = bytearray(x509.SubjectAlternativeName([x509.DNSName("a.example"), x509.DNSName("b")]).public_bytes())
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))

    assert all(is_plain(line) for line in lines_of("2.5.29.17", bytes(value)))


def test_a_certificate_without_extensions_has_none_to_describe() -> None:
    key = ec_key()
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    leaf = x509.load_der_x509_certificate(make_root().der)
    signed = (
        builder.not_valid_before(leaf.not_valid_before_utc)
        .not_valid_after(leaf.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )

    assert describe(to_der(signed)) == []


def test_an_unknown_critical_extension_of_a_leaf_is_described() -> None:
    root = make_root()
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")

    described = describe(sign_csr(root, make_leaf(root).csr, extra=[odd]))

    assert described[-1].critical
    assert described[-1].lines == ("05 00",)
