import os
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from django.db import transaction
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from vault import queue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No broker and no receipts are carried from test to test."""
    monkeypatch.setattr(queue, "_receipts", {})
    queue._broker.cache_clear()
    yield
    queue._broker.cache_clear()


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is a table of the database."""
    monkeypatch.setattr(Conf, "ORM", "default")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator["redis.Redis"]:
    """The queue is a list in Redis."""
    url = urlunsplit(urlsplit(os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379")._replace(path="/14"))
    client = redis.Redis.from_url(url)
    try:
        client.ping()
    except redis.RedisError:
        pytest.skip(f"Redis does not answer at {url}.")
    monkeypatch.setattr(Conf, "ORM", None)
    monkeypatch.setattr(Conf, "REDIS", url)
    monkeypatch.setattr(Conf, "CLUSTER_NAME", f"test-{secrets.token_hex(4)}")
    settings.REDIS_URL = url
    yield client
    queue._broker().delete_queue()
    queue._broker().connection.close()
    client.close()


def tasks() -> list[dict[str, Any]]:
    return [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]


@pytest.mark.usefixtures("table")
def test_an_operation_is_advanced_by_a_task_that_carries_its_id_alone() -> None:
    queue.advance_soon(12)

    assert [(task["func"], task["args"], task["kwargs"]) for task in tasks()] == [
        ("vault.tasks.advance_operation", (12,), {})
    ]


@pytest.mark.parametrize("not_an_id", ["12", 1.5, True, None, b"x", [1]])
@pytest.mark.usefixtures("table")
def test_anything_but_a_whole_number_is_refused(not_an_id: Any) -> None:
    with pytest.raises(TypeError, match="whole numbers only"):
        queue.advance_soon(not_an_id)

    assert queue.waiting() == 0


@pytest.mark.usefixtures("table")
def test_a_table_forgets_the_bell_when_the_transaction_rolls_back() -> None:
    with transaction.atomic():
        queue.advance_soon(1)
        transaction.set_rollback(True)

    assert queue.waiting() == 0


@pytest.mark.usefixtures("table")
def test_the_sweep_and_the_pool_wait_at_most_once_each() -> None:
    for _ in range(3):
        queue.sweep_soon()
        queue.fill_pool_soon()

    assert [task["func"] for task in tasks()] == ["vault.tasks.sweep", "vault.tasks.fill_pool"]


@pytest.mark.usefixtures("table")
def test_a_sweep_is_rung_again_once_a_worker_has_taken_the_last() -> None:
    queue.sweep_soon()
    queue._broker().dequeue()

    queue.sweep_soon()

    assert queue.waiting() == 1
    assert len(tasks()) == 2


@pytest.mark.usefixtures("table")
def test_a_bell_costs_one_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        queue.advance_soon(1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("server")
def test_redis_hears_of_the_work_when_the_transaction_has_committed() -> None:
    with transaction.atomic():
        queue.advance_soon(1)
        before = queue.waiting()

    assert before == 0
    assert queue.waiting() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("server")
def test_redis_hears_nothing_of_a_transaction_that_rolls_back() -> None:
    with transaction.atomic():
        queue.advance_soon(1)
        transaction.set_rollback(True)

    assert queue.waiting() == 0


@pytest.mark.django_db(transaction=True)
def test_in_redis_the_sweep_waits_at_most_once(server: "redis.Redis") -> None:
    for _ in range(3):
        queue.sweep_soon()
    before = queue.waiting()
    server.lpop(queue._broker().list_key)

    queue.sweep_soon()

    assert before == 1
    assert queue.waiting() == 1


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_is_away_costs_the_committed_work_nothing(
    monkeypatch: pytest.MonkeyPatch, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Conf, "ORM", None)
    monkeypatch.setattr(Conf, "REDIS", "redis://127.0.0.1:1/0")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    with transaction.atomic():
        queue.advance_soon(1)

    assert "the sweep will ring again" in caplog.text
