"""Clients of the API with a token."""

from collections.abc import Callable
from typing import Any

import pytest

from portal.api import hosts
from portal.models import Token, User
from tests.factories import make_token
from tests.portal.api.client import ApiClient
from vault.models import Vault


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small API behind the door, for tests that are about the door."""
    monkeypatch.setattr(hosts, "URLCONF", "tests.portal.api.probes")


@pytest.fixture
def api() -> Callable[..., ApiClient]:
    """`api(user, vault)`: a client with a fresh token of that person for that vault."""

    def client(user: User, vault: Vault, *, verbs: Any = Token.ALL) -> ApiClient:
        return ApiClient(vault, make_token(user, vault, verbs=verbs))

    return client
