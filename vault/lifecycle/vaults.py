"""Making, protecting, deleting and bringing back vaults."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from vault.errors import BadName, BadParameter, NameTaken, NotAllowedNow
from vault.lifecycle import retiring
from vault.models import Certificate, Key, Operation, Vault, Version
from vault.models.audit import SYSTEM, Actor, record
from vault.models.vault import LONGEST_RETENTION, NAME, RESERVED_NAMES, SHORTEST_RETENTION


def create_vault(
    *, name: str, by: Actor, retention_days: int = LONGEST_RETENTION, purge_protection: bool = False
) -> Vault:
    """Make an empty vault. Retention, in days (7 to 90), is fixed from now on.

    Raises:
        BadName: the name cannot be a vault's.
        BadParameter: the retention is out of range.
        NameTaken: a vault has this name, or a deleted one holds it.
    """
    check_name(name)
    if not SHORTEST_RETENTION <= retention_days <= LONGEST_RETENTION:
        message = f"Deleted things cannot be kept for {retention_days} days. Choose {SHORTEST_RETENTION} to 90."
        raise BadParameter(message, field="retention_days")
    try:
        with transaction.atomic():
            vault = Vault.objects.create(name=name, retention_days=retention_days, purge_protection=purge_protection)
            details = {"retention_days": retention_days, "purge_protection": purge_protection}
            record("vaults/create", f"vaults/{name}", by=by, vault=vault, details=details)
    except IntegrityError:
        raise _taken(name) from None
    return vault


def check_name(name: str) -> None:
    """Refuse what cannot be a vault's name. Raises BadName."""
    if not NAME.match(name) or name.lower() in RESERVED_NAMES:
        raise BadName(
            f"“{name[:40]}” cannot be a vault's name. Use 3 to 24 letters, digits and hyphens, a letter first; "
            f"{', '.join(sorted(RESERVED_NAMES))} are reserved.",
            field="name",
        )


def refuse_taken(name: str) -> None:
    """Raise NameTaken when a vault of this name exists, deleted or not."""
    if Vault.objects.named(name).exists():
        raise _taken(name)


def _taken(name: str) -> NameTaken:
    holder = Vault.objects.named(name).first()
    if holder is not None and holder.deleted_at is not None and holder.scheduled_purge_at is not None:
        message = (
            f"The deleted vault “{holder}” holds this name until {holder.scheduled_purge_at:%-d %B %Y}. "
            "Recover it, purge it, or choose another name."
        )
        return NameTaken(message, recoverable=True)
    return NameTaken(f"There is a vault named “{holder or name}” already. Choose another name.")


@transaction.atomic
def protect_vault(*, vault: Vault, by: Actor) -> None:
    """Switch purge protection on; it cannot be switched off again."""
    vault.protect_from_purge()
    record("vaults/protect", f"vaults/{vault}", by=by, vault=vault)


@transaction.atomic
def delete_vault(*, vault: Vault, by: Actor) -> None:
    """Hide a vault with all that is in it, until its retention ends. Raises NotAllowedNow."""
    vault.delete_softly()
    record("vaults/delete", f"vaults/{vault}", by=by, vault=vault)


@transaction.atomic
def recover_vault(*, vault: Vault, by: Actor) -> None:
    """Bring a deleted vault back. Raises NotAllowedNow."""
    vault.recover()
    record("vaults/recover", f"vaults/{vault}", by=by, vault=vault)


@transaction.atomic
def purge_vault(*, vault: Vault, by: Actor) -> None:
    """Remove a deleted vault with its certificates and keys, for good; its audit trail stays.

    Raises:
        NotAllowedNow: it is not deleted.
        NotAllowed: it is protected from purging and its retention has not ended.
    """
    due = vault.scheduled_purge_at is not None and vault.scheduled_purge_at <= timezone.now()
    if not due:
        vault.refuse_purge_if_protected("the vault")
    if not Vault.objects.deleted().filter(pk=vault.pk).exists():
        raise NotAllowedNow(f"The vault “{vault}” is not deleted. Delete it first.")
    record("vaults/purge", f"vaults/{vault}", by=by, vault=vault)
    Certificate.objects.filter(vault=vault).update(current=None)
    Operation.objects.filter(vault=vault).delete()
    Version.objects.filter(certificate__vault=vault).delete()
    Key.objects.filter(vault=vault).delete()
    vault.delete()


def purge_due() -> None:
    """Purge the vaults whose retention has ended, and the certificates likewise."""
    for vault in Vault.objects.filter(scheduled_purge_at__lte=timezone.now())[:10]:
        purge_vault(vault=vault, by=SYSTEM)
    retiring.purge_due()
