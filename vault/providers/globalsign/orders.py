"""Orders as Managed SSL describes them: reading one, and what its state means."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from xml.etree.ElementTree import Element

from vault.errors import UnreadableFile
from vault.providers.base import (
    Cancelled,
    Failed,
    Issued,
    Outcome,
    Pending,
    Ref,
    Task,
    TaskKind,
)
from vault.providers.globalsign.account import TITLE
from vault.providers.globalsign.soap import QUERIES, Nodes, Soap, text
from vault.providers.web import Purpose, words
from vault.x509 import armour
from vault.x509.certificates import load
from vault.x509.requests import describe_csr

UNKNOWN_ORDER: Final = frozenset({"-4003", "-9916"})


class State(enum.StrEnum):
    """`OrderStatus` and `CertificateStatus` share these numbers."""

    INITIAL = "1"
    CHECKED = "2"
    CANCELLED = "3"
    ISSUED = "4"
    VOIDED = "5"
    REVOKING = "6"
    REVOKED = "7"
    APPROVAL = "8"
    LOCKED = "9"
    DENIED = "10"


_WAITING: Final = {
    State.INITIAL: "GlobalSign has the order and works on it.",
    State.CHECKED: "The order is held by a check at GlobalSign (phishing). GlobalSign's people look at it.",
    State.APPROVAL: "The order waits for an approval in the GCC portal.",
    State.LOCKED: "GlobalSign has locked the order. Ask GlobalSign why.",
}
_AFTER_ISSUE: Final = frozenset({State.VOIDED, State.REVOKING, State.REVOKED})


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order. Certificates are DER; `serial` is lower-case hex without leading zeros, as far as they are known.

    `key` is the SHA-256 of the public key of its request, and `csr` the request (DER); "" and empty when not told.
    """

    order_id: str
    state: str
    common_name: str = ""
    serial: str = ""
    csr: bytes = b""
    key: str = ""
    leaf: bytes = b""
    chain: tuple[bytes, ...] = ()


def fetch(soap: Soap, order_id: str) -> Order:
    """Ask for one order with everything about it. Raises Rejected (-4003, -9916: unknown), Transient, NotAuthorised."""
    wanted = ("ReturnCertificateInfo", "ReturnFulfillment", "ReturnCACerts", "ReturnOriginalCSR")
    options: Nodes = [(name, "true") for name in wanted]
    nodes: Nodes = [("OrderID", order_id), ("OrderQueryOption", options)]
    reply = soap.call(QUERIES, "GetOrderByOrderID", nodes, purpose=Purpose.READ)
    detail = reply.response.find("OrderDetail")
    if detail is None:
        raise soap.web.unusable(Purpose.READ, "the order's details are missing")
    return read(detail, order_id=order_id)


def read(detail: Element, *, order_id: str = "") -> Order:
    """Read an `OrderDetail` or a `PVOrderDetail`."""
    state = text(detail, "OrderInfo/OrderStatus")
    certificate_state = text(detail, "CertificateInfo/CertificateStatus")
    if not state or certificate_state in _AFTER_ISSUE:
        state = certificate_state
    csr = octets(text(detail, "Fulfillment/OriginalCSR"), "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
    leaf = octets(text(detail, "Fulfillment/ServerCertificate/X509Cert"), "CERTIFICATE")
    above = [octets(text(one, "CACert"), "CERTIFICATE") for one in detail.iter("CACertificate")]
    return Order(
        order_id=text(detail, "OrderInfo/OrderId") or order_id,
        state=state,
        common_name=(text(detail, "CertificateInfo/CommonName") or text(detail, "OrderInfo/DomainName")).lower(),
        serial=serial_of(leaf) or text(detail, "CertificateInfo/SerialNumber").lower().lstrip("0"),
        csr=csr,
        key=_key(csr),
        leaf=leaf,
        chain=tuple(one for one in above if one),
    )


def serial_of(certificate: bytes) -> str:
    """Serial number of a certificate (DER), lower-case hex without leading zeros; "" for anything else."""
    try:
        return f"{load(certificate).serial_number:x}" if certificate else ""
    except UnreadableFile:
        return ""


def outcome(order: Order, ref: Ref, *, portal: str, warning: str = "") -> Outcome:
    """What an order's state means for the request. `portal` is where people approve."""
    ref = replace(ref, certificate_id=order.serial or ref.certificate_id)
    match order.state:
        case State.ISSUED | State.REVOKING:
            return _issued(order, ref, warning)
        case State.CANCELLED:
            return Cancelled(ref=ref, detail=f"{TITLE} has cancelled the order {order.order_id}.")
        case State.VOIDED:
            message = (
                f"{TITLE} issued the certificate of order {order.order_id} and cancelled it: it is void. Ask again."
            )
            return Failed(ref=ref, code="Certificate issuer error", message=message)
        case State.REVOKED:
            message = f"{TITLE} has revoked the certificate of order {order.order_id}. Ask again."
            return Failed(ref=ref, code="Certificate revoked", message=message)
        case State.DENIED:
            message = f"{TITLE} denied the order {order.order_id}. Ask {TITLE} why, then ask again."
            return Failed(ref=ref, code="Request rejected", message=message)
        case _:
            return _pending(order, ref, portal, warning)


def _issued(order: Order, ref: Ref, warning: str) -> Outcome:
    if not order.leaf:
        detail = "GlobalSign has issued the certificate, and does not hand it out yet."
        return Pending(ref=ref, detail=detail, retry_after=timedelta(seconds=30), said=warning)
    doubts = [f"{TITLE} warned: {warning}."] if warning else []
    if order.state == State.REVOKING:
        doubts.append(f"{TITLE} says that this certificate is about to be revoked.")
    return Issued(ref=ref, leaf=order.leaf, chain=order.chain, warnings=tuple(doubts))


def _pending(order: Order, ref: Ref, portal: str, warning: str) -> Pending:
    state = words(order.state or "none", most=20)
    unknown = f"{TITLE} calls the order's state “{state}”, which is not known here. It is asked again."
    known = next((sentence for one, sentence in _WAITING.items() if one == order.state), unknown)
    tasks: tuple[Task, ...] = ()
    if order.state == State.APPROVAL:
        detail = {"url": portal, "request": order.order_id}
        tasks = (Task(kind=TaskKind.APPROVE, title="Approve the order in the GCC portal.", detail=detail),)
    return Pending(ref=ref, detail=known, tasks=tasks, said=warning or f"OrderStatus {state}")


def octets(pem: str, *labels: str) -> bytes:
    """The first block of one of these labels in PEM text, or bare base64; empty when there is neither."""
    for block in armour.blocks(pem):
        if block.label in labels and block.ended and block.octets:
            return block.octets
    return b"" if armour.has_mark(pem) else armour.bare_base64(pem) or b""


def _key(csr: bytes) -> str:
    try:
        return describe_csr(csr).spki_sha256 if csr else ""
    except UnreadableFile:
        return ""
