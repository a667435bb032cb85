"""Calls to one ACME server: directory, nonces, signed requests (RFC 8555 §6 and §7.1)."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vault.providers.acme import problems
from vault.providers.acme.problems import Problem
from vault.providers.acme.signing import Signer
from vault.providers.answers import Answer, words
from vault.providers.base import ProviderError, Transient
from vault.providers.web import Purpose, Web

TRIES: Final = 5
"""How often a call is repeated with a new nonce (§6.5: nothing happened on the server)."""
_DIRECTORY_LASTS: Final = 3600.0
_NONCES_KEPT: Final = 16
_LINK: Final = re.compile(r"<([^<>\s]{1,2000})>\s{0,5};[^,<]{0,200}?\brel\s{0,5}=\s{0,5}\"?([a-z ]{1,60})\"?")
_NONCE: Final = re.compile(r"[0-9A-Za-z_-]{1,1000}\Z")


@dataclass(frozen=True, kw_only=True)
class Directory:
    """Where the server's resources are, and what it says about itself (§7.1.1)."""

    new_nonce: str
    new_account: str
    new_order: str
    revoke_cert: str
    # Empty where the server does not say when to renew (RFC 9773 §4).
    renewal_info: str = ""
    terms: str = ""
    website: str = ""
    needs_binding: bool = False
    profiles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Server:
    """One ACME server. Keeps its directory for an hour, and nonces it has given."""

    web: Web
    _nonces: deque[str] = field(default_factory=lambda: deque(maxlen=_NONCES_KEPT), init=False, repr=False)
    _kept: dict[str, tuple[float, Directory]] = field(default_factory=dict, init=False, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def title(self) -> str:
        """What begins the sentences of refusals."""
        return self.web.title

    # ------------------------------------------------------------ unsigned
    def directory(self) -> Directory:
        """Return the directory. Raises Transient when what is there is none."""
        with self._guard:
            moment, known = self._kept.get("directory", (0.0, None))
        if known is not None and time.monotonic() - moment < _DIRECTORY_LASTS:
            return known
        found = _directory(self.get(self.web.base), self)
        with self._guard:
            self._kept["directory"] = (time.monotonic(), found)
        return found

    def get(self, url: str) -> Any:
        """Read a resource that needs no signature, as JSON. Raises ProviderError."""
        return self.json(self.get_answer(url))

    def get_answer(self, url: str) -> Answer:
        """Read a resource that needs no signature. Raises ProviderError."""
        answer = self.web.call("GET", url, purpose=Purpose.READ, take={429})
        if answer.status >= 400:
            raise self._refusal(answer, Purpose.READ)
        return answer

    def new_nonce(self) -> str:
        """Ask for a nonce (§7.2)."""
        answer = self.web.call("HEAD", self.directory().new_nonce, purpose=Purpose.READ)
        return self._nonce_of(answer) or self._missing("it gave no nonce")

    # -------------------------------------------------------------- signed
    def read(self, url: str, signer: Signer, account: str, *, accept: str = "application/json") -> Answer:
        """POST-as-GET (§6.3). Raises ProviderError."""
        return self._post(url, None, signer, account, accept)

    def post(self, url: str, payload: Mapping[str, Any], signer: Signer, account: str = "") -> Answer:
        """Send a signed request. Raises ProviderError; a refusal of the CA's is `problems.Refused`.

        A lost answer is Transient: orders cost nothing here, and all else can be looked at.
        """
        return self._post(url, payload, signer, account, "application/json")

    def json(self, answer: Answer) -> Mapping[str, Any]:
        """The object in an answer. Raises Transient."""
        value = self.web.json(answer, Purpose.READ)
        return value if isinstance(value, Mapping) else self._missing("it is no JSON object")

    def _post(self, url: str, payload: Mapping[str, Any] | None, signer: Signer, account: str, accept: str) -> Answer:
        purpose = Purpose.READ if payload is None else Purpose.WRITE
        headers = {"Content-Type": "application/jose+json", "Accept": accept}
        nonce = self._any_nonce()
        for _ in range(1 + TRIES):
            body = signer.sign(payload, url=url, nonce=nonce, account=account)
            answer = self.web.call("POST", url, purpose=purpose, content=body, headers=headers, take={429})
            given = self._nonce_of(answer)
            if answer.status < 400:
                if given:
                    self._nonces.append(given)
                return answer
            refusal = self._refusal(answer, purpose)
            if refusal.ca_code != "badNonce":
                if given:
                    self._nonces.append(given)
                raise refusal
            nonce = given or self.new_nonce()
        raise Transient(f"{self.title} refused {1 + TRIES} nonces of its own in a row. It is asked again.")

    def _refusal(self, answer: Answer, purpose: Purpose) -> ProviderError:
        """What a refusal means. One without a reason is the CA's own only where a nonce came with it."""
        if self._nonce_of(answer) and not answer.body:
            found: Problem | None = Problem(
                kind=f"http{answer.status}", text="no reason was given", status=answer.status
            )
        else:
            found = problems.read(self.web.json(answer, purpose), status=answer.status)
        if found is None:
            return self.web.unusable(purpose, f"HTTP {answer.status} without a reason")
        return problems.refusal(found, title=self.title, wait=answer.wait())

    def _any_nonce(self) -> str:
        try:
            return self._nonces.pop()
        except IndexError:
            return self.new_nonce()

    @staticmethod
    def _nonce_of(answer: Answer) -> str:
        given = answer.headers.get("Replay-Nonce", "")
        return given if _NONCE.match(given) else ""

    def _missing(self, why: str) -> Any:
        raise self.web.unusable(Purpose.READ, why)


def links(answer: Answer, relation: str) -> list[str]:
    """The addresses of a Link header (RFC 8288) with this relation."""
    header = answer.headers.get("Link", "")[:10_000]
    return [url for url, relations in _LINK.findall(header) if relation in relations.split()]


def _directory(value: Any, server: Server) -> Directory:
    known = ("newNonce", "newAccount", "newOrder", "revokeCert")
    if not isinstance(value, Mapping) or not all(isinstance(value.get(name), str) for name in known):
        raise server.web.unusable(Purpose.READ, "there is no ACME directory at this address")
    meta = _object(value.get("meta"))
    profiles = _object(meta.get("profiles"))
    return Directory(
        new_nonce=value["newNonce"],
        new_account=value["newAccount"],
        new_order=value["newOrder"],
        revoke_cert=value["revokeCert"],
        renewal_info=_text(value.get("renewalInfo")),
        terms=words(_text(meta.get("termsOfService"))),
        website=words(_text(meta.get("website"))),
        needs_binding=meta.get("externalAccountRequired") is True,
        profiles={words(name, most=64): words(about, most=200) for name, about in list(profiles.items())[:50]},
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
