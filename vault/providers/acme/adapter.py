"""ACME as the portal's providers are: one account per issuer, one step a call."""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final
from urllib.parse import urlsplit

from vault.providers.acme import ari, checking, config, ordering
from vault.providers.acme.accounts import Accounts, Session
from vault.providers.acme.config import Config, Method
from vault.providers.acme.ordering import Ordering
from vault.providers.acme.problems import Refused
from vault.providers.acme.proofs import Order
from vault.providers.acme.signing import b64
from vault.providers.acme.solving import solver
from vault.providers.acme.wire import Server
from vault.providers.base import (
    Can,
    CancelResult,
    CertRequest,
    Check,
    Checkpoint,
    InvalidRequest,
    Lookup,
    Outcome,
    Provider,
    ProviderError,
    Ref,
    Rejected,
    RenewalHint,
    RevocationReason,
    RevokeResult,
    Setup,
)
from vault.providers.web import Web

MOST_NAMES: Final = 100
"""What most CAs take in one order (https://letsencrypt.org/docs/rate-limits/)."""
_SERVERS_KEPT: Final = 8
_CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
_USUAL_DAYS: Final = 90
_HOST: Final = re.compile(
    r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Acme(Provider):
    """ACME (RFC 8555). Before an order is finalized nothing costs anything: it may be repeated."""

    title: ClassVar[str] = "ACME"
    can: ClassVar[Can] = Can.CANCEL | Can.REVOKE | Can.RENEW | Can.RENEWAL_INFO | Can.REPEATABLE
    give_up_after: ClassVar[timedelta | None] = timedelta(days=30)
    setup: Setup = field(repr=False)
    config: Config
    _servers: dict[str, Server] = field(default_factory=dict, init=False, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    # ------------------------------------------------------------- the form
    def check(self) -> Check:
        """Directory, nonce, binding, account, profile, and for dynamic updates a record written and removed."""
        return checking.check(self.setup, self.config, self._accounts())

    def choices(self, field_name: str) -> Sequence[tuple[str, str]]:
        """The profiles that the CA has."""
        if field_name != "profile":
            return ()
        profiles = self._server(self.config.directory).directory().profiles
        return [(name, f"{name}: {about}" if about else name) for name, about in profiles.items()]

    # ------------------------------------------------------ one certificate
    def validate(self, request: CertRequest) -> Sequence[str]:
        """Refuse what ACME or the chosen challenge cannot do."""
        _check_names(request, self.config.method)
        doubts = []
        if _CLIENT_AUTH in request.ekus:
            doubts.append(
                "Public ACME CAs no longer issue for client authentication. The certificate may come without it."
            )
        if (request.validity_days or 0) > _USUAL_DAYS:
            doubts.append(
                f"An ACME CA decides itself how long a certificate is valid, mostly {_USUAL_DAYS} days or less."
            )
        return doubts

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        """Make an account if there is none, and order."""
        self.validate(request)
        return ordering.place(self._accounts().current(), self.config, request, save, now=self.setup.now())

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        """Take the order one step further."""
        if not ref.order_id:
            return self.submit(request, save)
        order, session = Order.of(ref), self._session(ref)
        order.began, order.method = order.began or self.setup.now().isoformat(), order.method or str(self.config.method)
        solve = solver(self.setup, self.config, Method(order.method), session.account.signer)
        return Ordering(
            session=session,
            solver=solve,
            config=self.config,
            request=request,
            order=order,
            save=save,
            now=self.setup.now,
        ).step()

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        """A lost order costs nothing and ends by itself: there is nothing to look for."""
        return Lookup(complete=True)

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        """Give up the names that are not validated; there is no call for more (RFC 8555 §7.5.2)."""
        if not ref.order_id:
            return CancelResult.DONE
        return CancelResult.DONE if ordering.withdraw(self._session(ref), ref) else CancelResult.TOO_LATE

    def revoke(self, certificate: bytes, ref: Ref | None, reason: RevocationReason, note: str) -> RevokeResult:
        """Revoke with the account that ordered it (§7.6)."""
        session = self._session(ref) if ref is not None else self._accounts().current()
        wanted: dict[str, object] = {"certificate": b64(certificate)}
        if reason is not RevocationReason.UNSPECIFIED:
            wanted["reason"] = int(reason)
        try:
            session.post(session.server.directory().revoke_cert, wanted)
        except Refused as error:
            if error.problem.kind == "alreadyRevoked":
                return RevokeResult.ALREADY
            if error.problem.kind == "badRevocationReason":
                message = f"{error} Choose another reason; “superseded” is taken by most."
                raise Rejected(message, ca_code=error.ca_code) from None
            raise
        return RevokeResult.DONE

    def renewal_info(self, certificate: bytes) -> RenewalHint | None:
        """Ask for the window in which to renew."""
        return ari.ask(self._server(self.config.directory), certificate)

    def clean_up(self, request: CertRequest, ref: Ref) -> None:
        """Take away tokens and records."""
        order = Order.of(ref)
        if not order.proofs or not order.method:
            return
        try:
            session = self._session(ref)
        except ProviderError:
            return  # nobody knows any more with which key it was put up
        solver(self.setup, self.config, Method(order.method), session.account.signer).take_down(order.proofs)

    # ------------------------------------------------------------- accounts
    def _session(self, ref: Ref) -> Session:
        """The account that an order was placed with, even when the issuer has another one by now."""
        session = self._accounts().kept(str(ref.data.get("account", "")))
        if session is None:
            raise Rejected("The ACME account that placed this order is not kept here any more. Ask again.")
        return session

    def _accounts(self) -> Accounts:
        return Accounts(config=self.config, memory=self.setup.memory, server_at=self._server)

    def _server(self, directory: str) -> Server:
        with self._guard:
            known = self._servers.get(directory)
            if known is None:
                if len(self._servers) >= _SERVERS_KEPT:
                    self._servers.clear()
                known = self._servers[directory] = Server(web=self._web(directory))
        return known

    def _web(self, directory: str) -> Web:
        title = urlsplit(directory).netloc or self.title
        return Web(title=title, base=directory, rules=self.setup.rules, ca_pem=self.config.trust, anywhere=True)


def build(setup: Setup) -> Provider:
    """Build the adapter of one issuer."""
    return Acme(setup=setup, config=config.read(setup.config, setup.secrets))


def _check_names(request: CertRequest, method: Method) -> None:
    """Raise InvalidRequest for names that no ACME CA, or not this challenge, can do."""
    names = request.names
    others = (*names.email, *names.uri, *names.upn)
    if others:
        raise InvalidRequest(f"An ACME CA issues for host names and addresses, not for “{others[0]}”. Leave it out.")
    common = names.common_name
    if common and not _HOST.match(common) and not _is_address(common, names.ip):
        raise InvalidRequest(
            f"The common name “{common}” is not a host name. Use one of the DNS names, or none at all."
        )
    wanted = ordering.identifiers(request)
    if not wanted:
        raise InvalidRequest("There is no DNS name in the request. Add at least one.")
    if len(wanted) > MOST_NAMES:
        raise InvalidRequest(
            f"{len(wanted)} names are more than ACME CAs take: {MOST_NAMES}. Ask for several certificates."
        )
    wildcard = next((one["value"] for one in wanted if one["value"].startswith("*.")), None)
    if wildcard and method is Method.HTTP:
        raise InvalidRequest(
            f"“{wildcard}” cannot be proved by http-01 (RFC 8555 §8.3). Choose an issuer that uses dns-01, or ask for "
            "each name by itself."
        )
    if names.ip and method is not Method.HTTP:
        raise InvalidRequest(
            f"The address “{names.ip[0]}” cannot be proved by dns-01 (RFC 8738 §7). Choose an issuer that uses http-01."
        )


def _is_address(text: str, addresses: Sequence[str]) -> bool:
    try:
        return str(ipaddress.ip_address(text)) in {str(ipaddress.ip_address(one)) for one in addresses}
    except ValueError:
        return False
