"""Making and opening private keys."""

import os
import threading
import uuid
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from vault.errors import BadCertificate, TooMany
from vault.keys.sealing import Purpose, seal, unseal
from vault.models import Key, PooledKey, Vault
from vault.models.policy import KeyPolicy
from vault.x509.asking import key_terms
from vault.x509.certificates import facts
from vault.x509.keytypes import spki_sha256
from vault.x509.library import refusing
from vault.x509.types import PrivateKey

CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "P-256K": ec.SECP256K1(),
}
RSA_SIZES = (2048, 3072, 4096)
NO_VAULT = 0
# RSA keys take up to a second of one core: only so many at a time in one process.
_rsa_places = threading.BoundedSemaphore(2)


@dataclass(frozen=True)
class NewKey:
    """A key not yet saved, with its open private part."""

    row: Key
    private: PrivateKey

    def __repr__(self) -> str:
        return f"<NewKey {self.row.id}>"


def new_key(vault: Vault, policy: KeyPolicy) -> NewKey:
    """Make, or take from the pool, a key for `vault`; the row is sealed but not saved.

    Call it inside the transaction that saves the row, so that a pooled key is taken only with it. Raises TooMany
    when too many RSA keys are being made at this moment.
    """
    private = ec.generate_private_key(CURVES[policy.curve or ""]) if policy.kty == "EC" else _rsa(policy.size or 2048)
    return _sealed(vault, private, exportable=policy.exportable)


def imported_key(vault: Vault, pkcs8: bytes, *, leaf: bytes, exportable: bool) -> NewKey:
    """Seal for `vault` a key that came with its certificate `leaf` (both DER); the row is not saved.

    The key signs something and the certificate verifies it, so that what is kept belongs together.

    Raises:
        BadCertificate: field `file`; the key is damaged, of a kind that is not kept here, or another certificate's.
    """
    refusal = BadCertificate("The private key does not belong to the certificate. Nothing was imported.", field="file")
    with refusing(refusal):
        private = _private(pkcs8)
        if key_terms(private.public_key())[0] is None or spki_sha256(private.public_key()) != facts(leaf).spki_sha256:
            raise refusal
        _prove(private)
    return _sealed(vault, private, exportable=exportable)


def _prove(private: PrivateKey) -> None:
    """Sign and verify. Raises InvalidSignature when the private part is not the public part's."""
    message, digest = os.urandom(32), hashes.SHA256()
    if isinstance(private, rsa.RSAPrivateKey):
        scheme = padding.PKCS1v15()
        private.public_key().verify(private.sign(message, scheme, digest), message, scheme, digest)
    else:
        private.public_key().verify(private.sign(message, ec.ECDSA(digest)), message, ec.ECDSA(digest))


def _sealed(vault: Vault, private: PrivateKey, *, exportable: bool) -> NewKey:
    kty, size, curve = key_terms(private.public_key())
    row = Key(
        vault=vault,
        kty=kty or "",
        size=size,
        curve=curve,
        spki_sha256=spki_sha256(private.public_key()),
        exportable=exportable,
    )
    row.sealed = seal(_octets(private), purpose=Purpose.KEY, vault_id=vault.pk, row_id=row.id)
    return NewKey(row, private)


def open_key(key: Key) -> PrivateKey:
    """Open a sealed key. Raises RingError when it was sealed for another row, or under a ring we lack."""
    return _private(unseal(key.sealed, purpose=Purpose.KEY, vault_id=key.vault_id, row_id=key.id))


def _rsa(size: int) -> PrivateKey:
    return _from_pool(size) or _make_rsa(size)


def _from_pool(size: int) -> PrivateKey | None:
    for pooled in PooledKey.objects.filter(size=size).order_by("pk")[:3]:
        taken, _ = PooledKey.objects.filter(pk=pooled.pk).delete()
        if taken:
            return _private(unseal(pooled.sealed, purpose=Purpose.POOL, vault_id=NO_VAULT, row_id=pooled.id))
    return None


def _make_rsa(size: int) -> PrivateKey:
    if not _rsa_places.acquire(timeout=10):
        raise TooMany("Too many RSA keys are being made at this moment. Try again in a few seconds.")
    try:
        return rsa.generate_private_key(public_exponent=65537, key_size=size)
    finally:
        _rsa_places.release()


def fill_pool(wanted: dict[int, int]) -> int:
    """Make sealed RSA keys until the pool holds `wanted` (size in bits → count); return how many were made."""
    made = 0
    for size, count in wanted.items():
        while PooledKey.objects.filter(size=size).count() < count:
            private = rsa.generate_private_key(public_exponent=65537, key_size=size)
            row_id = uuid.uuid4()
            sealed = seal(_octets(private), purpose=Purpose.POOL, vault_id=NO_VAULT, row_id=row_id)
            PooledKey.objects.create(id=row_id, size=size, sealed=sealed)
            made += 1
    return made


def _octets(private: PrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _private(octets: bytes) -> PrivateKey:
    # Our own seal has authenticated these octets; validating an RSA key again would take up to 250 ms.
    private = serialization.load_der_private_key(octets, password=None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return private
