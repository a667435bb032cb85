"""The adapter: each verb of the protocol in one line, and how it is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from vault.providers.base import (
    Can,
    CancelResult,
    CertRequest,
    Check,
    Checkpoint,
    Lookup,
    Offer,
    Outcome,
    Provider,
    Ref,
    RevocationReason,
    RevokeResult,
    Setup,
)
from vault.providers.digicert import checking, ending, finding, ordering, polling, rules
from vault.providers.digicert.account import EV, FIELDS, OV, Account
from vault.providers.digicert.wire import TITLE, Api
from vault.providers.web import Web

_QUARTERS_OF_A_DAY = 96


@dataclass(frozen=True, kw_only=True)
class DigiCert(Provider):
    """DigiCert CertCentral, Services API v2. One API key, bound to a user of one account."""

    title: ClassVar[str] = TITLE
    can: ClassVar[Can] = Can.CANCEL | Can.REVOKE | Can.RENEW | Can.FIND_ORDERS
    give_up_after: ClassVar[timedelta | None] = timedelta(days=30)
    # Seconds when all is validated; minutes after a DNS record; days for an organisation.
    pace: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=10),
        timedelta(seconds=30),
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=5),
        *[timedelta(minutes=15)] * _QUARTERS_OF_A_DAY,
        timedelta(hours=1),
    )
    api: Api = field(repr=False)
    account: Account
    now: Callable[[], datetime] = field(repr=False)

    def check(self) -> Check:
        """Try key, organisation, products and division."""
        return checking.check(self.api, self.account, self.now())

    def choices(self, field_name: str) -> Sequence[tuple[str, str]]:
        """Organisations, products, divisions and issuing CAs. Raises ProviderError."""
        return checking.choices(self.api, self.account, field_name)

    def validate(self, request: CertRequest) -> Sequence[str]:
        """Look at names, key and days. Raises InvalidRequest."""
        return rules.check(request, self.account, self.now())

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        """Order: new, as a renewal, or as a reissue."""
        return ordering.submit(self.api, self.account, request, save, self.now())

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        """Ask about the order, approve it, have domains looked at, fetch the certificate."""
        return polling.poll(self.api, self.account, request, ref, self.now())

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        """List by name and day, open each, compare keys."""
        return finding.find(self.api, request, since)

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        """Withdraw the order, or the reissue."""
        return ending.cancel(self.api, request, ref)

    def revoke(self, certificate: bytes, ref: Ref | None, reason: RevocationReason, note: str) -> RevokeResult:
        """Revoke one certificate."""
        return ending.revoke(self.api, self.account, certificate, ref, reason, note)


def build(setup: Setup) -> DigiCert:
    """Build the adapter of one issuer."""
    account = Account.of(setup)
    headers = {"X-DC-DEVKEY": setup.secrets.get("password", ""), "Accept": "application/json"}
    web = Web(title=TITLE, base=account.address, rules=setup.rules, headers=headers)
    return DigiCert(api=Api(web=web), account=account, now=setup.now)


OFFER = Offer(
    key="DigiCert",
    title=TITLE,
    about="OV and EV certificates through CertCentral.",
    fields=FIELDS,
    build=build,
    certificate_types=(OV, EV),
)
