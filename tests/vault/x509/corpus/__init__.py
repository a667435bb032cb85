"""Odd and hostile files, each with the answer that is right for it. Made here, so that nobody's real key is in it."""

from tests.vault.x509.corpus.cases import BOTH, KEY, LEAF, P8, PEM, Case
from tests.vault.x509.corpus.expensive import expensive
from tests.vault.x509.corpus.foreign import archives, damaged, foreign
from tests.vault.x509.corpus.keys import keys
from tests.vault.x509.corpus.sealed import sealed
from tests.vault.x509.corpus.written import in_octets, in_text

__all__ = ["BOTH", "CASES", "KEY", "LEAF", "P8", "PEM", "Case"]

CASES = [
    *in_text(),
    *in_octets(),
    *sealed(),
    *expensive(),
    *keys(),
    *damaged(),
    *foreign(),
    *archives(),
]
