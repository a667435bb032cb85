"""Taking an operation one step further. Whoever calls this holds the operation's claim."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from vault.errors import BadParameter, RingError
from vault.lifecycle import completing, issuers
from vault.lifecycle.completing import Answer
from vault.models import Operation
from vault.models.audit import SYSTEM, record
from vault.models.policy import SELF
from vault.providers.base import (
    Can,
    Cancelled,
    CancelResult,
    CertRequest,
    Failed,
    Issued,
    Outcome,
    OutcomeUnknown,
    Pending,
    Provider,
    ProviderError,
    Ref,
    Rejected,
    Transient,
)
from vault.x509 import chains
from vault.x509.checks import check_answer
from vault.x509.dates import add_validity

BACKDATED = timedelta(minutes=10)
LOOK_BACK = timedelta(minutes=10)
SETTLE = timedelta(minutes=15)
RECHECK = timedelta(minutes=2)
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=10), timedelta(hours=1)
MOST_ATTEMPTS = 3


def advance(operation: Operation) -> None:
    """Take one step: send, look for, or ask about the order, and write the outcome.

    Raises OperationClosed when the operation was ended or claimed by another meanwhile.
    """
    try:
        provider = issuers.provider_for(operation)
        reason = _hopeless(operation, provider)
        if reason:
            return _fail(operation, *reason)
        outcome = _step(operation, provider)
    except RingError as error:
        return operation.try_again_later(str(error), again_at=_in(_delay(operation.attempts)))
    except OutcomeUnknown as error:
        return operation.try_again_later(str(error), again_at=_in(RECHECK))
    except Transient as error:
        return _later(operation, error)
    except Rejected as error:
        return _fail(operation, error.code, str(error))
    if outcome is not None:
        _write(operation, outcome)
    return None


def _hopeless(operation: Operation, provider: Provider) -> tuple[str, str] | None:
    """Say, as code and sentence, why it makes no sense to go on; None when it does.

    An order that a CA may have is never given up for our own failures, only at its deadline.
    """
    ordered = bool(operation.provider_ref.get("order_id"))
    if operation.attempts > MOST_ATTEMPTS and Can.REPEATABLE in provider.can and not ordered:
        return "StepFailed", (
            f"This was tried {MOST_ATTEMPTS} times and broke each time. Nothing was issued. Ask again; if it fails "
            "again, tell whoever runs this portal."
        )
    age = timezone.now() - operation.created_at
    if provider.give_up_after is not None and age > provider.give_up_after and operation.attempts > 1:
        return "GaveUp", f"There was no certificate after {provider.give_up_after.days} days. Ask again."
    return None


def _step(operation: Operation, provider: Provider) -> Outcome | None:
    request, ref = _request(operation), Ref(**operation.provider_ref)
    if operation.cancellation_requested and provider.cancel(request, ref) is CancelResult.DONE:
        return Cancelled(ref=ref, detail="Cancelled before anything was issued.")
    if operation.step == Operation.Step.READY:
        operation.begin_submitting()
        return _submit(operation, provider, request)
    if operation.step == Operation.Step.SUBMITTING and not ref.order_id:
        return _find(operation, provider, request)
    return provider.poll(request, ref, lambda new: operation.remember(_json(new)))


def _submit(operation: Operation, provider: Provider, request: CertRequest) -> Outcome:
    try:
        return provider.submit(request, lambda new: operation.remember(_json(new)))
    except Transient:
        if not operation.provider_ref.get("order_id"):
            operation.back_to_ready("", again_at=timezone.now())
        raise


def _find(operation: Operation, provider: Provider, request: CertRequest) -> Outcome | None:
    """An operation found in mid-sending: look for its order, and send again only when there certainly is none."""
    since = operation.created_at
    lookup = provider.find(request, since - LOOK_BACK)
    if lookup.found:
        operation.remember(_json(lookup.found[0]))
        return provider.poll(request, lookup.found[0], lambda new: operation.remember(_json(new)))
    if lookup.complete and (Can.REPEATABLE in provider.can or timezone.now() - since > SETTLE):
        return _submit(operation, provider, request)
    operation.try_again_later("Looking for the order at the CA.", again_at=_in(RECHECK))
    return None


def _write(operation: Operation, outcome: Outcome) -> None:
    match outcome:
        case Issued():
            _complete(operation, outcome)
        case Pending():
            delay = outcome.retry_after or _delay(operation.attempts)
            tasks = [{"kind": task.kind, "title": task.title, "detail": dict(task.detail)} for task in outcome.tasks]
            operation.await_issuer(outcome.detail, ref=_json(outcome.ref), tasks=tasks, check_at=_in(delay))
        case Failed():
            _fail(operation, outcome.code, outcome.message)
        case Cancelled():
            with transaction.atomic():
                operation.end_cancelled(outcome.detail)
                _record(operation, "certificates/cancelled")


def _complete(operation: Operation, issued: Issued) -> None:
    chain = chains.order(issued.leaf, issued.chain)
    try:
        notes = _doubts(operation, issued.leaf, chain)
    except BadParameter as error:
        return _fail(operation, error.code, f"The CA's answer cannot be used: {error}")
    completing.complete(operation=operation, answer=Answer(leaf=issued.leaf, chain=chain, notes=notes), by=SYSTEM)
    return None


def _doubts(operation: Operation, leaf: bytes, chain: chains.Chain) -> list[str]:
    """Check what came back, and say what is lawful but odd about it. What we signed ourselves needs no doubts."""
    if operation.issuer_name == SELF:
        return []
    csr, names = bytes(operation.csr), operation.policy.names
    warnings = check_answer(leaf, csr_der=csr, expected_names=names, now=timezone.now(), chain=chain)
    return [warning.sentence for warning in warnings]


def _fail(operation: Operation, code: str, message: str) -> None:
    with transaction.atomic():
        operation.fail(code=code, message=message)
        _record(operation, "certificates/failed", code=code)


def _record(operation: Operation, action: str, **details: str) -> None:
    target = f"certificates/{operation.certificate.name}"
    facts = {"operation": operation.request_id.hex, **details}
    record(action, target, by=SYSTEM, vault=operation.vault, details=facts)


def _later(operation: Operation, error: ProviderError) -> None:
    operation.try_again_later(str(error), again_at=_in(error.retry_after or _delay(operation.attempts)))


def _request(operation: Operation) -> CertRequest:
    created = operation.created_at.replace(microsecond=0)
    validity = operation.policy.validity
    return CertRequest(
        operation_id=operation.request_id.hex,
        csr=bytes(operation.csr),
        not_before=created - BACKDATED,
        not_after=add_validity(created, validity.number, validity.unit),
    )


def _json(ref: Ref) -> dict[str, object]:
    return {
        "order_id": ref.order_id,
        "certificate_id": ref.certificate_id,
        "step": ref.step,
        "data": dict(ref.data),
    }


def _delay(attempts: int) -> timedelta:
    """Waits grow: 10 s, 20 s, 40 s … up to an hour."""
    doublings: int = max(0, min(attempts, 12) - 1)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


def _in(delay: timedelta) -> datetime:
    return timezone.now() + delay
