"""Calls to Atlas: a client certificate, and a token that lives for some minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from vault.providers.base import NotAuthorised, ProviderError, Rejected, Transient
from vault.providers.globalsign.account import TITLE
from vault.providers.web import Answer, BadAnswer, Purpose, Web, words

TOKEN_LIVES: Final = timedelta(minutes=9)
"""Tokens are believed to live ten minutes; Atlas does not say."""
SLOWEST: Final = 8.0
"""Seconds after which no order is begun: what went before and the order itself must fit into one step."""
_JSON: Final = {"Content-Type": "application/json;charset=utf-8"}


@dataclass
class _Token:
    """What one process knows of its session."""

    value: str = field(default="", repr=False)
    since: datetime | None = None
    guard: threading.Lock = field(default_factory=threading.Lock, repr=False)


@dataclass(frozen=True, kw_only=True)
class Api:
    """The calls, by what they may do."""

    web: Web
    key: str = field(repr=False)
    secret: str = field(repr=False)
    now: Callable[[], datetime] = field(repr=False)
    _token: _Token = field(default_factory=_Token, init=False, repr=False)

    def read(self, path: str, params: Sequence[tuple[str, str]] = (), *, take: Collection[int] = ()) -> Answer:
        """GET; answers with 2xx, 404 or what is in `take`. Raises Transient, NotAuthorised."""
        answer = self._call("GET", path, Purpose.READ, params=params, take=take)
        if answer.status >= 400 and answer.status != 404 and answer.status not in take:
            raise self.web.unusable(Purpose.READ, f"HTTP {answer.status}, {described(answer) or 'without a reason'}")
        return answer

    def value(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        """GET something that is always there, as JSON. Raises Transient, NotAuthorised."""
        answer = self.read(path, params)
        if answer.status == 404:
            raise self.web.unusable(Purpose.READ, f"{path} is not there (HTTP 404)")
        return self.web.json(answer, Purpose.READ)

    def order(self, path: str, body: Any) -> Answer:
        """POST what costs quota. Raises Rejected, Transient (nothing was ordered), NotAuthorised, OutcomeUnknown."""
        return self._accepted(self._call("POST", path, Purpose.ORDER, body=body), Purpose.ORDER)

    def change(self, path: str, body: Any) -> Answer:
        """PATCH. Raises Rejected, Transient (look before repeating), NotAuthorised."""
        return self._accepted(self._call("PATCH", path, Purpose.WRITE, body=body), Purpose.WRITE)

    def log_in(self) -> str:
        """Get a new token. Raises NotAuthorised, Transient."""
        body = {"api_key": self.key, "api_secret": self.secret}
        answer = self.web.call("POST", "/login", purpose=Purpose.READ, json=body, headers=_JSON)
        if answer.status in {401, 403, 422}:
            advice = "Put the right key, secret and client certificate into the issuer."
            raise NotAuthorised(f"{TITLE} refuses the API key: {_quoted(answer)}. {advice}", ca_code=str(answer.status))
        value = self.web.json(answer, Purpose.READ)
        token = value.get("access_token") if isinstance(value, dict) else None
        if answer.status >= 400 or not isinstance(token, str) or not token:
            raise self.web.unusable(Purpose.READ, f"no token came back (HTTP {answer.status})")
        return token

    # --------------------------------------------------------------- one call
    def _call(
        self,
        method: str,
        path: str,
        purpose: Purpose,
        *,
        body: Any = None,
        params: Sequence[tuple[str, str]] = (),
        take: Collection[int] = (),
    ) -> Answer:
        """Call with the token; when it is refused, nothing was done, so once more with a new one."""
        began = time.monotonic()
        for token in (self._current(), ""):
            if purpose is Purpose.ORDER and time.monotonic() - began > SLOWEST:
                raise Transient(f"{TITLE} answers slowly. Nothing was ordered yet; it is tried again.")
            headers = _JSON if body is not None else {}
            headers = {**headers, "Authorization": f"Bearer {token or self._current()}"}
            answer = self.web.call(method, path, purpose=purpose, json=body, params=params, headers=headers, take=take)
            if answer.status != 401:
                break
            self._forget()
        if answer.status in {401, 403}:
            raise _refused(answer)
        return answer

    def _current(self) -> str:
        token = self._token
        with token.guard:
            if token.since is None or not timedelta() <= self.now() - token.since < TOKEN_LIVES:
                token.value, token.since = self.log_in(), self.now()
            return token.value

    def _forget(self) -> None:
        with self._token.guard:
            self._token.since = None

    def _accepted(self, answer: Answer, purpose: Purpose) -> Answer:
        if answer.status < 400:
            return answer
        description = described(answer)
        if not description:
            raise self.web.unusable(purpose, f"HTTP {answer.status} without {TITLE}'s own words")
        raise Rejected(f"{TITLE} said no: {description} (HTTP {answer.status}).", ca_code=str(answer.status))


def described(answer: Answer) -> str:
    """Atlas's own words in a refusal (RFC 9457 with `description`), safe to show; "" when it is not Atlas's."""
    try:
        problem = answer.json()
    except BadAnswer:
        return ""
    found = problem.get("description") or problem.get("detail") if isinstance(problem, dict) else ""
    return words(found).rstrip(".") if isinstance(found, str) else ""


def _quoted(answer: Answer) -> str:
    return f"{described(answer) or 'no reason is given'} (HTTP {answer.status})"


def _refused(answer: Answer) -> ProviderError:
    quoted = _quoted(answer)
    if "quota" in quoted.lower():
        message = f"{TITLE}'s quota for this credential is used up: {quoted}. Buy more, then test the issuer."
    else:
        message = f"{TITLE} refuses the call: {quoted}. Check the credential's rights and the client certificate."
    return NotAuthorised(message, ca_code=str(answer.status))
