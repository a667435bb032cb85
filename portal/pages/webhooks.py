"""A vault's webhooks: where its events go, and what became of each."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access, rates
from portal.forms.webhooks import WebhookForm
from portal.pages import paging
from portal.pages.http import PageRequest, see_other
from portal.pages.tabs import vault_tabs
from vault.errors import BadParameter, NotAllowedNow, TooMany
from vault.lifecycle import publishing, webhooks
from vault.models import Delivery, EventKind, Vault, Webhook

_RIGHT: Final = "vaults/update"
# Tests of one vault in a minute.
TESTS, WINDOW = 10, 60


@require_GET
@login_required
def index(request: PageRequest, vault: str) -> HttpResponse:
    """The webhooks of a vault."""
    found = access.vault_for(request, vault, may=_RIGHT)
    rows = found.webhooks.defer("secret").order_by("name", "id")
    return _page(request, "webhooks/index.html", found, rows=rows, most=webhooks.MOST_IN_VAULT)


@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add(request: PageRequest, vault: str) -> HttpResponse:
    """Add a webhook. Its secret is shown in the answer to the POST itself: a redirect would have to keep it."""
    found = access.vault_for(request, vault, may=_RIGHT)
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            by = access.actor(request, _RIGHT)
            webhook, secret = webhooks.add_webhook(vault=found, **form.cleaned_data, by=by)
        except (BadParameter, TooMany) as error:
            form.refuse(error)
        else:
            return _page(request, "webhooks/secret.html", found, webhook=webhook, secret=secret)
    return _form(request, found, form)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: PageRequest, vault: str, webhook: str) -> HttpResponse:
    """Change where events go, and which."""
    found = access.vault_for(request, vault, may=_RIGHT)
    one = _webhook(found, webhook)
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=WebhookForm.initial_of(one))
    if form.is_valid():
        try:
            by = access.actor(request, _RIGHT)
            webhooks.change_webhook(webhook=one, **form.cleaned_data, enabled=one.enabled, by=by)
        except (BadParameter, NotAllowedNow) as error:
            form.refuse(error)
        else:
            messages.success(request, f"“{one}” is changed.")
            return see_other("webhooks:detail", found.name, one.id.hex)
    return _form(request, found, form, webhook=one)


@require_GET
@login_required
def detail(request: PageRequest, vault: str, webhook: str) -> HttpResponse:
    """A webhook, and its events, newest first."""
    found = access.vault_for(request, vault, may=_RIGHT)
    one = _webhook(found, webhook)
    page = paging.page(request, one.deliveries.defer("payload"), by="-created_at")
    kinds = [EventKind(kind).label for kind in one.events]
    return _page(request, "webhooks/detail.html", found, webhook=one, page=page, kinds=kinds)


@require_POST
@login_required
def switch(request: PageRequest, vault: str, webhook: str) -> HttpResponse:
    """Switch it off, or on again."""
    found = access.vault_for(request, vault, may=_RIGHT)
    one = _webhook(found, webhook)
    on, by = request.POST.get("enabled") == "yes", access.actor(request, _RIGHT)
    webhooks.change_webhook(webhook=one, name=one.name, url=one.url, events=one.events, enabled=on, by=by)
    messages.success(request, f"“{one}” is {'on again' if on else 'off; nothing is sent to it'}.")
    return see_other("webhooks:detail", found.name, one.id.hex)


@sensitive_variables("secret")
@require_POST
@login_required
def secret(request: PageRequest, vault: str, webhook: str) -> HttpResponse:
    """Replace the secret, and show the new one this once."""
    found = access.vault_for(request, vault, may=_RIGHT)
    one = _webhook(found, webhook)
    text = webhooks.new_secret(webhook=one, by=access.actor(request, _RIGHT))
    return _page(request, "webhooks/secret.html", found, webhook=one, secret=text)


@require_POST
@login_required
def test(request: PageRequest, vault: str, webhook: str) -> HttpResponse:
    """Send an event that says it is a test, and say how that went."""
    found = access.vault_for(request, vault, may=_RIGHT)
    one = _webhook(found, webhook)
    full, seconds = rates.shared().take([(f"webhook tests/vault/{found.pk}", TESTS)], window=WINDOW)
    if full is not None:
        messages.error(request, f"These are many tests in a short time. Test again in {seconds} seconds.")
        return see_other("webhooks:detail", found.name, one.id.hex)
    sent = publishing.send_test(webhook=one, by=access.actor(request, _RIGHT))
    if sent.state == Delivery.State.DELIVERED:
        messages.success(request, f"“{one}” took the test (HTTP {sent.status}, {sent.took_ms} ms).")
    else:
        status = f"HTTP {sent.status}" if sent.status else "no answer"
        messages.error(request, f"“{one}” did not take the test: {status}. {sent.said}"[:500])
    return see_other("webhooks:detail", found.name, one.id.hex)


@require_POST
@login_required
def again(request: PageRequest, vault: str, webhook: str, delivery: str) -> HttpResponse:
    """Send one event once more."""
    found = access.vault_for(request, vault, may=_RIGHT)
    one = _webhook(found, webhook)
    sent = one.deliveries.select_related("webhook__vault").filter(pk=uuid.UUID(hex=delivery)).first()
    if sent is None:
        raise Http404("There is no such event.")
    if publishing.send_again(delivery=sent, by=access.actor(request, _RIGHT)):
        messages.success(request, "The event is sent once more, within seconds.")
    return see_other("webhooks:detail", found.name, one.id.hex)


@require_POST
@login_required
def remove(request: PageRequest, vault: str, webhook: str) -> HttpResponse:
    """Remove a webhook with its history."""
    found = access.vault_for(request, vault, may=_RIGHT)
    one = _webhook(found, webhook)
    webhooks.remove_webhook(webhook=one, by=access.actor(request, _RIGHT))
    messages.success(request, f"“{one}” is removed.")
    return see_other("webhooks:index", found.name)


def _webhook(vault: Vault, given: str) -> Webhook:
    found = vault.webhooks.select_related("vault").filter(pk=uuid.UUID(hex=given)).first()
    if found is None:
        raise Http404("There is no such webhook.")
    return found


def _form(request: PageRequest, vault: Vault, form: WebhookForm, *, webhook: Webhook | None = None) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return _page(request, "webhooks/edit.html", vault, status=status, form=form, webhook=webhook)


def _page(
    request: PageRequest, template: str, vault: Vault, *, status: HTTPStatus = HTTPStatus.OK, **context: Any
) -> HttpResponse:
    facts = {"nav": "vaults", "vault": vault, "tabs": vault_tabs(request, vault, "settings"), **context}
    return TemplateResponse(request, template, facts, status=status)
