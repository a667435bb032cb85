"""Looking for an order whose number never came: no answer is not a refusal, and nothing is ordered twice."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from vault.lifecycle import orders
from vault.models import Certificate, Operation
from vault.models.audit import SYSTEM, record
from vault.providers.base import (
    Can,
    CertRequest,
    InvalidRequest,
    Lookup,
    OrderNotFound,
    OutcomeUnknown,
    Provider,
    Ref,
    Rejected,
)

# The CA's clock and ours may differ by so much.
LOOK_BACK = timedelta(minutes=10)
# Lists at a CA may lag behind its orders by so much.
SETTLE = timedelta(minutes=15)
RECHECK = timedelta(minutes=2)
ASK_A_PERSON = timedelta(hours=24)
# A CA that was down for days may answer again before anyone has decided.
LOOK_ON = timedelta(hours=6)
# A request that is sent this long after it was made may have been sent before: the database may be an older copy.
FRESH = timedelta(seconds=30)


def must_look_first(operation: Operation, provider: Provider) -> bool:
    """Whether an order may be at the CA although nothing here tells of one, and can be found there."""
    is_old = timezone.now() - operation.created_at > FRESH
    return is_old and Can.FIND_ORDERS in provider.can and Can.REPEATABLE not in provider.can


def look(operation: Operation, provider: Provider, request: CertRequest) -> Lookup:
    """Ask the CA for orders made for this request, without those of other requests and those a person ruled out.

    A search that is refused proves nothing. Raises Transient, NotAuthorised.
    """
    try:
        lookup = provider.find(request, operation.created_at - LOOK_BACK)
    except (Rejected, InvalidRequest, OrderNotFound, OutcomeUnknown):
        return Lookup(complete=False)
    if not lookup.found:
        return lookup
    return Lookup(found=_unclaimed(operation, lookup.found), complete=lookup.complete)


def is_proof(operation: Operation, provider: Provider, lookup: Lookup) -> bool:
    """Whether an empty search proves that nothing was ordered: it saw everything, and late enough."""
    if lookup.found or not lookup.complete or (_was_steered(operation) and Can.REPEATABLE not in provider.can):
        return False
    sent_at = operation.submitted_at or operation.created_at
    return Can.REPEATABLE in provider.can or timezone.now() - sent_at > SETTLE


def is_a_persons_turn(operation: Operation, provider: Provider) -> bool:
    """Whether searching on makes no sense: the CA cannot be searched, has been for a day, or is another one now."""
    if Can.REPEATABLE in provider.can:
        return False
    waited = timezone.now() - (operation.submitted_at or operation.created_at)
    return Can.FIND_ORDERS not in provider.can or waited > (SETTLE if _was_steered(operation) else ASK_A_PERSON)


def ask_a_person(operation: Operation, provider: Provider, found: Sequence[Ref] = ()) -> None:
    """Leave it to an administrator to say whether the CA has an order, and which; look on where that can be found."""
    title = provider.title
    if found:
        sentence = (
            f"{title} has {len(found)} orders that may be for this request. An administrator has to say which it is; "
            "nothing is ordered until then."
        )
    else:
        sentence = (
            f"It is unknown whether {title} has taken the order: its answer did not come, and the portal cannot find "
            "out. An administrator has to look there, then enter the order number or have the request sent again. "
            "Nothing is ordered until then."
        )
    looks_on = Can.FIND_ORDERS in provider.can and not found and not _was_steered(operation)
    again_at = timezone.now() + LOOK_ON if looks_on else None
    tell_undecided(operation, sentence, [orders.as_json(ref) for ref in found], again_at=again_at)


def tell_undecided(
    operation: Operation, sentence: str, candidates: list[dict[str, Any]], *, again_at: datetime | None = None
) -> None:
    """Wait for a person's word, and put that on record the first time."""
    with transaction.atomic():
        if operation.leave_to_a_person(sentence, candidates=candidates, again_at=again_at):
            Certificate.objects.filter(pk=operation.certificate_id).look_again()
            details = {
                "operation": operation.request_id.hex,
                "issuer": operation.issuer_name,
                "candidates": [candidate["order_id"] for candidate in candidates],
            }
            target = f"certificates/{operation.certificate.name}"
            record("orders/unclear", target, by=SYSTEM, vault=operation.vault, result="alarm", details=details)


def _was_steered(operation: Operation) -> bool:
    """Whether the issuer was edited after the order was sent: what is searched may be another account or CA."""
    steered_at = operation.issuer.steered_at if operation.issuer else None
    return steered_at is not None and operation.submitted_at is not None and steered_at >= operation.submitted_at


def _unclaimed(operation: Operation, found: Sequence[Ref]) -> tuple[Ref, ...]:
    """Each order once, without those that belong to other requests (a key may be reused) or were ruled out."""
    by_number = {ref.order_id: ref for ref in found if ref.order_id}
    others = Operation.objects.filter(issuer=operation.issuer_id, order_number__in=by_number).exclude(pk=operation.pk)
    taken = set(others.values_list("order_number", flat=True))
    if operation.step == Operation.Step.READY:
        taken |= {candidate.get("order_id") for candidate in operation.candidates}
    return tuple(ref for number, ref in by_number.items() if number not in taken)
