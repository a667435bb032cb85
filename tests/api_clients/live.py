"""A portal over TLS with workers, as the clients of applications meet it."""

import json
import secrets
import socket
import ssl
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

from azure.core.credentials import AccessToken

from tests.processes.portal import Portal

DOMAIN: Final = "vault.localhost"
# Makes a vault, somebody of each role in it, and a token of each.
_MAKE: Final = """
import json, sys
from portal import memberships, tokens
from portal.models import Role, User
from vault.lifecycle import vaults
from vault.models.audit import SYSTEM
order = json.loads({order!r})
vault = vaults.create_vault(name=order["vault"], by=SYSTEM, **order["facts"])
made = {{}}
for role in order["roles"]:
    user = User.objects.create(username=f"{{role}}-{{vault}}")
    memberships.add(vault=vault, member=user, role=Role(role), by=SYSTEM)
    made[role] = tokens.make(user=user, name="clients", vaults=[vault], verbs=["all"], days=30, by=SYSTEM)[1]
print(json.dumps(made))
"""


_MAKE_APPLICATION: Final = """
import json
from portal import applications, memberships
from portal.models import Role, User
from vault.models import Vault
from vault.models.audit import SYSTEM
vault = Vault.objects.get(name="{vault}")
owner, _ = User.objects.get_or_create(username="owner-of-{vault}")
application, secret = applications.make(name="{vault}-{role}", owner=owner, days=30, by=SYSTEM)
memberships.add(vault=vault, member=application.account, role=Role("{role}"), by=SYSTEM)
print(json.dumps([application.client_id, secret]))
"""


@dataclass(frozen=True)
class LiveVault:
    """A vault of the live portal, and a token for each role in it."""

    name: str
    url: str
    tokens: dict[str, str]

    def credential(self, role: str = "officer") -> "StaticToken":
        """What a client of Azure's libraries takes."""
        return StaticToken(self.tokens[role])


@dataclass(frozen=True)
class StaticToken:
    """The whole of what an application needs to use a token with Azure's libraries for Python."""

    token: str

    def __repr__(self) -> str:
        return "<StaticToken>"

    def get_token(self, *_scopes: str, **_: Any) -> AccessToken:
        """The token, good for the next hour."""
        import time

        return AccessToken(self.token, int(time.time()) + 3600)


@dataclass(frozen=True)
class AsyncStaticToken:
    """The same for the asynchronous libraries."""

    token: str

    def __repr__(self) -> str:
        return "<AsyncStaticToken>"

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """The token."""
        return StaticToken(self.token).get_token(*scopes, **options)

    async def close(self) -> None:
        """There is nothing to close."""


class Live:
    """The running portal."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.ca = str(portal.ca)

    def url(self, vault: str) -> str:
        """Where a vault is."""
        return f"https://{vault}.{DOMAIN}:{self.portal.port}"

    def read(self, address: str) -> bytes:
        """What anyone gets at an address."""
        with urllib.request.urlopen(address, context=ssl.create_default_context(cafile=self.ca)) as answer:
            return bytes(answer.read())

    def make_vault(self, *roles: str, name: str = "", **facts: Any) -> LiveVault:
        """A fresh vault with somebody of each role (an officer at least) and their tokens. Takes about two seconds."""
        name = name or f"v{secrets.token_hex(6)}"
        order = json.dumps({"vault": name, "roles": roles or ["officer"], "facts": facts})
        made = self.portal.run_python(_MAKE.format(order=order))
        return LiveVault(name, self.url(name), json.loads(made))

    def make_application(self, vault: LiveVault, role: str) -> list[str]:
        """Client id and secret of a fresh application with this role in the vault."""
        made: list[str] = json.loads(self.portal.run_python(_MAKE_APPLICATION.format(vault=vault.name, role=role)))
        return made


_getaddrinfo = socket.getaddrinfo


def resolve(host: Any, *rest: Any, **options: Any) -> Any:
    """What the hosts file does that `up --tls` asks for: vaults are on this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    here = isinstance(name, str) and name.endswith(f".{DOMAIN}")
    return _getaddrinfo("127.0.0.1" if here else host, *rest, **options)
