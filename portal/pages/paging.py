"""Keyset pages: a page begins behind the last row of the one before, so page 10,000 costs what page 1 does."""

from __future__ import annotations

import json
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db.models import DateTimeField, Field, IntegerField, Model, Q, QuerySet, UUIDField
from django.http import HttpRequest

PAGE = 50
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, and the address of the next page ("" on the last)."""

    rows: list[Row]
    next_url: str
    first_url: str

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def page(request: HttpRequest, rows: QuerySet[Row], *, by: str, size: int = PAGE) -> Page[Row]:
    """Return the page of `rows` that `?after=` asks for, ordered by the column `by` ("-": downwards), then id.

    An unreadable `after` means the first page. Filters in the address are kept.
    """
    down, column = by.startswith("-"), by.removeprefix("-")
    after = _read(request.GET.get("after", ""), rows.model._meta.get_field(column), rows.model._meta.pk)
    if after is not None:
        rows = rows.filter(_behind(column, after, down=down))
    keys = (by,) if column == "id" else (by, "-id" if down else "id")
    found = list(rows.order_by(*keys)[: size + 1])
    shown = found[:size]
    query = request.GET.copy()
    query.pop("after", None)
    first_url = f"?{query.urlencode()}" if "after" in request.GET else ""
    next_url = ""
    if len(found) > size:
        query["after"] = _write(getattr(shown[-1], column), shown[-1].pk)
        next_url = f"?{query.urlencode()}"
    return Page(shown, next_url, first_url)


def _behind(column: str, after: tuple[Any, Any], *, down: bool) -> Q:
    value, pk = after
    further, past = ("lte", "lt") if down else ("gte", "gt")
    if column == "id":
        return Q(**{f"id__{past}": pk})
    # The first condition lets an index find the place; the second settles rows of equal value.
    return Q(**{f"{column}__{further}": value}) & (Q(**{f"{column}__{past}": value}) | Q(**{f"id__{past}": pk}))


def _write(value: Any, pk: Any) -> str:
    plain = {"t": value.isoformat()} if isinstance(value, datetime) else {"v": value}
    key = pk.hex if isinstance(pk, uuid.UUID) else pk
    return urlsafe_b64encode(json.dumps([plain, key]).encode()).decode().rstrip("=")


def _read(text: str, field: Any, key: Any) -> tuple[Any, Any] | None:
    try:
        plain, pk = json.loads(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        value = datetime.fromisoformat(plain["t"]) if "t" in plain else plain["v"]
        pk = uuid.UUID(hex=pk) if isinstance(key, UUIDField) and isinstance(pk, str) else pk
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_place = isinstance(pk, uuid.UUID) if isinstance(key, UUIDField) else isinstance(pk, int) and 0 <= pk < 2**63
    return (value, pk) if is_place and _fits(value, field) else None


def _fits(value: Any, field: Field[Any, Any]) -> bool:
    """Whether the database can compare the column with this value, as `_write` has it."""
    match field:
        case DateTimeField():
            return isinstance(value, datetime) and value.tzinfo == UTC
        case IntegerField():
            return isinstance(value, int) and abs(value) < 2**63
        case _:
            return isinstance(value, str) and value.isprintable() and len(value) <= 300
