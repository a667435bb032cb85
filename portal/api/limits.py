"""How much of the API one token and one vault may use in ten seconds."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.conf import settings

from portal import rates
from portal.api.errors import ApiError

if TYPE_CHECKING:
    from portal.api.http import ApiRequest
    from portal.models import Token
    from vault.models import Vault

WINDOW: Final = 10


def count_call(token: Token) -> None:
    """Count one call with a token. Raises ApiError (429) when there were too many."""
    _count(("token", f"calls/token/{token.pk}", settings.API_CALLS_PER_TOKEN))


def count_vault_call(vault: Vault) -> None:
    """Count one call to a vault, by someone whom it concerns: strangers use up nothing of it. Raises ApiError (429)."""
    _count(("vault", f"calls/vault/{vault.name_key}", settings.API_CALLS_PER_VAULT))


def count_key(request: ApiRequest) -> None:
    """Count one call that makes a key. Raises ApiError (429)."""
    _count(
        ("token", f"keys/token/{request.token.pk}", settings.API_KEYS_PER_TOKEN),
        ("vault", f"keys/vault/{request.vault.name_key}", settings.API_KEYS_PER_VAULT),
    )


def _count(*limits: tuple[str, str, int]) -> None:
    full, seconds = rates.shared().take([(key, limit) for _, key, limit in limits], window=WINDOW)
    if full is not None:
        of = limits[full][0]
        message = (
            "Request was not processed because too many requests were received. "
            f"This {of} may make {limits[full][2]} such calls in {WINDOW} seconds. Try again in {seconds} s."
        )
        headers = {"Retry-After": str(seconds)}
        raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "Throttled", message, headers=headers)
