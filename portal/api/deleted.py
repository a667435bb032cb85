"""Deleted certificates: lists, reading, recovering, purging."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse

from portal import access
from portal.api import finding, paging, wire
from portal.api.http import Answer, ApiRequest, endpoint
from portal.api.ids import Ids
from portal.api.models import replies
from vault.lifecycle import retiring


@endpoint("certificates/list")
def index(request: ApiRequest) -> Answer:
    """List the deleted certificates of the vault; those without a version only with `includePending=true`."""
    finding.require_somewhere(request)
    rows = access.visible_certificates(request, request.vault).deleted().select_related("current")
    if not paging.flag(request, "includePending"):
        rows = rows.filter(current__isnull=False)
    page, ids = paging.by_name(request, rows.defer("policy", *finding.HEAVY)), Ids.of(request)
    return replies.DeletedCertificateList(
        value=[wire.deleted_item(one, ids) for one in page.rows], next_link=page.next_link
    )


@endpoint("certificates/get")
def detail(request: ApiRequest, name: str) -> Answer:
    """Read a deleted certificate."""
    certificate = finding.certificate_of(request, name, deleted=True)
    return wire.deleted_bundle(certificate, Ids.of(request), pending=finding.has_operation(certificate))


@endpoint("certificates/recover", methods=("POST",))
def recover(request: ApiRequest, name: str) -> Answer:
    """Bring a deleted certificate back with all its versions."""
    certificate = finding.certificate_of(request, name, deleted=True)
    retiring.recover_certificate(certificate=certificate, by=access.actor(request, request.verb))
    return wire.bundle(certificate, Ids.of(request), pending=finding.has_operation(certificate))


@endpoint("certificates/purge", methods=("DELETE",))
def purge(request: ApiRequest, name: str) -> Answer:
    """Remove a deleted certificate with its keys, for good."""
    certificate = finding.certificate_of(request, name, deleted=True)
    retiring.purge_certificate(certificate=certificate, by=access.actor(request, request.verb))
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
