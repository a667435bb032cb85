"""Making, editing and removing issuers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from vault.errors import NameTaken, NotAllowedNow, TooMany
from vault.lifecycle import issuers
from vault.lifecycle.configuring.usage import open_operations
from vault.lifecycle.configuring.values import Checked, Given, check_given, check_name
from vault.models import Issuer, Vault
from vault.models.audit import Actor, record
from vault.providers.base import Administrator

MOST_IN_VAULT = 200


def create_issuer(*, vault: Vault, name: str, given: Given, enabled: bool = True, by: Actor) -> Issuer:
    """Make an issuer; its CA is not called.

    Raises:
        BadName: the name cannot be an issuer's.
        BadValues: something is not valid or missing.
        NameTaken: the vault has an issuer of this name.
        TooMany: the vault has very many already.
        RingError: credentials cannot be sealed.
    """
    check_name(name)
    checked = check_given(given)
    if Issuer.objects.filter(vault=vault).count() >= MOST_IN_VAULT:
        raise TooMany(f"“{vault}” has {MOST_IN_VAULT} issuers. Remove one that is not used.")
    issuer = Issuer(vault=vault, name=name, enabled=enabled, **_columns(checked))
    issuer.secrets = issuers.seal_secrets(issuer, checked.secrets)
    try:
        with transaction.atomic():
            issuer.save(force_insert=True)
            issuer.users().look_again()
            _record("create", issuer, by, provider=issuer.provider, enabled=enabled, **_addresses(checked.config))
    except IntegrityError:
        raise NameTaken(f"“{vault}” has an issuer named “{name}” already. Choose another name.") from None
    return issuer


def edit_issuer(*, issuer: Issuer, given: Given, enabled: bool | None = None, revision: int = 0, by: Actor) -> None:
    """Give an issuer other values; `revision` is the one that the person has seen (0: the row's own).

    Raises:
        BadValues: something is not valid or missing, or a credential has to be given again.
        NotAllowedNow: someone else has edited it meanwhile, or its provider would change under open orders.
        RingError: credentials do not open.
    """
    if revision not in {0, issuer.revision}:
        raise NotAllowedNow(f"“{issuer}” was changed by someone else meanwhile. Look at it again, then edit it.")
    checked = check_given(given, issuer)
    before = issuers.open_secrets(issuer)
    changes: dict[str, Any] = _columns(checked)
    changes["secrets"] = issuers.seal_secrets(issuer, checked.secrets)
    if enabled is not None:
        changes["enabled"] = enabled
    is_another = checked.provider.lower() != issuer.provider.lower()
    if is_another:
        changes["memory"] = None
    details = {
        "changed": sorted(_changed(issuer, checked)),
        "credentials": sorted(name for name in {*before, *checked.secrets} if _differ(name, before, checked.secrets)),
        **_addresses(checked.config),
        **({} if enabled is None else {"enabled": enabled}),
    }
    if is_another or details["changed"] or details["credentials"]:
        changes["steered_at"] = timezone.now()
    with transaction.atomic():
        if is_another and open_operations(issuer).exists():
            raise NotAllowedNow(f"“{issuer}” has open orders at {issuer.provider}. Make another issuer instead.")
        issuer.edit(**changes)
        _record("update", issuer, by, **details)


def replace_secrets(*, issuer: Issuer, secrets: Mapping[str, str], by: Actor) -> None:
    """Put new credentials, by the names of the form, in the place of stored ones. Raises as `edit_issuer`."""
    people = [Administrator(**person) for person in issuer.administrators]
    given = Given(provider=issuer.provider, config=issuer.config, secrets=secrets, administrators=people, loosely=True)
    edit_issuer(issuer=issuer, given=given, by=by)


@transaction.atomic
def set_enabled(*, issuer: Issuer, enabled: bool, by: Actor) -> None:
    """Let new orders begin, or none; open ones go on. Raises NotAllowedNow when someone edits it at that moment."""
    if issuer.enabled == enabled:
        return
    issuer.edit(enabled=enabled)
    _record("enable" if enabled else "disable", issuer, by)


@transaction.atomic
def delete_issuer(*, issuer: Issuer, by: Actor) -> None:
    """Remove an issuer with its credentials; certificates it issued stay.

    Raises NotAllowedNow while orders are open at its CA, or when it is gone already.
    """
    # Certificates are locked before issuers, as by who begins an order.
    issuer.users().look_again()
    # Who begins an order with this issuer waits until we are done, or we see the order.
    locked = Issuer.objects.select_for_update().filter(pk=issuer.pk).first()
    if locked is None:
        raise NotAllowedNow(f"“{issuer}” is removed already.")
    names = list(open_operations(issuer).order_by("-id").values_list("certificate__name", flat=True)[:4])
    if names:
        listed = ", ".join(f"“{name}”" for name in names[:3]) + (" and others" if len(names) > 3 else "")
        message = f"“{issuer}” has open orders for {listed}. Wait until they end, or cancel them, then remove it."
        raise NotAllowedNow(message)
    locked.delete()
    _record("delete", issuer, by, provider=issuer.provider)


def _columns(checked: Checked) -> dict[str, Any]:
    return {"provider": checked.provider, "config": checked.config, "administrators": checked.administrators}


def _changed(issuer: Issuer, checked: Checked) -> set[str]:
    names = {name for name in {*issuer.config, *checked.config} if _differ(name, issuer.config, checked.config)}
    if issuer.administrators != checked.administrators:
        names.add("administrators")
    if issuer.provider != checked.provider:
        names.add("provider")
    return names


def _differ(name: str, before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    return before.get(name, "") != now.get(name, "")


def _addresses(config: Mapping[str, str]) -> dict[str, str]:
    return {"address": config["address"]} if config.get("address") else {}


def _record(verb: str, issuer: Issuer, by: Actor, **details: Any) -> None:
    record(f"issuers/{verb}", f"issuers/{issuer}", by=by, vault=issuer.vault, details=details)
