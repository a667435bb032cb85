"""What happened to an operation, line by line."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class OperationStep(models.Model):
    """One line of an operation's history, with its time."""

    class Kind(models.TextChoices):
        """What sort of news it is."""

        REQUESTED = "requested", "Requested"
        KEY = "key", "Key and request made"
        SENT = "sent", "Sent"
        NEWS = "news", "News"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        # Something that a person should look at.
        ALERT = "alert", "Look at this"

    operation = models.ForeignKey("vault.Operation", on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=10, choices=Kind)
    text = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.text
