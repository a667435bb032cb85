"""The people of the portal, for portal administrators."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access, mailing, setup
from portal import people as service
from portal.forms.people import STATES, DescriptionForm, InvitationForm
from portal.models import User
from portal.pages import paging, trails
from portal.pages.http import PageRequest, field_answer, own_address, see_other
from vault.errors import Conflict
from vault.models.audit import PORTAL, Actor

_MOST_MEMBERSHIPS = 100


@require_GET
@login_required
def index(request: PageRequest) -> HttpResponse:
    """Everyone, by user name; found by name or address."""
    access.require_portal_administrator(request)
    text, state = request.GET.get("q", "").strip()[:150], request.GET.get("state", "")
    people = paging.page(request, _found(text, state), by="username")
    context = {"nav": "people", "people": people, "q": text, "state": state, "states": STATES}
    return TemplateResponse(request, "people/index.html", context)


def _found(text: str, state: str) -> QuerySet[User]:
    people = User.objects.filter(is_application=False)
    for word in text.replace("\x00", "").split()[:5]:
        by_name = Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
        people = people.filter(by_name | Q(email__icontains=word))
    match state:
        case "administrators":
            return people.filter(is_staff=True, is_active=True)
        case "invited":
            return people.filter(password__startswith=UNUSABLE_PASSWORD_PREFIX, is_active=True)
        case "deactivated":
            return people.filter(is_active=False)
        case _:
            return people


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def invite(request: PageRequest) -> HttpResponse:
    """Invite someone; the answer shows their one-time link, this once."""
    access.require_portal_administrator(request)
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and request.htmx:
        return field_answer(request, form)
    if form.is_valid():
        try:
            person, token = service.invite(**form.cleaned_data, by=_actor(request))
        except Conflict as error:
            form.add_error("email" if "address" in str(error) else "username", str(error))
        else:
            return _handed_over(request, person, token, new=True)
    return _page(request, "people/invite.html", form)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def detail(request: PageRequest, pk: int) -> HttpResponse:
    """One person: who they are, what they may do, and the form that describes them anew."""
    access.require_portal_administrator(request)
    person = get_object_or_404(User, pk=pk, is_application=False)
    initial = {"full_name": person.get_full_name(), "email": person.email}
    form = DescriptionForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            service.describe(person=person, **form.cleaned_data, by=_actor(request))
        except Conflict as error:
            form.add_error("email", str(error))
        else:
            messages.success(request, f"“{person.title}” is saved.")
            return see_other("people:detail", pk)
    return _page(request, "people/detail.html", form, **_facts(request, User.objects.get(pk=pk)))


def _facts(request: PageRequest, person: User) -> dict[str, Any]:
    held = access.memberships_of(person).select_related("group")[: _MOST_MEMBERSHIPS + 1]
    return {
        "person": person,
        "invited": not person.has_usable_password(),
        "is_self": person.pk == request.user.pk,
        "held": list(held),
    }


@require_POST
@login_required
def link(request: PageRequest, pk: int) -> HttpResponse:
    """Make a one-time link with which the person chooses a password; it is shown this once."""
    access.require_portal_administrator(request)
    person = get_object_or_404(User, pk=pk, is_application=False)
    token = service.new_link(person=person, by=_actor(request))
    return _handed_over(request, person, token, new=False)


def _handed_over(request: PageRequest, person: User, token: str, *, new: bool) -> HttpResponse:
    # Shown in the answer to the POST itself: a redirect would have to keep the link somewhere.
    address = request.build_absolute_uri(reverse("accounts:invitation", args=[token]))
    context = {"person": person, "link": address, "days": settings.INVITATION_DAYS}
    mailed = bool(person.email) and mailing.send("invitation", person.email, context)
    return TemplateResponse(request, "people/link.html", context | {"nav": "people", "mailed": mailed, "new": new})


@require_POST
@login_required
def active(request: PageRequest, pk: int) -> HttpResponse:
    """Deactivate (`active=no`) or activate (`active=yes`) someone. Their sessions end with the next request."""
    access.require_portal_administrator(request)
    person = get_object_or_404(User, pk=pk, is_application=False)
    if request.POST.get("active") == "yes":
        service.activate(person=person, by=_actor(request))
        messages.success(request, f"“{person.title}” can sign in again.")
    else:
        service.deactivate(person=person, by=_actor(request))
        messages.success(request, f"“{person.title}” is signed out everywhere and cannot sign in.")
    return see_other("people:detail", pk)


@require_POST
@login_required
def administrator(request: PageRequest, pk: int) -> HttpResponse:
    """Make someone a portal administrator (`administrator=yes`), or end that (`administrator=no`)."""
    access.require_portal_administrator(request)
    person = get_object_or_404(User, pk=pk, is_application=False)
    if request.POST.get("administrator") == "yes":
        service.make_administrator(person=person, by=_actor(request))
        messages.success(request, f"“{person.title}” is a portal administrator now.")
    else:
        service.withdraw_administrator(person=person, by=_actor(request))
        messages.success(request, f"“{person.title}” is no portal administrator any more.")
    return see_other("people:detail", pk)


@require_POST
@login_required
def ring_backup(request: PageRequest) -> HttpResponse:
    """Note that the key ring is backed up, so that the warning goes."""
    access.require_portal_administrator(request)
    setup.confirm_ring_backup(request.user, _actor(request))
    messages.success(request, "Noted: the key ring is backed up.")
    return see_other(own_address(request, request.POST.get("next", "")))


@require_GET
@login_required
def audit(request: PageRequest) -> HttpResponse:
    """The portal's own trail: sign-ins and people."""
    access.require_portal_administrator(request)
    context = {"nav": "people", "trail": trails.trail(request, PORTAL), "csv_url": reverse("people:audit-csv")}
    return TemplateResponse(request, "people/audit.html", context)


@require_GET
@login_required
def audit_csv(request: PageRequest) -> HttpResponseBase:
    """The same as CSV, filtered alike; an event in itself."""
    access.require_portal_administrator(request)
    return trails.csv(request, PORTAL, by=_actor(request), name="portal")


def _actor(request: PageRequest) -> Actor:
    return access.actor(request, "people/manage")


def _page(request: PageRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, template, {"nav": "people", "form": form, **context}, status=status)
