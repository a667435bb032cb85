"""The database and the broker that this run of the tests is about, as environment of a portal of its own."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis


@contextmanager
def queue() -> Iterator[dict[str, str]]:
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
def database() -> Iterator[dict[str, str]]:
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
