"""What both faces share of HTTP: who asks, and from where."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    from portal.models import User
    from portal.rights import Rights
    from vault.models import Vault


class Asker(Protocol):
    """What `portal.access` needs of a request: a person, and a place for their rights.

    A request of the API also carries `token`, which narrows them, and `vault`, which was looked up at the door.
    """

    user: User
    rights: Rights
    META: dict[str, Any]


def host_of(vault: Vault) -> str:
    """Return the host at which programs find a vault: its own, if it has one, else the one below the API's domain."""
    name = vault.name.lower()
    own = (host for host, of in settings.API_HOSTS.items() if of == name)
    return next(own, vault.host or f"{name}.{settings.API_DOMAIN}")


def is_https(request: HttpRequest) -> bool:
    """Whether a request came over https, or from this machine behind a header that says so: a proxy of TLS here."""
    if request.is_secure():
        return True
    says_so: bool = request.META.get("HTTP_X_FORWARDED_PROTO") == "https"
    return says_so and _is_loopback(request.META.get("REMOTE_ADDR", ""))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def client_address(request: HttpRequest | Asker, *_: Any) -> str:
    """Return the address the request came from; from X-Forwarded-For only behind a trusted proxy."""
    given = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXY:
        given = request.META.get("HTTP_X_FORWARDED_FOR", given).rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(given))
    except ValueError:
        return ""
