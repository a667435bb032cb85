"""`manage.py worker`: the queue's worker and the portal's clock."""

import argparse
import logging
import signal
import time
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.db import connections

from vault import processes, queue, tasks
from vault.cluster import LONGEST_TASK, Cluster
from vault.ticker import Job, Watch

log = logging.getLogger(__name__)

_TICK_SECONDS: Final = 0.2
_RELEASE_SECONDS: Final = 2
_GRACE_SECONDS: Final = 1
_SWEEP_SECONDS: Final = 10
_POOL_SECONDS: Final = 30
_TIDY_SECONDS: Final = 3600
_WATCH_SECONDS: Final = 60
_LOOK_SECONDS: Final = 10
_RENEW_SECONDS: Final = 30
_ASK_WINDOWS_SECONDS: Final = 60
_TELL_SECONDS: Final = 30
_POST_SECONDS: Final = 30
_PUBLISH_SECONDS: Final = 300
_DELIVER_SECONDS: Final = 10
_COMPARE_SECONDS: Final = 24 * 3600
_GUARD_SILENCE_SECONDS: Final = 30
_WORK_SILENCE_SECONDS: Final = LONGEST_TASK + 60
# Less than a supervisor waits, so that it is us who end the cluster.
_STOP_SECONDS: Final = 25


class Command(BaseCommand):
    """Runs the cluster and ticks until it is told to stop; ends with 1 when the cluster has to be started anew."""

    help = "Do the portal's work: takes tasks from the queue and looks regularly for what is due."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the supervisor says about itself."""
        parser.add_argument("--parent", type=int, default=0, help=argparse.SUPPRESS)

    def handle(self, *, parent: int, **_: Any) -> None:
        """Start the cluster, tick, stop it."""
        processes.rename("chancery-worker")
        if parent:
            processes.die_with(parent, forks=True)
        self._stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        cluster = Cluster()
        try:
            cluster.start()
            healthy = self._tick_until_stopped(cluster, parent)
        finally:
            self._end(cluster)
        if not healthy:
            raise SystemExit(1)

    def _end(self, cluster: Cluster) -> None:
        finished = cluster.stop(grace=_STOP_SECONDS if self._stopping else 0)
        if self._stopping and not finished:
            log.warning("Work was cut off after %g s; it is taken up again at the next start.", _STOP_SECONDS)

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True

    def _tick_until_stopped(self, cluster: Cluster, parent: int) -> bool:
        """Return True when told to stop, False when the cluster is dead or dead asleep."""
        clock = _Clock(cluster)
        while not self._stopping:
            clock.tick(time.monotonic())
            if cluster.wait(_TICK_SECONDS) and not self._stopping:
                log.error("The cluster's guard died.")
                return False
            if not clock.sees_life(time.monotonic()):
                log.error("The cluster shows no sign of life.")
                return False
            if parent:
                processes.leave_if_orphaned(parent)
        connections.close_all()
        return True


class _Clock:
    """The worker's regular jobs and its two watches."""

    def __init__(self, cluster: Cluster) -> None:
        now = time.monotonic()
        self._cluster = cluster
        self._guard = Watch(_GUARD_SILENCE_SECONDS, now=now)
        self._work = Watch(_WORK_SILENCE_SECONDS, now=now)
        self._jobs = (
            Job(tasks.release_dead_leases, _RELEASE_SECONDS),
            Job(tasks.ring_for_delayed, _GRACE_SECONDS),
            Job(self._rest_if_idle, _SWEEP_SECONDS),
            Job(queue.sweep_soon, _SWEEP_SECONDS),
            Job(queue.fill_pool_soon, _POOL_SECONDS),
            Job(queue.tidy_soon, _TIDY_SECONDS),
            Job(queue.watch_orders_soon, _WATCH_SECONDS),
            Job(queue.look_ahead_soon, _LOOK_SECONDS),
            Job(queue.renew_soon, _RENEW_SECONDS),
            Job(queue.ask_windows_soon, _ASK_WINDOWS_SECONDS),
            Job(queue.tell_soon, _TELL_SECONDS),
            Job(queue.post_soon, _POST_SECONDS),
            Job(queue.publish_soon, _PUBLISH_SECONDS),
            Job(queue.deliver_soon, _DELIVER_SECONDS),
            Job(queue.compare_soon, _COMPARE_SECONDS),
        )

    def tick(self, now: float) -> None:
        """Run what is due."""
        for job in self._jobs:
            job.run(now)

    def sees_life(self, now: float) -> bool:
        """Say whether the guard goes its rounds, and tasks are done if any wait."""
        guard_stands = self._guard.stands_still(self._cluster.guarding.value, now=now)
        work_stands = self._work.stands_still(self._cluster.working.value, now=now)
        return not (guard_stands or work_stands)

    def _rest_if_idle(self) -> None:
        busy = False
        try:
            busy = queue.waiting() > 0
        finally:
            if not busy:
                self._work.rest(now=time.monotonic())
