"""The policy of a certificate: what rules its next version."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from portal import access
from portal.forms.policy import PolicyForm
from portal.pages import http
from portal.pages.http import PageRequest
from portal.pages.verdicts import UNUSED_USAGES
from vault.errors import BadParameter
from vault.lifecycle import changing
from vault.models import Certificate


@require_http_methods(["GET", "POST"])
@login_required
def edit(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """Change the policy; issues nothing."""
    certificate = access.certificate_for(request, vault, name, may="certificates/update")
    data = request.POST if request.method == "POST" else None
    form = _form(certificate, data)
    if request.method == "POST" and form.is_valid() and _changed(request, certificate, form):
        messages.success(request, f"The policy of “{certificate}” is changed. It rules the next version.")
        if form.shortened:
            messages.info(request, f"Today its validity would be {form.shortened.words}.")
        if form.has_unused_usages:
            messages.warning(request, UNUSED_USAGES)
        return http.see_other("certificates:detail", certificate.vault.name, certificate.name)
    return _page(request, certificate, form)


@require_POST
@login_required
def field(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """Judge one field while the form is being filled in."""
    certificate = access.certificate_for(request, vault, name, may="certificates/update")
    form = _form(certificate, request.POST)
    if http.field_of(request) == "validity":
        form.full_clean()
        return render(request, "policies/shortened.html", {"form": form})
    return http.field_answer(request, form)


def _form(certificate: Certificate, data: QueryDict | None) -> PolicyForm:
    brought = changing.key_is_elsewhere(certificate)
    return PolicyForm(data, vault=certificate.vault, base=certificate.policy, brought=brought)


def _changed(request: PageRequest, certificate: Certificate, form: PolicyForm) -> bool:
    """Change the policy; False, with the reason on the form, when the vault refuses."""
    try:
        by = access.actor(request, "certificates/update")
        changing.change_policy(certificate=certificate, policy=form.policy(), by=by)
    except BadParameter as error:
        form.refuse(error)
        return False
    return True


def _page(request: PageRequest, certificate: Certificate, form: PolicyForm) -> HttpResponse:
    context = {
        "vault": certificate.vault,
        "certificate": certificate,
        "form": form,
        "check_url": reverse("policies:field", args=[certificate.vault.name, certificate.name]),
        "nav": "vaults",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "policies/edit.html", context, status=status)
