"""Certificates: lists, reading, changing, deleting, and their policies."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from portal import access
from portal.api import finding, paging, policies, wire
from portal.api.errors import ApiError
from portal.api.http import Answer, ApiRequest, endpoint
from portal.api.ids import Ids
from portal.api.models import bodies, replies
from portal.api.models.policy import CertificatePolicy
from portal.api.reading import body_of
from vault.errors import BadName, BadParameter, PolicyViolation
from vault.lifecycle import changing, retiring

if TYPE_CHECKING:
    from vault.models import Certificate, Version


@endpoint("certificates/list")
def index(request: ApiRequest) -> Answer:
    """List the certificates of the vault; those without a version only with `includePending=true`."""
    finding.require_somewhere(request)
    rows = access.visible_certificates(request, request.vault).live().light().select_related("current")
    if not paging.flag(request, "includePending"):
        rows = rows.filter(current__isnull=False)
    page, ids = paging.by_name(request, rows.defer("policy", *finding.HEAVY)), Ids.of(request)
    return replies.CertificateList(value=[wire.item(one, ids) for one in page.rows], next_link=page.next_link)


@endpoint("certificates/list")
def versions(request: ApiRequest, name: str) -> Answer:
    """List the versions of a certificate, oldest first."""
    certificate = finding.certificate_of(request, name)
    page = paging.by_number(request, certificate.versions.light())
    ids = Ids.of(request)
    return replies.CertificateList(
        value=[wire.version_item(one, certificate, ids) for one in page.rows], next_link=page.next_link
    )


@endpoint("certificates/get")
def detail(request: ApiRequest, name: str, version: str = "") -> Answer:
    """Read a certificate: its current version with policy and pending operation, or one version without."""
    if version:
        return wire.version_bundle(finding.version_of(request, name, version), Ids.of(request))
    return _latest(request, finding.certificate_of(request, name))


@endpoint("certificates/update", methods=("PATCH",))
def update(request: ApiRequest, name: str, version: str = "") -> Answer:
    """Enable or disable a version and replace its tags; without a version of the current one, and change its policy."""
    given = body_of(request, bodies.CertificateUpdateParameters)
    if version:
        found = finding.version_of(request, name, version)
        _change_version(request, found, given)
        return wire.version_bundle(found, Ids.of(request), pending=finding.has_operation(found.certificate))
    certificate = finding.certificate_of(request, name)
    if given.policy is not None:
        _change_policy(request, certificate, given.policy)
    if certificate.current is not None:
        certificate.current.certificate = certificate
        _change_version(request, certificate.current, given)
    else:
        _change_pending(request, certificate, given)
    return _latest(request, certificate)


@endpoint("certificates/delete", methods=("DELETE",))
def delete(request: ApiRequest, name: str) -> Answer:
    """Delete a certificate with all its versions; it can be recovered until its retention ends."""
    certificate = finding.certificate_of(request, name)
    retiring.delete_certificate(certificate=certificate, by=access.actor(request, request.verb))
    return wire.deleted_bundle(certificate, Ids.of(request), pending=finding.has_operation(certificate))


@endpoint("certificates/get")
def policy(request: ApiRequest, name: str) -> Answer:
    """Read the policy that rules the next version."""
    return policies.shown(finding.certificate_of(request, name), Ids.of(request))


@endpoint("certificates/update", methods=("PATCH",))
def update_policy(request: ApiRequest, name: str) -> Answer:
    """Merge what is given into the policy, deeply; issues nothing."""
    given = body_of(request, CertificatePolicy)
    certificate = finding.certificate_of(request, name)
    _change_policy(request, certificate, given)
    return policies.shown(certificate, Ids.of(request))


def _latest(request: ApiRequest, certificate: Certificate) -> Answer:
    return wire.bundle(certificate, Ids.of(request), pending=finding.has_operation(certificate))


def _change_policy(request: ApiRequest, certificate: Certificate, given: CertificatePolicy) -> None:
    by = access.actor(request, request.verb)
    try:
        changing.change_policy(certificate=certificate, policy=policies.patched(certificate.policy, given), by=by)
    except (PolicyViolation, BadName) as error:
        raise BadParameter(str(error), field="policy") from None


def _change_version(request: ApiRequest, version: Version, given: bodies.CertificateUpdateParameters) -> None:
    enabled = given.attributes.enabled if given.attributes else None
    changing.change_version(version=version, enabled=enabled, tags=given.tags, by=access.actor(request, request.verb))


def _change_pending(request: ApiRequest, certificate: Certificate, given: bodies.CertificateUpdateParameters) -> None:
    if given.attributes and given.attributes.enabled:
        message = "Operation update is not allowed on a pending certificate: it has no version to enable yet."
        raise ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message)
    if given.tags is not None:
        changing.change_tags(certificate=certificate, tags=given.tags, by=access.actor(request, request.verb))
