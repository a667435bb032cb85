"""A vault's certificates: the list, one certificate, and what can be done with it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access
from portal.forms.certificates import TagsForm
from portal.forms.texts import write_tags
from portal.pages import ahead, listing, readable, search, stories
from portal.pages.http import PageRequest, see_other
from portal.pages.paging import page
from portal.pages.tabs import first_tab, vault_tabs
from portal.rights import Rights
from vault.errors import BadParameter
from vault.lifecycle import changing, issuers, issuing, retiring
from vault.lifecycle.issuing import Order
from vault.models import Certificate, Operation, Vault, Version
from vault.models.certificate import CertificateQuerySet

SORTS = {"name": "name_key", "-name": "-name_key", "expires": "expires_at", "-expires": "-expires_at"}
MOST_LISTED = 50


@require_GET
@login_required
def index(request: PageRequest, vault: str) -> HttpResponse:
    """The vault's page: its certificates, searched, filtered and sorted as the address says."""
    found = access.vault_for(request, vault, may="vaults/get")
    if "certificates/list" not in request.rights and not request.rights.sees_own_only:
        return redirect(first_tab(request.rights), found.name)
    known = issuers.names(found)
    filters = _filters(request, known)
    shown = page(request, _listed(request, found, filters), by=SORTS[filters["sort"]])
    context = {
        "vault": found,
        "page": shown,
        "rows": listing.rows(shown),
        "filters": filters,
        "is_filtered": bool(filters["q"] or filters["state"] or filters["issuer"]),
        "states": search.STATES,
        "issuers": [(name, readable.issuer_title(name)) for name in known],
        "sort_urls": _sort_urls(request, filters["sort"]),
        "tabs": vault_tabs(request, found, "certificates"),
        "nav": "vaults",
    }
    return TemplateResponse(request, "certificates/index.html", context)


def _filters(request: PageRequest, known: Sequence[str]) -> dict[str, str]:
    state, issuer, sort = (request.GET.get(name, "") for name in ("state", "issuer", "sort"))
    return {
        "q": search.clean(request.GET.get("q", "")),
        "state": state if state in search.STATES else "",
        "issuer": issuer if issuer in known else "",
        "sort": sort if sort in SORTS else "name",
    }


def _listed(request: PageRequest, vault: Vault, filters: dict[str, str]) -> CertificateQuerySet:
    found = access.visible_certificates(request, vault).live()
    if filters["q"]:
        found = search.matching(found, filters["q"])
    if filters["issuer"]:
        found = found.filter(issuer_name=filters["issuer"])
    return listing.columns_only(search.in_state(found, filters["state"]))


def _sort_urls(request: PageRequest, now: str) -> dict[str, dict[str, str]]:
    """For each sortable column: the address that sorts by it, or turns it round, and how it is sorted now."""
    urls = {}
    for column in ("name", "expires"):
        query = request.GET.copy()
        query.pop("after", None)
        query["sort"] = f"-{column}" if now == column else column
        direction = {column: "ascending", f"-{column}": "descending"}.get(now, "")
        urls[column] = {"url": f"?{query.urlencode()}", "direction": direction}
    return urls


@require_GET
@login_required
def detail(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """One certificate: its current version, older ones, policy, requests and tags."""
    certificate = access.certificate_for(request, vault, name, may="certificates/get")
    current = certificate.current
    operations = list(_operations_of(certificate))
    brought = _key_is_elsewhere(current, operations)
    context = {
        **_progress(certificate, operations[0] if operations else None, request.rights),
        "version": current,
        "contents": readable.contents(current) if current else None,
        "ahead": ahead.of(certificate, operations, request.rights),
        "state": search.state_of(certificate),
        "versions": certificate.versions.light().order_by("-number")[:MOST_LISTED],
        "operations": [{"operation": one, "status": stories.status_of(one)} for one in operations],
        "policy": readable.policy_rows(certificate.policy, brought=brought),
        "brought": brought,
        "submission": uuid.uuid4().hex,
        "is_running": bool(operations and stories.is_running_by_itself(operations[0])),
        "nav": "vaults",
    }
    return TemplateResponse(request, "certificates/detail.html", context)


@require_GET
@login_required
def progress(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """Answer the page's polling: 204 while it shows the latest change, else the piece again."""
    certificate = access.certificate_for(request, vault, name, may="certificates/get")
    operation = _operations_of(certificate).first()
    seen = f"{operation}.{operation.changes}" if operation else ""
    if request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    context = _progress(certificate, operation, request.rights)
    return TemplateResponse(request, "certificates/detail.html#latest", context)


def _key_is_elsewhere(current: Version | None, operations: Sequence[Operation]) -> bool:
    """Whether the certificate lives of requests that people bring, so that no new version can be made without them."""
    if current is not None:
        return current.key_id is None
    return bool(operations) and operations[0].key_is_elsewhere


def _operations_of(certificate: Certificate) -> Any:
    mine = Operation.objects.filter(certificate=certificate, deleted_at__isnull=True)
    mine = mine.light().select_related("requested_by", "issuer").defer("issuer__secrets", "issuer__memory")
    return mine.order_by("-id")[:MOST_LISTED]


def _progress(certificate: Certificate, operation: Operation | None, rights: Rights) -> dict[str, Any]:
    if operation is not None:
        operation.certificate = certificate
    return {
        "certificate": certificate,
        "vault": certificate.vault,
        "operation": operation,
        "status": stories.status_of(operation) if operation else "",
        "turn": stories.turn_of(operation, rights) if operation else None,
    }


@require_POST
@login_required
def renew(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """Ask for a new version with the certificate's policy as it stands; where the key is elsewhere, for its request."""
    certificate = access.certificate_for(request, vault, name, may="certificates/create")
    if _key_is_elsewhere(certificate.current, _operations_of(certificate)[:1]):
        address = reverse("csrs:new", args=[certificate.vault.name])
        return see_other(f"{address}?certificate={certificate.name}")
    order = Order(
        name=certificate.name,
        policy=certificate.policy,
        submission=submission_of(request),
        reason=Operation.Reason.RENEWAL,
        holder=certificate.pk,
    )
    by = access.actor(request, "certificates/create")
    operation = issuing.request_certificate(vault=certificate.vault, order=order, by=by)
    return see_other("operations:detail", certificate.vault.name, operation.request_id.hex)


def submission_of(request: PageRequest) -> uuid.UUID | None:
    """The id that makes sending a form twice the same as sending it once; None when it is missing or damaged."""
    try:
        return uuid.UUID(hex=request.POST.get("submission", ""))
    except ValueError:
        return None


@require_http_methods(["GET", "POST"])
@login_required
def tags(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """Change a certificate's tags."""
    certificate = access.certificate_for(request, vault, name, may="certificates/update")
    form = TagsForm(request.POST or None, initial={"tags": write_tags(certificate.tags)})
    if request.method == "POST":
        form = TagsForm(request.POST)
        if form.is_valid() and _retag(request, certificate, form):
            messages.success(request, f"The tags of “{certificate}” are changed.")
            return see_other("certificates:detail", certificate.vault.name, certificate.name)
    context = {"certificate": certificate, "vault": certificate.vault, "form": form, "nav": "vaults"}
    return TemplateResponse(request, "certificates/tags.html", context, status=422 if form.errors else 200)


def _retag(request: PageRequest, certificate: Certificate, form: TagsForm) -> bool:
    try:
        by = access.actor(request, "certificates/update")
        changing.change_tags(certificate=certificate, tags=form.cleaned_data["tags"], by=by)
    except BadParameter as error:
        form.add_error("tags", str(error))
        return False
    return True


@require_http_methods(["GET", "POST"])
@login_required
def delete(request: PageRequest, vault: str, name: str) -> HttpResponse:
    """Say what deleting does, and do it."""
    certificate = access.certificate_for(request, vault, name, may="certificates/delete")
    if request.method == "POST":
        retiring.delete_certificate(certificate=certificate, by=access.actor(request, "certificates/delete"))
        messages.success(request, f"“{certificate}” is deleted. It can be recovered until its retention ends.")
        return see_other("deleted:index", certificate.vault.name)
    running = Operation.objects.in_progress().filter(certificate=certificate).exists()
    context = {"certificate": certificate, "vault": certificate.vault, "is_running": running, "nav": "vaults"}
    return TemplateResponse(request, "certificates/delete.html", context)
