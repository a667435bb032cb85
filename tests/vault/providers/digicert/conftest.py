"""One stand-in for CertCentral for all tests here, empty at the beginning of each."""

from collections.abc import Iterator

import pytest

from tests.vault.lifecycle.cas import Rig
from vault.simulators.digicert import DigiCertSimulator


@pytest.fixture(scope="session")
def _certcentral() -> Iterator[DigiCertSimulator]:
    with DigiCertSimulator() as running:
        yield running


@pytest.fixture
def certcentral(_certcentral: DigiCertSimulator) -> DigiCertSimulator:
    _certcentral.clear()
    return _certcentral


@pytest.fixture
def rig(certcentral: DigiCertSimulator) -> Iterator[Rig]:
    with Rig(certcentral) as rig:
        yield rig
