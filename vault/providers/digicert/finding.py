"""Orders whose number was lost: listed by name and day, each opened, and known by the key of its request (CSR)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from vault.providers.base import CertRequest, Lookup, OrderNotFound, Ref, Transient
from vault.providers.digicert import rules
from vault.providers.digicert.orders import REISSUE, fits, number_of, read_order, reissue_number, same_csr
from vault.providers.digicert.wire import TITLE, Api, child, identifier, moment, rows, text

PAGE, MOST_PAGES, MOST_OPENED = 100, 20, 200
# DigiCert does not say in which time zone it reads the times of a filter, so it is asked for a day more.
ZONES = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Reissued:
    """A reissue in an order, made for our request: its certificate's number, and whether that is issued."""

    number: str
    done: bool
    exact: bool


def find(api: Api, request: CertRequest, since: datetime) -> Lookup:
    """Orders and reissues made for exactly this request, no earlier than `since`.

    It is complete when every row that might be ours was opened and compared. Raises Transient, NotAuthorised.
    """
    found: list[tuple[Ref, bool]] = []
    complete = request.previous is None or _within(api, request, request.previous.ref, since, found)
    complete = _listed(api, request, since, found) and complete
    exact = [ref for ref, octet_for_octet in found if octet_for_octet]
    return Lookup(found=tuple(exact or [ref for ref, _ in found]), complete=complete)


def _within(api: Api, request: CertRequest, previous: Ref, since: datetime, found: list[tuple[Ref, bool]]) -> bool:
    """Add our reissue in the order of the certificate before; False when one waits there that cannot be compared."""
    number = number_of(previous)
    if not identifier(number):
        return True
    listed = _reissues(api, number)
    data = {"before": previous.certificate_id, "sent": since.isoformat(), "seen": "yes"}
    own = _latest(listed, request, since)
    if own is not None:
        found.append((Ref(order_id=reissue_number(number, own.number), step=REISSUE, data=data), own.exact))
        return True
    try:
        order = read_order(api, number)
    except OrderNotFound:
        return True
    if order.status != "reissue_pending":
        return True
    if same_csr(order.csr, request):
        latest = order.latest()
        name = reissue_number(number, latest.number if latest is not None else "")
        found.append((Ref(order_id=name, step=REISSUE, data=data), True))
        return True
    return any(not _is_done(row) for row in listed)


def reissue_of(api: Api, request: CertRequest, ref: Ref, since: datetime | None) -> Reissued | None:
    """The latest reissue of an order that was made for our request, no earlier than `since`; None when there is none.

    A key may be used again, so that an earlier reissue could fit as well. Raises Transient, NotAuthorised.
    """
    return _latest(_reissues(api, number_of(ref)), request, since)


def _reissues(api: Api, order: str) -> list[dict[str, Any]]:
    reply = api.read(f"/order/certificate/{order}/reissue")
    if reply.status == 404:
        return []
    if reply.refused:
        raise Transient(f"{TITLE} does not list the reissues of order {order}: {reply.words} ({reply.code})")
    if not isinstance(child(reply.data, "certificates"), list):
        raise Transient(f"{TITLE} sent no list of the reissues of order {order}. It is asked again.")
    return rows(reply.data, "certificates")


def _latest(listed: list[dict[str, Any]], request: CertRequest, since: datetime | None) -> Reissued | None:
    own = [row for row in listed if _is_own(row, request, since)]
    if not own:
        return None
    row = max(own, key=lambda row: int(identifier(row.get("id")) or 0))
    return Reissued(number=identifier(row.get("id")), done=_is_done(row), exact=same_csr(row["csr"], request))


def _is_done(row: dict[str, Any]) -> bool:
    return text(row.get("status")).lower() in {"", "issued"}


def _is_own(row: dict[str, Any], request: CertRequest, since: datetime | None) -> bool:
    created, csr = moment(row.get("date_created")), row.get("csr")
    early = since is not None and created is not None and created < since
    return isinstance(csr, str) and not early and fits(csr, request)


def _listed(api: Api, request: CertRequest, since: datetime, found: list[tuple[Ref, bool]]) -> bool:
    """Add the orders that fit; False when not every row could be compared."""
    complete, opened = True, 0
    for row in _rows(api, request, since):
        number = identifier(row.get("id"))
        opened += 1
        if not number or opened > MOST_OPENED:
            return False
        if request.previous is not None and number == number_of(request.previous.ref):
            continue  # looked at through its reissues
        try:
            order = read_order(api, number)
        except OrderNotFound:
            complete = False
            continue
        if fits(order.csr, request):
            ref = Ref(order_id=number, certificate_id=order.certificate_id)
            found.append((ref, same_csr(order.csr, request)))
    return complete


def _rows(api: Api, request: CertRequest, since: datetime) -> Iterator[dict[str, Any]]:
    """Rows of the list that might be ours; filters are not trusted, so everything is filtered again.

    Ends with a row without a number when there is more than is read.
    """
    name = rules.common_name(request.names)
    for page in range(MOST_PAGES):
        data = _page(api, name, since, offset=page * PAGE)
        listed = rows(data, "orders")
        yield from (row for row in listed if _may_be_ours(row, name, since))
        total = child(data, "page", "total")
        if len(listed) < PAGE and not (isinstance(total, int) and total > page * PAGE + len(listed) and listed):
            return
    yield {}


def _page(api: Api, name: str, since: datetime, *, offset: int) -> Any:
    params = [
        ("filters[common_name]", name),
        ("filters[date_created]", f">{since - ZONES:%Y-%m-%dT%H:%M:%S}"),
        ("sort", "-date_created"),
        ("limit", str(PAGE)),
        ("offset", str(offset)),
    ]
    reply = api.read("/order/certificate", params)
    if reply.refused or not isinstance(child(reply.data, "orders"), list):
        raise Transient(f"{TITLE} does not list its orders: {reply.words or 'the list is missing'} ({reply.code})")
    return reply.data


def _may_be_ours(row: dict[str, Any], name: str, since: datetime) -> bool:
    created = moment(row.get("date_created"))
    known = text(child(row, "certificate", "common_name"))
    return (created is None or created >= since) and (not known or known.lower() == name.lower())
