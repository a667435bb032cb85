"""The CA certificates that a vault knows: remembered from its versions, and used to complete what came without them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from vault.models import CACertificate, Vault
from vault.x509 import certificates, chains
from vault.x509.chains import MAX_CHAIN, Chain, Tries

_MOST_NAMESAKES = 50


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A chain in order, and those of its certificates (DER) that came out of the vault, not with the file."""

    chain: Chain
    added: tuple[bytes, ...] = ()


def complete_chain(vault: Vault, leaf: bytes, others: Sequence[bytes], *, tries: Tries | None = None) -> Completed:
    """Put the issuers of a leaf in order, and fill what is missing with CA certificates that the vault knows.

    A certificate joins only where its signature proves that it belongs. At most 200 signatures are checked for
    it, or what is left of `tries`. Raises UnreadableFile.
    """
    tries = tries or Tries()
    given = [other for other in others if other != leaf]
    known: list[bytes] = []
    chain = chains.order(leaf, given, tries=tries)
    while not chain.complete and len(chain.certificates) < MAX_CHAIN:
        top = chain.certificates[-1] if chain.certificates else leaf
        found = _issuer_of(vault, top, tries)
        if found is None or found in known:
            break
        known.append(found)
        longer = chains.order(leaf, [*given, *known], tries=tries)
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


def _issuer_of(vault: Vault, below: bytes, tries: Tries) -> bytes | None:
    """The CA certificate that signed `below`: of several, the one that the vault has known longest and is valid.

    Whoever imports a certificate chooses what stands above the CA that signed it: anybody can certify a CA's name and
    key under a root of their own. What came first stays, so that nobody puts that into the chains of others later.
    """
    wanted = CACertificate.objects.filter(vault=vault, subject_sha256=certificates.issuer_sha256(below))
    known = list(wanted.order_by("pk").values_list("der", "not_after")[:_MOST_NAMESAKES])
    moment, child = timezone.now(), certificates.load(below)
    known.sort(key=lambda one: one[1] < moment)
    return next((bytes(der) for der, _ in known if tries.proves(child, certificates.load(bytes(der)))), None)


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
