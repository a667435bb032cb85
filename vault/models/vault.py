"""The vault: a name, and everything below it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from vault.errors import NotAllowed, NotAllowedNow

NAME = re.compile(r"[a-zA-Z][0-9a-zA-Z-]{2,23}\Z")
RESERVED_NAMES = frozenset({"login", "management", "www", "api", "new", "deleted"})
SHORTEST_RETENTION, LONGEST_RETENTION = 7, 90


class VaultQuerySet(models.QuerySet["Vault"]):
    """Questions about vaults."""

    def named(self, name: str) -> VaultQuerySet:
        """Vaults of this name, whatever the case: none or one."""
        return self.filter(name_key=name.lower())

    def live(self) -> VaultQuerySet:
        """Vaults that are not deleted."""
        return self.filter(deleted_at__isnull=True)

    def deleted(self) -> VaultQuerySet:
        """Vaults that are deleted and can still be recovered."""
        return self.filter(deleted_at__isnull=False)


class Vault(models.Model):
    """Owns certificates, keys, operations and one audit chain.

    Deletion is soft: the name stays taken until `scheduled_purge_at`. Retention is fixed at creation, and purge
    protection cannot be switched off.
    """

    name = models.CharField(max_length=24)
    name_key = models.GeneratedField(
        expression=Lower("name"), output_field=models.CharField(max_length=24), db_persist=True, unique=True
    )
    retention_days = models.PositiveSmallIntegerField(default=LONGEST_RETENTION)
    purge_protection = models.BooleanField(default=False)
    # A host name of its own for the API, beside the one below the API's domain.
    host = models.CharField(max_length=253, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)
    scheduled_purge_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[Vault]] = models.Manager.from_queryset(VaultQuerySet)()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(retention_days__gte=SHORTEST_RETENTION, retention_days__lte=LONGEST_RETENTION),
                name="vault_retention_7_to_90",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def protect_from_purge(self) -> None:
        """Switch purge protection on, for good."""
        Vault.objects.filter(pk=self.pk).update(purge_protection=True)
        self.purge_protection = True

    def delete_softly(self) -> None:
        """Hide the vault until it is recovered or its retention ends. Raises NotAllowedNow when it is deleted."""
        moment = timezone.now()
        due = moment + timedelta(days=self.retention_days)
        mine = Vault.objects.live().filter(pk=self.pk)
        if not mine.update(deleted_at=moment, scheduled_purge_at=due):
            raise NotAllowedNow(f"The vault “{self}” is deleted already.")
        self.deleted_at, self.scheduled_purge_at = moment, due

    def recover(self) -> None:
        """Bring a deleted vault back. Raises NotAllowedNow when it is not deleted."""
        mine = Vault.objects.deleted().filter(pk=self.pk)
        if not mine.update(deleted_at=None, scheduled_purge_at=None):
            raise NotAllowedNow(f"The vault “{self}” is not deleted.")
        self.deleted_at = self.scheduled_purge_at = None

    def refuse_purge_if_protected(self, what: str) -> None:
        """Raise NotAllowed, naming `what`, where purge protection forbids purging before the retention ends."""
        if self.purge_protection:
            raise NotAllowed(
                f"“{self}” is protected from purging: {what} stays recoverable for {self.retention_days} days "
                "after its deletion and is then removed by itself."
            )
