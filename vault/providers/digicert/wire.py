"""One call to the Services API, and what its answers mean.

Errors: {"errors": [{"code": "group|detail", "message": "…"}]}; `errors` may be an object as well as a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vault.providers.base import NotAuthorised, Rejected, Transient
from vault.providers.web import Answer, BadAnswer, Purpose, Web
from vault.x509 import armour
from vault.x509.visible import display

MOST_WORDS = 500
_MOST_DIGITS = 20
TITLE = "DigiCert"
# 403 with one of these is about one request, not about the key.
_ONE_REQUEST = ("invalid_approver", "cannot_approve", "product")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A usable answer: a success, or a refusal in DigiCert's own words. `data` is None for an empty body."""

    status: int
    data: Any = None
    code: str = ""
    words: str = ""

    @property
    def refused(self) -> bool:
        """Whether DigiCert said no."""
        return self.status >= 400

    def rejection(self, what: str, hint: str = "") -> Rejected:
        """The refusal as an error: what was refused, DigiCert's words, and what to do."""
        sentence = f"{TITLE} refused {what}: {quoted(self.code, self.words)}"
        return Rejected(f"{sentence} {hint}".strip(), ca_code=self.code)


@dataclass(frozen=True, kw_only=True)
class Api:
    """The calls, by what they may do: read, place an order, change something."""

    web: Web

    def read(self, path: str, params: Sequence[tuple[str, str]] = (), *, may_lack_right: bool = False) -> Reply:
        """GET. Raises Transient, NotAuthorised; a 403 is returned when the key need not have the right."""
        answer = self.web.call("GET", path, purpose=Purpose.READ, params=params)
        return self._reply(answer, Purpose.READ, may_lack_right=may_lack_right)

    def order(self, path: str, body: Mapping[str, Any]) -> Reply:
        """POST what may cost money. Raises OutcomeUnknown, Transient (nothing was sent), NotAuthorised."""
        return self._reply(self.web.call("POST", path, purpose=Purpose.ORDER, json=body), Purpose.ORDER)

    def change(self, path: str, body: Mapping[str, Any] | None = None, *, may_lack_right: bool = False) -> Reply:
        """PUT. Raises Transient (look before repeating), NotAuthorised; a 403 as for `read`."""
        answer = self.web.call("PUT", path, purpose=Purpose.WRITE, json=body or {})
        return self._reply(answer, Purpose.WRITE, may_lack_right=may_lack_right)

    def download(self, path: str) -> tuple[bytes, ...] | None:
        """GET certificates in PEM, as DER; None while they are not there. Raises Transient, NotAuthorised."""
        answer = self.web.call("GET", path, purpose=Purpose.READ, headers={"Accept": "*/*"})
        if answer.status >= 400:
            reply = self._reply(answer, Purpose.READ)
            if reply.status == 404:
                return None
            raise Transient(f"{TITLE} does not hand out the certificate: {quoted(reply.code, reply.words)}")
        found = pem_blocks(answer.text(), "CERTIFICATE")
        if not found:
            raise Transient(f"{TITLE} sent something that holds no certificate. It is asked again.")
        return found

    def _reply(self, answer: Answer, purpose: Purpose, *, may_lack_right: bool = False) -> Reply:
        if answer.status >= 400:
            return self._refusal(answer, purpose, may_lack_right=may_lack_right)
        if not answer.body.strip():
            return Reply(status=answer.status)
        return Reply(status=answer.status, data=self.web.json(answer, purpose))

    def _refusal(self, answer: Answer, purpose: Purpose, *, may_lack_right: bool) -> Reply:
        """A refusal counts when it is DigiCert's own: a proxy's page says nothing about the order."""
        code, words = _error(answer)
        one_request = may_lack_right or any(part in code for part in _ONE_REQUEST)
        if answer.status == 401 or (answer.status == 403 and not (code and one_request)):
            raise _unauthorised(answer)
        if not code and not words:
            raise self.web.unusable(purpose, f"HTTP {answer.status} from something that is not {TITLE}")
        return Reply(status=answer.status, code=code, words=words)


def quoted(code: str, words: str) -> str:
    """DigiCert's own words for a sentence: message and code, without a full stop of ours if they have one."""
    said = " ".join(part for part in (words, f"({code})" if code else "") if part) or "no reason was given"
    return said if said.endswith(".") else f"{said}."


# ------------------------------------------------------------------ reading
def text(value: Any) -> str:
    """A text or number of an answer as text, safe to show, at most 500 characters; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return display(" ".join(str(value).split()))[:MOST_WORDS]


def identifier(value: Any) -> str:
    """A number that DigiCert gave to something, as text; "" for anything else: it becomes part of addresses."""
    found = text(value)
    return found if found.isascii() and found.isdigit() and len(found) <= _MOST_DIGITS else ""


def child(value: Any, *path: str) -> Any:
    """What stands at a path of members; None where there is no such thing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def rows(value: Any, *path: str) -> list[dict[str, Any]]:
    """The objects of a list at a path; [] where there is none."""
    found = child(value, *path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def moment(value: Any) -> datetime | None:
    """A time with its offset (RFC 3339), or a plain date at 0:00 UTC; None for anything else, or without an offset."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    if len(value) == 10:
        return found.replace(tzinfo=UTC)
    return found if found.tzinfo else None


def pem_blocks(pem: Any, *labels: str) -> tuple[bytes, ...]:
    """The octets of the blocks of these labels in PEM text (RFC 7468), whole ones only, whatever the line ends."""
    if not isinstance(pem, str):
        return ()
    found: Iterator[armour.Block] = armour.blocks(pem)
    return tuple(one.octets for one in found if one.label in labels and one.ended and one.octets)


def _error(answer: Answer) -> tuple[str, str]:
    """Code and message of the first error in a body; "" twice when it is not DigiCert's."""
    try:
        errors = child(answer.json(), "errors")
    except BadAnswer:
        return "", ""
    first = errors[0] if isinstance(errors, list) and errors else errors
    return text(child(first, "code")), text(child(first, "message"))


def _unauthorised(answer: Answer) -> NotAuthorised:
    code, words = _error(answer)
    if answer.status == 401:
        advice = "Make a new API key in CertCentral and put it into the issuer."
    else:
        advice = "Give the key's user the right in CertCentral, or put another key into the issuer."
    return NotAuthorised(f"{TITLE} refuses the API key: {quoted(code, words)} {advice}", ca_code=code)
