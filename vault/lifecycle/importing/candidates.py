"""What a look at an upload says: which certificates could be imported, and what every file in it is for."""

import enum
from dataclasses import dataclass

from vault.x509.certificates import CertificateFacts
from vault.x509.chains import Chain
from vault.x509.checks import CertificateWarning
from vault.x509.found import FoundKey, Locked


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One certificate with its private key, as it could be imported; `number` is its place in the upload, from 0.

    `added` are the CA certificates (DER) of the chain that the vault filled in, `sources` the files it came from.
    `refusal` is a sentence when it cannot be imported, `refusal_code` the stable word for it: `expired`,
    `key-refused`, `key-type`, `shared-factor`, `several-certificates` or `certificate-refused`. An expired one
    (`is_expired`, refused for nothing else) can be imported for the archive only.
    """

    number: int
    leaf: bytes
    key: FoundKey | None
    chain: Chain
    added: tuple[bytes, ...]
    sources: tuple[str, ...]
    proposed_name: str
    facts: CertificateFacts
    warnings: tuple[CertificateWarning, ...] = ()
    refusal: str = ""
    refusal_code: str = ""
    is_expired: bool = False

    @property
    def can_be_imported(self) -> bool:
        """Whether nothing speaks against importing it as it is."""
        return not self.refusal


class Outcome(enum.StrEnum):
    """What became, or would become, of a file."""

    IMPORTABLE = "importable"
    PART = "part"
    NOTHING = "nothing"
    REFUSED = "refused"
    LOCKED = "locked"
    IMPORTED = "imported"
    ALREADY = "already"
    LEFT_OUT = "left-out"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one file (or member of a ZIP) is for, as a sentence; `candidate` is the number of the one it belongs to.

    A file that holds several candidates has a row for each.
    """

    file: str
    outcome: Outcome
    sentence: str
    candidate: int | None = None


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something in a file that is not used: what it is, and why, as a sentence."""

    file: str
    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Everything about an upload. `refusal` is the sentence to show when nothing in it can be imported.

    `locked` says whether a password would open more of it.
    """

    candidates: tuple[Candidate, ...] = ()
    rows: tuple[Row, ...] = ()
    ignored: tuple[Leftover, ...] = ()
    locked: Locked = Locked.NO
    refusal: str = ""

    @property
    def importable(self) -> tuple[Candidate, ...]:
        """The candidates that nothing speaks against."""
        return tuple(one for one in self.candidates if one.can_be_imported)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one file (or member of a ZIP): the version it made or was already, or why it made none.

    `code` is a refusal's stable code, `name` the certificate's, `version` an id of 32 hex digits; "" where there is
    none.
    """

    file: str
    outcome: Outcome
    sentence: str
    code: str = ""
    name: str = ""
    version: str = ""
