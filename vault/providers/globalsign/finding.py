"""Orders whose number was lost: the account's orders of a time, compared by the key of their request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from vault.providers.base import CertRequest, Lookup, Ref
from vault.providers.globalsign import orders
from vault.providers.globalsign.account import MSSL, Account
from vault.providers.globalsign.ordering import date_text
from vault.providers.globalsign.orders import Order
from vault.providers.globalsign.rules import common_name
from vault.providers.globalsign.soap import QUERIES, Nodes, Soap
from vault.providers.web import Purpose
from vault.x509.requests import describe_csr

MOST_LISTED: Final = 500
"""A listing ends at about so many orders without saying so: a full one is asked for again in halves."""
SHORTEST_WINDOW: Final = timedelta(minutes=1)
FIRST_WINDOW: Final = timedelta(days=1)
LONGEST_SEARCH: Final = 50.0
"""Seconds after which a search stops, incomplete; it is begun again later."""
_AHEAD: Final = timedelta(minutes=5)
# Dates without a zone may be of any.
_ANY_ZONE: Final = timedelta(hours=14)


class Incomplete(Exception):
    """The listing does not cover the time asked for."""


def find(soap: Soap, account: Account, request: CertRequest, since: datetime, now: datetime) -> Lookup:
    """Look for orders made with this request. Raises Transient, NotAuthorised, Rejected."""
    wanted = request.spki_sha256 or describe_csr(request.csr).spki_sha256
    reused = request.previous is not None and request.previous.same_key
    complete, found = True, list[Ref]()
    try:
        for order in listed(soap, account, since, now + _AHEAD):
            mine = order.csr == request.csr if reused else order.key == wanted
            if mine:
                data = {"platform": MSSL, "at": now.isoformat()}
                found.append(Ref(order_id=order.order_id, certificate_id=order.serial, data=data))
            elif not order.key and order.common_name in {"", common_name(request)}:
                complete = False
    except Incomplete:
        complete = False
    unique = {ref.order_id: ref for ref in found if ref.order_id}
    return Lookup(found=tuple(unique.values()), complete=complete)


def listed(soap: Soap, account: Account, since: datetime, until: datetime) -> Iterator[Order]:
    """Orders of a time, window by window. Raises Incomplete when a window overflows or the search takes too long."""
    if account.date_format == "local":
        since, until = since - _ANY_ZONE, until + _ANY_ZONE
    began = time.monotonic()
    windows = [(since, until)] if until - since <= FIRST_WINDOW else list(_days(since, until))
    while windows:
        start, end = windows.pop()
        if time.monotonic() - began > LONGEST_SEARCH:
            raise Incomplete
        found = _window(soap, account, start, end)
        if len(found) < MOST_LISTED:
            yield from found
        elif end - start > SHORTEST_WINDOW:
            middle = start + (end - start) / 2
            windows += [(start, middle), (middle, end)]
        else:
            yield from found
            raise Incomplete


def _days(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        end = min(since + FIRST_WINDOW, until)
        yield since, end
        since = end


def _window(soap: Soap, account: Account, start: datetime, end: datetime) -> list[Order]:
    options: Nodes = [("ReturnCertificateInfo", "true"), ("ReturnOriginalCSR", "true")]
    nodes: Nodes = [
        ("FromDate", date_text(start, account.date_format)),
        ("ToDate", date_text(end, account.date_format)),
        ("OrderQueryOption", options),
    ]
    reply = soap.call(QUERIES, "GetOrderByDateRange", nodes, purpose=Purpose.READ)
    return [orders.read(detail) for detail in reply.response.iter("OrderDetail")]
