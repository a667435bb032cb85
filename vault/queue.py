"""The bell of the queue: the one module that knows which queue it is.

The queue only wakes the worker; what there is to do stands in the rows. A bell that was not heard is rung
again by the sweep, so ringing may fail without harm, and a task's arguments are row ids and nothing else.
"""

import logging
from functools import cache
from typing import Any, Final

import redis
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

# A person waits for the answer while the bell is rung.
_REDIS_SECONDS: Final = 2

# What the broker answered to the last bell of each kind that is rung at most once at a time.
_receipts: dict[str, Any] = {}


def advance_soon(operation_id: int) -> None:
    """Have a worker take the operation one step further as soon as the transaction commits.

    TypeError: the id is not a whole number.
    """
    if type(operation_id) is not int:
        raise TypeError(f"The queue takes whole numbers only, not {type(operation_id).__name__}.")
    _ring("vault.tasks.advance_operation", operation_id)


def sweep_soon() -> None:
    """Have a worker look for what is due, unless that is waiting already."""
    _ring_once("vault.tasks.sweep")


def fill_pool_soon() -> None:
    """Have a worker fill the pool of ready-made keys, unless that is waiting already."""
    _ring_once("vault.tasks.fill_pool")


def tidy_soon() -> None:
    """Have a worker tidy up, unless that is waiting already."""
    _ring_once("vault.tasks.tidy")


def watch_orders_soon() -> None:
    """Have a worker look at orders that outlived their request, unless that is waiting already."""
    _ring_once("vault.tasks.watch_orders")


def compare_soon() -> None:
    """Have a worker compare orders with what is expected of them, unless that is waiting already."""
    _ring_once("vault.tasks.compare")


def look_ahead_soon() -> None:
    """Have a worker work out what lies ahead of certificates, unless that is waiting already."""
    _ring_once("vault.tasks.look_ahead")


def renew_soon() -> None:
    """Have a worker renew what is due, unless that is waiting already."""
    _ring_once("vault.tasks.renew")


def ask_windows_soon() -> None:
    """Have a worker ask CAs when to renew, unless that is waiting already."""
    _ring_once("vault.tasks.ask_windows")


def tell_soon() -> None:
    """Have a worker note what people are to hear, unless that is waiting already."""
    _ring_once("vault.tasks.tell")


def post_soon() -> None:
    """Have a worker send mails, unless that is waiting already."""
    _ring_once("vault.tasks.post")


def publish_soon() -> None:
    """Have a worker write down events for webhooks, unless that is waiting already."""
    _ring_once("vault.tasks.publish")


def deliver_soon() -> None:
    """Have a worker send events to webhooks, unless that is waiting already."""
    _ring_once("vault.tasks.deliver")


def calls_per_issuer() -> int:
    """How many of this machine's workers may call one CA at a time: half of them, so that the others stay free."""
    return max(1, int(Conf.WORKERS or 1) // 2)


def waiting() -> int:
    """Return how many tasks no worker has taken yet."""
    return int(_broker().queue_size())


def _ring_once(task: str) -> None:
    """Ring unless this process rang for the same and nobody came yet."""
    if not _still_waiting(_receipts.get(task)):
        _ring(task)


def _ring(task: str, *numbers: int) -> None:
    """Put a task into the queue: inside the transaction if the queue is a table, else after it."""
    if Conf.ORM:
        _send(task, *numbers)
    else:
        transaction.on_commit(lambda: _try_to_send(task, *numbers))


def _try_to_send(task: str, *numbers: int) -> None:
    try:
        _send(task, *numbers)
    except redis.RedisError as error:
        log.warning("The queue cannot be reached (%s); the sweep will ring again.", type(error).__name__)


def _send(task: str, *numbers: int) -> None:
    desk = _Desk(_broker())
    async_task(task, *numbers, q_options={"broker": desk})
    _receipts[task] = desk.receipt


class _Desk:
    """Hands a task to the broker and keeps the receipt: the row's id, or with Redis the package itself."""

    def __init__(self, broker: Any) -> None:
        self._broker = broker
        self.list_key = broker.list_key
        self.receipt: Any = None

    def enqueue(self, package: str) -> Any:
        answer = self._broker.enqueue(package)
        self.receipt = answer if Conf.ORM else package
        return answer


def _still_waiting(receipt: Any) -> bool:
    """Say whether the task of this receipt is in the queue and no worker has taken it."""
    if receipt is None:
        return False
    if Conf.ORM:
        return bool(OrmQ.objects.using(Conf.ORM).filter(pk=receipt, lock__lte=timezone.now()).exists())
    broker = _broker()
    try:
        return bool(broker.connection.lpos(broker.list_key, receipt) is not None)
    except redis.RedisError:
        return False


@cache
def _broker() -> Any:
    """Return the broker, made once: it holds no connection of its own, or one that threads and forks may share."""
    broker = get_broker()
    if not Conf.ORM:
        broker.connection = redis.from_url(
            settings.REDIS_URL,
            socket_timeout=_REDIS_SECONDS,
            socket_connect_timeout=_REDIS_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
    return broker
