"""Distinguished names as text: `CN=www.example.org, O=Example`.

Read as RFC 4514 does: the first part of the text is the last of the DER, so that the usual DER (country first,
common name last) reads with the common name in front. `format_subject` gives back what `parse_subject` read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from vault.errors import BadName
from vault.x509.library import refusing
from vault.x509.visible import is_plain, shown

MAX_SUBJECT = 200
_PRINTABLE_STRING = re.compile(r"[A-Za-z0-9 '()+,./:=?-]*")
_MUST_QUOTE = re.compile(r'[,+;"\\]|^[ #]| $')


@dataclass(frozen=True)
class _Attribute:
    """An attribute type: the key people write, its OID, and the upper bound of X.520 or RFC 5280 appendix A."""

    key: str
    oid: x509.ObjectIdentifier
    longest: int
    ascii_only: bool = False


_ATTRIBUTES = (
    _Attribute("CN", NameOID.COMMON_NAME, 64),
    _Attribute("O", NameOID.ORGANIZATION_NAME, 64),
    _Attribute("OU", NameOID.ORGANIZATIONAL_UNIT_NAME, 64),
    _Attribute("L", NameOID.LOCALITY_NAME, 128),
    _Attribute("S", NameOID.STATE_OR_PROVINCE_NAME, 128),
    _Attribute("C", NameOID.COUNTRY_NAME, 2, ascii_only=True),
    _Attribute("STREET", NameOID.STREET_ADDRESS, 128),
    _Attribute("postalCode", NameOID.POSTAL_CODE, 40),
    _Attribute("E", NameOID.EMAIL_ADDRESS, 255, ascii_only=True),
    _Attribute("DC", NameOID.DOMAIN_COMPONENT, 63, ascii_only=True),
    _Attribute("SERIALNUMBER", NameOID.SERIAL_NUMBER, 64, ascii_only=True),
    _Attribute("T", NameOID.TITLE, 64),
    _Attribute("GN", NameOID.GIVEN_NAME, 64),
    _Attribute("SN", NameOID.SURNAME, 64),
    _Attribute("UID", NameOID.USER_ID, 256),
    _Attribute("initials", NameOID.INITIALS, 64),
    _Attribute("generationQualifier", NameOID.GENERATION_QUALIFIER, 64),
    _Attribute("dnQualifier", NameOID.DN_QUALIFIER, 64, ascii_only=True),
    _Attribute("pseudonym", NameOID.PSEUDONYM, 128),
    _Attribute("organizationIdentifier", NameOID.ORGANIZATION_IDENTIFIER, 128),
    _Attribute("businessCategory", NameOID.BUSINESS_CATEGORY, 128),
    _Attribute("jurisdictionC", NameOID.JURISDICTION_COUNTRY_NAME, 2, ascii_only=True),
    _Attribute("jurisdictionS", NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME, 128),
    _Attribute("jurisdictionL", NameOID.JURISDICTION_LOCALITY_NAME, 128),
)
_ALIASES = {
    "COMMONNAME": "CN",
    "ST": "S",
    "STATE": "S",
    "EMAIL": "E",
    "EMAILADDRESS": "E",
    "TITLE": "T",
    "G": "GN",
    "GIVENNAME": "GN",
    "SURNAME": "SN",
    "STREETADDRESS": "STREET",
    "USERID": "UID",
}
_BY_KEY = {attribute.key.upper(): attribute for attribute in _ATTRIBUTES}
_BY_OID = {attribute.oid.dotted_string: attribute for attribute in _ATTRIBUTES}
_COUNTRIES = (NameOID.COUNTRY_NAME, NameOID.JURISDICTION_COUNTRY_NAME)
_PRINTABLE = (NameOID.SERIAL_NUMBER, NameOID.DN_QUALIFIER)


def parse_subject(subject: str) -> x509.Name:
    """Read `CN=www.example.org, O="Example, Inc.", C=DE`; an empty text is the empty name.

    Keys count without case; S, like ST, is a state. A value with a comma, plus or semicolon stands in double
    quotes (a quote inside is written twice) or has a backslash before each (RFC 4514 §2.4). Parts joined by
    an unquoted plus make one multi-valued RDN.

    Raises:
        BadName: field `subject`; the sentence names the part that cannot be read.
    """
    if len(subject) > MAX_SUBJECT:
        raise _bad(f"The subject has {len(subject)} characters; {MAX_SUBJECT} is the most. Shorten it.")
    if not is_plain(subject):
        raise _bad(f"The subject “{shown(subject)}” holds characters that cannot be seen. Type it again by hand.")
    if not subject.strip():
        return x509.Name([])
    with refusing(_bad(f"“{shown(subject)}” is not a subject. Write it like CN=www.example.org, O=Example.")):
        rdns = [x509.RelativeDistinguishedName(map(_attribute, parts)) for parts in _split(subject)]
        return x509.Name(rdns[::-1])


def common_name(subject: str) -> str:
    """The first common name in a subject written as `parse_subject` reads it; "" when there is none. Raises BadName."""
    found = parse_subject(subject).get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def format_subject(name: x509.Name) -> str:
    """`name` as text that `parse_subject` reads back; keys it does not know appear as dotted OIDs."""
    return format_rdns([[(one.oid.dotted_string, one.value) for one in rdn] for rdn in name.rdns])


def format_rdns(rdns: Sequence[Iterable[tuple[str, str | bytes]]]) -> str:
    """RDNs in DER order, each a group of (dotted OID, value), as text."""
    return ", ".join("+".join(_pair(oid, value) for oid, value in rdn) for rdn in reversed(rdns))


def _pair(oid: str, value: str | bytes) -> str:
    text = f"#{value.hex()}" if isinstance(value, bytes) else value
    if isinstance(value, str) and _MUST_QUOTE.search(value):
        text = '"' + value.replace("\\", "\\\\").replace('"', '""') + '"'
    return f"{_BY_OID[oid].key if oid in _BY_OID else oid}={text}"


def _bad(sentence: str) -> BadName:
    return BadName(sentence, field="subject")


def _split(subject: str) -> list[list[tuple[str, str]]]:
    """Cut the text into RDNs of (key, value), from left to right."""
    rdns: list[list[tuple[str, str]]] = [[]]
    position = 0
    while True:
        equals = subject.find("=", position)
        key = subject[position:equals].strip() if equals >= 0 else ""
        if not key or re.search(r'[,+;"\\]', key):
            raise _bad(_no_key(subject[position:]))
        value, position = _value(subject, equals + 1)
        rdns[-1].append((key, value))
        if position >= len(subject):
            return rdns
        if subject[position] == ",":
            rdns.append([])
        position += 1


def _no_key(rest: str) -> str:
    part = re.split("[,+]", rest, maxsplit=1)[0].strip()
    if not part:
        return "The subject has a part with nothing in it. Remove the extra comma."
    return (
        f"“{shown(part)}” in the subject has no KEY= before it. "
        'Write each part like O=Example, and a value that holds a comma in quotes: O="Example, Inc.".'
    )


def _value(subject: str, start: int) -> tuple[str, int]:
    """The value that begins at `start`, and where its separator (or the end) is."""
    while subject[start : start + 1] == " ":
        start += 1
    return _quoted(subject, start + 1) if subject[start : start + 1] == '"' else _bare(subject, start)


def _quoted(subject: str, position: int) -> tuple[str, int]:
    value = bytearray()
    while position < len(subject):
        if subject.startswith('""', position):
            value += b'"'
            position += 2
        elif subject[position] == '"':
            rest = subject[position + 1 :]
            position = len(subject) - len(rest.lstrip(" "))
            if subject[position : position + 1] not in ("", ",", "+"):
                raise _bad(f"“{shown(rest.strip())}” follows a closing quote in the subject. Put a comma between them.")
            return _text(value), position
        else:
            octets, position = _character(subject, position)
            value += octets
    raise _bad("A quote in the subject is opened and not closed. Add the missing quote.")


def _bare(subject: str, position: int) -> tuple[str, int]:
    value, kept = bytearray(), 0
    while position < len(subject) and subject[position] not in ",+":
        if subject[position] in ';"':
            sentence = f"The subject has a {subject[position]} outside quotes. Separate parts with commas"
            raise _bad(f'{sentence}, and put a value that holds such a character in quotes: O="Example; Sons".')
        escaped = subject[position] == "\\"
        octets, position = _character(subject, position)
        value += octets
        if escaped or octets != b" ":
            kept = len(value)
    return _text(value[:kept]), position


def _character(subject: str, position: int) -> tuple[bytes, int]:
    """One character, or one escape (RFC 4514 §3: a backslash and a special character or two hex digits)."""
    if subject[position] != "\\":
        return subject[position].encode(), position + 1
    pair = re.compile("[0-9A-Fa-f]{2}").match(subject, position + 1)
    if pair:
        return bytes.fromhex(pair.group()), position + 3
    if subject[position + 1 : position + 2] in tuple(' "#+,;<=>\\'):
        return subject[position + 1].encode(), position + 2
    raise _bad("A backslash in the subject has nothing to escape. Write \\\\ for a backslash.")


def _text(value: bytes | bytearray) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise _bad("The subject's \\-escapes do not make readable text. Write the characters themselves.") from None
    if not is_plain(text):
        raise _bad(f"“{shown(text)}” in the subject holds characters that cannot be seen. Leave them out.")
    return text


def _attribute(pair: tuple[str, str]) -> x509.NameAttribute[str]:
    key, value = pair
    name = key.upper().removeprefix("OID.")
    attribute = _BY_KEY.get(_ALIASES.get(name, name))
    if attribute is None:
        raise _bad(_unknown_key(key, dotted=re.fullmatch(r"\d+(\.\d+)*", name) is not None))
    if not value:
        raise _bad(f"{key}= in the subject has no value. Fill it in, or leave it out.")
    if attribute.oid in _COUNTRIES:
        value = value.upper()
    _check_value(attribute, key, value)
    return x509.NameAttribute(attribute.oid, value)


def _unknown_key(key: str, *, dotted: bool) -> str:
    if dotted:
        return f"“{shown(key)}” is an object identifier; a subject takes keys by name, like CN, O, OU, L, S and C."
    known = "CN, O, OU, L, S, C, STREET, E, DC, SERIALNUMBER, T, GN, SN or UID"
    return f"“{shown(key)}” is not a key of a subject. Use {known}."


def _check_value(attribute: _Attribute, key: str, value: str) -> None:
    if attribute.oid in _COUNTRIES and not re.fullmatch("[A-Z]{2}", value):
        raise _bad(f"{key}={shown(value)} is not a country. Use its two letters, like {key}=DE.")
    # The library counts a common name in octets of UTF-8, X.520 in characters.
    length = len(value.encode()) if attribute.oid == NameOID.COMMON_NAME else len(value)
    if length > attribute.longest:
        raise _bad(
            f"{key}={shown(value)} has {length} characters; a certificate holds {attribute.longest} there. Shorten it"
            + (", or leave CN out: names belong in the list of names." if attribute.key == "CN" else ".")
        )
    if attribute.ascii_only and not value.isascii():
        raise _bad(f"{key}={shown(value)} may hold plain letters and digits only. Write it without accents.")
    if attribute.oid in _PRINTABLE and not _PRINTABLE_STRING.fullmatch(value):
        raise _bad(f"{key}={shown(value)} may hold letters, digits, spaces and '()+,-./:=? only.")
