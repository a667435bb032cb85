"""What the cryptography library raises, and a small reader for DER."""

import pytest
from cryptography import x509
from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from hypothesis import given
from hypothesis import strategies as st

from tests.pki.authority import make_leaf, make_root
from tests.pki.forging import oid_der
from vault.errors import BadName, UnreadableFile
from vault.x509 import asn1
from vault.x509.library import refusing


class PanicException(BaseException):
    """As the library's Rust half names it."""


@pytest.mark.parametrize(
    "error",
    [
        ValueError("canary"),
        TypeError("canary"),
        UnsupportedAlgorithm("canary"),
        InternalError("canary", []),
        InvalidSignature("canary"),
        x509.InvalidVersion("canary", 7),
        x509.DuplicateExtension("canary", x509.ObjectIdentifier("1.2.3")),
        x509.UnsupportedGeneralNameType("canary"),
        UnicodeDecodeError("utf-8", b"canary", 0, 1, "canary"),
        OverflowError("canary"),
        KeyError("canary"),
        PanicException("canary"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_refusal_of_the_library_becomes_ours_without_its_words(error: BaseException) -> None:
    with pytest.raises(UnreadableFile, match="ours") as refusal, refusing(UnreadableFile("ours")):
        raise error

    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), MemoryError(), OSError()])
def test_what_is_no_refusal_passes(error: BaseException) -> None:
    with pytest.raises(type(error)), refusing(UnreadableFile("ours")):
        raise error


def test_our_own_refusals_pass_unchanged() -> None:
    with pytest.raises(BadName, match="first"), refusing(UnreadableFile("second")):
        raise BadName("first")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x05\x00",
        b"\x30\x80\x00\x00",
        b"\x30\x85\x01\x01\x01\x01\x01",
        b"\x1f\x81\x01\x00",
        b"\x30\x82\x01",
    ],
)
def test_octets_that_are_not_der_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="DER"):
        asn1.read(data)


@given(tag=st.sampled_from([0x02, 0x04, 0x30, 0xA0]), content=st.binary(max_size=70_000))
def test_what_is_encoded_is_read_back(tag: int, content: bytes) -> None:
    element = asn1.read(asn1.encode(tag, content) + b"rest")

    assert (element.tag, element.content) == (tag, content)


@given(
    st.tuples(st.integers(0, 2), st.integers(0, 39)),
    st.lists(st.integers(min_value=0, max_value=2**40), min_size=1, max_size=6),
)
def test_object_identifiers_are_read_as_they_are_written(first: tuple[int, int], arcs: list[int]) -> None:
    dotted = ".".join(map(str, (*first, *arcs)))

    assert asn1.oid(asn1.read(oid_der(dotted))) == dotted


@pytest.mark.parametrize("content", [b"", b"\x80", b"\x2a\x80", b"\x2a" * 65])
def test_broken_object_identifiers_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="OBJECT IDENTIFIER"):
        asn1.oid(asn1.Element(asn1.OID, content, content))


@given(st.binary(max_size=200))
def test_reading_any_octets_gives_extensions_or_a_value_error(data: bytes) -> None:
    for reader in (asn1.certificate_extensions, asn1.request_extensions, asn1.certificate_serial, asn1.public_key_info):
        try:
            reader(data)
        except (ValueError, IndexError):
            continue


def test_extensions_are_those_the_library_reads() -> None:
    certificate = x509.load_der_x509_certificate(make_leaf(make_root()).der)

    found = asn1.certificate_extensions(certificate.tbs_certificate_bytes)

    read = [(one.oid.dotted_string, one.critical, one.value.public_bytes()) for one in certificate.extensions]
    assert [(one.oid, one.critical, one.value) for one in found] == read
