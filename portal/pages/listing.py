"""The rows of a vault's list of certificates: two queries a page, however many names or requests they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from portal.pages import readable, search
from portal.pages.paging import Page
from vault.models import Certificate, Operation, VersionName
from vault.models.certificate import CertificateQuerySet

_COLUMNS = (
    *("vault", "name", "name_key", "issuer_name", "expires_at", "deleted_at", "readiness"),
    *("current__certificate", "current__enabled", "current__revocation", "current__subject", "current__not_after"),
    *("owner__username", "owner__first_name", "owner__last_name"),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A certificate as the list shows it. `running` is the status of its request in progress, if there is one."""

    certificate: Certificate
    state: str
    issuer: str
    running: str
    name: str
    has_more_names: bool


def columns_only(certificates: CertificateQuerySet) -> CertificateQuerySet:
    """Load what a row shows: no policy, no certificate, no chain, no secret."""
    return certificates.select_related("current", "owner").only(*_COLUMNS)


def rows(shown: Page[Certificate]) -> list[Row]:
    """The rows of one page, with first names and requests in progress."""
    more = {pk: (step, first, second) for pk, step, first, second in _more(shown)}
    return [_row(certificate, *more.get(certificate.pk, (None, None, None))) for certificate in shown]


def _row(certificate: Certificate, step: str | None, first: str | None, second: str | None) -> Row:
    waits = step == Operation.Step.AWAITING_MERGE
    return Row(
        certificate=certificate,
        state=search.state_of(certificate),
        issuer=readable.issuer_title(certificate.issuer_name),
        running=("awaiting_merge" if waits else Operation.Status.IN_PROGRESS.value) if step else "",
        name=first or "",
        has_more_names=second is not None,
    )


def _more(shown: Page[Certificate]) -> list[tuple[int, str | None, str | None, str | None]]:
    ids = [certificate.pk for certificate in shown]
    if not ids:
        return []
    running = Operation.objects.in_progress().filter(certificate=OuterRef("pk")).order_by().values("step")
    return list(
        Certificate.objects.filter(pk__in=ids)
        .annotate(step=Subquery(running[:1]), first=Subquery(_name(0)), second=Subquery(_name(1)))
        .values_list("pk", "step", "first", "second")
    )


def _name(number: int) -> QuerySet[VersionName, Any]:
    names = VersionName.objects.filter(version=OuterRef("current")).order_by("id").values("value")
    return names[number : number + 1]
