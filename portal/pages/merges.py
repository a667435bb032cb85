"""The page on which a signed certificate is brought back; `operations.merge` is its view."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from portal import access
from portal.forms.answers import MergeForm
from portal.pages import fits, readable, stories
from portal.pages.failures import status_of
from portal.pages.http import PageRequest, see_other
from vault.errors import BadCertificate, BadParameter, Conflict, KeyExposed, NotAllowedNow, TooMany
from vault.lifecycle import diagnosing, merging
from vault.lifecycle.merging import AnotherRequest, NeedsConfirmation
from vault.models import Operation, Version


@require_http_methods(["GET", "POST"])
@login_required
def merge(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """Take the signed certificate that a CA sent, pasted or as files."""
    operation = access.operation_for(request, vault, request_id, may="certificates/create")
    if not operation.can_be_merged:
        return _closed(request, operation, diagnosing.why_closed(operation))
    if request.method != "POST":
        return _page(request, operation, MergeForm())
    form = MergeForm(request.POST, request.FILES)
    if form.is_valid():
        return _try(request, operation, form)
    form.keep()
    return _page(request, operation, form)


def _try(request: PageRequest, operation: Operation, form: MergeForm) -> HttpResponse:
    try:
        return _merged(request, operation, form)
    except NeedsConfirmation as refusal:
        form.ask_about(refusal.mark)
        return _page(request, operation, form, differs=refusal)
    except AnotherRequest as refusal:
        return _another(request, operation, form, refusal)
    except (BadParameter, TooMany) as refusal:
        form.refuse(refusal)
        return _page(request, operation, form, status=status_of(refusal), is_exposed=isinstance(refusal, KeyExposed))
    except (Conflict, NotAllowedNow) as refusal:
        return _closed(request, operation, refusal)


def _merged(request: PageRequest, operation: Operation, form: MergeForm) -> HttpResponse:
    by = access.actor(request, "certificates/create")
    version = merging.merge(operation=operation, found=form.read(), by=by, confirmed=form.taken)
    _tell(request, version)
    return see_other("operations:detail", operation.vault.name, operation.request_id.hex)


def _another(request: PageRequest, operation: Operation, form: MergeForm, refusal: AnotherRequest) -> HttpResponse:
    """The certificate is for another key: whose it is, as far as the person may see that, or what to ask the CA."""
    finding = fits.find(request, refusal.certificates)
    form.refuse(BadCertificate(finding.in_short) if finding.in_short else refusal)
    sides = [fits.side_of_request(operation, title="This request"), finding.certificate]
    letter = fits.letter(operation, finding)
    return _page(request, operation, form, finding=finding, sides=sides, letter=letter)


def _tell(request: PageRequest, version: Version) -> None:
    messages.success(request, f"The certificate is stored as version {version.number}.")
    for note in version.notes:
        messages.info(request, note)


def _page(
    request: PageRequest,
    operation: Operation,
    form: MergeForm,
    *,
    status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
    **more: Any,
) -> HttpResponse:
    """The form; refused, with what was sent kept in it unless a private key was among it."""
    differs = more.pop("differs", None)
    context = {
        **_place(operation),
        **more,
        "form": form,
        "doubts": differs.doubts if differs else (),
        "side": fits.side_of_request(operation, title="This request"),
    }
    return TemplateResponse(
        request, "operations/merge.html", context, status=status if form.is_bound else HTTPStatus.OK
    )


def _closed(request: PageRequest, operation: Operation, refusal: Conflict | NotAllowedNow) -> HttpResponse:
    """The request has ended, or never waited for a certificate: say so, who and when, and lead on."""
    context = {
        **_place(operation),
        "message": str(refusal),
        "issuer": readable.issuer_title(operation.issuer_name),
        "cancel_words": stories.cancel_words(operation),
    }
    return TemplateResponse(request, "operations/closed.html", context, status=HTTPStatus.CONFLICT)


def _place(operation: Operation) -> dict[str, Any]:
    return {"vault": operation.vault, "certificate": operation.certificate, "operation": operation, "nav": "vaults"}
