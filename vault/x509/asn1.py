"""A small reader for DER (ITU-T X.690 §10): enough to look inside what the library keeps shut.

The library parses all extensions of a certificate or none: one odd extension hides the others. Here each is
read on its own. Everything raises ValueError on octets that are not DER.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, UTF8 = (
    0x01,
    0x02,
    0x03,
    0x04,
    0x05,
    0x06,
    0x0C,
)
SEQUENCE, SET = 0x30, 0x31
MAX_MEMBERS = 20_000
"""Of one element: each costs a microsecond, and several looks are taken."""
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
_CLASS_CONTEXT_3 = 0xA3
_CLASS_CONTEXT_0 = 0xA0
_SPKI_INDEX = 6
_MAX_LENGTH_OCTETS = 4
_MAX_OID_OCTETS = 64
_LONG_TAG, _LONG_LENGTH, _LOW_BITS = 0x1F, 0x80, 0x7F


@dataclass(frozen=True, slots=True)
class Element:
    """One tag-length-value: its identifier octet, its content, and all its octets."""

    tag: int
    content: bytes
    whole: bytes


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension as it stands (RFC 5280 §4.1): dotted OID, criticality, DER of the value."""

    oid: str
    critical: bool
    value: bytes


def read(data: bytes, start: int = 0) -> Element:
    """The element that begins at `start`; what follows it is ignored."""
    tag, length, body = header(data, start)
    if length is None:
        raise ValueError("not a DER length")
    return Element(tag, data[body : body + length], data[start : body + length])


def header(data: bytes, start: int) -> tuple[int, int | None, int]:
    """The tag at `start`, the length (None when it is indefinite, as BER allows), and where the content begins."""
    if start + 2 > len(data) or data[start] & _LONG_TAG == _LONG_TAG:
        raise ValueError("not a DER element")
    length, body = data[start + 1], start + 2
    if length == _LONG_LENGTH:
        return data[start], None, body
    if length > _LONG_LENGTH:
        octets = length & _LOW_BITS
        if octets > _MAX_LENGTH_OCTETS or body + octets > len(data):
            raise ValueError("not a DER length")
        length, body = int.from_bytes(data[body : body + octets]), body + octets
    if body + length > len(data):
        raise ValueError("DER element cut off")
    return data[start], length, body


def children(content: bytes) -> list[Element]:
    """The elements that fill `content`, one after the other; ValueError for more of them than any file needs."""
    found = list(itertools.islice(_each(content), MAX_MEMBERS + 1))
    if len(found) > MAX_MEMBERS:
        raise ValueError("more members than anybody needs")
    return found


def _each(content: bytes) -> Iterator[Element]:
    start = 0
    while start < len(content):
        element = read(content, start)
        yield element
        start += len(element.whole)


def sequence(data: bytes, tag: int = SEQUENCE) -> list[Element]:
    """The members of the one constructed element that `data` is."""
    element = read(data)
    if element.tag != tag or len(element.whole) != len(data):
        raise ValueError("not the one expected DER element")
    return children(element.content)


def integer(element: Element) -> int:
    """The value of an INTEGER."""
    if element.tag != INTEGER or not element.content:
        raise ValueError("not an INTEGER")
    return int.from_bytes(element.content, signed=True)


def oid(element: Element) -> str:
    """The dotted form of an OBJECT IDENTIFIER (X.690 §8.19)."""
    content = element.content
    if element.tag != OID or not content or content[-1] & 0x80 or len(content) > _MAX_OID_OCTETS:
        raise ValueError("not an OBJECT IDENTIFIER")
    arcs, arc = [], 0
    for octet in content:
        arc = arc << 7 | octet & _LOW_BITS
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


def bits(element: Element) -> list[int]:
    """The positions of the bits that are set in a BIT STRING."""
    if element.tag != BIT_STRING or not element.content:
        raise ValueError("not a BIT STRING")
    body = element.content[1:]
    return [8 * i + bit for i, octet in enumerate(body) for bit in range(8) if octet & (0x80 >> bit)]


def encode(tag: int, content: bytes) -> bytes:
    """One element, its length in the shortest form."""
    size = len(content)
    if size < _LONG_LENGTH:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, _LONG_LENGTH | len(octets)]) + octets + content


def certificate_serial(tbs: bytes) -> Element:
    """The serialNumber INTEGER of a TBSCertificate."""
    return _after_version(tbs)[0]


def public_key_info(tbs: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a TBSCertificate, octets as they stand."""
    return _after_version(tbs)[_SPKI_INDEX - 1].whole


def certificate_extensions(tbs: bytes) -> list[Extension]:
    """Every extension of a TBSCertificate, in order, repeated ones too."""
    last = sequence(tbs)[-1]
    return _extensions(last.content) if last.tag == _CLASS_CONTEXT_3 else []


def request_extensions(tbs: bytes) -> list[Extension]:
    """Every extension that a CertificationRequestInfo asks for (RFC 2986 §4.1, RFC 2985 §5.4.2)."""
    last = sequence(tbs)[-1]
    if last.tag != _CLASS_CONTEXT_0:
        return []
    found: list[Extension] = []
    for attribute in children(last.content):
        kind, values = children(attribute.content)
        if oid(kind) == EXTENSION_REQUEST:
            found += [one for value in children(values.content) for one in _extensions(value.whole)]
    return found


def _after_version(tbs: bytes) -> list[Element]:
    members = sequence(tbs)
    members = members[1:] if members[0].tag == _CLASS_CONTEXT_0 else members
    if len(members) < _SPKI_INDEX:
        raise ValueError("not a TBSCertificate")
    return members


def _extensions(data: bytes) -> list[Extension]:
    return [_extension(one) for one in sequence(data)]


def _extension(element: Element) -> Extension:
    kind, *middle, value = children(element.content)
    critical = bool(middle) and middle[0].tag == BOOLEAN and middle[0].content != b"\x00"
    return Extension(oid(kind), critical, value.content)
