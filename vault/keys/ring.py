"""The key ring: a 0600 file of 256-bit keys, one of them active, each with a check value.

The file is JSON: `{"version": 1, "active": id, "keys": [{"id", "key", "check"}]}`; ids are 16 hex digits, keys
base64, and `check` is HMAC-SHA-256 of the id under the key, so that a damaged key is noticed before it seals anything.
"""

import base64
import functools
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from vault.errors import RingError


@dataclass(frozen=True)
class Ring:
    """The ring as read: keys by id, and which one seals."""

    active: str
    keys: dict[str, bytes]

    def __repr__(self) -> str:
        return f"<Ring of {len(self.keys)} keys, active {self.active}>"

    def key(self, ring_key_id: str) -> bytes:
        """Return the 32 octets of one ring key. Raises RingError when the ring lacks it."""
        try:
            return self.keys[ring_key_id]
        except KeyError:
            raise RingError(f"The key ring lacks the key {ring_key_id}. Restore the ring file that holds it.") from None

    def derived(self, purpose: str) -> dict[str, bytes]:
        """Return 32 octets for `purpose` from each ring key (HKDF-SHA-256, RFC 5869), the active key's first."""
        ids = sorted(self.keys, key=lambda ring_key_id: ring_key_id != self.active)
        return {ring_key_id: _derive(self.keys[ring_key_id], purpose) for ring_key_id in ids}


def current() -> Ring:
    """Return the ring of this portal, read again when the file has changed. Raises RingError."""
    path: Path = settings.KEYRING
    try:
        status = path.stat()
    except OSError as error:
        message = f"The key ring {path} cannot be read ({error.strerror}). Restore it from your backup."
        raise RingError(message) from None
    if status.st_mode & 0o077:
        raise RingError(f"The key ring {path} can be read by others. Make it private: chmod 600 {path}")
    return _read(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int) -> Ring:
    try:
        data = json.loads(path.read_bytes())
        keys = {entry["id"]: (base64.b64decode(entry["key"]), entry["check"]) for entry in data["keys"]}
        active = data["active"]
    except (ValueError, KeyError, TypeError):
        raise RingError(f"The key ring {path} is damaged. Restore it from your backup.") from None
    for ring_key_id, (key, check) in keys.items():
        if len(key) != 32 or not hmac.compare_digest(_check(ring_key_id, key), check):
            raise RingError(f"The key {ring_key_id} in the key ring {path} is damaged. Restore it from your backup.")
    if data.get("version") != 1 or active not in keys:
        raise RingError(f"The key ring {path} is not one this version understands.")
    return Ring(active, {ring_key_id: key for ring_key_id, (key, _) in keys.items()})


def create(path: Path) -> str:
    """Write a new ring of one key to `path`, readable by its owner alone, and return the key's id.

    The file appears whole or not at all. Raises FileExistsError when there is one already.
    """
    key, ring_key_id = secrets.token_bytes(32), secrets.token_hex(8)
    entry = {"id": ring_key_id, "key": base64.b64encode(key).decode(), "check": _check(ring_key_id, key)}
    text = json.dumps({"version": 1, "active": ring_key_id, "keys": [entry]}, indent=1) + "\n"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)
    return ring_key_id


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _derive(key: bytes, purpose: str) -> bytes:
    info = b"chancery derived key\x00" + purpose.encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(key)


def _check(ring_key_id: str, key: bytes) -> str:
    return hmac.new(key, b"chancery ring check " + ring_key_id.encode(), hashlib.sha256).hexdigest()
