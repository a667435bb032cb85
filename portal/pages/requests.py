"""Asking for a certificate: fill in, check the answers, send."""

from __future__ import annotations

import uuid
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access
from portal.forms.requests import RequestForm, Start
from portal.pages import http, verdicts
from portal.pages.failures import status_of
from portal.pages.http import PageRequest
from vault.errors import BadParameter, NotAllowedNow, VaultError
from vault.lifecycle import issuing
from vault.models import Certificate, Operation, Vault
from vault.models.certificate import NAME
from vault.models.policy import Policy


@require_GET
@login_required
def new(request: PageRequest, vault: str) -> HttpResponse:
    """The form, empty, or filled in from `?again=` (a request's id) or `?certificate=` (its next version)."""
    start = start_of(request, vault, request.GET)
    place = access.vault_for(request, vault, may="certificates/create")
    return _page(request, _form(request, place, start))


@require_http_methods(["GET", "POST"])
@login_required
def check(request: PageRequest, vault: str) -> HttpResponse:
    """The answers to look at once more, or the form again when one of them cannot stand (or `change` asks for it)."""
    if request.method != "POST":
        return redirect("requests:new", vault)
    place, form = _sent(request, vault)
    if "change" in request.POST:
        return _page(request, form)
    running = running_for(form.holder) if form.is_valid() else None
    if running is not None:
        form.refuse_name(NotAllowedNow(f"“{running.certificate}” is being issued at this moment."), form.order().name)
        return _page(request, form, running=running)
    if not form.is_valid():
        return _page(request, form)
    context = {
        "vault": place,
        "form": form,
        "submission": uuid.uuid4(),
        "facts": verdicts.facts(form),
        "verdict": verdicts.verdict(form),
        "nav": "vaults",
    }
    return TemplateResponse(request, "requests/check.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def submit(request: PageRequest, vault: str) -> HttpResponse:
    """Make the operation and go to its page; the form again when the vault refuses."""
    if request.method != "POST":
        return redirect("requests:new", vault)
    place, form = _sent(request, vault)
    operation = _ask(request, place, form) or sent_before(request, place)
    if operation is None:
        stands_in_the_way = isinstance(form.refusal, NotAllowedNow)
        return _page(request, form, running=running_for(form.holder) if stands_in_the_way else None)
    return http.see_other("operations:detail", operation.vault.name, operation.request_id.hex)


@require_POST
@login_required
def field(request: PageRequest, vault: str) -> HttpResponse:
    """Judge one field while the form is being filled in; for the names, also say what was understood."""
    _, form = _sent(request, vault)
    name = http.field_of(request)
    if name == "validity":
        form.full_clean()
        return render(request, "policies/shortened.html", {"form": form})
    if name == "names":
        return render(request, "requests/names.html", {"field": form[name], "form": form})
    return http.field_answer(request, form)


# ------------------------------------------------------------------- the form
def _sent(request: PageRequest, vault: str) -> tuple[Vault, RequestForm]:
    place, start = place_and_start(request, vault)
    return place, _form(request, place, start, request.POST)


def place_and_start(request: PageRequest, vault: str) -> tuple[Vault, Start]:
    """The vault, and what the form began with; that may be gone by now, and the answers count all the same."""
    place = access.vault_for(request, vault, may="certificates/create")
    rights = request.rights
    try:
        start = start_of(request, vault, request.POST)
    except (Http404, access.Refused):
        start = Start(name=request.POST.get("certificate", ""))
    request.rights = rights  # those in the vault, not on what the form begins with
    return place, start


def _form(request: PageRequest, vault: Vault, start: Start, data: QueryDict | None = None) -> RequestForm:
    def namesake(name: str) -> Any:
        return access.certificate_to_issue(request, vault, name)

    return RequestForm(data, vault=vault, start=start, namesake=namesake)


def start_of(request: PageRequest, vault: str, asked: QueryDict) -> Start:
    """What the form begins with. Changes the rights on the request. Raises Http404, Refused."""
    if name := asked.get("certificate", ""):
        if not NAME.match(name):
            raise Http404("There is no such certificate.")
        certificate = access.certificate_for(request, vault, name, may="certificates/create")
        facts = {"name": certificate.name, "certificate": certificate.name, "tags": certificate.tags}
        return Start(policy=_with_key_here(certificate), **facts)
    if request_id := asked.get("again", ""):
        operation = earlier(request, vault, request_id)
        mine = "certificates/create" in request.rights
        name = operation.certificate.name if mine else ""
        return Start(policy=operation.policy, name=name, tags=operation.tags, again=operation.request_id.hex)
    return Start()


def _with_key_here(certificate: Certificate) -> Policy:
    """The policy; where the key was elsewhere so far, with one that can be downloaded: else it would be of no use."""
    policy: Policy = certificate.policy
    if certificate.current is None or certificate.current.key_id is not None:
        return policy
    return replace(policy, key=replace(policy.key, exportable=True))


def earlier(request: PageRequest, vault: str, request_id: str) -> Operation:
    """The request that another begins with. Changes the rights on the request. Raises Http404, Refused."""
    try:
        wanted = uuid.UUID(request_id).hex
    except ValueError:
        raise Http404("There is no such request.") from None
    return access.operation_for(request, vault, wanted, may="certificates/get")


def _page(request: PageRequest, form: RequestForm, *, running: Operation | None = None) -> HttpResponse:
    vault = form.vault
    context = {
        "vault": vault,
        "form": form,
        "fixed": form.start.certificate,
        "check_url": reverse("requests:field", args=[vault.name]),
        "deleted_url": reverse("deleted:index", args=[vault.name])
        if getattr(form.refusal, "recoverable", False)
        else "",
        "running": running,
        "nav": "vaults",
    }
    status = HTTPStatus.OK
    if form.errors:
        status = status_of(form.refusal) if form.refusal else HTTPStatus.UNPROCESSABLE_ENTITY
    return TemplateResponse(request, "requests/new.html", context, status=status)


# ---------------------------------------------------------------- the request
def _ask(request: PageRequest, vault: Vault, form: RequestForm) -> Operation | None:
    """Make the operation; None, with the reason on the form, when the vault refuses."""
    if not form.is_valid():
        return None
    by = access.actor(request, "certificates/create")
    try:
        operation = issuing.request_certificate(vault=vault, order=form.order(), by=by)
    except BadParameter as error:
        form.refuse(error)
    except VaultError as error:
        form.add_error(None, str(error))
        form.refusal = error
    else:
        if operation.deleted_at is None:
            return operation
        form.add_error(None, "This request was made, and deleted since. Continue, and send it again to make another.")
    return None


def sent_before(request: PageRequest, vault: Vault) -> Operation | None:
    """The operation that the same page of answers has begun already: it was sent twice."""
    try:
        submission = uuid.UUID(request.POST.get("submission", ""))
    except ValueError:
        return None
    mine = access.visible_operations(request, vault).filter(submission=submission, requested_by=request.user)
    return mine.select_related("vault").only("request_id", "vault__name").first()


def running_for(holder: Certificate | None) -> Operation | None:
    """The operation in progress for the certificate of which a request makes a new version."""
    if holder is None:
        return None
    return holder.operations.in_progress().select_related("certificate", "vault").light().first()
