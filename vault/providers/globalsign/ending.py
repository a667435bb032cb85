"""Cancelling an order at Managed SSL, and revoking what it issued. The order is read right before either."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from vault.providers.base import CancelResult, OrderNotFound, Ref, Rejected, RevokeResult, Transient
from vault.providers.globalsign import finding, orders
from vault.providers.globalsign.account import TITLE, Account
from vault.providers.globalsign.orders import Order, State
from vault.providers.globalsign.soap import ORDERS, Nodes, Soap
from vault.providers.web import Purpose
from vault.x509.certificates import facts

_ALREADY: Final = frozenset({"-9915", "-9938"})
_WITHDRAWN: Final = frozenset({State.CANCELLED, State.VOIDED, State.DENIED})
_EXISTS: Final = frozenset({State.ISSUED, State.REVOKING, State.REVOKED})
# An order is placed before its certificate begins, at most so long.
_ORDERED_BEFORE: Final = timedelta(days=7)


def cancel(soap: Soap, ref: Ref) -> CancelResult:
    """Withdraw an order that is not issued. Raises Transient, NotAuthorised, OrderNotFound, Rejected."""
    if not ref.order_id:
        return CancelResult.UNSUPPORTED
    state = _result(_fetch(soap, ref.order_id))
    if state is not CancelResult.REQUESTED:
        return state
    try:
        _modify(soap, ref.order_id, "CANCEL")
    except Rejected as error:
        if error.ca_code not in _ALREADY:
            raise
        return _result(_fetch(soap, ref.order_id))
    return CancelResult.DONE


def revoke(soap: Soap, account: Account, certificate: bytes, ref: Ref | None) -> RevokeResult:
    """Revoke a certificate (DER) through its order. Raises Rejected, Transient, NotAuthorised, OrderNotFound."""
    order_id = ref.order_id if ref is not None and ref.order_id else _order_of(soap, account, certificate)
    order = _fetch(soap, order_id)
    if order.serial and order.serial != orders.serial_of(certificate):
        raise Rejected(f"{TITLE}'s order {order_id} made another certificate. Revoke this one in the GCC portal.")
    if order.state in {State.REVOKED, State.VOIDED}:
        return RevokeResult.ALREADY
    if order.state == State.REVOKING:
        return RevokeResult.REQUESTED
    try:
        _modify(soap, order_id, "REVOKE")
    except Rejected as error:
        if error.ca_code not in _ALREADY:
            raise
        return RevokeResult.ALREADY
    return _revoked(soap, order_id)


def _revoked(soap: Soap, order_id: str) -> RevokeResult:
    """The call was accepted; whether it is done or waits is read, and a lost answer to that changes nothing."""
    try:
        waits = _fetch(soap, order_id).state == State.REVOKING
    except Transient:
        waits = False
    return RevokeResult.REQUESTED if waits else RevokeResult.DONE


def _result(order: Order) -> CancelResult:
    if order.state in _WITHDRAWN:
        return CancelResult.DONE
    return CancelResult.TOO_LATE if order.state in _EXISTS else CancelResult.REQUESTED


def _fetch(soap: Soap, order_id: str) -> Order:
    try:
        return orders.fetch(soap, order_id)
    except Rejected as error:
        if error.ca_code in orders.UNKNOWN_ORDER:
            raise OrderNotFound(str(error), ca_code=error.ca_code) from None
        raise


def _modify(soap: Soap, order_id: str, operation: str) -> None:
    nodes: Nodes = [("OrderID", order_id), ("ModifyOrderOperation", operation)]
    soap.call(ORDERS, "ModifyMSSLOrder", nodes, purpose=Purpose.WRITE)


def _order_of(soap: Soap, account: Account, certificate: bytes) -> str:
    """The number of the order that made a certificate, looked for by its serial number around its first day."""
    made, serial = facts(certificate).not_before, orders.serial_of(certificate)
    advice = f"{TITLE} lists no order that made this certificate. Revoke it in the GCC portal."
    try:
        for order in finding.listed(soap, account, made - _ORDERED_BEFORE, made + timedelta(days=1)):
            if order.serial == serial:
                return order.order_id
    except finding.Incomplete:
        raise Rejected(advice) from None
    raise Rejected(advice)
