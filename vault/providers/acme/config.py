"""An ACME issuer's values, read from its form."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from vault.providers.acme.signing import mac_key

YES = "yes"
OTHER = "other"


class Method(enum.StrEnum):
    """How it is shown that a name is ours (RFC 8555 §8)."""

    HTTP = "http-01"
    DNS_UPDATE = "dns-01"
    DNS_BY_HAND = "dns-01-by-hand"

    @property
    def challenge(self) -> str:
        """The challenge's type on the wire."""
        return "http-01" if self is Method.HTTP else "dns-01"


@dataclass(frozen=True, kw_only=True)
class NameServer:
    """Where records are written (RFC 2136), and the key that allows it (RFC 8945); `secret` is base64."""

    host: str
    port: int
    zone: str
    key: str
    algorithm: str
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The values, with what was left out filled in. `key_id` and `mac_key` are the external account binding."""

    directory: str
    agreed: bool
    key_id: str
    mac_key: bytes | None = field(repr=False)
    contacts: tuple[str, ...]
    method: Method
    name_server: NameServer
    profile: str
    chain: str
    algorithm: str
    trust: str

    @property
    def account_id(self) -> str:
        """Under what its account is kept: another directory or another binding is another account."""
        return hashlib.sha256(f"{self.directory}\n{self.key_id}".encode()).hexdigest()[:16]


def read(values: Mapping[str, str], secrets: Mapping[str, str]) -> Config:
    """Read values and secrets by the names of the form's fields."""

    def text(name: str, default: str = "") -> str:
        return values.get(name, "").strip() or default

    chosen = text("directory", OTHER)
    return Config(
        directory=text("address") if chosen == OTHER else chosen,
        agreed=text("terms") == YES,
        key_id=text("account_id"),
        mac_key=mac_key(secrets.get("password", "")),
        contacts=tuple(values.get("contacts", "").replace(",", " ").split()),
        method=Method(text("method", Method.HTTP)),
        name_server=NameServer(
            host=text("dns_server"),
            port=_port(text("dns_port")),
            zone=text("dns_zone").rstrip("."),
            key=text("tsig_name").rstrip("."),
            algorithm=text("tsig_algorithm", "hmac-sha256"),
            secret=secrets.get("tsig_secret", "").strip(),
        ),
        profile=text("profile"),
        chain=text("chain"),
        algorithm=text("key_type", "ES256"),
        trust=values.get("trust", ""),
    )


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 53
    return number if 0 < number < 65536 else 53
