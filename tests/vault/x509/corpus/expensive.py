"""Files that ask for more work, memory or patience than they get."""

from __future__ import annotations

import functools
from collections.abc import Callable

from tests.pki import containers as c
from tests.pki.authority import (
    ec_key,
    make_csr,
    make_root,
)
from tests.pki.forging import oid_der
from tests.vault.x509.corpus.cases import EC256, Case, octets
from tests.vault.x509.corpus.sealed import WHOLE, pfx
from vault.x509 import asn1

BILLION = 10**9


def expensive() -> list[Case]:
    def key(algorithm: bytes) -> Callable[[], bytes]:
        return octets(c.sealed_nonsense(algorithm))

    def costly(name: str, make: Callable[[], bytes], refused: str = "rounds of key derivation", **more: object) -> Case:
        given = {"password": "secret", "secret": True, "refused": refused} | more
        return Case(name=name, make=make, **given)  # type: ignore[arg-type]

    hidden = c.encrypted_safe(c.bag(c.SHROUDED_BAG, c.sealed_nonsense(c.pbes2(BILLION))))
    many = [c.encrypted_safe(algorithm=c.pbes2(900_000)) for _ in range(100)]
    return [
        costly("PBES2 with a billion rounds", key(c.pbes2(BILLION)), "1,000,000,000 rounds"),
        costly("PBES2 with a million and one", key(c.pbes2(1_000_001)), "1,000,001 rounds"),
        costly("PBES2 with no rounds", key(c.pbes2(0)), "0 rounds"),
        costly("PBES2 with fewer than none", key(c.pbes2(-5)), "-5 rounds"),
        costly("PBES2 with 2^32", key(c.pbes2(2**32)), "4,294,967,296 rounds"),
        costly("PBES2 with 2^31", key(c.pbes2(2**31)), "2,147,483,648 rounds"),
        costly("PBES2 with a number of a kilobyte", key(c.pbes2(2**8000)), "countless rounds"),
        costly("PBES1 with a billion rounds", key(c.pbes1(BILLION)), "1,000,000,000 rounds"),
        costly("PBES1 of PKCS#5 with a billion rounds", key(c.pbes1(BILLION, c.PBE_MD5_DES)), "1,000,000,000 rounds"),
        costly("PBES1 with no rounds", key(c.pbes1(0)), "0 rounds"),
        costly("PBES2 with nothing in it", key(c.sequence(oid_der(c.PBES2), c.sequence())), "damaged"),
        costly("PBES2 in PBES2, thousands of times", key(_pbes2_in_pbes2(3000)), "sealed in a way"),
        costly("scrypt with much memory", key(c.scrypt(2**20)), "64 MB"),
        costly("scrypt with many passes", key(c.scrypt(2**14, 8, 100)), "rounds of key derivation"),
        costly("scrypt with a cost that is none", key(c.scrypt(1000)), "damaged"),
        costly("scrypt with no cost", key(c.scrypt(0)), "damaged"),
        costly("MAC with a billion rounds", pfx(*WHOLE, rounds=BILLION), "1,000,000,000 rounds"),
        costly("MAC with no rounds", pfx(*WHOLE, rounds=0), "0 rounds"),
        costly("MAC with fewer than none", pfx(*WHOLE, rounds=-1), "-1 rounds"),
        costly("MAC with 2^32", pfx(*WHOLE, rounds=2**32), "4,294,967,296 rounds"),
        costly(
            "a safe with a billion rounds", pfx(c.encrypted_safe(algorithm=c.pbes2(BILLION))), "1,000,000,000 rounds"
        ),
        costly(
            "a key in a safe with a billion rounds",
            pfx(c.safe(c.bag(c.SHROUDED_BAG, c.sealed_nonsense(c.pbes2(BILLION))))),
        ),
        costly("a billion rounds behind a password", pfx(hidden), "1,000,000,000 rounds"),
        costly("a hundred safes of 900,000 rounds each", pfx(*many), "more than 2,000,000 rounds"),
        costly(
            "a key and a MAC of too many rounds together",
            pfx(c.safe(*[c.bag(c.SHROUDED_BAG, c.sealed_nonsense(c.pbes2(999_999)))] * 2), rounds=999_999),
            "more than 2,000,000",
        ),
        costly("thousands of bags", pfx(c.safe(*[c.bag(c.SECRET_BAG, c.sequence())] * 3000)), "more than 200 things"),
        costly("safes in safes", pfx(c.safe(_safe_in_safe(9))), "things in things"),
        Case(name="sequences in sequences", make=lambda: c.nested(5000, b""), refused="looks like"),
        Case(name="BER without end", make=lambda: b"\x30\x80" * 50_000, refused="looks like"),
        Case(
            name="BER in a PFX without end",
            make=lambda: b"\x30\x80\x02\x01\x03" + b"\x30\x80" * 50_000,
            refused="damaged",
        ),
        Case(name="a megabyte of BEGIN", make=lambda: b"-----BEGIN CERTIFICATE-----\n" * 35_000, refused="cut off"),
        Case(name="a megabyte of numbers", make=lambda: c.sequence(c.integer(5) * 300_000), refused="looks like"),
        Case(name="a megabyte of dashes", make=lambda: b"-" * 1_000_000, refused="looks like"),
        Case(
            name="many certificates",
            make=lambda: b"".join(_roots(25)),
            certificates=20,
            refused="more than 20 certificates",
        ),
        Case(
            name="many keys",
            make=lambda: b"".join(c.pkcs8(ec_key()) for _ in range(9)),
            keys=EC256 * 8,
            refused="more than 8 private keys",
            secret=True,
        ),
        Case(
            name="many requests",
            make=lambda: b"".join(make_csr() for _ in range(21)),
            requests=20,
            refused="more than 20 requests",
        ),
        Case(name="an RSA key of 10,000 bits", make=lambda: _rsa_numbers(10_000), refused="10,000 bits", secret=True),
    ]


def _rsa_numbers(bits: int) -> bytes:
    """As long as a key and nothing like one."""
    return c.sequence(c.integer(0), c.integer(2 ** (bits - 1) + 1), *[c.integer(3)] * 7)


def _safe_in_safe(depth: int) -> bytes:
    return functools.reduce(
        lambda inside, _: c.bag(c.SAFE_BAG, c.sequence(inside)), range(depth), c.bag(c.SECRET_BAG, c.sequence())
    )


@functools.cache
def _roots(count: int) -> tuple[bytes, ...]:
    return tuple(make_root(f"Root {number}").der for number in range(count))


def _pbes2_in_pbes2(depth: int) -> bytes:
    return functools.reduce(
        lambda inside, _: c.sequence(
            oid_der(c.PBES2), c.sequence(inside, asn1.sequence(asn1.sequence(c.pbes2())[1].whole)[1].whole)
        ),
        range(depth),
        c.pbes2(),
    )
