"""Programs that hear of what happens in a vault."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from vault.models.vault import Vault


class EventKind(models.TextChoices):
    """What a program can hear of."""

    NEW_VERSION = "Microsoft.KeyVault.CertificateNewVersionCreated", "A new version is there"
    NEAR_EXPIRY = "Microsoft.KeyVault.CertificateNearExpiry", "A certificate expires soon"
    EXPIRED = "Microsoft.KeyVault.CertificateExpired", "A certificate has expired"


class Webhook(models.Model):
    """An address of a program that is told of a vault's events. `secret` (sealed) signs what is sent."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=60)
    url = models.CharField(max_length=500)
    secret = models.BinaryField()
    # Kinds of event; empty: all.
    events = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)
    # Since when nothing arrives there.
    failing_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[Webhook]] = models.Manager()

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<Webhook {self.id}>"


class Delivery(models.Model):
    """One event on its way to one webhook. Its id is the event's, the same at every try."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        GIVEN_UP = "given-up", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=64)
    # What makes the event one: its kind and the version it is about.
    key = models.CharField(max_length=120)
    # The version it is about, if any.
    version = models.UUIDField(null=True)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, default=timezone.now)
    # The last answer: its status (0: none came), its first words, and how long it took.
    status = models.PositiveSmallIntegerField(default=0)
    said = models.CharField(max_length=300, blank=True)
    took_ms = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Delivery]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["webhook", "key"], name="delivery_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_try_at"], name="delivery_due", condition=Q(state="waiting")),
            models.Index(fields=["webhook", "-created_at", "id"], name="delivery_of_webhook"),
            models.Index(fields=["webhook", "version"], name="delivery_of_version"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.webhook}"
