"""Fetching a certificate, and the chain that is wanted of those on offer (RFC 8555 §7.4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vault.errors import BadName, UnreadableFile
from vault.providers.acme.accounts import Session
from vault.providers.acme.wire import links
from vault.providers.answers import Answer
from vault.providers.base import Transient
from vault.x509.armour import blocks
from vault.x509.certificates import facts
from vault.x509.subjects import common_name

_PEM: Final = "application/pem-certificate-chain"
_MOST_CHAINS: Final = 5
_MOST_CERTIFICATES: Final = 10

Found = tuple[bytes, tuple[bytes, ...], tuple[str, ...]]


def fetch(session: Session, url: str, *, wanted: str) -> Found:
    """Return leaf, chain without its root (DER), and what is odd. `wanted`: the common name of a root; may be empty.

    Raises ProviderError.
    """
    answer = session.read(url, accept=_PEM)
    first = _certificates(session, answer)
    if not wanted or _leads_to(first, wanted):
        return _found(first)
    for other in links(answer, "alternate")[:_MOST_CHAINS]:
        chain = _certificates(session, session.read(other, accept=_PEM))
        if _leads_to(chain, wanted):
            return _found(chain)
    leaf, rest, _ = _found(first)
    return leaf, rest, (f"The CA has no chain that leads to “{wanted}”; the one it prefers was taken.",)


def _found(certificates: Sequence[bytes]) -> Found:
    leaf, *rest = certificates
    return leaf, tuple(one for one in rest if not facts(one).self_signed), ()


def _certificates(session: Session, answer: Answer) -> list[bytes]:
    found = [one.octets for one in blocks(answer.text()) if one.label == "CERTIFICATE" and one.octets]
    if found and len(found) <= _MOST_CERTIFICATES and all(_is_readable(one) for one in found):
        return found
    raise Transient(f"{session.server.title} gave no certificate where it should be. It is asked again.")


def _is_readable(der: bytes) -> bool:
    try:
        facts(der)
    except UnreadableFile:
        return False
    return True


def _leads_to(certificates: Sequence[bytes], root: str) -> bool:
    """Whether any certificate of a chain is signed by something of this common name."""
    return any(_issuer(one).lower() == root.lower() for one in certificates)


def _issuer(der: bytes) -> str:
    try:
        return common_name(facts(der).issuer)
    except BadName:
        return ""
