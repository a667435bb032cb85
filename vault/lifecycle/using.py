"""Using a version's key where it is, so that it need not leave: signing, verifying, encrypting and decrypting."""

from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import transaction
from django.utils import timezone

from vault.errors import NotAllowed
from vault.keys import algorithms
from vault.keys.making import open_key
from vault.models import Version
from vault.models.audit import Actor, record
from vault.x509.certificates import public_key_of
from vault.x509.jwk import key_operations

# What an old key must still do for what was made while it was young.
_AT_ANY_TIME = frozenset({"decrypt", "verify", "unwrapKey"})


def sign(version: Version, algorithm: str, digest: bytes, *, by: Actor) -> bytes:
    """Sign a digest; for curves the signature is `r‖s`. Raises NotAllowed, BadParameter, RingError."""
    _check(version, "sign")
    algorithms.check_signing(algorithm, public_key_of(bytes(version.der)), digest)
    _record("keys/sign", version, algorithm, by)
    assert version.key is not None
    return algorithms.sign(open_key(version.key), algorithm, digest)


def verify(version: Version, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Whether a signature fits a digest. Raises NotAllowed, BadParameter."""
    _check(version, "verify")
    key = public_key_of(bytes(version.der))
    algorithms.check_signing(algorithm, key, digest)
    return algorithms.verify(key, algorithm, digest, signature)


def encrypt(version: Version, algorithm: str, value: bytes, *, operation: str = "encrypt") -> bytes:
    """Encrypt a short value, or wrap a key (`operation` is then `wrapKey`). Raises NotAllowed, BadParameter."""
    _check(version, operation)
    key = public_key_of(bytes(version.der))
    algorithms.check_encryption(algorithm, key)
    assert isinstance(key, rsa.RSAPublicKey)
    return algorithms.encrypt(key, algorithm, value)


def decrypt(version: Version, algorithm: str, value: bytes, *, by: Actor, operation: str = "decrypt") -> bytes:
    """Decrypt a value, or unwrap a key (`operation` is then `unwrapKey`). Raises as `sign` does."""
    _check(version, operation)
    algorithms.check_encryption(algorithm, public_key_of(bytes(version.der)))
    _record(f"keys/{operation.lower()}", version, algorithm, by)
    assert version.key is not None
    private = open_key(version.key)
    assert isinstance(private, rsa.RSAPrivateKey)
    return algorithms.decrypt(private, algorithm, value)


def _check(version: Version, operation: str) -> None:
    if version.key is None:
        raise NotAllowed("The key of this version is not here.")
    if not version.enabled:
        raise NotAllowed(f"Operation {operation} is not allowed on a disabled key.")
    if operation not in key_operations(bytes(version.der)):
        raise NotAllowed(f"Operation {operation} is not allowed on this key: its certificate's key usage rules it out.")
    if operation not in _AT_ANY_TIME and not version.not_before <= timezone.now() <= version.not_after:
        raise NotAllowed(f"Operation {operation} is not allowed on a key that is expired or not yet valid.")


def _record(action: str, version: Version, algorithm: str, by: Actor) -> None:
    """Write the event, and commit it, before the key is opened."""
    with transaction.atomic():
        target = f"certificates/{version.certificate.name}/{version}"
        record(action, target, by=by, vault=version.certificate.vault, details={"alg": algorithm})
