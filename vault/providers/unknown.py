"""Unknown: a CA that the portal does not talk to. A person carries the request there and the answer back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from vault.providers.base import (
    Can,
    CancelResult,
    CertRequest,
    Checkpoint,
    Lookup,
    Outcome,
    Pending,
    Provider,
    Ref,
)

WAITING = "Send the request (CSR) to your CA, then bring the signed certificate here."


@dataclass(frozen=True, kw_only=True)
class Unknown(Provider):
    """Waits for a merge, for as long as it takes."""

    title: ClassVar[str] = "Another CA, by hand"
    can: ClassVar[Can] = Can.BY_HAND | Can.CANCEL | Can.REPEATABLE
    give_up_after: ClassVar[timedelta | None] = None

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        """Nothing is sent."""
        return Pending(ref=Ref(), detail=WAITING)

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        """Only a person knows more."""
        return Pending(ref=ref, detail=WAITING)

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        """The portal orders nothing there."""
        return Lookup(complete=True)

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        """Nothing was sent by us, so nothing has to be withdrawn by us."""
        return CancelResult.DONE
