"""What looking ahead, telling people and renewing cost with many certificates: seconds for 10 000, and peak memory.

All certificates are looked at as after an upgrade, when everything about them is new; once more as every night, when
nothing is; and when their issuer is switched off and all of them turn out to be blocked. Then `--due` of them are told
about, and as many renewals begin. Run it by `.venv/bin/python -m bench.lifetime`; the database is DATABASE_URL's.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psutil

from bench.figures import show
from bench.scratch import scratch

_EACH = 10_000
_ISSUER = "Public"
_LIMITS = {"CHANCERY_RENEWALS_PER_MINUTE": "1000000"}
_VAULTS = 100


def main() -> None:
    """Seed, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000, help="certificates")
    parser.add_argument("--due", type=int, default=10_000, help="how many are due to be told about, and to be renewed")
    options = parser.parse_args()
    with scratch(**_LIMITS) as place:
        place.enter()
        _fill(options.size)
        _measure(options.due, f"{options.size} certificates, {place.conditions}")


def _fill(size: int) -> None:
    """Make certificates that renew by themselves, in many vaults: half of them self-signed, half of them at a CA."""
    from django.db.models import Value
    from django.db.models.functions import Concat

    from bench import seeding
    from portal.models import User
    from vault.keys.making import new_key
    from vault.lifecycle import vaults
    from vault.models import Certificate, Issuer, Version
    from vault.models.audit import SYSTEM
    from vault.models.policy import AlternativeNames, LifetimeAction, LifetimeActionType

    seeding.fill(size)
    User.objects.update(email=Concat("username", Value("@example.org")))
    rule = LifetimeAction(action=LifetimeActionType.AUTO_RENEW, lifetime_percentage=80)
    names = AlternativeNames(dns=("www.example.org",))
    policy = replace(seeding._policy(), names=names, subject="CN=www.example.org", lifetime_actions=(rule,))
    numbers = list(Certificate.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, size, size // _VAULTS):
        vault = vaults.create_vault(name=f"vault{start}", by=SYSTEM)
        issuer = Issuer.objects.create(vault=vault, name=_ISSUER, provider="DigiCert", secrets=b"")
        mine = numbers[start : start + size // _VAULTS]
        half = mine[len(mine) // 2]
        here = Certificate.objects.filter(pk__range=(mine[0], mine[-1]))
        here.update(vault=vault, policy=policy, issuer_name="Self")
        at_ca = replace(policy, issuer_name=issuer.name)
        here.filter(pk__gte=half).update(policy=at_ca, issuer_name=issuer.name)
    key = new_key(vault, policy.key).row
    key.save(force_insert=True)
    Version.objects.update(key=key)


def _measure(due: int, conditions: str) -> None:
    from django.utils import timezone

    from vault.lifecycle import outlook, renewing, telling
    from vault.models import Certificate, Issuer, Operation

    every = Certificate.objects.all()
    _show("look ahead, all is new", _until_done(outlook.look_ahead), conditions)
    every.look_again()
    _show("look ahead, nothing is new", _until_done(outlook.look_ahead), conditions)
    Issuer.objects.update(enabled=False)
    every.filter(issuer_name=_ISSUER).look_again()
    _show("look ahead, all turn out to be blocked", _until_done(outlook.look_ahead), conditions)

    moment = timezone.now()
    every.update(notice_at=None, renew_at=moment + timedelta(days=1), look_at=moment + timedelta(days=1))
    _show("sweep, nothing is due", _timed(lambda: renewing.renew_due() + telling.tell_due()), conditions)
    free = every.filter(issuer_name="Self").exclude(operations__status=Operation.Status.IN_PROGRESS)
    chosen = set(free.order_by("name_key").values_list("pk", flat=True)[:due])
    every.filter(pk__in=chosen).update(notice_at=moment, noticed_until=None)
    _show("tell what is due", _until_done(telling.tell_due), conditions)
    every.filter(pk__in=chosen).update(renew_at=moment)
    _show("begin the renewals that are due", _until_done(renewing.renew_due), conditions)


def _until_done(sweep: Callable[[], int]) -> dict[str, Any]:
    """Call `sweep` until nothing is left."""
    memory = [_memory()]
    done = 0
    began = time.perf_counter()
    while found := sweep():
        done += found
        memory.append(_memory())
    return {"seconds": time.perf_counter() - began, "done": done, "memory": memory}


def _timed(work: Callable[[], int]) -> dict[str, Any]:
    began = time.perf_counter()
    done = work()
    return {"seconds": time.perf_counter() - began, "done": done, "memory": []}


def _show(name: str, found: dict[str, Any], conditions: str) -> None:
    seconds, done = found["seconds"], found["done"]
    if not done:
        show(name, f"{seconds * 1e3:.0f}", "ms", conditions)
        return
    show(name, f"{seconds / done * _EACH:.1f}", "s", f"for {_EACH}; {done} of {conditions}")
    first, last = found["memory"][1], found["memory"][-1]
    show(f"{name}: memory", f"{first:.0f} / {max(found['memory']):.0f} / {last:.0f}", "MB", "first, peak, last")


def _memory() -> float:
    """What this process takes, in MB."""
    return float(psutil.Process().memory_info().rss / 1e6)


if __name__ == "__main__":
    main()
