"""What the table's files are made of, and what a row of it says."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization

from tests.pki import containers as c
from tests.pki.authority import (
    key_pem,
    make_csr,
    make_intermediate,
    make_leaf,
    make_root,
    rsa_key,
)
from vault.x509.found import Locked

ROOT = make_root()


ISSUING = make_intermediate(ROOT)


LEAF = make_leaf(ISSUING)


KEY = key_pem(LEAF.key)


P8 = c.pkcs8(LEAF.key)


CSR = make_csr()


PEM = LEAF.pem


BOTH = PEM + KEY


SEC1 = LEAF.key.private_bytes(
    serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)


EC256 = ("EC P-256",)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file and what is right: how many of each it gives, and words of the sentences about it ("" for none).

    `refused` is about the file, `weak` about its first key or request. `secret` is whether a private key is in it.
    """

    name: str
    make: Callable[[], bytes] = field(repr=False)
    password: str | None = None
    certificates: int = 0
    keys: tuple[str, ...] = ()
    requests: int = 0
    ignored: str = ""
    refused: str = ""
    weak: str = ""
    locked: Locked = Locked.NO
    secret: bool = False
    friendly_name: str = ""


def text(text: str) -> Callable[[], bytes]:
    return text.encode


def octets(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def b64(data: bytes) -> str:
    return base64.encodebytes(data).decode()


def armoured(label: str, data: bytes) -> str:
    return f"-----BEGIN {label}-----\n{b64(data)}-----END {label}-----\n"


def taken(name: str, make: Callable[[], bytes], **expected: object) -> Case:
    """A file that gives LEAF and its key, unless said otherwise."""
    given = {"certificates": 1, "keys": EC256, "secret": True} | expected
    return Case(name=name, make=make, **given)  # type: ignore[arg-type]


def pkcs1() -> bytes:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return rsa_key().private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())
