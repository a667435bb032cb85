"""Putting up what a CA will look for: at this portal, in the DNS, or by a person (RFC 8555 §8.3 and §8.4)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from vault.providers.acme.config import Config, Method
from vault.providers.acme.nameservers import NameServers
from vault.providers.acme.proofs import Proof, State, seconds_since
from vault.providers.acme.signing import Signer, dns_value
from vault.providers.acme.updates import Updates
from vault.providers.base import Board, ProviderError, Rejected, Setup, Task, TaskKind

_WRITE_AGAIN: Final = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Solver:
    """Puts up, looks, and takes down, for the method that an order was begun with."""

    method: Method
    signer: Signer = field(repr=False)
    board: Board
    dns: NameServers
    updates: Updates

    def prepare(self, proof: Proof) -> None:
        """Find out where a proof has to stand; reads only. Raises Transient, or Rejected when it cannot stand there."""
        if self.method is Method.HTTP:
            return
        proof.record = self.dns.target(f"_acme-challenge.{proof.name}")
        proof.zone = self.updates.server.zone if self.method is Method.DNS_UPDATE else ""
        proof.zone = proof.zone or self.dns.zone_of(proof.record)
        inside = f".{proof.record}".lower().endswith(f".{proof.zone}".lower())
        if not inside:
            raise Rejected(
                f"The record “{proof.record}” is not in the zone “{proof.zone}” that the issuer may write. Choose "
                "another issuer for this name, or an alias (CNAME) that leads into the zone."
            )

    def put_up(self, proof: Proof, now: datetime) -> None:
        """Put up a proof; twice is once. Raises ProviderError."""
        if self.method is Method.HTTP:
            self.board.put_up(proof.token, self.signer.key_authorization(proof.token))
        elif self.method is Method.DNS_UPDATE:
            self.updates.add(proof.record, self.value(proof), zone=proof.zone)
        proof.written_at = now.isoformat()

    def look(self, proof: Proof, now: datetime) -> None:
        """Note whether everyone sees a proof by now. Raises ProviderError."""
        if self.method is Method.HTTP:
            proof.state = State.SEEN
            return
        if self.method is Method.DNS_BY_HAND:
            proof.record = self.dns.target(f"_acme-challenge.{proof.name}")
            proof.zone = self.dns.zone_of(proof.record)
        sight = self.dns.sight(proof.record, self.value(proof), zone=proof.zone)
        proof.sight = sight.words
        if sight.everywhere:
            proof.state = State.SEEN
        elif seconds_since(proof.written_at, now) > _WRITE_AGAIN:
            # Another order for the same name may have taken the record away with its own.
            self.put_up(proof, now)

    def take_down(self, proofs: Iterable[Proof]) -> None:
        """Remove what was put up. Raises nothing of ProviderError: a record left behind harms nobody."""
        for proof in proofs:
            try:
                if self.method is Method.HTTP and proof.token:
                    self.board.take_down(proof.token)
                elif self.method is Method.DNS_UPDATE and proof.record and proof.token:
                    self.updates.remove(proof.record, self.value(proof), zone=proof.zone)
            except ProviderError as error:
                log.warning("the record %s was left behind: %s", proof.record, error)

    def tasks(self, proofs: Sequence[Proof]) -> list[Task]:
        """What a person has to publish; `seen` says what is there already, `sight` what the name servers say."""
        if self.method is not Method.DNS_BY_HAND:
            return []
        return [
            Task(
                kind=TaskKind.DNS_TXT,
                title=f"Publish this TXT record for {proof.domain}.",
                detail={
                    "name": proof.record,
                    "value": self.value(proof),
                    "domain": proof.domain,
                    "seen": "yes" if proof.state in {State.SEEN, State.ANSWERED} else "",
                    "sight": proof.sight,
                },
            )
            for proof in proofs
            if proof.state not in {State.NEW, State.CHOSEN, State.VALID}
        ]

    def value(self, proof: Proof) -> str:
        """What a proof's TXT record must hold."""
        return dns_value(self.signer.key_authorization(proof.token))


def solver(setup: Setup, config: Config, method: Method, signer: Signer) -> Solver:
    """Put a solver together from an issuer's values."""
    return Solver(
        method=method,
        signer=signer,
        board=setup.board,
        dns=name_servers(setup, config),
        updates=Updates(server=config.name_server, rules=setup.rules),
    )


def name_servers(setup: Setup, config: Config) -> NameServers:
    """Return what looks things up; the servers that we know by address are asked at the port they listen at."""
    server = config.name_server
    ports = dict(setup.nameservers) | ({server.host: server.port} if server.host else {})
    return NameServers(rules=setup.rules, resolvers=setup.nameservers, ports=ports)
