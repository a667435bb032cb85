"""Who needs an issuer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vault.models import Certificate, Issuer, Operation
from vault.models.operation import OperationQuerySet

MOST: Final = 20


@dataclass(frozen=True, kw_only=True)
class Users:
    """What depends on an issuer: the newest open operations and the first certificates by name, `MOST` of each.

    `watched` counts, up to `MOST`, orders that ended here and that the CA may still fill.
    """

    operations: tuple[Operation, ...]
    has_more_operations: bool
    certificates: tuple[str, ...]
    has_more_certificates: bool
    watched: int


def open_operations(issuer: Issuer) -> OperationQuerySet:
    """Operations that have not ended."""
    return Operation.objects.in_progress().filter(issuer=issuer)


def users_of(issuer: Issuer) -> Users:
    """Return what depends on an issuer: open operations, and certificates whose policy names it. Three queries."""
    running = open_operations(issuer).light().select_related("certificate").defer("certificate__policy")
    operations = list(running.order_by("-id")[: MOST + 1])
    mine = Certificate.objects.live().filter(vault=issuer.vault_id, issuer_name=issuer.name)
    names = list(mine.order_by("name_key").values_list("name", flat=True)[: MOST + 1])
    watched = Operation.objects.filter(issuer=issuer, watch_at__isnull=False).values_list("pk")[:MOST]
    return Users(
        operations=tuple(operations[:MOST]),
        has_more_operations=len(operations) > MOST,
        certificates=tuple(names[:MOST]),
        has_more_certificates=len(names) > MOST,
        watched=len(watched),
    )
