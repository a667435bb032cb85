"""The issuer: one CA as a vault uses it, with its sealed credentials."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from vault.errors import NotAllowedNow
from vault.models.certificate import Certificate, CertificateQuerySet
from vault.models.vault import Vault


class IssuerQuerySet(models.QuerySet["Issuer"]):
    """Questions about issuers."""

    def named(self, name: str) -> IssuerQuerySet:
        """Issuers of this name, whatever the case: none or one in a vault."""
        return self.filter(name_key=name.lower())

    def light(self) -> IssuerQuerySet:
        """Without what is sealed: what lists need."""
        return self.defer("secrets", "memory")


class Issuer(models.Model):
    """One CA that a vault orders from. `Self` and `Unknown` always exist and are not rows.

    `config` and `administrators` are JSON and hold no secrets; `secrets` (JSON) and `memory` (JSON, what the adapter
    keeps for good, like an ACME account) are sealed for this row. `revision` grows with every edit: adapters that
    were built from an earlier one are not used again.
    """

    class Pause(models.TextChoices):
        """Why nothing is asked of the CA for a while."""

        NONE = "", "Not paused"
        CREDENTIALS = "credentials", "The CA refuses the credentials"
        RATE = "rate", "The CA asked us to slow down"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="issuers")
    name = models.CharField(max_length=127)
    name_key = models.GeneratedField(
        expression=Lower("name"), output_field=models.CharField(max_length=127), db_persist=True
    )
    provider = models.CharField(max_length=64)
    config = models.JSONField(default=dict)
    administrators = models.JSONField(default=list)
    secrets = models.BinaryField()
    memory = models.BinaryField(null=True)
    enabled = models.BooleanField(default=True)
    revision = models.PositiveIntegerField(default=1)
    pause = models.CharField(max_length=12, choices=Pause, blank=True, default=Pause.NONE)
    paused_until = models.DateTimeField(null=True)
    pause_words = models.TextField(blank=True)
    # When it last began to speak to another account or server, or with other credentials.
    steered_at = models.DateTimeField(null=True)
    # How often in a row the CA asked us to slow down.
    slowed = models.PositiveSmallIntegerField(default=0)
    # When the administrators were told that the credentials are refused.
    told_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    check_good = models.BooleanField(default=False)
    check_lines = models.JSONField(default=list)
    succeeded_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[Issuer]] = models.Manager.from_queryset(IssuerQuerySet)()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["vault", "name_key"], name="issuer_name_once_a_vault"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["paused_until"], name="issuer_paused", condition=~Q(pause="")),
        ]

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<Issuer {self.id}>"

    # ------------------------------------------------------------- questions
    @property
    def is_paused(self) -> bool:
        """Whether nothing is asked of the CA at this moment."""
        if self.pause == self.Pause.CREDENTIALS:
            return True
        return bool(self.pause) and self.paused_until is not None and self.paused_until > timezone.now()

    @property
    def is_doubtful(self) -> bool:
        """Whether its last test was bad, and its CA has not issued since."""
        if self.checked_at is None or self.check_good:
            return False
        return self.succeeded_at is None or self.succeeded_at <= self.checked_at

    def users(self) -> CertificateQuerySet:
        """The live certificates of its vault whose policy names it."""
        return Certificate.objects.live().filter(vault=self.vault_id, issuer_name__iexact=self.name)

    # ----------------------------------------------------------------- verbs
    def edit(self, **changes: Any) -> None:
        """Change what it is. Raises NotAllowedNow when another has edited it since this row was read."""
        mine = Issuer.objects.filter(pk=self.pk, revision=self.revision)
        moment = timezone.now()
        if not mine.update(revision=F("revision") + 1, updated_at=moment, **changes):
            raise NotAllowedNow(f"“{self}” was changed by someone else meanwhile. Look at it again, then edit it.")
        for name, value in changes.items():
            setattr(self, name, value)
        self.revision += 1
        self.updated_at = moment
        self.users().look_again()

    def keep_memory(self, before: bytes | None, now: bytes) -> bool:
        """Put a sealed memory in the place of `before`; False when another was faster."""
        mine = Issuer.objects.filter(pk=self.pk)
        mine = mine.filter(memory__isnull=True) if before is None else mine.filter(memory=before)
        if not mine.update(memory=now):
            return False
        self.memory = now
        return True

    def pause_for_credentials(self, words: str) -> bool:
        """Ask nothing more until a test is good; True when it was not paused for that already."""
        mine = Issuer.objects.filter(pk=self.pk, revision=self.revision).exclude(pause=self.Pause.CREDENTIALS)
        changes = {"paused_until": None, "pause_words": words[:500], "told_at": None}
        is_new = bool(mine.update(pause=self.Pause.CREDENTIALS, **changes))
        if is_new:
            self.users().look_again()
        return is_new

    def pause_for_rate(self, until: datetime, words: str) -> None:
        """Ask nothing until then; a longer pause and one for credentials stay."""
        mine = Issuer.objects.filter(pk=self.pk).exclude(pause=self.Pause.CREDENTIALS)
        shorter = mine.filter(Q(paused_until__isnull=True) | Q(paused_until__lt=until))
        shorter.update(pause=self.Pause.RATE, paused_until=until, pause_words=words[:500], slowed=F("slowed") + 1)

    def note_answer(self) -> None:
        """Remember that the CA answers again and does not ask us to slow down."""
        if not self.slowed:
            return
        over = Issuer.objects.filter(pk=self.pk, pause=self.Pause.RATE, paused_until__lte=timezone.now())
        over.update(pause=self.Pause.NONE, paused_until=None, pause_words="", slowed=0)

    def resume(self) -> bool:
        """Go on; True when it was paused."""
        mine = Issuer.objects.filter(pk=self.pk).exclude(pause=self.Pause.NONE)
        was = bool(mine.update(pause=self.Pause.NONE, paused_until=None, pause_words="", told_at=None, slowed=0))
        if was:
            self.users().look_again()
        return was

    def claim_telling(self) -> bool:
        """Whether it falls to the caller to tell the administrators that the credentials are refused."""
        mine = Issuer.objects.filter(pk=self.pk, pause=self.Pause.CREDENTIALS, told_at__isnull=True)
        return bool(mine.update(told_at=timezone.now()))

    def unclaim_telling(self) -> None:
        """Nobody could be told: someone else is to try again."""
        Issuer.objects.filter(pk=self.pk, pause=self.Pause.CREDENTIALS).update(told_at=None)

    def note_check(self, *, good: bool, lines: list[dict[str, Any]]) -> None:
        """Remember what the last test found."""
        moment = timezone.now()
        Issuer.objects.filter(pk=self.pk).update(checked_at=moment, check_good=good, check_lines=lines)
        self.users().look_again()
        self.checked_at, self.check_good, self.check_lines = moment, good, lines

    def note_success(self) -> None:
        """Remember that the CA has issued."""
        was_doubtful = self.is_doubtful
        self.succeeded_at = timezone.now()
        Issuer.objects.filter(pk=self.pk).update(succeeded_at=self.succeeded_at)
        if was_doubtful:
            self.users().look_again()
