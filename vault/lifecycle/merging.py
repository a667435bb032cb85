"""Bringing the signed certificate back from a CA that the portal does not know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from vault.errors import BadCertificate, Conflict, KeyExposed, NotAllowedNow, OperationClosed, UnreadableFile
from vault.lifecycle import chaining, completing, diagnosing
from vault.lifecycle.chaining import Completed
from vault.lifecycle.completing import Answer
from vault.models import Operation, Version
from vault.models.audit import Actor, AuditEvent, record
from vault.models.policy import CLIENT_AUTH, SERVER_AUTH
from vault.x509 import certificates
from vault.x509.checks import CertificateWarning, check_answer, pick_leaf
from vault.x509.found import Found, FoundFile
from vault.x509.visible import shown

# Confirms whatever comes: programs are not asked.
ANY = "any"
_MOST_NAMED = 3
_ALARMED = timedelta(hours=1)
# What others may change of a request meanwhile; reading all of it again would drop its vault and certificate.
_CHANGING = ("status", "step", "version", "ended_at", "deleted_at", "changes")
_USES = {SERVER_AUTH: "use by TLS servers", CLIENT_AUTH: "use by TLS clients"}
# Kinds of files in which a certificate was looked for and not found whole.
_MIGHT_BE_ONE = frozenset({"a certificate", "a file", "a file of an unknown kind", "a ZIP archive"})
_NEEDED = (
    "What is needed is the signed certificate from the CA: a .cer, .crt, .pem or .p7b file, or its text with the line "
    "-----BEGIN CERTIFICATE-----."
)


class NeedsConfirmation(BadCertificate):
    """The certificate (`mark`: its SHA-256) fits the request but differs from it; a person may take it all the same."""

    code = "NeedsConfirmation"

    def __init__(self, doubts: Sequence[CertificateWarning], mark: str) -> None:
        super().__init__(" ".join(doubt.sentence for doubt in doubts), field="certificate")
        self.doubts = tuple(doubts)
        self.mark = mark


class AnotherRequest(BadCertificate):
    """The certificate was made for another key; `certificates` (DER) are what was brought, the likeliest first."""

    def __init__(self, sentence: str, given: Sequence[bytes]) -> None:
        super().__init__(sentence, field="certificate")
        self.certificates = tuple(given)


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A certificate (DER) that may be stored for a request, its chain, and what a person should know of both."""

    leaf: bytes
    completed: Completed
    doubts: tuple[CertificateWarning, ...]

    def doubt(self, code: str) -> CertificateWarning | None:
        """The doubt of this code, if there is one."""
        return next((doubt for doubt in self.doubts if doubt.code == code), None)


def merge(*, operation: Operation, found: Found, by: Actor, confirmed: str = "") -> Version:
    """Complete a request with what a CA sent: one file or several, the leaf alone or with its chain, in any order.

    Nothing is stored unless every check passes; the request stays open for another try. `confirmed` is the SHA-256
    (hex) of a certificate that a person takes although it lacks names, or ANY.

    Raises:
        UnreadableFile, KeyExposed: there is no certificate in it, or a private key is.
        AnotherRequest: it was made for another key.
        BadCertificate: a check failed; the sentence says which.
        NeedsConfirmation: names are missing, and it is not the certificate that `confirmed` tells.
        Conflict: this certificate is a version already.
        NotAllowedNow, OperationClosed: the request does not wait for a certificate (any more).
    """
    given = certificates_in(found)
    operation.refresh_from_db(fields=_CHANGING)
    if not operation.can_be_merged:
        raise diagnosing.why_closed(operation)
    examined = examine(operation=operation, given=given, by=by)
    mark = certificates.facts(examined.leaf).thumbprint_sha256
    if confirmed not in {mark, ANY} and examined.doubt("names-missing"):
        raise NeedsConfirmation([doubt for doubt in examined.doubts if doubt.code.startswith("names-")], mark)
    notes = [doubt.sentence for doubt in (*examined.doubts, *_left_out(found))]
    answer = Answer(leaf=examined.leaf, chain=examined.completed.chain, notes=notes)
    try:
        return completing.complete(operation=operation, answer=answer, by=by)
    except (Conflict, OperationClosed):
        raise _too_late(operation, examined.leaf) from None


def certificates_in(found: Found) -> tuple[bytes, ...]:
    """The certificates (DER) that were brought, those of CAs last.

    Raises:
        KeyExposed: field `certificate`; a private key is among it, readable or not. Nothing was kept.
        UnreadableFile: field `certificate`; there is no certificate; says what there is instead.
    """
    for file in found.files:
        if file.holds_private_key:
            raise KeyExposed(_exposed(file), field="certificate")
    if not found.certificates:
        raise UnreadableFile(_no_certificate(found.files), field="certificate")
    return tuple(sorted(found.certificates, key=_is_ca))


def examine(*, operation: Operation, given: Sequence[bytes], by: Actor) -> Examined:
    """Find the certificate that answers a request, put its chain in order, complete it, and check everything.

    What cannot have come from outside (a certificate that our own key signed, or that makes it a CA) raises an alarm
    in the vault's trail. Raises AnotherRequest, BadCertificate, Conflict, UnreadableFile.
    """
    leaf = _leaf(operation, given, by)
    completed = chaining.complete_chain(operation.vault, leaf, given)
    csr, names = bytes(operation.csr), operation.policy.names
    doubts = check_answer(leaf, csr_der=csr, expected_names=names, now=timezone.now(), chain=completed.chain)
    told = [_in_words(doubt, leaf) for doubt in doubts]
    return Examined(leaf=leaf, completed=completed, doubts=(*told, *_repairs(completed, leaf, given)))


# ------------------------------------------------------------------- the leaf
def _leaf(operation: Operation, given: Sequence[bytes], by: Actor) -> bytes:
    csr = bytes(operation.csr)
    mine = [der for der in given if certificates.facts(der).spki_sha256 == operation.spki_sha256]
    if not mine:
        raise _another(given, csr)
    for der in mine:
        _refuse_known(operation, der)
        _refuse_impossible(operation, der, by)
    return pick_leaf(mine, csr_der=csr)


def _another(given: Sequence[bytes], csr: bytes) -> BadCertificate:
    if all(_is_ca(der) for der in given):
        named = _listed(_title(der) for der in given)
        sentence = f"Only certificates of CAs are here: {named}. Bring the one that was made for this request as well."
        return BadCertificate(sentence, field="certificate")
    try:
        pick_leaf(given, csr_der=csr)
    except BadCertificate as refusal:
        return AnotherRequest(str(refusal), given)
    return AnotherRequest("This certificate was made for another request.", given)


def _refuse_known(operation: Operation, der: bytes) -> None:
    version = _version(operation, der)
    if version is not None:
        raise diagnosing.why_there(version)


def _raise_alarm(operation: Operation, details: dict[str, str], by: Actor) -> None:
    """Write the alarm into the vault's trail; once an hour, for whoever sees a request could raise it without end."""
    target = f"certificates/{operation.certificate.name}"
    raised = AuditEvent.objects.filter(chain=operation.vault_id, target=target, result="alarm")
    if raised.filter(at__gte=timezone.now() - _ALARMED).exists():
        return
    with transaction.atomic():
        record("certificates/merge", target, by=by, vault=operation.vault, result="alarm", details=details)


def _refuse_impossible(operation: Operation, der: bytes, by: Actor) -> None:
    """Refuse what a key kept here cannot come back with: its own signature, or the powers of a CA."""
    facts = certificates.facts(der)
    if not (facts.is_ca or facts.self_signed):
        return
    what = "makes the request's own key a CA" if facts.is_ca else "is signed with the request's own key"
    if operation.key_id is None:
        raise BadCertificate(f"This certificate {what}. Bring the one that the CA signed.", field="certificate")
    details = {"operation": operation.request_id.hex, "what": what, "sha256": facts.thumbprint_sha256}
    _raise_alarm(operation, details, by)
    raise BadCertificate(
        f"This certificate {what}, and that key is kept in this vault. Nothing of the kind was asked for: do not use "
        "it, and tell whoever runs the portal at once. The vault's audit trail holds an alarm.",
        field="certificate",
    )


def _version(operation: Operation, der: bytes) -> Version | None:
    same = Version.objects.filter(
        certificate=operation.certificate_id, thumbprint_sha256=certificates.facts(der).thumbprint_sha256
    )
    return same.light().select_related("certificate").first()


def _too_late(operation: Operation, leaf: bytes) -> NotAllowedNow | Conflict:
    """Someone else was faster: say who and when."""
    operation.refresh_from_db(fields=_CHANGING)
    if not operation.can_be_merged:
        return diagnosing.why_closed(operation)
    version = _version(operation, leaf)
    if version is not None:
        return diagnosing.why_there(version)
    return NotAllowedNow(f"Another version of “{operation.certificate}” was stored at this moment. Send it once more.")


# ------------------------------------------------------------------ the words
def _repairs(completed: Completed, leaf: bytes, given: Sequence[bytes]) -> Iterable[CertificateWarning]:
    """What was put right in the chain."""
    used = [leaf, *(der for der in completed.chain.certificates if der not in completed.added)]
    if [der for der in given if der in used] != used:
        sentence = "The CA certificates came in another order; they were put right: the issuer first, the root last."
        yield CertificateWarning(code="order-fixed", sentence=sentence)
    if completed.added:
        named = _listed(_title(der) for der in completed.added)
        verb = "was" if len(completed.added) == 1 else "were"
        sentence = f"{named} {verb} added to the chain, from certificates that this vault knows."
        yield CertificateWarning(code="chain-added", sentence=sentence)


def _in_words(doubt: CertificateWarning, leaf: bytes) -> CertificateWarning:
    """Say it for someone who knows the request and not the standards: what is missing by name, and what follows."""
    match doubt.code:
        case "no-chain":
            issuer = shown(certificates.facts(leaf).issuer)
            sentence = (
                f"The certificate of its issuer, “{issuer}”, did not come with it, and this vault does not know it. "
                "Servers need it: ask the CA for its intermediate certificate."
            )
        case "ekus-missing":
            named = _listed(_USES.get(eku, eku) for eku in doubt.names)
            refused = " Browsers refuse the certificate of a server without it." if SERVER_AUTH in doubt.names else ""
            sentence = f"It was also asked for {named}; the CA left that out.{refused}"
        case _:
            return doubt
    return replace(doubt, sentence=sentence)


def _left_out(found: Found) -> Iterable[CertificateWarning]:
    """Files that might have held something of use; a letter beside the certificates is no news."""
    for file in found.refusals:
        if file.locked or file.looks_like in _MIGHT_BE_ONE:
            yield CertificateWarning(code="file-left-out", sentence=f"{_named(file)} was left out. {_why(file)}")


def _exposed(file: FoundFile) -> str:
    if file.locked:
        return (
            f"{_named(file)} holds a private key, locked with a password. It is not needed here, and nothing of it was "
            "kept. Whoever knows the password can use the key: if you did not make it yourself, treat it as exposed. "
            "Bring the certificate alone: a .cer, .crt, .pem or .p7b file."
        )
    return (
        f"{_named(file)} holds a private key. It is not needed here, and nothing of it was kept; but a key that was "
        "sent should be treated as exposed: replace it. Then bring the certificate alone."
    )


def _no_certificate(files: Sequence[FoundFile]) -> str:
    told = " ".join(_what(file) for file in files[:_MOST_NAMED]) or "This is empty."
    return f"{told} {_NEEDED}"


def _what(file: FoundFile) -> str:
    named = _named(file)
    if file.locked or (file.refusal and file.looks_like in _MIGHT_BE_ONE):
        return f"{named} cannot be used. {_why(file)}" if file.name else _why(file)
    if file.requests:
        return f"{named} is a certificate request: it goes to the CA, and a certificate comes back."
    verb = "is" if file.looks_like == "an empty file" else "looks like"
    return f"{named} {verb} {file.looks_like}."


def _why(file: FoundFile) -> str:
    return "It is protected by a password. Ask the CA for it without one." if file.locked else file.refusal


def _named(file: FoundFile) -> str:
    return f"“{shown(file.name)}”" if file.name else "This"


def _title(der: bytes) -> str:
    facts = certificates.facts(der)
    return f"“{shown(facts.common_names[0] if facts.common_names else facts.subject)}”"


def _listed(titles: Iterable[str]) -> str:
    named = list(titles)
    more = [f"{len(named) - _MOST_NAMED} more"] if len(named) > _MOST_NAMED else []
    *first, last = [*named[:_MOST_NAMED], *more]
    return f"{', '.join(first)} and {last}" if first else last


def _is_ca(der: bytes) -> bool:
    return certificates.facts(der).is_ca
