"""Backing a certificate up: all of it in one sealed blob, which only this portal's key ring opens again.

The blob holds policy, tags and every version with its key and secret. It is JSON, packed (zlib), and sealed for the
purpose `backup` and for no row, so that it can be restored into any vault of this portal (`restoring`).
"""

from __future__ import annotations

import json
import uuid
import zlib
from base64 import b64encode
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from vault.errors import NotAllowed
from vault.keys.sealing import Purpose, seal, unseal
from vault.models import Certificate, Key, Version
from vault.models.audit import Actor, record

FORMAT: Final = 1
MOST_VERSIONS: Final = 500
# Backups belong to no row.
NO_ROW: Final = uuid.UUID(int=0)
NO_VAULT: Final = 0
# Of a version, everything but its relations and its secret, which is opened.
COLUMNS: Final = (
    "der",
    "chain",
    "chain_complete",
    "content_type",
    "serial",
    "thumbprint_sha1",
    "thumbprint_sha256",
    "subject",
    "issuer",
    "key_title",
    "not_before",
    "not_after",
    "enabled",
    "preserve_order",
    "revocation",
    "revocation_reason",
    "revoked_at",
    "tags",
    "notes",
    "created_at",
    "updated_at",
)
KEY_COLUMNS: Final = ("kty", "size", "curve", "spki_sha256", "exportable", "created_at")


def back_up(*, certificate: Certificate, by: Actor) -> bytes:
    """Return the certificate as a sealed blob. The event is written, and committed, before anything is opened.

    Requests are not in it.

    Raises:
        NotAllowed: it has no version yet, or is too large to be restored in one request.
        RingError: a key or a secret does not open.
    """
    versions = list(certificate.versions.select_related("key").order_by("number")[: MOST_VERSIONS + 1])
    if not versions:
        raise NotAllowed(f"“{certificate}” has no version yet, so there is nothing to back up. Wait for its request.")
    if len(versions) > MOST_VERSIONS:
        raise NotAllowed(f"“{certificate}” has more than {MOST_VERSIONS} versions: too many for one backup.")
    with transaction.atomic():
        target, details = f"certificates/{certificate.name}", {"versions": len(versions)}
        record("certificates/backup", target, by=by, vault=certificate.vault, result="released", details=details)
    packed = zlib.compress(json.dumps(_content(certificate, versions)).encode())
    blob = seal(packed, purpose=Purpose.BACKUP, vault_id=NO_VAULT, row_id=NO_ROW)
    # In base64, as it comes back.
    if len(blob) * 4 // 3 > settings.UPLOAD_LIMIT:
        raise NotAllowed(
            f"The backup of “{certificate}” would be larger than what is accepted back "
            f"({settings.UPLOAD_LIMIT} octets). Back up the database of the portal instead."
        )
    return blob


def _content(certificate: Certificate, versions: list[Version]) -> dict[str, Any]:
    keys = {version.key.id.hex: version.key for version in versions if version.key is not None}
    return {
        "format": FORMAT,
        "name": certificate.name,
        "owner": certificate.owner_id,
        "tags": certificate.tags,
        "policy": certificate.policy.to_json(),
        "policy_updated_at": plain(certificate.policy_updated_at),
        "created_at": plain(certificate.created_at),
        "current": certificate.current_id.hex if certificate.current_id else "",
        "keys": {key_id: _key(key) for key_id, key in keys.items()},
        "versions": [_version(version, certificate.vault_id) for version in versions],
    }


def _key(key: Key) -> dict[str, Any]:
    private = unseal(key.sealed, purpose=Purpose.KEY, vault_id=key.vault_id, row_id=key.id)
    return {"private": plain(private), **{name: plain(getattr(key, name)) for name in KEY_COLUMNS}}


def _version(version: Version, vault_id: int) -> dict[str, Any]:
    secret = version.secret
    opened = None if secret is None else unseal(secret, purpose=Purpose.SECRET, vault_id=vault_id, row_id=version.id)
    return {
        "id": version.id.hex,
        "key": version.key.id.hex if version.key else "",
        "secret": plain(opened),
        **{name: plain(getattr(version, name)) for name in COLUMNS},
    }


def plain(value: Any) -> Any:
    """Octets as base64 and moments as ISO 8601; everything else is JSON already."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return b64encode(value).decode()
    return value
