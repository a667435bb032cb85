"""The host name at which programs find a vault."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from portal import access
from portal.api import custom
from portal.forms.hosts import HostForm
from portal.pages import connecting
from portal.pages.http import PageRequest, see_other
from portal.pages.tabs import vault_tabs
from vault.errors import Conflict
from vault.lifecycle import hosting


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change(request: PageRequest, vault: str) -> HttpResponse:
    """Give the vault a host name of its own, or take it away."""
    found = access.vault_for(request, vault, may="vaults/update")
    form = HostForm(request.POST or None, initial={"host": found.host or ""})
    if form.is_valid():
        try:
            by = access.actor(request, "vaults/update")
            hosting.change_host(vault=found, host=form.cleaned_data["host"], by=by)
        except Conflict as error:
            form.add_error("host", str(error))
        else:
            custom.forget()
            messages.success(request, f"Programs find “{found}” at {connecting.vault_address(request, found)}.")
            return see_other("vaults:settings", found.name)
    context = {
        "nav": "vaults",
        "vault": found,
        "tabs": vault_tabs(request, found, "settings"),
        "form": form,
        "own_ca": connecting.ca_file() is not None,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "hosts/change.html", context, status=status)
