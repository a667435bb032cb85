"""Asking for a certificate: policy, key, request, operation; one transaction."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from vault import caps, policies, queue
from vault.errors import BadName, NameTaken, NotAllowedNow, PolicyViolation, TooMany
from vault.keys.making import NewKey, new_key, open_key
from vault.lifecycle import bringing, issuers
from vault.models import Certificate, Issuer, Key, Operation, OperationStep, Vault
from vault.models.audit import Actor, record
from vault.models.certificate import NAME, RESERVED_NAMES
from vault.models.policy import Policy
from vault.providers import offer_of
from vault.x509.requests import build_csr, describe_csr
from vault.x509.types import PrivateKey
from vault.x509.visible import shown


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is asked for. `submission` makes asking twice the same as asking once.

    `csr` is a request (PKCS#10 DER) made elsewhere: it settles the policy's subject, names, key and usages, and no key
    is made here. Without it the vault makes key and request.

    `holder` is the certificate that had the name when rights were looked at (0: the name was free); it must have it
    still. None when nobody looked. `enabled` and `preserve_order` are for the version that comes of it. For `grace`
    nothing is sent, so that it can be cancelled.
    """

    name: str
    policy: Policy
    csr: bytes = b""
    tags: dict[str, str] | None = None
    submission: uuid.UUID | None = None
    reason: Operation.Reason = Operation.Reason.REQUEST
    holder: int | None = None
    enabled: bool = True
    preserve_order: bool = False
    grace: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """A request (DER) and its key, None when that is not here; `told` is a line for the operation's history."""

    key: Key | None
    csr: bytes
    spki_sha256: str
    told: str
    is_new: bool = False


def request_certificate(*, vault: Vault, order: Order, by: Actor) -> Operation:
    """Begin issuing a new version of a certificate; the returned operation tracks it.

    The certificate is made when the name is new; its owner is then who asks. Without `order.tags` the certificate's
    tags are kept. The same `submission` by the same person returns the operation that it began.

    Raises:
        BadName: the name cannot be a certificate's.
        PolicyViolation: the policy contradicts itself, our rules or its issuer.
        BadParameter: `order.csr` is no sound request.
        NameTaken: a deleted certificate holds the name, or another than `order.holder` has come to.
        NotAllowedNow: a request for this certificate is in progress.
        TooMany: too many requests are running, of this person or in this vault.
    """
    policy = prepare(vault, order.policy, csr=order.csr)
    check_name(order.name)
    if order.tags is not None:
        policies.check_tags(order.tags)
    # Before the transaction, which on SQLite keeps all other writers waiting.
    _refuse_too_many(vault, by)
    try:
        with transaction.atomic():
            operation = _begin(vault, replace(order, policy=policy), by)
    except (IntegrityError, TooMany, NameTaken) as refusal:
        earlier = _same_submission(order, by)
        if earlier is None and not isinstance(refusal, IntegrityError):
            raise
        if earlier is None:
            message = f"“{order.name}” is already being issued. Wait for that request to end, or cancel it."
            raise NotAllowedNow(message) from None
        return earlier
    return operation


def prepare(vault: Vault, policy: Policy, *, csr: bytes = b"") -> Policy:
    """Return the policy complete and checked, its issuer spelled as the vault does; what a CSR says goes into it.

    Raises PolicyViolation, BadName, BadParameter.
    """
    if csr:
        policy = bringing.settled(csr, policy)
    named = replace(policy, issuer_name=issuers.official_name(vault, policy.issuer_name))
    complete = policies.with_defaults(named)
    policies.check(complete)
    if issuer := issuers.issuer_of(vault, complete.issuer_name):
        _check_with_issuer(complete, issuer)
    return complete


def _check_with_issuer(policy: Policy, issuer: Issuer) -> None:
    if policy.certificate_type:
        offer = offer_of(issuer.provider)
        policies.check_certificate_type(policy, offered=offer.certificate_types if offer else ())
    if words := caps.over_cap(policy, issuer, issuer.name, datetime.now(UTC).date()):
        raise PolicyViolation(words, field="validity")


def check_name(name: str) -> None:
    """Refuse what cannot be a certificate's name. Raises BadName."""
    if not NAME.match(name) or name.lower() in RESERVED_NAMES:
        raise BadName(
            f"“{shown(name)}” cannot be a certificate's name. Use 1 to 127 letters, digits and hyphens, "
            "like www-example-org; contacts, issuers and restore are words of the API.",
            field="name",
        )


def find_free(vault: Vault, name: str) -> Certificate | None:
    """Return the live certificate of this name, locked; None when the name is new. Raises NameTaken for a deleted one.

    Call it inside the transaction that goes on with the certificate.
    """
    certificate = vault.certificates.named(name).locked().select_related("current").first()
    if certificate is not None and certificate.deleted_at is not None:
        message = f"A deleted certificate holds the name “{certificate}”. Recover or purge it first, or choose another."
        raise NameTaken(message, recoverable=True)
    return certificate


def _begin(vault: Vault, order: Order, by: Actor) -> Operation:
    certificate = _certificate(vault, order, by)
    pair = _pair(vault, certificate, order)
    if pair.key and pair.is_new:
        pair.key.save(force_insert=True)
    step = issuers.first_step(order.policy.issuer_name)
    operation = Operation.objects.create(
        vault=vault,
        certificate=certificate,
        key=pair.key,
        csr=pair.csr,
        spki_sha256=pair.spki_sha256,
        policy=order.policy,
        issuer_name=order.policy.issuer_name,
        issuer=issuers.issuer_of(vault, order.policy.issuer_name),
        reason=order.reason,
        step=step,
        detail=issuers.WAITING if step == Operation.Step.AWAITING_MERGE else "",
        tags=certificate.tags,
        enabled=order.enabled,
        preserve_order=order.preserve_order,
        submission=order.submission,
        requested_by_id=by.user_id,
        next_step_at=timezone.now() + order.grace if step == Operation.Step.READY else None,
    )
    _tell(operation, pair.told, by)
    if step == Operation.Step.READY and not order.grace:
        queue.advance_soon(operation.pk)
    return operation


def _refuse_too_many(vault: Vault, by: Actor) -> None:
    running = Operation.objects.in_progress().filter(vault=vault).order_by()
    if by.user_id is not None:
        most = settings.RUNNING_PER_PERSON
        mine = Operation.objects.in_progress().filter(requested_by_id=by.user_id).order_by()
        if mine[:most].count() >= most:
            raise TooMany(f"You have {most} requests in progress. Let some end, or cancel some, then ask again.")
    most = settings.RUNNING_PER_VAULT
    if running[:most].count() >= most:
        raise TooMany(f"“{vault}” has {most} requests in progress. Let some of them end, then ask again.")


def _certificate(vault: Vault, order: Order, by: Actor) -> Certificate:
    certificate = find_free(vault, order.name)
    if order.holder is not None and order.holder != (certificate.pk if certificate else 0):
        raise NameTaken(f"The name “{order.name}” has changed hands at this moment. Look at it, then ask again.")
    facts: dict[str, Any] = {"policy": order.policy, "issuer_name": order.policy.issuer_name}
    if certificate is None:
        return Certificate.objects.create(
            vault=vault, name=order.name, owner_id=by.user_id, tags=order.tags or {}, **facts
        )
    if certificate.policy != order.policy:
        certificate.adopt_policy(order.policy)
    if order.tags is not None and order.tags != certificate.tags:
        certificate.retag(order.tags)
    return certificate


def _pair(vault: Vault, certificate: Certificate, order: Order) -> _Pair:
    """The key and the request for it: brought, or made here."""
    if order.csr:
        facts = describe_csr(order.csr)
        told = f"{facts.key_title} key made elsewhere and never here; its signing request (CSR) brought"
        return _Pair(key=None, csr=order.csr, spki_sha256=facts.spki_sha256, told=told)
    key, private, is_new = _key(vault, certificate, order.policy)
    made = "made and sealed" if is_new else "reused from the current version"
    told = f"{key} key {made}; signing request (CSR) made"
    csr = _csr(order.policy, private)
    return _Pair(key=key, csr=csr, spki_sha256=key.spki_sha256, told=told, is_new=is_new)


def _key(vault: Vault, certificate: Certificate, policy: Policy) -> tuple[Key, PrivateKey, bool]:
    old = certificate.current.key if policy.key.reuse and certificate.current else None
    if old and (old.kty, old.exportable) == (policy.key.kty, policy.key.exportable) and _same_strength(old, policy):
        return old, open_key(old), False
    made: NewKey = new_key(vault, policy.key)
    return made.row, made.private, True


def _same_strength(key: Key, policy: Policy) -> bool:
    return key.size == policy.key.size if key.kty == "RSA" else key.curve == policy.key.curve


def _csr(policy: Policy, private: PrivateKey) -> bytes:
    return build_csr(
        subject=policy.subject, names=policy.names, key_usage=policy.key_usage, ekus=policy.ekus, key=private
    )


def _tell(operation: Operation, about_key: str, by: Actor) -> None:
    kinds = OperationStep.Kind
    OperationStep.objects.bulk_create(
        [
            OperationStep(operation=operation, kind=kinds.REQUESTED, text=f"Requested by {by.name}"),
            OperationStep(operation=operation, kind=kinds.KEY, text=about_key),
        ]
    )
    record(
        "certificates/create",
        f"certificates/{operation.certificate.name}",
        by=by,
        vault=operation.vault,
        details={
            "operation": operation.request_id.hex,
            "issuer": operation.issuer_name,
            "reason": operation.reason,
            **({"key": "brought", "key_sha256": operation.spki_sha256} if operation.key is None else {}),
        },
    )


def _same_submission(order: Order, by: Actor) -> Operation | None:
    if order.submission is None:
        return None
    return Operation.objects.filter(submission=order.submission, requested_by_id=by.user_id).first()
