"""What DigiCert issues, looked at before anything is sent."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from vault.providers.base import CertRequest, InvalidRequest, Names
from vault.providers.digicert.account import EV, HTTP_FILE, OV, Account, is_private
from vault.x509.requests import describe_csr

CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
# Most days of a public certificate, by the day it is issued (CA/Browser Forum ballot SC-081v3, less a day of margin).
_LIMITS = ((date(2029, 3, 15), 46), (date(2027, 3, 15), 99), (date.min, 199))
_PUBLIC_KEYS = ("RSA 2048", "RSA 3072", "RSA 4096", "EC P-256", "EC P-384")
_YEAR = 365
_MOST_YEARS = 3
# Names that nobody can own in public (RFC 6761, RFC 6762, RFC 8375, and what networks commonly use inside).
_INTERNAL = (
    "local",
    "localhost",
    "internal",
    "intranet",
    "lan",
    "corp",
    "home",
    "home.arpa",
    "private",
    "invalid",
    "test",
)


def common_name(names: Names) -> str:
    """The name to order by: the common name, else the first name."""
    return names.common_name or next(iter(every_name(names)), "")


def every_name(names: Names) -> tuple[str, ...]:
    """DNS names and IP addresses, in their order; the common name alone where there are none."""
    return (*names.dns, *names.ip) or ((names.common_name,) if names.common_name else ())


def most_days(moment: datetime) -> int:
    """How long a public certificate issued then may be valid, in days."""
    today = moment.astimezone(UTC).date()
    return next(days for since, days in _LIMITS if today >= since)


def days(request: CertRequest, product: str, moment: datetime) -> int:
    """The validity to order, in days: what was asked for, within what is allowed."""
    if is_private(product):
        return request.validity_days or _YEAR
    limit = most_days(moment)
    return min(request.validity_days or limit, limit)


def years(request: CertRequest, product: str, moment: datetime) -> int:
    """How many years to pay for."""
    return max(1, min(_MOST_YEARS, -(-days(request, product, moment) // _YEAR)))


def check(request: CertRequest, account: Account, moment: datetime) -> Sequence[str]:
    """Doubts about a request, as sentences. Raises InvalidRequest for what would be refused or cannot be asked for."""
    product = account.product(request.certificate_type)
    if not product:
        raise InvalidRequest(_no_product(request.certificate_type, account))
    if not account.organisation:
        raise InvalidRequest("The issuer names no organisation at DigiCert. An administrator has to choose one.")
    for refusal in _refusals(request, product):
        raise InvalidRequest(refusal)
    return tuple(_doubts(request, account, product, moment))


def _no_product(certificate_type: str, account: Account) -> str:
    offered = [title for title, product in ((OV, account.product_ov), (EV, account.product_ev)) if product]
    if not offered:
        return "The issuer has no DigiCert product set. An administrator has to choose one."
    wanted = certificate_type or OV
    return f"“{wanted}” is not a certificate type of this issuer. Choose {' or '.join(offered)}."


def _refusals(request: CertRequest, product: str) -> Iterator[str]:
    names, every = request.names, every_name(request.names)
    if not every:
        yield "DigiCert needs at least one DNS name. Add one."
    for kind, values in (("e-mail addresses", names.email), ("URIs", names.uri), ("user names (UPN)", names.upn)):
        if values:
            yield f"DigiCert's TLS certificates hold no {kind}: “{values[0]}”. Leave it out."
    if names.common_name and names.common_name.lower() not in {name.lower() for name in every}:
        yield f"The common name “{names.common_name}” has to be one of the names too. Add it to the names."
    for name in every:
        if "*" in name:
            yield from _about_wildcard(name, request.certificate_type)
    if request.certificate_type == EV and names.ip:
        yield f"EV certificates hold no IP addresses: “{names.ip[0]}”. Leave it out, or choose OV-SSL."
    if not is_private(product):
        yield from _about_public(request, every)


def _about_wildcard(name: str, certificate_type: str) -> Iterator[str]:
    if certificate_type == EV:
        yield f"EV certificates hold no wildcards: “{name}”. Name each host, or choose OV-SSL."
    if not name.startswith("*.") or "*" in name[2:]:
        yield f"“{name}” is no wildcard that can be issued. Write it like *.example.com: one star, in front."


def _about_public(request: CertRequest, every: Sequence[str]) -> Iterator[str]:
    for name in every:
        if _is_internal(name):
            yield f"“{name}” is an internal name, and public CAs issue none. Use a registered name, or a private CA."
    title = describe_csr(request.csr).key_title
    if title not in _PUBLIC_KEYS:
        yield f"DigiCert signs no {title} keys. Choose one of: {', '.join(_PUBLIC_KEYS)}."


def _is_internal(name: str) -> bool:
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        host = name.lower().rstrip(".").removeprefix("*.")
    return "." not in host or any(host == end or host.endswith(f".{end}") for end in _INTERNAL)


def _doubts(request: CertRequest, account: Account, product: str, moment: datetime) -> Iterator[str]:
    ordered = days(request, product, moment)
    if request.validity_days and request.validity_days > ordered:
        yield f"{request.validity_days} days were asked for. Public certificates last {ordered} days at most now."
    if request.names.ip:
        yield "Only some DigiCert products take IP addresses."
    if account.method == HTTP_FILE and any("*" in name for name in every_name(request.names)):
        yield "A wildcard cannot be proved by a file. If its domain is not validated yet, the order will wait."
    if CLIENT_AUTH in request.ekus and not is_private(product):
        yield "Public TLS certificates no longer hold client authentication; it may be missing."
