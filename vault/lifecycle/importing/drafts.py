"""What an upload held, sealed while a person looks at it; then what came of it, without the keys."""

import base64
import dataclasses
import json
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from vault.errors import DraftGone
from vault.keys.sealing import Purpose, seal, unseal
from vault.lifecycle.importing.candidates import Outcome, Result, Survey
from vault.lifecycle.importing.surveying import survey
from vault.models import Draft, Vault
from vault.models.audit import Actor
from vault.x509.found import Found, FoundFile, Upload

MOST_DRAFTS = 20
_OVER = "This preview has ended, and the files were removed from the portal. Send them again."
_USED = "These files were imported already."
_WAITING = "These files wait for their password. Give it, or send the files again."
_READ = "These files wait for no password."


def keep_draft(*, vault: Vault, found: Found, by: Actor) -> Draft:
    """Seal what an upload holds, keys included, for 15 minutes; a person's oldest drafts beyond 20 are dropped.

    Raises RingError.
    """
    return _kept(vault, by, {"files": [file.to_json() for file in found.files]})


def hold_files(*, vault: Vault, files: Sequence[Upload], by: Actor) -> Draft:
    """Seal files as they came, because one of them waits for its password; otherwise as `keep_draft`."""
    return _kept(vault, by, {"uploads": [[file.name, base64.b64encode(file.content).decode()] for file in files]})


def held_files(draft: Draft) -> list[Upload]:
    """Return the files that wait for a password. Raises DraftGone when there are none, or their time is over."""
    held = _held(draft)
    if "uploads" not in held:
        raise DraftGone(_READ)
    return [Upload(name=name, content=base64.b64decode(content)) for name, content in held["uploads"]]


def _kept(vault: Vault, by: Actor, held: dict[str, Any]) -> Draft:
    if by.user_id is None:
        raise ValueError("A draft belongs to a person.")
    draft = Draft(vault=vault, made_by_id=by.user_id)
    draft.sealed = _sealed(draft, held)
    with transaction.atomic():
        draft.save(force_insert=True)
        mine = Draft.objects.filter(made_by_id=by.user_id).order_by("-created_at", "-id")
        Draft.objects.filter(pk__in=list(mine.values_list("pk", flat=True)[MOST_DRAFTS : 2 * MOST_DRAFTS])).delete()
    return draft


def open_draft(draft: Draft) -> Survey:
    """Look again at what was uploaded. Raises DraftGone when it was imported, or its time is over; RingError."""
    return survey(draft.vault, found_in(draft))


def found_in(draft: Draft) -> Found:
    """Return what the upload held. Raises DraftGone when it was imported, or its time is over; RingError."""
    held = _held(draft)
    if "uploads" in held:
        raise DraftGone(_WAITING)
    if "files" not in held:
        raise DraftGone(_USED, version=_only_version(_results(held)))
    return Found(files=tuple(map(FoundFile.from_json, held["files"])))


def results_of(draft: Draft) -> tuple[Result, ...]:
    """Return what came of every file, nothing while it is not confirmed. Raises DraftGone when its time is over."""
    return _results(_held(draft))


def made_from(draft: Draft) -> uuid.UUID | None:
    """Return the one version that was imported from a draft already, by whichever process; None if there is none."""
    fresh = Draft.objects.open().filter(pk=draft.pk).first()
    return _only_version(results_of(fresh)) if fresh else None


def settle(draft: Draft, results: Sequence[Result]) -> None:
    """Put what came of the files into their place. Raises DraftGone when another did, or its time is over."""
    sealed = _sealed(draft, {"results": [dataclasses.asdict(one) for one in results]})
    if not draft.settle(sealed):
        raise DraftGone(_OVER if not draft.is_open else _USED, version=made_from(draft))


def _held(draft: Draft) -> dict[str, Any]:
    if not draft.is_open:
        raise DraftGone(_OVER)
    opened = unseal(draft.sealed, purpose=Purpose.DRAFT, vault_id=draft.vault_id, row_id=draft.id)
    held: dict[str, Any] = json.loads(opened)
    return held


def _sealed(draft: Draft, held: dict[str, Any]) -> bytes:
    octets = json.dumps(held).encode()
    return seal(octets, purpose=Purpose.DRAFT, vault_id=draft.vault_id, row_id=draft.id)


def _results(held: dict[str, Any]) -> tuple[Result, ...]:
    return tuple(Result(**{**one, "outcome": Outcome(one["outcome"])}) for one in held.get("results", ()))


def _only_version(results: Sequence[Result]) -> uuid.UUID | None:
    made = [uuid.UUID(one.version) for one in results if one.version]
    return made[0] if len(made) == 1 else None
