"""The answers on the host `login.<API_DOMAIN>`: where tokens are had, and a token."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote_plus

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import get_resolver
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2 import BackendApplicationServer

from portal import applications, rates
from portal.api import headers
from portal.api.auth import TENANT
from portal.api.reading import drain
from portal.http import client_address, is_https
from portal.oauth.validator import Validator
from vault.errors import RingError

log = logging.getLogger(__name__)

URLCONF: Final = "portal.oauth.urls"
WINDOW: Final = 60
_FORM: Final = "application/x-www-form-urlencoded"
_SLASHES: Final = re.compile(r"/{2,}")
_IN_WORDS: Final = {
    "invalid_client": (
        "The client id and the secret do not belong together, or the secret has ended, or the application is disabled."
    ),
    "invalid_scope": "There is nothing of this scope here. Ask for https://{domain}/.default.",
    "unsupported_grant_type": "Only client_credentials is answered here.",
    "invalid_request": "The request cannot be read. Send grant_type, client_id, client_secret and scope as a form.",
}


# RFC 6749 §2.3: one way of authentication in each request. Two would be two tries for the price of one.
_TWICE: Final = "The application signs in by Basic and in the form at once. Send its id and secret in one of them."


class _Core(OAuthLibCore):  # type: ignore[misc]
    """The library, deaf to the address: clients for JavaScript put an id for tracing there, which oauthlib refuses."""

    def _get_escaped_full_path(self, request: HttpRequest) -> str:
        return request.path


class Refusal(Exception):
    """A refusal as OAuth has it (RFC 6749 §5.2). `wait` is in seconds."""

    def __init__(self, status: int, code: str, message: str, *, wait: int = 0) -> None:
        super().__init__(message)
        self.status, self.code, self.wait = status, code, wait


def answer(request: HttpRequest) -> HttpResponse:
    """Answer a request to the login host, whatever happens, as OAuth has it."""
    try:
        _require_https(request)
        path = _SLASHES.sub("/", request.path_info)
        match = get_resolver(URLCONF).resolve(path)
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    except Exception as error:  # noqa: BLE001 - the edge: what is unexpected is logged and becomes a refusal
        response = _refused(_refusal(error))
        drain(request)
    headers.put(request, response)
    return response


def configuration(request: HttpRequest, tenant: str) -> HttpResponse:
    """Say where tokens are had (OpenID Connect Discovery 1.0 §3, RFC 8414); there is no page to sign in on."""
    _require_tenant(tenant)
    if request.method not in {"GET", "HEAD"}:
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "invalid_request", "Use GET.")
    base = f"https://{request.get_host()}/{TENANT}"
    facts = {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        # Tokens are not signed, but some clients insist on an address of keys.
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "scopes_supported": [f"https://{settings.API_DOMAIN}/.default"],
    }
    return JsonResponse(facts)


def keys(request: HttpRequest, tenant: str) -> HttpResponse:
    """The keys that sign tokens (RFC 7517 §5): none."""
    _require_tenant(tenant)
    if request.method not in {"GET", "HEAD"}:
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "invalid_request", "Use GET.")
    return JsonResponse({"keys": []})


def token(request: HttpRequest, tenant: str) -> HttpResponse:
    """Give an application that shows its id and secret a token (RFC 6749 §4.4)."""
    _require_tenant(tenant)
    if request.method != "POST":
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "invalid_request", "Use POST.")
    if request.content_type != _FORM:
        raise Refusal(HTTPStatus.BAD_REQUEST, "invalid_request", _IN_WORDS["invalid_request"])
    address, by_basic, by_form = client_address(request), _by_basic(request), _by_form(request)
    named = sorted({by_basic, by_form} - {""})
    _count(address, named)
    if by_basic and (len(named) > 1 or request.POST.get("client_secret")):
        _note_refused(address, named)
        raise Refusal(HTTPStatus.BAD_REQUEST, "invalid_request", _TWICE)
    validator = Validator(address, by_basic or by_form)
    server = BackendApplicationServer(validator, token_expires_in=oauth2_settings.ACCESS_TOKEN_EXPIRE_SECONDS)
    _, sent, body, status = _Core(server).create_token_response(request)
    if status != HTTPStatus.OK:
        _note_refused(address, named)
    return JsonResponse(_in_words(json.loads(body)), status=status, headers=_kept(sent))


def _require_https(request: HttpRequest) -> None:
    if not is_https(request):
        message = "Tokens are given over https only. If a proxy takes TLS off, see CHANCERY_TRUSTED_PROXY."
        raise Refusal(HTTPStatus.FORBIDDEN, "invalid_request", message)


def _require_tenant(given: str) -> None:
    if given.lower() != TENANT:
        message = f"There is no tenant of this name here. The tenant is “{TENANT}”."
        raise Refusal(HTTPStatus.BAD_REQUEST, "invalid_tenant", message)


def _by_basic(request: HttpRequest) -> str:
    """The client id that came by Basic (RFC 6749 §2.3.1), or ""; at most 255 characters of it."""
    scheme, _, sent = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return unquote_plus(base64.b64decode(sent).decode().partition(":")[0])[:255]
    except (binascii.Error, ValueError):
        return ""


def _by_form(request: HttpRequest) -> str:
    given: str = request.POST.get("client_id", "")
    return given[:255]


def _count(address: str, named: list[str]) -> None:
    """Count a try from this address; refuse it, too, where an application has failed there too often."""
    failures = [_failures(address, client_id) for client_id in named]
    full, seconds = rates.shared().full(failures, window=WINDOW)
    if full is not None:
        limit = settings.SIGN_INS_PER_APPLICATION
        raise _too_many(f"This application has failed to sign in from here {limit} times", seconds)
    limit = settings.SIGN_INS_PER_ADDRESS
    full, seconds = rates.shared().take([(f"sign-ins/address/{address}", limit)], window=WINDOW)
    if full is not None:
        raise _too_many(f"This address has signed in {limit} times", seconds)


def _failures(address: str, client_id: str) -> tuple[str, int]:
    """What is counted of an application: by address, so that a stranger elsewhere cannot lock it out."""
    return f"sign-ins/failures/{address}/{client_id}", settings.SIGN_INS_PER_APPLICATION


def _note_refused(address: str, named: list[str]) -> None:
    for client_id in named:
        rates.shared().take([_failures(address, client_id)], window=WINDOW)
        applications.note_refused(client_id=client_id, address=address)


def _too_many(what: str, seconds: int) -> Refusal:
    message = f"{what} in {WINDOW} seconds. Try again in {seconds} s."
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "temporarily_unavailable", message, wait=seconds)


def _in_words(body: dict[str, Any]) -> dict[str, Any]:
    """Add a sentence to the library's refusals."""
    if words := _IN_WORDS.get(body.get("error", "")):
        body["error_description"] = words.format(domain=settings.API_DOMAIN)
    return body


def _kept(sent: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in sent.items() if name == "WWW-Authenticate"}


def _refusal(error: Exception) -> Refusal:
    match error:
        case Refusal():
            return error
        case Http404():
            return Refusal(HTTPStatus.NOT_FOUND, "invalid_request", "There is nothing at this address.")
        case RequestDataTooBig():
            return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "invalid_request", "The body is too large.")
        case SuspiciousOperation():
            return Refusal(HTTPStatus.BAD_REQUEST, "invalid_request", _IN_WORDS["invalid_request"])
        case OperationalError() | RingError():
            log.error("no token can be given: %s", type(error).__name__)
            message = "No token can be given at this moment. Try again."
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "temporarily_unavailable", message)
        case _:
            log.error("the login host broke", exc_info=error)
            message = "The portal made a mistake. It is in its log."
            return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", message)


def _refused(refusal: Refusal) -> HttpResponse:
    body = {"error": refusal.code, "error_description": str(refusal)}
    extra = {"Retry-After": str(refusal.wait)} if refusal.wait else {}
    return JsonResponse(body, status=refusal.status, headers=extra)
