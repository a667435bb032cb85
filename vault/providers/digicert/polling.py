"""Asking about an order: what each of its states means here, and fetching the certificate."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from vault.errors import VaultError
from vault.providers.base import (
    Cancelled,
    CertRequest,
    Failed,
    Issued,
    OrderNotFound,
    Outcome,
    Pending,
    Ref,
    Task,
    TaskKind,
    Transient,
)
from vault.providers.digicert import approving, domains
from vault.providers.digicert.account import Account
from vault.providers.digicert.certificates import issued
from vault.providers.digicert.finding import reissue_of
from vault.providers.digicert.orders import (
    CANCELED,
    REJECTED,
    Order,
    check_ours,
    fits,
    is_reissue,
    number_of,
    of_another,
    read_order,
    with_data,
)
from vault.providers.digicert.wire import TITLE, Api, moment

# A new order may not be readable at once.
SETTLES = timedelta(minutes=10)
_A_DAY = timedelta(days=1)
_SOON = timedelta(minutes=1)
_WORKING = {
    "processing": f"{TITLE} is processing the order.",
    "waiting_pickup": f"{TITLE} has the certificate ready and does not hand it out yet.",
    "needs_csr": f"{TITLE} says that the signing request is missing, though it was sent.",
}
# Asking about these does something for the order as well: it approves, or has domains looked at.
_BROUGHT_ON = {"needs_approval", "pending", "reissue_pending"}
_ENDED = {"canceled", "cancelled", "rejected", "denied", "revoked"}


def poll(api: Api, account: Account, request: CertRequest, ref: Ref, now: datetime) -> Outcome:
    """Ask about an order, one step on.

    Raises:
        OrderNotFound: DigiCert does not know it, ten minutes after it was placed; or it is another request's.
        Transient, RateLimited, NotAuthorised: ask again.
    """
    order = _order(api, ref, now)
    check_ours(order, request, ref)
    ref = replace(
        ref, data=with_data(ref, **{"seen": "yes", domains.METHOD: order.method or ref.data.get(domains.METHOD)})
    )
    outcome = _outcome(api, account, request, ref, order, now)
    if isinstance(outcome, Pending) and not outcome.said:
        return replace(outcome, said=order.status)
    return outcome


def _order(api: Api, ref: Ref, now: datetime) -> Order:
    try:
        return read_order(api, number_of(ref))
    except OrderNotFound:
        sent = moment(ref.data.get("sent"))
        if sent is not None and "seen" not in ref.data and now - sent < SETTLES:
            message = f"{TITLE} took the order {number_of(ref)} and does not show it yet. It is asked again."
            raise Transient(message) from None
        raise


def _outcome(api: Api, account: Account, request: CertRequest, ref: Ref, order: Order, now: datetime) -> Outcome:
    if order.status in _ENDED:
        return _ended(ref, order)
    if not request.wanted and order.status in _BROUGHT_ON:
        return Pending(ref=ref, detail=f"The order {order.number} waits at {TITLE}; nothing is done for it any more.")
    if order.status == "needs_approval":
        return approving.approve(api, account, ref, order)
    if order.status in {"issued", "expired"}:
        return _certificate(api, request, ref, order)
    if order.status == "reissue_pending":
        return _reissue_waits(api, account, request, ref, order, now)
    if order.status == "pending":
        return _validation(api, account, request, ref, now)
    return _working(ref, order, now)


# ------------------------------------------------------------------- the end
def _ended(ref: Ref, order: Order) -> Outcome:
    if order.status in {"canceled", "cancelled"}:
        return Cancelled(ref=ref, detail=f"{TITLE} has cancelled the order {order.number}.")
    if order.status == "revoked":
        words = f"{TITLE} issued the certificate of order {order.number} and has revoked it since. Ask for a new one."
        return Failed(ref=ref, code="Certificate revoked", message=words)
    latest = order.latest()
    return _rejected(ref, latest.words if latest is not None else "")


def _rejected(ref: Ref, words: str) -> Failed:
    reason = f": {words}" if words else " and gave no reason. Ask in CertCentral"
    return Failed(ref=ref, code="Request rejected", message=f"{TITLE} rejected the request{reason}".rstrip(".") + ".")


# ------------------------------------------------------------------- waiting
def _working(ref: Ref, order: Order, now: datetime) -> Outcome:
    sent = moment(ref.data.get("sent"))
    if order.status == "needs_csr" and sent is not None and now - sent > _A_DAY:
        words = f"For a day {TITLE} has said that the signing request of order {order.number} is missing. Ask there."
        return Failed(ref=ref, code="Request incomplete", message=words)
    unknown = f"{TITLE} calls the order's state “{order.status}”, which is not known here. It is asked again."
    return Pending(ref=ref, detail=_WORKING.get(order.status, unknown))


def _validation(api: Api, account: Account, request: CertRequest, ref: Ref, now: datetime) -> Outcome:
    """Pending: domains first, then the organisation."""
    ref, status = domains.look(api, account, ref, now)
    if status == "issued":
        return _certificate(api, request, ref, read_order(api, number_of(ref)))
    if tasks := domains.tasks(ref, account):
        return Pending(ref=ref, detail=f"{TITLE} waits for proof of domain control.", tasks=tasks)
    if ref.data.get(domains.OPEN):
        words = f"{TITLE} waits for proof of domain control. What it wants to see stands in CertCentral."
        return Pending(ref=ref, detail=words)
    where = {"url": account.page(f"organizations/{account.organisation}")}
    title = "See in CertCentral whether DigiCert needs something to validate the organisation."
    task = Task(kind=TaskKind.ORGANISATION, title=title, detail=where)
    return Pending(ref=ref, detail=f"{TITLE} is validating the organisation.", tasks=(task,))


def _reissue_waits(api: Api, account: Account, request: CertRequest, ref: Ref, order: Order, now: datetime) -> Outcome:
    asked = order.request(str(ref.data.get("request", "")))
    if asked is not None and asked.status in {REJECTED, CANCELED}:
        return _certificate(api, request, ref, order)
    if asked is not None and asked == order.waiting():
        return approving.approve(api, account, ref, order)
    return _validation(api, account, request, ref, now)


# ----------------------------------------------------------- the certificate
def _certificate(api: Api, request: CertRequest, ref: Ref, order: Order) -> Outcome:
    """“issued” says that there is a certificate: whether it is ours, its key says."""
    reissued = is_reissue(ref)
    if not (reissued and order.certificate_id == ref.data.get("before")):
        outcome = _fetched(api, request, ref, order.certificate_id)
        if outcome is not None:
            return outcome
    if not reissued and ref.certificate_id not in {"", order.certificate_id}:
        # Someone at CertCentral has had it reissued for another key meanwhile: ours is the one before.
        outcome = _fetched(api, request, ref, ref.certificate_id)
        if isinstance(outcome, Issued):
            return outcome
    return _among_reissues(api, request, ref, order) if reissued else _wrong_key(request, ref, order)


def _among_reissues(api: Api, request: CertRequest, ref: Ref, order: Order) -> Outcome:
    """Our reissue may be issued and not the order's current certificate any more."""
    sent = moment(ref.data.get("sent"))
    own = reissue_of(api, request, ref, None if sent is None else sent - SETTLES)
    if own is None or not own.done:
        return _not_reissued(ref, order)
    if own.number not in {"", order.certificate_id}:
        outcome = _fetched(api, request, ref, own.number)
        if outcome is not None:
            return outcome
    return _wrong_key(request, ref, order)


def _wrong_key(request: CertRequest, ref: Ref, order: Order) -> Failed:
    if order.csr and not fits(order.csr, request):
        raise of_another(order)
    words = f"{TITLE} issued the order {order.number} with a certificate for another key. Revoke it in CertCentral."
    return Failed(ref=ref, code="Wrong key", message=words)


def _fetched(api: Api, request: CertRequest, ref: Ref, certificate_id: str) -> Issued | Pending | None:
    """The certificate of this id, or of the order; Pending while it cannot be had; None when it is for another key."""
    path = f"/certificate/{certificate_id}" if certificate_id else f"/certificate/download/order/{number_of(ref)}"
    found = api.download(f"{path}/format/pem_all" if not certificate_id else f"{path}/download/format/pem_all")
    if found is None:
        detail = f"{TITLE} has issued the certificate and does not hand it out yet."
        return Pending(ref=ref, detail=detail, retry_after=_SOON)
    try:
        return issued(replace(ref, certificate_id=certificate_id or ref.certificate_id), found, request)
    except VaultError:
        raise Transient(f"{TITLE} sent a certificate that cannot be read. It is asked again.") from None


def _not_reissued(ref: Ref, order: Order) -> Outcome:
    asked = order.request(str(ref.data.get("request", "")))
    if asked is not None and asked.status == REJECTED:
        return _rejected(ref, asked.words)
    if asked is not None and asked.status == CANCELED:
        return Cancelled(ref=ref, detail=f"{TITLE} has cancelled the reissue in order {order.number}.")
    return Pending(ref=ref, detail=f"{TITLE} has not reissued the certificate of order {order.number} yet.")
