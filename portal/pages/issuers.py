"""Issuers: the list with how they fare, one of them, setting them up, testing, switching off, removing."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access
from portal.forms.issuers import IssuerForm
from portal.pages import issuerwords
from portal.pages.http import PageRequest, see_other
from portal.pages.issuertests import count_test, tried
from portal.pages.paging import PAGE, Page
from portal.pages.tabs import vault_tabs
from vault.errors import BadParameter, NameTaken, NotAllowedNow, TooMany, VaultError
from vault.lifecycle import configuring
from vault.models import Issuer, Vault
from vault.models.certificate import NAME
from vault.providers import OFFERS, offer_of
from vault.providers.base import Offer

_SET, _MANAGE = "certificates/setissuers", "certificates/manageissuers"


# ---------------------------------------------------------------------- looking
@require_GET
@login_required
def index(request: PageRequest, vault: str) -> HttpResponse:
    """The vault's issuers and how they fare."""
    found = access.vault_for(request, vault, may="certificates/listissuers")
    page = _page(request, found)
    health = configuring.health_of(page.rows)
    rows = [issuerwords.row(issuer, health[issuer.pk]) for issuer in page]
    context = {**_frame(request, found), "page": page, "rows": rows}
    return TemplateResponse(request, "issuers/index.html", context)


def _page(request: PageRequest, vault: Vault) -> Page[Issuer]:
    """The page behind the name in `?after=`; names are unique in a vault."""
    rows = configuring.with_counts(Issuer.objects.filter(vault=vault).light()).order_by("name_key")
    after = request.GET.get("after", "")
    if NAME.match(after):
        rows = rows.filter(name_key__gt=after.lower())
    found = list(rows[: PAGE + 1])
    next_url = f"?after={found[PAGE - 1].name}" if len(found) > PAGE else ""
    return Page(found[:PAGE], next_url, "?" if after else "")


@require_GET
@login_required
def detail(request: PageRequest, vault: str, issuer: str) -> HttpResponse:
    """One issuer: how it fares, its last test, who needs it, its settings without its credentials."""
    return _detail(request, access.issuer_for(request, vault, issuer, may="certificates/getissuers"))


def _detail(request: PageRequest, issuer: Issuer, error: str = "") -> HttpResponse:
    counted = configuring.with_counts(Issuer.objects.filter(pk=issuer.pk).light()).get()
    offer = offer_of(issuer.provider)
    context = {
        **_frame(request, issuer.vault),
        "issuer": issuer,
        "offer": offer,
        "row": issuerwords.row(counted, configuring.health_of([counted])[issuer.pk]),
        "users": configuring.users_of(issuer),
        "facts": issuerwords.facts(issuer, offer),
        "gaps": issuerwords.gaps(issuer, offer),
        "docs": issuerwords.docs_of(offer),
        "error": error,
    }
    status = HTTPStatus.CONFLICT if error else HTTPStatus.OK
    return TemplateResponse(request, "issuers/detail.html", context, status=status)


# ------------------------------------------------------------------- setting up
@require_GET
@login_required
def new(request: PageRequest, vault: str) -> HttpResponse:
    """Choose the CA."""
    found = access.vault_for(request, vault, may=_SET)
    context = {**_frame(request, found), "offers": list(OFFERS.values())}
    return TemplateResponse(request, "issuers/new.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add(request: PageRequest, vault: str, provider: str) -> HttpResponse:
    """Set up an issuer of a CA, perhaps after a test of what is typed."""
    found = access.vault_for(request, vault, may=_SET)
    offer = offer_of(provider)
    if offer is None:
        raise Http404("There is no such provider.")
    form = IssuerForm(request.POST or None, offer=offer)
    if "test" in request.POST:
        return tried(request, form, _form_context(request, found, offer), vault=found)
    if form.is_valid() and (made := _create(request, found, form)):
        messages.success(request, f"The issuer “{made}” is ready for requests. A test shows whether the CA agrees.")
        return see_other("issuers:detail", found.name, made.name)
    return _form_page(request, form, _form_context(request, found, offer))


def _create(request: PageRequest, vault: Vault, form: IssuerForm) -> Issuer | None:
    name, by = form.cleaned_data["name"], access.actor(request, _SET)
    try:
        return configuring.create_issuer(vault=vault, name=name, given=form.given, by=by)
    except BadParameter as error:
        form.refuse(error)
    except NameTaken as error:
        form.add_error("name", str(error))
    except TooMany as error:
        form.add_error(None, str(error))
    return None


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: PageRequest, vault: str, issuer: str) -> HttpResponse:
    """Give an issuer other values; credentials that are not typed anew stay."""
    found = access.issuer_for(request, vault, issuer, may=_SET)
    offer = offer_of(found.provider)
    if offer is None:
        message = (
            f"This portal does not know the provider “{found.provider}”. Remove the issuer, or edit it by the API."
        )
        raise NotAllowedNow(message)
    form = IssuerForm(request.POST or None, offer=offer, issuer=found)
    context = {**_form_context(request, found.vault, offer), "issuer": found}
    if "test" in request.POST:
        return tried(request, form, context, vault=found.vault, issuer=found)
    if form.is_valid() and _edit(request, found, form):
        messages.success(request, f"“{found}” is saved. A test shows whether the CA agrees.")
        return see_other("issuers:detail", found.vault.name, found.name)
    return _form_page(request, form, context)


def _edit(request: PageRequest, issuer: Issuer, form: IssuerForm) -> bool:
    by = access.actor(request, _SET)
    try:
        configuring.edit_issuer(issuer=issuer, given=form.given, revision=form.revision, by=by)
    except BadParameter as error:
        form.refuse(error)
    except NotAllowedNow as error:
        form.add_error(None, str(error))
    else:
        return True
    return False


def _form_context(request: PageRequest, vault: Vault, offer: Offer) -> dict[str, Any]:
    return {**_frame(request, vault), "offer": offer, "docs": issuerwords.docs_of(offer)}


def _form_page(request: PageRequest, form: IssuerForm, context: dict[str, Any]) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "issuers/edit.html", {**context, "form": form}, status=status)


# ------------------------------------------------------------------------ verbs
@require_POST
@login_required
def test(request: PageRequest, vault: str, issuer: str) -> HttpResponse:
    """Try the saved issuer at its CA; its page shows what was found."""
    found = access.issuer_for(request, vault, issuer, may=_MANAGE)
    try:
        count_test(request, found.vault)
        result = configuring.test_issuer(issuer=found, by=access.actor(request, _MANAGE))
    except VaultError as error:
        messages.error(request, str(error))
    else:
        if result.check.ok:
            messages.success(request, f"“{found}” works: the CA answered as it should.")
        else:
            messages.warning(request, f"“{found}” does not work yet. The test below says why.")
    return see_other("issuers:detail", found.vault.name, found.name)


@require_POST
@login_required
def enable(request: PageRequest, vault: str, issuer: str) -> HttpResponse:
    """Let new orders begin."""
    return _set_enabled(request, vault, issuer, enabled=True)


@require_POST
@login_required
def disable(request: PageRequest, vault: str, issuer: str) -> HttpResponse:
    """Let no new orders begin; open ones go on."""
    return _set_enabled(request, vault, issuer, enabled=False)


def _set_enabled(request: PageRequest, vault: str, issuer: str, *, enabled: bool) -> HttpResponse:
    found = access.issuer_for(request, vault, issuer, may=_SET)
    try:
        configuring.set_enabled(issuer=found, enabled=enabled, by=access.actor(request, _SET))
    except NotAllowedNow as error:
        return _detail(request, found, str(error))
    words = "takes new orders again" if enabled else "takes no new orders. Open ones go on"
    messages.success(request, f"“{found}” {words}.")
    return see_other("issuers:detail", found.vault.name, found.name)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: PageRequest, vault: str, issuer: str) -> HttpResponse:
    """Remove an issuer, once it is said who needs it."""
    found = access.issuer_for(request, vault, issuer, may="certificates/deleteissuers")
    error = mistyped = ""
    if request.method == "POST":
        if request.POST.get("confirm", "").strip() == found.name:
            try:
                configuring.delete_issuer(issuer=found, by=access.actor(request, "certificates/deleteissuers"))
            except NotAllowedNow as refusal:
                error = str(refusal)
            else:
                messages.success(request, f"The issuer “{found}” is removed with its credentials.")
                return see_other("issuers:index", found.vault.name)
        else:
            mistyped = f"Type “{found}” exactly, capitals included. Nothing was changed."
    users = configuring.users_of(found)
    context = {**_frame(request, found.vault), "issuer": found, "users": users, "error": error, "mistyped": mistyped}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if error or mistyped else HTTPStatus.OK
    return TemplateResponse(request, "issuers/delete.html", context, status=status)


def _frame(request: PageRequest, vault: Vault) -> dict[str, Any]:
    return {"nav": "vaults", "vault": vault, "tabs": vault_tabs(request, vault, "issuers")}
