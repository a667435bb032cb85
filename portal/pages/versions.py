"""Any version of a certificate."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access
from portal.forms.orders import RevokeForm, reason_words
from portal.pages import readable
from portal.pages.http import PageRequest, see_other
from portal.pages.orders import told_revoked
from vault.errors import NotAllowedNow
from vault.lifecycle import retiring, revoking
from vault.models import Version
from vault.providers.base import ProviderError


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
        "revocation": revocation(found),
        "nav": "vaults",
    }
    return TemplateResponse(request, "versions/detail.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def revoke(request: PageRequest, vault: str, name: str, version: str) -> HttpResponse:
    """Ask why, and have the CA revoke the version."""
    found = access.version_for(request, vault, name, version, may="certificates/delete")
    refusal = revoking.why_not(found)
    if refusal:
        raise NotAllowedNow(refusal)
    form = RevokeForm(request.POST if request.method == "POST" else None, name=found.certificate.name)
    if request.method == "POST" and form.is_valid() and _revoked(request, found, form):
        return see_other("versions:detail", found.certificate.vault.name, found.certificate.name, found.pk.hex)
    context = {
        "vault": found.certificate.vault,
        "certificate": found.certificate,
        "version": found,
        "is_current": found.pk == found.certificate.current_id,
        "issuer": found.operation.issuer_name,
        "form": form,
        "nav": "vaults",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "versions/revoke.html", context, status=status)


def _revoked(request: PageRequest, version: Version, form: RevokeForm) -> bool:
    """Have it revoked; False, with the CA's words on the form, when it could not be."""
    by = access.actor(request, "certificates/delete")
    try:
        told_revoked(request, revoking.revoke(version=version, by=by, **form.wish()))
    except ProviderError as error:
        form.add_error(None, f"Nothing was revoked: {error}")
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """Whether a version is revoked, why not if it cannot be, and what is known of it."""

    state: str
    why_not: str
    reason: str
    approver: str


def revocation(version: Version) -> Revocation:
    """How it stands with a version's revocation; two queries at most."""
    waits = version.revocation == Version.Revocation.REQUESTED
    return Revocation(
        state=version.revocation,
        why_not=revoking.why_not(version),
        reason=reason_words(version.revocation_reason),
        approver=version.operation.issuer_name if waits else "",
    )


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
