"""Which certificates of all vaults a list or a picture is about, as its address says; the same words everywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Self

from django.db.models.fields.json import KeyTransform
from django.http import QueryDict

from portal.pages import search
from vault.models import Certificate
from vault.models.certificate import CertificateQuerySet

# In the place of a user name: certificates that nobody owns.
NOBODY: Final = "-"
# Readiness in addresses; what was not looked at yet has a word here.
READINESS: Final = {value or "unknown": str(words) for value, words in Certificate.Readiness.choices}
_LONGEST: Final = 300
_IN_ADDRESS: Final = {"begin": "from", "end": "until"}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Words to look for (`search.matching`), a state of `search.STATES`, readiness, and so on; empty: all.

    `vault` is a vault's name, `owner` a user name or NOBODY, `tag` a key or `key=value`; `begin` and `end`, both
    included, are days (UTC) between which the current version ends; `sort` is the list's own.
    """

    q: str = ""
    state: str = ""
    readiness: str = ""
    issuer: str = ""
    owner: str = ""
    vault: str = ""
    tag: str = ""
    begin: date | None = None
    end: date | None = None
    sort: str = ""

    @classmethod
    def read(cls, given: QueryDict) -> Self:
        """Read an address; what has no meaning is left out."""
        words = {name: given.get(name, "").replace("\x00", "").strip()[:_LONGEST] for name in _NAMES}
        return cls(
            q=search.clean(words["q"]),
            state=words["state"] if words["state"] in search.STATES else "",
            readiness=words["readiness"] if words["readiness"] in READINESS else "",
            issuer=words["issuer"],
            owner=words["owner"],
            vault=words["vault"],
            tag="" if words["tag"].startswith("=") else words["tag"],
            begin=_day(words["from"]),
            end=_day(words["until"]),
            sort=words["sort"],
        )

    def apply(self, certificates: CertificateQuerySet) -> CertificateQuerySet:
        """Narrow certificates to those that these let through; `sort` is left to the list."""
        if self.q:
            certificates = search.matching(certificates, self.q)
        certificates = search.in_state(certificates, self.state)
        if self.readiness:
            certificates = certificates.filter(readiness="" if self.readiness == "unknown" else self.readiness)
        if self.issuer:
            certificates = certificates.filter(issuer_name=self.issuer)
        if self.owner == NOBODY:
            certificates = certificates.filter(owner=None)
        elif self.owner:
            certificates = certificates.filter(owner__username=self.owner)
        if self.vault:
            certificates = certificates.filter(vault__name_key=self.vault.lower())
        if self.begin:
            certificates = certificates.filter(expires_at__gte=_midnight(self.begin))
        if self.end:
            certificates = certificates.filter(expires_at__lt=_midnight(self.end) + timedelta(days=1))
        return _tagged(certificates, self.tag) if self.tag else certificates

    def without(self, name: str) -> Self:
        """These without one of them."""
        nothing: dict[str, Any] = {name: None if name in _IN_ADDRESS else ""}
        return replace(self, **nothing)

    def query(self) -> str:
        """These as the query of an address, without the leading question mark; "" when nothing is filtered."""
        query = QueryDict(mutable=True)
        for field, value in vars(self).items():
            if value:
                query[_IN_ADDRESS.get(field, field)] = str(value)
        return query.urlencode()


_NAMES: Final = ("q", "state", "readiness", "issuer", "owner", "vault", "tag", "from", "until", "sort")


def _tagged(certificates: CertificateQuerySet, tag: str) -> CertificateQuerySet:
    key, has_value, value = tag.partition("=")
    if not has_value:
        return certificates.filter(tags__has_key=key)
    return certificates.alias(tag_value=KeyTransform(key, "tags")).filter(tag_value=value)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year <= 9990 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
