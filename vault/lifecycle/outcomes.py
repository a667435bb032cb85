"""Writing down what a CA answered: waiting, completing, failing, ending."""

from django.db import transaction
from django.utils import timezone

from vault.errors import BadParameter, Conflict
from vault.lifecycle import chaining, completing, looking, orders, pacing, telling
from vault.lifecycle.completing import Answer
from vault.models import Certificate, Operation
from vault.models.audit import SYSTEM, record
from vault.models.policy import SELF
from vault.providers.base import Cancelled, Failed, Issued, Outcome, Pending, Provider, Ref
from vault.x509.chains import Chain
from vault.x509.checks import check_answer

_LONGEST_QUOTE = 500
_TOO_LATE = "It was issued before the cancellation took effect."


def write(operation: Operation, provider: Provider, outcome: Outcome) -> None:
    """Bring an operation to where its CA's answer puts it. Raises OperationClosed when someone else was faster."""
    match outcome:
        case Issued():
            _complete(operation, outcome)
        case Pending():
            _wait(operation, provider, outcome)
        case Failed():
            _save_end(operation, outcome.ref)
            fail(operation, outcome.code, cut(outcome.message))
        case Cancelled():
            _save_end(operation, outcome.ref)
            with transaction.atomic():
                operation.end_cancelled(cut(outcome.detail) or f"{provider.title} has withdrawn the order.")
                _record(operation, "certificates/cancelled")


def _wait(operation: Operation, provider: Provider, pending: Pending) -> None:
    tasks = [orders.task_as_json(task) for task in pending.tasks]
    ref = orders.as_json(pending.ref)
    is_news = operation.is_news(pending.detail, ref=ref, tasks=tasks)
    check_at = pacing.next_poll_at(operation, provider, retry_after=pending.retry_after, is_news=is_news)
    operation.await_issuer(pending.detail, ref=ref, tasks=tasks, check_at=check_at, said=cut(pending.said))
    if tasks and is_news:
        # A renewal that waits for a person does not come by itself any more.
        Certificate.objects.filter(pk=operation.certificate_id).look_again()


def _complete(operation: Operation, issued: Issued) -> None:
    _save_end(operation, issued.ref)
    try:
        chain, notes = _checked(operation, issued)
        completing.complete(operation=operation, answer=Answer(leaf=issued.leaf, chain=chain, notes=notes), by=SYSTEM)
    except (BadParameter, Conflict) as error:
        if operation.number_given:
            detail = f"The order number {operation.order_number} that was entered is not right: {error}"
            return looking.tell_undecided(operation, detail, operation.candidates)
        return fail(operation, error.code, f"The CA's answer cannot be used: {error}")
    if operation.cancellation_requested:
        operation.note(_TOO_LATE)
    if operation.issuer is not None:
        operation.issuer.note_success()
    return None


def _checked(operation: Operation, issued: Issued) -> tuple[Chain, list[str]]:
    """Put the chain in order, check what came back, and say what is lawful but odd about it.

    What we signed ourselves needs no doubts.
    """
    if operation.issuer_name == SELF:
        return Chain(certificates=(), complete=True), []
    chain = chaining.complete_chain(operation.vault, issued.leaf, issued.chain).chain
    csr, names = bytes(operation.csr), operation.policy.names
    doubts = check_answer(issued.leaf, csr_der=csr, expected_names=names, now=timezone.now(), chain=chain)
    notes = [*issued.warnings, *(doubt.sentence for doubt in doubts)]
    if operation.cancellation_requested:
        notes.insert(0, _TOO_LATE)
    return chain, notes


def _save_end(operation: Operation, ref: Ref) -> None:
    """Keep the last reference, with which a certificate is revoked or an order looked at again."""
    stored = orders.as_json(ref)
    if ref.order_id and stored != operation.provider_ref:
        operation.remember(stored)


def fail(operation: Operation, code: str, message: str) -> None:
    """End as failed, and put that on record."""
    with transaction.atomic():
        operation.fail(code=code, message=message)
        telling.renewal_failed(operation)
        _record(operation, "certificates/failed", code=code)


def _record(operation: Operation, action: str, **details: str) -> None:
    target = f"certificates/{operation.certificate.name}"
    facts = {"operation": operation.request_id.hex, **details}
    record(action, target, by=SYSTEM, vault=operation.vault, details=facts)


def cut(text: str) -> str:
    """Shorten a CA's words to what a page can show."""
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 1]}…"
