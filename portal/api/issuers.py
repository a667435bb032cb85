"""Registered issuers. A vault has none yet: Self and Unknown always exist and are not listed."""

from __future__ import annotations

from http import HTTPStatus

from portal.api import finding, paging
from portal.api.errors import ApiError
from portal.api.http import Answer, ApiRequest, endpoint
from portal.api.models import bodies, replies
from portal.api.reading import body_of


@endpoint("certificates/listissuers")
def index(request: ApiRequest) -> Answer:
    """List the registered issuers."""
    finding.require(request)
    paging.check(request)
    return replies.IssuerList(value=[])


@endpoint("certificates/getissuers")
def detail(request: ApiRequest, name: str) -> Answer:
    """Read one issuer."""
    return _missing(request, name)


@endpoint("certificates/setissuers", methods=("PUT",))
def replace(request: ApiRequest, name: str) -> Answer:
    """Register an issuer: refused, for nothing here could order from it."""
    finding.require(request)
    finding.check_name(name)
    body_of(request, bodies.IssuerGiven)
    message = (
        f"Issuer {name} cannot be registered: this portal does not speak to CAs yet. Create certificates with issuer "
        "Unknown, have the CA sign the request, and merge its answer."
    )
    raise ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, inner="IssuersNotAvailable")


@endpoint("certificates/setissuers", methods=("PATCH",))
def update(request: ApiRequest, name: str) -> Answer:
    """Change an issuer."""
    return _missing(request, name)


@endpoint("certificates/deleteissuers", methods=("DELETE",))
def delete(request: ApiRequest, name: str) -> Answer:
    """Remove an issuer."""
    return _missing(request, name)


def _missing(request: ApiRequest, name: str) -> Answer:
    finding.require(request)
    finding.check_name(name)
    raise ApiError(HTTPStatus.NOT_FOUND, "CertificateIssuerNotFound", "Issuer not found")
