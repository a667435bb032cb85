"""`kill -9` of any process that `manage.py up` runs heals by itself."""

import os
import signal

import pytest

from tests.processes.portal import ROLES, Portal, eventually, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(180)]

# Seconds within which everything is as before.
HEALED = 10


@pytest.mark.parametrize("role", [role for role in ROLES if role != "supervisor"])
def test_kill_of_any_process_of_a_role_heals_and_the_stop_afterwards_is_clean(portal: Portal, role: str) -> None:
    for victim in portal.processes(role):
        portal.kill_all([victim])
        wait_until(portal.is_complete, within=HEALED, what=portal.census)
        wait_until(portal.answers, within=HEALED, what=portal.said)
        assert portal.does_a_job()

    assert portal.is_complete()
    assert portal.stop() == 0
    assert not portal.everyone()


def test_kill_of_every_process_below_the_guard_at_once_heals(portal: Portal) -> None:
    portal.kill_all([process for role in ("worker", "pusher", "monitor") for process in portal.processes(role)])

    assert eventually(portal.is_complete, within=HEALED)
    assert portal.does_a_job()
    assert portal.stop() == 0
    assert not portal.everyone()


def test_kill_of_both_web_workers_at_once_heals(portal: Portal) -> None:
    portal.kill_all(portal.processes("web worker"))

    assert eventually(portal.is_complete, within=HEALED)
    assert eventually(portal.answers, within=HEALED)


def test_kill_of_the_supervisor_leaves_nobody_and_it_starts_again(portal: Portal) -> None:
    portal.kill("supervisor")

    assert eventually(lambda: not portal.everyone(), within=5)
    portal.start()
    assert portal.does_a_job()
    assert portal.is_complete()


def test_kill_of_a_busy_worker_leaves_the_other_worker_to_the_next_job(portal: Portal) -> None:
    portal.run_python("from django_q.tasks import async_task; async_task('tests.processes.jobs.take_time', 30, 10)")
    begun = portal.data / "begun-10"
    wait_until(begun.exists, within=10, what=portal.said)
    other = next(process for process in portal.processes("worker") if process.pid != int(begun.read_text()))

    portal.kill_all([process for process in portal.processes("worker") if process != other])

    assert portal.does_a_job()
    assert eventually(portal.is_complete, within=HEALED)
    assert other.is_running()


def test_a_guard_that_hangs_is_replaced(portal: Portal) -> None:
    guard = portal.processes("sentinel")[0]
    os.kill(guard.pid, signal.SIGSTOP)

    assert eventually(lambda: not guard.is_running(), within=45)
    assert eventually(portal.is_complete, within=HEALED)
    assert portal.does_a_job()
