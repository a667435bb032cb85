"""What the queue calls. A task decides nothing: rows are the truth, the queue only a bell."""

import contextlib
import logging
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from vault import leases, queue
from vault.errors import OperationClosed
from vault.keys import making
from vault.lifecycle import (
    advancing,
    outlook,
    pausing,
    posting,
    publishing,
    reconciling,
    renewing,
    telling,
    vaults,
    windows,
)
from vault.models import Challenge, Draft, Operation

log = logging.getLogger(__name__)

# Longer than the slowest step (an order's 120 s), shorter than the queue's own timeout (180 s).
STEP_LEASE = timedelta(seconds=150)
# One bell is enough for many orders of one CA: whoever hears it goes on with the next for so many seconds. Together
# with the longest step that is less than the queue's timeout.
GO_ON_SECONDS = 15
LOOKED_UP_AT_ONCE = 20
OVERDUE = timedelta(seconds=5)
# An operation due later than this after it was made has a grace; nobody has rung for it.
JUST_ASKED = timedelta(milliseconds=200)
# No order is proved for longer than a week; its challenges are taken down before, unless a worker died.
CHALLENGES_KEPT = timedelta(days=8)
FORGOTTEN = timedelta(seconds=2)
SWEPT_AT_ONCE = 500
POOL = {2048: 6, 3072: 3, 4096: 3}


def advance_operation(operation_id: int) -> None:
    """Take an operation one step further. Safe to run twice, late, or not at all.

    Then go on for a while with others that are due at the same issuer: only so many workers at a time call one CA,
    and the others leave its operations to them.
    """
    until = time.monotonic() + GO_ON_SECONDS
    issuer_id = _advance(operation_id)
    while issuer_id is not None and time.monotonic() < until:
        due = _due_at(issuer_id)
        advanced = [pk for pk in due if time.monotonic() < until and _advance(pk) is not None]
        if not advanced:
            return


def _advance(operation_id: int) -> uuid.UUID | None:
    """Take one step if the operation is due and free; return its issuer, None if nothing was done or it has no row."""
    operation = Operation.objects.claim(operation_id, lease=STEP_LEASE, by=leases.me(), beside=queue.calls_per_issuer())
    if operation is None:
        return None
    try:
        advancing.advance(operation)
    except OperationClosed:
        pass  # ended or taken over meanwhile
    except Exception as error:  # noqa: BLE001 - the edge: a bug must neither order twice nor fail an order
        log.error("A step of operation %s broke: %s in %s", operation_id, type(error).__name__, _where(error))  # noqa: TRY400
        with contextlib.suppress(OperationClosed):
            advancing.retry_later(operation)
    return operation.issuer_id


def _due_at(issuer_id: uuid.UUID) -> list[int]:
    """Operations of an issuer that are due: first those that were never sent, for a person waits, then the oldest."""
    due = Operation.objects.due().filter(issuer=issuer_id, leased_by="")
    # Not by the time they are due: a planner would walk all that are due in search of the few.
    unsent = due.filter(step=Operation.Step.READY).order_by("created_at")
    few = list(unsent.values_list("pk", flat=True)[:LOOKED_UP_AT_ONCE])
    return few or list(due.order_by("next_step_at").values_list("pk", flat=True)[:LOOKED_UP_AT_ONCE])


def _where(error: Exception) -> str:
    """The lines of code that an exception went through; never its text, which may quote data."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


def sweep() -> None:
    """Ring again for whatever is overdue, and remove what its retention no longer keeps."""
    pausing.ring_for_resumed()
    pausing.tell_administrators()
    overdue = Operation.objects.in_progress().filter(next_step_at__lte=timezone.now() - OVERDUE)
    room = max(0, SWEPT_AT_ONCE - queue.waiting())  # bells that wait already may be for the same
    due = _few_of_each(overdue.order_by("next_step_at").values_list("pk", "issuer")[:room])
    for chunk in (due[start : start + 100] for start in range(0, len(due), 100)):
        with transaction.atomic():
            for operation_id in chunk:
                queue.advance_soon(operation_id)
    vaults.purge_due()
    Draft.objects.expired().delete()


def ring_for_delayed() -> int:
    """Ring for operations whose time has just come and that nobody has touched; return how many bells.

    Of the operations of one issuer a few are enough: who takes them goes on with the others. One rung for twice
    costs nothing: the second claim comes to nothing. What is missed here, the sweep finds.
    """
    moment = timezone.now()
    due = Operation.objects.in_progress().filter(next_step_at__lte=moment, next_step_at__gt=moment - FORGOTTEN)
    rung_for_at_birth = Q(claims=0, next_step_at__lte=F("created_at") + JUST_ASKED)
    due = due.filter(leased_by="").exclude(rung_for_at_birth).order_by("next_step_at")
    rung = _few_of_each(due.values_list("pk", "issuer")[:SWEPT_AT_ONCE])
    if rung:
        with transaction.atomic():
            for operation_id in rung:
                queue.advance_soon(operation_id)
    return len(rung)


def _few_of_each(due: Iterable[tuple[int, uuid.UUID | None]]) -> list[int]:
    """Those without an issuer's row, and of each issuer as many as may call it at a time."""
    counted: Counter[uuid.UUID] = Counter()
    chosen = []
    for operation_id, issuer_id in due:
        if issuer_id is not None:
            counted[issuer_id] += 1
            if counted[issuer_id] > queue.calls_per_issuer():
                continue
        chosen.append(operation_id)
    return chosen


def watch_orders() -> None:
    """Look at orders that outlived their request."""
    reconciling.watch_due()


def look_ahead() -> None:
    """Work out what lies ahead of certificates about which something changed, or that nobody looked at for a day."""
    until = time.monotonic() + GO_ON_SECONDS
    while outlook.look_ahead() and time.monotonic() < until:
        pass


def renew() -> None:
    """Begin the renewals that are due, as many as their issuers should get at this moment."""
    renewing.renew_due()


def ask_windows() -> None:
    """Ask CAs when they want their certificates renewed, where it is time to ask."""
    windows.ask_due()


def tell() -> None:
    """Note what people are to hear about certificates by now."""
    until = time.monotonic() + GO_ON_SECONDS
    while telling.tell_due() and time.monotonic() < until:
        pass


def post() -> None:
    """Send the mails that are due."""
    posting.post_due()


def publish() -> None:
    """Write down for webhooks what time alone brought."""
    publishing.publish_due()


def deliver() -> None:
    """Send webhooks the events that are due."""
    publishing.deliver_due()


def compare() -> None:
    """Once a day: report orders that take longer than they should."""
    reconciling.report_overdue()


def tidy() -> None:
    """Remove what nobody asks for any more, and let SQLite count its rows anew so that it picks the right indexes."""
    call_command("clearsessions")
    Challenge.objects.filter(created_at__lt=timezone.now() - CHALLENGES_KEPT).delete()
    posting.forget_old()
    publishing.forget_old()
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
