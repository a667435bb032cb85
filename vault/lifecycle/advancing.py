"""Taking an operation one step further. Whoever calls this holds the operation's claim.

Before the CA is called, that it will be is committed; its order number is committed before anything else of its
answer is read. What was sent without an answer is looked for, never sent again blindly.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from vault.errors import NotAllowedNow, RingError
from vault.lifecycle import issuers, looking, orders, outcomes, pacing, pausing
from vault.lifecycle.pausing import ring_for_issuer
from vault.models import Operation
from vault.providers.base import (
    Can,
    Cancelled,
    CancelResult,
    CertRequest,
    InvalidRequest,
    Lookup,
    NotAuthorised,
    OrderNotFound,
    Outcome,
    Provider,
    ProviderError,
    RateLimited,
    Ref,
    Rejected,
    Transient,
)

__all__ = ["MOST_ATTEMPTS", "advance", "retry_later", "ring_for_issuer"]

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
# How often the CA is asked to withdraw an order that it is still working on.
CANCEL_AGAIN = timedelta(hours=1)
_SOON = timedelta(seconds=2)


def advance(operation: Operation) -> None:
    """Take one step: send, look for, or ask about the order, and write the outcome.

    Raises OperationClosed when the operation was ended or claimed by another meanwhile.
    """
    try:
        provider = issuers.provider_for(operation)
    except RingError as error:
        return operation.try_again_later(str(error), again_at=_in(pacing.retry_delay(operation.attempts)))
    except NotAllowedNow as error:
        return _without_adapter(operation, error)
    if operation.issuer is not None and operation.issuer.is_paused:
        return _wait_for_issuer(operation)
    reason = _hopeless(operation, provider)
    if reason:
        return outcomes.fail(operation, *reason)
    _take(operation, provider)
    if operation.status != Operation.Status.IN_PROGRESS and operation.issuer_id is not None:
        _clean_up(operation, provider)
    return None


def retry_later(operation: Operation) -> None:
    """Come back after a step broke here: soon, then ever less often, and never sent again for that."""
    delay = pacing.retry_delay(operation.attempts)
    operation.try_again_later("Something unexpected happened here; trying again soon.", again_at=_in(delay))


# -------------------------------------------------------------------- a step
def _take(operation: Operation, provider: Provider) -> None:
    try:
        outcome = _step(operation, provider)
    except NotAuthorised as error:
        return _refused(operation, error)
    except RateLimited as error:
        return _slowed(operation, error)
    except Transient as error:
        return _later(operation, provider, error)
    except (OrderNotFound, Rejected, InvalidRequest) as error:
        return _said_no(operation, error)
    except ProviderError as error:  # OutcomeUnknown, and whatever else proves nothing
        return operation.try_again_later(_quote(error), again_at=_in(looking.RECHECK), asked=True)
    if operation.issuer is not None:
        operation.issuer.note_answer()
    if outcome is not None:
        outcomes.write(operation, provider, outcome)
    return None


def _step(operation: Operation, provider: Provider) -> Outcome | None:
    if operation.step == Operation.Step.READY:
        return _send(operation, provider)
    if operation.step == Operation.Step.SUBMITTING and not operation.order_number:
        return _find(operation, provider)
    request, ref = orders.request_of(operation, complete=False), orders.ref_of(operation)
    # A number that a person gave may be another's order: nothing is withdrawn before a certificate proves it.
    if operation.cancellation_requested and not operation.number_given and _may_ask_to_cancel(operation):
        ended = _cancel(operation, provider, request, ref)
        if ended is not None:
            return ended
    return provider.poll(request, ref, _saver(operation))


def _send(operation: Operation, provider: Provider) -> Outcome | None:
    if operation.cancellation_requested:
        return Cancelled(ref=Ref(), detail="Cancelled before anything was sent.")
    request = orders.request_of(operation)
    doubts = provider.validate(request)
    if looking.must_look_first(operation, provider):
        lookup = _look_first(operation, provider, request)
        if lookup.found:
            return _adopt(operation, provider, request, lookup.found)
        if not lookup.complete and not operation.is_sent_on_a_word:
            _look_again(operation, provider)
            return None
    if operation.submitted_at is None:
        _tell(operation, doubts)
    operation.begin_submitting()
    return provider.submit(request, _saver(operation))


def _tell(operation: Operation, doubts: Sequence[str]) -> None:
    if shortened := orders.shortening_of(operation):
        operation.note(f"The validity of {operation.policy.validity} is {shortened.words}")
    for doubt in doubts:
        operation.note(doubt)


def _look_first(operation: Operation, provider: Provider, request: CertRequest) -> Lookup:
    """Look for an order before sending. Where a person has said that there is none, a failing search stops nothing."""
    try:
        return looking.look(operation, provider, request)
    except Transient:
        if operation.is_sent_on_a_word:
            return Lookup(complete=False)
        raise


def _find(operation: Operation, provider: Provider) -> Outcome | None:
    """Found in mid-sending: look for the order, and send again only when there certainly is none."""
    request = orders.request_of(operation)
    lookup = looking.look(operation, provider, request)
    if lookup.found:
        return _adopt(operation, provider, request, lookup.found)
    if not looking.is_proof(operation, provider, lookup):
        _look_again(operation, provider)
        return None
    if operation.cancellation_requested:
        return Cancelled(ref=Ref(), detail="Cancelled; the CA has no order.")
    if Can.REPEATABLE in provider.can:
        return provider.submit(request, _saver(operation))
    operation.back_to_ready("The CA has no order for this request; it is sent once more.", again_at=timezone.now())
    return None


def _look_again(operation: Operation, provider: Provider) -> None:
    if looking.is_a_persons_turn(operation, provider):
        return looking.ask_a_person(operation, provider)
    detail = f"Looking for the order at {provider.title}; nothing is sent again until that is clear."
    return operation.try_again_later(detail, again_at=_in(looking.RECHECK), asked=True)


def _adopt(operation: Operation, provider: Provider, request: CertRequest, found: tuple[Ref, ...]) -> Outcome | None:
    if len(found) > 1:
        looking.ask_a_person(operation, provider, found)
        return None
    operation.remember(orders.as_json(found[0]))
    return provider.poll(request, found[0], _saver(operation))


def _may_ask_to_cancel(operation: Operation) -> bool:
    asked_at = operation.cancel_asked_at
    return asked_at is None or timezone.now() - asked_at > CANCEL_AGAIN


def _cancel(operation: Operation, provider: Provider, request: CertRequest, ref: Ref) -> Outcome | None:
    """Ask the CA to withdraw the order; None when the next answer of the CA tells what became of it."""
    try:
        result = provider.cancel(request, ref)
    except (Rejected, OrderNotFound, InvalidRequest) as error:
        log.info("Operation %s could not be cancelled: %s", operation.pk, error.code)
        result = CancelResult.TOO_LATE
    operation.note_cancel_asked()
    match result:
        case CancelResult.DONE:
            return Cancelled(ref=ref, detail=f"{provider.title} has withdrawn the order.")
        case CancelResult.UNSUPPORTED:
            detail = f"Cancelled here. {provider.title} has no way to withdraw an order and may still issue it."
            return Cancelled(ref=ref, detail=detail)
    return None


class _Saver:
    """Commits the CA's reference the moment it is known."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    def __call__(self, ref: Ref) -> None:
        self._operation.remember(orders.as_json(ref))


def _saver(operation: Operation) -> _Saver:
    return _Saver(operation)


# --------------------------------------------------------------- no good news
def _hopeless(operation: Operation, provider: Provider) -> tuple[str, str] | None:
    """Say, as code and sentence, why it makes no sense to go on; None when it does.

    What a CA may have is never given up: it is reported once a day (`reconciling`).
    """
    if operation.order_number or (operation.step == Operation.Step.SUBMITTING and operation.issuer_id):
        return None
    if operation.attempts > MOST_ATTEMPTS and operation.issuer_id is None:
        return "StepFailed", (
            f"This was tried {MOST_ATTEMPTS} times and broke each time. Nothing was issued. Ask again; if it fails "
            "again, tell whoever runs this portal."
        )
    age = timezone.now() - operation.created_at
    if provider.give_up_after is not None and age > provider.give_up_after and operation.attempts > 1:
        return "GaveUp", f"There was no certificate after {provider.give_up_after.days} days. Ask again."
    return None


def _without_adapter(operation: Operation, error: NotAllowedNow) -> None:
    if operation.issuer is not None:
        return operation.try_again_later(str(error), again_at=_in(pacing.LONGEST_DELAY))
    number = operation.order_number
    there = f" The CA may still issue order {number}; bring its certificate here when it does." if number else ""
    return outcomes.fail(operation, "IssuerRemoved", f"{error}{there}")


def _wait_for_issuer(operation: Operation) -> None:
    assert operation.issuer is not None
    detail, until = pausing.wait_for(operation.issuer)
    operation.try_again_later(detail, again_at=until)
    pausing.move_due(operation.issuer, until)


def _nothing_was_sent(operation: Operation) -> bool:
    """Whether this step tried to send, and was refused in a way that certainly ordered nothing."""
    return operation.step == Operation.Step.SUBMITTING and not operation.order_number and operation.sent_now


def _put_off(operation: Operation, detail: str, again_at: datetime | None) -> None:
    if _nothing_was_sent(operation):
        operation.back_to_ready(detail, again_at=again_at)
    else:
        operation.try_again_later(detail, again_at=again_at, asked=True)


def _refused(operation: Operation, error: NotAuthorised) -> None:
    assert operation.issuer is not None
    if pausing.for_credentials(operation.issuer, error):
        detail, until = pausing.wait_for(operation.issuer)
        _put_off(operation, detail, until)
        pausing.tell_administrators()
    else:
        _put_off(operation, _quote(error), _in(_SOON))


def _slowed(operation: Operation, error: RateLimited) -> None:
    if operation.issuer is None:
        return _put_off(operation, _quote(error), _in(error.retry_after or pacing.FIRST_DELAY))
    return _put_off(operation, _quote(error), pausing.for_rate(operation.issuer, error))


def _later(operation: Operation, provider: Provider, error: ProviderError) -> None:
    lost = not operation.order_number and not operation.sent_now
    if lost and looking.is_a_persons_turn(operation, provider) and Can.FIND_ORDERS in provider.can:
        return looking.ask_a_person(operation, provider)
    return _put_off(operation, _quote(error), _in(error.retry_after or pacing.retry_delay(operation.attempts)))


def _said_no(operation: Operation, error: ProviderError) -> None:
    """The CA refused the request, or does not know the order."""
    if operation.number_given:
        detail = f"The order number {operation.order_number} that was entered is not right: {_quote(error)}"
        return looking.tell_undecided(operation, detail, operation.candidates)
    return outcomes.fail(operation, error.code, _quote(error))


def _clean_up(operation: Operation, provider: Provider) -> None:
    """Clear away what was put up for the order. A failure here changes nothing about the outcome."""
    try:
        provider.clean_up(orders.request_of(operation, complete=False), orders.ref_of(operation))
    except Exception as error:  # noqa: BLE001 - the operation has ended; nothing may undo that
        log.warning("Cleaning up after operation %s failed: %s", operation.pk, type(error).__name__)


def _quote(error: ProviderError) -> str:
    return outcomes.cut(str(error))


def _in(delay: timedelta) -> datetime:
    return timezone.now() + delay
