"""The audit trail: append-only events, chained by SHA-256, one chain per vault and one for the portal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db import connection, models, transaction
from django.utils import timezone

from vault.models.vault import Vault

GENESIS = "0" * 64
PORTAL = 0


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: `user_id` is None for the portal itself; `right` is the verb that allowed it.

    `token` names the token, if a program acted with one; it goes into the event's details.
    """

    name: str
    user_id: int | None = None
    right: str = ""
    address: str = ""
    token: str = ""


SYSTEM = Actor(name="Chancery")


class AuditChain(models.Model):
    """The end of one chain. The row's lock makes writers queue, so that no sequence number is lost or doubled.

    `id` is the vault's id, and 0 for the portal: a purged vault's chain stays.
    """

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=24)
    length = models.BigIntegerField(default=0)
    head = models.CharField(max_length=64, default=GENESIS)

    objects: ClassVar[models.Manager[AuditChain]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class AuditEvent(models.Model):
    """One event. `hash` covers every other column and the hash before it."""

    chain = models.ForeignKey(AuditChain, on_delete=models.PROTECT, related_name="events")
    sequence = models.BigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    actor_id = models.BigIntegerField(null=True)
    right = models.CharField(max_length=40, blank=True)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=300)
    result = models.CharField(max_length=20)
    address = models.CharField(max_length=45, blank=True)
    details = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects: ClassVar[models.Manager[AuditEvent]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chain", "sequence"], name="audit_sequence_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["chain", "target", "-sequence"], name="audit_by_target"),
            models.Index(fields=["chain", "actor", "-sequence"], name="audit_by_actor"),
            models.Index(fields=["chain", "action", "-sequence"], name="audit_by_action"),
            models.Index(fields=["chain", "at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action} {self.target}"

    def digest(self) -> str:
        """SHA-256, in hex, over the event's content and the hash before it."""
        content = [
            self.chain_id,
            self.sequence,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            self.actor,
            self.actor_id,
            self.right,
            self.action,
            self.target,
            self.result,
            self.address,
            self.details,
            self.previous,
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def record(
    action: str,
    target: str,
    *,
    by: Actor,
    vault: Vault | None = None,
    result: str = "done",
    details: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> AuditEvent:
    """Append one event to the vault's chain (the portal's, without a vault) inside the caller's transaction.

    Details are JSON-able and hold no secrets. Raises TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("An audit event is written inside the transaction it tells of.")
    chain = _locked_chain(vault)
    event = AuditEvent(
        chain=chain,
        sequence=chain.length + 1,
        at=at or timezone.now(),
        actor=by.name[:150],
        actor_id=by.user_id,
        right=by.right,
        action=action,
        target=target[:300],
        result=result,
        address=by.address,
        details={**(details or {}), **({"token": by.token} if by.token else {})},
        previous=chain.head,
    )
    event.hash = event.digest()
    event.save(force_insert=True)
    AuditChain.objects.filter(pk=chain.pk).update(length=event.sequence, head=event.hash)
    return event


def _locked_chain(vault: Vault | None) -> AuditChain:
    key = vault.pk if vault else PORTAL
    # A row lock on PostgreSQL; on SQLite every transaction holds the write lock from its beginning.
    chain = AuditChain.objects.select_for_update().filter(pk=key).first()
    if chain is None:
        AuditChain.objects.bulk_create([AuditChain(pk=key, name=vault.name if vault else "")], ignore_conflicts=True)
        chain = AuditChain.objects.select_for_update().get(pk=key)
    return chain


@dataclass(frozen=True)
class Flaw:
    """What is wrong at one place of a chain."""

    chain: str
    sequence: int
    what: str

    def __str__(self) -> str:
        return f"{self.chain or 'portal'} #{self.sequence}: {self.what}"


def verify(chain: AuditChain) -> list[Flaw]:
    """Read a chain from its beginning and return what is changed, missing or out of order; empty when sound.

    Stops at the first flaw: behind it nothing can be said. What was cut off at the end together with the chain's own
    row shows only against a head that was noted elsewhere.
    """
    head, expected = GENESIS, 1
    for event in chain.events.order_by("sequence", "id").iterator(chunk_size=2000):
        if event.sequence != expected:
            return [Flaw(chain.name, expected, f"missing or out of order: the next event is #{event.sequence}")]
        if event.previous != head:
            return [Flaw(chain.name, expected, "does not follow the event before it")]
        if event.digest() != event.hash:
            return [Flaw(chain.name, expected, "was changed after it was written")]
        head, expected = event.hash, expected + 1
    if (chain.length, chain.head) != (expected - 1, head):
        return [Flaw(chain.name, expected, f"missing: the chain should have {chain.length} events")]
    return []
