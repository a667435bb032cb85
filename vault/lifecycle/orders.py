"""What an adapter is handed about a request, and its reference as it is stored."""

from datetime import UTC, timedelta
from typing import Any

from django.utils import timezone

from vault import caps
from vault.models import Operation, Version
from vault.models.policy import Policy
from vault.providers.base import CertRequest, Names, Previous, Ref, Task
from vault.x509.dates import add_validity
from vault.x509.subjects import common_name

BACKDATED = timedelta(minutes=10)


def request_of(operation: Operation, *, complete: bool = True) -> CertRequest:
    """Return the request as its CA's adapter is to see it.

    Without `complete` the certificate that it replaces is left out, which only ordering and looking need.
    """
    created = operation.created_at.replace(microsecond=0)
    policy = operation.policy
    shortened = shortening_of(operation)
    validity = shortened.validity if shortened else policy.validity
    not_after = add_validity(created, validity.number, validity.unit)
    return CertRequest(
        operation_id=operation.request_id.hex,
        csr=bytes(operation.csr),
        not_before=created - BACKDATED,
        not_after=not_after,
        spki_sha256=operation.spki_sha256,
        names=names_of(policy),
        certificate_type=policy.certificate_type,
        validity_days=(not_after - created).days,
        ekus=tuple(policy.ekus),
        previous=_previous(operation) if complete else None,
        wanted=operation.ended_at is None,
    )


def shortening_of(operation: Operation) -> caps.Shortened | None:
    """What is ordered instead of the validity asked for, by the cap of the day it is sent; None when it fits.

    Before it is sent that is today: a request may wait while a cap comes into force.
    """
    on = (operation.submitted_at or timezone.now()).astimezone(UTC).date()
    return caps.shortened(operation.policy, operation.issuer, on)


def names_of(policy: Policy) -> Names:
    """Return every name that a policy asks for."""
    names = policy.names
    return Names(
        common_name=common_name(policy.subject),
        dns=tuple(names.dns),
        ip=tuple(names.ips),
        email=tuple(names.emails),
        uri=tuple(names.uris),
        upn=tuple(names.upns),
    )


def ref_of(operation: Operation) -> Ref:
    """Return the CA's reference to the order; empty when there is none yet."""
    return ref_from(operation.provider_ref)


def ref_from(stored: dict[str, Any]) -> Ref:
    """Return a reference as it was before `as_json`."""
    return Ref(**stored)


def as_json(ref: Ref) -> dict[str, Any]:
    """Return a reference as it is stored."""
    return {
        "order_id": ref.order_id,
        "certificate_id": ref.certificate_id,
        "step": ref.step,
        "data": dict(ref.data),
    }


def task_as_json(task: Task) -> dict[str, Any]:
    """Return something for a person to do as it is stored."""
    return {"kind": str(task.kind), "title": task.title, "detail": dict(task.detail)}


def _previous(operation: Operation) -> Previous | None:
    """The certificate that this request replaces; its order only where the same issuer made it."""
    current_id = operation.certificate.current_id
    if operation.issuer_id is None or current_id is None:
        return None
    current = Version.objects.filter(pk=current_id).select_related("operation").first()
    if current is None:
        return None
    made_by: Operation | None = getattr(current, "operation", None)
    ours = made_by is not None and made_by.issuer_id == operation.issuer_id
    same_key = current.key_id is not None and current.key_id == operation.key_id
    ref = ref_of(made_by) if made_by is not None and ours else Ref()
    return Previous(certificate=bytes(current.der), ref=ref, same_key=same_key)
