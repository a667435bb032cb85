"""What the picture of all that expires costs with many certificates: p50 and p95, queries, octets.

The certificates lie in twenty vaults. Asked through Django's test client.
Run it by `.venv/bin/python -m bench.expiry`.
"""

import argparse
import time
from typing import Any

from bench import seeding
from bench.figures import p50_p95, show
from bench.lists import _client, _measure
from bench.scratch import scratch

_VAULTS = 20
_PAGES = {
    "all vaults": "",
    "all vaults, to 2029": "span=years",
    "one vault": "vault=vault-7",
    "one issuer, of nearly all": "issuer=Self",
    "one issuer, of few": "issuer=Unknown",
    "one owner, of nearly all": f"owner={seeding.OFFICER}",
    "one tag": "tag=team%3Dweb",
    "search: beginning of a name": "q=a",
    "search: suffix of few": "q=*.shop.example.com",
}


def main() -> None:
    """Seed, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000, help="certificates")
    parser.add_argument("--repeat", type=int, default=40, help="how often each page is asked")
    options = parser.parse_args()
    with scratch() as place:
        place.enter()
        seeding.fill(options.size)
        _spread()
        database = place.conditions.partition(",")[0]
        for person in (seeding.OFFICER, seeding.REQUESTER):
            _show(person, options, database)


def _spread() -> None:
    """Spread the certificates over vaults, and give them a readiness: one in sixty is blocked, ten need a person."""
    from django.db import connection
    from django.db.models import Case, F, Value, When
    from django.db.models.functions import Mod

    from portal.models import Membership, User
    from vault import tasks
    from vault.lifecycle import vaults
    from vault.models import Certificate
    from vault.models.audit import SYSTEM

    roles = list(Membership.objects.values_list("user", "role"))
    for number in range(1, _VAULTS):
        vault = vaults.create_vault(name=f"vault-{number}", by=SYSTEM)
        Membership.objects.bulk_create(Membership(vault=vault, user=User(pk=user), role=role) for user, role in roles)
        Certificate.objects.annotate(rest=Mod("pk", _VAULTS)).filter(rest=number).update(vault=vault)
    readiness = Case(
        When(place=7, then=Value("blocked")), When(place__lt=50, then=Value("unattended")), default=Value("person")
    )
    Certificate.objects.annotate(place=Mod(F("pk") / 3, 60)).update(readiness=readiness)
    Certificate.objects.annotate(place=Mod("pk", 10)).filter(place=3).update(tags={"team": "web"})
    if connection.vendor == "postgresql":  # as autovacuum does
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE vault_certificate")
    tasks.tidy()  # as the worker does from time to time


def _show(person: str, options: argparse.Namespace, database: str) -> None:
    client = _client(person)
    pages = _PAGES if person == seeding.OFFICER else {"all vaults": ""}
    for name, query in pages.items():
        path = f"/expiry/?{query}"
        _measure(client, path, 2)
        found = _measure(client, path, options.repeat)
        words = f"{found.queries} queries, {found.octets // 1000} kB; {options.size} certificates, {database}"
        show(f"expiry, {person}: {name}", p50_p95(found.seconds), "ms", f"p50 / p95, {words}")
    began = time.perf_counter()
    octets = sum(len(piece) for piece in _pieces(client))
    words = f"{octets // 1000} kB; {options.size} certificates, {database}"
    show(f"expiry, {person}: CSV", f"{time.perf_counter() - began:.1f}", "s", words)


def _pieces(client: Any) -> Any:
    return client.get("/expiry/expiry.csv").streaming_content


if __name__ == "__main__":
    main()
