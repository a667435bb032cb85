"""What each kind of subject alternative name must be like (RFC 5280 §4.2.1.6).

Every function takes one name, gives it back in the form we keep, and raises BadName (field `names`) with a
sentence that names it and says what to do.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

import idna

from vault.errors import BadName
from vault.x509.visible import is_plain, shown

MAX_DNS, MAX_LABEL, MAX_EMAIL, MAX_LOCAL_PART, MAX_URI = 253, 63, 254, 64, 2048
_MAX_IP = 45
_SHORTEST_WILDCARD = 2
_HARMFUL_SCHEMES = frozenset({"javascript", "data", "vbscript"})
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):((?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)")
_AUTHORITY = re.compile(r"//([^/?#]*)")


def bad_name(sentence: str) -> BadName:
    """A refusal that belongs to the field `names`."""
    return BadName(sentence, field="names")


def shortest_ip(text: str) -> str:
    """The shortest form of an IPv4 or IPv6 address, "" if `text` is none (a zone makes it none)."""
    if len(text) > _MAX_IP or not re.fullmatch("[0-9A-Fa-f:.]+", text):
        return ""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def ip_address(text: str) -> str:
    """An IPv4 or IPv6 address in its shortest form (RFC 5952), without a zone."""
    address = shortest_ip(text)
    if not address:
        raise bad_name(f"“{shown(text)}” is not an IP address. Write it like 192.0.2.1 or 2001:db8::1.")
    return address


def dns_name(text: str) -> str:
    """A host name in lower-case A-labels, perhaps with `*` as its first label (RFC 1123 §2.1, RFC 9525 §6.3)."""
    if not text or len(text) > 4 * MAX_DNS:
        raise bad_name(
            f"“{shown(text)}” is not a host name: it may have 1 to {MAX_DNS} characters. Check where it ends."
        )
    if not is_plain(text):
        raise bad_name(f"“{shown(text)}” holds characters that cannot be seen. Type it again by hand.")
    wildcard, host = text.startswith("*."), text.removeprefix("*.")
    host = _a_labels(text, host)
    if "*" in host:
        raise bad_name(
            f"“{shown(text)}” has its * in a wrong place. It can only be the whole first part: *.example.org."
        )
    labels = host.split(".")
    for label in labels:
        _check_label(text, label)
    if labels[-1].isdigit():
        raise bad_name(
            f"“{shown(text)}” is neither a host name nor an IP address. A host name's last part is no number."
        )
    if wildcard and len(labels) < _SHORTEST_WILDCARD:
        raise bad_name(f"“{shown(text)}” would cover a whole top-level domain. Write at least *.example.org.")
    name = f"*.{host}" if wildcard else host
    if len(name) > MAX_DNS:
        raise bad_name(f"“{shown(text)}” has {len(name)} characters; a host name may have {MAX_DNS}. Shorten it.")
    return name


def _a_labels(text: str, host: str) -> str:
    """Lower case, and internationalised labels as A-labels (RFC 5891, UTS #46 mapping)."""
    if host.isascii() and "xn--" not in host.lower():
        return host.lower()
    if "*" in host or "_" in host:
        return host
    try:
        encoded = idna.encode(host, uts46=True, std3_rules=True).decode()
        idna.decode(encoded)
    except (idna.IDNAError, UnicodeError, IndexError):
        raise bad_name(f"“{shown(text)}” is not a host name in any script. Check its spelling.") from None
    return encoded


def _check_label(text: str, label: str) -> None:
    if not label:
        raise bad_name(f"“{shown(text)}” has an empty part: two dots together, or one in front. Remove the extra dot.")
    if len(label) > MAX_LABEL:
        raise bad_name(f"“{shown(text)}” has a part of {len(label)} characters; {MAX_LABEL} is the most. Shorten it.")
    if "_" in label:
        raise bad_name(f"“{shown(text)}” holds an underscore, which no CA puts in a certificate. Use a hyphen.")
    if not _LABEL.fullmatch(label):
        raise bad_name(
            f"“{shown(text)}” is not a host name: letters, digits and hyphens make its parts, "
            "and a hyphen neither begins nor ends one. Correct it."
        )
    if label[2:4] == "--" and not label.startswith("xn--"):
        raise bad_name(f"“{shown(text)}” has two hyphens in a place that is reserved (RFC 5891). Check its spelling.")


def email_address(text: str) -> str:
    """An address of RFC 5321 with a dot-atom before the @ and a host name, in A-labels, after it."""
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local[: MAX_LOCAL_PART + 1]) or len(local) > MAX_LOCAL_PART:
        raise bad_name(f"“{shown(text)}” is not an e-mail address. Write it like alice@example.org.")
    if domain.startswith("*"):
        raise bad_name(f"“{shown(text)}” is not an e-mail address: its domain cannot be a wildcard. Name one domain.")
    try:
        address = f"{local}@{dns_name(domain)}"
    except BadName:
        raise bad_name(f"“{shown(text)}” is not an e-mail address: check the domain after the @.") from None
    if len(address) > MAX_EMAIL:
        raise bad_name(
            f"“{shown(text)}” has {len(address)} characters; an e-mail address may have {MAX_EMAIL}. Shorten it."
        )
    return address


def principal_name(text: str) -> str:
    """A user principal name, `alice@corp.example`; Windows compares it as text, so letters of any script are kept."""
    user, at, suffix = text.partition("@")
    if not user or not at or len(text) > MAX_EMAIL or not is_plain(text) or re.search(r'[\s"<>\\/@]', user + suffix):
        raise bad_name(f"“{shown(text)}” is not a user principal name. Write it like UPN:alice@corp.example.")
    if not re.fullmatch(r"[^\W_](?:[\w.-]*[^\W_])?", suffix) or ".." in suffix:
        raise bad_name(f"“{shown(text)}” is not a user principal name: check the part after the @.")
    return text


def uri(text: str) -> str:
    """An absolute URI in ASCII (RFC 5280 §4.2.1.6: a scheme, something after it, and a host name if it has a host)."""
    match = _URI.fullmatch(text) if len(text) <= MAX_URI else None
    if match is None or match[1].lower() in _HARMFUL_SCHEMES:
        raise bad_name(
            f"“{shown(text)}” is not a URI that a certificate can hold. Write it like URI:https://example.org/a."
        )
    authority = _AUTHORITY.match(match[2])
    if authority:
        _check_authority(text, authority[1])
    return text


def _check_authority(text: str, authority: str) -> None:
    if "@" in authority:
        raise bad_name("A URI among the names holds a user name. Leave out what stands before the @.")
    host = re.sub(r":[0-9]{0,5}\Z", "", authority)
    if host.startswith("[") and host.endswith("]") and shortest_ip(host[1:-1]):
        return
    try:
        if not host.isascii() or host.startswith("*") or not (shortest_ip(host) or dns_name(host)):
            raise bad_name("")
    except BadName:
        raise bad_name(f"“{shown(text)}” is not a URI that a certificate can hold: check its host name.") from None


CHECKS: dict[str, Callable[[str], str]] = {
    "dns": dns_name,
    "email": email_address,
    "upn": principal_name,
    "uri": uri,
    "ip": ip_address,
}
