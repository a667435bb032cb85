"""A data directory, database and queue of a bench's own, thrown away at its end."""

import contextlib
import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

# The number of the Redis database that benches use and empty.
REDIS_DATABASE = 14


@dataclass(frozen=True)
class Scratch:
    """Where a bench works: `environment` is what the portal's settings are to read."""

    directory: Path
    environment: dict[str, str]

    @property
    def postgresql(self) -> str:
        """The URL of the PostgreSQL database; empty on SQLite."""
        return self.environment.get("DATABASE_URL", "")

    @property
    def conditions(self) -> str:
        """Database and queue in words."""
        queue = "Redis" if "REDIS_URL" in self.environment else "ORM broker"
        return f"{'PostgreSQL' if self.postgresql else 'SQLite'}, {queue}"

    def enter(self) -> None:
        """Make this process a part of the portal: settings, migrations, key ring, static files."""
        os.environ.update(self.environment)
        import django

        django.setup()
        from portal import setup

        setup.prepare(io.StringIO())


@contextlib.contextmanager
def scratch(**settings: str) -> Iterator[Scratch]:
    """Make a scratch place on the database and the queue that DATABASE_URL and REDIS_URL name; `settings` are added.

    Without DATABASE_URL, or with one of SQLite, the database is a file in the scratch directory.
    """
    directory = Path(tempfile.mkdtemp(prefix="chancery-bench-"))
    environment = {"CHANCERY_DATA": str(directory), "DJANGO_SETTINGS_MODULE": "portal.settings", **settings}
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        _clear(os.environ)
        if os.environ.get("DATABASE_URL", "").startswith("postgres"):
            environment["DATABASE_URL"] = stack.enter_context(_postgresql(os.environ["DATABASE_URL"]))
        if os.environ.get("REDIS_URL"):
            environment["REDIS_URL"] = stack.enter_context(_redis(os.environ["REDIS_URL"]))
        yield Scratch(directory, environment)


def _clear(environment: "os._Environ[str]") -> None:
    for name in [name for name in environment if name.startswith("CHANCERY_")]:
        del environment[name]


@contextlib.contextmanager
def _postgresql(url: str) -> Iterator[str]:
    name = f"chancery_bench_{secrets.token_hex(4)}"
    with psycopg.connect(urlunsplit(urlsplit(url)._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def _redis(url: str) -> Iterator[str]:
    own = urlunsplit(urlsplit(url)._replace(path=f"/{REDIS_DATABASE}"))
    with redis.from_url(own) as client:
        if client.dbsize():
            raise SystemExit(f"Redis database {REDIS_DATABASE} is in use; a bench would empty it.")
        yield own
        client.flushdb()
