"""The tabs of a vault: its pages, as far as the person's rights reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.urls import reverse

if TYPE_CHECKING:
    from portal.pages.http import PageRequest
    from portal.rights import Rights
    from vault.models import Vault

Part = Literal["certificates", "operations", "issuers", "contacts", "members", "audit", "deleted", "settings"]

_TABS: tuple[tuple[Part, str, str], ...] = (
    ("certificates", "Certificates", "certificates:index"),
    ("operations", "Requests", "operations:index"),
    ("issuers", "Issuers", "issuers:index"),
    ("contacts", "Contacts", "contacts:index"),
    ("members", "Access", "members:index"),
    ("audit", "Audit", "audit:index"),
    ("deleted", "Deleted", "deleted:index"),
    ("settings", "Settings", "vaults:settings"),
)


@dataclass(frozen=True)
class Tab:
    """One tab, as components/tabs.html shows it."""

    title: str
    url: str
    current: bool = False


def vault_tabs(request: PageRequest, vault: Vault, current: Part) -> list[Tab]:
    """The tabs of `vault` that the person may open, `current` marked; the rights are those on `request`."""
    return [
        Tab(title, reverse(view, args=[vault.name]), current=part == current)
        for part, title, view in _TABS
        if _may_open(request.rights, part)
    ]


def first_tab(rights: Rights) -> str:
    """The URL name of the first vault page that these rights open."""
    return next(view for part, _, view in _TABS if _may_open(rights, part))


def _may_open(rights: Rights, part: Part) -> bool:
    match part:
        case "certificates" | "operations" | "deleted":
            return "certificates/list" in rights or rights.sees_own_only
        case "issuers":
            return "certificates/listissuers" in rights
        case "contacts":
            return "certificates/managecontacts" in rights
        case "members":
            return "vaults/get" in rights
        case "audit":
            return "audit/get" in rights
        case "settings":
            return "vaults/update" in rights
