"""Cancelling a request, and deleting its record."""

from django.db import transaction
from django.utils import timezone

from vault import queue
from vault.errors import NotAllowedNow, OperationClosed
from vault.lifecycle import diagnosing
from vault.models import Operation, OperationStep
from vault.models.audit import Actor, record


@transaction.atomic
def cancel(*, operation: Operation, by: Actor) -> bool:
    """Withdraw a request; True when it has ended, False when its CA must be asked first.

    Raises OperationClosed when it has ended already.
    """
    try:
        ended = operation.cancel()
    except OperationClosed:
        operation.refresh_from_db()
        raise diagnosing.why_closed(operation) from None
    told = f"Cancelled by {by.name}" if ended else f"Cancellation asked for by {by.name}; the CA may still issue"
    operation.note(told, kind=OperationStep.Kind.CANCELLED if ended else OperationStep.Kind.NEWS)
    _record("certificates/cancel", operation, by, result="done" if ended else "requested")
    if not ended:
        Operation.objects.in_progress().filter(pk=operation.pk, leased_by="").update(next_step_at=timezone.now())
        queue.advance_soon(operation.pk)
    return ended


@transaction.atomic
def delete_operation(*, operation: Operation, by: Actor) -> None:
    """Take a request off the pages; what it issued stays.

    Raises NotAllowedNow while its CA may still be working on it, or when it is deleted already.
    """
    sent = operation.step in {Operation.Step.SUBMITTING, Operation.Step.ORDERED}
    if operation.is_in_progress and sent:
        raise NotAllowedNow("This request has been sent. Cancel it first; delete it when it has ended.")
    if operation.is_in_progress:
        cancel(operation=operation, by=by)
    operation.delete_softly()
    _record("certificates/delete-operation", operation, by)


def _record(action: str, operation: Operation, by: Actor, *, result: str = "done") -> None:
    target = f"certificates/{operation.certificate.name}"
    details = {"operation": operation.request_id.hex}
    record(action, target, by=by, vault=operation.vault, result=result, details=details)
