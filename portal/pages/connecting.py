"""Connecting an application: where vaults are for programs, and a page that walks through it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from portal import access
from portal import applications as service
from portal.api.auth import TENANT
from portal.http import host_of
from portal.pages import programs
from portal.pages.http import PageRequest, attachment
from vault.lifecycle.exporting import File
from vault.models import Vault

__all__ = ["TENANT", "ca_file", "index", "login_address", "place_of", "vault_address"]

CA_NAME: Final = "ca.pem"


@require_GET
@login_required
def index(request: PageRequest) -> HttpResponse:
    """From token or application to a program that works, for the vault that is chosen."""
    mine = list(access.vaults_of(request.user))
    chosen = request.GET.get("vault", "").lower()
    vault = next((one for one in mine if one.name_key == chosen), mine[0] if mine else None)
    context = {
        "nav": "connecting",
        "vaults": mine,
        "vault": vault,
        "may_make": service.may_make(request.user),
        "place": place_of(request, vault) if vault else None,
        "snippets": programs.to_connect(place_of(request, vault)) if vault else [],
    }
    return TemplateResponse(request, "connecting/index.html", context)


@require_GET
@login_required
def ca(request: PageRequest) -> HttpResponse:  # noqa: ARG001 - a view
    """The CA of `manage.py up --tls`, for clients to trust."""
    path = ca_file()
    if path is None:
        raise Http404("There is no CA of the portal's own.")
    return attachment(File(name=CA_NAME, content_type="application/x-pem-file", content=path.read_bytes()))


def ca_file() -> Path | None:
    """The CA's file that clients need, if the portal has made its certificate itself."""
    path: Path = settings.DATA_DIR / "tls" / CA_NAME
    return path if path.is_file() else None


def vault_address(request: HttpRequest, vault: Vault) -> str:
    """Where a vault is, for programs: at the port at which the portal itself is over https."""
    return f"https://{host_of(vault)}{_port(request)}"


def login_address(request: HttpRequest) -> str:
    """Where applications sign in."""
    return f"https://login.{settings.API_DOMAIN}{_port(request)}"


def place_of(request: HttpRequest, vault: Vault) -> programs.Place:
    """What programs need to know of a vault."""
    return programs.Place(
        vault=vault.name,
        address=vault_address(request, vault),
        login=login_address(request),
        domain=f"{settings.API_DOMAIN}{_port(request)}",
        tenant=TENANT,
        ca=CA_NAME if ca_file() else "",
    )


def _port(request: HttpRequest) -> str:
    """`:8443`; nothing for the usual port, and where the portal itself was not reached over https."""
    if not request.is_secure():
        return ""
    port = split_domain_port(request.get_host())[1]
    return "" if port in {"", "443"} else f":{port}"
