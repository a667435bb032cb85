"""Bringing the signed certificate back from a CA that the portal does not know."""

from collections.abc import Sequence

from django.utils import timezone

from vault.errors import BadCertificate, NotAllowedNow, OperationClosed
from vault.lifecycle import completing
from vault.lifecycle.completing import Answer
from vault.models import Operation, Version
from vault.models.audit import Actor
from vault.x509 import certificates, chains
from vault.x509.checks import CertificateWarning, check_answer, pick_leaf
from vault.x509.parsing import read_certificates


class NeedsConfirmation(BadCertificate):
    """The certificate fits the request but differs from it; a person may take it all the same."""

    code = "NeedsConfirmation"

    def __init__(self, doubts: Sequence[CertificateWarning]) -> None:
        super().__init__(" ".join(doubt.sentence for doubt in doubts), field="certificate")
        self.doubts = tuple(doubts)


def merge(*, operation: Operation, data: bytes, by: Actor, confirmed: bool = False) -> Version:
    """Complete a request with what a CA sent: PEM, DER or PKCS#7, leaf alone or with its chain, in any order.

    Nothing is stored unless every check passes; the request stays open for another try.

    Raises:
        UnreadableFile, KeyExposed: it is not a certificate, or a private key is in it.
        BadCertificate: a check failed; the sentence says which.
        NeedsConfirmation: names differ and `confirmed` is false.
        Conflict: this certificate is a version already.
        NotAllowedNow, OperationClosed: the request does not wait for a certificate (any more).
    """
    found = read_certificates(data)
    operation.refresh_from_db()
    if not operation.can_be_merged:
        raise _closed(operation)
    csr = bytes(operation.csr)
    leaf = pick_leaf(found.certificates, csr_der=csr)
    chain = chains.order(leaf, [other for other in found.certificates if other != leaf])
    doubts = check_answer(leaf, csr_der=csr, expected_names=operation.policy.names, now=timezone.now(), chain=chain)
    if not confirmed and any(doubt.code == "names-missing" for doubt in doubts):
        raise NeedsConfirmation([doubt for doubt in doubts if doubt.code.startswith("names-")])
    answer = Answer(leaf=leaf, chain=chain, notes=[doubt.sentence for doubt in doubts])
    return completing.complete(operation=operation, answer=answer, by=by)


def as_pem(data: bytes) -> str:
    """Return the certificates in `data` as PEM text, so that a form can show again what was uploaded."""
    return "".join(certificates.pem(der) for der in read_certificates(data).certificates)


def _closed(operation: Operation) -> NotAllowedNow:
    if operation.is_in_progress:
        message = f"“{operation.issuer_name}” answers this request itself. Cancel the request to bring a certificate."
        return NotAllowedNow(message)
    if operation.status == Operation.Status.COMPLETED:
        when = f"{operation.ended_at:%-d %B %Y, %H:%M} UTC" if operation.ended_at else "before"
        return OperationClosed(f"This request was completed already, on {when}. Nothing was changed.")
    return OperationClosed("This request was deleted. Nothing was changed.")
