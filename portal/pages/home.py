"""The first page: what needs me, what runs, what expires."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from portal import access
from portal.models import User
from portal.pages import paging
from portal.pages.http import PageRequest
from portal.pages.readable import SOON
from portal.rights import Rights
from vault.models import Certificate, Operation, Vault

_MOST_COUNTED: Final = 100
_ON_HOME: Final = 5
_MOST_IN_MENU: Final = 12

Mine = dict[Vault, Rights]


@dataclass(frozen=True)
class Part:
    """One of the three parts: its newest rows, and how many there are, as far as one counts."""

    name: str
    rows: list[Operation] | list[Certificate]
    count: str
    has_more: bool
    # Of certificates: how many of those that were counted there are of each readiness.
    readiness: Mapping[str, int]


@require_GET
@login_required
def index(request: PageRequest) -> HttpResponse:
    """The overview, or with `?show=` one part of it as a list."""
    mine = access.vaults_of(request.user)
    shown = request.GET.get("show", "")
    context = {"nav": "home", "vaults": mine, "may_request": _may_request(mine), "most_in_menu": _MOST_IN_MENU}
    match shown:
        case "waiting" | "running":
            rows = _waiting(mine, request.user) if shown == "waiting" else _running(mine, request.user)
            return _list(request, context | {"page": paging.page(request, rows, by="-id"), "show": shown})
        case "expiring":
            certificates = paging.page(request, _expiring(mine, request.user), by="expires_at")
            return _list(request, context | {"page": certificates, "show": shown})
        case _:
            return TemplateResponse(request, "home/index.html", context | _overview(mine, request.user))


def _list(request: PageRequest, context: dict[str, object]) -> HttpResponse:
    return TemplateResponse(request, "home/list.html", context)


def _overview(mine: Mine, user: User) -> dict[str, Part]:
    return {
        "waiting": _part("waiting", _waiting(mine, user).order_by("-id")),
        "running": _part("running", _running(mine, user).order_by("-id")),
        "expiring": _part("expiring", _expiring(mine, user).order_by("expires_at", "id")),
    }


def _part(name: str, rows: QuerySet[Operation] | QuerySet[Certificate]) -> Part:
    found = list(rows[: _MOST_COUNTED + 1])
    count = f"{_MOST_COUNTED}+" if len(found) > _MOST_COUNTED else str(len(found))
    readiness = Counter(one.readiness for one in found[:_MOST_COUNTED] if isinstance(one, Certificate))
    has_more = len(found) > _ON_HOME
    return Part(name, found[:_ON_HOME], count, has_more=has_more, readiness=readiness)  # type: ignore[arg-type]


def _may_request(mine: Mine) -> list[Vault]:
    return [vault for vault, rights in mine.items() if "certificates/create" in rights]


def _waiting(mine: Mine, user: User) -> QuerySet[Operation]:
    """Requests that wait for a person, where this person may be the one."""
    work = {vault: rights for vault, rights in mine.items() if "certificates/create" in rights}
    return _light(Operation.objects.waiting_for_merge(), work, user)


def _running(mine: Mine, user: User) -> QuerySet[Operation]:
    """Requests in progress that the person may see and that wait for no person."""
    return _light(Operation.objects.in_progress().exclude(step=Operation.Step.AWAITING_MERGE), mine, user)


def _light(operations: QuerySet[Operation], mine: Mine, user: User) -> QuerySet[Operation]:
    visible = operations.filter(_among(mine, user, owner="certificate__owner"), certificate__deleted_at__isnull=True)
    return visible.select_related("certificate", "vault").only(
        "request_id", "status", "step", "detail", "created_at", "issuer_name", "certificate__name", "vault__name"
    )


def _expiring(mine: Mine, user: User) -> QuerySet[Certificate]:
    """Certificates that the person may see and whose current version ends soon."""
    moment = timezone.now()
    soon = Certificate.objects.live().filter(expires_at__gt=moment, expires_at__lte=moment + SOON)
    visible = soon.filter(_among(mine, user, owner="owner"))
    return visible.select_related("vault").only("name", "issuer_name", "expires_at", "readiness", "vault__name")


def _among(mine: Mine, user: User, *, owner: str) -> Q:
    whole = [vault.pk for vault, rights in mine.items() if "certificates/list" in rights]
    own = [vault.pk for vault, rights in mine.items() if rights.sees_own_only]
    condition = Q(vault__in=whole)
    return condition | Q(vault__in=own, **{owner: user}) if own else condition
