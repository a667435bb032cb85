"""Proof of domain control: what has to be published where, and asking DigiCert to look now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from vault.providers.base import Ref, Task, TaskKind
from vault.providers.digicert.account import DNS_CNAME, EMAIL, HTTP_FILE, Account
from vault.providers.digicert.orders import number_of, with_data
from vault.providers.digicert.wire import Api, child, moment, rows, text

# Names in `Ref.data`: domains still to prove (absent: not known yet), their random values, until when those hold, and
# how the order wants them proved.
OPEN, TOKENS, EXPIRES, METHOD = "open", "tokens", "expires", "method"
ALL = "*"
_PROVED = frozenset({"validated", "valid", "complete", "completed", "approved", "active", "ready"})
_FILE = "/.well-known/pki-validation/fileauth.txt"
_CNAME_TARGET = "dcv.digicert.com"


def remembered(data: Any) -> dict[str, Any]:
    """What the answer to an order says about domains: those to prove, their random values, the values' end."""
    kept: dict[str, Any] = {}
    tokens = {text(row.get("name")): text(child(row, "dcv_token", "token")) for row in rows(data, "domains")}
    tokens[ALL] = text(child(data, "dcv_random_value"))
    if any(tokens.values()):
        kept[TOKENS] = {name: token for name, token in tokens.items() if token}
    ends = [text(child(row, "dcv_token", "expiration_date")) for row in rows(data, "domains")]
    if any(ends):
        kept[EXPIRES] = min(end for end in ends if end)
    if names := open_names(data):
        kept[OPEN] = list(names)
    return kept


def open_names(data: Any) -> tuple[str, ...]:
    """The domains that are not proved yet, by the answer to an order."""
    tokens = [(text(row.get("name")), child(row, "dcv_token")) for row in rows(data, "domains")]
    return tuple(name for name, token in tokens if token is not None and not _proved(child(token, "status")))


def look(api: Api, account: Account, ref: Ref, now: datetime) -> tuple[Ref, str]:
    """Ask DigiCert to look at the domains now, and learn which are open; with what it said about the order's status.

    DigiCert looks by itself as well, so that this only makes it faster. Raises Transient, NotAuthorised.
    """
    known = ref.data.get(OPEN)
    if known == [] or _method(ref, account) == EMAIL:
        return ref, ""
    reply = api.change(f"/order/certificate/{number_of(ref)}/check-dcv", may_lack_right=True)
    if not reply.refused:
        names = _still_open(reply.data, ref.data.get(TOKENS, {}))
        ref = replace(ref, data=with_data(ref, **{OPEN: names}))
    if ref.data.get(OPEN) and not _fresh(ref, now):
        ref = _new_token(api, ref)
    return ref, text(child(reply.data, "order_status")).lower()


def tasks(ref: Ref, account: Account, names: Iterable[str] | None = None) -> tuple[Task, ...]:
    """What people have to do, one task for each domain that is open."""
    open_ones = ref.data.get(OPEN, ()) if names is None else names
    method = _method(ref, account)
    found = [_task(method, domain, _token(ref.data, domain)) for domain in open_ones]
    return tuple(task for task in found if task is not None)


def _method(ref: Ref, account: Account) -> str:
    """How domains of this order are proved: as the order says, which a reissue keeps, else as the issuer does."""
    return str(ref.data.get(METHOD) or account.method)


def _still_open(data: Any, tokens: Mapping[str, str]) -> list[str]:
    """Domains to prove: by DigiCert's list of names, each replaced by the domain it was asked for under."""
    names = [text(row.get("dns_name")) for row in rows(data, "dns_name_validations") if not _proved(row.get("status"))]
    if not names and not _proved(child(data, "dcv_status")):
        names = [name for name in tokens if name != ALL]
    return list(dict.fromkeys(_domain_of(name, tokens) for name in names if name))


def _domain_of(name: str, tokens: Mapping[str, str]) -> str:
    bare = name.removeprefix("*.")
    return next((domain for domain in tokens if bare == domain or bare.endswith(f".{domain}")), bare)


def _proved(status: Any) -> bool:
    return text(status).lower() in _PROVED


def _fresh(ref: Ref, now: datetime) -> bool:
    end = moment(ref.data.get(EXPIRES))
    return bool(ref.data.get(TOKENS)) and (end is None or end > now)


def _new_token(api: Api, ref: Ref) -> Ref:
    """Get the order's random value: the one that holds, or a new one when that has expired."""
    reply = api.change(f"/order/certificate/{number_of(ref)}/dcv-random-value", may_lack_right=True)
    token = text(child(reply.data, "dcv_random_value"))
    if reply.refused or not token:
        return ref
    expires = text(child(reply.data, "expiration_date")) or None
    return replace(ref, data=with_data(ref, **{TOKENS: {ALL: token}, EXPIRES: expires}))


def _token(data: Mapping[str, Any], domain: str) -> str:
    tokens: Mapping[str, str] = data.get(TOKENS, {})
    return tokens.get(domain) or tokens.get(ALL, "")


def _task(method: str, domain: str, token: str) -> Task | None:
    if method == EMAIL:
        detail = {"domain": domain, "address": ", ".join(_mailboxes(domain))}
        return Task(kind=TaskKind.EMAIL, title=f"Answer DigiCert's e-mail about {domain}.", detail=detail)
    if not token:
        return None
    if method == HTTP_FILE:
        url = f"http://{domain}{_FILE}"
        detail = {"url": url, "content": token, "domain": domain}
        return Task(kind=TaskKind.HTTP_FILE, title=f"Put this file on the web server of {domain}.", detail=detail)
    if method == DNS_CNAME:
        detail = {"name": f"_dnsauth.{domain}", "value": f"{token}.{_CNAME_TARGET}", "domain": domain}
        return Task(kind=TaskKind.DNS_CNAME, title=f"Add this CNAME record for {domain}.", detail=detail)
    detail = {"name": domain, "value": token, "domain": domain}
    return Task(kind=TaskKind.DNS_TXT, title=f"Add this TXT record for {domain}.", detail=detail)


def _mailboxes(domain: str) -> Sequence[str]:
    """The addresses that stand for a domain's owner (CA/Browser Forum Baseline Requirements §3.2.2.4.4)."""
    return [f"{box}@{domain}" for box in ("admin", "administrator", "webmaster", "hostmaster", "postmaster")]
