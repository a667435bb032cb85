"""Placing an order at Managed SSL: as a reissue or renewal of the one before where that fits, else as a new one."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.providers.base import CertRequest, Checkpoint, Outcome, Pending, Ref, Rejected, Transient
from vault.providers.globalsign import orders, profiles
from vault.providers.globalsign.account import DATE_FORMATS, MSSL, NEW, REISSUE, RENEWAL, TITLE, Account
from vault.providers.globalsign.rules import common_name, longest_days
from vault.providers.globalsign.soap import ORDERS, QUERIES, Nodes, Reply, Soap
from vault.providers.web import Purpose, words
from vault.x509.certificates import facts
from vault.x509.requests import csr_pem

SLOWEST: Final = 15.0
"""Seconds after which no order is begun: what went before and the order itself must fit into one step."""
INTRANET_DOMAIN = "INTRANETSSLDOMAIN"
# The order named cannot be renewed or reissued: certainly nothing was ordered, and a new order is the way on.
_NO_TARGET: Final = frozenset({"-6102", "-9902", *orders.UNKNOWN_ORDER})
_FQDN, _WILDCARD, _PUBLIC_IP, _INTERNAL_IP = "7", "13", "3", "4"


@dataclass(frozen=True)
class Way:
    """One way to order: its kind, and the number of the order it goes back to."""

    kind: str
    target: str = ""


def submit(soap: Soap, account: Account, request: CertRequest, save: Checkpoint, now: datetime) -> Outcome:
    """Place one order. Raises Rejected, Transient (nothing was ordered), NotAuthorised, OutcomeUnknown."""
    began = time.monotonic()
    domain = INTRANET_DOMAIN if account.intranet else profiles.domain_for(soap, account, common_name(request))
    reply = _first_that_fits(soap, account, request, domain, now, began)
    order_id = reply.text("OrderID")
    if not order_id:
        raise soap.web.unusable(Purpose.ORDER, "the order's number is missing")
    ref = Ref(order_id=order_id, data={"platform": MSSL, "at": now.isoformat()})
    save(ref)
    detail = reply.response.find("PVOrderDetail")
    detail = reply.response.find("OrderDetail") if detail is None else detail
    if detail is None:
        said = reply.warning
        return Pending(ref=ref, detail=f"{TITLE} has the order.", retry_after=timedelta(seconds=30), said=said)
    read = orders.read(detail, order_id=order_id)
    return orders.outcome(read, ref, portal=account.address, warning=reply.warning)


def ways(account: Account, request: CertRequest, now: datetime) -> tuple[Way, ...]:
    """Return the ways to order this request, the best first; the last is always a new order."""
    before = request.previous
    if before is None or account.renewal == NEW or not before.ref.order_id:
        return (Way(NEW),)
    if before.ref.data.get("platform", MSSL) != MSSL or _name_of(before.certificate) != common_name(request):
        return (Way(NEW),)
    later = (Way(RENEWAL, before.ref.order_id), Way(NEW))
    if account.renewal == REISSUE and _is_fresh(before.certificate, request, now):
        return (Way(REISSUE, before.ref.order_id), *later)
    return later


def alternative_names(request: CertRequest, *, intranet: bool) -> tuple[tuple[str, str], ...]:
    """The names beside the common name, as type and name; what comes with the common name for free is left out."""
    name = common_name(request)
    base = name.removeprefix("*.").removeprefix("www.")
    free = {name, base if name in {f"*.{base}", f"www.{base}"} else f"www.{name}"}
    dns = [one.lower() for one in request.names.dns if one.lower() not in free]
    ip = [one for one in request.names.ip if one != name]
    return (
        *((_WILDCARD if one.startswith("*.") else _FQDN, one) for one in dict.fromkeys(dns)),
        *((_ip_type(one, intranet=intranet), one) for one in dict.fromkeys(ip)),
    )


def date_text(moment: datetime, date_format: str) -> str:
    """A time as the account's dates are written."""
    plain = moment.replace(tzinfo=None)
    if date_format == "milliseconds":
        return f"{plain.isoformat(timespec='milliseconds')}Z"
    suffix = "" if "Z" not in DATE_FORMATS.get(date_format, "Z") else "Z"
    return f"{plain.isoformat(timespec='seconds')}{suffix}"


def _first_that_fits(
    soap: Soap, account: Account, request: CertRequest, domain: str, now: datetime, began: float
) -> Reply:
    *others, last = ways(account, request, now)
    for way in others:
        try:
            return _order(soap, account, request, way, domain, now, began)
        except Rejected as error:
            if error.ca_code not in _NO_TARGET:
                raise
    return _order(soap, account, request, last, domain, now, began)


def _order(
    soap: Soap, account: Account, request: CertRequest, way: Way, domain: str, now: datetime, began: float
) -> Reply:
    if time.monotonic() - began > SLOWEST:
        raise Transient(f"{TITLE} answers slowly. Nothing was ordered yet; it is tried again.")
    if way.kind == REISSUE:
        parameter: Nodes = [("CSR", csr_pem(request.csr))]
        nodes: Nodes = [("OrderParameter", parameter), ("TargetOrderID", way.target)]
        return soap.call(QUERIES, "ReIssue", nodes, purpose=Purpose.ORDER)
    return soap.call(ORDERS, "PVOrder", _pv_order(account, request, way, domain, now), purpose=Purpose.ORDER)


def _pv_order(account: Account, request: CertRequest, way: Way, domain: str, now: datetime) -> Nodes:
    """Children of the request in the schema's order; what is empty is left out."""
    sans = alternative_names(request, intranet=account.intranet)
    san_option: Nodes = [("Option", [("OptionName", "SAN"), ("OptionValue", "true")])]
    wildcard = "wildcard" if common_name(request).startswith("*.") else ""
    base = "private" if account.intranet else wildcard
    parameter: list[tuple[str, str | Nodes]] = [
        ("ProductCode", account.product_for(request.certificate_type)),
        ("BaseOption", base),
        ("OrderKind", way.kind),
        ("Licenses", "1"),
        ("Options", san_option if sans else ""),
        ("ValidityPeriod", _period(account, request, now)),
        ("CSR", csr_pem(request.csr)),
        ("RenewalTargetOrderID", way.target),
    ]
    person = account.contact
    contact: Nodes = [
        ("FirstName", person.first_name),
        ("LastName", person.last_name),
        ("Phone", person.phone),
        ("Email", person.email),
    ]
    entries: Nodes = [("SANEntry", [("SANOptionType", kind), ("SubjectAltName", words(name))]) for kind, name in sans]
    nodes: list[tuple[str, str | Nodes]] = [
        ("OrderRequestParameter", _filled(parameter)),
        ("MSSLProfileID", account.profile),
        ("MSSLDomainID", domain),
        ("SubID", request.operation_id if account.sub_id else ""),
        ("ContactInfo", contact),
        ("SANEntries", entries),
    ]
    return _filled(nodes)


def _filled(nodes: Sequence[tuple[str, str | Nodes]]) -> Nodes:
    return [(name, value) for name, value in nodes if value]


def _period(account: Account, request: CertRequest, now: datetime) -> Nodes:
    if account.months:
        return [("Months", str(account.months))]
    most = request.not_after if account.intranet else now + timedelta(days=longest_days(now))
    until = min(request.not_after, most)
    months = max(1, -(-(until - now).days // 31))
    return [
        ("Months", str(months)),
        ("NotBefore", date_text(now, account.date_format)),
        ("NotAfter", date_text(until, account.date_format)),
    ]


def _ip_type(address: str, *, intranet: bool) -> str:
    return _INTERNAL_IP if intranet and not ipaddress.ip_address(address).is_global else _PUBLIC_IP


def _name_of(certificate: bytes) -> str:
    found = facts(certificate).common_names
    return found[-1].lower() if found else ""


def _is_fresh(certificate: bytes, request: CertRequest, now: datetime) -> bool:
    """Whether a reissue is worth it: at most a tenth of the validity is used, and the names stay."""
    old = facts(certificate)
    had = {value.lower() for kind, value in old.names if kind in {"dns", "ip"}}
    wanted = {one.lower() for one in (*request.names.dns, *request.names.ip)}
    used, whole = now - old.not_before, old.not_after - old.not_before
    return wanted <= had and used <= whole / 10
