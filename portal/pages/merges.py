"""The page on which a signed certificate is brought back; `operations.merge` is its view."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from portal import access
from portal.forms.operations import MergeForm
from portal.pages import stories
from portal.pages.http import PageRequest, see_other
from vault.errors import BadParameter, Conflict, KeyExposed, NotAllowedNow
from vault.lifecycle import merging
from vault.lifecycle.merging import NeedsConfirmation
from vault.models import Operation, Version
from vault.x509 import requests


@require_http_methods(["GET", "POST"])
@login_required
def merge(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """Take the signed certificate that a CA sent, pasted or as a file."""
    operation = access.operation_for(request, vault, request_id, may="certificates/create")
    form = MergeForm(request.POST, request.FILES) if request.method == "POST" else MergeForm()
    if not operation.can_be_merged:
        return _closed(request, operation, stories.why_closed(operation))
    try:
        if request.method == "POST" and form.is_valid():
            return _merged(request, operation, form)
    except NeedsConfirmation as refusal:
        return _page(request, operation, form, differs=refusal)
    except BadParameter as refusal:
        form.add_error("certificate", str(refusal))
        return _page(request, operation, form, is_exposed=isinstance(refusal, KeyExposed))
    except (Conflict, NotAllowedNow) as refusal:
        return _closed(request, operation, str(refusal))
    return _page(request, operation, form)


def _merged(request: PageRequest, operation: Operation, form: MergeForm) -> HttpResponse:
    by = access.actor(request, "certificates/create")
    confirmed = form.cleaned_data["confirmed"]
    version = merging.merge(operation=operation, data=form.octets(), by=by, confirmed=confirmed)
    _tell(request, version, form)
    return see_other("operations:detail", operation.vault.name, operation.request_id.hex)


def _tell(request: PageRequest, version: Version, form: MergeForm) -> None:
    left_aside = " The file was used; what was pasted was left aside." if form.has_both else ""
    messages.success(request, f"The certificate is stored as version {version.number}.{left_aside}")
    for note in version.notes:
        messages.warning(request, note)


def _page(
    request: PageRequest,
    operation: Operation,
    form: MergeForm,
    *,
    differs: NeedsConfirmation | None = None,
    is_exposed: bool = False,
) -> HttpResponse:
    """The form; refused, with what was sent kept in it unless a private key was among it."""
    is_refused = form.is_bound
    if is_refused:
        _keep(form, is_exposed=is_exposed)
    context = {
        "vault": operation.vault,
        "certificate": operation.certificate,
        "operation": operation,
        "form": form,
        "doubts": differs.doubts if differs else (),
        "left_aside": is_refused and form.has_both,
        "csr_facts": requests.describe_csr(bytes(operation.csr)),
        "nav": "vaults",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_refused else HTTPStatus.OK
    return TemplateResponse(request, "operations/merge.html", context, status=status)


def _keep(form: MergeForm, *, is_exposed: bool) -> None:
    if is_exposed:
        return form.forget()
    try:
        return form.keep()
    except KeyExposed as refusal:
        form.add_error("certificate", str(refusal))
        return form.forget()


def _closed(request: PageRequest, operation: Operation, message: str) -> HttpResponse:
    """The request has ended, or never waited for a certificate: say so and lead on."""
    context = {
        "vault": operation.vault,
        "certificate": operation.certificate,
        "operation": operation,
        "message": message,
        "nav": "vaults",
    }
    return TemplateResponse(request, "operations/closed.html", context, status=HTTPStatus.CONFLICT)
