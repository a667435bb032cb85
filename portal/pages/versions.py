"""Any version of a certificate."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_POST

from portal import access
from portal.pages import readable
from portal.pages.http import PageRequest, see_other
from vault.lifecycle import retiring


@require_GET
@login_required
def detail(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """One version: what it says, and its files."""
    found = access.version_for(request, vault, name, version, may="certificates/get")
    context = {
        "vault": found.certificate.vault,
        "certificate": found.certificate,
        "version": found,
        "is_current": found.pk == found.certificate.current_id,
        "state": readable.version_state(found),
        "contents": readable.contents(found),
        "nav": "vaults",
    }
    return TemplateResponse(request, "versions/detail.html", context)


@require_POST
@login_required
def enable(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """Let the version's private key be downloaded again."""
    return _set(request, vault, name, version, enabled=True)


@require_POST
@login_required
def disable(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """Stop the version's private key from being downloaded."""
    return _set(request, vault, name, version, enabled=False)


def _set(request: PageRequest, vault: str, name: str, version: str, *, enabled: bool) -> HttpResponse:
    found = access.version_for(request, vault, name, version, may="certificates/update")
    retiring.set_enabled(version=found, enabled=enabled, by=access.actor(request, "certificates/update"))
    done = "enabled" if enabled else "disabled"
    if not enabled and found.key_id is not None:
        done += ": its private key cannot be downloaded until it is enabled again"
    messages.success(request, f"Version {found.number} of “{found.certificate}” is {done}.")
    return see_other("versions:detail", found.certificate.vault.name, found.certificate.name, found.pk.hex)
