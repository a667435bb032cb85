"""An issuer at a small CA that can list its orders, and one at the same CA that cannot."""

from collections.abc import Iterator

import pytest

from tests.vault.lifecycle.cas import Rig, offered
from tests.vault.lifecycle.tiny import BLIND, KEY, TINY, TinySimulator


@pytest.fixture(scope="session")
def tiny_ca() -> Iterator[TinySimulator]:
    with TinySimulator() as running:
        yield running


@pytest.fixture
def rig(tiny_ca: TinySimulator) -> Iterator[Rig]:
    tiny_ca.clear()
    tiny_ca.key = KEY
    with offered(TINY, BLIND), Rig(tiny_ca) as rig:
        yield rig


@pytest.fixture
def blind(tiny_ca: TinySimulator) -> Iterator[Rig]:
    tiny_ca.clear()
    tiny_ca.key = KEY
    with offered(TINY, BLIND), Rig(tiny_ca, provider="Blind") as rig:
        yield rig
