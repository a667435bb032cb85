"""Self: the certificate is signed with its own key. Needs no one, and repeating it costs nothing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from vault.providers.base import Can, CancelResult, CertRequest, Checkpoint, Issued, Lookup, Outcome, Provider, Ref
from vault.x509.certificates import self_sign
from vault.x509.types import PrivateKey


@dataclass(frozen=True, kw_only=True)
class SelfSigned(Provider):
    """Signs with the key it is handed."""

    title: ClassVar[str] = "Self-signed"
    can: ClassVar[Can] = Can.REPEATABLE
    give_up_after: ClassVar[timedelta | None] = timedelta(days=1)
    key: PrivateKey = field(repr=False)

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        """Sign at once."""
        leaf = self_sign(request.csr, self.key, not_before=request.not_before, not_after=request.not_after)
        return Issued(ref=Ref(), leaf=leaf)

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        """Sign again: nothing is ever pending here."""
        return self.submit(request, save)

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        """Nothing is ordered anywhere, so nothing is ever lost."""
        return Lookup(complete=True)

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        """Between sending and signing there is no time to cancel in."""
        return CancelResult.DONE
