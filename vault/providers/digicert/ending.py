"""Withdrawing an order and revoking a certificate."""

from __future__ import annotations

from vault.providers.base import (
    CancelResult,
    CertRequest,
    OrderNotFound,
    Ref,
    RevocationReason,
    RevokeResult,
)
from vault.providers.digicert.account import Account
from vault.providers.digicert.approving import approve_request
from vault.providers.digicert.finding import reissue_of
from vault.providers.digicert.orders import (
    CANCELED,
    REJECTED,
    WAITING,
    Order,
    check_ours,
    is_reissue,
    number_of,
    read_order,
)
from vault.providers.digicert.wire import TITLE, Api, Reply, child, identifier, moment, text
from vault.x509.certificates import facts

NOTE = "cancelled in the portal"
_OVER = frozenset({"canceled", "cancelled", "rejected", "denied"})
_TOO_LATE = frozenset({"issued", "expired", "revoked"})
_REVOKED_ALREADY = ("already_revoked", "is_revoked")
_REASONS = {
    RevocationReason.UNSPECIFIED: "unspecified",
    RevocationReason.KEY_COMPROMISE: "key_compromise",
    RevocationReason.AFFILIATION_CHANGED: "affiliation_changed",
    RevocationReason.SUPERSEDED: "superseded",
    RevocationReason.CESSATION_OF_OPERATION: "cessation_of_operation",
    RevocationReason.PRIVILEGE_WITHDRAWN: "privilege_withdrawn",
}


def cancel(api: Api, request: CertRequest, ref: Ref) -> CancelResult:
    """Withdraw what is not issued yet: the state is looked at first, so that it may be repeated.

    Raises OrderNotFound, Transient, NotAuthorised.
    """
    order = read_order(api, number_of(ref))
    check_ours(order, request, ref)
    asked = order.request(str(ref.data.get("request", "")))
    if order.status in _OVER:
        return CancelResult.DONE
    if is_reissue(ref) and asked is not None and asked.status in {REJECTED, CANCELED}:
        return CancelResult.DONE
    if order.status in _TOO_LATE:
        return CancelResult.TOO_LATE
    waiting = order.waiting()
    if order.status == "needs_approval" and waiting is not None:
        body = {"status": REJECTED, "processor_comment": NOTE}
        return _withdrawn(api.change(f"/request/{waiting.number}/status", body, may_lack_right=True))
    if order.status == "reissue_pending" and not _is_ours(api, request, order, ref):
        return CancelResult.TOO_LATE
    body = {"status": CANCELED, "note": NOTE}
    return _withdrawn(api.change(f"/order/certificate/{order.number}/status", body, may_lack_right=True))


def _withdrawn(reply: Reply) -> CancelResult:
    return CancelResult.TOO_LATE if reply.refused else CancelResult.DONE


def _is_ours(api: Api, request: CertRequest, order: Order, ref: Ref) -> bool:
    """Whether the reissue that waits is the one we asked for, not one that has taken its place."""
    number = str(ref.data.get("request", ""))
    if not number:
        own = reissue_of(api, request, ref, moment(ref.data.get("sent")))
        return own is not None and not own.done
    latest = order.latest()
    return is_reissue(ref) and latest is not None and latest.number == number


def revoke(
    api: Api, account: Account, certificate: bytes, ref: Ref | None, reason: RevocationReason, note: str
) -> RevokeResult:
    """Revoke this one certificate, never its whole order. It is named by its serial number, else by DigiCert's id.

    Raises:
        Rejected: DigiCert said no, in its own words.
        OrderNotFound: DigiCert does not know the certificate.
        Transient, NotAuthorised: nothing is known to have changed; it may be repeated.
    """
    digits = facts(certificate).serial
    names = [digits.zfill(len(digits) + len(digits) % 2).upper(), ref.certificate_id if ref is not None else ""]
    body = {"revocation_reason": _REASONS[reason], "skip_approval": account.approves, "comments": note}
    for name in filter(None, names):
        reply = api.change(f"/certificate/{name}/revoke", body)
        if reply.status != 404:
            return _revoked(api, account, reply)
    raise OrderNotFound(f"{TITLE} does not know the certificate with the serial number {names[0]}.")


def _revoked(api: Api, account: Account, reply: Reply) -> RevokeResult:
    if reply.refused:
        if any(part in reply.code for part in _REVOKED_ALREADY):
            return RevokeResult.ALREADY
        raise reply.rejection("to revoke the certificate")
    number = identifier(child(reply.data, "id"))
    if not number or text(child(reply.data, "status")).lower() not in WAITING:
        return RevokeResult.DONE
    if account.approves and not approve_request(api, number):
        return RevokeResult.DONE
    return RevokeResult.REQUESTED
