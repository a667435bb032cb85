"""A real process is killed with SIGKILL at every single query, and what is left is taken up again."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections

from tests.factories import actor_of, make_operation, make_policy, make_user, make_vault
from tests.pki import authority, uploads
from vault import tasks
from vault.lifecycle import importing, issuing
from vault.lifecycle.importing import ImportOrder
from vault.lifecycle.issuing import Order
from vault.models import AuditChain, Certificate, Draft, Key, Operation, Vault, Version
from vault.models.audit import SYSTEM, verify
from vault.models.policy import SELF, UNKNOWN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
MOST_QUERIES = 80


def run_until_query(number: int, work: Callable[[], object]) -> bool:
    """Run `work` in a process that is killed just before its query `number`; True when it ended by itself first."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        count = 0

        def kill_at(execute: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(*arguments)

        with connection.execute_wrapper(kill_at):
            work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def query_numbers() -> Iterator[int]:
    yield from range(1, MOST_QUERIES)
    pytest.fail("the work never ended by itself")


def assert_sound(vault: Vault) -> None:
    assert verify(AuditChain.objects.get(pk=vault.pk)) == []
    assert Key.objects.filter(versions=None, operations=None).count() == 0


def test_a_worker_killed_at_any_query_of_a_step_leaves_one_certificate_and_no_orphan() -> None:
    vault = make_vault()
    for number in query_numbers():
        operation = make_operation(vault=vault, name=f"cert{number}", issuer=SELF)

        finished = run_until_query(number, lambda pk=operation.pk: tasks.advance_operation(pk))
        tasks.release_dead_leases()
        tasks.advance_operation(operation.pk)

        operation.refresh_from_db()
        assert operation.status == Operation.Status.COMPLETED, number
        assert Version.objects.filter(certificate=operation.certificate_id).count() == 1, number
        if finished:
            break
    assert number > 10
    assert Key.objects.count() == Version.objects.count() == number
    assert_sound(vault)


@pytest.mark.parametrize("csr", [b"", authority.make_csr()], ids=["made here", "brought"])
def test_a_web_process_killed_at_any_query_of_a_request_leaves_all_or_nothing(csr: bytes) -> None:
    vault = make_vault()
    for number in query_numbers():
        name = f"cert{number}"
        order = Order(name=name, policy=make_policy(issuer_name=UNKNOWN if csr else SELF), csr=csr)

        finished = run_until_query(
            number, lambda order=order: issuing.request_certificate(vault=vault, order=order, by=SYSTEM)
        )

        made = Operation.objects.filter(certificate__name=name).count()
        assert made == (1 if finished else 0), number
        assert Certificate.objects.filter(name=name).count() == made
        if finished:
            break
    assert number > 8
    assert Key.objects.count() == (0 if csr else 1)
    assert_sound(vault)


def test_a_web_process_killed_at_any_query_of_an_import_leaves_all_or_nothing() -> None:
    vault, by = make_vault(), actor_of(make_user())
    found = uploads.upload(uploads.pfx(authority.make_leaf(authority.make_root())))
    for number in query_numbers():
        draft = importing.keep_draft(vault=vault, found=found, by=by)
        (candidate,) = importing.open_draft(draft).candidates
        order = ImportOrder(name=f"cert{number}", policy=importing.propose(candidate, certificate=None).policy)
        facts = {"vault": vault, "candidate": candidate, "order": order, "by": by, "draft": draft}

        finished = run_until_query(number, lambda facts=facts: importing.import_candidate(**facts))

        made = Version.objects.filter(certificate__name=order.name).count()
        assert made == (1 if finished else 0), number
        assert Certificate.objects.filter(name=order.name).count() == made
        assert bool(importing.results_of(Draft.objects.get(pk=draft.pk))) == finished
        if finished:
            break
    assert number > 8
    assert Key.objects.count() == Version.objects.count() == 1
    assert_sound(vault)
