"""Who answers for a certificate."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from portal import access, memberships
from portal.forms.choosing import MOST
from portal.forms.owners import OwnersForm
from portal.models import User
from portal.pages.http import PageRequest, see_other
from vault.errors import BadParameter
from vault.lifecycle import changing
from vault.models import Certificate


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """Choose owner and deputy among the vault's members."""
    certificate = access.certificate_for(request, vault, name, may="certificates/update")
    people = list(memberships.people_of(certificate.vault)[:MOST])
    initial = {"owner": certificate.owner_id, "deputy": certificate.deputy_id}
    form = OwnersForm(request.POST if request.method == "POST" else None, initial=initial, people=people)
    if form.is_valid() and _change(request, certificate, form):
        return _leave(request, certificate)
    context = {
        "nav": "vaults",
        "vault": certificate.vault,
        "certificate": certificate,
        "form": form,
        "gone": [person for person in (certificate.owner, certificate.deputy) if person and person not in people],
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "owners/change.html", context, status=status)


def _change(request: PageRequest, certificate: Certificate, form: OwnersForm) -> bool:
    owner: User | None = form.cleaned_data["owner"]
    deputy: User | None = form.cleaned_data["deputy"]
    try:
        by = access.actor(request, "certificates/update")
        changing.change_people(certificate=certificate, owner=owner, deputy=deputy, by=by)
    except BadParameter as error:
        form.refuse(error)
        return False
    who = owner.title if owner else "Nobody"
    messages.success(request, f"{who} answers for “{certificate}” now.")
    return True


def _leave(request: PageRequest, certificate: Certificate) -> HttpResponse:
    """To the certificate; to the vault for a requester who gave it away, and does not see it any more."""
    vault = access.enter(request, certificate.vault.name)
    sees_it = access.visible_certificates(request, vault).filter(pk=certificate.pk).exists()
    if sees_it:
        return see_other("certificates:detail", certificate.vault.name, certificate.name)
    return see_other("certificates:index", certificate.vault.name)
