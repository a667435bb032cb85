"""Testing what is typed into an issuer's form, before it is saved."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse
from django.template.response import TemplateResponse

from portal import access, rates
from portal.forms.issuers import IssuerForm
from portal.pages.http import PageRequest
from vault.errors import BadParameter, TooMany
from vault.lifecycle import configuring
from vault.lifecycle.configuring import Tried
from vault.models import Issuer, Vault

# A test calls a CA with credentials: in one minute so many by one person, and so many in one vault.
PER_PERSON, PER_VAULT, WINDOW = 10, 20, 60
_RIGHT: Final = "certificates/setissuers"


def count_test(request: PageRequest, vault: Vault) -> None:
    """Count one test. Raises TooMany."""
    limits = (f"issuer tests/person/{request.user.pk}", PER_PERSON), (f"issuer tests/vault/{vault.pk}", PER_VAULT)
    full, seconds = rates.shared().take(limits, window=WINDOW)
    if full is not None:
        raise TooMany(f"These are many tests in a short time. Test again in {seconds} seconds.")


def tried(
    request: PageRequest, form: IssuerForm, context: dict[str, Any], *, vault: Vault, issuer: Issuer | None = None
) -> HttpResponse:
    """Answer “Test now”: a script gets what was found and the choices of the CA, else the whole page comes again."""
    found = _try(request, form, vault, issuer) if form.is_valid() else None
    if found is not None:
        # The same answers, with what the CA offers to choose from.
        form = IssuerForm(request.POST, offer=form.offer, issuer=issuer, choices=found.choices)
    template = "issuers/edit.html#tried" if request.htmx else "issuers/edit.html"
    status = HTTPStatus.UNPROCESSABLE_ENTITY if found is None else HTTPStatus.OK
    context = {**context, "form": form, "tried": found, "was_tested": True}
    return TemplateResponse(request, template, context, status=status)


def _try(request: PageRequest, form: IssuerForm, vault: Vault, issuer: Issuer | None) -> Tried | None:
    try:
        count_test(request, vault)
        by = access.actor(request, _RIGHT)
        return configuring.try_values(vault=vault, given=form.given, issuer=issuer, by=by)
    except BadParameter as error:
        form.refuse(error)
    except TooMany as error:
        form.add_error(None, str(error))
    return None
