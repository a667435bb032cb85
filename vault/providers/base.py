"""What the portal asks of a CA, and what a CA may answer.

An adapter translates and nothing else: it never sleeps, never repeats a write, never decides that silence means no.
It knows neither models nor settings; it is handed what it needs.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from vault.errors import VaultError


class Can(enum.Flag):
    """What an adapter can do; the portal hides what is missing."""

    NONE = 0
    CANCEL = enum.auto()
    # Another person brings the answer: nothing is sent.
    BY_HAND = enum.auto()
    # Sending twice costs nothing and harms nobody.
    REPEATABLE = enum.auto()


@dataclass(frozen=True, kw_only=True)
class CertRequest:
    """One request, never changed once made. The CSR is DER; times are UTC."""

    operation_id: str
    csr: bytes
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, kw_only=True)
class Ref:
    """Everything needed to go on after a restart; stored as JSON, so no secrets."""

    order_id: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pending:
    """The CA has the order and is not done."""

    ref: Ref
    detail: str
    retry_after: timedelta | None = None
    tasks: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Issued:
    """The certificate (DER) and its chain, nearest issuer first; the root may be missing."""

    ref: Ref
    leaf: bytes
    chain: tuple[bytes, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The CA said no, in its own words, or the order broke."""

    ref: Ref
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """The CA has withdrawn the order."""

    ref: Ref
    detail: str = ""


Outcome = Pending | Issued | Failed | Cancelled
Checkpoint = Callable[[Ref], None]


class CancelResult(enum.Enum):
    """What became of a wish to cancel."""

    DONE = "done"
    REQUESTED = "requested"
    TOO_LATE = "too-late"


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Orders made for exactly one request. `complete` and empty together prove that there is none."""

    found: tuple[Ref, ...] = ()
    complete: bool


class ProviderError(VaultError):
    """Something went wrong between us and the CA; `retry_after` when the CA says how long to wait."""

    code = "ProviderError"

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Rejected(ProviderError):
    """The CA answered no; certainly nothing was ordered."""

    code = "Rejected"


class Transient(ProviderError):
    """Nothing changed at the CA; the same call may be repeated."""

    code = "Transient"


class OutcomeUnknown(ProviderError):
    """Sent, no usable answer; an order may exist. Never repeat, look for it."""

    code = "OutcomeUnknown"


class Provider(Protocol):
    """One CA. Each verb takes one short step and may raise ProviderError."""

    title: ClassVar[str]
    can: ClassVar[Can]
    # An operation that has not ended by then is given up; None: never.
    give_up_after: ClassVar[timedelta | None]

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        """Place the order; `save` commits the order number before anything else of the answer is read."""
        ...

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        """Ask about the order; may be repeated at any time."""
        ...

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        """Look for orders that were made for this request; reads only."""
        ...

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        """Ask the CA to withdraw the order."""
        ...
