"""Placing an order and taking it forward, one step a call (RFC 8555 §7.4 and §7.5)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from vault.providers.acme import ari, chains, problems
from vault.providers.acme.accounts import Session
from vault.providers.acme.config import Config
from vault.providers.acme.problems import Refused
from vault.providers.acme.proofs import Order
from vault.providers.acme.proving import Proving
from vault.providers.acme.signing import b64
from vault.providers.acme.solving import Solver
from vault.providers.answers import Answer, words
from vault.providers.base import (
    CertRequest,
    Checkpoint,
    Failed,
    Issued,
    OrderNotFound,
    Outcome,
    Pending,
    ProviderError,
    Ref,
    Transient,
)

_SETTLED: Final = 600.0
_BUSY: Final = timedelta(seconds=3)
_SLOW: Final = timedelta(minutes=1)
_UNREPLACED: Final = frozenset({"alreadyReplaced", "malformed", "unauthorized"})


def identifiers(request: CertRequest) -> list[dict[str, str]]:
    """The names of a request as an order has them (RFC 8555 §7.1.3, RFC 8738 §3): the same as in the CSR, each once."""
    names = [name.lower() for name in request.names.dns]
    if request.names.common_name and request.names.common_name not in request.names.ip:
        names.append(request.names.common_name.lower())
    addresses = [str(ipaddress.ip_address(one)) for one in request.names.ip]
    return [{"type": "dns", "value": one} for one in dict.fromkeys(names)] + [
        {"type": "ip", "value": one} for one in dict.fromkeys(addresses)
    ]


def place(session: Session, config: Config, request: CertRequest, save: Checkpoint, *, now: datetime) -> Outcome:
    """Order; the order's address is saved at once. Raises ProviderError; a lost answer costs nothing."""
    body: dict[str, Any] = {"identifiers": identifiers(request)}
    if config.profile:
        body["profile"] = config.profile
    replaced = _replaced(session, request)
    try:
        answer = _new_order(session, {**body, "replaces": replaced} if replaced else body)
    except Refused as error:
        if not replaced or (error.problem.kind not in _UNREPLACED and error.problem.status != 409):
            raise
        # Renewed already, or not known to this server: a new order without that link is as good.
        answer = _new_order(session, body)
    order = Order(
        url=answer.headers.get("Location", ""),
        account=session.account.id,
        began=now.isoformat(),
        method=str(config.method),
    )
    if not order.url:
        raise Transient(f"{session.server.title} did not say where the order is. It is ordered again, at no cost.")
    save(order.ref())
    order.take(session.server.json(answer))
    return Pending(ref=order.ref(), detail="Ordered.", retry_after=timedelta(seconds=1))


def _new_order(session: Session, body: Mapping[str, Any]) -> Answer:
    return session.post(session.server.directory().new_order, body)


def _replaced(session: Session, request: CertRequest) -> str:
    """The certID of the certificate this order replaces (RFC 9773 §5), where the same account has ordered it."""
    previous = request.previous
    if previous is None or not previous.ref.order_id or previous.ref.data.get("account") != session.account.id:
        return ""
    return (ari.cert_id(previous.certificate) or "") if session.server.directory().renewal_info else ""


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """One order on its way, with the account that placed it."""

    session: Session
    solver: Solver
    config: Config
    request: CertRequest
    order: Order
    save: Checkpoint
    now: Callable[[], datetime]

    def step(self) -> Outcome:
        """Look at the order and do what it waits for. Raises ProviderError, with what was done saved."""
        try:
            return self._step()
        except Refused as error:
            return self._failed(error.problem.kind, str(error))
        except ProviderError:
            self.save(self.order.ref())
            raise

    def _step(self) -> Outcome:
        answer = self._look()
        found = self.session.server.json(answer)
        self.order.take(found)
        match found.get("status"):
            case "pending" | "ready" if not self.request.wanted:
                return self._pending("The order waits at the CA; nothing is done for it any more.", _SLOW)
            case "pending":
                return Proving(
                    session=self.session, solver=self.solver, order=self.order, save=self.save, now=self.now
                ).step(found)
            case "ready":
                return self._finalize()
            case "processing":
                return self._processing(answer)
            case "valid":
                return self._fetch()
            case "invalid" | "deactivated" | "expired" | "revoked":  # of an order only the first is in the RFC
                return self._invalid(found)
            case other:
                said = words(other)
                detail = f"The CA answered with a state that is not known here: “{said}”."
                return Pending(ref=self.order.ref(), detail=detail, retry_after=_SLOW, said=said)

    def _look(self) -> Answer:
        try:
            return self.session.read(self.order.url)
        except Refused as error:
            if error.problem.status != 404 and error.problem.kind != "malformed":
                raise
            if self.order.age(self.now()) < _SETTLED:
                message = f"The CA does not show the order yet: {error}"
                raise Transient(message, retry_after=timedelta(seconds=30)) from None
            raise OrderNotFound(f"The CA no longer knows the order. {error}", ca_code=error.ca_code) from None

    def _finalize(self) -> Outcome:
        """Send the request (§7.4). Doing it twice leads to the same certificate."""
        self.order.step = "finalized"
        self.save(self.order.ref())
        try:
            answer = self.session.post(self.order.finalize, {"csr": b64(self.request.csr)})
        except Refused as error:
            if error.problem.kind != "orderNotReady":
                raise
            return self._pending("The CA is checking the names.", _BUSY)
        found = self.session.server.json(answer)
        self.order.take(found)
        if found.get("status") == "valid":
            return self._fetch()
        if found.get("status") == "invalid":
            return self._invalid(found)
        return self._processing(answer)

    def _processing(self, answer: Answer) -> Outcome:
        long = self.order.age(self.now()) > _SETTLED
        return self._pending("The CA is issuing the certificate.", answer.wait() or (_SLOW if long else _BUSY))

    def _fetch(self) -> Outcome:
        if not self.order.certificate:
            return self._pending("The CA has issued the certificate and does not say where it is yet.", _BUSY)
        self.order.step = "issued"
        try:
            leaf, chain, warnings = chains.fetch(self.session, self.order.certificate, wanted=self.config.chain)
        except Refused as error:
            # It has been issued: it is asked for until it comes.
            raise Transient(f"The certificate is issued and cannot be fetched yet. {error}") from None
        return Issued(ref=self.order.ref(), leaf=leaf, chain=chain, warnings=warnings)

    def _invalid(self, found: Mapping[str, Any]) -> Failed:
        problem = problems.read(found.get("error"))
        if problem is None:
            problem = self._proving_failure()
        if problem is not None:
            return self._failed(problem.kind, f"{self.session.server.title}: {problem.text} ({problem.kind})")
        if _is_past(found.get("expires"), self.now()):
            return self._failed("expired", "The order expired at the CA before the names were shown to be yours.")
        return self._failed("invalid", f"{self.session.server.title} ended the order without saying why. Ask again.")

    def _proving_failure(self) -> problems.Problem | None:
        """The problem of the first challenge that failed, where the order itself names none."""
        for proof in self.order.proofs[:20]:
            found = self.session.read_json(proof.authorization)
            challenges = found.get("challenges")
            for one in challenges if isinstance(challenges, list) else []:
                problem = problems.read(one.get("error")) if isinstance(one, Mapping) else None
                if problem is not None:
                    return problem
        return None

    def _pending(self, detail: str, wait: timedelta) -> Pending:
        return Pending(
            ref=self.order.ref(), detail=detail, retry_after=wait, tasks=self.solver.tasks(self.order.proofs)
        )

    def _failed(self, code: str, message: str) -> Failed:
        return Failed(ref=self.order.ref(), code=code, message=message)


def withdraw(session: Session, ref: Ref) -> bool:
    """Give up the names that are not validated yet, so that the order can never be issued; False when it is too late.

    Valid authorizations belong to the account and may serve other orders: they stay. Raises ProviderError.
    """
    order = Order.of(ref)
    try:
        found = session.read_json(order.url)
    except Refused:
        return True
    if found.get("status") in {"processing", "valid"}:
        return False
    order.take(found)
    for proof in order.proofs[:10] if found.get("status") == "pending" else ():
        try:
            if session.read_json(proof.authorization).get("status") == "pending":
                session.post(proof.authorization, {"status": "deactivated"})
        except Refused:
            continue  # it has ended meanwhile
    return True


def _is_past(moment: Any, now: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(moment)) < now
    except (ValueError, TypeError):
        return False
