"""Which issuer an operation has, and the adapter that speaks to it."""

from vault.errors import PolicyViolation
from vault.keys.making import open_key
from vault.models import Operation, Vault
from vault.models.policy import SELF, UNKNOWN
from vault.providers.base import Can, Provider
from vault.providers.self_signed import SelfSigned
from vault.providers.unknown import WAITING, Unknown

__all__ = ["WAITING", "first_step", "names", "names_for_brought", "official_name", "provider_for"]


def names(vault: Vault) -> tuple[str, ...]:  # noqa: ARG001 - registered CAs will be the vault's own
    """Names of the issuers that `vault` can order from, the two that always exist first."""
    return (SELF, UNKNOWN)


def names_for_brought(vault: Vault) -> tuple[str, ...]:
    """Names of the issuers that can sign a request whose key is not here: all but the self-signing one."""
    return tuple(name for name in names(vault) if name != SELF)


def official_name(vault: Vault, given: str) -> str:
    """Return the issuer's name as it is spelled; issuers are found whatever the case. Raises PolicyViolation."""
    for name in names(vault):
        if name.lower() == given.lower():
            return name
    known = ", ".join(names(vault))
    message = f"“{given}” is not an issuer of the vault “{vault}”. Choose one of: {known}."
    raise PolicyViolation(message, field="issuer_name")


def provider_for(operation: Operation) -> Provider:
    """Build the adapter for one operation, handing it what it needs. Raises RingError."""
    if operation.issuer_name == UNKNOWN:
        return Unknown()
    assert operation.key is not None
    return SelfSigned(key=open_key(operation.key))


def first_step(issuer_name: str) -> Operation.Step:
    """Where an operation of this issuer begins."""
    provider: type[Provider] = Unknown if issuer_name == UNKNOWN else SelfSigned
    return Operation.Step.AWAITING_MERGE if Can.BY_HAND in provider.can else Operation.Step.READY
