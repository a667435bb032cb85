"""An application, and a client of the login host without a network."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from portal.api import custom

TOKEN_PATH = "/chancery/oauth2/v2.0/token"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Known hosts are not in the database, so they would outlive a test."""
    custom.forget()


@pytest.fixture
def login() -> Callable[..., HttpResponse]:
    """`login("POST", path, {...})`: a call to the login host over https."""
    client = Client(raise_request_exception=False)

    def call(method: str, path: str = TOKEN_PATH, form: dict[str, Any] | bytes | None = None, **extra: Any) -> Any:
        from urllib.parse import urlencode

        body = form if isinstance(form, bytes) else urlencode(form or {}).encode()
        extra.setdefault("secure", True)
        extra.setdefault("HTTP_HOST", f"login.{settings.API_DOMAIN}:8443")
        extra.setdefault("content_type", "application/x-www-form-urlencoded")
        return client.generic(method, path, data=body, **extra)

    return call
