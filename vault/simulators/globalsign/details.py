"""An order as Managed SSL describes it: in the answer to the order, to a question about it, and in lists."""

from datetime import datetime
from typing import Final

from vault.simulators.authority import csr_der, pem, serial_of
from vault.simulators.globalsign.wire import NIL, Tree, csr_pem
from vault.simulators.kit import Order, Simulator

STATES: Final = {
    "pending": "1",
    "validation": "2",
    "cancelled": "3",
    "issued": "4",
    "revoked": "7",
    "approval": "8",
    "rejected": "10",
}


def whole(simulator: Simulator, order: Order, *, certificates: bool = True) -> list[Tree]:
    """Everything about an order, as in `OrderDetail`."""
    state = "42" if simulator.fault("unknown-status") else _state(order)
    info: list[Tree] = [
        ("OrderId", order.id),
        ("ProductCode", order.data.get("product", "PV_SHA2")),
        ("OrderKind", order.data.get("kind", "new")),
        ("DomainName", order.common_name),
        ("OrderDate", date(order.created)),
        ("OrderCompleteDate", NIL),
        ("OrderStatus", state),
    ]
    sub: list[Tree] = [("SubId", order.data.get("sub_id") or NIL)]
    fulfilment = _certificates(simulator, order) if certificates else []
    fulfilment.append(("OriginalCSR", csr_pem(csr_der(order.csr))))
    return [("OrderInfo", info), ("OrderSubInfo", sub), _certificate_info(order), ("Fulfillment", fulfilment)]


def brief(simulator: Simulator, order: Order) -> list[Tree]:
    """What the answer to an order says, as in `PVOrderDetail`."""
    return [_certificate_info(order), ("Fulfillment", _certificates(simulator, order))]


def date(moment: datetime) -> str:
    """A time as answers write it."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _state(order: Order) -> str:
    return "5" if order.data.get("void") else STATES[order.status]


def _certificate_info(order: Order) -> Tree:
    made = order.certificate
    return "CertificateInfo", [
        ("CertificateStatus", _state(order)),
        ("CommonName", order.common_name),
        ("SerialNumber", NIL if made is None else f"{serial_of(made):X}"),
    ]


def _certificates(simulator: Simulator, order: Order) -> list[Tree]:
    if order.certificate is None or simulator.fault("not-yet"):
        return []
    odd = simulator.fault("crlf-root") is not None
    authority = simulator.authority
    above = [("INTER", authority.intermediate), *([("ROOT", authority.root)] if odd else [])]
    rows: list[Tree] = [
        ("CACertificate", [("CACertType", kind), ("CACert", _lines(der, odd=odd))]) for kind, der in above
    ]
    leaf: Tree = ("ServerCertificate", [("X509Cert", _lines(order.certificate, odd=odd)), ("PKCS7Cert", NIL)])
    return [("CACertificates", rows), leaf]


def _lines(der: bytes, *, odd: bool) -> str:
    return pem(der).replace("\n", "\r\n") if odd else pem(der)
