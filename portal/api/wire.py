"""Rows as the wire has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from portal.api import policies
from portal.api.encoding import base64_of, x5t_of
from portal.api.ids import Ids
from portal.api.models import replies
from vault.models import Certificate, Operation, Vault, Version
from vault.models.policy import SELF, UNKNOWN
from vault.models.vault import LONGEST_RETENTION

RETRY: Final = {"Retry-After": "10"}
_UNDER_WAY: Final = (
    "Pending certificate created. Certificate request is in progress. This may take some time based on the issuer "
    "provider. Please check again later."
)
# The key vault has two codes for what a registered issuer answers; pages show ours.
_REJECTED: Final = "Request rejected"
_ISSUER_ERROR: Final = "Certificate issuer error"
_REFUSALS: Final = {_REJECTED, "Rejected", "InvalidRequest"}
_MERGE: Final = "Pending certificate created. Please Perform Merge to complete the request."


def bundle(
    certificate: Certificate, ids: Ids, *, pending: bool = True, policy: bool = True
) -> replies.CertificateBundle:
    """A certificate with its current version; while the first version is pending, without it."""
    return replies.CertificateBundle(**_bundle(certificate, certificate.current, ids, pending=pending, policy=policy))


def version_bundle(version: Version, ids: Ids, *, pending: bool = False) -> replies.CertificateBundle:
    """One version, without the policy, which is the certificate's."""
    facts = _bundle(version.certificate, version, ids, pending=pending, policy=False)
    return replies.CertificateBundle(**facts)


def deleted_bundle(certificate: Certificate, ids: Ids, *, pending: bool) -> replies.DeletedCertificateBundle:
    """A deleted certificate with its current version."""
    facts = _bundle(certificate, certificate.current, ids, pending=pending, policy=True)
    return replies.DeletedCertificateBundle(**facts, **_deletion(certificate, ids))


def item(certificate: Certificate, ids: Ids) -> replies.CertificateItem:
    """A certificate in the vault's list; its id has no version."""
    return replies.CertificateItem(**_item(certificate, certificate.current, ids.certificate(certificate.name)))


def version_item(version: Version, certificate: Certificate, ids: Ids) -> replies.CertificateItem:
    """A version in its certificate's list."""
    return replies.CertificateItem(**_item(certificate, version, ids.certificate(certificate.name, version)))


def deleted_item(certificate: Certificate, ids: Ids) -> replies.DeletedCertificateItem:
    """A certificate in the list of deleted ones."""
    facts = _item(certificate, certificate.current, ids.certificate(certificate.name))
    return replies.DeletedCertificateItem(**facts, **_deletion(certificate, ids))


def operation(found: Operation, ids: Ids) -> replies.CertificateOperation:
    """An operation; its target is there once it has one."""
    name, policy = found.certificate.name, found.policy
    done = found.status == Operation.Status.COMPLETED
    return replies.CertificateOperation(
        id=ids.pending(name),
        issuer=replies.OperationIssuer(name=_issuer(found), cty=policy.certificate_type or None),
        csr=base64_of(found.csr),
        cancellation_requested=found.cancellation_requested,
        status=found.status,
        status_details=_details(found),
        error=_failure(found),
        target=ids.certificate(name) if done else None,
        request_id=found.request_id.hex,
        preserve_cert_order=found.preserve_order or None,
    )


def _issuer(found: Operation) -> str:
    return policies.PLATFORM if found.policy.platform_managed else found.issuer_name


def attributes(version: Version, vault: Vault | None = None) -> replies.Attributes:
    """The attributes of a version, which its key and secret share; how it can be recovered is said with its vault."""
    return replies.Attributes(
        enabled=version.enabled,
        nbf=seconds(version.not_before),
        exp=seconds(version.not_after),
        created=seconds(version.created_at),
        updated=seconds(version.updated_at),
        **(_recovery(vault) if vault else {}),
    )


def seconds(moment: datetime) -> int:
    """Whole Unix seconds."""
    return int(moment.timestamp())


def _bundle(
    certificate: Certificate, version: Version | None, ids: Ids, *, pending: bool, policy: bool
) -> dict[str, Any]:
    name = certificate.name
    common = {
        "policy": policies.shown(certificate, ids) if policy else None,
        "pending": replies.Link(id=ids.pending(name)) if pending else None,
    }
    if version is None:
        facts = {"id": ids.certificate(name), "attributes": _pending_attributes(certificate, certificate.vault)}
        return {**facts, "tags": certificate.tags or None, **common}
    has_key = version.key_id is not None
    return {
        "id": ids.certificate(name, version),
        "kid": ids.key(name, version) if has_key else None,
        "sid": ids.secret(name, version) if has_key else None,
        "x5t": x5t_of(version.thumbprint_sha1),
        "cer": base64_of(version.der),
        "content_type": version.content_type,
        "attributes": attributes(version, certificate.vault),
        "tags": version.tags or None,
        "preserve_cert_order": version.preserve_order or None,
        **common,
    }


def _item(certificate: Certificate, version: Version | None, id_: str) -> dict[str, Any]:
    if version is None:
        facts = _pending_attributes(certificate)
        return {"id": id_, "attributes": facts, "tags": certificate.tags or None}
    return {
        "id": id_,
        "x5t": x5t_of(version.thumbprint_sha1),
        "attributes": attributes(version),
        "tags": version.tags or None,
        "subject": version.subject,
    }


def _pending_attributes(certificate: Certificate, vault: Vault | None = None) -> replies.Attributes:
    return replies.Attributes(
        enabled=False,
        created=seconds(certificate.created_at),
        updated=seconds(certificate.updated_at),
        **(_recovery(vault) if vault else {}),
    )


def _recovery(vault: Vault) -> dict[str, Any]:
    level = "Recoverable" if vault.purge_protection else "Recoverable+Purgeable"
    if vault.retention_days < LONGEST_RETENTION:
        level = f"Customized{level}"
    return {"recovery_level": level, "recoverable_days": vault.retention_days}


def _deletion(certificate: Certificate, ids: Ids) -> dict[str, Any]:
    assert certificate.deleted_at is not None
    assert certificate.scheduled_purge_at is not None
    return {
        "recovery_id": ids.deleted(certificate.name),
        "deleted_date": seconds(certificate.deleted_at),
        "scheduled_purge_date": seconds(certificate.scheduled_purge_at),
    }


def _details(found: Operation) -> str | None:
    if not found.is_in_progress:
        return None
    return _MERGE if found.step == Operation.Step.AWAITING_MERGE else _UNDER_WAY


def _failure(found: Operation) -> replies.OperationError | None:
    if found.status != Operation.Status.FAILED:
        return None
    code = found.error_code or "Failed"
    if found.issuer_name not in {SELF, UNKNOWN}:
        code = _REJECTED if code in _REFUSALS else _ISSUER_ERROR
    return replies.OperationError(code=code, message=found.error_message)
