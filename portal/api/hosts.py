"""The door of the API: a vault is a host, and what stands behind it is not the pages.

Its host is `<vault>.<API_DOMAIN>`, and one of its own if the settings or its page give it one. Applications sign in at
`login.<API_DOMAIN>` (`portal.oauth`).

On such a host nothing of the pages' middleware runs: no session, no cookie, no redirect, no HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import validate_host
from django.urls import get_resolver, set_urlconf

from portal import access
from portal.api import auth, custom, errors, headers, limits
from portal.api.errors import ApiError
from portal.api.http import ApiRequest
from portal.api.reading import drain
from portal.http import is_https
from portal.oauth import views as oauth
from vault.models.vault import NAME, RESERVED_NAMES

URLCONF: Final = "portal.api.urls"
# Published versions and previews: 7.4, 7.6-preview.2, 2026-04-01, 2026-03-01-preview …
API_VERSION: Final = re.compile(r"(?:7\.\d|20\d\d-[01]\d-[0-3]\d)(?:-preview(?:\.\d{1,2})?)?\Z")
_SLASHES: Final = re.compile(r"/{2,}")


class ApiHosts:
    """Answers on vaults' hosts; hands everything else to the pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._pages = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = _host(request)
        if host == f"login.{settings.API_DOMAIN}":
            return oauth.answer(request)
        if is_api(host) or _is_lost(request, host):
            return answer(cast("ApiRequest", request), host)
        return self._pages(request)


def is_api(host: str) -> bool:
    """Whether a host (lower case, no port) is a vault's, or would be; the portal's own hosts never are."""
    domain: str = settings.API_DOMAIN
    if not host or host in settings.PORTAL_HOSTS:
        return False
    if host in settings.API_HOSTS or host == domain or host.endswith(f".{domain}"):
        return True
    return not validate_host(host, settings.ALLOWED_HOSTS) and host in custom.hosts()


def _is_lost(request: HttpRequest, host: str) -> bool:
    """Whether a client of the API came to a host that is neither a vault's nor the portal's."""
    return not validate_host(host, settings.ALLOWED_HOSTS) and "api-version" in request.GET


def answer(request: ApiRequest, host: str) -> HttpResponse:
    """Answer a request to the API, whatever happens, in the API's way."""
    set_urlconf(URLCONF)
    try:
        response = _respond(request, host)
    except Exception as error:  # noqa: BLE001 - the edge: what is unexpected is logged and becomes an envelope
        response = errors.answer(request, error)
        drain(request)
    finally:
        set_urlconf(None)
    headers.put(request, response)
    return response


def _respond(request: ApiRequest, host: str) -> HttpResponse:
    name = _vault_name(host)
    _require_https(request)
    auth.authenticate(request, name)
    limits.count_call(request.token)
    request.vault = access.enter(request, name)
    if not request.token.fits:
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "Forbidden",
            f"The token “{request.token.name}” was not made for key vault '{request.vault}'.",
            inner="AccessDenied",
        )
    limits.count_vault_call(request.vault)
    _require_version(request)
    return _dispatch(request)


def _dispatch(request: ApiRequest) -> HttpResponse:
    request.urlconf = URLCONF
    # An empty version is a slash at the end, and some clients double slashes. A redirect would lose the token.
    request.path_info = request.path = "/" + _SLASHES.sub("/", request.path_info).strip("/")
    request.resolver_match = match = get_resolver(URLCONF).resolve(request.path_info)
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response


def _host(request: HttpRequest) -> str:
    """The host as sent, in lower case, without port and final dot; not yet judged."""
    sent: str = request.META.get("HTTP_HOST", "")
    return sent.lower().partition(":")[0].removesuffix(".")


def _vault_name(host: str) -> str:
    if not is_api(host):
        raise access.NotFound("vault", host[:60])
    domain: str = settings.API_DOMAIN
    below = host == domain or host.endswith(f".{domain}")
    name = settings.API_HOSTS.get(host) or ("" if below else custom.hosts().get(host)) or host.removesuffix(domain)
    name = name.removesuffix(".")
    if not NAME.match(name) or name in RESERVED_NAMES:
        raise access.NotFound("vault", name[:60])
    return name


def _require_https(request: ApiRequest) -> None:
    """Refuse http, except on this machine behind a header that says https: a proxy of TLS on the same machine."""
    if is_https(request):
        return
    message = "The key vault answers over https only. If a proxy takes TLS off, see CHANCERY_TRUSTED_PROXY."
    raise ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, inner="HttpsRequired")


def _require_version(request: ApiRequest) -> None:
    given = request.GET.get("api-version", "")
    if not given:
        raise ApiError(HTTPStatus.BAD_REQUEST, "BadParameter", "The api-version is missing from the address.")
    if not API_VERSION.match(given):
        message = f"The api-version “{given[:40]}” is not known. Use 7.4, 2025-07-01 or 2026-04-01."
        raise ApiError(HTTPStatus.BAD_REQUEST, "BadParameter", message)
