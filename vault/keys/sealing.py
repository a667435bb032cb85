"""Sealing: AES-256-GCM under a fresh data key, which the ring's active key wraps.

A blob is `version(1) | ring key id(8) | wrap nonce(12) | wrapped data key(48) | nonce(12) | ciphertext and tag`.
Purpose, vault and row are bound in as associated data (NIST SP 800-38D), so a blob moved elsewhere does not open.
"""

import enum
import os
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import RingError
from vault.keys import ring

_VERSION = b"\x01"
_HEADER = 1 + 8 + 12 + 48 + 12


class Purpose(enum.StrEnum):
    """What a sealed blob is for."""

    KEY = "key"
    POOL = "pool"
    SECRET = "secret"  # noqa: S105
    DRAFT = "draft"
    ISSUER = "issuer"
    ACME_ACCOUNT = "acme-account"
    BACKUP = "backup"
    WEBHOOK = "webhook"


def seal(secret: bytes, *, purpose: Purpose, vault_id: int, row_id: uuid.UUID) -> bytes:
    """Return `secret` sealed for one row of one vault (0 where there is no vault). Raises RingError."""
    keys = ring.current()
    binding = _binding(purpose, vault_id, row_id)
    data_key, wrap_nonce, nonce = AESGCM.generate_key(256), os.urandom(12), os.urandom(12)
    ring_key_id = bytes.fromhex(keys.active)
    wrapped = AESGCM(keys.key(keys.active)).encrypt(wrap_nonce, data_key, _VERSION + ring_key_id + binding)
    return _VERSION + ring_key_id + wrap_nonce + wrapped + nonce + AESGCM(data_key).encrypt(nonce, secret, binding)


def unseal(blob: bytes | memoryview, *, purpose: Purpose, vault_id: int, row_id: uuid.UUID) -> bytes:
    """Return what was sealed. Raises RingError, always in the same words, when it does not open here."""
    blob = bytes(blob)
    if len(blob) < _HEADER + 16 or blob[:1] != _VERSION:
        raise RingError("A sealed value is damaged.")
    binding = _binding(purpose, vault_id, row_id)
    ring_key_id, wrap_nonce, wrapped, nonce = blob[1:9], blob[9:21], blob[21:69], blob[69:81]
    try:
        wrapping = AESGCM(ring.current().key(ring_key_id.hex()))
        data_key = wrapping.decrypt(wrap_nonce, wrapped, _VERSION + ring_key_id + binding)
        return AESGCM(data_key).decrypt(nonce, blob[81:], binding)
    except InvalidTag:
        raise RingError("A sealed value does not open here: it is damaged or belongs to another row.") from None


def _binding(purpose: Purpose, vault_id: int, row_id: uuid.UUID) -> bytes:
    return b"chancery\x00" + f"{purpose}\x00{vault_id}\x00{row_id.hex}".encode()
