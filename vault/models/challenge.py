"""Answers to http-01 challenges that are live (RFC 8555 §8.3)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from vault.models.issuer import Issuer


class Challenge(models.Model):
    """One token and what to answer with. Neither is a secret: whoever knows the token may ask."""

    token = models.CharField(primary_key=True, max_length=128)
    issuer = models.ForeignKey(Issuer, on_delete=models.CASCADE, related_name="+")
    key_authorization = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects: ClassVar[models.Manager[Challenge]] = models.Manager()

    def __str__(self) -> str:
        return self.token
