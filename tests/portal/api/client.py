"""A client of the API without a network: it adds what every client sends."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from vault.models import Vault

VERSION = "2026-04-01"


class ApiClient:
    """Sends JSON to one vault with a token over https; `raw` leaves all of that to the test."""

    def __init__(self, vault: Vault | str, token: str = "") -> None:
        self.host = f"{vault}.{settings.API_DOMAIN}"
        self.token = token
        self._client = Client(raise_request_exception=False)

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.raw("GET", path, query=query)

    def post(self, path: str, body: Any = None, **query: Any) -> HttpResponse:
        return self.raw("POST", path, body, query=query)

    def put(self, path: str, body: Any = None, **query: Any) -> HttpResponse:
        return self.raw("PUT", path, body, query=query)

    def patch(self, path: str, body: Any = None, **query: Any) -> HttpResponse:
        return self.raw("PATCH", path, body, query=query)

    def delete(self, path: str, **query: Any) -> HttpResponse:
        return self.raw("DELETE", path, query=query)

    def raw(
        self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None, **extra: Any
    ) -> HttpResponse:
        """`body` is octets as they are, or something that becomes JSON; `extra` is of the WSGI environment."""
        if self.token:
            extra.setdefault("HTTP_AUTHORIZATION", f"Bearer {self.token}")
        extra.setdefault("HTTP_HOST", self.host)
        extra.setdefault("secure", True)
        return self._client.generic(
            method,
            path,
            data=body if isinstance(body, bytes) else b"" if body is None else as_json(body),
            content_type="application/json",
            query_params={"api-version": VERSION, **(query or {})},
            **extra,
        )


def as_json(body: Any) -> bytes:

    return json.dumps(body).encode()


def error_of(response: HttpResponse) -> dict[str, Any]:
    """The error of an answer, which must be the envelope and nothing else."""
    assert response["Content-Type"].startswith("application/json"), response.content
    body = response.json()
    assert set(body) == {"error"}
    assert {"code", "message"} <= set(body["error"]) <= {"code", "message", "innererror"}
    return body["error"]
