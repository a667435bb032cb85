"""Who hears about a vault's certificates."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from vault.models.vault import Vault


class Contact(models.Model):
    """One person or list to write to; all contacts of a vault are set and removed together, in the order given."""

    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="contacts")
    email = models.CharField(max_length=254)
    name = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=50, blank=True)

    objects: ClassVar[models.Manager[Contact]] = models.Manager()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.email
