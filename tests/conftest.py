"""What all tests share: a key ring, a database, a signed-in client, and rules about skipping."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from portal.models import User
from vault.keys import ring

REQUIRE_ALL = os.environ.get("CHANCERY_TESTS_REQUIRE_ALL") == "1"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test the database that does not say otherwise, and deselect what this run's does not concern."""
    on_postgresql = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    other = "sqlite_only" if on_postgresql else "postgresql_only"
    kept, away = [], []
    for item in items:
        plain = item.get_closest_marker("no_database") or "/x509/" in item.path.as_posix()
        if not plain and not item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.django_db)
        # What is slow runs a portal of its own, on this run's database.
        was_run_on_sqlite = on_postgresql and plain and not item.get_closest_marker("slow")
        was_run_on_sqlite |= on_postgresql and item.get_closest_marker("looks") is not None
        (away if was_run_on_sqlite or item.get_closest_marker(other) else kept).append(item)
    if away:
        config.hook.pytest_deselected(items=away)
        items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where everything is required, a skipped test has failed."""
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but everything is required here: {report.longrepr}"
    return report


@pytest.fixture(autouse=True, scope="session")
def _surroundings() -> Iterator[None]:
    """A key ring before the first test; nothing left in Redis or on the disk after the last."""
    ring.create(settings.KEYRING)
    yield
    if settings.REDIS_URL:
        with redis.from_url(settings.REDIS_URL) as client:
            client.delete(f"django_q:{settings.Q_CLUSTER['name']}:q")
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """On SQLite, transactional tests empty tables by DELETE, which the audit trail's own trigger refuses."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("DROP TRIGGER audit_no_delete")


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """A browser in which a person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in
