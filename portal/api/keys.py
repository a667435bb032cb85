"""Keys: the public part of each version's key, lists of them, and what the private part does where it is."""

from __future__ import annotations

from http import HTTPStatus

from portal import access
from portal.api import finding, paging, wire
from portal.api.encoding import base64url_of, octets_of_base64url
from portal.api.errors import ApiError
from portal.api.http import Answer, ApiRequest, endpoint
from portal.api.ids import Ids
from portal.api.models import bodies, replies
from portal.api.reading import body_of
from vault.lifecycle import using
from vault.models import Version
from vault.x509.jwk import key_operations, public_jwk


@endpoint("keys/get")
def detail(request: ApiRequest, name: str, version: str = "") -> Answer:
    """Read the public key of a version."""
    found = _version(request, name, version)
    der, title = bytes(found.der), found.certificate.name
    jwk = public_jwk(der)
    if not jwk:
        raise access.NotFound("certificate", name)
    kid = Ids.of(request).key(title, found)
    return replies.KeyBundle(
        key=replies.JsonWebKey(kid=kid, key_ops=list(key_operations(der)), **jwk),
        attributes=wire.attributes(found, found.certificate.vault),
        tags=found.tags or None,
    )


@endpoint("keys/list")
def index(request: ApiRequest) -> Answer:
    """List the keys of the vault: one for each certificate that has a version with its key."""
    finding.require_somewhere(request)
    rows = access.visible_certificates(request, request.vault).live().filter(current__key__isnull=False)
    rows = rows.select_related("current").defer("policy", *finding.HEAVY)
    page, ids = paging.by_name(request, rows), Ids.of(request)
    found = [(one.current, ids.key(one.name)) for one in page.rows if one.current is not None]
    return replies.KeyList(value=[_item(version, kid) for version, kid in found], next_link=page.next_link)


@endpoint("keys/list")
def versions(request: ApiRequest, name: str) -> Answer:
    """List the keys of a certificate's versions, oldest first."""
    certificate = finding.certificate_of(request, name)
    page = paging.by_number(request, certificate.versions.light().filter(key__isnull=False))
    ids = Ids.of(request)
    found = [_item(version, ids.key(certificate.name, version)) for version in page.rows]
    return replies.KeyList(value=found, next_link=page.next_link)


@endpoint("keys/sign", methods=("POST",))
def sign(request: ApiRequest, name: str, version: str = "") -> Answer:
    """Sign a digest."""
    given = body_of(request, bodies.KeyOperationParameters)
    found = _usable(request, name, version, "sign")
    digest = octets_of_base64url(given.value, field="value")
    return _result(request, found, using.sign(found, given.alg, digest, by=access.actor(request, request.verb)))


@endpoint("keys/verify", methods=("POST",))
def verify(request: ApiRequest, name: str, version: str = "") -> Answer:
    """Say whether a signature fits a digest."""
    given = body_of(request, bodies.KeyVerifyParameters)
    found = _usable(request, name, version, "verify")
    digest = octets_of_base64url(given.digest, field="digest")
    signature = octets_of_base64url(given.value, field="value")
    return replies.KeyVerifyResult(value=using.verify(found, given.alg, digest, signature))


@endpoint("keys/encrypt", methods=("POST",))
def encrypt(request: ApiRequest, name: str, version: str = "") -> Answer:
    """Encrypt a short value."""
    return _encrypted(request, name, version, "encrypt")


@endpoint("keys/wrapkey", methods=("POST",))
def wrapkey(request: ApiRequest, name: str, version: str = "") -> Answer:
    """Encrypt a key."""
    return _encrypted(request, name, version, "wrapKey")


@endpoint("keys/decrypt", methods=("POST",))
def decrypt(request: ApiRequest, name: str, version: str = "") -> Answer:
    """Decrypt a short value."""
    return _decrypted(request, name, version, "decrypt")


@endpoint("keys/unwrapkey", methods=("POST",))
def unwrapkey(request: ApiRequest, name: str, version: str = "") -> Answer:
    """Decrypt a key."""
    return _decrypted(request, name, version, "unwrapKey")


def _encrypted(request: ApiRequest, name: str, version: str, operation: str) -> Answer:
    given = body_of(request, bodies.KeyOperationParameters)
    found = _usable(request, name, version, operation)
    value = octets_of_base64url(given.value, field="value")
    return _result(request, found, using.encrypt(found, given.alg, value, operation=operation))


def _decrypted(request: ApiRequest, name: str, version: str, operation: str) -> Answer:
    given = body_of(request, bodies.KeyOperationParameters)
    found = _usable(request, name, version, operation)
    value, by = octets_of_base64url(given.value, field="value"), access.actor(request, request.verb)
    return _result(request, found, using.decrypt(found, given.alg, value, by=by, operation=operation))


def _version(request: ApiRequest, name: str, version: str) -> Version:
    """The version, if its key is here. Raises NotFound."""
    found = finding.version_of(request, name, version)
    if found.key is None:
        raise access.NotFound("certificate", name)
    return found


def _usable(request: ApiRequest, name: str, version: str, operation: str) -> Version:
    found = _version(request, name, version)
    if not found.enabled:
        message = f"Operation {operation} is not allowed on a disabled key."
        raise ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, inner="KeyDisabled")
    return found


def _result(request: ApiRequest, version: Version, octets: bytes) -> Answer:
    kid = Ids.of(request).key(version.certificate.name, version)
    return replies.KeyOperationResult(kid=kid, value=base64url_of(octets))


def _item(version: Version, kid: str) -> replies.KeyItem:
    return replies.KeyItem(kid=kid, attributes=wire.attributes(version), tags=version.tags or None)
