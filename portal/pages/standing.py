"""How a request stands with its CA: the order, what people have to do for it, what is unclear, what came late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.utils import timezone

from portal import usual
from portal.rights import Rights
from vault.errors import NotAllowedNow, RingError
from vault.lifecycle import issuers
from vault.models import Issuer, Operation
from vault.providers.base import Can, TaskKind

# Times beyond that are said to be unusual: so many times the usual, and never less than this.
_UNUSUAL: Final = 3
_PATIENCE: Final = timedelta(minutes=15)
_ROWS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    TaskKind.DNS_TXT: (("name", "Name"), ("value", "Value of the TXT record")),
    TaskKind.DNS_CNAME: (("name", "Name"), ("value", "Target of the CNAME record")),
    TaskKind.HTTP_FILE: (("url", "Address of the file"), ("content", "Its content, without a line end")),
    TaskKind.EMAIL: (("address", "Mail goes to"),),
    TaskKind.APPROVE: (("request", "Number to approve"),),
}
_LINKS: Final = {
    TaskKind.APPROVE: "Approve it at the CA",
    TaskKind.ORGANISATION: "Look at the organisation at the CA",
}
_DNS: Final = (TaskKind.DNS_TXT, TaskKind.DNS_CNAME)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One value of a task that someone copies; `id` is unique in the page."""

    id: str
    title: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Todo:
    """One task for a person, as components/task.html shows it. `seen` is None where nobody looks."""

    title: str
    domain: str
    rows: tuple[Row, ...]
    url: str = ""
    link: str = ""
    is_dns: bool = False
    seen: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Why nothing is asked of the CA at this moment, until when, and whether the viewer can end it."""

    title: str
    words: str
    until: datetime | None
    may_act: bool


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Everything the page says about the order beside its history."""

    issuer: Issuer | None
    todos: tuple[Todo, ...]
    pause: Pause | None
    usual: str
    is_slow: bool
    may_check: bool
    is_unclear: bool
    may_decide: bool
    is_late: bool
    may_settle: bool


def standing(operation: Operation, rights: Rights) -> Standing:
    """How a request stands, in the eyes of a person with these rights; at most one query."""
    issuer = operation.issuer
    usual_time = usual.times_of([issuer.pk]).get(issuer.pk) if issuer and operation.is_in_progress else None
    is_unclear = operation.is_in_progress and operation.unclear_at is not None
    return Standing(
        issuer=issuer,
        todos=tuple(_todo(task, number) for number, task in enumerate(operation.tasks, 1)),
        pause=_pause(issuer, rights) if issuer and operation.is_in_progress else None,
        usual=usual.words(usual_time) if usual_time else "",
        is_slow=is_slow(operation, usual_time),
        may_check=_may_check(operation, rights),
        is_unclear=is_unclear,
        may_decide=is_unclear and "certificates/manageissuers" in rights,
        is_late=operation.late_at is not None,
        may_settle=bool(operation.late_at and not operation.late_settled and "certificates/update" in rights),
    )


def is_slow(operation: Operation, usual_time: timedelta | None) -> bool:
    """Whether a CA's order takes clearly longer than it usually does."""
    if usual_time is None or not operation.is_in_progress or operation.tasks:
        return False
    return timezone.now() - operation.created_at > max(usual_time * _UNUSUAL, _PATIENCE)


def abilities(operation: Operation) -> Can:
    """What the CA of a request lets us do; none when that cannot be said now."""
    if operation.issuer is None:
        return Can.NONE
    try:
        return issuers.provider_of(operation.issuer).can
    except (NotAllowedNow, RingError):
        return Can.NONE


def candidates(operation: Operation) -> list[str]:
    """The numbers of orders at the CA that might be this request's."""
    numbers = (one.get("order_id") if isinstance(one, Mapping) else one for one in operation.candidates)
    return [str(number) for number in numbers if number]


def _may_check(operation: Operation, rights: Rights) -> bool:
    is_asked = operation.step in {Operation.Step.SUBMITTING, Operation.Step.ORDERED} and operation.unclear_at is None
    mine = operation.is_in_progress and operation.issuer_id is not None
    return mine and is_asked and "certificates/update" in rights


def _pause(issuer: Issuer, rights: Rights) -> Pause | None:
    if not issuer.is_paused:
        return None
    if issuer.pause == Issuer.Pause.RATE:
        return Pause(
            title="The CA has asked for a pause",
            words="Nothing is asked of it meanwhile. The request goes on by itself.",
            until=issuer.paused_until,
            may_act=False,
        )
    return Pause(
        title=f"The CA refuses the credentials of “{issuer}”",
        words="Nothing is asked of it until an administrator of this vault has corrected them. No request is lost.",
        until=None,
        may_act="certificates/setissuers" in rights,
    )


def _todo(task: Mapping[str, Any], number: int) -> Todo:
    kind, detail = str(task.get("kind", "")), {str(key): str(value) for key, value in task.get("detail", {}).items()}
    title = str(task.get("title", ""))
    rows = [
        Row(id=f"task-{number}-{key}", title=title, value=detail[key])
        for key, title in _ROWS.get(kind, ())
        if detail.get(key)
    ]
    url = detail.get("url", "") if kind in _LINKS and _is_web(detail.get("url", "")) else ""
    return Todo(
        title=title,
        domain="" if detail.get("domain", "") in title else detail["domain"],
        rows=tuple(rows),
        url=url,
        link=_LINKS.get(TaskKind(kind), "") if url else "",
        is_dns=kind in _DNS,
        seen=detail.get("seen"),
    )


def _is_web(address: str) -> bool:
    """Whether what a CA gave as an address is one to link to."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"https", "http"} and bool(parts.hostname)
