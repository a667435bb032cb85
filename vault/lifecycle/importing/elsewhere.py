"""Whether a certificate, or its key, is in the portal already."""

import enum
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from vault.lifecycle.importing.candidates import Candidate
from vault.models import Certificate, Version

_MOST = 200


class Same(enum.StrEnum):
    """What two versions have in common."""

    CERTIFICATE = "certificate"
    KEY = "key"


@dataclass(frozen=True, kw_only=True)
class Match:
    """A version that is the very certificate, or has the same key."""

    version: Version
    same: Same


def find_elsewhere(candidates: Sequence[Candidate], *, among: QuerySet[Certificate]) -> dict[int, tuple[Match, ...]]:
    """Find versions with the same certificate or key, by candidate number, in one query.

    `among` are the certificates that the person may see, of whatever vault. The versions come light, with their
    certificate and its vault; the newest 200 count. A key that never was in the portal is known by the request that
    was brought for it.
    """
    prints = {one.facts.thumbprint_sha256 for one in candidates}
    keys = {one.facts.spki_sha256 for one in candidates}
    is_visible = Exists(among.filter(pk=OuterRef("certificate")))  # asked of the few, not of all that may be seen
    versions = list(_light().filter(is_visible, pk__in=_ids(prints, keys))[:_MOST])
    return {one.number: tuple(_matches(one, versions)) for one in candidates}


def _ids(prints: Collection[str], keys: Collection[str]) -> QuerySet[Version, Any]:
    """Each part by its own index, which an OR over several tables would not use."""
    same = Version.objects.filter(thumbprint_sha256__in=prints)
    kept = Version.objects.filter(key__spki_sha256__in=keys)
    brought = Version.objects.filter(operation__spki_sha256__in=keys)
    return same.values("pk").union(kept.values("pk"), brought.values("pk"))


def _light() -> QuerySet[Version]:
    joined = Version.objects.light().select_related("certificate", "certificate__vault", "key", "operation")
    unread = ("policy", "csr", "provider_ref", "tasks")
    return joined.defer("certificate__policy", *(f"operation__{part}" for part in unread)).order_by("-created_at")


def _matches(candidate: Candidate, versions: Sequence[Version]) -> Iterator[Match]:
    """The same certificate first, then what has only its key."""
    same = [one for one in versions if one.thumbprint_sha256 == candidate.facts.thumbprint_sha256]
    yield from (Match(version=one, same=Same.CERTIFICATE) for one in same)
    mine = candidate.facts.spki_sha256
    yield from (Match(version=one, same=Same.KEY) for one in versions if one not in same and _key_of(one) == mine)


def _key_of(version: Version) -> str:
    """SHA-256 of the version's public key, where key or request tell it."""
    known = version.key or getattr(version, "operation", None)
    return known.spki_sha256 if known else ""
