"""Placing an order: a new one, a renewal, or a reissue within the order that is already paid for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from vault.errors import VaultError
from vault.providers.base import (
    CertRequest,
    Checkpoint,
    Issued,
    OrderNotFound,
    Outcome,
    OutcomeUnknown,
    Pending,
    Ref,
)
from vault.providers.digicert import domains, rules
from vault.providers.digicert.account import Account
from vault.providers.digicert.certificates import DAYS, issued
from vault.providers.digicert.orders import REISSUE, RENEWAL, Order, number_of, read_order, reissue_number
from vault.providers.digicert.wire import TITLE, Api, Reply, child, identifier, pem_blocks, rows, text
from vault.x509.requests import csr_pem

# While the order is paid for longer than this, its next certificate is a reissue, free of charge.
REISSUE_WHILE_PAID = timedelta(days=30)
RENEW_WITHIN = timedelta(days=90)
_CAA = "The domain's CAA record names other CAs. Let digicert.com issue for it, then ask again."
_FUNDS = "Ask whoever looks after the CertCentral account."


def submit(api: Api, account: Account, request: CertRequest, save: Checkpoint, now: datetime) -> Outcome:
    """Order once. A second order is sent only after DigiCert has refused to tie the first to an earlier one.

    Raises:
        Rejected: DigiCert said no; nothing was ordered.
        OutcomeUnknown: nobody knows; look for it.
        Transient, RateLimited, NotAuthorised: nothing was ordered.
    """
    previous = _previous(api, request)
    product = account.product(request.certificate_type)
    if previous is not None and _may_reissue(previous, product, request, now):
        body = {"certificate": _certificate(account, request, now), "skip_approval": account.approves}
        ref = Ref(step=REISSUE, data={"before": previous.certificate_id, domains.METHOD: previous.method})
        reply = api.order(f"/order/certificate/{previous.number}/reissue", body)
        if not _unlinkable(reply, "reissue"):
            return _taken(reply, ref, account, request, save, now)
    path, body = f"/order/certificate/{quote(product, safe='')}", _order(account, request, now)
    if previous is not None and _may_renew(previous, now):
        reply = api.order(path, {**body, "renewal_of_order_id": _number(previous.number)})
        if not _unlinkable(reply, "renew"):
            return _taken(reply, Ref(step=RENEWAL), account, request, save, now)
    return _taken(api.order(path, body), Ref(), account, request, save, now)


# ------------------------------------------------------------ the order before
def _previous(api: Api, request: CertRequest) -> Order | None:
    """The order of the certificate that is replaced; None when there is none, or none any more."""
    if request.previous is None or not request.previous.ref.order_id:
        return None
    try:
        return read_order(api, number_of(request.previous.ref))
    except OrderNotFound:
        return None


def _may_reissue(previous: Order, product: str, request: CertRequest, now: datetime) -> bool:
    """Within the paid term, for the same product, and no name is dropped: those would be revoked (API, “Reissue”)."""
    paid = previous.paid_until is not None and previous.paid_until - now > REISSUE_WHILE_PAID
    kept = previous.names <= {name.lower() for name in rules.every_name(request.names)}
    return paid and kept and previous.product == product and previous.status == "issued"


def _may_renew(previous: Order, now: datetime) -> bool:
    near = previous.paid_until is not None and abs(previous.paid_until - now) <= RENEW_WITHIN
    return near and not previous.renewed and previous.status in {"issued", "expired"}


def _unlinkable(reply: Reply, verb: str) -> bool:
    """Whether this is a refusal to reissue or renew that order, and not one of what was asked for."""
    return reply.refused and (verb in reply.code.lower() or verb in reply.words.lower())


# ---------------------------------------------------------------- what is sent
def _certificate(account: Account, request: CertRequest, now: datetime) -> dict[str, Any]:
    product, ca = account.product(request.certificate_type), account.ca(request.certificate_type)
    body: dict[str, Any] = {
        "common_name": rules.common_name(request.names),
        "dns_names": list(rules.every_name(request.names)),
        "csr": csr_pem(request.csr),
        "signature_hash": "sha256",
        "server_platform": {"id": -1},
        "cert_validity": {"days": rules.days(request, product, now)},
    }
    return {**body, "ca_cert_id": ca} if ca else body


def _order(account: Account, request: CertRequest, now: datetime) -> dict[str, Any]:
    product = account.product(request.certificate_type)
    body: dict[str, Any] = {
        "certificate": _certificate(account, request, now),
        "organization": {"id": _number(account.organisation)},
        "order_validity": {"years": rules.years(request, product, now)},
        "comments": f"portal {request.operation_id}",
        "disable_renewal_notifications": True,
        "payment_method": account.payment,
        "dcv_method": account.method,
        "skip_approval": account.approves,
    }
    if account.container:
        body["container"] = {"id": _number(account.container)}
    if account.metadata:
        body["custom_fields"] = [{"metadata_id": _number(account.metadata), "value": request.operation_id}]
    if emails := [person.email for person in account.people if person.email]:
        body["additional_emails"] = emails
    if contacts := _contacts(account):
        body["organization"]["contacts"] = contacts
    return body


def _contacts(account: Account) -> list[dict[str, str]]:
    """The first administrator as technical contact, when enough is known of them."""
    for person in account.people[:1]:
        if person.first_name and person.last_name and person.email:
            names = {"first_name": person.first_name, "last_name": person.last_name, "email": person.email}
            telephone = {"telephone": person.phone} if person.phone else {}
            return [{"contact_type": "technical_contact", **names, **telephone}]
    return []


def _number(value: str) -> int | str:
    """Numbers go out as numbers."""
    return int(value) if value.isascii() and value.isdigit() else value


# ------------------------------------------------------------- what comes back
def _taken(reply: Reply, ref: Ref, account: Account, request: CertRequest, save: Checkpoint, now: datetime) -> Outcome:
    """Save the order's number before anything else is read, then see which of the three shapes of answer it is."""
    if reply.refused:
        raise reply.rejection("the order", _hint(reply.code))
    number = identifier(child(reply.data, "id"))
    if not number:
        raise OutcomeUnknown(f"{TITLE} took the order and gave no number for it. It is looked up.")
    certificate_id = identifier(child(reply.data, "certificate_id"))
    ordered = rules.days(request, account.product(request.certificate_type), now)
    data = {**ref.data, "sent": now.isoformat(), DAYS: ordered}
    asked = rows(reply.data, "requests")
    asked_number = identifier(child(asked[-1], "id")) if asked else ""
    if ref.step == REISSUE:
        number = reissue_number(number, certificate_id or asked_number)
    ref = replace(ref, order_id=number, certificate_id=certificate_id, data={**data, "request": asked_number})
    save(ref)
    at_once = _immediate(reply, ref, request)
    if at_once is not None:
        return at_once
    ref = replace(ref, data={**ref.data, **domains.remembered(reply.data)})
    tasks = domains.tasks(ref, account, domains.open_names(reply.data))
    detail = f"{TITLE} waits for proof of domain control." if tasks else f"{TITLE} has the order and is looking at it."
    said = text(child(asked[-1], "status")) if asked else ""
    return Pending(ref=ref, detail=detail, tasks=tasks, said=said)


def _immediate(reply: Reply, ref: Ref, request: CertRequest) -> Issued | None:
    """The certificate, where it came with the answer. If it cannot be used, the order is asked about like any other."""
    found = [
        octets for row in rows(reply.data, "certificate_chain") for octets in pem_blocks(row.get("pem"), "CERTIFICATE")
    ]
    try:
        return issued(ref, found, request)
    except VaultError:
        return None


def _hint(code: str) -> str:
    if code.startswith("caa"):
        return _CAA
    return _FUNDS if any(part in code for part in ("fund", "payment", "balance", "access_denied")) else ""
