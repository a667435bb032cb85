"""Storing one imported certificate: key, version, policy and audit event; one transaction."""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from vault import policies
from vault.errors import BadCertificate, Conflict, NameTaken, NotAllowedNow, VaultError
from vault.keys import making
from vault.lifecycle import completing, issuing
from vault.lifecycle.completing import Answer
from vault.lifecycle.importing import drafts
from vault.lifecycle.importing.candidates import Candidate, Outcome, Result
from vault.models import Certificate, Draft, Key, Vault, Version
from vault.models.audit import Actor, record
from vault.models.policy import Policy


@dataclass(frozen=True, kw_only=True)
class ImportOrder:
    """How to import a certificate: its name, the policy for the versions after it, and tags (None keeps the old).

    `archive` keeps it, disabled, for the record: it becomes current only where there is no other version, and an
    existing policy stays. `holder` is the certificate that had the name when rights were looked at (0: the name was
    free); it must have it still. None when nobody looked.
    """

    name: str
    policy: Policy
    tags: dict[str, str] | None = None
    archive: bool = False
    holder: int | None = None


def import_candidate(
    *, vault: Vault, candidate: Candidate, order: ImportOrder, by: Actor, draft: Draft | None = None
) -> Version:
    """Store a certificate with its key and chain as the newest version of `order.name`; all of it or nothing.

    The certificate is made when the name is new; its owner is then who imports. With a `draft`, what it held goes
    in the same transaction, and importing from it twice returns the version of the first time.

    Raises:
        BadCertificate: it was refused (field `file`), or has expired and `order.archive` is false.
        BadName, BadParameter: the name or the tags cannot be a certificate's.
        PolicyViolation: the policy contradicts itself, our rules or its issuer.
        NameTaken: a deleted certificate holds the name, or another than `order.holder` has come to.
        Conflict: it is a version of this certificate already; the sentence says which.
        NotAllowedNow: a request for this certificate is in progress.
        DraftGone: the draft's time is over, or several certificates were imported from it.
        RingError: nothing can be sealed.
    """
    try:
        return _import(vault, candidate, order, by, draft)
    except (IntegrityError, VaultError) as refusal:
        made = drafts.made_from(draft) if draft else None
        if made:
            return Version.objects.select_related("certificate").get(pk=made)
        if isinstance(refusal, VaultError):
            raise
    raise _collision(vault, candidate, order)


def _import(vault: Vault, candidate: Candidate, order: ImportOrder, by: Actor, draft: Draft | None) -> Version:
    policy = issuing.prepare(vault, order.policy)
    issuing.check_name(order.name)
    if order.tags is not None:
        policies.check_tags(order.tags)
    # Before the transaction, which on SQLite keeps all other writers waiting.
    key = _key(vault, candidate, order, exportable=policy.key.exportable)
    with transaction.atomic():
        version = _store(_certificate(vault, order, policy, by), key, candidate, order, policy)
        _record(version, candidate, order, by)
        if draft is not None:
            drafts.settle(draft, [_result(version, candidate)])
    return version


def _key(vault: Vault, candidate: Candidate, order: ImportOrder, *, exportable: bool) -> Key:
    if candidate.refusal and not (candidate.is_expired and order.archive):
        raise BadCertificate(candidate.refusal, field="file")
    if candidate.key is None:
        raise BadCertificate("The private key of this certificate is not among the files. Send it too.", field="file")
    return making.imported_key(vault, candidate.key.pkcs8, leaf=candidate.leaf, exportable=exportable).row


def _certificate(vault: Vault, order: ImportOrder, policy: Policy, by: Actor) -> Certificate:
    """Return the certificate of this name, locked; a new one when the name is free."""
    certificate = issuing.find_free(vault, order.name)
    if order.holder is not None and order.holder != (certificate.pk if certificate else 0):
        raise NameTaken(f"The name “{order.name}” has changed hands at this moment. Look at it, then import again.")
    if certificate is not None:
        certificate.vault = vault
        return certificate
    facts: dict[str, Any] = {"policy": policy, "issuer_name": policy.issuer_name, "tags": order.tags or {}}
    return Certificate.objects.create(vault=vault, name=order.name, owner_id=by.user_id, **facts)


def _store(certificate: Certificate, key: Key, candidate: Candidate, order: ImportOrder, policy: Policy) -> Version:
    _refuse_in_progress(certificate)
    _refuse_twice(certificate, candidate)
    if not order.archive and certificate.policy != policy:
        certificate.adopt_policy(policy)
    if order.tags is not None and order.tags != certificate.tags:
        certificate.retag(order.tags)
    notes = [*filter(None, [candidate.refusal]), *(warning.sentence for warning in candidate.warnings)]
    answer = Answer(leaf=candidate.leaf, chain=candidate.chain, notes=notes)
    version = completing.new_version(certificate, key, answer, content_type=policy.content_type, tags=certificate.tags)
    version.enabled = not order.archive
    key.save(force_insert=True)
    completing.store(version, as_current=not order.archive or certificate.current_id is None)
    return version


def _refuse_in_progress(certificate: Certificate) -> None:
    running = certificate.operations.in_progress().light().first()
    if running is not None:
        since = f"{running.created_at:%-d %B %Y, %H:%M} UTC"
        raise NotAllowedNow(
            f"A request for “{certificate}” is in progress since {since}. Wait for it to end, or cancel it, "
            "then import again."
        )


def _refuse_twice(certificate: Certificate, candidate: Candidate) -> None:
    number = version_number(certificate, candidate)
    if number is not None:
        raise Conflict(f"This certificate is version {number} of “{certificate}” already. Nothing was imported.")


def version_number(certificate: Certificate, candidate: Candidate) -> int | None:
    """Return the number that the candidate's certificate has among the versions, None when it is none of them."""
    same = certificate.versions.filter(thumbprint_sha256=candidate.facts.thumbprint_sha256)
    return same.values_list("number", flat=True).first()


def _collision(vault: Vault, candidate: Candidate, order: ImportOrder) -> Conflict:
    """Say what the database refused: someone else was faster, with this certificate or with another."""
    certificate = vault.certificates.named(order.name).first()
    number = version_number(certificate, candidate) if certificate else None
    if number is not None:
        return Conflict(f"This certificate is version {number} of “{certificate}” already. Nothing was imported.")
    return NameTaken(f"The name “{order.name}” has changed hands at this moment. Look at it, then import again.")


def _result(version: Version, candidate: Candidate) -> Result:
    return Result(
        file=candidate.sources[0] if candidate.sources else "",
        outcome=Outcome.IMPORTED,
        sentence=f"Imported as version {version.number} of “{version.certificate}”.",
        name=version.certificate.name,
        version=version.id.hex,
    )


def _record(version: Version, candidate: Candidate, order: ImportOrder, by: Actor) -> None:
    certificate = version.certificate
    record(
        "certificates/import",
        f"certificates/{certificate.name}/{version}",
        by=by,
        vault=certificate.vault,
        details={
            "serial": version.serial,
            "sha256": version.thumbprint_sha256,
            "number": version.number,
            "archive": order.archive,
            "issuer": certificate.issuer_name,
            "chain": len(candidate.chain.certificates),
            "filled_in": len(candidate.added),
            "notes": version.notes,
        },
    )
