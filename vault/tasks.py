"""What the queue calls. A task decides nothing: rows are the truth, the queue only a bell."""

import logging
import traceback
from datetime import timedelta
from pathlib import Path

from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from vault import leases, queue
from vault.errors import OperationClosed
from vault.keys import making
from vault.lifecycle import advancing, vaults
from vault.models import Draft, Operation

log = logging.getLogger(__name__)

# Longer than the slowest step (an order's 120 s), shorter than the queue's own timeout (180 s).
STEP_LEASE = timedelta(seconds=150)
AFTER_A_BUG = timedelta(seconds=10)
OVERDUE = timedelta(seconds=5)
# An operation due later than this after it was made has a grace; nobody has rung for it.
JUST_ASKED = timedelta(milliseconds=200)
FORGOTTEN = timedelta(seconds=2)
SWEPT_AT_ONCE = 500
POOL = {2048: 6, 3072: 3, 4096: 3}


def advance_operation(operation_id: int) -> None:
    """Take an operation one step further. Safe to run twice, late, or not at all."""
    operation = Operation.objects.claim(operation_id, lease=STEP_LEASE, by=leases.me())
    if operation is None:
        return
    try:
        advancing.advance(operation)
    except OperationClosed:
        return  # ended or taken over meanwhile
    except Exception as error:  # noqa: BLE001 - the edge: a bug must neither order twice nor fail an order
        log.error("A step of operation %s broke: %s in %s", operation_id, type(error).__name__, _where(error))  # noqa: TRY400
        _come_back(operation)


def _where(error: Exception) -> str:
    """The lines of code that an exception went through; never its text, which may quote data."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


def _come_back(operation: Operation) -> None:
    try:
        again_at = timezone.now() + AFTER_A_BUG
        operation.try_again_later("Something unexpected happened here; trying again soon.", again_at=again_at)
    except OperationClosed:
        return


def sweep() -> None:
    """Ring again for whatever is overdue, and remove what its retention no longer keeps."""
    overdue = Operation.objects.in_progress().filter(next_step_at__lte=timezone.now() - OVERDUE)
    room = max(0, SWEPT_AT_ONCE - queue.waiting())  # bells that wait already may be for the same
    due = list(overdue.order_by("next_step_at").values_list("pk", flat=True)[:room])
    for chunk in (due[start : start + 100] for start in range(0, len(due), 100)):
        with transaction.atomic():
            for operation_id in chunk:
                queue.advance_soon(operation_id)
    vaults.purge_due()
    Draft.objects.expired().delete()


def ring_for_delayed() -> int:
    """Ring for operations whose grace has just ended and that nobody has touched; return how many.

    One rung for twice costs nothing: the second claim comes to nothing. What is missed here, the sweep finds.
    """
    moment = timezone.now()
    ended = Operation.objects.in_progress().filter(next_step_at__lte=moment, next_step_at__gt=moment - FORGOTTEN)
    untouched = ended.filter(claims=0, step=Operation.Step.READY, next_step_at__gt=F("created_at") + JUST_ASKED)
    due = list(untouched.order_by("next_step_at").values_list("pk", flat=True)[:SWEPT_AT_ONCE])
    if due:
        with transaction.atomic():
            for operation_id in due:
                queue.advance_soon(operation_id)
    return len(due)


def tidy() -> None:
    """Remove sessions that have ended, and let SQLite count its rows anew so that it picks the right indexes."""
    call_command("clearsessions")
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA analysis_limit=1000")
            cursor.execute("ANALYZE")


def release_dead_leases() -> int:
    """Free operations whose worker process died on this machine, so that they go on at once; return how many."""
    held = Operation.objects.in_progress().exclude(leased_by="")
    freed = 0
    for holder in held.order_by().values_list("leased_by", flat=True).distinct():
        if leases.is_dead(holder):
            for operation_id in list(held.filter(leased_by=holder).values_list("pk", flat=True)):
                mine = held.filter(pk=operation_id, leased_by=holder)
                if mine.update(leased_by="", next_step_at=timezone.now()):
                    queue.advance_soon(operation_id)
                    freed += 1
    return freed


def fill_pool() -> None:
    """Keep a few RSA keys ready, so that a request for one does not wait for its making."""
    making.fill_pool(POOL)
