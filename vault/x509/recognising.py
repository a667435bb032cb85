"""What a file looks like, from its first octets or its structure. Runs in the parsing child."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vault.x509 import asn1

_HEAD = 2000
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SIGNATURES = (
    (b"\xfe\xed\xfe\xed", "a Java keystore"),
    (b"\xce\xce\xce\xce", "a Java keystore"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3", "a database"),
    (b"\x99\x01", "a PGP file"),
    (b"\x99\x02", "a PGP file"),
)
_PRIVATE_KEY = re.compile(
    r"BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File-|AGE-SECRET-KEY-1|<D>[A-Za-z0-9+/\s]{20}|openssh-key-v1"
)
_JWK_SECRET = re.compile(r'"d"\s{0,20}:\s{0,20}"[A-Za-z0-9_-]{20}')
_HTML = re.compile(r"<(?:!doctype html|html|head|body|script|div|p|table)\b", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SSH = re.compile(r"(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\S{1,40}) AAAA")
_PKCS7, _SIGNED_DATA = "1.2.840.113549.1.7.", "1.2.840.113549.1.7.2"
_SIGNED_DATA_BER = bytes.fromhex("06092a864886f70d010702")
_PFX_BER = bytes.fromhex("020103")
_TIMES = (0x17, 0x18)
_PADDING = b"\x00\r\n "
_LONG_SEQUENCE, _LONG_HEADER = b"\x30\x82", 4
_MAX_ELEMENTS = 100
_PFX_VERSION = 3
_REQUEST_PARTS = 4


def as_text(data: bytes) -> str:
    """The file as text: UTF-16 with or without mark, UTF-8, else one character an octet."""
    if data.startswith(_UTF16_MARKS):
        return data.decode("utf-16", "replace")
    head = data[:_HEAD]
    if head and head.count(0) > len(head) // 3:
        order = "utf-16-be" if head[0] == 0 else "utf-16-le"
        return data.decode(order, "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def names_private_key(text: str) -> bool:
    """Whether a private key stands anywhere in the text, in a form that says so."""
    return bool(_PRIVATE_KEY.search(text) or ('"kty"' in text and _JWK_SECRET.search(text)))


def file_kind(data: bytes, text: str) -> str:
    """The kind of file, if its beginning gives it away and no certificate can stand in it; else ""."""
    if not data.strip(b"\x00 \t\r\n") or not text.strip("\ufeff \t\r\n\x00"):
        return "an empty file"
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    head = text[:_HEAD].lstrip("\ufeff \t\r\n")
    if "BEGIN" in text or _CONTROL.search(head):
        return ""
    if _HTML.search(head):
        return "an HTML page"
    if head.startswith("<"):
        return "an XML file"
    if _SSH.match(head):
        return "an SSH key"
    return "a JSON file" if head.startswith(("{", "[")) else ""


def is_cut_off(data: bytes) -> bool:
    """Whether `data` begins as a DER sequence like ours that is longer than the file."""
    inside = data[_LONG_HEADER : _LONG_HEADER + 1] in (b"\x30", b"\x02", b"\x06")
    return data.startswith(_LONG_SEQUENCE) and inside and int.from_bytes(data[2:4]) > len(data) - _LONG_HEADER


def elements(data: bytes) -> list[bytes] | None:
    """The DER elements that make up `data`, padding and line ends after them left off; None if it is not DER.

    An empty last element stands for what cannot be read.
    """
    found: list[bytes] = []
    rest = data
    while rest.strip(_PADDING) and len(found) < _MAX_ELEMENTS:
        try:
            element = asn1.read(rest)
        except ValueError:
            return [*found, b""] if found else None
        found.append(element.whole)
        rest = rest[len(element.whole) :]
    return found


def first_element(data: bytes) -> bytes:
    """The first DER element; OpenSSL's trusted certificates carry their trust after it."""
    try:
        return asn1.read(data).whole
    except ValueError:
        return b""


def kind_of_ber(data: bytes) -> str:
    """The kind of an element of indefinite length (X.690 §8.1.3.6)."""
    if data[2 : 2 + len(_SIGNED_DATA_BER)] == _SIGNED_DATA_BER:
        return "a PKCS#7 file"
    return "a PFX file" if data[2 : 2 + len(_PFX_BER)] == _PFX_BER else ""


def kind_of(data: bytes) -> str:
    """What a DER element is, by the types of its members; "" for none that we know."""
    try:
        members = asn1.sequence(data)
        return _kind(members, [member.tag for member in members])
    except (ValueError, IndexError):
        return ""


def _kind(members: Sequence[asn1.Element], tags: list[int]) -> str:
    match tags:
        case [asn1.OID, *_]:
            return _content_kind(asn1.oid(members[0]))
        case [asn1.SEQUENCE, asn1.SEQUENCE, asn1.BIT_STRING]:
            return _signed_kind([member.tag for member in asn1.children(members[0].content)])
        case [asn1.SEQUENCE, asn1.BIT_STRING]:
            return "a public key"
        case [asn1.SEQUENCE, asn1.OCTET_STRING] | [asn1.INTEGER, asn1.OCTET_STRING, *_]:
            return "a private key"
        case [asn1.INTEGER, asn1.SEQUENCE, asn1.OCTET_STRING, *_]:
            return "a private key"
        case [asn1.INTEGER, asn1.SEQUENCE, *_] if asn1.integer(members[0]) == _PFX_VERSION:
            return "a PFX file"
        case [asn1.INTEGER, asn1.INTEGER]:
            return "a public key"
        case [asn1.INTEGER, asn1.INTEGER, asn1.INTEGER, asn1.INTEGER, *_]:
            return "a private key"
        case _:
            return ""


def _content_kind(oid: str) -> str:
    if oid == _SIGNED_DATA:
        return "a PKCS#7 file"
    return "an encrypted message" if oid.startswith(_PKCS7) else ""


def _signed_kind(tags: list[int]) -> str:
    """Certificate, request and revocation list are all signed: their inside tells them apart."""
    if any(tag in _TIMES for tag in tags):
        return "a revocation list"
    if tags[:1] == [asn1.INTEGER] and len(tags) <= _REQUEST_PARTS:
        return "a certificate request"
    return "a certificate"
