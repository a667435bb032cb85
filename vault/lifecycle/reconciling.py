"""Comparing what the CAs have with what we think: orders that outlived their request, and those that take too long."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from vault.errors import UnreadableFile, VaultError
from vault.lifecycle import issuers, lateness, orders
from vault.models import Operation, OperationStep
from vault.models.audit import SYSTEM, record
from vault.models.operation import FIRST_WATCH
from vault.providers.base import Cancelled, Failed, Issued, OrderNotFound, ProviderError, Ref

log = logging.getLogger(__name__)

SECOND_WATCH = timedelta(hours=6)
DAILY = timedelta(days=1)
WATCHED_FOR = timedelta(days=30)
AT_ONCE = 50


def watch_due() -> int:
    """Look at orders of requests that ended without a certificate and whose turn it is; return at how many."""
    due = Operation.objects.to_watch().order_by("watch_at").values_list("pk", flat=True)[:AT_ONCE]
    return sum(_watch(operation_id) for operation_id in list(due))


def report_overdue() -> int:
    """Report, once each, requests whose order has been open for longer than its CA should need; return how many."""
    reported = 0
    open_orders = Operation.objects.in_progress().filter(issuer__isnull=False).exclude(order_number="")
    unreported = open_orders.exclude(steps__kind=OperationStep.Kind.ALERT, steps__text__startswith=_OVERDUE)
    for operation in unreported.select_related("vault", "certificate", "key", "issuer").iterator(chunk_size=200):
        limit = _give_up_after(operation)
        if limit is not None and timezone.now() - operation.created_at > limit:
            _report(operation, limit)
            reported += 1
    return reported


def look_before_sending() -> int:
    """After a database was restored: whatever was about to be sent may have been sent meanwhile; return how many.

    Such a request is looked for at its CA before anything else; where that is impossible, a person decides.
    """
    unsent = Operation.objects.in_progress().filter(step=Operation.Step.READY, issuer__isnull=False)
    moment = timezone.now()
    return unsent.update(step=Operation.Step.SUBMITTING, submitted_at=moment, leased_by="", next_step_at=moment)


def next_watch(ended_at: datetime, now: datetime) -> datetime | None:
    """When to look again: an hour after the end, six hours after it, then daily for 30 days; None: no more."""
    for moment in (ended_at + FIRST_WATCH, ended_at + SECOND_WATCH):
        if now < moment:
            return moment
    return now + DAILY if now + DAILY <= ended_at + WATCHED_FOR else None


# ------------------------------------------------------------------- one look
def _watch(operation_id: int) -> bool:
    operation = Operation.objects.select_related("vault", "certificate", "key", "issuer").get(pk=operation_id)
    if operation.issuer is None or operation.ended_at is None:
        operation.claim_watch(None)
        return False
    if operation.issuer.is_paused:
        operation.claim_watch(timezone.now() + FIRST_WATCH)
        return False
    if not operation.claim_watch(next_watch(operation.ended_at, timezone.now())):
        return False
    try:
        _look(operation)
    except OrderNotFound:
        log.info("The CA does not know the order of operation %s.", operation.pk)
    except (ProviderError, UnreadableFile, VaultError) as error:
        log.info("The order of operation %s could not be looked at: %s", operation.pk, error.code)
    return True


def _look(operation: Operation) -> None:
    provider = issuers.provider_for(operation)
    request, ref = orders.request_of(operation, complete=False), orders.ref_of(operation)
    match provider.poll(request, ref, _forget):
        case Issued() as issued:
            lateness.keep(operation, issued)
        case Cancelled() | Failed():
            # The CA has ended it as well; nothing can come of it any more.
            Operation.objects.filter(pk=operation.pk).update(watch_at=None)


def _forget(ref: Ref) -> None:
    """An ended operation keeps the reference that it ended with."""


# -------------------------------------------------------------------- overdue
_OVERDUE = "There is no certificate after "


def _give_up_after(operation: Operation) -> timedelta | None:
    try:
        return issuers.provider_for(operation).give_up_after
    except VaultError:
        return None


def _report(operation: Operation, limit: timedelta) -> None:
    sentence = f"{_OVERDUE}{limit.days} days. Ask the CA about order {operation.order_number}, or cancel the request."
    with transaction.atomic():
        operation.note(sentence, kind=OperationStep.Kind.ALERT)
        details = {"operation": operation.request_id.hex, "order": operation.order_number}
        target = f"certificates/{operation.certificate.name}"
        record("orders/overdue", target, by=SYSTEM, vault=operation.vault, result="alarm", details=details)
