"""What the reader finds in an upload, made without a reader."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from tests.pki.authority import Leaf
from vault.x509.found import Found, FoundFile, FoundKey, FoundRequest
from vault.x509.keytypes import key_title, spki_sha256


def found_key(key: PrivateKeyTypes, *, refusal: str = "") -> FoundKey:
    """A private key as the reader gives it."""
    public = key.public_key()
    octets = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return FoundKey(pkcs8=octets, spki_sha256=spki_sha256(public), title=key_title(public), refusal=refusal)


def found_request(der: bytes) -> FoundRequest:
    """A certification request as the reader gives it; only its octets matter here."""
    return FoundRequest(der=der, spki_sha256="", title="EC P-256")


def file(
    name: str, *certificates: bytes, keys: Sequence[PrivateKeyTypes | FoundKey] = (), **facts: object
) -> FoundFile:
    """One file with these certificates (DER) and keys."""
    found = tuple(key if isinstance(key, FoundKey) else found_key(key) for key in keys)
    return FoundFile(name=name, certificates=certificates, keys=found, holds_private_key=bool(found), **facts)


def pfx(leaf: Leaf, *issuers: bytes, name: str = "site.pfx", **facts: object) -> FoundFile:
    """A file with a certificate, its key and the issuers (DER)."""
    return file(name, leaf.der, *issuers, keys=[leaf.key], **facts)


def upload(*files: FoundFile) -> Found:
    """The files of one upload."""
    return Found(files=files)
