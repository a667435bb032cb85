"""What the forecast of renewals costs for many certificates: the question to the database, the simulation, the page.

Run it by `.venv/bin/python -m bench.load`; `--size` says how many certificates there are.
"""

import argparse
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bench.figures import p50_p95, show
from bench.scratch import scratch
from bench.seeding import OFFICER

if TYPE_CHECKING:
    from vault.models import Certificate, Vault

_ISSUERS = {
    "DigiCert": ("DigiCert", {}),
    "GlobalSign": ("GlobalSign", {}),
    "Lets-Encrypt": ("ACME", {"directory": "https://acme-v02.api.letsencrypt.org/directory"}),
    "Private": ("ACME", {"directory": "other", "address": "https://ca.example.org/directory"}),
}
_LIFETIMES = {"DigiCert": (199, 184, 365), "GlobalSign": (184,), "Lets-Encrypt": (90,), "Private": (30, 365)}
_BATCH = 5000


def main() -> None:
    """Seed, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000, help="certificates")
    size = parser.parse_args().size
    with scratch() as place:
        place.enter()
        _fill(size)
        _measure(size, place.conditions)


def _fill(size: int) -> None:
    from bench.seeding import _vault
    from vault.models import Certificate, Issuer

    vault, _ = _vault()
    for name, (provider, config) in _ISSUERS.items():
        Issuer.objects.create(vault=vault, name=name, provider=provider, config=config, secrets=b"")
    dice = random.Random(1)
    for start in range(0, size, _BATCH):
        Certificate.objects.bulk_create(
            [_certificate(vault, number, dice) for number in range(start, min(start + _BATCH, size))]
        )


def _certificate(vault: "Vault", number: int, dice: random.Random) -> "Certificate":
    from portal.forms.initial import FRESH
    from vault.models import Certificate

    issuer = dice.choice(list(_ISSUERS))
    lifetime = dice.choice(_LIFETIMES[issuer])
    due = datetime.now(UTC) + timedelta(days=dice.random() * lifetime * 0.8)
    by_person = dice.random() < 0.2
    return Certificate(
        vault=vault,
        name=f"c{number:06d}",
        policy=FRESH,
        issuer_name=issuer,
        expires_at=due + timedelta(days=lifetime * 0.2),
        lifetime_days=lifetime,
        renew_at=None if by_person else due,
        readiness="person" if by_person else "unattended",
    )


def _measure(size: int, conditions: str) -> None:
    from django.test import Client

    from portal.models import User
    from vault import foresight
    from vault.models import Certificate

    today = datetime.now(UTC).date()
    groups, _ = foresight.groups_of(Certificate.objects.live(), today)
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username=OFFICER))
    conditions = f"{size} certificates in {len(groups)} groups; {conditions}"
    for what, work in (
        ("question to the database", lambda: foresight.groups_of(Certificate.objects.live(), today)),
        ("simulation until 2029", lambda: foresight.foresee(groups, today=today)),
        ("the page", lambda: client.get("/expiry/load/")),
    ):
        show(f"forecast: {what}", p50_p95([_seconds(work) for _ in range(7)]), "ms", conditions)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
