"""What a CA issued after the request for it had ended: a certificate that exists must be seen, and decided about."""

from django.db import transaction
from django.utils import timezone

from vault.errors import BadParameter, NotAllowedNow, OperationClosed
from vault.lifecycle import chaining, completing, issuers, orders
from vault.lifecycle.completing import Answer
from vault.models import Operation, OperationStep, Version
from vault.models.audit import SYSTEM, Actor, record
from vault.providers.base import Can, Issued, ProviderError, RevocationReason, RevokeResult
from vault.x509 import certificates
from vault.x509.certificates import split_pem
from vault.x509.checks import check_answer

NOTE = "It was issued after the request for it had ended."


def keep(operation: Operation, issued: Issued) -> bool:
    """Keep a certificate that came after the end, for a person to decide about; False when it is kept already.

    Raises UnreadableFile.
    """
    if certificates.facts(issued.leaf).spki_sha256 != operation.spki_sha256:
        return False  # the order number was a person's word, and not right
    chain = chaining.complete_chain(operation.vault, issued.leaf, issued.chain).chain
    text = "".join(certificates.pem(der) for der in (issued.leaf, *chain.certificates))
    with transaction.atomic():
        if not operation.keep_late(text):
            return False
        told = "The CA has issued the certificate all the same. Adopt it, revoke it, or leave it."
        operation.note(told, kind=OperationStep.Kind.ALERT)
        details = {"sha256": certificates.facts(issued.leaf).thumbprint_sha256}
        _record("certificates/late", operation, SYSTEM, result="alarm", **details)
    return True


def adopt_late(*, operation: Operation, by: Actor) -> Version:
    """Make the late certificate the newest version.

    Raises:
        NotAllowedNow: there is none to decide about, or the request is deleted.
        BadCertificate, Conflict: it is not for this request's key, or is a version already.
    """
    leaf, *others = _late(operation)
    if operation.deleted_at is not None:
        raise NotAllowedNow("This request is deleted, so nothing can come of it. Revoke its certificate, or leave it.")
    chain = chaining.complete_chain(operation.vault, leaf, others).chain
    csr, names = bytes(operation.csr), operation.policy.names
    doubts = check_answer(leaf, csr_der=csr, expected_names=names, now=timezone.now(), chain=chain)
    answer = Answer(leaf=leaf, chain=chain, notes=[NOTE, *(doubt.sentence for doubt in doubts)])
    with transaction.atomic():
        _settle(operation, Operation.LateSettled.ADOPTED)
        version = completing.complete(operation=operation, answer=answer, by=by)
        _record("certificates/adopt-late", operation, by)
    return version


def revoke_late(
    *,
    operation: Operation,
    by: Actor,
    reason: RevocationReason = RevocationReason.CESSATION_OF_OPERATION,
    note: str = "",
) -> RevokeResult:
    """Ask the CA to revoke the late certificate. Calls the CA, for up to a minute; asking twice does no harm.

    Raises:
        NotAllowedNow: there is none to decide about, or its CA takes no revocations from here.
        ProviderError: the CA refused, or could not be reached; it stays to be decided.
    """
    leaf, *_ = _late(operation)
    if operation.issuer is None:
        raise NotAllowedNow(f"The issuer “{operation.issuer_name}” has been removed. Revoke the certificate at the CA.")
    provider = issuers.provider_of(operation.issuer)
    if Can.REVOKE not in provider.can:
        message = f"The issuer “{operation.issuer}” takes no revocations from here. Revoke it at the CA, then leave it."
        raise NotAllowedNow(message)
    with transaction.atomic():
        _record("certificates/revoke-late", operation, by, result="requested", reason=reason.name.lower())
    try:
        result = provider.revoke(leaf, orders.ref_of(operation), reason, note)
    except ProviderError as error:
        with transaction.atomic():
            _record("certificates/revoke-late", operation, by, result="failed", words=str(error)[:500])
        raise
    with transaction.atomic():
        _settle_revoked(operation, result, reason)
        waits = result is RevokeResult.REQUESTED
        told = "Revocation asked for; the CA has to approve it" if waits else "Revoked"
        operation.note(f"{told} ({by.name})")
        _record("certificates/revoke-late", operation, by, result="waits for the CA" if waits else "done")
    return result


@transaction.atomic
def leave_late(*, operation: Operation, by: Actor) -> None:
    """Neither adopt nor revoke the late certificate. Raises NotAllowedNow when there is none to decide about."""
    _late(operation)
    _settle(operation, Operation.LateSettled.LEFT)
    operation.note(f"{by.name} leaves the late certificate as it is")
    _record("certificates/leave-late", operation, by)


def _late(operation: Operation) -> list[bytes]:
    if operation.late_at is None or operation.late_settled:
        raise _decided()
    try:
        return split_pem(operation.late)
    except ValueError:
        raise BadParameter("The late certificate cannot be read.") from None


def _settle(operation: Operation, how: Operation.LateSettled) -> None:
    try:
        operation.settle_late(how)
    except OperationClosed:
        raise _decided() from None


def _settle_revoked(operation: Operation, result: RevokeResult, reason: RevocationReason) -> None:
    """The CA has said yes, which counts even when someone adopted the certificate meanwhile."""
    try:
        operation.settle_late(Operation.LateSettled.REVOKED)
    except OperationClosed:
        operation.refresh_from_db(fields=["version", "late_settled"])
        if operation.version is not None:
            done = result is not RevokeResult.REQUESTED
            state = Version.Revocation.REVOKED if done else Version.Revocation.REQUESTED
            operation.version.note_revocation(state, reason=int(reason))


def _decided() -> NotAllowedNow:
    return NotAllowedNow("There is no late certificate to decide about (any more). Look at the request again.")


def _record(action: str, operation: Operation, by: Actor, *, result: str = "done", **details: str) -> None:
    target = f"certificates/{operation.certificate.name}"
    facts = {"operation": operation.request_id.hex, **details}
    record(action, target, by=by, vault=operation.vault, result=result, details=facts)
