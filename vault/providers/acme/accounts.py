"""The accounts of an ACME issuer: made once, kept for good (RFC 8555 §7.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vault.providers.acme.config import Config
from vault.providers.acme.problems import NoSuchAccount, Refused
from vault.providers.acme.signing import Signer
from vault.providers.acme.wire import Server
from vault.providers.answers import Answer
from vault.providers.base import Memory, NotAuthorised, ProviderError, Transient

_MOST_KEEPERS = 10


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account as it is kept: its directory, its key, and its address once the CA knows it."""

    id: str
    directory: str
    signer: Signer = field(repr=False)
    url: str = ""

    def dumps(self) -> str:
        """Write it down, key included, for keeping under seal."""
        return json.dumps({"directory": self.directory, "key": self.signer.dumps(), "url": self.url})

    @classmethod
    def loads(cls, account_id: str, text: str) -> Account:
        """Read what `dumps` wrote."""
        kept = json.loads(text)
        signer = Signer.loads(kept["key"])
        return cls(id=account_id, directory=kept["directory"], signer=signer, url=kept["url"])


@dataclass(frozen=True, kw_only=True)
class Session:
    """One account at its server."""

    server: Server
    account: Account

    def read(self, url: str, *, accept: str = "application/json") -> Answer:
        """POST-as-GET. Raises ProviderError."""
        return self.server.read(url, self.account.signer, self.account.url, accept=accept)

    def read_json(self, url: str) -> Mapping[str, Any]:
        """POST-as-GET of an object. Raises ProviderError."""
        return self.server.json(self.read(url))

    def post(self, url: str, payload: Mapping[str, Any]) -> Answer:
        """Send a signed request. Raises ProviderError."""
        return self.server.post(url, payload, self.account.signer, self.account.url)


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """Finds and makes accounts. An issuer that was edited keeps those it had: their orders may still be open."""

    config: Config
    memory: Memory = field(repr=False)
    server_at: Callable[[str], Server]

    def kept(self, account_id: str = "") -> Session | None:
        """Return the account of this id (by default the one for the values of today) if the CA knows it."""
        account = self._load(account_id or self.config.account_id)
        return self._session(account) if account is not None and account.url else None

    def is_begun(self) -> bool:
        """Whether a key for today's account exists and the CA may or may not know it."""
        account = self._load(self.config.account_id)
        return account is not None and not account.url

    def current(self) -> Session:
        """Return the account for the values of today, registering it when there is none.

        The key is kept before the CA hears of it, and the address at once: an EAB key often works a single time.

        Raises NotAuthorised when the CA or the values do not allow it, Transient when it did not answer.
        """
        account = self._load(self.config.account_id)
        if account is not None and account.url:
            return self._session(account)
        begun = account is not None
        account = account or self._first(self._new())
        server = self.server_at(account.directory)
        try:
            url = (self._look_up(server, account) if begun else "") or self._register(server, account)
        except ProviderError:
            # Another worker may have been faster, with the same key.
            other = self.kept()
            if other is None:
                raise
            return other
        return self._session(self._keep(replace(account, url=url)))

    def _new(self) -> Account:
        signer = Signer.new(self.config.algorithm)
        return Account(id=self.config.account_id, directory=self.config.directory, signer=signer)

    # ---------------------------------------------------------- at the CA
    def _look_up(self, server: Server, account: Account) -> str:
        """Return the address of the account that has this key; empty when there is none (§7.3.1)."""
        try:
            answer = server.post(server.directory().new_account, {"onlyReturnExisting": True}, account.signer)
        except NoSuchAccount:
            return ""
        except Refused:
            # Some servers want a binding before they look; registering finds it as well.
            return ""
        return _location(answer, server)

    def _register(self, server: Server, account: Account) -> str:
        directory = server.directory()
        wanted: dict[str, Any] = {"termsOfServiceAgreed": True}
        if not self.config.agreed:
            raise NotAuthorised(_disagreed(server.title, directory.terms))
        if self.config.contacts:
            wanted["contact"] = [f"mailto:{one}" for one in self.config.contacts]
        binding = self._binding(account, directory.new_account)
        if binding:
            wanted["externalAccountBinding"] = binding
        elif directory.needs_binding:
            raise NotAuthorised(needs_binding(server.title))
        try:
            return _location(server.post(directory.new_account, wanted, account.signer), server)
        except Refused as error:
            raise NotAuthorised(f"No account could be made. {error}", ca_code=error.ca_code) from None

    def _binding(self, account: Account, url: str) -> dict[str, str]:
        if not self.config.key_id or self.config.mac_key is None:
            return {}
        return account.signer.binding(key_id=self.config.key_id, mac_key=self.config.mac_key, url=url)

    # ------------------------------------------------------------ keeping
    def _load(self, account_id: str) -> Account | None:
        text = (self.memory.load() or {}).get(account_id)
        return None if text is None else Account.loads(account_id, text)

    def _first(self, account: Account) -> Account:
        """Keep a new key; when another worker was faster, that one's key counts."""
        return self._put(account, over=lambda _: False)

    def _keep(self, account: Account) -> Account:
        """Keep an account that the CA knows."""
        return self._put(account, over=lambda known: not known.url)

    def _put(self, account: Account, *, over: Callable[[Account], bool]) -> Account:
        for _ in range(_MOST_KEEPERS):
            before = self.memory.load()
            known = (before or {}).get(account.id)
            if known is not None and not over(Account.loads(account.id, known)):
                return Account.loads(account.id, known)
            if self.memory.keep(before, {**(before or {}), account.id: account.dumps()}):
                return account
        raise Transient("The account at the CA could not be kept: others keep changing it. It is tried again.")

    def _session(self, account: Account) -> Session:
        return Session(server=self.server_at(account.directory), account=account)


def needs_binding(title: str) -> str:
    """What to do where a CA gives accounts only to people it knows."""
    return (
        f"{title} gives accounts only to its customers (external account binding). Get a key id and an HMAC key from "
        "the CA and enter them at the issuer."
    )


def _disagreed(title: str, terms: str) -> str:
    where = f" ({terms})" if terms else ""
    return f"The terms of {title}{where} have not been agreed to. Read them, then tick the box at the issuer."


def _location(answer: Answer, server: Server) -> str:
    url = answer.headers.get("Location", "")
    if not url:
        raise Transient(f"{server.title} did not say where the account is. It is asked again.")
    return url
