"""Everything the vault refuses, in one hierarchy.

    VaultError
    ├─ BadParameter           something given is not valid; `field` says what
    │  ├─ PolicyViolation     the policy contradicts itself, its issuer or our rules
    │  ├─ BadName             a name, subject or address that cannot stand in a certificate
    │  ├─ UnreadableFile      not a certificate (or not one we can read); says what it looks like
    │  ├─ KeyExposed          a private key came where none belongs
    │  └─ BadCertificate      readable, but wrong for this request
    ├─ Conflict               the thing exists already, or its name is not free
    │  └─ NameTaken
    ├─ NotAllowedNow          right person, wrong moment
    │  ├─ OperationClosed     the request has already ended
    │  └─ DraftGone           an upload that is not kept any more: imported already, or its time is over
    ├─ NotAllowed             the object itself forbids it (not exportable, purge protection …)
    ├─ TooMany                a limit on running work or its rate
    ├─ RingError              the key ring is missing, unsafe, or not the one that sealed this
    └─ ProviderError          what a CA's adapter may raise (vault.providers.base)

A class has a stable `code`; a case has a sentence for a person. Messages name the value, say what happened
and what to do next. They never carry keys, passwords or tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import uuid


class VaultError(Exception):
    """Base of every refusal; `str(error)` is a sentence that may be shown to a person."""

    code: ClassVar[str] = "VaultError"


class BadParameter(VaultError):
    """Something given is not valid. `field` names the form field or wire property, if one is to blame."""

    code = "BadParameter"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class PolicyViolation(BadParameter):
    """The policy contradicts itself, its issuer or our rules."""

    code = "PolicyViolation"


class BadName(BadParameter):
    """A name, subject or address that cannot stand in a certificate."""

    code = "BadName"


class UnreadableFile(BadParameter):
    """Not a certificate, or not one that can be read; the message says what it looks like."""

    code = "UnreadableFile"


class KeyExposed(BadParameter):
    """A private key came where none belongs. It was not kept."""

    code = "KeyExposed"


class BadCertificate(BadParameter):
    """A readable certificate that is wrong for this request."""

    code = "BadCertificate"


class Conflict(VaultError):
    """The thing exists already."""

    code = "Conflict"


class NameTaken(Conflict):
    """The name is used, or held by something soft-deleted (`recoverable`)."""

    code = "NameTaken"

    def __init__(self, message: str, *, recoverable: bool = False) -> None:
        super().__init__(message)
        self.recoverable = recoverable


class NotAllowedNow(VaultError):
    """The right person at the wrong moment."""

    code = "NotAllowedNow"


class OperationClosed(NotAllowedNow):
    """The request has already ended."""

    code = "OperationClosed"


class DraftGone(NotAllowedNow):
    """An upload that is not kept any more. `version` is what was imported from it, when that was a single one."""

    code = "DraftGone"

    def __init__(self, message: str, *, version: uuid.UUID | None = None) -> None:
        super().__init__(message)
        self.version = version


class NotAllowed(VaultError):
    """The object itself forbids it: a key that is not exportable, purge protection."""

    code = "NotAllowed"


class TooMany(VaultError):
    """A limit on running work or its rate is reached."""

    code = "TooMany"


class RingError(VaultError):
    """The key ring is missing, unsafe, or not the one that sealed this blob."""

    code = "RingError"
