"""A certificate's extensions written for a person.

One broken or unknown extension does not hide the others: it is shown as hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from vault.x509 import asn1
from vault.x509.extensions import (
    AUTHORITY_KEY_IDENTIFIER,
    BASIC_CONSTRAINTS,
    CHARSETS,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    SUBJECT_ALTERNATIVE_NAME,
    SUBJECT_KEY_IDENTIFIER,
    ca_and_path,
    general_name,
)
from vault.x509.visible import display

_MAX_LINES = 1000
_HEX_LINE = 32
_SCT_HEADER = 43
_PAIR = 2

_USAGES = (
    "Digital signature",
    "Non-repudiation",
    "Key encipherment",
    "Data encipherment",
    "Key agreement",
    "Certificate signing",
    "CRL signing",
    "Encipher only",
    "Decipher only",
)
_OIDS = {
    "1.3.6.1.5.5.7.3.1": "TLS server",
    "1.3.6.1.5.5.7.3.2": "TLS client",
    "1.3.6.1.5.5.7.3.3": "Code signing",
    "1.3.6.1.5.5.7.3.4": "E-mail protection",
    "1.3.6.1.5.5.7.3.8": "Time stamping",
    "1.3.6.1.5.5.7.3.9": "OCSP signing",
    "1.3.6.1.4.1.311.20.2.2": "Smart card logon",
    "1.3.6.1.4.1.311.10.3.12": "Document signing",
    "2.5.29.37.0": "Any purpose",
    "1.3.6.1.5.5.7.48.1": "OCSP",
    "1.3.6.1.5.5.7.48.2": "Issuer's certificate",
    "2.23.140.1.1": "Extended validation",
    "2.23.140.1.2.1": "Domain validated",
    "2.23.140.1.2.2": "Organisation validated",
    "2.23.140.1.2.3": "Individual validated",
    "2.5.29.32.0": "Any policy",
}


@dataclass(frozen=True, kw_only=True)
class ExtensionText:
    """One extension for a person: its name, dotted OID, and what it says, line by line."""

    name: str
    oid: str
    critical: bool
    lines: tuple[str, ...]


def read_extension(extension: asn1.Extension) -> ExtensionText:
    """Put one extension into words. Never raises: what cannot be read is shown as hexadecimal digits."""
    name, reader = _READERS.get(extension.oid, ("Unknown extension", _hex))
    try:
        lines = reader(extension.value)
    except (ValueError, LookupError, OverflowError):
        lines = ["Cannot be read:", *_hex(extension.value)]
    if len(lines) > _MAX_LINES:
        lines = [*lines[:_MAX_LINES], f"… and {len(lines) - _MAX_LINES} more"]
    shown = tuple(display(line) for line in lines)
    return ExtensionText(name=name, oid=extension.oid, critical=extension.critical, lines=shown)


def _named(oid: str) -> str:
    return f"{_OIDS[oid]} ({oid})" if oid in _OIDS else oid


def _hex(value: bytes) -> list[str]:
    return [value[start : start + _HEX_LINE].hex(" ") for start in range(0, len(value), _HEX_LINE)] or ["(empty)"]


def _colons(value: bytes) -> str:
    return value.hex(":").upper()


def _read_key_usage(value: bytes) -> list[str]:
    return [_USAGES[bit] if bit < len(_USAGES) else f"bit {bit}" for bit in asn1.bits(asn1.read(value))] or ["None"]


def _read_ekus(value: bytes) -> list[str]:
    return [_named(asn1.oid(one)) for one in asn1.sequence(value)]


def _read_names(value: bytes) -> list[str]:
    return [_general_text(one) for one in asn1.sequence(value)]


_KIND_TITLES = {
    "dns": "DNS",
    "email": "E-mail",
    "upn": "UPN",
    "uri": "URI",
    "ip": "IP",
    "dirname": "Directory name",
}


def _general_text(element: asn1.Element) -> str:
    kind, value = general_name(element)
    return f"{_KIND_TITLES.get(kind, kind)}: {value}"


def _read_basic_constraints(value: bytes) -> list[str]:
    ca, path = ca_and_path(value)
    lines = ["Is a CA" if ca else "Is not a CA"]
    return lines if path is None else [*lines, f"At most {path} CAs below it"]


def _read_subject_key(value: bytes) -> list[str]:
    return [_colons(asn1.read(value).content)]


def _read_authority_key(value: bytes) -> list[str]:
    lines = []
    for one in asn1.sequence(value):
        if one.tag == 0x80:
            lines.append(f"Key: {_colons(one.content)}")
        elif one.tag == 0xA1:
            lines += [f"Issuer: {_general_text(name)}" for name in asn1.children(one.content)]
        else:
            lines.append(f"Serial number: {one.content.hex()}")
    return lines


def _read_access(value: bytes) -> list[str]:
    pairs = [asn1.children(one.content) for one in asn1.sequence(value)]
    return [f"{_named(asn1.oid(method))}: {_general_text(place)}" for method, place in pairs]


def _read_distribution_points(value: bytes) -> list[str]:
    lines = []
    for point in asn1.sequence(value):
        for part in asn1.children(point.content):
            if part.tag == 0xA0 and (full := asn1.read(part.content)).tag == 0xA0:
                lines += [_general_text(name) for name in asn1.children(full.content)]
            else:
                lines.append(part.whole.hex(" "))
    return lines


def _read_policies(value: bytes) -> list[str]:
    lines = []
    for policy in asn1.sequence(value):
        kind, *qualifiers = asn1.children(policy.content)
        lines.append(_named(asn1.oid(kind)))
        for qualifier in qualifiers and asn1.children(qualifiers[0].content):
            _, what = asn1.children(qualifier.content)
            lines.append(
                f"Statement: {what.content.decode('ascii')}" if what.tag == 0x16 else f"Notice: {what.whole.hex()}"
            )
    return lines


def _read_constraints(value: bytes) -> list[str]:
    titles = {0xA0: "Permitted", 0xA1: "Excluded"}
    return [
        f"{titles[part.tag]} {_general_text(asn1.read(subtree.content))}"
        for part in asn1.sequence(value)
        for subtree in asn1.children(part.content)
    ]


def _read_transparency(value: bytes) -> list[str]:
    """Signed certificate timestamps (RFC 6962 §3.3): each log's id and its time in UTC."""
    octets = asn1.read(value).content[_PAIR:]
    lines = []
    while octets:
        size = int.from_bytes(octets[:_PAIR])
        stamp, octets = octets[_PAIR : _PAIR + size], octets[_PAIR + size :]
        if len(stamp) != size or size < _SCT_HEADER:
            raise ValueError("not a timestamp")
        moment = datetime.fromtimestamp(int.from_bytes(stamp[33:41]) // 1000, UTC)
        lines.append(f"Log {stamp[1:33].hex()}, {moment:%Y-%m-%d %H:%M:%S} UTC")
    return lines


def _read_features(value: bytes) -> list[str]:
    return [
        "Must staple (OCSP)" if asn1.integer(one) == 5 else f"Feature {asn1.integer(one)}"
        for one in asn1.sequence(value)
    ]


def _read_nothing(value: bytes) -> list[str]:
    return ["Yes"] if asn1.read(value).tag == asn1.NULL else _hex(value)


def _read_number(value: bytes) -> list[str]:
    return [str(asn1.integer(asn1.read(value)))]


def _read_text(value: bytes) -> list[str]:
    element = asn1.read(value)
    return [element.content.decode(CHARSETS[element.tag])]


def _read_template(value: bytes) -> list[str]:
    kind, *versions = asn1.sequence(value)
    return [asn1.oid(kind), *(f"Version {asn1.integer(one)}" for one in versions)]


_READERS: dict[str, tuple[str, Callable[[bytes], list[str]]]] = {
    KEY_USAGE: ("Key usage", _read_key_usage),
    EXTENDED_KEY_USAGE: ("Extended key usage", _read_ekus),
    SUBJECT_ALTERNATIVE_NAME: ("Subject alternative names", _read_names),
    "2.5.29.18": ("Issuer alternative names", _read_names),
    BASIC_CONSTRAINTS: ("Basic constraints", _read_basic_constraints),
    SUBJECT_KEY_IDENTIFIER: ("Subject key identifier", _read_subject_key),
    AUTHORITY_KEY_IDENTIFIER: ("Authority key identifier", _read_authority_key),
    "1.3.6.1.5.5.7.1.1": ("Authority information access", _read_access),
    "1.3.6.1.5.5.7.1.11": ("Subject information access", _read_access),
    "2.5.29.31": ("CRL distribution points", _read_distribution_points),
    "2.5.29.46": ("Freshest CRL", _read_distribution_points),
    "2.5.29.32": ("Certificate policies", _read_policies),
    "2.5.29.30": ("Name constraints", _read_constraints),
    "2.5.29.54": ("Inhibit any policy", _read_number),
    "1.3.6.1.4.1.11129.2.4.2": ("Certificate transparency", _read_transparency),
    "1.3.6.1.4.1.11129.2.4.3": ("Certificate transparency poison", _read_nothing),
    "1.3.6.1.5.5.7.1.24": ("TLS features", _read_features),
    "1.3.6.1.5.5.7.48.1.5": ("No OCSP check", _read_nothing),
    "1.3.6.1.4.1.311.20.2": ("Microsoft template name", _read_text),
    "1.3.6.1.4.1.311.21.1": ("Microsoft CA version", _read_number),
    "1.3.6.1.4.1.311.21.7": ("Microsoft template", _read_template),
}


def knows(oid: str) -> bool:
    """Whether extensions of that kind are put into words here."""
    return oid in _READERS
