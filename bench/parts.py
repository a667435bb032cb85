"""Parts by themselves: sealing, the audit trail, the sweep. Run it by `.venv/bin/python -m bench.parts`."""

import argparse
import os
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from bench.bare import rate
from bench.figures import show, span
from bench.scratch import Scratch, scratch

if TYPE_CHECKING:
    from vault.models import Vault

_ROUNDS = 3
_SECONDS = 1.0
_SECRET = os.urandom(2000)


def main() -> None:
    """Measure each part and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000, help="events in the trail that is verified")
    parser.add_argument("--overdue", type=int, default=10_000, help="operations that are overdue in the sweep")
    options = parser.parse_args()
    with scratch() as place:
        place.enter()
        from vault.lifecycle import vaults
        from vault.models.audit import SYSTEM

        _sealing()
        _trail(vaults.create_vault(name="trail", by=SYSTEM), place, options.events)
        _sweep(vaults.create_vault(name="overdue", by=SYSTEM), place, options.overdue)


def _rates(action: Callable[[], object]) -> str:
    return span([rate(action, _SECONDS) for _ in range(_ROUNDS)])


def _sealing() -> None:
    from vault.keys.sealing import Purpose, seal, unseal

    row = uuid.uuid4()
    binding = {"purpose": Purpose.SECRET, "vault_id": 1, "row_id": row}
    blob = seal(_SECRET, **binding)
    words = f"{len(_SECRET)} octets, one thread, {_ROUNDS} rounds"
    show("seal", _rates(lambda: seal(_SECRET, **binding)), "/s", words)
    show("open", _rates(lambda: unseal(blob, **binding)), "/s", words)


def _trail(vault: "Vault", place: Scratch, events: int) -> None:
    from django.db import transaction

    from vault.models import AuditChain
    from vault.models.audit import SYSTEM, record, verify

    def append() -> None:
        with transaction.atomic():
            record("certificates/create", "certificates/www", by=SYSTEM, vault=vault, details={"issuer": "Self"})

    database = place.conditions.partition(",")[0]
    show("audit: append, one a transaction", _rates(append), "/s", f"{database}, durable, {_ROUNDS} rounds")
    with transaction.atomic():
        while AuditChain.objects.get(pk=vault.pk).length < events:
            for _ in range(1000):
                append()
    chain = AuditChain.objects.get(pk=vault.pk)
    began = time.perf_counter()
    if verify(chain):
        raise SystemExit("The trail is not sound.")
    show("audit: verify", f"{chain.length / (time.perf_counter() - began):.0f}", "events/s", f"{chain.length} events")


def _sweep(vault: "Vault", place: Scratch, overdue: int) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django_q.brokers import get_broker

    from vault import queue, tasks

    _make_overdue(vault, overdue)
    times = []
    for _ in range(_ROUNDS):
        get_broker().purge_queue()
        began = time.perf_counter()
        tasks.sweep()
        times.append((time.perf_counter() - began) * 1e3)
        rung = queue.waiting()
    words = f"{overdue} overdue, {rung} bells rung, {place.conditions}, {_ROUNDS} rounds"
    show("sweep", span(times), "ms", words)
    with CaptureQueriesContext(connection) as queries:
        began = time.perf_counter()
        tasks.release_dead_leases()
    show("look for dead leases", f"{(time.perf_counter() - began) * 1e3:.1f}", "ms", f"{len(queries)} queries")


def _make_overdue(vault: "Vault", count: int) -> None:
    from django.utils import timezone

    from portal.forms.initial import FRESH
    from vault.models import Certificate, Operation

    facts = {"vault": vault, "policy": FRESH, "issuer_name": "Self"}
    rows = [Certificate(name=f"certificate-{number}", **facts) for number in range(count)]
    certificates = Certificate.objects.bulk_create(rows, batch_size=1000)
    due = timezone.now() - timedelta(minutes=1)
    waiting = [Operation(certificate=one, csr=b"", next_step_at=due, **facts) for one in certificates]
    Operation.objects.bulk_create(waiting, batch_size=1000)


if __name__ == "__main__":
    main()
