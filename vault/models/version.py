"""One issued certificate, its names, and what lists need to know of it."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from vault.models.certificate import Certificate
from vault.models.key import Key


class VersionQuerySet(models.QuerySet["Version"]):
    """Questions about versions."""

    def light(self) -> VersionQuerySet:
        """Without certificate, chain and secret: what lists need."""
        return self.defer("der", "chain", "secret")


class Version(models.Model):
    """A certificate as issued, with its facts as columns so that no list parses X.509.

    Certificate, key and secret of one version share its id, written as 32 hex digits. `secret` is the sealed PFX or
    PEM as it was made at completion, so that reading it twice gives the same octets.
    """

    class Revocation(models.TextChoices):
        """Whether its CA was asked to revoke it, through us."""

        NONE = "", "Not revoked"
        REQUESTED = "requested", "Revocation asked for"
        REVOKED = "revoked", "Revoked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="versions")
    key = models.ForeignKey(Key, null=True, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    der = models.BinaryField()
    chain = models.TextField(blank=True)
    chain_complete = models.BooleanField(default=False)
    secret = models.BinaryField(null=True)
    content_type = models.CharField(max_length=32)
    serial = models.CharField(max_length=40, db_index=True)
    thumbprint_sha1 = models.CharField(max_length=40, db_index=True)
    thumbprint_sha256 = models.CharField(max_length=64, db_index=True)
    subject = models.TextField(blank=True)
    issuer = models.TextField(blank=True)
    key_title = models.CharField(max_length=32)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    enabled = models.BooleanField(default=True)
    preserve_order = models.BooleanField(default=False)
    revocation = models.CharField(max_length=10, choices=Revocation, blank=True, default=Revocation.NONE)
    revocation_reason = models.PositiveSmallIntegerField(null=True)
    revoked_at = models.DateTimeField(null=True)
    tags = models.JSONField(default=dict)
    notes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[Version]] = models.Manager.from_queryset(VersionQuerySet)()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["certificate", "thumbprint_sha256"], name="version_once"),
            models.UniqueConstraint(fields=["certificate", "number"], name="version_number_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["certificate"], name="version_disabled", condition=models.Q(enabled=False)),
        ]

    def __str__(self) -> str:
        return self.id.hex

    @property
    def has_expired(self) -> bool:
        """Whether its validity has ended."""
        return self.not_after < timezone.now()

    def enable(self) -> None:
        """Let its key and secret be used again."""
        self._set_enabled(enabled=True)

    def disable(self) -> None:
        """Stop its key and secret from being used; the certificate stays readable."""
        self._set_enabled(enabled=False)

    def retag(self, tags: dict[str, str]) -> None:
        """Replace all tags of this version."""
        moment = timezone.now()
        Version.objects.filter(pk=self.pk).update(tags=tags, updated_at=moment)
        self.tags, self.updated_at = tags, moment

    def note_revocation(self, state: Revocation, *, reason: int) -> bool:
        """Remember what the CA said to a wish to revoke; False when it was revoked already."""
        moment = timezone.now() if state == self.Revocation.REVOKED else None
        mine = Version.objects.filter(pk=self.pk).exclude(revocation=self.Revocation.REVOKED)
        facts = {"revocation": state, "revocation_reason": reason, "revoked_at": moment}
        if not mine.update(updated_at=timezone.now(), **facts):
            return False
        Certificate.objects.filter(current=self.pk).look_again()
        self.revocation, self.revocation_reason, self.revoked_at = state, reason, moment
        return True

    def _set_enabled(self, *, enabled: bool) -> None:
        moment = timezone.now()
        Version.objects.filter(pk=self.pk).update(enabled=enabled, updated_at=moment)
        Certificate.objects.filter(current=self.pk).look_again()
        self.enabled, self.updated_at = enabled, moment


class Prefix(models.Lookup):  # type: ignore[type-arg]
    """`column__prefix="www."`: begins with, in a way that an index can answer on both databases.

    PostgreSQL uses the pattern index that Django makes for indexed text; SQLite compares octets, so a range does.
    """

    lookup_name = "prefix"
    prepare_rhs = True

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, column_params = self.process_lhs(compiler, connection)
        escaped = str(self.rhs).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{column} LIKE %s", [*column_params, escaped + "%"]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, column_params = self.process_lhs(compiler, connection)
        low = str(self.rhs)
        return f"({column} >= %s AND {column} < %s)", [*column_params, low, *column_params, low + "\U0010ffff"]


models.CharField.register_lookup(Prefix)


class VersionName(models.Model):
    """One name in a version, so that names are found by equality, prefix and suffix (`reversed`)."""

    class Kind(models.TextChoices):
        """What the name is; `cn` is the subject's common name."""

        CN = "cn", "Common name"
        DNS = "dns", "DNS name"
        EMAIL = "email", "E-mail address"
        UPN = "upn", "User principal name"
        URI = "uri", "Address"
        IP = "ip", "IP address"
        OTHER = "other", "Other name"

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="names")
    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    value = models.CharField(max_length=300)
    folded = models.CharField(max_length=300, db_index=True)
    reversed = models.CharField(max_length=300, db_index=True)

    def __str__(self) -> str:
        return self.value

    @classmethod
    def of(cls, version: Version, pairs: list[tuple[str, str]]) -> list[VersionName]:
        """Rows, not yet saved, for the (kind, value) pairs of one version; long values are cut to 300 characters."""
        rows = []
        for kind, value in dict.fromkeys(pairs):
            folded = value.lower()[:300]
            rows.append(
                cls(
                    version=version,
                    certificate_id=version.certificate_id,
                    kind=kind,
                    value=value[:300],
                    folded=folded,
                    reversed=folded[::-1],
                )
            )
        return rows
