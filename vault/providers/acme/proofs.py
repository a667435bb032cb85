"""What has been done so far to show that the names of an order are ours. Kept in the order's reference, as JSON."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from vault.providers.base import Ref

_MOST_PROOFS: Final = 200


class State(enum.StrEnum):
    """How far one name is."""

    NEW = "new"
    # Challenge chosen, nothing put up.
    CHOSEN = "chosen"
    PUBLISHED = "published"
    # Everyone sees it.
    SEEN = "seen"
    # The CA was told to look.
    ANSWERED = "answered"
    VALID = "valid"


@dataclass(kw_only=True)
class Proof:
    """One authorization (RFC 8555 §7.1.4), the challenge chosen for it, and what was put up.

    `record` and `zone` are where the TXT record really stands; times are ISO 8601, UTC. Nothing here is secret.
    """

    authorization: str
    state: State = State.NEW
    name: str = ""
    wildcard: bool = False
    challenge: str = ""
    token: str = ""
    record: str = ""
    zone: str = ""
    sight: str = ""
    # When it was put up first, and last.
    first_at: str = ""
    written_at: str = ""
    answered_at: str = ""
    answers: int = 0
    looks: int = 0

    @property
    def domain(self) -> str:
        """The name as it was asked for."""
        return f"*.{self.name}" if self.wildcard else self.name


@dataclass(kw_only=True)
class Order:
    """Everything about an order that must survive a restart."""

    url: str
    account: str = ""
    began: str = ""
    method: str = ""
    finalize: str = ""
    certificate: str = ""
    step: str = "ordered"
    proofs: list[Proof] = field(default_factory=list)

    @classmethod
    def of(cls, ref: Ref) -> Order:
        """Read a reference."""
        data = dict(ref.data)
        proofs = [Proof(**{**one, "state": State(one["state"])}) for one in data.pop("proofs", [])]
        return cls(url=ref.order_id, certificate=ref.certificate_id, step=ref.step, proofs=proofs, **data)

    def ref(self) -> Ref:
        """Write it as a reference."""
        data = dataclasses.asdict(self)
        order_id, certificate_id, step = data.pop("url"), data.pop("certificate"), data.pop("step")
        return Ref(order_id=order_id, certificate_id=certificate_id, step=step, data=data)

    def at(self, *states: State) -> list[Proof]:
        """The proofs in one of these states."""
        return [proof for proof in self.proofs if proof.state in states]

    def take(self, answer: Mapping[str, Any]) -> None:
        """Learn the addresses from an order object (§7.1.3)."""
        self.finalize = _text(answer.get("finalize")) or self.finalize
        self.certificate = _text(answer.get("certificate")) or self.certificate
        known = {proof.authorization for proof in self.proofs}
        given = answer.get("authorizations")
        for url in given[:_MOST_PROOFS] if isinstance(given, Sequence) and not isinstance(given, str) else ():
            if isinstance(url, str) and url not in known:
                self.proofs.append(Proof(authorization=url))

    def age(self, now: datetime) -> float:
        """Seconds since it was ordered."""
        return seconds_since(self.began, now)


def seconds_since(moment: str, now: datetime) -> float:
    """Seconds from an ISO 8601 time to now."""
    return (now - datetime.fromisoformat(moment)).total_seconds()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
