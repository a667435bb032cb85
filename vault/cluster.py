"""django-q2's cluster, made to survive `kill -9` of any of its processes.

    worker command ─▶ guard (django-q2: sentinel) ─┬─▶ push  (pusher: queue → workers)
                                                   ├─▶ task  (workers, several)
                                                   └─▶ ack   (monitor: acknowledges what is done)

The guard replaces whichever of its children dies. What stock django-q2 1.11.1 lacks for that is put in here:

* its queues, events and timers hold locks that die with their holder; ours (`vault.channels`) do not;
* every process dies with its parent, so nothing works on unwatched beside its replacement;
* the guard leads a session of its own, so a signal to the process group reaches the command alone;
* the guard and the workers show signs of life that the command can watch;
* results are not kept: django-q2 stores them as unsigned pickles, and a failure's text may quote data,
  so that the log gets the lines of code it went through, or its class, instead.

These are private names of exactly that version; tests/processes kills every process to prove that they hold.
"""

import logging
import multiprocessing.context
import os
import uuid
from collections.abc import Callable
from typing import Any, Final

import django_q.cluster as upstream
import django_q.monitor
from django.db import connections
from django_q.conf import Conf
from django_q.signals import post_execute_in_worker, pre_execute

from vault import processes
from vault.channels import Counter, PacketQueue, PipeEvent, Timer

log = logging.getLogger(__name__)

# The longest that a healthy cluster with work waiting can go without starting or ending a task, in seconds:
# a task that hangs is ended by django-q2 three seconds after its timeout.
LONGEST_TASK: Final[float] = (Conf.TIMEOUT or 180) + 3

_TITLES: Final[dict[object, str]] = {
    upstream.Sentinel: "chancery-guard",
    upstream.pusher: "chancery-push",
    upstream.worker: "chancery-task",
    upstream.monitor: "chancery-ack",
}


class Cluster:
    """One guard and, below it, everything that does the work. Make it in a process without threads."""

    def __init__(self) -> None:
        self.guarding = Counter()
        self.working = Counter()
        self._stop = PipeEvent()
        self._guard: _Process | None = None

    def start(self) -> None:
        """Fork the guard, which forks the others; return without waiting for them."""
        self._repair()
        connections.close_all()
        self._guard = _Process(target=upstream.Sentinel, args=(self._stop, PipeEvent(), uuid.uuid4()), name="guard")
        self._guard.start()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for the guard to end; True when it has ended."""
        if self._guard is None:
            return True
        self._guard.join(seconds)
        return not self._guard.is_alive()

    def stop(self, *, grace: float) -> bool:
        """Let the workers finish what they hold; after `grace` seconds kill them all and return False."""
        self._stop.set()
        if self.wait(grace) or self._guard is None:
            return True
        self._guard.kill()  # its children go with it
        self._guard.join()
        return False

    def _repair(self) -> None:
        upstream.get_mp_context = lambda: _Context
        upstream.Queue = PacketQueue
        upstream.Event = PipeEvent
        upstream.Value = Timer
        upstream.Stat = self._sign_of_life()
        django_q.monitor.save_task = _keep_nothing
        pre_execute.connect(self._worked, weak=False)
        post_execute_in_worker.connect(self._worked, weak=False)
        post_execute_in_worker.connect(_withhold_text, weak=False)
        logging.getLogger("django-q").addFilter(_withhold_trace)

    def _worked(self, **_: object) -> None:
        self.working.step()

    def _sign_of_life(self) -> Callable[[Any], "_SignOfLife"]:
        return lambda sentinel: _SignOfLife(self.guarding, sentinel.parent_pid)


class _SignOfLife:
    """Stands in for django-q2's `Stat`, which the guard saves on every round, to a cache nobody shares."""

    def __init__(self, guarding: Counter, parent: int) -> None:
        self._guarding = guarding
        self._parent = parent

    def save(self) -> None:
        self._guarding.step()
        processes.leave_if_orphaned(self._parent)


class _Process(multiprocessing.context.ForkProcess):
    """A process of the cluster: named for its work, killed when its parent dies."""

    def __init__(self, *, target: Callable[..., object], args: tuple[object, ...], name: str) -> None:
        super().__init__(target=target, args=args, name=name)
        self._work = target
        self._parent = os.getpid()

    def run(self) -> None:
        guards = self._work is upstream.Sentinel
        processes.die_with(self._parent, forks=guards)
        processes.rename(_TITLES[self._work])
        if guards:
            os.setsid()
        super().run()


class _Context:
    Process = _Process


def _keep_nothing(task: dict[str, Any], broker: object) -> None:
    """Stands in for django-q2's `save_task`."""


def _withhold_text(task: dict[str, Any], **_: object) -> None:
    """Reduce a failure's text, which may quote data, to the lines of code it went through."""
    if not task["success"]:
        lines = [line.strip() for line in str(task["result"]).splitlines() if line.startswith('  File "')]
        task["result"] = "; ".join(lines[-3:])


def _withhold_trace(record: logging.LogRecord) -> bool:
    """Log an exception of the cluster itself by its class, in one line: it may come every ten seconds."""
    if record.exc_info and record.exc_info[0]:
        record.msg = f"{record.getMessage()} ({record.exc_info[0].__name__})"
        record.args, record.exc_info, record.exc_text = (), None, None
    return True
