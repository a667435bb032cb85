"""An issuer in words: its state, its figures, its settings without its credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

from django.conf import settings

from vault.lifecycle import configuring
from vault.lifecycle.configuring import Figures
from vault.models import Issuer
from vault.providers import offer_of, values
from vault.providers.base import FieldKind, FormField, Offer

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MOST_COUNTED: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Row:
    """An issuer as lists show it: `state` and `state_label` for components/status.html; figures as words."""

    issuer: Issuer
    provider: str
    state: str
    state_label: str
    open: str
    failed: str
    median: str
    slow: str


def row(issuer: Issuer, figures: Figures) -> Row:
    """An issuer with its figures."""
    offer = offer_of(issuer.provider)
    state, label = state_of(issuer)
    return Row(
        issuer=issuer,
        provider=offer.title if offer else issuer.provider,
        state=state,
        state_label=label,
        open=_up_to(figures.open),
        failed=_up_to(figures.failed),
        median=took(figures.median),
        slow=took(figures.slow),
    )


def state_of(issuer: Issuer) -> tuple[str, str]:
    """The word for components/status.html, and other words for it where that is not enough."""
    if issuer.is_paused:
        refused = issuer.pause == Issuer.Pause.CREDENTIALS
        return ("failed", "Paused: credentials refused") if refused else ("expiring", "Paused: CA asked to slow down")
    return ("enabled", "") if issuer.enabled else ("disabled", "")


def took(time: timedelta | None) -> str:
    """`12 s`, `4 min`, `3 h`, `2 days`, rounded up; "" for None."""
    if time is None:
        return ""
    if time < 2 * _MINUTE:
        return f"{max(1, -(-time // timedelta(seconds=1)))} s"
    if time < 2 * _HOUR:
        return f"{-(-time // _MINUTE)} min"
    return f"{-(-time // _HOUR)} h" if time < 2 * _DAY else f"{-(-time // _DAY)} days"


def facts(issuer: Issuer, offer: Offer | None) -> list[tuple[str, str]]:
    """The settings that have a value, or need one, as pairs of name and value; of credentials whether there is one."""
    stored = configuring.stored_secrets(issuer)
    if offer is None:
        known = {"account_id": "Account", "organisation_id": "Organisation"}
        pairs = [(known.get(name, name), value) for name, value in issuer.config.items()]
    else:
        asked = [(one, _value(one, issuer, stored)) for one in values.asked_for(offer, issuer.config)]
        pairs = [(one.label, value or "Not set") for one, value in asked if value or one.required]
    people = [
        ", ".join(filter(None, [f"{one['first_name']} {one['last_name']}".strip(), one["email"], one["phone"]]))
        for one in issuer.administrators
    ]
    return [*pairs, *((("Administrator for the CA", "; ".join(people)),) if people else ())]


def gaps(issuer: Issuer, offer: Offer | None) -> str:
    """The labels of what is not filled in yet, as an issuer that came by the API may have it; "" when complete."""
    if offer is None:
        return ""
    stored = dict.fromkeys(configuring.stored_secrets(issuer), values.YES)
    return ", ".join(f"“{one.label}”" for one in values.lacking(offer, issuer.config, stored))


@cache
def docs_of(offer: Offer | None) -> str:
    """The page of the documentation about a CA; "" when there is none."""
    path = f"docs/cas/{offer.key.lower()}.md" if offer else ""
    return path if path and (settings.BASE_DIR / path).is_file() else ""


def _value(one: FormField, issuer: Issuer, stored: frozenset[str]) -> str:
    if values.is_secret(one):
        return "Stored, never shown" if one.name in stored else ""
    value: str = issuer.config.get(one.name, "")
    if one.kind is FieldKind.BOOLEAN:
        return "Yes" if value == values.YES else "No"
    if one.kind is FieldKind.PEM and value:
        return f"PEM text, {value.count('-----BEGIN ')} in it"
    return dict(one.choices).get(value, value)


def _up_to(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)
