"""The webhooks of a vault: who is told of its events, and what signs them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.utils import timezone

from vault.errors import BadParameter, NotAllowedNow, TooMany
from vault.keys.sealing import Purpose, seal, unseal
from vault.lifecycle.configuring.values import rules
from vault.models import EventKind, Vault, Webhook
from vault.models.audit import Actor, record
from vault.providers import addresses
from vault.providers.addresses import CallRefused

MOST_IN_VAULT: Final = 20
_LONGEST_URL, _LONGEST_NAME = 500, 60
_PREFIX: Final = "whsec_"


@transaction.atomic
def add_webhook(*, vault: Vault, name: str, url: str, events: Iterable[str] = (), by: Actor) -> tuple[Webhook, str]:
    """Make a webhook; return it with the secret that signs what it gets, which is shown this once.

    `events` are kinds (EventKind); none means all.

    Raises:
        BadParameter: field `name`, `url` or `events`.
        TooMany: the vault has very many already.
        RingError: the secret cannot be sealed.
    """
    Vault.objects.select_for_update().filter(pk=vault.pk).values_list("pk").first()
    if vault.webhooks.count() >= MOST_IN_VAULT:
        raise TooMany(f"“{vault}” has {MOST_IN_VAULT} webhooks. Remove one that is not used.")
    webhook = Webhook(vault=vault, name=_name(name), url=_url(url), events=_events(events))
    text = _PREFIX + secrets.token_urlsafe(32)
    webhook.secret = _sealed(webhook, text)
    webhook.save(force_insert=True)
    _record("create", webhook, by, events=webhook.events)
    return webhook, text


@transaction.atomic
def change_webhook(*, webhook: Webhook, name: str, url: str, events: Iterable[str], enabled: bool, by: Actor) -> None:
    """Change where events go, and which. Raises BadParameter, or NotAllowedNow when it is removed."""
    changes = {"name": _name(name), "url": _url(url), "events": _events(events), "enabled": enabled}
    _change(webhook, **changes)
    _record("update", webhook, by, events=webhook.events, enabled=enabled)


@transaction.atomic
def new_secret(*, webhook: Webhook, by: Actor) -> str:
    """Replace the secret; what is sent from now on is signed by the new one, which is shown this once.

    Raises NotAllowedNow when the webhook is removed, RingError when nothing can be sealed.
    """
    text = _PREFIX + secrets.token_urlsafe(32)
    _change(webhook, secret=_sealed(webhook, text))
    _record("new-secret", webhook, by)
    return text


@transaction.atomic
def remove_webhook(*, webhook: Webhook, by: Actor) -> bool:
    """Remove it with its history; False when it is removed already."""
    removed, _ = Webhook.objects.filter(pk=webhook.pk).delete()
    if removed:
        _record("delete", webhook, by)
    return bool(removed)


def secret_of(webhook: Webhook) -> str:
    """Return what signs a webhook's events. Raises RingError."""
    opened = unseal(bytes(webhook.secret), purpose=Purpose.WEBHOOK, vault_id=webhook.vault_id, row_id=webhook.id)
    return opened.decode()


def _sealed(webhook: Webhook, text: str) -> bytes:
    return seal(text.encode(), purpose=Purpose.WEBHOOK, vault_id=webhook.vault_id, row_id=webhook.id)


def _change(webhook: Webhook, **changes: object) -> None:
    moment = timezone.now()
    if not Webhook.objects.filter(pk=webhook.pk).update(updated_at=moment, **changes):
        raise NotAllowedNow(f"The webhook “{webhook}” was removed meanwhile.")
    for field, value in changes.items():
        setattr(webhook, field, value)


def _name(given: str) -> str:
    name = " ".join(given.split())
    if not name or len(name) > _LONGEST_NAME:
        raise BadParameter(f"Give it a name of 1 to {_LONGEST_NAME} characters.", field="name")
    return name


def _url(given: str) -> str:
    url = given.strip()
    if len(url) > _LONGEST_URL:
        raise BadParameter(f"This address is too long: {_LONGEST_URL} characters at most.", field="url")
    try:
        parsed = addresses.parse(url)
    except CallRefused as error:
        raise BadParameter(str(error), field="url") from None
    if parsed.scheme == "http" and not rules().loopback:
        raise BadParameter("Events are sent over https only. Write the address with https://.", field="url")
    return url


def _events(given: Iterable[str]) -> list[str]:
    wanted = sorted(set(given))
    if unknown := [kind for kind in wanted if kind not in EventKind.values]:
        raise BadParameter(f"“{unknown[0]}” is no kind of event.", field="events")
    return [] if len(wanted) == len(EventKind.values) else wanted


def _record(verb: str, webhook: Webhook, by: Actor, **details: object) -> None:
    # The address may hold a secret, so that only its host is put on record.
    told = {"name": webhook.name, "host": addresses.parse(webhook.url).host, **details}
    record(f"webhooks/{verb}", f"webhooks/{webhook.id.hex}", by=by, vault=webhook.vault, details=told)
