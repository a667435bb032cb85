"""Questions about operations, and the claim."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, models, transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from vault.models.issuer import Issuer

if TYPE_CHECKING:
    from vault.models.operation.operation import Operation


class OperationQuerySet(models.QuerySet["Operation"]):
    """Questions about operations, and the claim."""

    def in_progress(self) -> OperationQuerySet:
        """Operations that have not ended, not counting deleted ones."""
        return self.filter(status=self.model.Status.IN_PROGRESS, deleted_at__isnull=True)

    def due(self) -> OperationQuerySet:
        """Operations in progress whose next step should be taken by now."""
        return self.in_progress().filter(next_step_at__lte=timezone.now())

    def waiting_for_merge(self) -> OperationQuerySet:
        """Operations in progress that wait for a person to bring the signed certificate."""
        return self.in_progress().filter(step=self.model.Step.AWAITING_MERGE)

    def light(self) -> OperationQuerySet:
        """Without policy and request: what lists need."""
        return self.defer("policy", "csr", "provider_ref", "tasks", "said", "candidates", "late")

    def waiting_for_issuer(self) -> OperationQuerySet:
        """Operations in progress that nobody comes back to before their issuer is resumed."""
        open_steps = [self.model.Step.READY, self.model.Step.SUBMITTING, self.model.Step.ORDERED]
        waiting = self.in_progress().filter(next_step_at__isnull=True, unclear_at__isnull=True, step__in=open_steps)
        return waiting.filter(issuer__isnull=False)

    def unclear(self) -> OperationQuerySet:
        """Operations in progress of which only a person can say whether the CA has an order."""
        return self.in_progress().filter(unclear_at__isnull=False)

    def with_late_certificate(self) -> OperationQuerySet:
        """Ended operations whose certificate came after the end, and that nobody has decided about."""
        return self.filter(late_at__isnull=False, late_settled=self.model.LateSettled.NONE)

    def to_watch(self) -> OperationQuerySet:
        """Operations that ended without a certificate and whose order should be looked at by now."""
        return self.filter(watch_at__lte=timezone.now()).exclude(status=self.model.Status.IN_PROGRESS)

    def claim(self, pk: int, *, lease: timedelta, by: str, beside: int | None = None) -> Operation | None:
        """Reserve an operation that is due, for `lease`; None if it has ended, is not due, or another worker has it.

        None as well while `beside` operations of the same issuer, or more, are held on the machine of `by`: a CA that
        hangs must not hold all workers. The attempt is counted here, before the work starts, so that a step which
        kills its worker is counted too.
        """
        mine = self.due().filter(pk=pk)
        if beside is not None:
            mine = mine.exclude(self._held_beside(by, at_least=beside))
        counted = {"attempts": F("attempts") + 1, "claims": F("claims") + 1}
        with _one_after_another(pk) if beside is not None else contextlib.nullcontext():
            claimed = mine.update(next_step_at=timezone.now() + lease, leased_by=by, **counted)
        if not claimed:
            return None
        whole = self.select_related("vault", "certificate", "key", "issuer")
        # What a poll does not need; it is read when it is.
        return whole.defer("certificate__policy", "issuer__secrets", "issuer__memory", "candidates", "late").get(pk=pk)

    def _held_beside(self, by: str, *, at_least: int) -> Exists:
        """Whether so many operations of the same issuer are held by processes of the machine of `by`."""
        machine = by.rsplit(" ", 2)[0]
        held = self.model.objects.in_progress().exclude(leased_by="").filter(leased_by__startswith=f"{machine} ")
        held = held.filter(next_step_at__gt=timezone.now(), issuer=OuterRef("issuer"))
        return Exists(held.order_by().values("pk")[at_least - 1 : at_least])


@contextlib.contextmanager
def _one_after_another(pk: int) -> Iterator[None]:
    """Keep two workers from counting the same issuer's held operations at once; SQLite has one writer anyway."""
    if not connection.features.has_select_for_update:
        yield
        return
    with transaction.atomic():
        locked = Issuer.objects.filter(operations=pk).select_for_update(of=("self",), no_key=True)
        list(locked.values_list("pk"))
        yield
