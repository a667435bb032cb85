"""The adapter: it sends what the contract profile says, and decides nothing on an answer it does not understand."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from vault.errors import VaultError
from vault.providers.base import (
    Administrator,
    Can,
    Cancelled,
    CancelResult,
    CertRequest,
    Check,
    CheckLine,
    Checkpoint,
    Failed,
    Issued,
    Lookup,
    NotAuthorised,
    Offer,
    OrderNotFound,
    Outcome,
    Pending,
    Provider,
    ProviderError,
    Ref,
    Rejected,
    RevocationReason,
    RevokeResult,
    Setup,
)
from vault.providers.web import Answer, BadAnswer, Purpose, Web, words
from vault.providers.wosign import rules
from vault.providers.wosign.form import ADDRESS, EV, FIELDS, OV, TITLE, WARNING
from vault.providers.wosign.profile import Mark, Profile, Said, State
from vault.x509 import armour
from vault.x509.certificates import load
from vault.x509.checks import pick_leaf
from vault.x509.requests import csr_pem

log = logging.getLogger(__name__)

_SHOWN = 200
# In `Ref.data`: the order's number came from WoSign itself, not from a person.
_PLACED = "placed"
# No contract numbers its orders like this.
_NO_ORDER = "chancery-test-no-such-order"
_ORDER_NUMBER = re.compile(r"[\w.:/-]{1,100}")


@dataclass(frozen=True, kw_only=True)
class WoSign(Provider):
    """WoSign / WoTrus, by the account's contract; not verified against the provider."""

    title: ClassVar[str] = TITLE
    can: ClassVar[Can] = Can.CANCEL | Can.REVOKE
    give_up_after: ClassVar[timedelta | None] = timedelta(days=30)
    pace: ClassVar[tuple[timedelta, ...]] = (
        *[timedelta(minutes=1)] * 5,
        *[timedelta(minutes=5)] * 12,
        *[timedelta(minutes=15)] * 96,
        timedelta(hours=1),
    )
    web: Web
    profile: Profile
    token: str = field(repr=False)
    config: Mapping[str, str]
    person: Administrator

    def check(self) -> Check:
        """Ask about an order that cannot exist: a wrong token is answered otherwise than an unknown order."""
        flaws = [CheckLine(ok=False, text=flaw) for flaw in self.profile.flaws]
        try:
            said = self._ask("status", Purpose.READ, {"order": _NO_ORDER})
        except ProviderError as error:
            return Check(lines=(*flaws, CheckLine(ok=False, text=str(error))))
        if said.meaning == Mark.NO_ORDER:
            line = CheckLine(ok=True, text=f"{TITLE} takes the token: it says that a made-up order does not exist.")
        else:
            text = f"{TITLE} did not say that a made-up order does not exist. It said: {self._quote(said)}"
            line = CheckLine(ok=False, text=text)
        return Check(lines=(*flaws, line))

    def validate(self, request: CertRequest) -> Sequence[str]:
        """Look at profile, names and validity. Raises InvalidRequest."""
        return rules.check(request, self.profile)

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        """Order; anything but a clear yes or no leaves the order's fate open."""
        said = self._ask("order", Purpose.ORDER, self._order(request), self.profile.under("fixed"))
        if said.meaning == Mark.REFUSED:
            raise Rejected(f"{TITLE} refused the order: {self._quote(said)}")
        if said.meaning != Mark.OK or not _ORDER_NUMBER.fullmatch(said.order):
            raise self.web.unusable(Purpose.ORDER, f"no order number in “{self._quote(said)}”")
        ref = Ref(order_id=said.order, data={_PLACED: True})
        save(ref)
        return self._outcome(request, ref, said)

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        """Ask about the state, and fetch the certificate once it is there."""
        said = self._ask("status", Purpose.READ, {"order": ref.order_id})
        if said.meaning == Mark.NO_ORDER and not ref.data.get(_PLACED):
            raise OrderNotFound(f"{TITLE} does not know the order {ref.order_id}: {self._quote(said)}")
        if said.meaning != Mark.OK:
            return self._unknown(ref, said)
        if said.state == State.ISSUED and not said.certificate and self.profile["action.fetch"]:
            said = self._ask("fetch", Purpose.READ, {"order": ref.order_id})
        return self._outcome(request, ref, said)

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        """No call is known that lists orders: a person has to look."""
        return Lookup(complete=False)

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        """Ask for the order to be withdrawn; only a clear yes is one."""
        if not self.profile["action.cancel"]:
            return CancelResult.UNSUPPORTED
        said = self._ask("cancel", Purpose.WRITE, {"order": ref.order_id})
        results: dict[str, CancelResult] = {Mark.OK: CancelResult.DONE, Mark.REFUSED: CancelResult.TOO_LATE}
        return results.get(said.meaning, CancelResult.REQUESTED)

    def revoke(self, certificate: bytes, ref: Ref | None, reason: RevocationReason, note: str) -> RevokeResult:
        """Ask for a revocation; whether it was done, the answer does not tell."""
        if ref is None or not ref.order_id or not self.profile["action.revoke"]:
            raise Rejected(f"{TITLE} revokes by the number of an order made here. Revoke it in your account there.")
        why = f"{reason.name.replace('_', ' ').lower()} {note}".strip()
        said = self._ask("revoke", Purpose.WRITE, {"order": ref.order_id, "reason": why})
        if said.meaning == Mark.OK:
            return RevokeResult.REQUESTED
        raise Rejected(f"{TITLE} did not take the revocation: {self._quote(said)}")

    # --------------------------------------------------------------- the wire
    def _ask(
        self, action: str, purpose: Purpose, values: Mapping[str, str], fixed: Mapping[str, str] | None = None
    ) -> Said:
        """Make one call. Raises ProviderError, for a wrong token too."""
        named = {"token": self.token, "account": self.config.get("account_id", ""), **values}
        sent = {self.profile["action.field"]: self.profile[f"action.{action}"], **(fixed or {})}
        sent |= {self.profile[f"send.{name}"]: value for name, value in named.items() if value}
        sent.pop("", None)
        as_json = self.profile["request"] == "json"
        answer = self.web.call(
            "POST",
            self.profile["path"],
            purpose=purpose,
            headers={"Accept": "*/*"},
            form=None if as_json else sent,
            json=sent if as_json else None,
        )
        said = self._understood(answer, purpose)
        if said.meaning == Mark.TOKEN:
            raise NotAuthorised(f"{TITLE} does not take the connection token: {self._quote(said)}")
        return said

    def _understood(self, answer: Answer, purpose: Purpose) -> Said:
        if answer.status in {401, 403}:
            raise NotAuthorised(f"{TITLE} does not let us in (HTTP {answer.status}). Check the connection token.")
        try:
            said = self.profile.understand(answer)
        except BadAnswer as error:
            self._note(answer)
            raise self.web.unusable(purpose, f"{error} (HTTP {answer.status})") from None
        if not said.meaning or (said.state_code and not said.state):
            self._note(answer)
        return said

    def _note(self, answer: Answer) -> None:
        """Log the beginning of an answer that the profile does not know, without the token."""
        log.warning("%s answered what the contract profile does not know: %s", TITLE, self._clean(answer.text()))

    def _clean(self, text: str) -> str:
        return words(text.replace(self.token, "…") if self.token else text, most=_SHOWN)

    def _quote(self, said: Said) -> str:
        return self._clean(said.message) or "no message"

    def _order(self, request: CertRequest) -> dict[str, str]:
        """Return the values of an order, by the names of the profile."""
        kind = request.certificate_type or self.config.get("certificate_type", "")
        return {
            "product": self.profile[f"product.{kind or 'account'}"],
            "months": str(rules.months(request)),
            "domains": ",".join(rules.domains(request.names)),
            "csr": csr_pem(request.csr),
            "person_name": f"{self.person.first_name} {self.person.last_name}".strip(),
            "person_email": self.person.email,
            "person_phone": self.person.phone,
            "organisation": self.config.get("organisation", ""),
            "organisation_kind": self.config.get("organisation_kind", ""),
        }

    # ---------------------------------------------------------------- answers
    def _outcome(self, request: CertRequest, ref: Ref, said: Said) -> Outcome:
        message = self._clean(said.message)
        match said.state:
            case "" if not said.state_code and not said.certificate:
                return Pending(ref=ref, detail=f"{TITLE} has the order.", said=message)
            case "" if not said.state_code:
                return _issued(request, ref, said) or self._unknown(ref, said)
            case State.ISSUED:
                return _issued(request, ref, said) or self._unknown(ref, said)
            case State.PENDING:
                return Pending(ref=ref, detail=f"{TITLE} is working on the order.", said=message)
            case State.VALIDATING:
                detail = f"{TITLE} is checking the organisation or the domains. It may call or write to you."
                return Pending(ref=ref, detail=detail, said=message)
            case State.REJECTED:
                return Failed(ref=ref, code="Rejected", message=f"{TITLE} rejected the order: {message or 'no reason'}")
            case State.CANCELLED:
                return Cancelled(ref=ref, detail=f"{TITLE} has withdrawn the order.")
        return self._unknown(ref, said)

    def _unknown(self, ref: Ref, said: Said) -> Pending:
        detail = f"{TITLE} answered with something the contract profile does not know. It is asked again."
        told = self._clean(f"{said.message} (state {said.state_code})" if said.state_code else said.message)
        return Pending(ref=ref, detail=detail, said=told)


def _issued(request: CertRequest, ref: Ref, said: Said) -> Issued | None:
    """Read the certificates in an answer; None when one is missing or cut off."""
    leaves, above = _certificates(said.certificate), _certificates(said.chain)
    found = [*leaves, *above]
    if not leaves or (said.chain and not above) or not all(_is_whole(octets) for octets in found):
        return None
    try:
        leaf = pick_leaf(found, csr_der=request.csr)
    except VaultError:
        leaf = found[0]  # for another key: whoever checks it says so
    return Issued(ref=ref, leaf=leaf, chain=tuple(octets for octets in found if octets != leaf))


def _certificates(text: str) -> list[bytes]:
    """Return the certificates (DER) in PEM or bare base64."""
    if armour.has_mark(text):
        return [block.octets for block in armour.blocks(text) if block.label == "CERTIFICATE" and block.octets]
    octets = armour.bare_base64(text)
    return [octets] if octets else []


def _is_whole(octets: bytes) -> bool:
    try:
        load(octets)
    except VaultError:
        return False
    return True


def build(setup: Setup) -> WoSign:
    """Build the adapter of one issuer."""
    config = setup.config
    return WoSign(
        web=Web(title=TITLE, base=config.get("address") or ADDRESS, rules=setup.rules),
        profile=Profile.read(config.get("profile", "")),
        token=setup.secrets.get("password", ""),
        config=config,
        person=next(iter(setup.administrators), Administrator()),
    )


OFFER = Offer(
    key=TITLE,
    title="WoSign / WoTrus (not verified)",
    about="OV and EV certificates, as set in your account, by what your contract says about the API.",
    fields=FIELDS,
    build=build,
    certificate_types=(OV, EV),
    administrator=True,
    warning=WARNING,
)
