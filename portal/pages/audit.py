"""A vault's audit trail."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from portal import access
from portal.pages import trails
from portal.pages.http import PageRequest
from portal.pages.tabs import vault_tabs


@require_GET
@login_required
def index(request: PageRequest, vault: str) -> HttpResponse:
    """The events of a vault, newest first."""
    found = access.vault_for(request, vault, may="audit/get")
    context = {
        "nav": "vaults",
        "vault": found,
        "tabs": vault_tabs(request, found, "audit"),
        "trail": trails.trail(request, found.pk),
        "csv_url": reverse("audit:csv", args=[found.name]),
    }
    return TemplateResponse(request, "audit/index.html", context)


@require_GET
@login_required
def csv(request: PageRequest, vault: str) -> HttpResponseBase:
    """The same as CSV, filtered alike; an event in itself."""
    found = access.vault_for(request, vault, may="audit/get")
    return trails.csv(request, found.pk, by=access.actor(request, "audit/get"), name=found.name, vault=found)
