"""The certificate: a name with a policy, an owner and versions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
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


class Certificate(models.Model):
    """One name in a vault. `current` is its newest completed version; a certificate may have none yet."""

    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="certificates")
    name = models.CharField(max_length=127)
    name_key = models.GeneratedField(
        expression=Lower("name"), output_field=models.CharField(max_length=127), db_persist=True
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    tags = models.JSONField(default=dict)
    policy = PolicyField()
    policy_updated_at = models.DateTimeField(default=timezone.now)
    issuer_name = models.CharField(max_length=127)
    current = models.ForeignKey("vault.Version", null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField(default=NEVER)
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
        """Make a new version the current one."""
        moment = timezone.now()
        Certificate.objects.filter(pk=self.pk).update(current=version, expires_at=version.not_after, updated_at=moment)
        self.current, self.expires_at, self.updated_at = version, version.not_after, moment

    def adopt_policy(self, policy: Policy) -> None:
        """Let another policy rule the next version."""
        moment = timezone.now()
        Certificate.objects.filter(pk=self.pk).update(
            policy=policy, issuer_name=policy.issuer_name, policy_updated_at=moment, updated_at=moment
        )
        self.policy, self.issuer_name, self.policy_updated_at = policy, policy.issuer_name, moment

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
        if not mine.update(deleted_at=None, scheduled_purge_at=None, updated_at=timezone.now()):
            raise NotAllowedNow(f"“{self}” is not deleted.")
        self.deleted_at = self.scheduled_purge_at = None
