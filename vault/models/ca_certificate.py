"""CA certificates that a vault has seen prove themselves, so that a chain which came without them can be completed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from vault.models.vault import Vault


class CACertificate(models.Model):
    """One CA certificate from the chain of a version in this vault; found by the name (SHA-256 of its DER) it bears.

    It is no trust anchor: it only ever stands in a chain whose signatures prove its place.
    """

    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="ca_certificates")
    thumbprint_sha256 = models.CharField(max_length=64)
    subject_sha256 = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    der = models.BinaryField()
    not_after = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[CACertificate]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["vault", "subject_sha256", "thumbprint_sha256"], name="ca_certificate_once_a_vault"
            ),
        ]

    def __str__(self) -> str:
        return self.title
