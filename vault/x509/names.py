"""Names as people paste them and as certificates hold them (RFC 5280 §4.2.1.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vault.errors import BadName
from vault.models.policy import AlternativeNames
from vault.x509.namechecks import CHECKS, bad_name, shortest_ip
from vault.x509.subjects import format_subject, parse_subject
from vault.x509.visible import display, is_plain, shown

__all__ = [
    "MAX_NAMES",
    "ReadNames",
    "check_names",
    "clean_names",
    "display",
    "format_subject",
    "group_names",
    "parse_subject",
    "propose_certificate_name",
    "read_names",
]

MAX_NAMES = 500
_MAX_CERTIFICATE_NAME = 127
_RESERVED = frozenset({"contacts", "issuers", "restore"})

_SEPARATORS = re.compile(r"[^\s,;]+")
# What viewers of certificates print before a name, in two words: `DNS Name=`, `IP Address:`.
_TWO_WORDS = re.compile(
    r"\b(DNS|RFC822|Principal|IP)[ \t]{1,4}(?:Name|Address)[ \t]{0,4}[:=]",
    re.IGNORECASE,
)
_KIND = re.compile(
    r"(dns|ip|ipaddress|e-?mail|rfc822|uri|url|upn|principal)[:=](?!//)(.*)",
    re.IGNORECASE | re.DOTALL,
)
_KINDS = {
    "ipaddress": "ip",
    "e-mail": "email",
    "rfc822": "email",
    "url": "uri",
    "principal": "upn",
}
_QUOTES = "\"'`“”\u2018\u2019„«»"
_BULLETS = frozenset({"-", "\u2013", "\u2014", "•", "·"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://")
_HOST_SCHEME = re.compile(
    r"https?|wss?|ftps?|ldaps?|tcp|tls|ssl|udp|imaps?|smtps?|pop3s?|ssh|rdp|amqps?|mqtts?|postgres|postgresql|mysql|"
    r"rediss?|grpcs?|sips?",
    re.IGNORECASE,
)
_PORT = re.compile(r":[0-9]{0,5}")


@dataclass(frozen=True, kw_only=True)
class ReadNames:
    """What a person pasted: names that can stand in a certificate, a sentence for each that cannot, remarks."""

    names: AlternativeNames
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_names(text: str) -> ReadNames:
    """Read names separated by lines, commas, semicolons or spaces, each kind in the order given.

    URLs are cut to their hosts; `DNS:`, `IP:`, `email:`, `URI:` and `UPN:` before a name say its kind. More
    than 500 names give one problem and no names. Works in linear time on any text.
    """
    entries = dict.fromkeys(_entries(text))
    if len(entries) > MAX_NAMES:
        problem = f"{len(entries)} names were given; a certificate here takes {MAX_NAMES}. Split them over several."
        return ReadNames(names=AlternativeNames(), problems=(problem,))
    reader = _Reader()
    for entry in entries:
        reader.read(entry)
    return reader.result()


def check_names(names: AlternativeNames) -> None:
    """Refuse structured names, as an API receives them, that are not clean; letters may be of either case.

    Raises:
        BadName: field `names`; the sentence names the first bad name and what to do.
    """
    if len(names) > MAX_NAMES:
        raise bad_name(f"{len(names)} names were given; a certificate here takes {MAX_NAMES}. Split them over several.")
    for kind, value in names.pairs():
        clean = CHECKS[kind](value)
        if kind in ("dns", "email") and clean.lower() != value.lower():
            raise bad_name(f"“{shown(value)}” is written {shown(clean)} in a certificate. Send it in that form.")


def clean_names(names: AlternativeNames) -> AlternativeNames:
    """The same names in the one form we keep: lower case, A-labels, shortest IP text, each once.

    Raises:
        BadName: field `names`.
    """
    pairs = [(kind, CHECKS[kind](value)) for kind, value in names.pairs()]
    return group_names(dict.fromkeys(pairs))


def propose_certificate_name(names: AlternativeNames) -> str:
    """`www-example-com` for www.example.com, `wildcard-example-com` for *.example.com.

    The first DNS name decides, else the first name of any kind. Always 1 to 127 letters, digits and hyphens.
    """
    pairs = names.pairs()
    first = pairs[0][1] if pairs else ""
    first = re.sub(r"^\*\.", "wildcard.", first[: 4 * _MAX_CERTIFICATE_NAME])
    name = re.sub(r"[^0-9A-Za-z]+", "-", first)[:_MAX_CERTIFICATE_NAME].strip("-")
    if not name or name.lower() in _RESERVED:
        return f"{name}-certificate".strip("-")
    return name


class _Reader:
    """Collects what one text holds."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[str, str], None] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.repeated = 0
        self.shortened = 0

    def read(self, entry: str) -> None:
        try:
            kind, value = self._kind_and_value(entry)
            pair = kind, CHECKS[kind](value)
        except BadName as error:
            self.problems.append(str(error))
            return
        if kind in ("dns", "email") and not value.isascii():
            self.notes.append(f"{shown(value)} is written {shown(pair[1])}.")
        self.repeated += pair in self.pairs
        self.pairs[pair] = None

    def result(self) -> ReadNames:
        notes = list(self.notes)
        if self.shortened:
            notes.append(f"{_count(self.shortened, 'address was', 'addresses were')} cut to the host name.")
        if self.repeated:
            notes.append(f"{_count(self.repeated, 'name was', 'names were')} given more than once.")
        return ReadNames(names=group_names(self.pairs), problems=tuple(self.problems), notes=tuple(notes))

    def _kind_and_value(self, entry: str) -> tuple[str, str]:
        """Say what kind of name an entry is, and strip what does not belong to the name."""
        if not is_plain(entry):
            raise bad_name(f"“{shown(entry)}” holds characters that cannot be seen. Type it again by hand.")
        match = _KIND.fullmatch(entry)
        if match:
            word, value = match[1].lower(), match[2]
            kind = _KINDS.get(word, word)
            return kind, self._host(value) if kind == "dns" else value.strip("[]") if kind == "ip" else value
        scheme = _SCHEME.match(entry)
        if scheme is None and entry.lower().startswith("urn:"):
            return "uri", entry
        if scheme and not _HOST_SCHEME.fullmatch(scheme[1]):
            return "uri", entry
        if not scheme and "@" in entry:
            return "email", re.sub("^mailto:", "", entry, flags=re.IGNORECASE)
        return self._host_or_ip(entry)

    def _host_or_ip(self, entry: str) -> tuple[str, str]:
        if re.fullmatch(r"[0-9.]{7,15}/[0-9]{1,3}|[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}", entry) and not _SCHEME.match(entry):
            raise bad_name(f"“{shown(entry)}” is a network; a certificate names single addresses. Give each address.")
        if shortest_ip(entry):
            return "ip", entry
        host = self._host(entry)
        return ("ip" if shortest_ip(host) else "dns"), host

    def _host(self, entry: str) -> str:
        """`www.example.org` of `https://www.example.org:8443/path`, `2001:db8::1` of `[2001:db8::1]:443`."""
        host = re.split(r"[/?#\\]", _SCHEME.sub("", entry, count=1), maxsplit=1)[0]
        if "@" in host:
            raise bad_name(f"“…@{shown(host.rpartition('@')[2])}” holds a user name. Give the host name alone.")
        if host.startswith("[") and "]" in host:
            host = host[1:].partition("]")[0]
        elif host.count(":") == 1 and _PORT.fullmatch(host, host.index(":")):
            host = host.partition(":")[0]
        host = host.removesuffix(".")
        self.shortened += host != entry and host != entry.removesuffix(".")
        return host


def _entries(text: str) -> Iterable[str]:
    """The entries of a text; a kind that stands alone (`DNS: a.example`) belongs to the entry after it."""
    pending = ""
    for word in _SEPARATORS.findall(_TWO_WORDS.sub(r"\1:", text)):
        entry = pending + word.strip(_QUOTES)
        pending = ""
        if entry.lower() in (
            "dns:",
            "ip:",
            "email:",
            "uri:",
            "upn:",
            "rfc822:",
            "principal:",
        ):
            pending = entry
        elif entry and entry not in _BULLETS:
            yield (entry.removeprefix("[").strip(_QUOTES) if "]" not in entry else _unbracketed(entry))
    if pending:
        yield pending


def _unbracketed(entry: str) -> str:
    """An entry without the square bracket of a list around it; those around an IPv6 address stay."""
    return entry if entry.startswith("[") or "[" in entry else entry.removesuffix("]").strip(_QUOTES)


def group_names(pairs: Iterable[tuple[str, str]]) -> AlternativeNames:
    """Clean (kind, value) pairs as alternative names; the inverse of `AlternativeNames.pairs`."""
    kinds: dict[str, list[str]] = {
        "dns": [],
        "email": [],
        "upn": [],
        "uri": [],
        "ip": [],
    }
    for kind, value in pairs:
        kinds[kind].append(value)
    return AlternativeNames(
        dns=tuple(kinds["dns"]),
        emails=tuple(kinds["email"]),
        upns=tuple(kinds["upn"]),
        uris=tuple(kinds["uri"]),
        ips=tuple(kinds["ip"]),
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
