"""Reading one chain of the audit trail: filters in the address, keyset pages, CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from portal.pages import csvs, paging
from portal.pages.http import PageRequest
from vault.models import AuditChain, AuditEvent, Vault
from vault.models.audit import Actor, record

_COLUMNS: Final = ("sequence", "at", "actor", "right", "action", "target", "result", "address", "details", "hash")
_BATCH: Final = 1000
_FILTERS: Final = ("actor", "action", "target", "from", "to")


@dataclass(frozen=True)
class Event:
    """An event as the page shows it."""

    row: AuditEvent
    facts: list[tuple[str, str]]
    is_sound: bool


@dataclass(frozen=True)
class Trail:
    """One page of a chain, newest first, with the filters in force."""

    chain: AuditChain | None
    page: paging.Page[AuditEvent]
    events: list[Event]
    filters: dict[str, str]
    query: str

    @property
    def is_filtered(self) -> bool:
        """Whether some events are left out."""
        return any(self.filters.values())


def trail(request: PageRequest, chain_id: int) -> Trail:
    """Return the page of this chain that the address asks for."""
    filters = _read(request.GET)
    page = paging.page(request, _filtered(chain_id, filters), by="-sequence")
    events = [Event(row, _facts(row), is_sound=row.digest() == row.hash) for row in page.rows]
    chain = AuditChain.objects.filter(pk=chain_id).first()
    return Trail(chain, page, events, filters, request.GET.urlencode())


def csv(request: PageRequest, chain_id: int, *, by: Actor, name: str, vault: Vault | None = None) -> HttpResponseBase:
    """Stream the filtered chain as CSV, oldest first, up to now (RFC 4180). The export is noted before it begins."""
    filters = _read(request.GET)
    with transaction.atomic():
        details = {key: value for key, value in filters.items() if value}
        event = record("audit/export", f"audit/{name}", by=by, vault=vault, details=details)
    lines = _lines(_filtered(chain_id, filters).filter(sequence__lt=event.sequence))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8; header=present")
    day = timezone.now().strftime("%Y-%m-%d")
    response["Content-Disposition"] = f'attachment; filename="audit-{name}-{day}.csv"'
    return response


def _read(given: QueryDict) -> dict[str, str]:
    filters = {name: given.get(name, "").replace("\x00", "").strip()[:300] for name in _FILTERS}
    for name in ("from", "to"):
        if _midnight(filters[name]) is None:
            filters[name] = ""
    return filters


def _filtered(chain_id: int, filters: dict[str, str]) -> QuerySet[AuditEvent]:
    events = AuditEvent.objects.filter(chain=chain_id)
    if filters["actor"]:
        events = events.filter(actor=filters["actor"])
    if filters["action"]:
        events = events.filter(action__prefix=filters["action"])
    if filters["target"]:
        events = events.filter(target__prefix=filters["target"])
    since, until = _midnight(filters["from"]), _midnight(filters["to"])
    if since:
        events = events.filter(at__gte=since)
    if until:
        events = events.filter(at__lt=until + timedelta(days=1))
    return events


def _midnight(text: str) -> datetime | None:
    """The beginning, in UTC, of a day written as 2026-01-31; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if 1970 <= day.year <= 9990 else None


def _facts(event: AuditEvent) -> list[tuple[str, str]]:
    return [(key.replace("_", " "), _in_words(value)) for key, value in event.details.items()]


def _in_words(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_in_words, value)) or "none"
        case dict():
            return ", ".join(f"{key} {_in_words(inner)}" for key, inner in value.items()) or "none"
        case None:
            return "none"
        case _:
            return str(value)


def _lines(events: QuerySet[AuditEvent]) -> Iterator[str]:
    """CSV in pieces of some hundred lines; each piece is one short query, so that no reader holds the database."""
    yield csvs.write([_COLUMNS])
    last = 0
    while rows := list(events.filter(sequence__gt=last).order_by("sequence")[:_BATCH]):
        yield csvs.write([_cells(row) for row in rows])
        last = rows[-1].sequence


def _cells(event: AuditEvent) -> tuple[str, ...]:
    at = event.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    details = json.dumps(event.details, ensure_ascii=False, sort_keys=True) if event.details else ""
    plain = (event.actor, event.right, event.action, event.target, event.result, event.address, details, event.hash)
    return (str(event.sequence), at, *map(csvs.harmless, plain))
