"""Backing a certificate up, and restoring it: a blob that nothing but this portal opens."""

from __future__ import annotations

from portal import access
from portal.api import finding, wire
from portal.api.encoding import base64url_of, octets_of_base64url
from portal.api.http import Answer, ApiRequest, endpoint
from portal.api.ids import Ids
from portal.api.models import bodies, replies
from portal.api.reading import body_of
from vault.lifecycle import backing_up, restoring


@endpoint("certificates/backup", methods=("POST",))
def create(request: ApiRequest, name: str) -> Answer:
    """Hand out the certificate with all versions and keys, sealed; it can be restored into any vault of this portal."""
    certificate = finding.certificate_of(request, name)
    blob = backing_up.back_up(certificate=certificate, by=access.actor(request, request.verb))
    return replies.BackupCertificateResult(value=base64url_of(blob))


@endpoint("certificates/restore", methods=("POST",), makes_key=True)
def restore(request: ApiRequest) -> Answer:
    """Bring a certificate back from its backup, under its name, with its versions."""
    finding.require(request)
    given = body_of(request, bodies.CertificateRestoreParameters)
    blob = octets_of_base64url(given.value, field="value")
    certificate = restoring.restore(vault=request.vault, blob=blob, by=access.actor(request, request.verb))
    return wire.bundle(certificate, Ids.of(request), pending=False)
