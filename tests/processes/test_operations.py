"""Requests to `Self` are carried out while the processes that carry them out are killed."""

import json
import random

import pytest

from tests.processes.portal import Portal, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(240)]
COUNT = 60
ASK = """
from vault.lifecycle import issuing, vaults
from vault.lifecycle.issuing import Order
from vault.models import Vault
from vault.models.audit import SYSTEM
from vault.models.policy import SELF, AlternativeNames, KeyPolicy, Policy
vault = Vault.objects.named({vault!r}).first() or vaults.create_vault(name={vault!r}, by=SYSTEM)
policy = Policy(key=KeyPolicy(kty="EC", size=None, curve="P-256"), names=AlternativeNames(dns=("a.example",)), issuer_name=SELF)
for number in range({count}):
    issuing.request_certificate(vault=vault, order=Order(name=f"cert{{number}}", policy=policy), by=SYSTEM)
"""
COUNTED = """
import json
from django.db.models import Count
from vault.models import AuditChain, Key, Operation, Version
from vault.models.audit import verify
mine = Operation.objects.filter(vault__name={vault!r})
print(json.dumps({{
    "statuses": dict(mine.order_by().values_list("status").annotate(Count("pk"))),
    "versions": Version.objects.filter(certificate__vault__name={vault!r}).count(),
    "keys": Key.objects.filter(vault__name={vault!r}).count(),
    "flaws": [str(flaw) for chain in AuditChain.objects.filter(name={vault!r}) for flaw in verify(chain)],
}}))
"""


def counted(portal: Portal, vault: str) -> dict:
    return json.loads(portal.run_python(COUNTED.format(vault=vault)))


def all_done(portal: Portal, vault: str) -> bool:
    return counted(portal, vault)["statuses"] == {"completed": COUNT}


def assert_one_each(portal: Portal, vault: str) -> None:
    wait_until(lambda: all_done(portal, vault), within=60, what=lambda: f"{counted(portal, vault)} {portal.said()}")
    assert counted(portal, vault) == {
        "statuses": {"completed": COUNT},
        "versions": COUNT,
        "keys": COUNT,
        "flaws": [],
    }


def test_requests_are_all_completed_once_while_their_workers_are_killed(portal: Portal) -> None:
    portal.run_python(ASK.format(vault="killed", count=COUNT))
    chance = random.Random(20261123)

    for _ in range(6):
        victims = portal.processes("worker") + portal.processes("pusher") + portal.processes("monitor")
        if victims:
            portal.kill_all([chance.choice(victims)])

    assert_one_each(portal, "killed")
    wait_until(portal.is_complete, within=10, what=portal.census)


def test_what_was_asked_for_before_everything_was_killed_is_completed_after_the_next_start(portal: Portal) -> None:
    portal.run_python(ASK.format(vault="restarted", count=COUNT))

    portal.kill_all(portal.everyone())
    portal.start()

    assert_one_each(portal, "restarted")
