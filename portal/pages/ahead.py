"""What lies ahead of a certificate, for its page: findings with the links to where they are put right, and dates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse

from portal.rights import Rights
from vault.lifecycle import ladder
from vault.models import Certificate, Operation

_BAD: Final = frozenset(
    {"issuer-gone", "issuer-disabled", "issuer-paused", "issuer-unknown", "cap", "policy", "expired"}
)
_WARNING: Final = frozenset({"renewal-failed", "renewal-waits", "issuer-test-failed", "no-one-to-tell", "revoked"})


@dataclass(frozen=True, kw_only=True)
class Remark:
    """One finding; `kind` is bad, warn or info. `url` is where it is put right, empty where the person may not."""

    words: str
    kind: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """What the card shows. `notice` is what people hear next, at `notice_at`; `window_url` is the CA's own page."""

    remarks: Sequence[Remark]
    is_running: bool
    notice_at: datetime | None
    notice: str = ""
    window_url: str = ""


_Link = tuple[str, str, str]


def of(certificate: Certificate, operations: Sequence[Operation], rights: Rights) -> Ahead | None:
    """Return what lies ahead of a certificate with its newest requests, newest first; None before its first version."""
    current = certificate.current
    if current is None:
        return None
    links = _Links(certificate, operations)
    remarks = [_remark(finding["code"], finding["words"], links, rights) for finding in certificate.findings]
    at = certificate.notice_at
    reason = next((step.reason for step in ladder.steps_of(certificate, current) if step.at == at), None)
    return Ahead(
        remarks=remarks,
        is_running=bool(operations and operations[0].is_in_progress),
        notice_at=at,
        notice=reason.label if reason else "",
        window_url=certificate.window_url if certificate.window_url.startswith("https://") else "",
    )


def _remark(code: str, words: str, links: _Links, rights: Rights) -> Remark:
    kind = "bad" if code in _BAD else "warn" if code in _WARNING else "info"
    find = _WHERE.get(code)
    found = find(links) if find else None
    if found is None or found[0] not in rights:
        return Remark(words=words, kind=kind)
    return Remark(words=words, kind=kind, url=found[1], link=found[2])


@dataclass(frozen=True)
class _Links:
    """Where things are put right: the verb that it takes, the address, and its words."""

    certificate: Certificate
    operations: Sequence[Operation]

    def policy(self) -> _Link:
        return "certificates/update", self._own("policies:edit"), "Edit the policy"

    def people(self) -> _Link:
        return "certificates/update", self._own("owners:change"), "Choose who answers for it"

    def contacts(self) -> _Link:
        vault = self.certificate.vault.name
        return "certificates/managecontacts", reverse("contacts:index", args=[vault]), "Add a contact"

    def issuer(self) -> _Link:
        names = [self.certificate.vault.name, self.certificate.issuer_name]
        return "certificates/getissuers", reverse("issuers:detail", args=names), "Show the issuer"

    def request(self) -> _Link:
        address = reverse("csrs:new", args=[self.certificate.vault.name])
        return "certificates/create", f"{address}?certificate={self.certificate.name}", "Bring a new CSR"

    def version(self) -> _Link | None:
        current = self.certificate.current
        if current is None:
            return None
        names = [self.certificate.vault.name, self.certificate.name, current.pk.hex]
        return "certificates/get", reverse("versions:detail", args=names), "Show the version"

    def renewal(self) -> _Link | None:
        renewals = (one for one in self.operations if one.reason == Operation.Reason.RENEWAL or one.is_in_progress)
        if (operation := next(renewals, None)) is None:
            return None
        names = [self.certificate.vault.name, operation.request_id.hex]
        return "certificates/get", reverse("operations:detail", args=names), "Show the request"

    def _own(self, name: str) -> str:
        return reverse(name, args=[self.certificate.vault.name, self.certificate.name])


# By the findings' codes (`vault.lifecycle.outlook`).
_WHERE: Final[dict[str, Callable[[_Links], _Link | None]]] = {
    "merge-only": _Links.policy,
    "no-auto-renew": _Links.policy,
    "policy": _Links.policy,
    "issuer-gone": _Links.policy,
    "issuer-disabled": _Links.issuer,
    "issuer-paused": _Links.issuer,
    "issuer-unknown": _Links.issuer,
    "issuer-test-failed": _Links.issuer,
    "by-hand": _Links.issuer,
    "cap": _Links.issuer,
    "key-elsewhere": _Links.request,
    "owner-inactive": _Links.people,
    "owner-missing": _Links.people,
    "no-one-to-tell": _Links.contacts,
    "renewal-failed": _Links.renewal,
    "renewal-waits": _Links.renewal,
    "disabled": _Links.version,
    "revoked": _Links.version,
}
