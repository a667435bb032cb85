"""The one place where a version comes to be."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from vault.errors import BadCertificate, Conflict
from vault.keys.making import open_key
from vault.keys.sealing import Purpose, seal
from vault.lifecycle import chaining, publishing, telling
from vault.models import Certificate, Key, Operation, OperationStep, Version, VersionName
from vault.models.audit import Actor, record
from vault.models.policy import PKCS12
from vault.x509 import certificates, pfx
from vault.x509.certificates import split_pem
from vault.x509.chains import Chain


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A certificate (DER) that has been checked against its request, its chain in order, and notes on both."""

    leaf: bytes
    chain: Chain
    notes: Sequence[str] = ()


def complete(*, operation: Operation, answer: Answer, by: Actor) -> Version:
    """Store the certificate as the newest version and end the operation; all of it or nothing.

    Raises:
        BadCertificate: it was made for another key.
        Conflict: this very certificate is a version already.
        OperationClosed: someone else has ended the operation meanwhile.
    """
    if certificates.facts(answer.leaf).spki_sha256 != operation.spki_sha256:
        raise BadCertificate("This certificate was made for another key than the one of this request.")
    certificate = operation.certificate
    content_type = operation.policy.content_type
    version = new_version(certificate, operation.key, answer, content_type=content_type, tags=operation.tags)
    version.enabled, version.preserve_order = operation.enabled, operation.preserve_order
    with version_once(certificate), transaction.atomic():
        Certificate.objects.locked().filter(pk=certificate.pk).values_list("pk").first()
        store(version)
        telling.new_version(version, operation=operation)
        operation.complete(version)
        brought = f", brought by {by.name}" if by.user_id is not None else ""
        told = f"Version {version.number} stored{brought}; it is the current one"
        operation.note(told, kind=OperationStep.Kind.COMPLETED)
        _record(version, operation, by)
    return version


def new_version(
    certificate: Certificate, key: Key | None, answer: Answer, *, content_type: str, tags: dict[str, str]
) -> Version:
    """A version not yet saved, its secret sealed; without a key when the private part is not here.

    Raises:
        BadCertificate: the key is not the certificate's.
        RingError: the key does not open, or nothing can be sealed.
    """
    facts = certificates.facts(answer.leaf)
    version = Version(
        certificate=certificate,
        key=key,
        der=answer.leaf,
        chain="".join(certificates.pem(der) for der in answer.chain.certificates),
        chain_complete=answer.chain.complete,
        content_type=content_type,
        serial=facts.serial,
        thumbprint_sha1=facts.thumbprint_sha1,
        thumbprint_sha256=facts.thumbprint_sha256,
        subject=facts.subject,
        issuer=facts.issuer,
        key_title=facts.key_title,
        not_before=facts.not_before,
        not_after=facts.not_after,
        tags=tags,
        notes=list(answer.notes),
    )
    if key is not None:
        version.secret = _sealed_secret(version, key, answer.chain.certificates)
    return version


def store(version: Version, *, as_current: bool = True) -> None:
    """Save a version with its names under the next number; call it where the certificate is locked."""
    certificate = version.certificate
    version.number = certificate.versions.count() + 1
    version.save(force_insert=True)
    VersionName.objects.bulk_create(VersionName.of(version, _names(certificates.facts(bytes(version.der)))))
    chaining.remember(certificate.vault, split_pem(version.chain))
    if as_current:
        certificate.become(version)
    publishing.new_version(version)


@contextlib.contextmanager
def version_once(certificate: Certificate) -> Iterator[None]:
    """Turn the database's refusal of a version that is there already into Conflict; wraps the transaction."""
    try:
        yield
    except IntegrityError:
        raise Conflict(f"This certificate is a version of “{certificate}” already.") from None


def _names(facts: certificates.CertificateFacts) -> list[tuple[str, str]]:
    """What the certificate is found by: its alternative names, and a common name that is not among them."""
    known = {value.lower() for _, value in facts.names}
    return [*(("cn", name) for name in facts.common_names if name.lower() not in known), *facts.names]


def _sealed_secret(version: Version, key: Key, chain: Sequence[bytes]) -> bytes:
    leaf = bytes(version.der)
    private = open_key(key) if key.exportable else None
    if version.content_type == PKCS12:
        name = version.certificate.name
        secret = pfx.build_pfx(key=private, leaf=leaf, chain=chain, password=None, friendly_name=name)
    else:
        secret = pfx.build_pem(key=private, leaf=leaf, chain=chain).encode()
    return seal(secret, purpose=Purpose.SECRET, vault_id=version.certificate.vault_id, row_id=version.id)


def _record(version: Version, operation: Operation, by: Actor) -> None:
    record(
        "certificates/completed",
        f"certificates/{version.certificate.name}/{version}",
        by=by,
        vault=operation.vault,
        details={
            "operation": operation.request_id.hex,
            "serial": version.serial,
            "sha256": version.thumbprint_sha256,
            "notes": version.notes,
        },
    )
