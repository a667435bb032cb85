"""What an adapter is handed, for tests: a memory and a board of its own, and a way to take an order to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.pki.authority import make_csr
from tests.servers import pebble as pebble_keys
from tests.servers.bind import KEY_NAME, SECRET, Bind
from tests.servers.pebble import Pebble
from vault.providers.acme import OFFER
from vault.providers.base import (
    AddressRules,
    CertRequest,
    Names,
    Outcome,
    Pending,
    Previous,
    Provider,
    Ref,
    Setup,
    Transient,
)
from vault.x509.requests import describe_csr


@dataclass
class Memory:
    """Keeps in memory what the portal keeps sealed."""

    kept: dict[str, str] | None = None
    keepings: list[dict[str, str]] = field(default_factory=list)

    def load(self) -> Mapping[str, str] | None:
        return None if self.kept is None else dict(self.kept)

    def keep(self, before: Mapping[str, str] | None, now: Mapping[str, str]) -> bool:
        if (None if before is None else dict(before)) != self.kept:
            return False
        self.kept = dict(now)
        self.keepings.append(dict(now))
        return True


@dataclass
class Board:
    """Remembers what is put up."""

    answers: dict[str, str] = field(default_factory=dict)

    def put_up(self, token: str, key_authorization: str) -> None:
        self.answers[token] = key_authorization

    def take_down(self, token: str) -> None:
        self.answers.pop(token, None)


@dataclass
class Clock:
    """The time now, or as much later as a test says."""

    later: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.later


@dataclass
class Rig:
    """An adapter and its surroundings."""

    provider: Provider
    memory: Memory
    board: Board
    clock: Clock
    saved: list[Ref] = field(default_factory=list)

    def take(
        self, request: CertRequest, ref: Ref | None = None, *, until: Callable[[Outcome], bool] | None = None
    ) -> Outcome:
        """Step until the order ends, or until a condition holds; fails after 30 seconds."""
        deadline = time.monotonic() + 30
        while True:
            try:
                if ref is None:
                    outcome = self.provider.submit(request, self.saved.append)
                else:
                    outcome = self.provider.poll(request, ref, self.saved.append)
            except Transient:
                assert time.monotonic() < deadline
                time.sleep(0.05)
                continue
            if not isinstance(outcome, Pending) or (until is not None and until(outcome)):
                return outcome
            assert time.monotonic() < deadline, outcome
            ref = outcome.ref
            time.sleep(0.02)


def rig(
    config: Mapping[str, str],
    secrets: Mapping[str, str] | None = None,
    *,
    resolvers: tuple[tuple[str, int], ...] = (),
    memory: Memory | None = None,
    rules: AddressRules | None = None,
) -> Rig:
    """Build an adapter from values of the form."""
    memory, board, clock = memory or Memory(), Board(), Clock()
    setup = Setup(
        config=config,
        secrets=secrets or {},
        administrators=(),
        rules=rules or AddressRules(loopback=True),
        memory=memory,
        board=board,
        nameservers=resolvers,
        now=clock,
    )
    return Rig(provider=OFFER.build(setup), memory=memory, board=board, clock=clock)


def values(directory: str, **more: str) -> dict[str, str]:
    """An issuer's values for a directory of one's own."""
    return {"directory": "other", "address": directory, "terms": "yes", **more}


def at_pebble(
    ca: Pebble, name_server: Bind, *, method: str = "dns-01", memory: Memory | None = None, **more: str
) -> Rig:
    """An adapter for Pebble that writes records at BIND unless another method is named."""
    config = values(ca.directory, trust=ca.trust, method=method, account_id=pebble_keys.KEY_ID)
    config |= {"dns_server": "127.0.0.1", "dns_port": str(name_server.port), "tsig_name": KEY_NAME} | more
    secrets = {"password": pebble_keys.MAC_KEY, "tsig_secret": SECRET}
    return rig(config, secrets, resolvers=name_server.resolvers, memory=memory)


def request(
    *names: str, common_name: str = "", ips: tuple[str, ...] = (), previous: Previous | None = None, **more: Any
) -> CertRequest:
    """A request for these names."""
    subject = f"CN={common_name}" if common_name else ""
    csr = make_csr(*names, subject=subject) if names else make_csr()
    now = datetime.now(UTC)
    return CertRequest(
        operation_id="0" * 32,
        csr=csr,
        not_before=now,
        not_after=now + timedelta(days=90),
        spki_sha256=describe_csr(csr).spki_sha256,
        names=Names(common_name=common_name, dns=names, ip=ips),
        previous=previous,
        **more,
    )
