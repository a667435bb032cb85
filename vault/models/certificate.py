"""The certificate: a name with a policy, an owner and versions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from vault.errors import NotAllowedNow
from vault.models.policy import Policy, PolicyField
from vault.models.vault import Vault

if TYPE_CHECKING:
    from vault.models.version import Version

NAME = re.compile(r"[0-9a-zA-Z-]{1,127}\Z")
# These stand where the API's addresses have a name.
RESERVED_NAMES = frozenset({"contacts", "issuers", "restore"})
# Sorts certificates without a version behind all others.
NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class CertificateQuerySet(models.QuerySet["Certificate"]):
    """Questions about certificates."""

    def named(self, name: str) -> CertificateQuerySet:
        """Certificates of this name, whatever the case: none or one in a vault."""
        return self.filter(name_key=name.lower())

    def live(self) -> CertificateQuerySet:
        """Certificates that are not deleted."""
        return self.filter(deleted_at__isnull=True)

    def deleted(self) -> CertificateQuerySet:
        """Certificates that are deleted and can still be recovered."""
        return self.filter(deleted_at__isnull=False)

    def locked(self) -> CertificateQuerySet:
        """Locked until the transaction ends: versions get their numbers, and requests begin, one after another."""
        return self.select_for_update(of=("self",), no_key=True)

    def light(self) -> CertificateQuerySet:
        """Without the policy, which lists do not need."""
        return self.defer("policy")

    def to_look_at(self) -> CertificateQuerySet:
        """Live certificates of which should be worked out by now what lies ahead of them."""
        return self.live().filter(look_at__lte=timezone.now())

    def to_renew(self) -> CertificateQuerySet:
        """Live certificates that should be renewed by now."""
        return self.live().filter(renew_at__lte=timezone.now())

    def to_ask_about(self) -> CertificateQuerySet:
        """Live certificates of which a CA should be asked by now when it wants them renewed."""
        return self.live().filter(ask_window_at__lte=timezone.now())

    def to_tell_about(self) -> CertificateQuerySet:
        """Live certificates of which people should hear by now."""
        return self.live().filter(notice_at__lte=timezone.now())

    def look_again(self) -> int:
        """Something about them changed: have it worked out anew what lies ahead of them; return how many.

        They are locked in one order, so that two who mark many of the same do not wait for each other.
        """
        in_order = self.order_by("pk").select_for_update(of=("self",), no_key=True)
        with transaction.atomic(savepoint=False):
            return Certificate.objects.filter(pk__in=in_order.values("pk")).update(look_at=timezone.now())


class Certificate(models.Model):
    """One name in a vault. `current` is its newest completed version; a certificate may have none yet.

    What lies ahead of it (`readiness` to `notice_at`) is worked out from everything else, and again whenever
    `look_at` has come: nobody but `lifecycle.outlook` writes it.
    """

    class Readiness(models.TextChoices):
        """Whether the next version will come without a person."""

        UNKNOWN = "", "Not looked at yet"
        UNATTENDED = "unattended", "Renews by itself"
        PERSON = "person", "Needs a person"
        BLOCKED = "blocked", "Blocked"

    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="certificates")
    name = models.CharField(max_length=127)
    name_key = models.GeneratedField(
        expression=Lower("name"), output_field=models.CharField(max_length=127), db_persist=True
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # Hears what the owner does not answer.
    deputy = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    tags = models.JSONField(default=dict)
    policy = PolicyField()
    policy_updated_at = models.DateTimeField(default=timezone.now)
    issuer_name = models.CharField(max_length=127)
    current = models.ForeignKey("vault.Version", null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField(default=NEVER)
    # Days from the beginning to the end of the current version's validity; 0 without one.
    lifetime_days = models.PositiveIntegerField(default=0)
    look_at = models.DateTimeField(default=timezone.now)
    readiness = models.CharField(max_length=10, blank=True, choices=Readiness, default=Readiness.UNKNOWN)
    # Why it is so, as `outlook.Finding` in JSON.
    findings = models.JSONField(default=list)
    # When it is to be renewed; None: not by itself.
    renew_at = models.DateTimeField(null=True)
    # Since when its renewal fails.
    failing_since = models.DateTimeField(null=True)
    # When people are to hear of it next, and up to when everything they were to hear has been noted.
    notice_at = models.DateTimeField(null=True)
    noticed_until = models.DateTimeField(null=True)
    # When the CA wants the current version renewed (RFC 9773), and when to ask for that (again).
    window_start = models.DateTimeField(null=True)
    window_end = models.DateTimeField(null=True)
    window_url = models.CharField(max_length=500, blank=True)
    ask_window_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)
    scheduled_purge_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Certificate]] = models.Manager.from_queryset(CertificateQuerySet)()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["vault", "name_key"], name="certificate_name_once_a_vault"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["vault", "expires_at", "id"], name="certificate_by_expiry"),
            models.Index(fields=["vault", "owner", "name_key"], name="certificate_by_owner"),
            models.Index(fields=["vault", "issuer_name"], name="certificate_by_issuer"),
            models.Index(fields=["vault", "owner", "expires_at", "id"], name="certificate_owners_expiry"),
            models.Index(
                fields=["expires_at", "id"], name="certificate_expiring", condition=models.Q(deleted_at__isnull=True)
            ),
            models.Index(
                fields=["vault", "deleted_at", "id"],
                name="certificate_deleted",
                condition=models.Q(deleted_at__isnull=False),
            ),
            # All that the picture of what expires counts by, so that counting reads no rows.
            models.Index(
                fields=["vault", "deleted_at", "readiness", "expires_at", "id", "owner", "issuer_name"],
                name="certificate_by_readiness",
            ),
            models.Index(
                fields=["look_at"], name="certificate_to_look_at", condition=models.Q(deleted_at__isnull=True)
            ),
            models.Index(
                fields=["renew_at"],
                name="certificate_to_renew",
                condition=models.Q(deleted_at__isnull=True, renew_at__isnull=False),
            ),
            models.Index(
                fields=["notice_at"],
                name="certificate_to_tell_about",
                condition=models.Q(deleted_at__isnull=True, notice_at__isnull=False),
            ),
            models.Index(
                fields=["ask_window_at"],
                name="certificate_to_ask_about",
                condition=models.Q(deleted_at__isnull=True, ask_window_at__isnull=False),
            ),
            models.Index(
                fields=["scheduled_purge_at"],
                name="certificate_purge_due",
                condition=models.Q(scheduled_purge_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_expiry(self) -> bool:
        """Whether there is a version whose expiry `expires_at` tells."""
        return self.expires_at < NEVER

    def become(self, version: Version) -> None:
        """Make a new version the current one. What lay ahead of the one before is forgotten."""
        moment = timezone.now()
        self._change(
            current=version,
            expires_at=version.not_after,
            lifetime_days=max(0, (version.not_after - version.not_before).days),
            updated_at=moment,
            look_at=moment,
            renew_at=None,
            failing_since=None,
            notice_at=None,
            noticed_until=None,
            window_start=None,
            window_end=None,
            window_url="",
            ask_window_at=moment,
        )

    def adopt_policy(self, policy: Policy) -> None:
        """Let another policy rule the next version. Nothing is renewed by the one before any more."""
        moment = timezone.now()
        self._change(
            policy=policy,
            issuer_name=policy.issuer_name,
            policy_updated_at=moment,
            updated_at=moment,
            look_at=moment,
            renew_at=None,
            ask_window_at=moment,
        )

    def hand_over(self, *, owner_id: int | None, deputy_id: int | None) -> None:
        """Let other people answer for it."""
        moment = timezone.now()
        self._change(owner_id=owner_id, deputy_id=deputy_id, updated_at=moment, look_at=moment)

    def retag(self, tags: dict[str, str]) -> None:
        """Replace all tags."""
        Certificate.objects.filter(pk=self.pk).update(tags=tags, updated_at=timezone.now())
        self.tags = tags

    def delete_softly(self) -> None:
        """Hide the certificate until it is recovered or its vault's retention ends."""
        moment = timezone.now()
        due = moment + timedelta(days=self.vault.retention_days)
        mine = Certificate.objects.live().filter(pk=self.pk)
        if not mine.update(deleted_at=moment, scheduled_purge_at=due):
            raise NotAllowedNow(f"“{self}” is deleted already.")
        self.deleted_at, self.scheduled_purge_at = moment, due

    def recover(self) -> None:
        """Bring a deleted certificate back with all its versions. Raises NotAllowedNow when it is not deleted."""
        mine = Certificate.objects.deleted().filter(pk=self.pk)
        moment = timezone.now()
        if not mine.update(deleted_at=None, scheduled_purge_at=None, updated_at=moment, look_at=moment):
            raise NotAllowedNow(f"“{self}” is not deleted.")
        self.deleted_at = self.scheduled_purge_at = None

    def _change(self, **changes: Any) -> None:
        Certificate.objects.filter(pk=self.pk).update(**changes)
        for name, value in changes.items():
            setattr(self, name, value)
