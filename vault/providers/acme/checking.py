"""Testing an ACME issuer: line by line, with calls that change nothing that stays."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from vault.providers.acme.accounts import Accounts, Session, needs_binding
from vault.providers.acme.config import Config, Method
from vault.providers.acme.problems import NoSuchAccount
from vault.providers.acme.solving import name_servers
from vault.providers.acme.updates import Updates
from vault.providers.acme.wire import Directory, Server
from vault.providers.base import Check, CheckLine, ProviderError, Setup


def check(setup: Setup, config: Config, accounts: Accounts) -> Check:
    """Look at everything that can be looked at without an order. Raises nothing of ProviderError."""
    server = accounts.server_at(config.directory)
    try:
        directory = server.directory()
    except ProviderError as error:
        return Check(lines=(CheckLine(ok=False, text=str(error)),))
    lines = [CheckLine(ok=True, text=_found(server, directory)), *_nonce(server), *_terms(config, directory)]
    lines += _binding(config, directory, server)
    lines += _account(accounts)
    lines += _profile(config, directory)
    if config.method is Method.DNS_UPDATE:
        lines += _updates(setup, config)
    return Check(lines=tuple(lines))


def _found(server: Server, directory: Directory) -> str:
    extras = [f"website {directory.website}"] if directory.website else []
    extras += ["it says when to renew (ARI)"] if directory.renewal_info else []
    more = f": {', '.join(extras)}" if extras else ""
    return f"The directory of {server.title} was found{more}."


def _nonce(server: Server) -> Iterator[CheckLine]:
    try:
        server.new_nonce()
    except ProviderError as error:
        yield CheckLine(ok=False, text=str(error))


def _terms(config: Config, directory: Directory) -> Iterator[CheckLine]:
    where = f" ({directory.terms})" if directory.terms else ""
    if config.agreed:
        yield CheckLine(ok=True, text=f"The terms{where} have been agreed to.")
    else:
        yield CheckLine(ok=False, text=f"The terms{where} have not been agreed to. Read them, then tick the box.")


def _binding(config: Config, directory: Directory, server: Server) -> Iterator[CheckLine]:
    if config.key_id and config.mac_key is None:
        text = "The HMAC key for external account binding is missing or not base64. Enter it as the CA gave it."
        yield CheckLine(ok=False, text=text)
    elif config.key_id:
        yield CheckLine(ok=True, text=f"The account is bound to the key id “{config.key_id}”.")
    elif directory.needs_binding:
        yield CheckLine(ok=False, text=needs_binding(server.title))


def _account(accounts: Accounts) -> Iterator[CheckLine]:
    """Ask about an account that exists; one that an order has begun to make is made now, so that a pause can end."""
    try:
        session = accounts.kept()
        if session is None and accounts.is_begun():
            session = accounts.current()
        if session is None:
            yield CheckLine(ok=True, text="There is no account yet. The first order makes one.")
            return
        yield _status(session)
    except NoSuchAccount as error:
        yield CheckLine(ok=False, text=f"The CA does not know the account of this issuer any more. {error}")
    except ProviderError as error:
        yield CheckLine(ok=False, text=str(error))


def _status(session: Session) -> CheckLine:
    server, signer = session.server, session.account.signer
    answer = server.post(server.directory().new_account, {"onlyReturnExisting": True}, signer)
    status = server.json(answer).get("status", "valid")
    if status == "valid":
        return CheckLine(ok=True, text=f"The account {session.account.url} is in order.")
    return CheckLine(ok=False, text=f"The account {session.account.url} is {str(status)[:40]} at the CA.")


def _profile(config: Config, directory: Directory) -> Iterator[CheckLine]:
    if not config.profile:
        return
    known = ", ".join(directory.profiles) or "none"
    if config.profile in directory.profiles:
        yield CheckLine(ok=True, text=f"The profile “{config.profile}” is known.")
    else:
        yield CheckLine(ok=False, text=f"The profile “{config.profile}” is not known; the CA has: {known}.")


def _updates(setup: Setup, config: Config) -> Iterator[CheckLine]:
    """Write a record and take it away again, where the zone is known before any name is."""
    server = config.name_server
    if not server.host:
        yield CheckLine(ok=False, text="The name server that takes updates is missing. Enter it.")
        return
    if not server.zone:
        text = "No zone is named, so no record was tried: it is found for each name by its SOA record."
        yield CheckLine(ok=True, text=text)
        return
    updates = Updates(server=server, rules=setup.rules)
    name, value = f"_acme-challenge.chancery-test-{secrets.token_hex(4)}.{server.zone}", "chancery-test"
    try:
        found = name_servers(setup, config).zone_of(f"_acme-challenge.{server.zone}")
        yield CheckLine(ok=True, text=f"The zone “{found}” was found in the DNS.")
        updates.add(name, value, zone=server.zone)
        updates.remove(name, value, zone=server.zone)
    except ProviderError as error:
        yield CheckLine(ok=False, text=str(error))
        return
    yield CheckLine(ok=True, text=f"{server.host} took a test record in “{server.zone}”, and took it away again.")
