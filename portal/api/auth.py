"""Who calls the API: the challenge, and the token that answers it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.conf import settings

from portal import tokens
from portal.api.errors import ApiError
from portal.api.http import host_as_sent
from portal.http import client_address
from vault.models.audit import Actor

if TYPE_CHECKING:
    from django.http import HttpRequest

    from portal.api.http import ApiRequest
    from portal.models import Token

# The first part of the path under which the clients of OAuth look for tokens.
TENANT: Final = "chancery"
_BEARER: Final = re.compile(r"bearer +([!-~]+) *\Z", re.IGNORECASE)


def authenticate(request: ApiRequest, vault: str) -> None:
    """Put the token for the vault of that name, and its owner, on the request; whether it `fits` is yet to be asked.

    Raises ApiError, with the challenge, for a request without a token that is good.
    """
    _refuse_in_address(request)
    given = _BEARER.match(request.META.get("HTTP_AUTHORIZATION", ""))
    if given is None:
        raise _unauthorized(request, "AKV10000: Request is missing a Bearer or PoP token.")
    token = tokens.find(given[1], vault=vault)
    if token is None:
        raise _unauthorized(request, "The token is unknown here. Take care to send all of it.")
    if problem := _problem(token):
        raise _unauthorized(request, problem)
    tokens.note_use(token, given[1])
    request.token, request.user = token, token.user


def challenge(request: HttpRequest) -> str:
    """What clients need to know to come by a token (their libraries insist on this very form).

    The resource is the vault's host without its first label, for they check that the vault lies below it.
    """
    host, _, port = host_as_sent(request).partition(":")
    shown = f":{port}" if port not in {"", "443"} else ""
    login, resource = f"login.{settings.API_DOMAIN}{shown}", f"{host.partition('.')[2]}{shown}"
    return f'Bearer authorization="https://{login}/{TENANT}", resource="https://{resource}"'


def _problem(token: Token) -> str:
    """Say why a token opens nothing; whoever holds it may know."""
    if token.user.is_application and not token.user.is_active:
        return f"The application “{token.user}” is disabled."
    if token.secret_id is not None and token.has_expired:
        return "The token has expired. Sign in again."
    if token.revoked_at is not None:
        return f"The token “{token.name}” is revoked. Make another."
    if token.has_expired:
        return f"The token “{token.name}” has expired. Make another."
    return "" if token.user.is_active else "The owner of this token is deactivated."


def _refuse_in_address(request: ApiRequest) -> None:
    """A token in the address is a token in every log on the way: never take it, and tell its owner's trail."""
    if not (exposed := tokens.in_text(request.get_full_path())):
        return
    if found := tokens.find(exposed):
        owner = found.user
        tokens.note_exposed(found, Actor(name=owner.username, user_id=owner.pk, address=client_address(request)))
    message = "A token came in the address, where logs keep it. Revoke it, and send tokens in the Authorization header."
    raise _unauthorized(request, message)


def _unauthorized(request: ApiRequest, message: str) -> ApiError:
    headers = {"WWW-Authenticate": challenge(request)}
    return ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized", message, headers=headers)
