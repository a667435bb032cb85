"""Asking a CA to revoke a certificate that it issued through us."""

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from vault.errors import NotAllowedNow, RingError, VaultError
from vault.lifecycle import issuers, orders
from vault.models import Issuer, Operation, Version
from vault.models.audit import Actor, record
from vault.providers.base import Can, Provider, ProviderError, RevocationReason, RevokeResult

_LONGEST_NOTE = 500


def why_not(version: Version) -> str:
    """Say in a sentence why a certificate cannot be revoked from here; "" when it can."""
    if version.revocation == Version.Revocation.REVOKED:
        return "It is revoked already."
    operation = _operation_of(version)
    if operation is None:
        return "It was brought here, not ordered from here. Revoke it at the CA that issued it."
    if operation.issuer_id is None:
        return "No issuer of this vault made it. Revoke it at the CA that issued it."
    provider = _adapter_class(operation)
    if provider is None or Can.REVOKE not in provider.can:
        return f"The issuer “{operation.issuer}” takes no revocations from here. Revoke it at the CA."
    return ""


def revoke(*, version: Version, reason: RevocationReason, note: str = "", by: Actor) -> RevokeResult:
    """Ask the CA to revoke a certificate; asking twice does no harm. Calls the CA, for up to a minute.

    That it is asked for is put on record first.

    Raises:
        NotAllowedNow: it cannot be revoked from here, or is revoked already.
        ProviderError: the CA refused, or could not be reached; nothing has changed here.
    """
    refusal = why_not(version)
    if refusal:
        raise NotAllowedNow(refusal)
    operation = _operation_of(version)
    assert operation is not None
    assert operation.issuer is not None
    note = note.strip()[:_LONGEST_NOTE]
    _record(version, by, "requested", reason=reason.name.lower(), note=note)
    provider = _adapter(operation.issuer)
    try:
        result = provider.revoke(bytes(version.der), orders.ref_of(operation), reason, note)
    except ProviderError as error:
        _record(version, by, "failed", words=str(error)[:500])
        raise
    done = result is not RevokeResult.REQUESTED
    state = Version.Revocation.REVOKED if done else Version.Revocation.REQUESTED
    with transaction.atomic():
        if version.note_revocation(state, reason=int(reason)):
            _record(version, by, "done" if done else "waits for the CA", reason=reason.name.lower())
    return result


def _operation_of(version: Version) -> Operation | None:
    try:
        return version.operation
    except ObjectDoesNotExist:
        return None


def _adapter_class(operation: Operation) -> Provider | None:
    try:
        return _adapter(operation.issuer) if operation.issuer else None
    except (VaultError, RingError):
        return None


def _adapter(issuer: Issuer) -> Provider:
    return issuers.provider_of(issuer)


def _record(version: Version, by: Actor, result: str, **details: str) -> None:
    certificate = version.certificate
    with transaction.atomic():
        record(
            "certificates/revoke",
            f"certificates/{certificate.name}/{version}",
            by=by,
            vault=certificate.vault,
            result=result,
            details={"serial": version.serial, **details},
        )
