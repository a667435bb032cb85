"""What opening a file would cost: every key-derivation count, read before anything is derived.

A file of 3 kB can ask for an hour of work, and the count is believed before the password is known to be right. The
library reads it as a machine word, where 2^32 wraps round to nothing; here numbers have no end. An scrypt costs
N·r·p, which is as long as as many rounds of PBKDF2.
"""

from __future__ import annotations

from vault.x509 import asn1

MAX_ROUNDS = 1_000_000
MAX_TOGETHER = 2_000_000
_MAX_SCRYPT_BLOCKS = 2**19
"""N·r, in blocks of 128 octets: 64 MB."""
_MAX_COUNT = 2**31
_MAX_DIGITS = 20

PKCS5, PKCS12 = "1.2.840.113549.1.5.", "1.2.840.113549.1.12.1."
PBKDF2, PBES2, PBMAC1 = f"{PKCS5}12", f"{PKCS5}13", f"{PKCS5}14"
SCRYPT = "1.3.6.1.4.1.11591.4.11"


class TooExpensive(ValueError):
    """Opening would take too long; the text is a sentence for a person."""


class Budget:
    """The rounds that one upload may cost, all its files together."""

    def __init__(self) -> None:
        self.left = MAX_TOGETHER

    def charge(self, rounds: int) -> None:
        """Take `rounds` off before they are run. Raises TooExpensive, with the sentence that says why."""
        if rounds > MAX_ROUNDS:
            raise TooExpensive(
                f"To open this file, {_written(rounds)} rounds of key derivation would be needed; {MAX_ROUNDS:,} is "
                "the most that is done. Export it again with fewer."
            )
        if rounds > self.left:
            raise TooExpensive(
                f"To open everything here, more than {MAX_TOGETHER:,} rounds of key derivation would be needed, and "
                "that is the most that is done at a time. Send fewer files, or export them again with fewer rounds."
            )
        self.left -= rounds


def count(element: asn1.Element) -> int:
    """An iteration count. Raises ValueError, with a sentence, for one that no program writes."""
    rounds = asn1.integer(element)
    if rounds < 1 or rounds >= _MAX_COUNT:
        raise TooExpensive(
            f"This file asks for {_written(rounds)} rounds of key derivation, which no program does. "
            "It is damaged or was made to do harm. Export it again."
        )
    return rounds


def rounds_of(algorithm: bytes) -> int:
    """What an AlgorithmIdentifier asks for (RFC 8018 §6, RFC 7292 appendix C, RFC 9579, RFC 7914 §7).

    Zero for one that derives nothing or that is not known: it will not be run either. Raises ValueError on anything
    that is not DER.
    """
    oid, members = _parts(algorithm)
    if oid in (PBES2, PBMAC1):
        return _derived(*_parts(members[0].whole)) if members else 0
    if oid.startswith((PKCS5, PKCS12)):
        return count(members[1]) if len(members) > 1 else 0
    return 0


def _parts(algorithm: bytes) -> tuple[str, list[asn1.Element]]:
    """The OID of an AlgorithmIdentifier and the members of its parameters."""
    kind, *parameters = asn1.sequence(algorithm)
    has_members = bool(parameters) and parameters[0].tag == asn1.SEQUENCE
    return asn1.oid(kind), asn1.children(parameters[0].content) if has_members else []


def _derived(oid: str, members: list[asn1.Element]) -> int:
    """What a key-derivation function asks for, in PBES2 or in PBMAC1."""
    if oid == SCRYPT:
        return _scrypt(members)
    return count(members[1]) if oid == PBKDF2 and len(members) > 1 else 0


def _scrypt(members: list[asn1.Element]) -> int:
    cost, block, parallel = [asn1.integer(one) for one in members[1:4]]
    if min(cost, block, parallel) < 1 or cost & (cost - 1) or cost < 2:
        raise ValueError("not scrypt parameters")
    if cost * block > _MAX_SCRYPT_BLOCKS:
        raise TooExpensive(
            "To open this file, scrypt would need more than 64 MB of memory, and that is the most it gets. Export it "
            "again with a smaller cost."
        )
    return cost * block * parallel


def _written(number: int) -> str:
    if abs(number) >= 10**_MAX_DIGITS:
        return "countless"
    return f"{number:,}"
