"""The CA certificates that a vault knows: remembered from its versions, and used to complete what came without them."""

from collections.abc import Sequence
from dataclasses import dataclass

from vault.models import CACertificate, Vault
from vault.x509 import certificates, chains
from vault.x509.chains import MAX_CHAIN, Chain

_MOST_NAMESAKES = 10


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A chain in order, and those of its certificates (DER) that came out of the vault, not with the file."""

    chain: Chain
    added: tuple[bytes, ...] = ()


def complete_chain(vault: Vault, leaf: bytes, others: Sequence[bytes]) -> Completed:
    """Put the issuers of a leaf in order, and fill what is missing with CA certificates that the vault knows.

    A certificate joins only where its signature proves that it belongs. Raises UnreadableFile.
    """
    given = [other for other in others if other != leaf]
    known: list[bytes] = []
    chain = chains.order(leaf, given)
    while not chain.complete and len(chain.certificates) < MAX_CHAIN:
        top = chain.certificates[-1] if chain.certificates else leaf
        found = [der for der in _namesakes(vault, certificates.issuer_sha256(top)) if der not in known]
        if not found:
            break
        known += found
        longer = chains.order(leaf, [*given, *known])
        if len(longer.certificates) <= len(chain.certificates):
            break
        chain = longer
    ignored = tuple(der for der in chain.ignored if der in given)
    added = tuple(der for der in chain.certificates if der not in given)
    return Completed(
        chain=Chain(certificates=chain.certificates, complete=chain.complete, ignored=ignored), added=added
    )


def remember(vault: Vault, issuers: Sequence[bytes]) -> None:
    """Keep the CA certificates of a chain that is being stored; those the vault has are left as they are."""
    rows = [_row(vault, der) for der in issuers]
    if rows:
        CACertificate.objects.bulk_create(rows, ignore_conflicts=True)


def _namesakes(vault: Vault, subject_sha256: str) -> list[bytes]:
    wanted = CACertificate.objects.filter(vault=vault, subject_sha256=subject_sha256).order_by("-not_after")
    return [bytes(der) for der in wanted.values_list("der", flat=True)[:_MOST_NAMESAKES]]


def _row(vault: Vault, der: bytes) -> CACertificate:
    facts = certificates.facts(der)
    return CACertificate(
        vault=vault,
        thumbprint_sha256=facts.thumbprint_sha256,
        subject_sha256=certificates.subject_sha256(der),
        title=(facts.common_names[0] if facts.common_names else facts.subject)[:200],
        der=der,
        not_after=facts.not_after,
    )
