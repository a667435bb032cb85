"""One stand-in for each platform for all tests here, empty at the beginning of each."""

from collections.abc import Iterator

import pytest

from tests.vault.providers.globalsign.parts import close_connections
from vault.simulators.atlas import AtlasSimulator
from vault.simulators.globalsign import GlobalSignSimulator


@pytest.fixture(scope="session")
def _mssl() -> Iterator[GlobalSignSimulator]:
    with GlobalSignSimulator() as running:
        yield running


@pytest.fixture(scope="session")
def _atlas() -> Iterator[AtlasSimulator]:
    with AtlasSimulator() as running:
        yield running


@pytest.fixture
def mssl(_mssl: GlobalSignSimulator) -> Iterator[GlobalSignSimulator]:
    _mssl.clear()
    yield _mssl
    close_connections()


@pytest.fixture
def atlas(_atlas: AtlasSimulator) -> Iterator[AtlasSimulator]:
    _atlas.clear()
    yield _atlas
    close_connections()
