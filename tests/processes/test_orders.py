"""Orders at a CA are placed once each while the workers that place them are killed."""

import json
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.processes.portal import Portal, eventually, wait_until
from vault.simulators.digicert import DigiCertSimulator
from vault.x509.requests import describe_csr

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(240)]
COUNT = 25
ASK = """
import json
from tests.factories import make_operation
from tests.vault.lifecycle.cas import make_issuer
from vault.lifecycle import vaults
from vault.models.audit import SYSTEM
from vault.providers import OFFERS
vault = vaults.create_vault(name="ordered", by=SYSTEM)
given = {{field.name: field.default for field in OFFERS["DigiCert"].fields}} | json.loads({values!r})
sealed = {{field.name for field in OFFERS["DigiCert"].fields if field.secret}}
issuer = make_issuer(
    vault,
    provider="DigiCert",
    config={{name: value for name, value in given.items() if name not in sealed}},
    secrets={{name: value for name, value in given.items() if name in sealed}},
)
for number in range({count}):
    make_operation(vault=vault, name=f"cert{{number}}", issuer=issuer.name)
"""
COUNTED = """
import json
from vault.models import Operation, Version
mine = Operation.objects.filter(vault__name="ordered")
print(json.dumps({
    "steps": [f"{one.status} {one.step}" for one in mine],
    "keys": {one.spki_sha256: one.status for one in mine},
    "versions": Version.objects.filter(certificate__vault__name="ordered").count(),
    "waiting": [one.detail for one in mine.filter(status="inProgress")][:3],
}))
"""
# What was cut off in mid-sending is sent again only after the CA's lists have settled: let that time pass at once,
# and ask about orders now.
PASS_TIME = """
from datetime import timedelta
from django.utils import timezone
from vault.models import Operation
long_ago, now = timezone.now() - timedelta(minutes=16), timezone.now()
mine = Operation.objects.in_progress().filter(leased_by="")
mine.filter(step="submitting", order_number="").update(submitted_at=long_ago)
mine.update(next_step_at=now)
"""


@pytest.fixture
def ca() -> Iterator[DigiCertSimulator]:
    with DigiCertSimulator() as running:
        yield running


def counted(portal: Portal) -> dict:
    return json.loads(portal.run_python(COUNTED))


def test_requests_are_ordered_once_each_while_their_workers_are_killed(portal: Portal, ca: DigiCertSimulator) -> None:
    portal.run_python(ASK.format(values=json.dumps(dict(ca.values())), count=COUNT))
    chance = random.Random(20261123)
    for number in range(1, 7):
        eventually(lambda number=number: len(ca.orders) >= 3 * number, within=5)
        victims = portal.processes("worker")
        if victims:
            portal.kill_all([chance.choice(victims)])

    def all_done() -> bool:
        portal.run_python(PASS_TIME)
        return Counter(counted(portal)["steps"]) == {"completed done": COUNT}

    wait_until(all_done, within=90, what=lambda: f"{counted(portal)} {portal.said()}")

    ordered = Counter(describe_csr(order.csr).spki_sha256 for order in ca.orders)
    assert ordered == dict.fromkeys(counted(portal)["keys"], 1)
    assert counted(portal)["versions"] == COUNT
