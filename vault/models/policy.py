"""What a certificate should be like: a value, not a row.

A certificate holds one policy, each operation the copy it was started with. Because a policy is immutable, a
"copy" is the same value in another column.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db import models

KEY_USAGES = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
SELF = "Self"
UNKNOWN = "Unknown"
PKCS12 = "application/x-pkcs12"
PEM_FILE = "application/x-pem-file"


class LifetimeActionType(enum.StrEnum):
    """What happens when a certificate's time draws near."""

    AUTO_RENEW = "AutoRenew"
    EMAIL_CONTACTS = "EmailContacts"


@dataclass(frozen=True, kw_only=True)
class KeyPolicy:
    """The key to make: RSA of a size in bits, or EC on a named curve (P-256, P-384, P-521, P-256K)."""

    kty: Literal["RSA", "EC"] = "RSA"
    size: int | None = 2048
    curve: str | None = None
    exportable: bool = True
    reuse: bool = False

    @property
    def title(self) -> str:
        """`RSA 2048` or `EC P-256`."""
        return f"RSA {self.size}" if self.kty == "RSA" else f"EC {self.curve}"


@dataclass(frozen=True, kw_only=True)
class AlternativeNames:
    """Subject alternative names (RFC 5280 §4.2.1.6), each kind in the order given; DNS names as A-labels."""

    dns: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    upns: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.dns or self.emails or self.upns or self.uris or self.ips)

    def __len__(self) -> int:
        return len(self.dns) + len(self.emails) + len(self.upns) + len(self.uris) + len(self.ips)

    def pairs(self) -> list[tuple[str, str]]:
        """Every name as (kind, value), kinds `dns`, `email`, `upn`, `uri`, `ip`."""
        kinds = (("dns", self.dns), ("email", self.emails), ("upn", self.upns), ("uri", self.uris), ("ip", self.ips))
        return [(kind, value) for kind, values in kinds for value in values]


@dataclass(frozen=True, kw_only=True)
class Validity:
    """How long a certificate should be valid, as given: a number and its unit."""

    number: int = 12
    unit: Literal["days", "months"] = "months"

    def __str__(self) -> str:
        unit = self.unit[:-1] if self.number == 1 else self.unit
        return f"{self.number} {unit}"


@dataclass(frozen=True, kw_only=True)
class LifetimeAction:
    """One rule: at a percentage of the lifetime (1 to 99), or so many days before expiry, do `action`."""

    action: LifetimeActionType
    lifetime_percentage: int | None = None
    days_before_expiry: int | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Key, secret, X.509 properties, issuer and lifetime actions, with the key vault's defaults."""

    key: KeyPolicy = field(default_factory=KeyPolicy)
    content_type: str = PKCS12
    subject: str = ""
    names: AlternativeNames = field(default_factory=AlternativeNames)
    key_usage: tuple[str, ...] = ("digitalSignature", "keyEncipherment")
    ekus: tuple[str, ...] = (SERVER_AUTH, CLIENT_AUTH)
    validity: Validity = field(default_factory=Validity)
    issuer_name: str = UNKNOWN
    certificate_type: str = ""
    transparency: bool | None = None
    lifetime_actions: tuple[LifetimeAction, ...] = ()
    # What a client of the API said of a certificate that “the platform manages”, as JSON; kept, and otherwise unused.
    platform_managed: str = ""

    def to_json(self) -> dict[str, Any]:
        """The policy as JSON-able data; `from_json` gives an equal policy back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Policy:
        """Read what `to_json` wrote."""
        return cls(
            **{
                **data,
                "key": KeyPolicy(**data["key"]),
                "names": AlternativeNames(**{kind: tuple(values) for kind, values in data["names"].items()}),
                "key_usage": tuple(data["key_usage"]),
                "ekus": tuple(data["ekus"]),
                "validity": Validity(**data["validity"]),
                "lifetime_actions": tuple(
                    LifetimeAction(**{**rule, "action": LifetimeActionType(rule["action"])})
                    for rule in data["lifetime_actions"]
                ),
            }
        )


class PolicyField(models.JSONField):
    """A column that holds one Policy."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Policy | None:
        data = super().from_db_value(value, expression, connection)
        return None if data is None else Policy.from_json(data)

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value.to_json() if isinstance(value, Policy) else value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002
        return super().get_db_prep_value(value.to_json() if isinstance(value, Policy) else value, connection, prepared)

    def to_python(self, value: Any) -> Any:
        return value
