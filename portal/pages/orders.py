"""What people do about an order at a CA: have it asked now, say what became of it, settle what came late."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST

from portal import access
from portal.forms.orders import NumberForm
from portal.pages import readable
from portal.pages.http import PageRequest, see_other
from portal.pages.standing import abilities, candidates
from vault.errors import BadParameter, NotAllowedNow, TooMany, VaultError
from vault.lifecycle import checking, deciding, lateness
from vault.models import Operation
from vault.providers.base import Can, ProviderError, RevokeResult
from vault.x509 import certificates

_DECIDE, _SETTLE = "certificates/manageissuers", "certificates/update"


@require_POST
@login_required
def check(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """Have the CA asked now."""
    operation = access.operation_for(request, vault, request_id, may="certificates/update")
    try:
        checking.check_now(operation=operation, by=access.actor(request, "certificates/update"))
    except (TooMany, NotAllowedNow) as refusal:
        messages.info(request, str(refusal))
    return _back(operation)


# ------------------------------------------------------------- fate unknown
@require_http_methods(["GET", "POST"])
@login_required
def decide(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """Say which order at the CA is this request's, or that there is none and it is to be sent again."""
    operation = access.operation_for(request, vault, request_id, may=_DECIDE)
    found = candidates(operation)
    if not operation.is_in_progress or operation.unclear_at is None:
        raise NotAllowedNow("Nothing has to be decided about this request (any more). Look at it again.")
    adopting = request.method == "POST" and request.POST.get("decision") == "adopt"
    form = NumberForm(request.POST if adopting else None, candidates=found)
    if adopting and form.is_valid() and _adopted(request, operation, form):
        messages.success(request, f"The request goes on with order {form.chosen()}.")
        return _back(operation)
    sending = request.method == "POST" and not adopting
    if sending and request.POST.get("looked"):
        deciding.send_again(operation=operation, by=access.actor(request, _DECIDE))
        messages.success(request, "The request is sent again.")
        return _back(operation)
    unsure = "Tick that you have looked at the CA. Nothing was sent." if sending else ""
    return _decide_page(request, operation, form, unsure)


def _adopted(request: PageRequest, operation: Operation, form: NumberForm) -> bool:
    """Go on with the order; False, with the reason on the form, when the vault refuses its number."""
    try:
        deciding.adopt_order(operation=operation, order_id=form.chosen(), by=access.actor(request, _DECIDE))
    except BadParameter as error:
        form.refuse(error)
        return False
    return True


def _decide_page(request: PageRequest, operation: Operation, form: NumberForm, unsure: str) -> HttpResponse:
    context = {
        **_common(operation),
        "form": form,
        "candidates": candidates(operation),
        "names": [value for _, value in operation.policy.names.pairs()],
        "again_error": unsure,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors or unsure else HTTPStatus.OK
    return TemplateResponse(request, "orders/decide.html", context, status=status)


# ---------------------------------------------------- issued after its end
@require_http_methods(["GET", "POST"])
@login_required
def late(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """Adopt, revoke or leave what the CA issued after the request had ended."""
    operation = access.operation_for(request, vault, request_id, may=_SETTLE)
    if operation.late_at is None or operation.late_settled:
        raise NotAllowedNow("There is no late certificate to decide about (any more). Look at the request again.")
    if request.method == "POST" and _settled(request, operation, request.POST.get("decision", "")):
        return _back(operation)
    facts = certificates.facts(certificates.split_pem(operation.late)[0])
    context = {
        **_common(operation),
        "facts": facts,
        "names": readable.names(facts.names),
        "can_revoke": Can.REVOKE in abilities(operation),
    }
    return TemplateResponse(request, "orders/late.html", context)


def _settled(request: PageRequest, operation: Operation, decision: str) -> bool:
    """Do what was decided; False, with the reason as a message, when it could not be done."""
    by = access.actor(request, _SETTLE)
    try:
        match decision:
            case "adopt":
                version = lateness.adopt_late(operation=operation, by=by)
                messages.success(request, f"It is version {version.number} of “{operation.certificate}” now.")
            case "revoke":
                told_revoked(request, lateness.revoke_late(operation=operation, by=by))
            case "leave":
                lateness.leave_late(operation=operation, by=by)
                messages.success(request, "It is left as it is.")
            case _:
                return False
    except ProviderError as error:
        messages.error(request, f"It could not be revoked: {error}")
        return False
    except VaultError as error:
        if isinstance(error, NotAllowedNow):
            raise
        messages.error(request, str(error))
        return False
    return True


def told_revoked(request: PageRequest, result: RevokeResult) -> None:
    """Say what a CA answered to a wish to revoke."""
    if result is RevokeResult.REQUESTED:
        messages.info(request, "The CA has the wish to revoke it. Someone there has to approve it first.")
    elif result is RevokeResult.ALREADY:
        messages.info(request, "It was revoked at the CA already.")
    else:
        messages.success(request, "It is revoked. Clients that ask for revocation refuse it from now on.")


def _common(operation: Operation) -> dict[str, object]:
    return {
        "vault": operation.vault,
        "certificate": operation.certificate,
        "operation": operation,
        "issuer": readable.issuer_title(operation.issuer_name),
        "nav": "vaults",
    }


def _back(operation: Operation) -> HttpResponse:
    return see_other("operations:detail", operation.vault.name, operation.request_id.hex)
