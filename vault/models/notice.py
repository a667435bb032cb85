"""Who heard what about a certificate, and the mail that carried it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from vault.models.certificate import Certificate
from vault.models.vault import Vault


class Mail(models.Model):
    """One mail to one address: a digest (one a day), what cannot wait, or a test. Its text is made when it is sent."""

    class Kind(models.TextChoices):
        """Why it is sent."""

        DIGEST = "digest", "Digest"
        AT_ONCE = "at-once", "At once"
        TEST = "test", "Test"

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not delivered"

    # Also its Message-ID, so that a mail sent twice is one to whoever gets it.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    # Folded to lower case.
    address = models.CharField(max_length=254)
    # The day that a digest is of.
    day = models.DateField(null=True)
    # Of a test: the vault whose contacts are tried.
    vault = models.ForeignKey(Vault, null=True, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, default=timezone.now)
    # What the mail server said, or why it could not be asked.
    said = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Mail]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["address", "day"], condition=Q(kind="digest"), name="one_digest_a_day"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_try_at"], name="mail_to_send", condition=Q(state="waiting")),
            models.Index(fields=["address", "-created_at"], name="mail_to_address"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.address}"


class Notice(models.Model):
    """One thing that one person is to hear about one version, once.

    `about` is the version, or the operation where there is none yet, as 32 hex digits; `words` and `until` are what
    it says and the moment it speaks of.
    """

    class Reason(models.TextChoices):
        """What there is to say."""

        EARLY = "early", "Expires in a while"
        NEAR = "near", "Expires soon"
        CLOSE = "close", "Expires very soon"
        WEEK = "week", "Expires within days"
        DAY = "day", "Expires within hours"
        EXPIRED = "expired", "Has expired"
        ACTION = "action", "Its policy says to tell people"
        RENEWS_SOON = "renews-soon", "Will be renewed"
        RENEWED = "renewed", "Was renewed"
        FAILED = "failed", "Renewal failed"
        FAILED_HALF = "failed-50", "Renewal still fails, half of the time is left"
        FAILED_QUARTER = "failed-25", "Renewal still fails, a quarter of the time is left"
        FAILED_TENTH = "failed-10", "Renewal still fails, a tenth of the time is left"
        BLOCKED = "blocked", "Will not renew by itself any more"

    class Settled(models.TextChoices):
        """Why nobody needs to hear more of it."""

        NONE = "", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        HANDED_OVER = "handed-over", "Handed over"
        OVERTAKEN = "overtaken", "A new version is there"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="notices")
    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="notices")
    about = models.CharField(max_length=32)
    reason = models.CharField(max_length=12, choices=Reason)
    # Folded to lower case.
    address = models.CharField(max_length=254)
    words = models.TextField(blank=True)
    until = models.DateTimeField(null=True)
    # Whether it cannot wait for the digest.
    urgent = models.BooleanField(default=False)
    mail = models.ForeignKey(Mail, null=True, on_delete=models.SET_NULL, related_name="notices")
    snoozed_until = models.DateTimeField(null=True)
    settled = models.CharField(max_length=12, choices=Settled, blank=True, default=Settled.NONE)
    settled_at = models.DateTimeField(null=True)
    # Of one that was handed over: to whom.
    handed_to = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[Notice]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["about", "reason", "address"], name="notice_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["address", "created_at"], name="notice_unsent", condition=Q(mail=None, settled="")),
            models.Index(fields=["certificate", "-created_at", "-id"], name="notice_of_certificate"),
            models.Index(fields=["vault", "-created_at", "-id"], name="notice_of_vault"),
            models.Index(fields=["address", "-created_at", "-id"], name="notice_open", condition=Q(settled="")),
        ]

    def __str__(self) -> str:
        return f"{self.reason} to {self.address}"

    @property
    def is_trouble(self) -> bool:
        """Whether something went wrong that was to go by itself, or it is too late."""
        return self.reason == self.Reason.EXPIRED or self.reason in _TROUBLE

    @property
    def is_good(self) -> bool:
        """Whether nobody has to do anything."""
        return self.reason in {self.Reason.RENEWED, self.Reason.RENEWS_SOON}

    @property
    def days_left(self) -> int:
        """Whole days until the moment that it speaks of; 0 when that has come."""
        return 0 if self.until is None else max(0, (self.until - timezone.now()).days)

    @property
    def sentence(self) -> str:
        """What it says, in one sentence, with its date in UTC."""
        day = f"{self.until:%-d %B %Y}" if self.until is not None else "a day that is not known"
        left = "today" if not self.days_left else f"in {self.days_left} day{'' if self.days_left == 1 else 's'}"
        match self.reason:
            case self.Reason.RENEWED:
                return f"Was renewed; the new version is valid until {day}."
            case self.Reason.RENEWS_SOON:
                return f"Will be renewed on {day}; there is nothing to do."
            case self.Reason.BLOCKED:
                return f"Will not renew by itself any more, and expires on {day}."
            case reason if reason in _TROUBLE:
                return f"Its renewal fails; the version in use expires on {day} ({left})."
        if self.until is not None and self.until <= timezone.now():
            return f"Has expired on {day}."
        return f"Expires on {day} ({left})."


_TROUBLE = frozenset(
    {
        Notice.Reason.FAILED,
        Notice.Reason.FAILED_HALF,
        Notice.Reason.FAILED_QUARTER,
        Notice.Reason.FAILED_TENTH,
        Notice.Reason.BLOCKED,
    }
)
