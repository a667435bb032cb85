"""Showing a CA that the names of an order are ours (RFC 8555 §7.5): what a pending order waits for."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from vault.providers.acme import problems
from vault.providers.acme.accounts import Session
from vault.providers.acme.config import Method
from vault.providers.acme.nameservers import Clock
from vault.providers.acme.problems import Refused
from vault.providers.acme.proofs import Order, Proof, State, seconds_since
from vault.providers.acme.solving import Solver
from vault.providers.answers import words
from vault.providers.base import Checkpoint, Failed, Outcome, Pending, Rejected

MOST_ANSWERS: Final = 6
"""How often a challenge that stays pending with an error is answered anew: smallstep's servers ask for that."""
AUTOMATIC, BY_HAND = timedelta(minutes=30), timedelta(days=7)
_ANSWER_AGAIN: Final = 20.0
_AT_ONCE: Final = 10
_STEP: Final = 30.0
_SOON, _WATCH, _LATER = timedelta(seconds=1), timedelta(seconds=3), timedelta(seconds=20)
_BY_HAND_PACE: Final = ((600.0, _LATER), (3600.0, timedelta(minutes=1)))
_SELDOM: Final = timedelta(minutes=5)
# What the portal answers and keeps (RFC 8555 §8.3: at least 128 bits in base64url).
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22,128}\Z")
_ENDED: Final = frozenset({"invalid", "deactivated", "expired", "revoked"})


class _Broken(Exception):
    """A name was not validated; ends the step."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(kw_only=True)
class Proving:
    """One step of proving. At most ten names are dealt with at once; the rest follow a second later."""

    session: Session
    solver: Solver
    order: Order
    save: Checkpoint
    now: Callable[[], datetime]
    _asked_to_wait: timedelta | None = None

    def step(self, found: Mapping[str, Any]) -> Outcome:
        """Do what comes next for the names that are not valid. Raises ProviderError."""
        clock = Clock(_STEP)
        try:
            self._choose(clock)
            self._publish(clock)
            self._look(clock)
            # Nobody looks before everything stands: a failed attempt counts, and negative answers are remembered.
            if not self.order.at(State.NEW, State.CHOSEN, State.PUBLISHED):
                self._watch(clock)
                self._answer(clock)
            self._give_up_in_time()
        except _Broken as broken:
            return Failed(ref=self.order.ref(), code=broken.code, message=broken.message)
        except Rejected as error:
            code = error.problem.kind if isinstance(error, Refused) else error.ca_code or error.code
            return Failed(ref=self.order.ref(), code=code, message=str(error))
        detail = self._detail()
        tasks = self.solver.tasks(self.order.proofs)
        said = words(found.get("status", ""))
        return Pending(ref=self.order.ref(), detail=detail, retry_after=self._wait(), tasks=tasks, said=said)

    # ---------------------------------------------------------------- steps
    def _choose(self, clock: Clock) -> None:
        """Read authorizations, and choose the challenge of each."""
        for proof in self._some(clock, State.NEW):
            found = self._read(proof)
            if proof.state is State.VALID:
                continue
            challenges = [one for one in _list(found.get("challenges")) if isinstance(one, Mapping)]
            wanted = self.solver.method.challenge
            chosen = next((one for one in challenges if one.get("type") == wanted), None)
            if chosen is None:
                offered = ", ".join(sorted(words(one.get("type", ""), most=40) for one in challenges))
                message = f"The CA does not take {wanted} for “{proof.domain}”, but {offered}. Choose another method."
                raise _Broken("unsupportedChallenge", message)
            proof.challenge, proof.token = str(chosen.get("url", "")), str(chosen.get("token", ""))
            if not _TOKEN.match(proof.token):
                raise _Broken("malformed", f"The CA gave a challenge for “{proof.domain}” that cannot be answered.")
            self.solver.prepare(proof)
            proof.state = State.CHOSEN

    def _publish(self, clock: Clock) -> None:
        """Put up what was chosen; what is about to be put up is saved first, so that it can be taken down."""
        if self.order.at(State.CHOSEN):
            self.save(self.order.ref())
        for proof in self._some(clock, State.CHOSEN):
            self.solver.put_up(proof, self.now())
            proof.state, proof.first_at = State.PUBLISHED, proof.first_at or self.now().isoformat()

    def _look(self, clock: Clock) -> None:
        """See whether everyone sees what was put up."""
        if self.order.at(State.NEW, State.CHOSEN):
            return
        for proof in self._some(clock, State.PUBLISHED):
            proof.looks += 1
            self.solver.look(proof, self.now())

    def _answer(self, clock: Clock) -> None:
        """Ask the CA to look (§7.5.1)."""
        for proof in self._some(clock, State.SEEN):
            self._tell(proof)
            proof.state = State.ANSWERED

    def _tell(self, proof: Proof) -> None:
        if self.solver.method is Method.HTTP:
            # Another order for the same name may have taken it down with its own.
            self.solver.put_up(proof, self.now())
        with contextlib.suppress(Refused):
            # When it was answered before, or has ended, the next look at the authorization tells.
            self.session.post(proof.challenge, {})
        proof.answers += 1
        proof.answered_at = self.now().isoformat()

    def _watch(self, clock: Clock) -> None:
        """See what the CA found. What a failed challenge looks like differs from server to server."""
        for proof in self._some(clock, State.ANSWERED):
            found = self._read(proof)
            if proof.state is not State.VALID:
                self._judge(proof, self._challenge(proof, found))

    def _judge(self, proof: Proof, challenge: Mapping[str, Any]) -> None:
        status, problem = challenge.get("status"), problems.read(challenge.get("error"))
        if status == "invalid":
            raise _broken(proof, problem)
        if problem is not None and status == "pending":
            if proof.answers >= MOST_ANSWERS:
                raise _broken(proof, problem)
            if seconds_since(proof.answered_at, self.now()) > _ANSWER_AGAIN:
                self._tell(proof)

    # ---------------------------------------------------------------- reads
    def _read(self, proof: Proof) -> Mapping[str, Any]:
        """Read an authorization; it may be valid already, from an order before."""
        answer = self.session.read(proof.authorization)
        found = self.session.server.json(answer)
        self._asked_to_wait = answer.wait() or self._asked_to_wait
        identifier = found.get("identifier")
        if isinstance(identifier, Mapping):
            proof.name = words(identifier.get("value", ""), most=253).removeprefix("*.")
        proof.wildcard = found.get("wildcard") is True
        status = found.get("status")
        if status == "valid":
            proof.state = State.VALID
        elif status in _ENDED:
            failed = (problems.read(one.get("error")) for one in _list(found.get("challenges")) if _is_object(one))
            raise _broken(proof, next((one for one in failed if one is not None), None), status=str(status))
        return found

    def _challenge(self, proof: Proof, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """The chosen challenge in its authorization, or read by itself where that does not say."""
        listed = [
            one for one in _list(found.get("challenges")) if _is_object(one) and one.get("url") == proof.challenge
        ]
        if listed and listed[0].get("status"):
            here: Mapping[str, Any] = listed[0]
            return here
        return self.session.read_json(proof.challenge)

    def _some(self, clock: Clock, state: State) -> Iterator[Proof]:
        """As many proofs as one step has time for, those first that were looked at least."""
        for proof in sorted(self.order.at(state), key=lambda one: one.looks)[:_AT_ONCE]:
            if not clock.is_over:
                yield proof

    # ---------------------------------------------------------------- words
    def _give_up_in_time(self) -> None:
        """End what takes too long; only after having looked once more."""
        now = self.now()
        answered = [proof for proof in self.order.at(State.ANSWERED) if proof.answered_at]
        if answered and all(self._is_old(proof.answered_at, AUTOMATIC, now) for proof in answered):
            names = ", ".join(proof.domain for proof in answered[:5])
            message = f"The CA has not looked at {names} within {_minutes(AUTOMATIC)} minutes. Ask again later."
            raise _Broken("timeout", message)
        unseen = self.order.at(State.PUBLISHED)
        limit = BY_HAND if self.solver.method is Method.DNS_BY_HAND else AUTOMATIC
        if unseen and self._is_old(unseen[0].first_at, limit, now):
            names = ", ".join(proof.record for proof in unseen[:5])
            message = f"The record could not be seen at all name servers in time: {names}. Publish it, then ask again."
            raise _Broken("timeout", message)

    @staticmethod
    def _is_old(moment: str, limit: timedelta, now: datetime) -> bool:
        return seconds_since(moment, now) > limit.total_seconds()

    def _detail(self) -> str:
        total, valid = len(self.order.proofs), len(self.order.at(State.VALID))
        if self.order.at(State.PUBLISHED):
            if self.solver.method is Method.DNS_BY_HAND:
                return "Publish the records below. The portal notices by itself."
            return "The records are written; waiting until all name servers show them."
        return f"The CA has validated {valid} of {total} names." if total > 1 else "The CA is validating the name."

    def _wait(self) -> timedelta:
        if self.order.at(State.NEW, State.CHOSEN, State.SEEN):
            return _SOON
        unseen = self.order.at(State.PUBLISHED)
        if unseen:
            return self._wait_for_records(seconds_since(unseen[0].first_at, self.now()))
        if self._asked_to_wait is not None:
            return self._asked_to_wait
        answered = self.order.at(State.ANSWERED)
        return _LATER if answered and self._old(answered[0].answered_at) else _WATCH

    def _wait_for_records(self, age: float) -> timedelta:
        """Often at first; a person may take days, and may press “Check now”."""
        if self.solver.method is not Method.DNS_BY_HAND:
            return _WATCH if age < 60 else _LATER
        return next((wait for until, wait in _BY_HAND_PACE if age < until), _SELDOM)

    def _old(self, moment: str) -> bool:
        return bool(moment) and seconds_since(moment, self.now()) > 60


def _broken(proof: Proof, problem: problems.Problem | None, *, status: str = "invalid") -> _Broken:
    if problem is None:
        return _Broken(
            status, f"The CA could not validate “{proof.domain}” and does not say why ({status}). Ask again."
        )
    return _Broken(problem.kind, f"The CA could not validate “{proof.domain}”: {problem.text}")


def _minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)
