"""The ledger of notices: who heard what, when, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from portal import access
from portal.models import User
from portal.pages import paging
from portal.pages.http import PageRequest
from portal.pages.paging import Page
from vault.models import Notice


@dataclass(frozen=True)
class Row:
    """One notice. `person` is whose address it went to, "" where it is nobody's; `handed_to`: who got it from there."""

    notice: Notice
    person: str
    handed_to: str


@dataclass(frozen=True)
class Ledger:
    """One page of a ledger: its rows, and the page for the pager."""

    rows: list[Row]
    page: Page[Notice]


@require_GET
@login_required
def certificate(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """Who heard what of one certificate."""
    found = access.certificate_for(request, vault, name, may="certificates/get")
    context = {
        "nav": "vaults",
        "vault": found.vault,
        "certificate": found,
        "ledger": ledger(request, Notice.objects.filter(certificate=found)),
    }
    return TemplateResponse(request, "ledgers/certificate.html", context)


def ledger(request: HttpRequest, notices: QuerySet[Notice]) -> Ledger:
    """The page of these notices that the address asks for, newest first. Two queries."""
    wanted = notices.select_related("certificate", "mail").defer("certificate__policy", "words")
    page = paging.page(request, wanted, by="-created_at")
    names = _names({address for notice in page for address in (notice.address, notice.handed_to)} - {""})
    rows = [
        Row(notice, names.get(notice.address, ""), names.get(notice.handed_to, notice.handed_to)) for notice in page
    ]
    return Ledger(rows, page)


def _names(addresses: set[str]) -> dict[str, str]:
    people = User.objects.annotate(folded=Lower("email")).filter(folded__in=addresses, is_application=False)
    return {person.email.lower(): person.title for person in people} if addresses else {}
