"""A running portal on the database and the broker that this run of the tests is about."""

import sys
from collections.abc import Iterator

import pytest

from tests.processes import services
from tests.processes.portal import Portal, wait_until


@pytest.fixture
def portal(shared_portal: Portal) -> Portal:
    """Return a portal that runs and is complete, whatever the test before did to it."""
    if not shared_portal.processes("supervisor"):
        shared_portal.clean_up()
        shared_portal.start()
    wait_until(shared_portal.is_complete, within=20, what=shared_portal.census)
    wait_until(shared_portal.answers, within=20, what=shared_portal.said)
    return shared_portal


@pytest.fixture(scope="session")
def shared_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Return the portal that all tests share, on the database and the broker of this run."""
    if sys.platform != "linux":
        pytest.skip("Processes carry their names only on Linux.")
    with services.queue() as queue, services.database() as database:
        # CAs on this machine are simulators.
        environment = {**queue, **database, "CHANCERY_CA_LOOPBACK": "1"}
        portal = Portal(tmp_path_factory.mktemp("portal"), environment=environment)
        yield portal
        portal.clean_up()
