"""A certificate request made elsewhere: bring it, look at what will be signed, send."""

from __future__ import annotations

import uuid
from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from portal import access
from portal.forms.csrs import BringForm, CsrForm, read_der
from portal.forms.pastes import looks_encoded
from portal.forms.requests import Start
from portal.pages import http
from portal.pages.brought import rows, sightings
from portal.pages.failures import status_of
from portal.pages.http import PageRequest
from portal.pages.requests import earlier, place_and_start, running_for, sent_before, start_of
from vault.errors import BadParameter, KeyExposed, NameTaken, NotAllowedNow, TooMany, UnreadableFile, VaultError
from vault.lifecycle import bringing, issuing
from vault.lifecycle.bringing import IsCertificate
from vault.models import Certificate, Operation, Vault
from vault.x509.brought import BroughtRequest
from vault.x509.found import Upload
from vault.x509.requests import csr_pem

_KEY_MARK = "PRIVATE KEY"


@require_GET
@login_required
def new(request: PageRequest, vault: str) -> HttpResponse:
    """Where a request is pasted or chosen; filled in from `?again=` (a request's id), or for `?certificate=`."""
    start = start_of(request, vault, request.GET)
    initial = {"again": start.again, "certificate": start.certificate}
    if start.again:
        operation = earlier(request, vault, start.again)
        initial["csr"] = csr_pem(bytes(operation.csr)) if operation.key_is_elsewhere else ""
    place = access.vault_for(request, vault, may="certificates/create")
    return _first_page(request, place, BringForm(initial=initial), start)


@require_http_methods(["GET", "POST"])
@login_required
def check(request: PageRequest, vault: str) -> HttpResponse:
    """What will be signed, and what the person decides about it; or the first page again when it cannot be."""
    if request.method != "POST":
        return redirect("csrs:new", vault)
    place, start = place_and_start(request, vault)
    form = BringForm(request.POST, request.FILES)
    if not form.is_valid():
        _forget_unread(form)
        return _first_page(request, place, form, start)
    try:
        brought = bringing.read_request(form.uploads())
    except (BadParameter, TooMany) as refusal:
        return _refused(request, place, form, start, refusal)
    return _second_page(request, _csr_form(request, place, start, brought))


@require_http_methods(["GET", "POST"])
@login_required
def submit(request: PageRequest, vault: str) -> HttpResponse:
    """Make the operation and go to its page; the choices again when the vault refuses."""
    if request.method != "POST":
        return redirect("csrs:new", vault)
    place, start = place_and_start(request, vault)
    der = read_der(request.POST.get("csr", ""))
    try:
        brought = bringing.read_request([Upload(content=der)])
    except (BadParameter, TooMany) as refusal:
        return _refused(request, place, BringForm({}), start, refusal)
    form = _csr_form(request, place, start, brought, request.POST)
    operation = _ask(request, place, form) or sent_before(request, place)
    if operation is None:
        return _second_page(request, form)
    return http.see_other("operations:detail", operation.vault.name, operation.request_id.hex)


# ------------------------------------------------------------------ the forms
def _csr_form(
    request: PageRequest, vault: Vault, start: Start, brought: BroughtRequest, data: QueryDict | None = None
) -> CsrForm:
    def namesake(name: str) -> Certificate | None:
        return access.certificate_to_issue(request, vault, name)

    return CsrForm(data, vault=vault, brought=brought, start=start, namesake=namesake)


def _ask(request: PageRequest, vault: Vault, form: CsrForm) -> Operation | None:
    """Make the operation; None, with the reason on the form, when the vault refuses."""
    if not form.is_valid():
        return None
    by = access.actor(request, "certificates/create")
    try:
        operation = issuing.request_certificate(vault=vault, order=form.order(), by=by)
    except VaultError as error:
        form.refuse(error)
        return None
    if operation.deleted_at is None:
        return operation
    form.refuse(NotAllowedNow("This request was made, and deleted since. Begin again to make another."))
    return None


# ------------------------------------------------------------------ the pages
def _first_page(
    request: PageRequest, vault: Vault, form: BringForm, start: Start, refusal: VaultError | None = None
) -> HttpResponse:
    status = HTTPStatus.OK
    if form.is_bound:
        status = status_of(refusal) if refusal else HTTPStatus.UNPROCESSABLE_ENTITY
    context = {
        "vault": vault,
        "form": form,
        "fixed": start.certificate,
        "is_certificate": isinstance(refusal, IsCertificate),
        "nav": "vaults",
    }
    return TemplateResponse(request, "csrs/new.html", context, status=status)


def _refused(request: PageRequest, vault: Vault, form: BringForm, start: Start, refusal: VaultError) -> HttpResponse:
    """The first page with the reason; what was pasted stays, unless a private key may be in it."""
    form.is_valid()
    field = getattr(refusal, "field", None)
    form.add_error(field if field in form.fields else "csr", str(refusal))
    if isinstance(refusal, KeyExposed):
        form.forget()
    elif isinstance(refusal, TooMany) or field == "file":
        _forget_unread(form)
    elif isinstance(refusal, UnreadableFile) and looks_encoded(str(form.data.get("csr", ""))):
        form.forget()
    return _first_page(request, vault, form, start, refusal)


def _forget_unread(form: BringForm) -> None:
    """Empty the text area of what nobody has read, unless it plainly is a request and nothing else."""
    text = str(form.data.get("csr", ""))
    if "CERTIFICATE REQUEST-----" not in text or _KEY_MARK in text:
        form.forget()


def _second_page(request: PageRequest, form: CsrForm) -> HttpResponse:
    """What will be signed, with the choices; bound and refused, or fresh with a submission of its own."""
    vault, holder = form.vault, _holder(form)
    seen = sightings(request.user, form.brought.spki_sha256)
    context = {
        "vault": vault,
        "form": form,
        "fixed": form.start.certificate,
        "brought": form.brought,
        "rows": rows(form.brought),
        "seen": seen,
        "key_is_here": any(one.key_is_here for one in seen),
        "holder": holder,
        "running": running_for(holder),
        "submission": uuid.uuid4(),
        "deleted_url": reverse("deleted:index", args=[vault.name]) if _can_recover(form) else "",
        "nav": "vaults",
    }
    status = HTTPStatus.OK
    if form.errors:
        status = status_of(form.refusal) if form.refusal else HTTPStatus.UNPROCESSABLE_ENTITY
    return TemplateResponse(request, "csrs/check.html", context, status=status)


def _holder(form: CsrForm) -> Certificate | None:
    """The certificate of which the request would make a new version, as far as the person may."""
    if form.is_bound:
        return form.holder
    try:
        return form.namesake(form.start.certificate or form["name"].value())
    except NameTaken:
        return None


def _can_recover(form: CsrForm) -> bool:
    return bool(getattr(form.refusal, "recoverable", False))
