"""Soft deletion, recovery and purging of certificates; enabling and disabling versions."""

from django.db import transaction
from django.utils import timezone

from vault.errors import NotAllowedNow
from vault.lifecycle import withdrawing
from vault.models import Certificate, Key, Operation, Version, VersionName
from vault.models.audit import SYSTEM, Actor, record


@transaction.atomic
def delete_certificate(*, certificate: Certificate, by: Actor) -> None:
    """Hide a certificate with all its versions; requests in progress are cancelled. Raises NotAllowedNow."""
    for operation in Operation.objects.in_progress().filter(certificate=certificate).select_related("vault"):
        withdrawing.cancel(operation=operation, by=by)
    certificate.delete_softly()
    _record("certificates/delete", certificate, by)


@transaction.atomic
def recover_certificate(*, certificate: Certificate, by: Actor) -> None:
    """Bring a deleted certificate back. Raises NotAllowedNow when it is not deleted."""
    certificate.recover()
    _record("certificates/recover", certificate, by)


@transaction.atomic
def purge_certificate(*, certificate: Certificate, by: Actor) -> None:
    """Remove a deleted certificate with its keys, for good.

    Raises:
        NotAllowedNow: it is not deleted.
        NotAllowed: the vault is protected from purging and the retention has not ended.
    """
    due = certificate.scheduled_purge_at is not None and certificate.scheduled_purge_at <= timezone.now()
    if not due:
        certificate.vault.refuse_purge_if_protected(f"“{certificate}”")
    if not Certificate.objects.deleted().filter(pk=certificate.pk).update(current=None):
        raise NotAllowedNow(f"“{certificate}” is not deleted. Delete it first.")
    _record("certificates/purge", certificate, by)
    _erase(certificate)


def _erase(certificate: Certificate) -> None:
    keys = set(Operation.objects.filter(certificate=certificate).values_list("key_id", flat=True))
    keys |= set(Version.objects.filter(certificate=certificate).values_list("key_id", flat=True))
    Operation.objects.filter(certificate=certificate).delete()
    VersionName.objects.filter(certificate=certificate).delete()
    Version.objects.filter(certificate=certificate).delete()
    certificate.delete()
    Key.objects.filter(pk__in=keys - {None}, versions=None, operations=None).delete()


def purge_due(*, most: int = 100) -> int:
    """Purge certificates whose retention has ended, at most `most` at a time; return how many."""
    due = Certificate.objects.filter(scheduled_purge_at__lte=timezone.now()).select_related("vault")[:most]
    purged = 0
    for certificate in due:
        try:
            purge_certificate(certificate=certificate, by=SYSTEM)
        except NotAllowedNow:
            continue  # recovered meanwhile
        purged += 1
    return purged


@transaction.atomic
def set_enabled(*, version: Version, enabled: bool, by: Actor) -> None:
    """Let a version's key and secret be used, or stop them from being used."""
    if enabled:
        version.enable()
    else:
        version.disable()
    action = "certificates/enable" if enabled else "certificates/disable"
    _record(action, version.certificate, by, version=version)


def _record(action: str, certificate: Certificate, by: Actor, *, version: Version | None = None) -> None:
    target = f"certificates/{certificate.name}" + (f"/{version}" if version else "")
    record(action, target, by=by, vault=certificate.vault)
