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
from vault.errors import BadParameter
from vault.lifecycle import exporting
from vault.lifecycle.exporting import File, Format
from vault.models import Version


@require_http_methods(["GET", "POST"])
@login_required
def with_key(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """Ask in which form, then hand out certificate, chain and private key in one file."""
    found = access.version_for(request, vault, name, version, may="secrets/get")
    form = ExportForm(request.POST) if request.method == "POST" else _new_form()
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
        "nav": "vaults",
    }
    return TemplateResponse(request, "downloads/with_key.html", context, status=422 if form.errors else 200)


def _new_form() -> ExportForm:
    return ExportForm(initial={"format": Format.PFX, "password": generate_password()})


def _export(request: PageRequest, version: Version, form: ExportForm) -> File | None:
    if not form.is_valid():
        return None
    as_, password = Format(form.cleaned_data["format"]), form.cleaned_data["password"]
    by = access.actor(request, "secrets/get")
    try:
        return exporting.export_with_key(version=version, as_=as_, password=password, by=by)
    except BadParameter as error:
        form.add_error("password", str(error))
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
    """The certificate and its chain as PEM, leaf first."""
    return _public(request, vault, name, version, exporting.full_chain)


def _public(request: PageRequest, vault: str, name: str, version: str, make: Callable[[Version], File]) -> HttpResponse:
    return attachment(make(access.version_for(request, vault, name, version, may="certificates/get")))
