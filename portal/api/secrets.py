"""Secrets: each version's PFX or PEM with the private key, and the lists of them."""

from __future__ import annotations

from http import HTTPStatus

from portal import access
from portal.api import finding, paging, wire
from portal.api.encoding import base64_of
from portal.api.errors import ApiError
from portal.api.http import Answer, ApiRequest, endpoint
from portal.api.ids import Ids
from portal.api.models import replies
from vault.errors import BadParameter
from vault.lifecycle import revealing
from vault.models import Version
from vault.models.policy import PEM_FILE, PKCS12
from vault.x509.visible import shown


@endpoint("secrets/get")
def detail(request: ApiRequest, name: str, version: str = "") -> Answer:
    """Read the secret of a version, in the form it is kept in, or as PEM with `outContentType`."""
    wanted = request.GET.get("outContentType")
    found = finding.version_of(request, name, version)
    if found.key_id is None:
        raise access.NotFound("certificate", name)
    if not found.enabled:
        message = "Operation get is not allowed on a disabled secret."
        raise ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, inner="SecretDisabled")
    form = _form(found, wanted)
    value = revealing.secret_value(found, by=access.actor(request, request.verb), content_type=form)
    ids, title = Ids.of(request), found.certificate.name
    return replies.SecretBundle(
        value=value.decode() if form == PEM_FILE else base64_of(value),
        content_type=form,
        id=ids.secret(title, found),
        attributes=wire.attributes(found, found.certificate.vault),
        kid=ids.key(title, found),
        tags=found.tags or None,
        previous_version=_previous(found),
    )


@endpoint("secrets/list")
def index(request: ApiRequest) -> Answer:
    """List the secrets of the vault: one for each certificate that has a version with its key."""
    finding.require_somewhere(request)
    rows = access.visible_certificates(request, request.vault).live().filter(current__key__isnull=False)
    rows = rows.select_related("current").defer("policy", *finding.HEAVY)
    page, ids = paging.by_name(request, rows), Ids.of(request)
    found = [(one.current, ids.secret(one.name)) for one in page.rows if one.current is not None]
    return replies.SecretList(value=[_item(version, id_) for version, id_ in found], next_link=page.next_link)


@endpoint("secrets/list")
def versions(request: ApiRequest, name: str) -> Answer:
    """List the secrets of a certificate's versions, oldest first."""
    certificate = finding.certificate_of(request, name)
    page = paging.by_number(request, certificate.versions.light().filter(key__isnull=False))
    ids = Ids.of(request)
    found = [_item(version, ids.secret(certificate.name, version)) for version in page.rows]
    return replies.SecretList(value=found, next_link=page.next_link)


def _item(version: Version, id_: str) -> replies.SecretItem:
    return replies.SecretItem(
        id=id_, content_type=version.content_type, attributes=wire.attributes(version), tags=version.tags or None
    )


def _form(version: Version, wanted: str | None) -> str:
    """The content type to answer with. Raises BadParameter: the only conversion is from PFX to PEM."""
    if wanted in {None, version.content_type}:
        return version.content_type
    if (version.content_type, wanted) == (PKCS12, PEM_FILE):
        return PEM_FILE
    message = (
        f"A secret of type {version.content_type} cannot be sent as “{shown(wanted or '')}”. Only PFX becomes PEM."
    )
    raise BadParameter(message, field="outContentType")


def _previous(version: Version) -> str | None:
    """The version before this one, if there is one."""
    if version.number == 1:
        return None
    earlier = version.certificate.versions.filter(number__lt=version.number).order_by("-number")
    found = earlier.values_list("pk", flat=True).first()
    return found.hex if found else None
