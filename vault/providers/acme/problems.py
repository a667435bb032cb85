"""What an ACME server says when it says no: problem documents (RFC 8555 §6.7, RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from vault.providers.answers import words
from vault.providers.base import NotAuthorised, ProviderError, RateLimited, Rejected, Transient

_PREFIX: Final = "urn:ietf:params:acme:error:"
_ACCOUNT: Final = frozenset({"accountDoesNotExist", "externalAccountRequired", "userActionRequired"})
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem document: `kind` is the last part of its type, `text` the CA's words, subproblems included."""

    kind: str
    text: str
    status: int = 0


class Refused(Rejected):
    """The CA answered no, with a problem document."""

    def __init__(self, message: str, *, problem: Problem) -> None:
        super().__init__(message, ca_code=problem.kind)
        self.problem = problem


class NoSuchAccount(NotAuthorised):
    """The CA does not know the account key (RFC 8555 §7.3.1)."""


def read(value: Any, *, status: int = 0) -> Problem | None:
    """Read a problem document; None when it is none."""
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
        return None
    kind = words(value["type"].removeprefix(_PREFIX), most=64)
    parts = [words(value.get("detail") or kind)]
    for one in _list(value.get("subproblems"))[:5]:
        below = read(one)
        if below is not None:
            name = one.get("identifier")
            about = f"{words(name.get('value', ''), most=100)}: " if isinstance(name, Mapping) else ""
            parts.append(f"{about}{below.text}")
    return Problem(kind=kind, text=words(" · ".join(parts)), status=status)


def refusal(problem: Problem, *, title: str, wait: timedelta | None = None) -> ProviderError:
    """Turn a problem into what it means: for the account, for everybody for a while, or for this one call.

    A limit on one name or set of names concerns one request only, and is asked again later; so few limits say which
    they are that their words decide (https://letsencrypt.org/docs/rate-limits/).
    """
    sentence = f"{title}: {problem.text} ({problem.kind})"
    if problem.kind == "rateLimited" or problem.status == 429:
        return _limited(problem, sentence, wait)
    if problem.kind == "accountDoesNotExist":
        return NoSuchAccount(sentence, ca_code=problem.kind)
    if problem.status == 401 or problem.kind in _ACCOUNT or _is_closed_account(problem):
        return NotAuthorised(sentence, ca_code=problem.kind)
    return Refused(sentence, problem=problem)


def _limited(problem: Problem, sentence: str, wait: timedelta | None) -> ProviderError:
    text = problem.text.lower()
    if "visit" in text and "http" in text:
        # A person has to open a page of the CA's before it goes on.
        return Refused(sentence, problem=problem)
    if any(word in text for word in ("certificates", "authorizations", "identifiers")):
        return Transient(sentence, retry_after=wait or _HOUR, ca_code=problem.kind)
    return RateLimited(sentence, retry_after=wait or timedelta(minutes=5), ca_code=problem.kind)


def _is_closed_account(problem: Problem) -> bool:
    text = problem.text.lower()
    return (
        problem.kind == "unauthorized"
        and "account" in text
        and any(word in text for word in ("deactivated", "revoked", "not valid"))
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
