"""The draft: files that a person has brought and not yet decided about."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from vault.models.vault import Vault

LIFE = timedelta(minutes=15)


def _end() -> datetime:
    return timezone.now() + LIFE


class DraftQuerySet(models.QuerySet["Draft"]):
    """Questions about drafts."""

    def open(self) -> DraftQuerySet:
        """Drafts that can still be confirmed."""
        return self.filter(expires_at__gt=timezone.now())

    def expired(self) -> DraftQuerySet:
        """Drafts whose time is over, to be removed."""
        return self.filter(expires_at__lte=timezone.now())


class Draft(models.Model):
    """What was found in an upload, keys included, sealed for this row until it is confirmed or its 15 minutes end.

    It belongs to who brought it. Confirming puts what came of it in the place of the files, by one conditional UPDATE,
    so that confirming twice is confirming once.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="drafts")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=_end, db_index=True)

    objects: ClassVar[models.Manager[Draft]] = models.Manager.from_queryset(DraftQuerySet)()

    def __str__(self) -> str:
        return self.id.hex

    def __repr__(self) -> str:
        return f"<Draft {self.id}>"

    @property
    def is_open(self) -> bool:
        """Whether its time is not over."""
        return self.expires_at > timezone.now()

    def settle(self, sealed: bytes) -> bool:
        """Replace what it holds, for another 15 minutes; False when its time is over or another has replaced it.

        Two sealed blobs are never equal, so the old one is what the UPDATE goes by.
        """
        mine = Draft.objects.open().filter(pk=self.pk, sealed=bytes(self.sealed))
        end = _end()
        if not mine.update(sealed=sealed, expires_at=end):
            return False
        self.sealed, self.expires_at = sealed, end
        return True
