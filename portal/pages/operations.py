"""Requests: the list, one of them live, and what can be done with it."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_POST

from portal import access
from portal.pages import readable, stories
from portal.pages.certificates import submission_of
from portal.pages.http import PageRequest, attachment, see_other
from portal.pages.merges import merge
from portal.pages.paging import page
from portal.pages.standing import abilities, standing
from portal.pages.tabs import first_tab, vault_tabs
from vault.lifecycle import issuing, withdrawing
from vault.lifecycle.exporting import File
from vault.lifecycle.issuing import Order
from vault.lifecycle.orders import shortening_of
from vault.models import Operation
from vault.x509 import requests

__all__ = ["cancel", "csr_der", "csr_pem", "delete", "detail", "index", "merge", "progress", "retry"]

# What can be filtered by beside the status.
_WAITS: Final = {
    "waiting": "Needs signed certificate",
    "unclear": "Order unclear",
    "late": "Issued after its end",
}


@require_GET
@login_required
def index(request: PageRequest, vault: str) -> HttpResponse:
    """The vault's requests, newest first."""
    found = access.vault_for(request, vault, may="vaults/get")
    if "certificates/list" not in request.rights and not request.rights.sees_own_only:
        return redirect(first_tab(request.rights), found.name)
    rows = access.visible_operations(request, found).filter(certificate__deleted_at__isnull=True).light()
    filters = _filters(request)
    if filters["status"] == "waiting":
        rows = rows.waiting_for_merge()
    elif filters["status"] == "unclear":
        rows = rows.unclear()
    elif filters["status"] == "late":
        rows = rows.with_late_certificate()
    elif filters["status"]:
        rows = rows.filter(status=filters["status"])
    if filters["mine"]:
        rows = rows.filter(requested_by=request.user)
    rows = rows.select_related("certificate", "requested_by").defer("certificate__policy", "certificate__tags")
    shown = page(request, rows, by="-id")
    context = {
        "vault": found,
        "page": shown,
        "rows": [_row(operation) for operation in shown],
        "filters": filters,
        "statuses": [*_WAITS.items(), *Operation.Status.choices],
        "tabs": vault_tabs(request, found, "operations"),
        "nav": "vaults",
    }
    return TemplateResponse(request, "operations/index.html", context)


def _filters(request: PageRequest) -> dict[str, str]:
    status = request.GET.get("status", "")
    known = {*_WAITS, *Operation.Status.values}
    return {"status": status if status in known else "", "mine": "1" if request.GET.get("mine") == "1" else ""}


def _row(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation,
        "status": stories.status_of(operation),
        "issuer": readable.issuer_title(operation.issuer_name),
    }


@require_GET
@login_required
def detail(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """One request, live."""
    operation = access.operation_for(request, vault, request_id, may="certificates/get")
    shortened = shortening_of(operation)
    context = {
        **_live(request, operation),
        "csr": requests.csr_pem(bytes(operation.csr)),
        "csr_facts": requests.describe_csr(bytes(operation.csr)),
        "policy": readable.policy_rows(
            operation.policy,
            brought=operation.key_is_elsewhere,
            shortened=shortened.words if shortened else "",
        ),
        "nav": "vaults",
    }
    return TemplateResponse(request, "operations/detail.html", context)


@require_GET
@login_required
def progress(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """Answer the page's polling: 204 while it shows the latest change, else the piece again."""
    operation = access.operation_for(request, vault, request_id, may="certificates/get")
    if request.GET.get("seen") == str(operation.changes):
        return HttpResponse(status=204)
    return TemplateResponse(request, "operations/detail.html#live", _live(request, operation))


def _live(request: PageRequest, operation: Operation) -> dict[str, Any]:
    return {
        "vault": operation.vault,
        "certificate": operation.certificate,
        "operation": operation,
        "order": standing(operation, request.rights),
        "cancel_words": stories.cancel_words(operation, abilities(operation)) if operation.is_in_progress else "",
        "failure": stories.failure_title(operation),
        "status": stories.status_of(operation),
        "turn": stories.turn_of(operation, request.rights),
        "lines": stories.timeline(operation),
        "next_words": stories.next_words(operation),
        "advice": stories.advice(operation),
        "is_running": stories.is_running_by_itself(operation),
        "is_late": stories.is_late(operation),
        "issuer": readable.issuer_title(operation.issuer_name),
        "submission": uuid.uuid4().hex,
    }


@require_GET
@login_required
def csr_pem(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """The signing request as PEM."""
    operation = access.operation_for(request, vault, request_id, may="certificates/get")
    text = requests.csr_pem(bytes(operation.csr))
    name = f"{operation.certificate.name}.csr"
    return attachment(File(name=name, content_type="application/x-pem-file", content=text.encode()))


@require_GET
@login_required
def csr_der(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """The signing request as DER (RFC 5967)."""
    operation = access.operation_for(request, vault, request_id, may="certificates/get")
    name = f"{operation.certificate.name}.p10"
    return attachment(File(name=name, content_type="application/pkcs10", content=bytes(operation.csr)))


@require_POST
@login_required
def cancel(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """Withdraw a request."""
    operation = access.operation_for(request, vault, request_id, may="certificates/update")
    ended = withdrawing.cancel(operation=operation, by=access.actor(request, "certificates/update"))
    if ended:
        messages.success(request, f"The request for “{operation.certificate}” is cancelled.")
    else:
        messages.info(request, "The issuer is asked to stop. If it has issued already, you get the certificate.")
    return see_other("operations:detail", operation.vault.name, operation.request_id.hex)


@require_POST
@login_required
def delete(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """Take a request off the pages."""
    operation = access.operation_for(request, vault, request_id, may="certificates/delete")
    withdrawing.delete_operation(operation=operation, by=access.actor(request, "certificates/delete"))
    messages.success(request, f"The record of the request for “{operation.certificate}” is deleted.")
    return see_other("operations:index", operation.vault.name)


@require_POST
@login_required
def retry(request: PageRequest, vault: str, request_id: str) -> HttpResponse:
    """Ask again with the same answers."""
    earlier = access.operation_for(request, vault, request_id, may="certificates/create")
    order = Order(
        name=earlier.certificate.name,
        policy=earlier.policy,
        csr=bytes(earlier.csr) if earlier.key_is_elsewhere else b"",
        submission=submission_of(request),
        holder=earlier.certificate_id,
    )
    by = access.actor(request, "certificates/create")
    operation = issuing.request_certificate(vault=earlier.vault, order=order, by=by)
    return see_other("operations:detail", operation.vault.name, operation.request_id.hex)
