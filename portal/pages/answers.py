"""“I have a certificate”: which request, in all the vaults of a person, does it answer?"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from portal.forms.answers import AnswerForm
from portal.pages import fits
from portal.pages.failures import status_of
from portal.pages.http import PageRequest
from vault.errors import BadParameter, KeyExposed, TooMany
from vault.lifecycle import merging


@require_http_methods(["GET", "POST"])
@login_required
def new(request: PageRequest) -> HttpResponse:
    """Read what a person has and say what it fits. Nothing is stored here: merging is the request's own page's work."""
    if request.method != "POST":
        return _page(request, AnswerForm())
    form = AnswerForm(request.POST, request.FILES)
    if not form.is_valid():
        form.keep()
        return _page(request, form)
    try:
        finding = fits.find(request, merging.certificates_in(form.read()))
    except (BadParameter, TooMany) as refusal:
        form.refuse(refusal)
        return _page(request, form, status=status_of(refusal), is_exposed=isinstance(refusal, KeyExposed))
    context = {"finding": finding, "nav": "answers"}
    return TemplateResponse(request, "answers/found.html", context)


def _page(
    request: PageRequest, form: AnswerForm, *, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY, **more: Any
) -> HttpResponse:
    context = {**more, "form": form, "nav": "answers"}
    return TemplateResponse(request, "answers/new.html", context, status=status if form.is_bound else HTTPStatus.OK)
