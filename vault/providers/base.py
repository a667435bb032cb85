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


# --------------------------------------------------------------- description
class Can(enum.Flag):
    """What an adapter can do; the portal hides what is missing."""

    NONE = 0
    # Withdraw an order that is not issued yet.
    CANCEL = enum.auto()
    # Another person brings the answer: nothing is sent.
    BY_HAND = enum.auto()
    # Sending twice costs nothing and harms nobody.
    REPEATABLE = enum.auto()
    REVOKE = enum.auto()
    # An order can be tied to the one before it.
    RENEW = enum.auto()
    # The CA says when to renew (RFC 9773).
    RENEWAL_INFO = enum.auto()
    # Orders whose number was lost can be found again.
    FIND_ORDERS = enum.auto()


class FieldKind(enum.StrEnum):
    """How one value of an issuer's form is asked for."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of field
    CHOICE = "choice"
    BOOLEAN = "boolean"
    PEM = "pem"
    ADDRESS = "address"
    LINES = "lines"


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One value that an issuer needs, kept under `name`. All values are text; a boolean is "yes" or "".

    A `secret` one is sealed and never shown again. `choices` are pairs of value and label; a `dynamic` field's come
    from `Provider.choices` when the CA answers, and free text is taken when not. `only_when` names another field and
    the value it must have for this one to be asked for. `more` are those that few people need. What `steers` decides
    where credentials go or whom is trusted with them, as every address does: they are asked for again when it changes.
    """

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    secret: bool = False
    help: str = ""
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    dynamic: bool = False
    only_when: tuple[str, str] | None = None
    more: bool = False
    steers: bool = False


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One kind of CA that an administrator can choose: what its form asks for, and how its adapter is built.

    `key` is the provider's name on the wire. `administrator` tells that first and last name, e-mail and phone of a
    person are needed; `warning` is shown where the issuer is made and on its page.
    """

    key: str
    title: str
    about: str
    fields: tuple[FormField, ...]
    build: Callable[[Setup], Provider]
    certificate_types: tuple[str, ...] = ()
    administrator: bool = False
    warning: str = ""


# ------------------------------------------------------------------- request
@dataclass(frozen=True, kw_only=True)
class Names:
    """Every name asked for, kinds apart, each in the order given; DNS names as A-labels."""

    common_name: str = ""
    dns: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    uri: tuple[str, ...] = ()
    upn: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Previous:
    """The certificate (DER) that this request replaces, and its order where this same issuer made it."""

    certificate: bytes
    ref: Ref
    same_key: bool = False


@dataclass(frozen=True, kw_only=True)
class CertRequest:
    """One request, never changed once made. The CSR is DER; times are UTC; `validity_days` is what was asked for.

    `spki_sha256` is the hash of the request's public key, in hex: one key a request, so it finds the order again.
    Of one that is not `wanted` any more an adapter only asks what became of it: it does nothing that could bring it on.
    """

    operation_id: str
    csr: bytes
    not_before: datetime
    not_after: datetime
    spki_sha256: str = ""
    names: Names = field(default_factory=Names)
    certificate_type: str = ""
    validity_days: int | None = None
    ekus: tuple[str, ...] = ()
    previous: Previous | None = None
    wanted: bool = True


# ------------------------------------------------------------------- answers
@dataclass(frozen=True, kw_only=True)
class Ref:
    """Everything needed to go on after a restart; stored as JSON, so no secrets.

    `order_id` is what the CA calls the order (empty: none yet), `certificate_id` what it calls the certificate,
    `step` and `data` are the adapter's own.
    """

    order_id: str = ""
    certificate_id: str = ""
    step: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class TaskKind(enum.StrEnum):
    """What a person has to do before the CA goes on. In brackets: what `Task.detail` holds."""

    DNS_TXT = "dns-txt"  # name, value, domain; `seen` when the record was found everywhere
    DNS_CNAME = "dns-cname"  # name, value, domain
    HTTP_FILE = "http-file"  # url, content, domain
    EMAIL = "email"  # address, domain
    APPROVE = "approve"  # url, request
    ORGANISATION = "organisation"  # url


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something for a person to do, in one sentence, and what is needed for it."""

    kind: TaskKind
    title: str
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pending:
    """The CA has the order and is not done. `detail` is a sentence; `said` what the CA answered, in its own words."""

    ref: Ref
    detail: str
    retry_after: timedelta | None = None
    tasks: Sequence[Task] = ()
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class Issued:
    """The certificate (DER) and its chain (DER), in any order; the root may be missing."""

    ref: Ref
    leaf: bytes
    chain: tuple[bytes, ...] = ()
    warnings: tuple[str, ...] = ()


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
    # There is no such call: the order is dropped on our side only.
    UNSUPPORTED = "unsupported"


class RevokeResult(enum.Enum):
    """What became of a wish to revoke."""

    DONE = "done"
    # Someone at the CA still has to approve.
    REQUESTED = "requested"
    ALREADY = "already"


class RevocationReason(enum.IntEnum):
    """Why a certificate is revoked (RFC 5280 §5.3.1)."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    PRIVILEGE_WITHDRAWN = 9


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Orders made for exactly one request. `complete` and empty together prove that there is none."""

    found: tuple[Ref, ...] = ()
    complete: bool


@dataclass(frozen=True, kw_only=True)
class CheckLine:
    """One thing looked at when an issuer is tested."""

    ok: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """What a test of an issuer found; read-only calls, line by line. It is good when every line is."""

    lines: tuple[CheckLine, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(line.ok for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class RenewalHint:
    """When the CA wants the certificate renewed (RFC 9773 §4.2), and when to ask for that again."""

    start: datetime
    end: datetime
    explanation_url: str = ""
    ask_again: timedelta = timedelta(hours=6)


# ------------------------------------------------------------------ refusals
class ProviderError(VaultError):
    """Something went wrong between us and the CA. `ca_code` is the CA's own code, where it gave one."""

    code = "ProviderError"

    def __init__(self, message: str, *, retry_after: timedelta | None = None, ca_code: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.ca_code = ca_code


class InvalidRequest(ProviderError):
    """Refused by our own checks of what this CA issues; nothing was sent."""

    code = "InvalidRequest"


class Rejected(ProviderError):
    """The CA answered no; certainly nothing was ordered."""

    code = "Rejected"


class NotAuthorised(ProviderError):
    """The credential is wrong, expired or without the right: pauses the whole issuer."""

    code = "NotAuthorised"


class Transient(ProviderError):
    """Nothing changed at the CA; the same call may be repeated."""

    code = "Transient"


class RateLimited(Transient):
    """As Transient; `retry_after` holds for the whole issuer, not for one order."""

    code = "RateLimited"


class OutcomeUnknown(ProviderError):
    """Sent, no usable answer; an order may exist. Never repeat, look for it."""

    code = "OutcomeUnknown"


class OrderNotFound(ProviderError):
    """The CA does not know this order (any more)."""

    code = "OrderNotFound"


# ---------------------------------------------------------- what it is handed
@dataclass(frozen=True, kw_only=True)
class Administrator:
    """The person a CA may turn to."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""


class Memory(Protocol):
    """What an adapter must keep for good and in secret, like an account and its key."""

    def load(self) -> Mapping[str, str] | None:
        """Return what was kept; None at first."""
        ...

    def keep(self, before: Mapping[str, str] | None, now: Mapping[str, str]) -> bool:
        """Put `now` in the place of `before`, committed on return; False when another was faster."""
        ...


class Board(Protocol):
    """Where answers to http-01 challenges are put up (RFC 8555 §8.3)."""

    def put_up(self, token: str, key_authorization: str) -> None:
        """Answer with this from now on; twice is once."""
        ...

    def take_down(self, token: str) -> None:
        """Answer no more; what is not there is no matter."""
        ...


@dataclass(frozen=True, kw_only=True)
class AddressRules:
    """Which addresses may be called: public ones over https, and what is allowed besides.

    `loopback`: this machine, over plain http too (rehearsals and tests). `networks`: private ranges like 10.0.0.0/8.
    """

    loopback: bool = False
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What an adapter is built from: an issuer's values by the names of its form, and the outside world."""

    config: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    administrators: Sequence[Administrator]
    rules: AddressRules
    memory: Memory = field(repr=False)
    board: Board
    # DNS servers (address, port) to ask in place of the system's; none: the system's.
    nameservers: tuple[tuple[str, int], ...] = ()
    now: Callable[[], datetime]


# ------------------------------------------------------------------ contract
class Provider(Protocol):
    """One CA. Each verb takes one short step and may raise ProviderError."""

    title: ClassVar[str]
    can: ClassVar[Can]
    # An operation that has not ended by then is given up (an order with a number is not: it is reported); None: never.
    give_up_after: ClassVar[timedelta | None]
    # How long to wait after each answer that says “pending”; the last is for all that follow.
    pace: ClassVar[tuple[timedelta, ...]] = ()

    def check(self) -> Check:
        """Try credentials and settings with calls that change nothing. Raises nothing of ProviderError."""
        return Check(lines=())

    def choices(self, field_name: str) -> Sequence[tuple[str, str]]:
        """Ask the CA what a dynamic field of the form may hold, as pairs of value and label."""
        return ()

    def validate(self, request: CertRequest) -> Sequence[str]:
        """Look at a request without calling anyone; returns doubts. Raises InvalidRequest."""
        return ()

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        """Place the order; `save` commits the order number before anything else of the answer is read."""
        ...

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        """Ask about the order, one step on; may be repeated at any time."""
        ...

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        """Look for orders that were made for this request; reads only."""
        ...

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        """Ask the CA to withdraw the order."""
        ...

    def revoke(self, certificate: bytes, ref: Ref | None, reason: RevocationReason, note: str) -> RevokeResult:
        """Ask the CA to revoke a certificate (DER). `ref` is its order, where we made it."""
        raise Rejected(f"{self.title} takes no revocations from here.")

    def renewal_info(self, certificate: bytes) -> RenewalHint | None:
        """Ask when the CA wants a certificate (DER) renewed; None when it says nothing."""
        return None

    def clean_up(self, request: CertRequest, ref: Ref) -> None:
        """After the end: take away challenge records. Raises nothing of ProviderError."""
        return
