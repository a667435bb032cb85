"""What a file looks like, from its first octets or its structure. Runs in the parsing child."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vault.x509 import asn1, ber

_HEAD = 2000
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
ZIP, JAVA, PGP, SSH = "a ZIP archive", "a Java keystore", "a PGP file", "an SSH key"
PFX, PKCS7, CERTIFICATE, REQUEST = "a PFX file", "a PKCS#7 file", "a certificate", "a certificate request"
KEY, SEALED_KEY, PUBLIC_KEY, REVOCATIONS = (
    "a private key",
    "an encrypted private key",
    "a public key",
    "a revocation list",
)
PARAMETERS, CUT_OFF, EMPTY = "parameters for keys", "a file that was cut off", "an empty file"
_SIGNATURES = (
    (b"\xfe\xed\xfe\xed", JAVA),
    (b"\xce\xce\xce\xce", JAVA),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\x1f\x8b", "a compressed file"),
    (b"BZh", "a compressed file"),
    (b"\xfd7zXZ\x00", "a compressed file"),
    (b"Rar!\x1a\x07", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3", "a database"),
    (b"\x99\x01", PGP),
    (b"\x99\x02", PGP),
)
_PRIVATE_KEY = re.compile(
    r"BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File-|AGE-SECRET-KEY-1|<D>[A-Za-z0-9+/\s]{20}|openssh-key-v1"
)
_FOREIGN_KEYS = {
    "PuTTY-User-Key-File-": "a PuTTY private key",
    "AGE-SECRET-KEY-1": "an age key",
    "<D>": "an XML private key",
    '"kty"': "a JSON Web Key",
}
_JWK_SECRET = re.compile(r'"d"\s{0,20}:\s{0,20}"[A-Za-z0-9_-]{20}')
_HTML = re.compile(r"<(?:!doctype html|html|head|body|script|div|p|table)\b", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SSH = re.compile(r"(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\S{1,40}) AAAA")
_PKCS7, _SIGNED_DATA = "1.2.840.113549.1.7.", "1.2.840.113549.1.7.2"
_SIGNED_DATA_BER = bytes.fromhex("06092a864886f70d010702")
_PFX_BER = bytes.fromhex("020103")
_KEY_BAGS = tuple(map(bytes.fromhex, ("060b2a864886f70d010c0a0101", "060b2a864886f70d010c0a0102")))
_TIMES = (0x17, 0x18)
_KEY_BEGINNINGS = tuple(map(bytes.fromhex, ("02010030", "02010130", "02010104", "02010002")))
_PADDING = b"\x00\r\n "
_LONG_SEQUENCE, _LONG_HEADER = b"\x30\x82", 4
_MAX_ELEMENTS = 100
_PFX_VERSION = 3
_REQUEST_PARTS = 4
_SMALLEST_MODULUS = 64
_CERTIFICATES = 0xA0


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
        return EMPTY
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    head = text[:_HEAD].lstrip("\ufeff \t\r\n")
    if "BEGIN" in text or _CONTROL.search(head):
        return ""
    return _foreign_key(text) or _written_kind(head)


def _foreign_key(text: str) -> str:
    """A private key in a form that other programs use, if the text says that it is one."""
    if not names_private_key(text):
        return ""
    return next((kind for word, kind in _FOREIGN_KEYS.items() if word in text), "")


def _written_kind(head: str) -> str:
    if _HTML.search(head):
        return "an HTML page"
    if head.startswith("<"):
        return "an XML file"
    if _SSH.match(head):
        return SSH
    return "a JSON file" if head.startswith(("{", "[")) else ""


def begins_as_key(data: bytes) -> bool:
    """Whether `data` begins as a private key does (PKCS#8, PKCS#1, SEC1), however it goes on."""
    start = 2 + (data[1] & 0x7F if data[1:2] in (b"\x81", b"\x82") else 0)
    return data[:1] == b"\x30" and data[start : start + 4] in _KEY_BEGINNINGS


def names_key_bag(data: bytes) -> bool:
    """Whether a bag for a private key (RFC 7292 §4.2) can be seen in a PFX that cannot be read otherwise."""
    return any(kind in data for kind in _KEY_BAGS)


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
        return PKCS7
    return PFX if data[2 : 2 + len(_PFX_BER)] == _PFX_BER else ""


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
            return PUBLIC_KEY
        case [asn1.SEQUENCE, asn1.OCTET_STRING]:
            return SEALED_KEY
        case [asn1.INTEGER, asn1.OCTET_STRING, *_] | [asn1.INTEGER, asn1.SEQUENCE, asn1.OCTET_STRING, *_]:
            return KEY
        case [asn1.INTEGER, asn1.SEQUENCE, *_] if asn1.integer(members[0]) == _PFX_VERSION:
            return PFX
        case _ if set(tags) == {asn1.INTEGER}:
            return _numbers_kind(members)
        case [asn1.INTEGER, asn1.INTEGER, asn1.INTEGER, asn1.INTEGER, *_]:
            return KEY
        case _:
            return ""


def _numbers_kind(members: Sequence[asn1.Element]) -> str:
    """RSA keys (RFC 8017 appendix A.1), and numbers for DH and DSA: nothing but how many there are tells them apart."""
    if len(members) == 2 and asn1.integer(members[0]).bit_length() <= _SMALLEST_MODULUS:
        return ""
    if len(members) == 2:
        return PUBLIC_KEY if asn1.integer(members[1]).bit_length() > 2 else PARAMETERS
    return KEY if len(members) > 3 else PARAMETERS if len(members) == 3 else ""


def _content_kind(oid: str) -> str:
    if oid == _SIGNED_DATA:
        return PKCS7
    return "an encrypted message" if oid.startswith(_PKCS7) else ""


def _signed_kind(tags: list[int]) -> str:
    """Certificate, request and revocation list are all signed: their inside tells them apart."""
    if any(tag in _TIMES for tag in tags):
        return REVOCATIONS
    if tags[:1] == [asn1.INTEGER] and len(tags) <= _REQUEST_PARTS:
        return REQUEST
    return CERTIFICATE


def is_zip(data: bytes) -> bool:
    """Whether this begins as a ZIP archive does."""
    return any(data.startswith(signature) for signature, kind in _SIGNATURES if kind == ZIP)


def looks_like_key(data: bytes) -> bool:
    """Whether there is a private key, or at least something whole, in the body of a PEM block that says so."""
    return kind_of(data) != ""


def sealed_key(data: bytes) -> tuple[bytes, bytes]:
    """Algorithm and ciphertext of an EncryptedPrivateKeyInfo (RFC 5958 §3)."""
    algorithm, sealed = asn1.sequence(data)
    return algorithm.whole, sealed.content


def signed_certificates(data: bytes) -> list[bytes]:
    """The certificates in PKCS#7 signed data, DER or BER (RFC 5652 §5.1). Raises ValueError."""
    _, explicit = asn1.sequence(ber.to_der(data))
    members = asn1.sequence(asn1.read(explicit.content).whole)
    inside = [one for member in members if member.tag == _CERTIFICATES for one in asn1.children(member.content)]
    return [one.whole for one in inside if one.tag == asn1.SEQUENCE]
