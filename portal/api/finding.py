"""How a view comes by its object, through `access`; in the key vault's words when there is none."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from portal import access
from portal.api.errors import ApiError
from portal.api.http import ApiRequest
from vault.models import Certificate, Operation, Version
from vault.models.certificate import NAME
from vault.x509.visible import shown

# Columns of versions that lists do not need.
HEAVY: Final = ("current__der", "current__chain", "current__secret", "current__notes")
_VERSION: Final = re.compile(r"[0-9a-f]{32}\Z")


def certificate_of(request: ApiRequest, name: str, *, deleted: bool = False, light: bool = False) -> Certificate:
    """The live (or deleted) certificate that a request is about, if its person may do what the endpoint needs."""
    check_name(name)
    return access.certificate_for(request, request.vault.name, name, may=request.verb, deleted=deleted, light=light)


def version_of(request: ApiRequest, name: str, version: str) -> Version:
    """One version, the current one when `version` is empty; there is none while the first is pending."""
    if version:
        check_name(name)
        _check_version(version)
        return access.version_for(request, request.vault.name, name, version, may=request.verb)
    certificate = certificate_of(request, name)
    if certificate.current is None:
        raise access.NotFound("certificate", name)
    certificate.current.certificate = certificate
    return certificate.current


def operation_of(certificate: Certificate, *, request_id: str | None = None) -> Operation:
    """The certificate's latest operation; a deleted one is gone, and older ones do not come back for it.

    Raises NotFound, also when `request_id` is given and another's.
    """
    latest = Operation.objects.filter(certificate=certificate).order_by("-id").first()
    is_other = request_id is not None and latest is not None and latest.request_id.hex != request_id.lower()
    if latest is None or latest.deleted_at is not None or is_other:
        raise access.NotFound("operation", certificate.name)
    latest.certificate, latest.vault = certificate, certificate.vault
    return latest


def has_operation(certificate: Certificate) -> bool:
    """Whether there is a latest operation to look at."""
    latest = Operation.objects.filter(certificate=certificate).order_by("-id").values_list("deleted_at", flat=True)[:1]
    return list(latest) == [None]


def require(request: ApiRequest) -> None:
    """Refuse whoever may not do in the vault what the endpoint needs. Raises Refused."""
    access.vault_for(request, request.vault.name, may=request.verb)


def require_somewhere(request: ApiRequest) -> None:
    """Refuse whoever may do it to no certificate at all; lists then hold what the person may see. Raises Refused."""
    if not request.rights.could(request.verb):
        require(request)


def check_name(name: str) -> None:
    """Refuse what cannot be a certificate's name. Raises ApiError."""
    if not NAME.match(name):
        raise _bad_address("name", name)


def _check_version(version: str) -> None:
    if not _VERSION.match(version):
        raise _bad_address("version", version)


def _bad_address(what: str, given: str) -> ApiError:
    message = f"The request URI contains an invalid {what}: {shown(given)}"
    return ApiError(HTTPStatus.BAD_REQUEST, "BadParameter", message)
