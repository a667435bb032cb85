"""What is inside a certificate's extensions, each read on its own (RFC 5280 §4.2)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from vault.x509 import asn1
from vault.x509.subjects import format_rdns

SUBJECT_ALTERNATIVE_NAME, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE = (
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.37",
)
SUBJECT_KEY_IDENTIFIER, AUTHORITY_KEY_IDENTIFIER, KEY_USAGE = (
    "2.5.29.14",
    "2.5.29.35",
    "2.5.29.15",
)
_UPN = "1.3.6.1.4.1.311.20.2.3"
CHARSETS = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}


def find(extensions: Sequence[asn1.Extension], oid: str) -> bytes | None:
    """The value of the first extension of that kind."""
    return next((one.value for one in extensions if one.oid == oid), None)


def subject_alternative_names(
    extensions: Sequence[asn1.Extension],
) -> list[tuple[str, str]]:
    """Every name as (kind, value): `dns`, `email`, `upn`, `uri`, `ip`, else `dirname`, `rid`, `other`.

    Text is as it stands, not made visible. Raises ValueError when the extension cannot be read.
    """
    value = find(extensions, SUBJECT_ALTERNATIVE_NAME)
    return [] if value is None else [general_name(one) for one in asn1.sequence(value)]


def is_ca(extensions: Sequence[asn1.Extension]) -> bool | None:
    """Whether basicConstraints says CA; None without that extension, or when it cannot be read."""
    value = find(extensions, BASIC_CONSTRAINTS)
    try:
        return None if value is None else ca_and_path(value)[0]
    except ValueError:
        return None


def extended_key_usages(extensions: Sequence[asn1.Extension]) -> list[str]:
    """The dotted OIDs of extendedKeyUsage, none when it is absent or unreadable."""
    value = find(extensions, EXTENDED_KEY_USAGE)
    try:
        return [] if value is None else [asn1.oid(one) for one in asn1.sequence(value)]
    except ValueError:
        return []


def key_identifier(extensions: Sequence[asn1.Extension], oid: str) -> bytes | None:
    """The key identifier inside subjectKeyIdentifier or authorityKeyIdentifier."""
    value = find(extensions, oid)
    try:
        if value is None:
            return None
        if oid == SUBJECT_KEY_IDENTIFIER:
            return asn1.read(value).content
        return next((one.content for one in asn1.sequence(value) if one.tag == 0x80), None)
    except ValueError:
        return None


def general_name(element: asn1.Element) -> tuple[str, str]:
    """One GeneralName (RFC 5280 §4.2.1.6) as (kind, value)."""
    content = element.content
    match element.tag:
        case 0xA0:
            return _other_name(content)
        case 0x81:
            return "email", content.decode("latin-1")
        case 0x82:
            return "dns", content.decode("latin-1")
        case 0xA4:
            return "dirname", format_rdns(read_rdns(asn1.read(content)))
        case 0x86:
            return "uri", content.decode("latin-1")
        case 0x87:
            return "ip", _address(content)
        case 0x88:
            return "rid", asn1.oid(asn1.Element(asn1.OID, content, element.whole))
        case _:
            return "other", element.whole.hex()


def read_rdns(name: asn1.Element) -> list[list[tuple[str, str | bytes]]]:
    """The RDNs of a Name in DER order, each a list of (dotted OID, value)."""
    return [[_attribute(pair) for pair in asn1.children(rdn.content)] for rdn in asn1.children(name.content)]


def _attribute(element: asn1.Element) -> tuple[str, str | bytes]:
    kind, value = asn1.children(element.content)
    charset = CHARSETS.get(value.tag)
    return asn1.oid(kind), value.content.decode(charset, "replace") if charset else value.whole


def _other_name(content: bytes) -> tuple[str, str]:
    kind, wrapped = asn1.children(content)
    value = asn1.read(wrapped.content)
    if asn1.oid(kind) == _UPN and value.tag == asn1.UTF8:
        return "upn", value.content.decode()
    return "other", f"{asn1.oid(kind)}={value.content.hex()}"


def _address(content: bytes) -> str:
    if len(content) in (4, 16):
        return str(ipaddress.ip_address(content))
    half = len(content) // 2
    if len(content) in (8, 32):  # a subnet of name constraints
        mask = ipaddress.ip_address(content[half:])
        return f"{ipaddress.ip_address(content[:half])}/{mask}"
    raise ValueError("not an address")


def ca_and_path(value: bytes) -> tuple[bool, int | None]:
    """Read basicConstraints: whether it is a CA, and how many CAs may follow below it."""
    members = asn1.sequence(value)
    ca = bool(members) and members[0].tag == asn1.BOOLEAN and members[0].content != b"\x00"
    paths = [asn1.integer(one) for one in members if one.tag == asn1.INTEGER]
    return ca, paths[0] if paths else None
