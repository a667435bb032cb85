"""What a CertCentral order holds beyond the kit's, and how it looks on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from vault.simulators.authority import read_csr, serial_of
from vault.simulators.digicert.facts import CONTAINER, stamp
from vault.simulators.kit import Order

STATUSES = {"approval": "needs_approval", "validation": "pending", "cancelled": "canceled"}


@dataclass(kw_only=True)
class Item:
    """A certificate of an order, the first or a reissued one. `certificate` is DER, empty until it is issued."""

    number: str
    csr: bytes
    common_name: str
    names: tuple[str, ...]
    days: int
    asked: str
    status: str = "pending"
    certificate: bytes = field(default=b"", repr=False)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


def items(order: Order) -> list[Item]:
    """All certificates of an order, the first one first."""
    found: list[Item] = order.data.setdefault("items", [])
    return found


def current(order: Order) -> Item:
    """The certificate that the order shows: the latest issued one, else the first."""
    done = [item for item in items(order) if item.certificate]
    return done[-1] if done else items(order)[0]


def waiting(order: Order) -> Item | None:
    """The certificate that is still to be issued."""
    return next((item for item in reversed(items(order)) if item.status == "pending"), None)


def is_reissue(order: Order) -> bool:
    """Whether what the order waits for is a reissue."""
    item = waiting(order)
    return item is not None and item is not items(order)[0]


def status(order: Order) -> str:
    """The order's state in CertCentral's words."""
    if is_reissue(order) and order.status in {"pending", "validation", "approval"}:
        return "reissue_pending"
    return STATUSES.get(order.status, order.status)


def requests(order: Order) -> list[dict[str, Any]]:
    """The order's requests, as they are on the wire."""
    found: list[dict[str, Any]] = order.data.setdefault("requests", [])
    return found


def shown(order: Order) -> dict[str, Any]:
    """GET /order/certificate/{id}."""
    item = current(order)
    ends = datetime.now(UTC) + timedelta(days=order.data["paid_days"])
    return {
        "id": int(order.id),
        "status": status(order),
        "certificate": certificate(order, item),
        "requests": requests(order),
        "organization": {
            "id": order.data["organization"],
            "name": "Rehearsal AB",
            "city": "Stockholm",
            "country": "se",
        },
        "product": {"name_id": order.data["product"], "name": order.data["product"], "type": "ssl_certificate"},
        "container": {"id": CONTAINER, "name": "Rehearsal AB"},
        "dcv_method": order.data["dcv_method"],
        "date_created": stamp(order.created),
        "order_valid_till": ends.date().isoformat(),
        "is_renewed": order.data.get("renewed", False),
    }


def certificate(order: Order, item: Item) -> dict[str, Any]:
    """The certificate inside an order; its number and dates once it is issued."""
    shown_always: dict[str, Any] = {
        "common_name": item.common_name,
        "dns_names": list(item.names),
        "csr": csr_pem(item.csr),
        "signature_hash": "sha256",
        "date_created": stamp(item.created),
        "organization": {"id": order.data["organization"]},
        "server_platform": {"id": -1, "name": "OTHER"},
    }
    if not item.certificate:
        return shown_always
    made = x509.load_der_x509_certificate(item.certificate)
    return {
        **shown_always,
        "id": int(item.number),
        "serial_number": f"{made.serial_number:032X}",
        "valid_from": made.not_valid_before_utc.date().isoformat(),
        "valid_till": made.not_valid_after_utc.date().isoformat(),
        "ca_cert": {"id": "A1", "name": "DigiCert Rehearsal Issuing CA"},
    }


def row(order: Order) -> dict[str, Any]:
    """One row of the list of orders: no CSR."""
    item = current(order)
    number = {"id": int(item.number)} if item.certificate else {}
    return {
        "id": int(order.id),
        "status": status(order),
        "certificate": {**number, "common_name": item.common_name, "dns_names": list(item.names)},
        "date_created": stamp(order.created),
        "product": {"name_id": order.data["product"]},
    }


def reissues(order: Order, *, pending: bool) -> dict[str, Any]:
    """GET /order/certificate/{id}/reissue; with those that are not issued yet, or without."""
    listed = [item for item in items(order)[1:] if pending or item.certificate]
    return {
        "certificates": [{**certificate(order, item), "id": int(item.number), "status": item.status} for item in listed]
    }


def listed(orders: list[Order], params: Mapping[str, str], *, zone: timedelta, filters: bool) -> dict[str, Any]:
    """GET /order/certificate: newest first, filtered by name and “created after”; other filters are ignored."""
    found = sorted(orders, key=lambda order: int(order.id), reverse=True)
    if filters:
        name = params.get("filters[common_name]")
        since = params.get("filters[date_created]", "").removeprefix(">")
        after = datetime.fromisoformat(since).replace(tzinfo=UTC) - zone if since else None
        found = [order for order in found if name is None or current(order).common_name == name]
        found = [order for order in found if after is None or order.created > after]
    offset, limit = int(params.get("offset", 0)), min(int(params.get("limit", 1000)), 1000)
    page = {"total": len(found), "limit": limit, "offset": offset}
    return {"orders": [row(order) for order in found[offset : offset + limit]], "page": page}


def has_certificate(order: Order, name: str) -> Item | None:
    """The issued certificate of this number or serial number."""
    for item in items(order):
        if item.certificate and name.upper() in {item.number, f"{serial_of(item.certificate):X}".zfill(len(name))}:
            return item
    return None


def csr_pem(der: bytes) -> str:
    """A CSR as PEM."""
    return read_csr(der).public_bytes(serialization.Encoding.PEM).decode()
