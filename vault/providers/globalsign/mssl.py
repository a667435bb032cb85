"""The adapter for Managed SSL (GCC): SOAP, signed in by user name and password, from an allowed address only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final

from vault.providers.base import (
    Can,
    CancelResult,
    CertRequest,
    Check,
    CheckLine,
    Checkpoint,
    Lookup,
    OrderNotFound,
    Outcome,
    Pending,
    Provider,
    ProviderError,
    Ref,
    Rejected,
    RevocationReason,
    RevokeResult,
    Transient,
)
from vault.providers.globalsign import ending, finding, ordering, orders, profiles, rules
from vault.providers.globalsign.account import MSSL, TITLE, Account
from vault.providers.globalsign.soap import Soap

LISTING_LAGS: Final = timedelta(minutes=10)
"""A new order may be unknown to queries for so long."""
_MOST_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class ManagedSsl(Provider):
    """GlobalSign Managed SSL. Orders for a vetted profile and its domains."""

    title: ClassVar[str] = TITLE
    can: ClassVar[Can] = Can.CANCEL | Can.REVOKE | Can.RENEW | Can.FIND_ORDERS
    give_up_after: ClassVar[timedelta | None] = timedelta(days=30)
    pace: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=30),
        timedelta(minutes=1),
        timedelta(seconds=150),
        timedelta(minutes=5),
        *[timedelta(minutes=15)] * 96,
        timedelta(hours=1),
    )
    soap: Soap = field(repr=False)
    account: Account
    now: Callable[[], datetime] = field(repr=False)

    def check(self) -> Check:
        """Try user, address, rights, profile, domains and contact."""
        lines: list[CheckLine] = []
        try:
            lines += self._about_profiles()
            lines += self._about_domains()
        except ProviderError as error:
            lines.append(CheckLine(ok=False, text=str(error)))
        missing = " and ".join(rules.lacking(self.account))
        contact = f"The contact's {missing} is missing. {TITLE} asks for it." if missing else "The contact is complete."
        return Check(lines=(*lines, CheckLine(ok=not missing, text=contact)))

    def choices(self, field_name: str) -> Sequence[tuple[str, str]]:
        """Profiles of the account. Raises ProviderError."""
        if field_name != "organisation_id":
            return ()
        return [(one.profile_id, f"{one.title}, {one.profile_id}") for one in profiles.profiles(self.soap)]

    def validate(self, request: CertRequest) -> Sequence[str]:
        """Look at names, type, key and contact. Raises InvalidRequest."""
        return rules.check(request, self.account, self.now())

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        """Look up the domain, then order."""
        return ordering.submit(self.soap, self.account, request, save, self.now())

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        """Ask about the order; its certificate comes in the same answer."""
        if ref.data.get("platform", MSSL) != MSSL:
            words = f"This was ordered at {TITLE} Atlas. Set the issuer to Atlas again to go on."
            return Pending(ref=ref, detail=words, retry_after=timedelta(hours=1))
        try:
            order = orders.fetch(self.soap, ref.order_id)
        except Rejected as error:
            raise self._unknown(error, ref) from None
        return orders.outcome(order, ref, portal=self.account.address)

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        """List the orders of the time with their requests, compare keys."""
        return finding.find(self.soap, self.account, request, since, self.now())

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        """Withdraw the order, unless it is issued."""
        return ending.cancel(self.soap, ref)

    def revoke(self, certificate: bytes, ref: Ref | None, reason: RevocationReason, note: str) -> RevokeResult:
        """Revoke through the order. There is no way to give a reason."""
        return ending.revoke(self.soap, self.account, certificate, ref)

    def _unknown(self, error: Rejected, ref: Ref) -> ProviderError:
        """A refused question says nothing about the order, unless it is that there is none."""
        if error.ca_code not in orders.UNKNOWN_ORDER or not self._is_old(ref):
            return Transient(f"{error} It is asked again.", ca_code=error.ca_code)
        return OrderNotFound(f"{TITLE} does not know the order {ref.order_id} (any more).", ca_code=error.ca_code)

    def _is_old(self, ref: Ref) -> bool:
        ordered = ref.data.get("at")
        return not ordered or self.now() - datetime.fromisoformat(ordered) > LISTING_LAGS

    # ---------------------------------------------------------------- checks
    def _about_profiles(self) -> list[CheckLine]:
        found = profiles.profiles(self.soap)
        signed_in = CheckLine(ok=True, text=f"{TITLE} lets the user “{self.soap.user}” in, from this address.")
        for one in found:
            if one.profile_id == self.account.profile:
                status = f" Its status is {one.status}." if one.status else ""
                return [signed_in, CheckLine(ok=True, text=f"Profile {one.profile_id}: {one.title}.{status}")]
        ids = ", ".join(one.profile_id for one in found[:_MOST_SHOWN]) or "none"
        words = f"There is no profile “{self.account.profile}”. The account has: {ids}."
        return [signed_in, CheckLine(ok=False, text=words)]

    def _about_domains(self) -> list[CheckLine]:
        if self.account.intranet:
            return []
        names = [one.name for one in profiles.domains(self.soap, self.account)]
        if not names:
            words = "The profile has no domain, so nothing can be ordered. Add one in the GCC portal."
            return [CheckLine(ok=False, text=words)]
        more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
        return [CheckLine(ok=True, text=f"Domains of the profile: {', '.join(names[:_MOST_SHOWN])}{more}.")]
