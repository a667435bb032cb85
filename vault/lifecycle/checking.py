"""Asking the CA now instead of at the planned time, because a person wants to know."""

from datetime import datetime, timedelta

from django.db import transaction

from vault import queue
from vault.errors import NotAllowedNow, TooMany
from vault.models import Operation
from vault.models.audit import Actor, record

PAUSE = timedelta(seconds=10)
_ASKED = frozenset({Operation.Step.READY, Operation.Step.SUBMITTING, Operation.Step.ORDERED})


def again_at(operation: Operation) -> datetime | None:
    """From when on `check_now` is possible again; None: at once, or it never was asked."""
    return operation.asked_at + PAUSE if operation.asked_at else None


@transaction.atomic
def check_now(*, operation: Operation, by: Actor) -> None:
    """Have the CA asked about a request now; at most once in ten seconds, whoever asks.

    Raises:
        NotAllowedNow: it has ended, waits for a person, or its issuer is paused.
        TooMany: it was asked less than ten seconds ago, or is being asked.
    """
    if not operation.is_in_progress or operation.step not in _ASKED:
        raise NotAllowedNow(f"The request for “{operation.certificate}” does not wait for a CA. Look at it again.")
    issuer = operation.issuer
    if issuer is not None and issuer.is_paused:
        raise NotAllowedNow(f"The issuer “{issuer}” is paused, so nothing is asked of its CA. See why on its page.")
    if not operation.ask_now(pause=PAUSE):
        seconds = int(PAUSE.total_seconds())
        raise TooMany(f"The CA was asked a moment ago, or is being asked. Try again in {seconds} seconds.")
    target, details = f"certificates/{operation.certificate.name}", {"operation": operation.request_id.hex}
    record("orders/check", target, by=by, vault=operation.vault, details=details)
    queue.advance_soon(operation.pk)
