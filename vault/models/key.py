"""Keys, sealed; the pool of ready-made ones; and the ring ids that sealed them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from vault.models.vault import Vault


class Key(models.Model):
    """A private key, sealed for its vault and row; several versions may share it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="keys")
    kty = models.CharField(max_length=8)
    size = models.PositiveIntegerField(null=True)
    curve = models.CharField(max_length=16, null=True)  # noqa: DJ001 - null is what the policy holds, too
    spki_sha256 = models.CharField(max_length=64, db_index=True)
    sealed = models.BinaryField()
    exportable = models.BooleanField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.kty} {self.size or self.curve}"

    def __repr__(self) -> str:
        return f"<Key {self.id}>"


class PooledKey(models.Model):
    """An RSA key made ahead of time; whoever deletes the row owns the key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    size = models.PositiveIntegerField(db_index=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"ready-made RSA {self.size}"


class RingKey(models.Model):
    """A ring key that has sealed something in this database, so that a wrong ring is noticed at the start."""

    id = models.CharField(primary_key=True, max_length=16)
    created_at = models.DateTimeField(default=timezone.now)
    backed_up_at = models.DateTimeField(null=True)
    backed_up_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    objects: ClassVar[models.Manager[RingKey]] = models.Manager()

    def __str__(self) -> str:
        return self.id
