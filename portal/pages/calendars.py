"""Calendar feeds: making and ending one's addresses, and the feed itself, which needs no signing in."""

from __future__ import annotations

import hashlib
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST, require_safe

from portal import access, calendars, rates
from portal.http import client_address
from portal.models import Calendar
from portal.pages.http import PageRequest, see_other
from vault.errors import TooMany

# Readings from one address in a minute.
PER_ADDRESS, WINDOW = 60, 60
_KEPT: Final = "private, max-age=900"


@require_GET
@login_required
def index(request: PageRequest) -> HttpResponse:
    """The person's calendars."""
    mine = Calendar.objects.filter(user=request.user).select_related("vault").order_by("vault__name_key", "pk")
    context = {"rows": mine, "vaults": access.vaults_of(request.user)}
    return TemplateResponse(request, "calendars/index.html", context)


@sensitive_variables("text")
@require_POST
@login_required
def make(request: PageRequest) -> HttpResponse:
    """Make an address, or replace it. It is shown in the answer to the POST: a redirect would have to keep it."""
    name = request.POST.get("vault", "")
    vault = access.enter(request, name) if name else None
    text = calendars.make(user=request.user, vault=vault, by=access.actor(request, "self"))
    url = request.build_absolute_uri(reverse("calendars:feed", args=[text]))
    return TemplateResponse(request, "calendars/shown.html", {"vault": vault, "url": url})


@require_POST
@login_required
def remove(request: PageRequest, pk: int) -> HttpResponse:
    """End an address."""
    mine = Calendar.objects.filter(user=request.user).select_related("vault", "user")
    calendar = mine.filter(pk=pk).first() if pk < 2**63 else None
    if calendar is None:
        raise Http404("There is no such calendar.")
    calendars.remove(calendar=calendar, by=access.actor(request, "self"))
    messages.success(request, "The address does not work any more.")
    return see_other("calendars:index")


@sensitive_variables("token")
@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar in RFC 5545's format, or 304 when it is as it was."""
    full, seconds = rates.shared().take([(f"calendars/{client_address(request)}", PER_ADDRESS)], window=WINDOW)
    if full is not None:
        raise TooMany(f"Calendars are read often from here. Try again in {seconds} seconds.")
    calendar = calendars.find(token)
    if calendar is None:
        raise Http404("There is no such calendar.")
    body = calendars.feed(calendar)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": _KEPT, "Content-Disposition": 'inline; filename="certificates.ics"'}
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8", headers=headers)
    found = get_conditional_response(request, etag=etag, response=response)
    return found or response
