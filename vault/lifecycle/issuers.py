"""Which issuers a vault has, and the adapter that speaks to one of them: credentials are opened here alone."""

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from vault.errors import NotAllowedNow, PolicyViolation
from vault.keys.making import open_key
from vault.keys.sealing import Purpose, seal, unseal
from vault.models import Challenge, Issuer, Operation, Vault
from vault.models.policy import SELF, UNKNOWN
from vault.providers import offer_of
from vault.providers.base import AddressRules, Administrator, Provider, Rejected, Setup
from vault.providers.self_signed import SelfSigned
from vault.providers.unknown import WAITING, Unknown
from vault.providers.values import lacking

__all__ = [
    "WAITING",
    "first_step",
    "issuer_of",
    "names",
    "names_for_brought",
    "official_name",
    "open_secrets",
    "provider_for",
    "provider_of",
    "seal_secrets",
]

# Adapters keep their connections; so many issuers' at a time in one process.
_KEPT = 64
_adapters: OrderedDict[tuple[int, str, int], Provider] = OrderedDict()
_guard = threading.Lock()


# --------------------------------------------------------------------- names
def names(vault: Vault) -> tuple[str, ...]:
    """Names of the issuers that `vault` can order from, the two that always exist first."""
    own = Issuer.objects.filter(vault=vault, enabled=True).order_by("name_key").values_list("name", flat=True)
    return (SELF, UNKNOWN, *own)


def names_for_brought(vault: Vault) -> tuple[str, ...]:
    """Names of the issuers that can sign a request whose key is not here: all but the self-signing one."""
    return tuple(name for name in names(vault) if name != SELF)


def official_name(vault: Vault, given: str) -> str:
    """Return the issuer's name as it is spelled; issuers are found whatever the case. Raises PolicyViolation."""
    for name in (SELF, UNKNOWN):
        if name.lower() == given.lower():
            return name
    issuer = Issuer.objects.filter(vault=vault).named(given).only("name", "enabled").first()
    if issuer is not None and issuer.enabled:
        return issuer.name
    known = ", ".join(names(vault))
    if issuer is not None:
        message = f"The issuer “{issuer}” of the vault “{vault}” is switched off. Choose one of: {known}."
    else:
        message = f"“{given}” is not an issuer of the vault “{vault}”. Choose one of: {known}."
    raise PolicyViolation(message, field="issuer_name")


def issuer_of(vault: Vault, name: str) -> Issuer | None:
    """Return the registered issuer of this name; None for the two that always exist, and when there is none."""
    return None if name in {SELF, UNKNOWN} else Issuer.objects.filter(vault=vault).named(name).first()


def first_step(issuer_name: str) -> Operation.Step:
    """Where an operation of this issuer begins."""
    return Operation.Step.AWAITING_MERGE if issuer_name == UNKNOWN else Operation.Step.READY


# ------------------------------------------------------------------ adapters
def provider_for(operation: Operation) -> Provider:
    """Return the adapter for one operation, handing it what it needs.

    Raises:
        RingError: credentials or key do not open.
        NotAllowedNow: its issuer is gone.
    """
    if operation.issuer_name == UNKNOWN:
        return Unknown()
    if operation.issuer_name == SELF:
        assert operation.key is not None
        return SelfSigned(key=open_key(operation.key))
    if operation.issuer is None:
        raise NotAllowedNow(f"The issuer “{operation.issuer_name}” of this request has been removed.")
    return provider_of(operation.issuer)


def provider_of(issuer: Issuer) -> Provider:
    """Return the adapter of a registered issuer; kept, with its connections, until the issuer is edited.

    Raises:
        RingError: the credentials do not open.
        NotAllowedNow: the issuer is gone, or lacks a value that it needs, or this portal has no adapter of that name.
    """
    key = (os.getpid(), issuer.pk.hex, issuer.revision)
    with _guard:
        if key in _adapters:
            _adapters.move_to_end(key)
            return _adapters[key]
    # Values and credentials of one moment: those of before an edit must not meet those of after it.
    whole = Issuer.objects.select_related("vault").filter(pk=issuer.pk).first()
    if whole is None:
        raise NotAllowedNow(f"The issuer “{issuer}” has been removed.")
    key = (*key[:2], whole.revision)
    adapter = build(whole, open_secrets(whole))
    with _guard:
        for old in [known for known in _adapters if known[:2] == key[:2]]:
            del _adapters[old]
        _adapters[key] = adapter
        while len(_adapters) > _KEPT:
            _adapters.popitem(last=False)
    return adapter


def build(issuer: Issuer, secrets: Mapping[str, str]) -> Provider:
    """Build an adapter anew, for an issuer that need not be saved. Raises NotAllowedNow."""
    offer = offer_of(issuer.provider)
    if offer is None:
        raise NotAllowedNow(f"This portal does not know the provider “{issuer.provider}”.")
    missing = lacking(offer, issuer.config, secrets)
    if missing:
        what = ", ".join(field.label for field in missing)
        raise NotAllowedNow(
            f"The issuer “{issuer}” lacks something: {what}. An administrator can enter it on its page."
        )
    networks = tuple(settings.CA_NETWORKS)
    return offer.build(
        Setup(
            config=issuer.config,
            secrets=secrets,
            administrators=[Administrator(**person) for person in issuer.administrators],
            rules=AddressRules(loopback=settings.CA_LOOPBACK, networks=networks),
            memory=_Memory(issuer),
            board=_Board(issuer),
            nameservers=tuple(settings.NAMESERVERS),
            now=timezone.now,
        )
    )


# ------------------------------------------------------------------- secrets
def seal_secrets(issuer: Issuer, secrets: Mapping[str, str]) -> bytes:
    """Return the credentials sealed for an issuer's row. Raises RingError."""
    return _seal(issuer, Purpose.ISSUER, secrets)


def open_secrets(issuer: Issuer) -> dict[str, str]:
    """Return the credentials of an issuer. Raises RingError."""
    return _open(issuer, Purpose.ISSUER, issuer.secrets)


@dataclass(frozen=True)
class _Memory:
    """Keeps what an adapter must not lose in the issuer's row, sealed."""

    issuer: Issuer

    def load(self) -> Mapping[str, str] | None:
        kept = self._kept()
        return None if kept is None else _open(self.issuer, Purpose.ACME_ACCOUNT, kept)

    def keep(self, before: Mapping[str, str] | None, now: Mapping[str, str]) -> bool:
        kept = self._kept()
        if (None if kept is None else _open(self.issuer, Purpose.ACME_ACCOUNT, kept)) != before:
            return False
        return self.issuer.keep_memory(kept, _seal(self.issuer, Purpose.ACME_ACCOUNT, now))

    def _kept(self) -> bytes | None:
        kept = Issuer.objects.filter(pk=self.issuer.pk).values_list("memory", flat=True).first()
        return None if kept is None else bytes(kept)


@dataclass(frozen=True)
class _Board:
    """Puts answers to http-01 challenges where the portal finds them."""

    issuer: Issuer

    def put_up(self, token: str, key_authorization: str) -> None:
        answer = {"issuer": self.issuer, "key_authorization": key_authorization}
        _, is_new = Challenge.objects.get_or_create(token=token, defaults=answer)
        mine = Challenge.objects.filter(token=token, issuer=self.issuer)
        if not is_new and not mine.update(key_authorization=key_authorization):
            raise Rejected("The CA gave a token that another issuer answers for. Request the certificate again.")

    def take_down(self, token: str) -> None:
        Challenge.objects.filter(token=token, issuer=self.issuer).delete()


def _seal(issuer: Issuer, purpose: Purpose, values: Mapping[str, str]) -> bytes:
    plain = json.dumps(dict(values), sort_keys=True).encode()
    return seal(plain, purpose=purpose, vault_id=issuer.vault_id, row_id=issuer.pk)


def _open(issuer: Issuer, purpose: Purpose, sealed: bytes | memoryview) -> dict[str, str]:
    plain = unseal(sealed, purpose=purpose, vault_id=issuer.vault_id, row_id=issuer.pk)
    values: dict[str, str] = json.loads(plain)
    return values
