"""A running portal on the database and the broker that this run of the tests is about."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis

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
    with _queue() as queue, _database() as database:
        portal = Portal(tmp_path_factory.mktemp("portal"), environment={**queue, **database})
        yield portal
        portal.clean_up()


@contextmanager
def _queue() -> Iterator[dict[str, str]]:
    """Environment that chooses the queue: an empty database of the Redis that REDIS_URL names, else none."""
    if not os.environ.get("REDIS_URL"):
        yield {}
        return
    server = urlsplit(os.environ["REDIS_URL"])
    for number in range(15, 0, -1):
        url = urlunsplit(server._replace(path=f"/{number}"))
        with redis.from_url(url, retry=None) as client:
            try:
                ours = client.dbsize() == 0 and client.set("chancery:processes", os.getpid(), nx=True, ex=3600)
            except redis.RedisError as error:
                pytest.fail(f"Redis does not answer at {url}: {error}")
            if ours:
                yield {"REDIS_URL": url}
                client.flushdb()
                return
    pytest.fail("None of Redis's databases 1 to 15 is empty.")


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """Environment that chooses the database: a new one where DATABASE_URL says PostgreSQL, else SQLite."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield {}
        return
    name = f"chancery_processes_{secrets.token_hex(4)}"
    admin = urlunsplit(urlsplit(url)._replace(path="/postgres"))
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield {"DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{name}"))}
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
