"""A live portal over TLS, and the unmodified clients that talk to it."""

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from azure.keyvault.certificates import CertificateClient
from azure.keyvault.keys import KeyClient
from azure.keyvault.secrets import SecretClient

from tests.api_clients.live import Live, LiveVault, resolve
from tests.processes import services
from tests.processes.portal import Portal, wait_until

_LIMITS = dict.fromkeys(
    (
        "CHANCERY_API_CALLS_PER_TOKEN",
        "CHANCERY_API_CALLS_PER_VAULT",
        "CHANCERY_API_KEYS_PER_TOKEN",
        "CHANCERY_API_KEYS_PER_VAULT",
        "CHANCERY_RUNNING_PER_PERSON",
        "CHANCERY_RUNNING_PER_VAULT",
    ),
    "100000",
)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A portal with TLS and workers, on the database and the broker of this run; all tests share it."""
    if sys.platform != "linux":
        pytest.skip("Processes carry their names only on Linux.")
    with services.queue() as queue, services.database() as database:
        directory = tmp_path_factory.mktemp("live")
        portal = Portal(directory, environment={**queue, **database, **_LIMITS}, tls=True)
        try:
            portal.start()
            wait_until(portal.is_complete, within=20, what=portal.census)
            yield Live(portal)
        finally:
            portal.clean_up()


@pytest.fixture(scope="session")
def vault(live: Live) -> LiveVault:
    """A vault that all tests share, with tokens of officer, administrator and reader: take names of your own in it."""
    return live.make_vault("officer", "administrator", "reader")


@pytest.fixture(autouse=True)
def _hosts_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def client_for(live: Live) -> Iterator[Callable[..., Any]]:
    """`client_for(SecretClient, vault)`: one of Azure's clients, as an application makes it; closed after the test."""
    with ExitStack() as opened:

        def make(kind: Callable[..., Any], of: LiveVault, role: str = "officer", **options: Any) -> Any:
            return opened.enter_context(kind(of.url, of.credential(role), connection_verify=live.ca, **options))

        yield make


@pytest.fixture
def certificates(client_for: Callable[..., Any], vault: LiveVault) -> CertificateClient:
    """The officer's client for certificates."""
    return client_for(CertificateClient, vault)


@pytest.fixture
def secrets(client_for: Callable[..., Any], vault: LiveVault) -> SecretClient:
    """The officer's client for secrets."""
    return client_for(SecretClient, vault)


@pytest.fixture
def keys(client_for: Callable[..., Any], vault: LiveVault) -> KeyClient:
    """The officer's client for keys."""
    return client_for(KeyClient, vault)
