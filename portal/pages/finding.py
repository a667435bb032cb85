"""Certificates of all vaults that a person may see, searched, filtered and sorted as the address says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from portal import access
from portal.pages import listing, search
from portal.pages.filters import NOBODY, READINESS, Filters
from portal.pages.http import PageRequest
from portal.pages.paging import page
from portal.pages.readable import issuer_title

# The column behind each way to sort; "expires" is what one gets unasked.
SORTS: Final = {"expires": "expires_at", "-expires": "-expires_at", "name": "name_key", "-name": "-name_key"}
_USUAL: Final = "expires"


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A filter in force, in words, and the address of the list without it."""

    words: str
    url: str


@require_GET
@login_required
def index(request: PageRequest) -> HttpResponse:
    """The list, 50 a page; what is typed finds names, host names, serial numbers and thumbprints."""
    mine = access.vaults_of(request.user)
    filters = Filters.read(request.GET)
    sort = filters.sort if filters.sort in SORTS else _USUAL
    found = filters.apply(access.certificates_in(mine, request.user))
    shown = page(request, listing.columns_only(found).select_related("vault"), by=SORTS[sort])
    context = {
        "nav": "search",
        "filters": filters,
        "chips": list(_chips(filters)),
        "page": shown,
        "rows": listing.rows(shown),
        "vaults": mine,
        "states": search.STATES,
        "readiness": READINESS,
        "nobody": NOBODY,
        "sort": sort,
        "begin": filters.begin.isoformat() if filters.begin else "",
        "end": filters.end.isoformat() if filters.end else "",
    }
    return TemplateResponse(request, "search/index.html", context)


def _chips(filters: Filters) -> list[Chip]:
    words = {
        "q": f"“{filters.q}”",
        "state": search.STATES.get(filters.state, ""),
        "readiness": READINESS.get(filters.readiness, ""),
        "issuer": f"Issuer {issuer_title(filters.issuer)}",
        "owner": "Nobody owns it" if filters.owner == NOBODY else f"Owner {filters.owner}",
        "vault": f"Vault {filters.vault}",
        "tag": f"Tag {filters.tag}",
        "begin": f"Expires from {filters.begin}",
        "end": f"Expires until {filters.end}",
    }
    return [Chip(words=said, url=_without(filters, name)) for name, said in words.items() if getattr(filters, name)]


def _without(filters: Filters, name: str) -> str:
    query = filters.without(name).query()
    return reverse("search:index") + (f"?{query}" if query else "")
