"""When only a person can say whether the CA has an order: which it is, or that there is none."""

from django.db import transaction

from vault import queue
from vault.errors import BadParameter, NotAllowedNow, OperationClosed
from vault.lifecycle import orders
from vault.models import Operation
from vault.models.audit import Actor, record
from vault.providers.base import Ref
from vault.x509.visible import is_plain, shown

_LONGEST_NUMBER = 500


@transaction.atomic
def adopt_order(*, operation: Operation, order_id: str, by: Actor) -> None:
    """Go on with the order that a person found at the CA. It counts once its certificate proves to be for our key.

    Raises:
        BadParameter: field `order_id`; it cannot be an order number, or it is another request's.
        NotAllowedNow: the request does not wait for this (any more).
    """
    number = order_id.strip()
    _check_number(operation, number)
    known = {candidate["order_id"]: candidate for candidate in operation.candidates}
    ref = known.get(number) or orders.as_json(Ref(order_id=number))
    try:
        operation.adopt_order(ref)
    except OperationClosed:
        raise _not_asked(operation) from None
    operation.note(f"{by.name} says that the CA's order is {number}")
    _record("orders/adopt", operation, by, order=number)
    queue.advance_soon(operation.pk)


@transaction.atomic
def send_again(*, operation: Operation, by: Actor) -> None:
    """Send the request once more, on a person's word that the CA has no order for it.

    Raises NotAllowedNow: the request does not wait for this (any more).
    """
    try:
        operation.send_again()
    except OperationClosed:
        raise _not_asked(operation) from None
    operation.note(f"{by.name} says that nothing was ordered; it is sent once more")
    _record("orders/send-again", operation, by)
    queue.advance_soon(operation.pk)


def _check_number(operation: Operation, number: str) -> None:
    if not number:
        raise BadParameter("Enter the order number as the CA shows it.", field="order_id")
    if len(number) > _LONGEST_NUMBER or not is_plain(number):
        message = f"“{shown(number[:60])}” cannot be an order number. Copy it from the CA's page."
        raise BadParameter(message, field="order_id")
    others = Operation.objects.filter(issuer=operation.issuer_id, order_number=number).exclude(pk=operation.pk)
    other = others.select_related("certificate").first()
    if other is not None:
        message = f"Order {number} belongs to the request for “{other.certificate}”. Enter the number of this request."
        raise BadParameter(message, field="order_id")


def _not_asked(operation: Operation) -> NotAllowedNow:
    return NotAllowedNow(
        f"The request for “{operation.certificate}” does not wait for this decision any more. Look at it again."
    )


def _record(action: str, operation: Operation, by: Actor, **details: str) -> None:
    target = f"certificates/{operation.certificate.name}"
    facts = {"operation": operation.request_id.hex, **details}
    record(action, target, by=by, vault=operation.vault, details=facts)
