"""Real worker processes are killed with SIGKILL in mid-order; the CA has one order for each request all the same."""

import os
import random
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections

from tests.vault.lifecycle.cas import Rig, fresh, offered
from tests.vault.lifecycle.tiny import BLIND, TINY, TinySimulator
from vault import tasks
from vault.models import AuditChain, Operation, Version
from vault.models.audit import verify
from vault.providers.web import Web
from vault.simulators.kit import Call, Reply

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(240)]
RUNS = 100 if connection.vendor == "sqlite" else 40
# What a request's life is made of: sent, asked about twice, completed.
STEPS = 3


class Killer(TinySimulator):
    """Kills its client when it has accepted an order, before it answers."""

    victim = 0

    def _submit(self, call: Call) -> Reply:
        reply = super()._submit(call)
        if self.victim:
            os.kill(self.victim, signal.SIGKILL)
            self.victim = 0
        return reply


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Killer() as simulator, offered(TINY, BLIND), Rig(simulator) as rig:
        rig.break_down(delay_polls=1)
        yield rig


def run_until(event: str, work: Callable[[], object], *, simulator: Killer | None = None) -> bool:
    """Run `work` in a process that is killed at an event; False when it ended by itself first.

    Events: `query N`, just before the Nth query; `before POST`, `after GET` …: a call; `accepted`: in mid-call, by the
    CA.
    """
    connections.close_all()
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(ready, 1)
        status = 1
        try:
            _watched(event, work)
            status = 0
        finally:
            os._exit(status)
    if simulator is not None and event == "accepted":
        simulator.victim = child
    os.write(go, b"!")
    _, status = os.waitpid(child, 0)
    os.close(ready)
    os.close(go)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, event
    return os.WIFSIGNALED(status)


def _watched(event: str, work: Callable[[], object]) -> None:
    count = 0

    def reach(name: str) -> None:
        if name == event:
            os.kill(os.getpid(), signal.SIGKILL)

    def query(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal count
        count += 1
        reach(f"query {count}")
        return execute(*arguments)

    call = Web.call

    def watched_call(web: Web, method: str, path: str, **how: Any) -> Any:
        reach(f"before {method}")
        answer = call(web, method, path, **how)
        reach(f"after {method}")
        return answer

    Web.call = watched_call  # type: ignore[method-assign]
    with connection.execute_wrapper(query):
        work()


def go_to_step(rig: Rig, number: int) -> Operation:
    """A request that has taken `number` steps and is due for the next."""
    operation = rig.request()
    for _ in range(number):
        operation = rig.step(operation)
        assert operation.next_step_at is not None
        rig.move_to(operation.next_step_at)
    return operation


def kill_and_go_on(rig: Rig, operation: Operation, *events: str) -> list[bool]:
    """Take its steps in processes that are killed at these events, one after the other, then finish in peace."""
    killed = []
    for event in events:
        simulator = rig.simulator
        assert isinstance(simulator, Killer)
        killed.append(run_until(event, lambda: tasks.advance_operation(operation.pk), simulator=simulator))
        simulator.victim = 0
        tasks.release_dead_leases()
        now = fresh(operation)
        if now.next_step_at is not None and now.next_step_at > rig.now:
            rig.move_to(now.next_step_at)
    rig.play(operation)
    return killed


def assert_one_of_each(rig: Rig, operation: Operation, what: object) -> None:
    operation = fresh(operation)
    assert operation.status == Operation.Status.COMPLETED, (what, operation.step, operation.detail)
    assert rig.orders_of(operation) == 1, what
    assert Version.objects.filter(certificate=operation.certificate_id).count() == 1, what


CHECKPOINTS = {
    "before the order is sent": (0, "before POST"),
    "after it was sent, before the answer": (0, "accepted"),
    "after the answer, before the number is saved": (0, "after POST"),
    "before the completion": (2, "after GET"),
}


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_a_worker_killed_at_a_checkpoint_neither_loses_nor_doubles_an_order(rig: Rig, checkpoint: str) -> None:
    steps, event = CHECKPOINTS[checkpoint]
    operation = go_to_step(rig, steps)

    assert kill_and_go_on(rig, operation, event) == [True]

    assert_one_of_each(rig, operation, checkpoint)


def test_a_worker_killed_after_the_number_is_saved_asks_about_that_order(rig: Rig) -> None:
    """Query by query, from the first step's beginning to its end."""
    for number in range(1, 60):
        operation = rig.request()
        if kill_and_go_on(rig, operation, f"query {number}") == [False]:
            break
        assert_one_of_each(rig, operation, number)
    else:
        pytest.fail("the step never ended by itself")
    assert number >= 8


def test_workers_killed_at_random_points_lose_no_order_and_place_none_twice(rig: Rig) -> None:
    chance = random.Random(20261123)
    calls = ["before POST", "accepted", "after POST", "before GET", "after GET"]
    kills = 0
    for run in range(RUNS):
        steps = chance.randrange(STEPS)
        events = [
            chance.choice(calls) if chance.random() < 0.3 else f"query {chance.randint(1, 18)}"
            for _ in range(chance.choice([1, 1, 2, 3]))
        ]
        operation = go_to_step(rig, steps)

        kills += sum(kill_and_go_on(rig, operation, *events))

        assert_one_of_each(rig, operation, (run, steps, events))
    assert kills > RUNS / 2
    assert not Operation.objects.in_progress().exists()
    assert verify(AuditChain.objects.get(pk=rig.vault.pk)) == []
