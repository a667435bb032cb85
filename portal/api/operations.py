"""Creating a certificate, and what becomes of it: poll, cancel, delete, merge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpResponse

from portal import access
from portal.api import finding, policies, wire
from portal.api.errors import ApiError
from portal.api.http import Answer, ApiRequest, endpoint, respond
from portal.api.ids import Ids
from portal.api.models import bodies
from portal.api.reading import body_of
from vault.errors import (
    BadCertificate,
    BadName,
    BadParameter,
    NameTaken,
    NotAllowedNow,
    OperationClosed,
    PolicyViolation,
    UnreadableFile,
)
from vault.lifecycle import changing, issuing, merging, withdrawing
from vault.lifecycle.issuing import Order
from vault.lifecycle.merging import AnotherRequest
from vault.models import Certificate, Operation, Version
from vault.models.policy import Policy
from vault.x509 import parsing
from vault.x509.found import Found, Upload

RUNNING: Final = (
    "A new key vault certificate can not be created or imported while a pending key vault certificate's status is "
    "inProgress."
)
_DELETED: Final = (
    "Certificate {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, "
    "the certificate can only be recovered or purged."
)
_OTHER_KEY: Final = (
    "The public key of the end-entity certificate in the specified X.509 certificate content does not match the public "
    "part of the specified private key. Please check if certificate is valid."
)


@endpoint("certificates/create", methods=("POST",), makes_key=True)
def create(request: ApiRequest, name: str) -> Answer:
    """Begin issuing a new version; the operation that is answered carries the signing request already."""
    finding.check_name(name)
    finding.require(request)
    given = body_of(request, bodies.CertificateCreateParameters)
    try:
        operation = _begin(request, name, given)
    except NameTaken as error:
        raise taken(name, error) from None
    except NotAllowedNow:
        raise ApiError(HTTPStatus.CONFLICT, "Conflict", RUNNING) from None
    except (PolicyViolation, BadName) as error:
        raise BadParameter(str(error), field="policy" if error.field != "name" else "name") from None
    ids = Ids.of(request)
    version = request.GET.get("api-version", "")
    place = f"{ids.pending(operation.certificate.name)}?api-version={version}&request_id={operation.request_id.hex}"
    headers = {"Location": place, **wire.RETRY}
    return respond(wire.operation(operation, ids), status=HTTPStatus.ACCEPTED, headers=headers)


@endpoint("certificates/get")
def detail(request: ApiRequest, name: str) -> Answer:
    """Read the latest operation."""
    return _shown(request, _latest(request, name, light=True))


@endpoint("certificates/update", methods=("PATCH",))
def cancel(request: ApiRequest, name: str) -> Answer:
    """Ask for the operation to be cancelled."""
    if not body_of(request, bodies.CertificateOperationUpdateParameter).cancellation_requested:
        raise BadParameter("A cancellation cannot be taken back. Send true.", field="cancellation_requested")
    operation = _latest(request, name)
    try:
        withdrawing.cancel(operation=operation, by=access.actor(request, request.verb))
    except OperationClosed:
        message = "Pending status must be in progress to allow update."
        raise ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message) from None
    return _shown(request, operation)


@endpoint("certificates/delete", methods=("DELETE",))
def delete(request: ApiRequest, name: str) -> Answer:
    """Make the operation disappear; what it issued stays. Answers with the operation as it was."""
    operation = _latest(request, name)
    answer = wire.operation(operation, Ids.of(request))
    withdrawing.delete_operation(operation=operation, by=access.actor(request, request.verb))
    return answer


@endpoint("certificates/create", methods=("POST",))
def merge(request: ApiRequest, name: str) -> Answer:
    """Complete the operation with the certificate that a CA signed, with or without its chain."""
    given = body_of(request, bodies.CertificateMergeParameters)
    operation = _latest(request, name)
    version = _merged(operation, given.x5c, request)
    enabled = given.attributes.enabled if given.attributes else None
    changing.change_version(version=version, enabled=enabled, tags=given.tags, by=access.actor(request, request.verb))
    ids = Ids.of(request)
    headers = {"Location": ids.certificate(version.certificate.name, version)}
    return respond(wire.bundle(version.certificate, ids, pending=True), status=HTTPStatus.CREATED, headers=headers)


def _latest(request: ApiRequest, name: str, *, light: bool = False) -> Operation:
    try:
        certificate = finding.certificate_of(request, name, light=light)
    except access.NotFound:
        raise access.NotFound("operation", name) from None
    return finding.operation_of(certificate, request_id=request.GET.get("request_id"))


def _shown(request: ApiRequest, operation: Operation) -> HttpResponse:
    headers = wire.RETRY if operation.is_in_progress else {}
    return respond(wire.operation(operation, Ids.of(request)), headers=headers)


# ---------------------------------------------------------------------- create
def _begin(request: ApiRequest, name: str, given: bodies.CertificateCreateParameters) -> Operation:
    holder = access.certificate_to_issue(request, request.vault, name)
    order = Order(
        name=holder.name if holder else name,
        policy=_policy(given, holder, name),
        tags=given.tags or {},
        holder=holder.pk if holder else 0,
        enabled=given.attributes is None or given.attributes.enabled is not False,
        preserve_order=bool(given.preserve_cert_order),
        grace=timedelta(seconds=settings.API_GRACE),
    )
    return issuing.request_certificate(vault=request.vault, order=order, by=access.actor(request, request.verb))


def _policy(given: bodies.CertificateCreateParameters, holder: Certificate | None, name: str) -> Policy:
    if given.policy is not None:
        return policies.asked(given.policy, name=name)
    if holder is None:
        raise BadParameter("A new certificate needs a policy with a subject or a name.", field="policy")
    current: Policy = holder.policy
    return current


def taken(name: str, error: NameTaken) -> ApiError:
    """A name that is held by another certificate, or by a deleted one, in the key vault's words."""
    if error.recoverable:
        message = _DELETED.format(name=name)
        return ApiError(HTTPStatus.CONFLICT, "Conflict", message, inner="ObjectIsDeletedButRecoverable")
    return ApiError(HTTPStatus.CONFLICT, "Conflict", str(error))


# ----------------------------------------------------------------------- merge
def _merged(operation: Operation, x5c: Sequence[str], request: ApiRequest) -> Version:
    if operation.is_in_progress and not operation.can_be_merged:
        issuer = operation.issuer_name
        message = f"Merge is forbidden on pending object created with issuer : {issuer} while it is in progess."
        raise ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message)
    by = access.actor(request, request.verb)
    try:
        return merging.merge(operation=operation, found=_read(x5c), by=by, confirmed=merging.ANY)
    except UnreadableFile as error:
        raise BadParameter(f"X5C must has at least one valid item. {error}", field="x5c") from None
    except AnotherRequest as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "BadParameter", f"{_OTHER_KEY} {error}") from None
    except BadCertificate as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "BadParameter", str(error)) from None


def _read(x5c: Sequence[str]) -> Found:
    """Everything in the items: base64 of DER or PEM, or base64 of that, as clients send it."""
    if not any(item.strip() for item in x5c):
        raise BadParameter("X5C must has at least one valid item", field="x5c")
    return parsing.read_files([Upload(name=f"x5c {number}", content=item.encode()) for number, item in enumerate(x5c)])
