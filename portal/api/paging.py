"""Pages of a list: `maxresults`, and a `nextLink` that repeats the whole query.

A page begins behind the last row of the one before (keyset), so page 10,000 costs what page 1 does. Lists are sorted
by name, versions by number; the token holds nothing but that place.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from portal.api.ids import Ids
from vault.errors import BadParameter
from vault.models.certificate import NAME

MOST = 25
_SKIP = "$skiptoken"
_LONGEST_NUMBER = 9
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and where to go on: an absolute address, or None on the last page."""

    rows: list[Row]
    next_link: str | None


def by_name(request: HttpRequest, rows: QuerySet[Row]) -> Page[Row]:
    """The page of certificates that was asked for, in the order of their names. Raises BadParameter."""
    return _page(request, rows, column="name_key", read=_name)


def by_number(request: HttpRequest, rows: QuerySet[Row]) -> Page[Row]:
    """The page of versions that was asked for, oldest first. Raises BadParameter."""
    return _page(request, rows, column="number", read=_number)


def check(request: HttpRequest) -> None:
    """Refuse what cannot be asked of a list, where there is nothing to page through. Raises BadParameter."""
    _size(request)


def flag(request: HttpRequest, name: str) -> bool:
    """A switch in the address, off when absent. Raises BadParameter."""
    given = request.GET.get(name, "false").lower()
    if given not in {"true", "false"}:
        raise BadParameter("Send true or false.", field=name)
    return given == "true"


def _page(request: HttpRequest, rows: QuerySet[Row], *, column: str, read: Callable[[str], Any]) -> Page[Row]:
    size = _size(request)
    if token := request.GET.get(_SKIP, ""):
        rows = rows.filter(**{f"{column}__gt": read(_opened(token))})
    found = list(rows.order_by(column)[: size + 1])
    shown = found[:size]
    more = len(found) > size
    return Page(shown, _next(request, str(getattr(shown[-1], column))) if more else None)


def _size(request: HttpRequest) -> int:
    given = request.GET.get("maxresults")
    if given is None:
        return MOST
    if not (given.isascii() and given.isdigit() and len(given) <= _LONGEST_NUMBER and 1 <= int(given) <= MOST):
        raise BadParameter(f"Send a number from 1 to {MOST}.", field="maxresults")
    return int(given)


def _next(request: HttpRequest, place: str) -> str:
    query = request.GET.copy()
    query[_SKIP] = urlsafe_b64encode(place.encode()).decode().rstrip("=")
    return f"{Ids.of(request).base}{request.path}?{query.urlencode(safe='$')}"


def _opened(token: str) -> str:
    try:
        return urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4)).decode("ascii")
    except (UnicodeError, binascii.Error):
        raise _bad_token() from None


def _name(place: str) -> str:
    if not NAME.match(place):
        raise _bad_token()
    return place


def _number(place: str) -> int:
    if not place.isdigit() or len(place) > _LONGEST_NUMBER:
        raise _bad_token()
    return int(place)


def _bad_token() -> BadParameter:
    return BadParameter("Call nextLink as it was sent.", field=_SKIP)
