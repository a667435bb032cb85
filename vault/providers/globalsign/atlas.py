"""The adapter for Atlas (HVCA REST API v2): a certificate is there seconds after it is asked for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from vault.providers.base import (
    Can,
    CancelResult,
    CertRequest,
    Check,
    CheckLine,
    Checkpoint,
    Failed,
    InvalidRequest,
    Issued,
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
from vault.providers.globalsign import policies
from vault.providers.globalsign.account import ATLAS, EV, OV, TITLE
from vault.providers.globalsign.calls import SLOWEST, Api
from vault.providers.globalsign.orders import octets, serial_of
from vault.providers.web import Answer, Purpose, words
from vault.x509.certificates import load
from vault.x509.keytypes import certificate_spki_sha256
from vault.x509.requests import describe_csr
from vault.x509.visible import shown

_AGAIN: Final = timedelta(seconds=5)
_LISTING_LAGS: Final = timedelta(minutes=10)
_LONGEST_WINDOW: Final = timedelta(days=29)
_LONGEST_SEARCH: Final = 50.0
_PER_PAGE, _MOST_PAGES, _MOST_KEPT = 100, 50, 5000
_SERIAL: Final = re.compile(r"[0-9A-Za-z-]{1,100}")
_LOCATION: Final = re.compile(rf"/certificates/({_SERIAL.pattern})/?\Z")
_REASONS: Final = {
    RevocationReason.UNSPECIFIED: "unspecified",
    RevocationReason.KEY_COMPROMISE: "keyCompromise",
    RevocationReason.AFFILIATION_CHANGED: "affiliationChanged",
    RevocationReason.SUPERSEDED: "superseded",
    RevocationReason.CESSATION_OF_OPERATION: "cessationOfOperation",
    RevocationReason.PRIVILEGE_WITHDRAWN: "privilegeWithdrawn",
}

__all__ = ["Api", "Atlas"]


@dataclass(frozen=True, kw_only=True)
class Atlas(Provider):
    """GlobalSign Atlas. Product, organisation and longest validity come from the credential's validation policy."""

    title: ClassVar[str] = TITLE
    can: ClassVar[Can] = Can.REVOKE | Can.FIND_ORDERS
    give_up_after: ClassVar[timedelta | None] = timedelta(days=2)
    pace: ClassVar[tuple[timedelta, ...]] = (
        _AGAIN,
        _AGAIN,
        timedelta(seconds=10),
        timedelta(seconds=30),
        *[timedelta(minutes=1)] * 10,
        timedelta(minutes=5),
    )
    api: Api = field(repr=False)
    now: Callable[[], datetime] = field(repr=False)
    # Keys of certificates that were opened in a search: they do not change.
    _opened: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def check(self) -> Check:
        """Try sign-in, policy, quota and domains."""
        lines: list[CheckLine] = []
        for look in (self._about_sign_in, self._about_policy, self._about_quota, self._about_domains):
            try:
                lines.append(look())
            except ProviderError as error:
                lines.append(CheckLine(ok=False, text=str(error)))
            if look == self._about_sign_in and not lines[-1].ok:
                break
        return Check(lines=tuple(lines))

    def validate(self, request: CertRequest) -> Sequence[str]:
        """The credential's policy decides; only the type can be judged without asking. Raises InvalidRequest."""
        kind = request.certificate_type or OV
        if kind not in {OV, EV}:
            raise InvalidRequest(f"“{shown(kind)}” is not a certificate type of {TITLE}. Choose {OV} or {EV}.")
        return ()

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        """Ask for the policy, then for a certificate that fits it."""
        began = time.monotonic()
        body = policies.body(self.api.value("/validationpolicy"), request, self.now())
        if time.monotonic() - began > SLOWEST:
            raise Transient(f"{TITLE} answers slowly. Nothing was ordered yet; it is tried again.")
        answer = self.api.order("/certificates", body)
        located = _LOCATION.search(urlsplit(answer.headers.get("Location", "")).path)
        if located is None:
            raise self.api.web.unusable(Purpose.ORDER, "the certificate's number is missing")
        serial = located[1]
        data = {"platform": ATLAS, "at": self.now().isoformat()}
        ref = Ref(order_id=serial, certificate_id=serial, data=data)
        save(ref)
        return Pending(ref=ref, detail=f"{TITLE} is issuing the certificate.", retry_after=_AGAIN)

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        """Ask for the certificate by its number."""
        if ref.data.get("platform", ATLAS) != ATLAS:
            said = f"This was ordered at {TITLE} Managed SSL. Set the issuer to Managed SSL again to go on."
            return Pending(ref=ref, detail=said, retry_after=timedelta(hours=1))
        answer = self.api.read(_path(ref.order_id), take=(503,))
        if answer.status == 404:
            raise self._unknown(ref)
        if answer.status in {202, 503}:
            wait = max(answer.wait() or _AGAIN, _AGAIN)
            said = f"HTTP {answer.status}"
            return Pending(ref=ref, detail=f"{TITLE} is issuing the certificate.", retry_after=wait, said=said)
        return self._read(answer, ref)

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        """List what was issued in the time, open each, compare keys."""
        wanted = request.spki_sha256 or describe_csr(request.csr).spki_sha256
        before = request.previous
        known = "" if before is None else serial_of(before.certificate)
        began, complete, found = time.monotonic(), True, list[Ref]()
        for serial in self._issued(since):
            if serial is None or time.monotonic() - began > _LONGEST_SEARCH:
                complete = False
                break
            key = self._key_of(serial)
            complete = complete and bool(key)
            if key == wanted and serial.lower().lstrip("0") != known:
                data = {"platform": ATLAS, "at": self.now().isoformat()}
                found.append(Ref(order_id=serial, certificate_id=serial, data=data))
        return Lookup(found=tuple(found), complete=complete)

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        """There is no such call."""
        return CancelResult.UNSUPPORTED

    def revoke(self, certificate: bytes, ref: Ref | None, reason: RevocationReason, note: str) -> RevokeResult:
        """Revoke by serial number."""
        serial = ref.certificate_id if ref is not None else ""
        serial = serial or _written(load(certificate).serial_number)
        if serial.lower().lstrip("0") != serial_of(certificate):
            raise Rejected(f"{TITLE}'s number {serial} is another certificate's. Revoke this one in the Atlas portal.")
        answer = self.api.read(_path(serial))
        if answer.status == 404:
            raise Rejected(f"{TITLE} did not issue the certificate {serial} with this credential.", ca_code="404")
        if answer.status == 200 and self._certificate(answer)[1] == "REVOKED":
            return RevokeResult.ALREADY
        answer = self.api.change(_path(serial), {"revocation_reason": _REASONS[reason]})
        if answer.status != 204:
            raise self.api.web.unusable(Purpose.WRITE, f"HTTP {answer.status} in place of 204")
        return RevokeResult.DONE

    # ---------------------------------------------------------------- answers
    def _read(self, answer: Answer, ref: Ref) -> Outcome:
        pem, status = self._certificate(answer)
        if status == "REVOKED":
            message = f"{TITLE} has revoked the certificate {ref.order_id}. Ask again."
            return Failed(ref=ref, code="Certificate revoked", message=message)
        leaf = octets(pem, "CERTIFICATE")
        if status != "ISSUED" or not leaf:
            unknown = f"{TITLE} calls the state “{status}”, which is not known here. It is asked again."
            detail = unknown if status != "ISSUED" else f"{TITLE} does not hand out the certificate yet."
            return Pending(ref=ref, detail=detail, said=status)
        chain = self.api.value("/trustchain")
        above = [octets(one, "CERTIFICATE") for one in chain if isinstance(one, str)] if isinstance(chain, list) else []
        return Issued(ref=ref, leaf=leaf, chain=tuple(one for one in above if one))

    def _certificate(self, answer: Answer) -> tuple[str, str]:
        """PEM and status of an answer that holds a certificate."""
        value: Any = self.api.web.json(answer, Purpose.READ)
        pem, status = (value.get("certificate"), value.get("status")) if isinstance(value, dict) else ("", "")
        return (pem if isinstance(pem, str) else ""), words(status or "", most=40).upper()

    def _unknown(self, ref: Ref) -> ProviderError:
        ordered = ref.data.get("at")
        if ordered and self.now() - datetime.fromisoformat(ordered) <= _LISTING_LAGS:
            return Transient(f"{TITLE} does not show the new certificate {ref.order_id} yet. It is asked again.")
        return OrderNotFound(f"{TITLE} does not know the certificate {ref.order_id} (any more).", ca_code="404")

    # ----------------------------------------------------------------- search
    def _issued(self, since: datetime) -> Iterator[str | None]:
        """Serial numbers issued since then; None when the list cannot be read to its end."""
        start, end = since, self.now() + timedelta(minutes=5)
        while start < end:
            until = min(start + _LONGEST_WINDOW, end)
            yield from self._pages(int(start.timestamp()), int(until.timestamp()) + 1)
            start = until

    def _pages(self, start: int, end: int) -> Iterator[str | None]:
        seen = 0
        for page in range(1, _MOST_PAGES + 1):
            params = [("page", str(page)), ("per_page", str(_PER_PAGE)), ("from", str(start)), ("to", str(end))]
            answer = self.api.read("/stats/issued", params)
            rows = self.api.web.json(answer, Purpose.READ) if answer.status == 200 else None
            if not isinstance(rows, list):
                break
            for row in rows:
                serial = row.get("serial_number") if isinstance(row, dict) else None
                yield serial if isinstance(serial, str) and _SERIAL.fullmatch(serial) else None
            seen += len(rows)
            if _is_last(answer, seen, len(rows)):
                return
        yield None

    def _key_of(self, serial: str) -> str:
        """SHA-256 of a certificate's public key; "" while it cannot be read."""
        if serial in self._opened:
            return self._opened[serial]
        answer = self.api.read(_path(serial), take=(503,))
        leaf = octets(self._certificate(answer)[0], "CERTIFICATE") if answer.status == 200 else b""
        if not leaf:
            return ""
        if len(self._opened) >= _MOST_KEPT:
            self._opened.clear()
        self._opened[serial] = certificate_spki_sha256(load(leaf))
        return self._opened[serial]

    # ----------------------------------------------------------------- checks
    def _about_sign_in(self) -> CheckLine:
        self.api.log_in()
        return CheckLine(ok=True, text=f"{TITLE} accepts the client certificate, the API key and its secret.")

    def _about_policy(self) -> CheckLine:
        policy = self.api.value("/validationpolicy")
        organisation, days = policies.fixed_organisation(policy), policies.longest_days(policy)
        parts = [f"organisation {organisation}"] if organisation else []
        parts += [f"at most {days} days"] if days else []
        said = ", ".join(parts) or "it fixes neither organisation nor validity"
        if isinstance(policy, dict) and policy.get("public_key", {}).get("key_format") == "PKCS8":
            return CheckLine(ok=False, text="The validation policy wants bare keys (PKCS8). Ask GlobalSign for PKCS10.")
        return CheckLine(ok=True, text=f"Validation policy of the credential: {said}.")

    def _about_quota(self) -> CheckLine:
        value = self.api.value("/quotas/issuance")
        left = value.get("value") if isinstance(value, dict) else None
        if not isinstance(left, int):
            return CheckLine(ok=True, text=f"{TITLE} names no quota.")
        if left <= 0:
            return CheckLine(ok=False, text="The quota is used up. Buy more certificates from GlobalSign.")
        return CheckLine(ok=True, text=f"The quota lets {left} more certificates be issued.")

    def _about_domains(self) -> CheckLine:
        rows = self.api.value("/claims/domains", [("status", "VERIFIED")])
        names = [words(row["domain"], most=80) for row in rows if isinstance(row, dict) and row.get("domain")]
        if not names:
            return CheckLine(ok=False, text="No domain is verified. Claim and verify one in the Atlas portal.")
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        return CheckLine(ok=True, text=f"Verified domains: {', '.join(names[:8])}{more}.")


def _is_last(answer: Answer, seen: int, rows: int) -> bool:
    total = answer.headers.get("Total-Count", "")
    return seen >= int(total) if total.isdecimal() else rows < _PER_PAGE


def _path(serial: str) -> str:
    if not _SERIAL.fullmatch(serial):
        raise Rejected(f"“{shown(serial)}” is not a certificate's number at {TITLE}.")
    return f"/certificates/{serial}"


def _written(serial: int) -> str:
    """A serial number as Atlas writes it: whole octets in upper-case hex."""
    digits = f"{serial:X}"
    return digits.zfill(len(digits) + len(digits) % 2)
