"""The headers of every answer of the API."""

from __future__ import annotations

import ipaddress
import re
import uuid
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse

from portal.http import client_address

REGION: Final = "local"
SERVICE_VERSION: Final = "1.9.0.0"
_REQUEST_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}\Z")


def put(request: HttpRequest, response: HttpResponse) -> None:
    """Add what clients look for and what keeps secrets out of caches."""
    response["x-ms-request-id"] = str(uuid.uuid4())
    given = request.META.get("HTTP_X_MS_CLIENT_REQUEST_ID", "")
    if _REQUEST_ID.match(given):
        response["x-ms-client-request-id"] = given
    response["x-ms-keyvault-region"] = REGION
    response["x-ms-keyvault-service-version"] = SERVICE_VERSION
    response["x-ms-keyvault-network-info"] = _network(client_address(request))
    response["Cache-Control"] = "no-cache, no-store"
    response["Pragma"] = "no-cache"
    response["Expires"] = "-1"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    response["Strict-Transport-Security"] = "max-age=31536000"
    if response.status_code != HTTPStatus.NO_CONTENT:  # RFC 9110 §8.6
        response["Content-Length"] = str(len(response.content))


def _network(address: str) -> str:
    if not address:
        return "conn_type=Ipv4;addr=;act_addr_fam=InterNetwork;"
    six = ipaddress.ip_address(address).version == 6
    return f"conn_type={'Ipv6' if six else 'Ipv4'};addr={address};act_addr_fam=InterNetwork{'V6' if six else ''};"
