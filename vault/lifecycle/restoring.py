"""Restoring a certificate from its backup, with all its versions, into a vault of the same portal."""

from __future__ import annotations

import json
import uuid
import zlib
from base64 import b64decode
from datetime import datetime
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import IntegrityError, models, transaction

from vault.errors import BadParameter, Conflict, NameTaken, RingError
from vault.keys import ring
from vault.keys.sealing import Purpose, seal, unseal
from vault.lifecycle import completing
from vault.lifecycle.backing_up import COLUMNS, FORMAT, KEY_COLUMNS, NO_ROW, NO_VAULT
from vault.models import Certificate, Key, Vault, Version
from vault.models.audit import Actor, record
from vault.models.policy import Policy

# Unpacked, in octets: far more than what fits into a request when packed, far less than the memory.
_MOST_UNPACKED: Final = 50_000_000


def restore(*, vault: Vault, blob: bytes, by: Actor) -> Certificate:
    """Bring a certificate back from its backup, under its name. Keys and secrets are sealed anew for their rows.

    Versions keep their ids, unless these are in use: then the original is still there, in another vault.

    Raises:
        BadParameter: field `value`; this is no backup of this portal's.
        NameTaken: the name is held by a deleted certificate.
        Conflict: there is a certificate of this name.
        RingError: the key ring does not open.
    """
    content = _open(blob)
    name = content["name"]
    try:
        with transaction.atomic():
            _refuse_held(vault, name)
            certificate = _restore(vault, content, by)
            details = {"versions": len(content["versions"])}
            record("certificates/restore", f"certificates/{name}", by=by, vault=vault, details=details)
    except IntegrityError:
        raise _there(name) from None
    return certificate


def _open(blob: bytes) -> dict[str, Any]:
    ring.current()  # a ring that is missing is another matter than a backup that does not open
    try:
        packed = unseal(blob, purpose=Purpose.BACKUP, vault_id=NO_VAULT, row_id=NO_ROW)
    except RingError:
        message = "This is not a backup that this portal has made, or it is damaged. Nothing was restored."
        raise BadParameter(message, field="value") from None
    unpacked = zlib.decompressobj().decompress(packed, _MOST_UNPACKED)
    content: dict[str, Any] = json.loads(unpacked)
    if content["format"] != FORMAT:
        raise BadParameter("This backup was made by a later version of the portal.", field="value")
    return content


def _refuse_held(vault: Vault, name: str) -> None:
    held = vault.certificates.named(name).values_list("deleted_at", flat=True)[:1]
    for deleted_at in held:
        if deleted_at is None:
            raise _there(name)
        raise NameTaken(
            f"There was a conflict restoring the certificate {name}: a deleted certificate holds its name. Recover or "
            "purge that one first.",
            recoverable=True,
        )


def _there(name: str) -> Conflict:
    return Conflict(
        f"There was a conflict restoring the certificate {name}: a certificate of this name is there already."
    )


def _restore(vault: Vault, content: dict[str, Any], by: Actor) -> Certificate:
    policy = Policy.from_json(content["policy"])
    certificate = Certificate.objects.create(
        vault=vault,
        name=content["name"],
        owner_id=_owner(content["owner"], by),
        tags=content["tags"],
        policy=policy,
        issuer_name=policy.issuer_name,
        policy_updated_at=datetime.fromisoformat(content["policy_updated_at"]),
        created_at=datetime.fromisoformat(content["created_at"]),
    )
    taken = _taken(Version, content["versions"]), _taken(Key, [{"id": key} for key in content["keys"]])
    keys = {key_id: _key(vault, key_id, facts, taken[1]) for key_id, facts in content["keys"].items()}
    current = None
    for facts in content["versions"]:
        version = _version(certificate, facts, keys, taken[0])
        completing.store(version, as_current=False)
        if facts["id"] == content["current"] or current is None:
            current = version
    assert current is not None
    certificate.become(current)
    return certificate


def _owner(user_id: int | None, by: Actor) -> int | None:
    """Who owned it, while they are here; else who restores it."""
    is_here = user_id is not None and get_user_model().objects.filter(pk=user_id, is_active=True).exists()
    return user_id if is_here else by.user_id


def _taken(model: type[models.Model], rows: list[dict[str, Any]]) -> set[str]:
    wanted = [uuid.UUID(row["id"]) for row in rows]
    return {pk.hex for pk in model._default_manager.filter(pk__in=wanted).values_list("pk", flat=True)}


def _key(vault: Vault, key_id: str, facts: dict[str, Any], taken: set[str]) -> Key:
    row = Key(id=_id(key_id, taken), vault=vault, **{name: _value(Key, name, facts[name]) for name in KEY_COLUMNS})
    row.sealed = seal(b64decode(facts["private"]), purpose=Purpose.KEY, vault_id=vault.pk, row_id=row.id)
    row.save(force_insert=True)
    return row


def _version(certificate: Certificate, facts: dict[str, Any], keys: dict[str, Key], taken: set[str]) -> Version:
    columns = {name: _value(Version, name, facts[name]) for name in COLUMNS if name in facts}
    version = Version(
        id=_id(facts["id"], taken),
        certificate=certificate,
        key=keys.get(facts["key"]) if facts["key"] else None,
        **columns,
    )
    if facts["secret"] is not None:
        opened = b64decode(facts["secret"])
        version.secret = seal(opened, purpose=Purpose.SECRET, vault_id=certificate.vault_id, row_id=version.id)
    return version


def _id(given: str, taken: set[str]) -> uuid.UUID:
    return uuid.uuid4() if given in taken else uuid.UUID(given)


def _value(model: type[models.Model], name: str, given: Any) -> Any:
    """What `backing_up.plain` made of it, back."""
    field = model._meta.get_field(name)
    if given is None:
        return None
    if isinstance(field, models.DateTimeField):
        return datetime.fromisoformat(given)
    return b64decode(given) if isinstance(field, models.BinaryField) else given
