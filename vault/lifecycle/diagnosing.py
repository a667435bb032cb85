"""Whose certificate is this? Which requests wait for its key, which version it is already, and who stored that.

Nothing here looks at rights beyond the vaults it is handed: what is found must pass `portal.access` before anyone is
told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, ExpressionWrapper, F, Value
from django.db.models.expressions import CombinedExpression
from django.utils import timezone

from vault.errors import Conflict, NotAllowedNow, OperationClosed
from vault.models import AuditEvent, Operation, OperationStep, Vault, Version
from vault.x509 import certificates

# A key is in one request, or in a handful when it is reused; more than this would be an attack on the page.
_MOST = 50


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Who stored a version, and when; `by` is "" when the trail does not tell."""

    by: str
    by_id: int | None
    at: datetime

    def __str__(self) -> str:
        who = f" by {self.by}" if self.by else ""
        return f"{who} on {_moment(self.at)}".strip()


def requests_for(given: Sequence[bytes], *, among: Iterable[Vault]) -> list[Operation]:
    """Requests of these vaults, not completed, that were made with the key of one of the certificates; newest first.

    Raises UnreadableFile.
    """
    keys = {certificates.facts(der).spki_sha256 for der in given}
    # No ORDER BY beside the LIMIT: a planner could walk all requests from the newest instead of using the key's index.
    found = (
        Operation.objects.filter(spki_sha256__in=keys, deleted_at__isnull=True, certificate__deleted_at__isnull=True)
        .alias(place=_unindexed("vault_id"))
        .filter(place__in=[vault.pk for vault in among])
        .exclude(status=Operation.Status.COMPLETED)
        .select_related("vault", "certificate__vault", "certificate__owner", "requested_by", "key")
        .defer("provider_ref", "tasks", "certificate__policy", "key__sealed")
    )
    return sorted(found[:_MOST], key=lambda operation: operation.pk, reverse=True)


def versions_of(given: Sequence[bytes], *, among: Iterable[Vault]) -> list[Version]:
    """The versions of these vaults' live certificates that are one of these very certificates; newest first."""
    thumbprints = {certificates.facts(der).thumbprint_sha256 for der in given}
    found = Version.objects.light().filter(thumbprint_sha256__in=thumbprints, certificate__deleted_at__isnull=True)
    near = found.alias(place=_unindexed("certificate__vault_id")).filter(place__in=[vault.pk for vault in among])
    related = near.select_related("certificate__vault", "certificate__owner").defer("certificate__policy")
    return sorted(related[:_MOST], key=lambda version: version.created_at, reverse=True)


def _unindexed(column: str) -> ExpressionWrapper[CombinedExpression]:
    """A column as a planner does not see it: it would rather walk a whole vault than use the key's own index."""
    return ExpressionWrapper(F(column) + Value(0), output_field=BigIntegerField())


def who_stored(version: Version) -> Stored:
    """Who made a version: the first event that the vault's trail has of it."""
    certificate = version.certificate
    target = f"certificates/{certificate.name}/{version}"
    events = AuditEvent.objects.filter(chain=certificate.vault_id, target=target)
    first = events.order_by("sequence").values_list("actor", "actor_id").first()
    by, by_id = first or ("", None)
    return Stored(by=by, by_id=by_id, at=version.created_at)


def why_there(version: Version) -> Conflict:
    """The refusal of a certificate that is this version already."""
    certificate = version.certificate
    told = f"This certificate is version {version.number} of “{certificate}” already, stored {who_stored(version)}."
    return Conflict(f"{told} Nothing was changed.")


def why_closed(operation: Operation) -> NotAllowedNow:
    """Why a request takes no certificate now, who ended it and when."""
    if operation.is_in_progress:
        message = f"“{operation.issuer_name}” answers this request itself. Cancel the request to bring a certificate."
        return NotAllowedNow(message)
    if operation.deleted_at is not None:
        return OperationClosed("This request was deleted. Nothing was changed.")
    return OperationClosed(f"This request has already ended: {_ending(operation)}. Nothing was changed.")


def _ending(operation: Operation) -> str:
    version = operation.version
    if version is not None:
        return f"version {version.number} was stored {who_stored(version)}"
    when = f" on {_moment(operation.ended_at)}" if operation.ended_at else ""
    return f"it was {_how(operation)}{when}"


def _how(operation: Operation) -> str:
    """`completed`, `failed`, or `cancelled by olivia`, where the history names who."""
    how = operation.get_status_display().lower()
    last = operation.steps.filter(kind=OperationStep.Kind.CANCELLED).last() if how == "cancelled" else None
    by_someone = last is not None and last.text.startswith("Cancelled by ")
    return f"cancelled by {last.text.removeprefix('Cancelled by ')}" if last and by_someone else how


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.get_default_timezone()):%-d %B %Y, %H:%M} UTC"
