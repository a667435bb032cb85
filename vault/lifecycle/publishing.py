"""Events of a vault on their way to its webhooks: written down where they happen, sent until they are taken.

They are named and shaped as Azure Event Grid's for a key vault, see
https://learn.microsoft.com/azure/event-grid/event-schema-key-vault.
What is sent is signed with HMAC-SHA256 (RFC 2104) over its time and its body.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from vault.errors import RingError
from vault.lifecycle import webhooks
from vault.lifecycle.configuring.values import rules
from vault.models import Certificate, Delivery, EventKind, Vault, Version, Webhook
from vault.models.audit import SYSTEM, Actor, record
from vault.providers.answers import Answer, words
from vault.providers.base import ProviderError
from vault.providers.web import Purpose as CallPurpose
from vault.providers.web import Web

log = logging.getLogger(__name__)

NEAR: Final = timedelta(days=30)
TIMEOUT: Final = 10.0
"""Seconds that a receiver has to answer."""
GIVEN_UP_AFTER: Final = timedelta(days=3)
KEPT_FOR: Final = timedelta(days=120)
SIGNATURE: Final = "X-Chancery-Signature"
_AT_ONCE: Final = 500
_LEASE: Final = timedelta(minutes=1)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
_MOST_DOUBLINGS: Final = 9
_GO_ON_SECONDS: Final = 20
_LONGEST_QUOTE: Final = 300
# So long after its end a certificate is still reported; less than what is remembered, or it would be twice.
_LATE: Final = timedelta(days=60)
_TEST: Final = "Chancery.Test"


# ------------------------------------------------------------------ writing down
def new_version(version: Version) -> None:
    """Tell the webhooks of its vault of a version; call it where it is stored. One query where there is none."""
    for webhook in _listening(version.certificate.vault_id, EventKind.NEW_VERSION):
        _queue([_delivery(webhook, EventKind.NEW_VERSION, version.certificate, version, timezone.now())])


def publish_due() -> int:
    """Write down what time alone brought: certificates that expire soon, or have expired; return how many events.

    Of each version each webhook hears once, also when this has not run for weeks.
    """
    moment = timezone.now()
    count = 0
    for webhook in Webhook.objects.filter(enabled=True, vault__deleted_at=None).select_related("vault"):
        for kind, due in _due(webhook, moment):
            if not webhook.events or kind in webhook.events:
                made = [_delivery(webhook, kind, one, one.current, moment) for one in due if one.current is not None]
                _queue(made)
                count += len(made)
    return count


def send_test(*, webhook: Webhook, by: Actor) -> Delivery:
    """Send an event of the kind Chancery.Test at once and return how that went. Takes up to 15 seconds."""
    moment = timezone.now()
    facts = {"VaultName": webhook.vault.name, "ObjectType": "Test", "ObjectName": webhook.name}
    payload = _event(webhook.vault, _TEST, webhook.name, facts, moment)
    delivery = Delivery(webhook=webhook, kind=_TEST, key=f"{_TEST}:{payload['id']}", payload=payload)
    delivery.id = uuid.UUID(payload["id"])
    delivery.next_try_at = None
    delivery.save(force_insert=True)
    with transaction.atomic():
        record("webhooks/test", f"webhooks/{webhook.id.hex}", by=by, vault=webhook.vault)
    status, said, took, _ = _post(webhook, delivery)
    taken = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    state = Delivery.State.DELIVERED if taken else Delivery.State.GIVEN_UP
    _write(delivery, state=state, status=status, said=said, took_ms=took, attempts=1, ended_at=timezone.now())
    return delivery


def send_again(*, delivery: Delivery, by: Actor) -> bool:
    """Queue an event once more that was given up or taken; False when it waits already."""
    ended = Delivery.objects.filter(pk=delivery.pk).exclude(state=Delivery.State.WAITING)
    again = {"state": Delivery.State.WAITING, "attempts": 0, "next_try_at": timezone.now(), "ended_at": None}
    with transaction.atomic():
        if not ended.update(created_at=timezone.now(), **again):
            return False
        vault = delivery.webhook.vault
        record("webhooks/send-again", f"webhooks/{delivery.webhook_id.hex}", by=by, vault=vault)
    return True


def forget_old() -> None:
    """Delete events that ended long ago."""
    Delivery.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).exclude(state=Delivery.State.WAITING).delete()


def _listening(vault_id: int, kind: EventKind) -> list[Webhook]:
    found = Webhook.objects.filter(vault=vault_id, enabled=True).select_related("vault")
    return [webhook for webhook in found if not webhook.events or kind in webhook.events]


def _due(webhook: Webhook, moment: datetime) -> Iterable[tuple[EventKind, list[Certificate]]]:
    near = _unsaid(webhook, EventKind.NEAR_EXPIRY).filter(expires_at__gt=moment, expires_at__lte=moment + NEAR)
    soon = [one for one in near.order_by("expires_at")[:_AT_ONCE] if one.expires_at - moment <= _near(one)]
    yield EventKind.NEAR_EXPIRY, soon
    since = max(webhook.created_at, moment - _LATE)
    over = _unsaid(webhook, EventKind.EXPIRED).filter(expires_at__gt=since, expires_at__lte=moment)
    yield EventKind.EXPIRED, list(over.order_by("expires_at")[:_AT_ONCE])


def _near(certificate: Certificate) -> timedelta:
    """How long before its end a certificate is near it: 30 days, a third of a short life."""
    return min(NEAR, timedelta(days=certificate.lifetime_days) / 3)


def _unsaid(webhook: Webhook, kind: EventKind) -> models.QuerySet[Certificate]:
    said = Delivery.objects.filter(webhook=webhook, kind=kind, version=OuterRef("current_id"))
    mine = Certificate.objects.live().filter(~Exists(said), vault=webhook.vault_id, current__isnull=False)
    return mine.select_related("vault", "current").defer("policy", "current__der", "current__chain", "current__secret")


def _delivery(
    webhook: Webhook, kind: EventKind, certificate: Certificate, version: Version, moment: datetime
) -> Delivery:
    host = certificate.vault.host or f"{certificate.vault.name}.{settings.API_DOMAIN}"
    facts = {
        "Id": f"https://{host}/certificates/{certificate.name}/{version.id.hex}",
        "VaultName": certificate.vault.name,
        "ObjectType": "Certificate",
        "ObjectName": certificate.name,
        "Version": version.id.hex,
        "NBF": int(version.not_before.timestamp()),
        "EXP": int(version.not_after.timestamp()),
    }
    payload = _event(certificate.vault, kind, certificate.name, facts, moment)
    return Delivery(
        id=uuid.UUID(payload["id"]),
        webhook=webhook,
        kind=kind,
        key=f"{kind}:{version.id.hex}",
        version=version.id,
        payload=payload,
        created_at=moment,
        next_try_at=moment,
    )


def _event(vault: Vault, kind: str, subject: str, facts: dict[str, Any], moment: datetime) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "topic": f"{settings.PORTAL_URL}/vaults/{vault.name}/",
        "subject": subject,
        "eventType": str(kind),
        "eventTime": moment.isoformat().replace("+00:00", "Z"),
        "data": facts,
        "dataVersion": "1",
        "metadataVersion": "1",
    }


def _queue(deliveries: list[Delivery]) -> None:
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True, batch_size=500)


# ---------------------------------------------------------------------- sending
def deliver_due() -> int:
    """Send the events that are due, and return how many were taken. Safe beside another worker.

    A webhook that does not take one is left alone for the rest of the round, so that it holds up others once.
    """
    due = Delivery.objects.filter(state=Delivery.State.WAITING, next_try_at__lte=timezone.now())
    wanted = due.filter(webhook__enabled=True, webhook__vault__deleted_at=None).order_by("next_try_at")
    until = time.monotonic() + _GO_ON_SECONDS
    taken, silent = 0, set[uuid.UUID]()
    for delivery in list(wanted.select_related("webhook", "webhook__vault")[:_AT_ONCE]):
        if time.monotonic() > until:
            break
        if delivery.webhook_id in silent:
            continue
        if _deliver(delivery):
            taken += 1
        else:
            silent.add(delivery.webhook_id)
    return taken


def _deliver(delivery: Delivery) -> bool:
    moment = timezone.now()
    mine = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.WAITING, next_try_at=delivery.next_try_at)
    if not mine.update(next_try_at=moment + _LEASE, attempts=F("attempts") + 1):
        return True  # another worker has it, which says nothing about the receiver
    delivery.attempts += 1
    webhook = delivery.webhook
    status, said, took, wait = _post(webhook, delivery)
    moment = timezone.now()
    facts = {"status": status, "said": said, "took_ms": took}
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        _write(delivery, state=Delivery.State.DELIVERED, next_try_at=None, ended_at=moment, **facts)
        Webhook.objects.filter(pk=webhook.pk).exclude(failing_since=None).update(failing_since=None)
        return True
    Webhook.objects.filter(pk=webhook.pk, failing_since=None).update(failing_since=moment)
    if status == HTTPStatus.GONE:
        _switch_off(webhook)
    if status == HTTPStatus.GONE or moment - delivery.created_at > GIVEN_UP_AFTER:
        _write(delivery, state=Delivery.State.GIVEN_UP, next_try_at=None, ended_at=moment, **facts)
        return False
    pause = min(_FIRST_WAIT * (1 << min(delivery.attempts - 1, _MOST_DOUBLINGS)), _LONGEST_WAIT)
    _write(delivery, next_try_at=moment + max(pause, wait or pause), **facts)
    return False


def _switch_off(webhook: Webhook) -> None:
    """410 Gone (RFC 9110 §15.5.11): nobody wants to hear there any more."""
    with transaction.atomic():
        if Webhook.objects.filter(pk=webhook.pk, enabled=True).update(enabled=False):
            record("webhooks/gone", f"webhooks/{webhook.id.hex}", by=SYSTEM, vault=webhook.vault)


def _write(delivery: Delivery, **changes: Any) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(**changes)
    for name, value in changes.items():
        setattr(delivery, name, value)


def _post(webhook: Webhook, delivery: Delivery) -> tuple[int, str, int, timedelta | None]:
    """Send one event: the status (0: none came), what was said, milliseconds, and how long we are asked to wait."""
    body = json.dumps([delivery.payload], ensure_ascii=False, separators=(",", ":")).encode()
    began = time.monotonic()
    try:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Aeg-Event-Type": "Notification",
            "X-Chancery-Delivery": str(delivery.id),
            SIGNATURE: signature(webhooks.secret_of(webhook), body, int(time.time())),
        }
        web = Web(title="The receiver", base=webhook.url, rules=rules(), seconds=TIMEOUT, quiet=True)
        every = range(300, 600)
        answer = web.call("POST", "", purpose=CallPurpose.WRITE, content=body, headers=headers, take=every)
    except (ProviderError, RingError) as error:
        return 0, str(error)[:_LONGEST_QUOTE], _since(began), None
    return answer.status, _said(answer), _since(began), answer.wait()


def signature(secret: str, body: bytes, at: int) -> str:
    """Return what proves where an event comes from: `t=` its time (seconds since 1970), `v1=` HMAC-SHA256 in hex.

    The HMAC is over the time in decimal, a full stop and the body. A receiver refuses old times.
    """
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def _said(answer: Answer) -> str:
    return words(answer.text()[:2000], most=_LONGEST_QUOTE)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
