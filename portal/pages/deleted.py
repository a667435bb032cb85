"""Deleted certificates: recover them, or purge them for good."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access
from portal.pages.http import PageRequest, see_other
from portal.pages.paging import page
from portal.pages.tabs import first_tab, vault_tabs
from vault.lifecycle import retiring


@require_GET
@login_required
def index(request: PageRequest, vault: str) -> HttpResponse:
    """The vault's deleted certificates, latest first."""
    found = access.vault_for(request, vault, may="vaults/get")
    if "certificates/list" not in request.rights and not request.rights.sees_own_only:
        return redirect(first_tab(request.rights), found.name)
    rows = access.visible_certificates(request, found).deleted().light().select_related("owner")
    context = {
        "vault": found,
        "page": page(request, rows, by="-deleted_at"),
        "may_recover": "certificates/recover" in request.rights or request.rights.sees_own_only,
        "tabs": vault_tabs(request, found, "deleted"),
        "nav": "vaults",
    }
    return TemplateResponse(request, "deleted/index.html", context)


@require_POST
@login_required
def recover(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """Bring a certificate back with all its versions."""
    certificate = access.certificate_for(request, vault, name, may="certificates/recover", deleted=True)
    retiring.recover_certificate(certificate=certificate, by=access.actor(request, "certificates/recover"))
    messages.success(request, f"“{certificate}” is recovered with all its versions.")
    return see_other("certificates:detail", certificate.vault.name, certificate.name)


@require_http_methods(["GET", "POST"])
@login_required
def purge(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """Say what purging does, and do it for whoever types the certificate's name."""
    certificate = access.certificate_for(request, vault, name, may="certificates/purge", deleted=True)
    error = ""
    if request.method == "POST":
        if request.POST.get("confirm", "").strip() == certificate.name:
            retiring.purge_certificate(certificate=certificate, by=access.actor(request, "certificates/purge"))
            messages.success(request, f"“{certificate}” is purged. Its name is free again.")
            return see_other("deleted:index", certificate.vault.name)
        error = f"This is not the certificate's name. Type “{certificate}” to purge it. Nothing was removed."
    context = {"certificate": certificate, "vault": certificate.vault, "error": error, "nav": "vaults"}
    return TemplateResponse(request, "deleted/purge.html", context, status=422 if error else 200)
