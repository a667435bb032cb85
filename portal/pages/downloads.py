"""Files to take away: the public parts by GET, the private key by POST alone."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods

from portal import access
from portal.forms.downloads import ExportForm, generate_password
from portal.pages.http import PageRequest, attachment
from portal.pages.recipes import recipes
from vault.errors import BadParameter
from vault.lifecycle import exporting
from vault.lifecycle.exporting import File, Format
from vault.models import Version
from vault.models.policy import PEM_FILE


@require_http_methods(["GET", "POST"])
@login_required
def with_key(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """Ask what it is for, then hand out certificate, chain and private key in one file."""
    found = access.version_for(request, vault, name, version, may="secrets/get")
    has_root = exporting.has_root(found)
    form = ExportForm(request.POST, has_root=has_root) if request.method == "POST" else _new_form(found, has_root)
    if request.method == "POST":
        file = _export(request, found, form)
        if file is not None:
            return attachment(file)
        form.forget_password()
    context = {
        "vault": found.certificate.vault,
        "certificate": found.certificate,
        "version": found,
        "form": form if found.key and found.key.exportable and found.enabled else None,
        "recipes": recipes(found),
        "has_root": has_root,
        "nav": "vaults",
    }
    return TemplateResponse(request, "downloads/with_key.html", context, status=422 if form.errors else 200)


def _new_form(version: Version, has_root: bool) -> ExportForm:  # noqa: FBT001 - told by its only caller
    """PEM or PFX first, as the policy keeps it."""
    usual = Format.NGINX if version.content_type == PEM_FILE else Format.PFX
    initial = {"format": usual, "password": generate_password(), "friendly_name": version.certificate.name}
    return ExportForm(initial=initial, has_root=has_root)


def _export(request: PageRequest, version: Version, form: ExportForm) -> File | None:
    if not form.is_valid():
        return None
    given = form.cleaned_data
    try:
        return exporting.export_with_key(
            version=version,
            as_=Format(given["format"]),
            password=given["password"],
            by=access.actor(request, "secrets/get"),
            friendly_name=given["friendly_name"],
            with_root=given.get("with_root", False),
        )
    except BadParameter as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return None


@require_GET
@login_required
def pem(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """The certificate as PEM."""
    return _public(request, vault, name, version, exporting.certificate_pem)


@require_GET
@login_required
def der(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """The certificate as DER."""
    return _public(request, vault, name, version, exporting.certificate_der)


@require_GET
@login_required
def chain(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """The certificate and its chain as PEM, leaf first, without the root."""
    return _public(request, vault, name, version, exporting.full_chain)


@require_GET
@login_required
def chain_with_root(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """The certificate and its chain as PEM, leaf first, with the root."""
    return _public(request, vault, name, version, exporting.full_chain_with_root)


@require_GET
@login_required
def p7b(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """The certificate and its chain as PKCS#7, without the root."""
    return _public(request, vault, name, version, exporting.p7b)


def _public(request: PageRequest, vault: str, name: str, version: str, make: Callable[[Version], File]) -> HttpResponse:
    return attachment(make(access.version_for(request, vault, name, version, may="certificates/get")))
