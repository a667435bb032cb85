"""Certificates that came from DigiCert: the one for our key, and what is odd about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from vault.errors import VaultError
from vault.providers.base import CertRequest, Issued, Ref
from vault.providers.digicert.wire import TITLE
from vault.x509.certificates import load
from vault.x509.checks import pick_leaf

# In `Ref.data`: for how many days it was ordered.
DAYS = "days"
_TOLERANCE = timedelta(days=1)


def issued(ref: Ref, found: Sequence[bytes], request: CertRequest) -> Issued | None:
    """The outcome for the certificates (DER) of a chain, chosen by public key; None when none is for our key.

    Raises UnreadableFile when one of them is damaged.
    """
    for octets in found:
        load(octets)
    try:
        leaf = pick_leaf(found, csr_der=request.csr)
    except VaultError:
        return None
    chain = tuple(octets for octets in found if octets != leaf)
    return Issued(ref=ref, leaf=leaf, chain=chain, warnings=tuple(_warnings(leaf, ref.data.get(DAYS))))


def _warnings(leaf: bytes, ordered: object) -> Iterator[str]:
    certificate = load(leaf)
    lasts = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if isinstance(ordered, int) and lasts + _TOLERANCE < timedelta(days=ordered):
        yield f"{TITLE} made it valid for {round(lasts / timedelta(days=1))} days; {ordered} were ordered."
