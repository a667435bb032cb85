"""When everything expires that a person may see, and what renews by itself: numbers with lists, a chart, CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from portal import access
from portal.forms.views import SaveViewForm
from portal.models import SavedView
from portal.pages import csvs, picture
from portal.pages.filters import Filters
from portal.pages.http import PageRequest, see_other
from portal.pages.picture import KINDS, Box, Picture, Split, Week
from portal.pages.readable import issuer_title
from vault import caps
from vault.caps import Kind
from vault.foresight import LAST_DAY
from vault.models import Certificate, Issuer, Vault
from vault.models.certificate import NEVER, CertificateQuerySet
from vault.models.policy import SELF, UNKNOWN

_WEEKS: Final = 26
_BATCH: Final = 1000
_PENDING: Final = "pending"
_TITLES: Final = {
    "expired": "Expired",
    "within-7": "Within 7 days",
    "within-30": "8 to 30 days",
    "within-90": "31 to 90 days",
    "later": "Later",
}
_COLUMNS: Final = (
    *("name", "expires_at", "readiness", "findings", "renew_at", "failing_since", "issuer_name", "tags"),
    *("vault__name", "owner__username", "deputy__username"),
)
_HEAD: Final = (
    *("vault", "name", "expires", "readiness", "why", "renews", "failing_since"),
    *("issuer", "owner", "deputy", "tags"),
)


@dataclass(frozen=True, kw_only=True)
class Number:
    """How many certificates of a kind ("": all) there are, and the list of just these ("" for none)."""

    kind: str
    words: str
    count: int
    url: str


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Certificates that expire in some time: all, by readiness, and the shares as a bar that lies."""

    name: str
    title: str
    total: Number
    numbers: Sequence[Number]
    strip: Sequence[Box]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A week as the table shows it."""

    week: Week
    total: Number
    numbers: Sequence[Number]


@dataclass(frozen=True, kw_only=True)
class Span:
    """A time that the chart can show."""

    name: str
    words: str
    until: date


class _Links:
    """The ways from a number to its list, for one filter and the kinds of readiness that are told apart."""

    def __init__(self, filters: Filters, kinds: Iterable[str]) -> None:
        self._filters, self._kinds = filters, tuple(kinds)

    def total(self, split: Split, **narrower: Any) -> Number:
        """All of a split."""
        return self._number("", "All", sum(split.values()), narrower)

    def numbers(self, split: Split, **narrower: Any) -> list[Number]:
        """A split by readiness."""
        labels = dict(Certificate.Readiness.choices)
        return [
            self._number(kind, str(labels[kind]), split.get(kind, 0), narrower | {"readiness": kind or "unknown"})
            for kind in self._kinds
        ]

    def _number(self, kind: str, words: str, count: int, narrower: dict[str, Any]) -> Number:
        query = replace(self._filters, **narrower).query()
        return Number(kind=kind, words=words, count=count, url=f"{reverse('search:index')}?{query}" if count else "")


@require_GET
@login_required
def index(request: PageRequest) -> HttpResponse:
    """The overview of what expires, for the certificates of a filter."""
    return _page(request, _read(request.GET), SaveViewForm(user=request.user))


@require_POST
@login_required
def save(request: PageRequest) -> HttpResponse:
    """Keep a filter under a name."""
    filters = _read(QueryDict(request.POST.get("query", "")))
    form = SaveViewForm(request.POST, user=request.user)
    if not form.is_valid():
        return _page(request, filters, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    view = form.keep(filters.query())
    messages.success(request, f"The view “{view}” is kept.")
    return see_other(f"{reverse('expiry:index')}?{view.query}")


@require_POST
@login_required
def forget(request: PageRequest, pk: int) -> HttpResponse:
    """Keep one of the person's views no longer; once more changes nothing."""
    if SavedView.objects.filter(user=request.user, pk=pk).delete()[0]:
        messages.success(request, "The view is removed. The certificates are untouched.")
    return see_other("expiry:index")


@require_GET
@login_required
def csv(request: PageRequest) -> HttpResponseBase:
    """Stream a filter's certificates that have a version, by expiry (RFC 4180)."""
    chosen = _read(request.GET).apply(access.all_visible_certificates(request.user))
    response = StreamingHttpResponse(_lines(chosen), content_type="text/csv; charset=utf-8; header=present")
    day = timezone.now().strftime("%Y-%m-%d")
    response["Content-Disposition"] = f'attachment; filename="expiry-{day}.csv"'
    return response


# ------------------------------------------------------------------- the overview
def _read(given: QueryDict) -> Filters:
    """The filter of an address, but for what the page itself tells apart."""
    return replace(Filters.read(given), state="", readiness="", begin=None, end=None, sort="")


def _page(request: PageRequest, filters: Filters, form: SaveViewForm, status: int = HTTPStatus.OK) -> HttpResponse:
    mine = access.vaults_of(request.user)
    seen = [vault for vault, rights in mine.items() if "certificates/list" in rights or rights.sees_own_only]
    today = timezone.now().date()
    spans = _spans(today)
    span = next((one for one in spans if one.name == request.GET.get("span")), spans[0])
    taken = picture.take(filters.apply(access.certificates_in(mine, request.user)), until=span.until)
    context = {
        "nav": "expiry",
        **_counted(taken, filters),
        "chart": picture.draw(taken.weeks, days=_cap_days(today)),
        "spans": spans,
        "span": span,
        "views": SavedView.objects.filter(user=request.user).order_by("name"),
        "filters": filters,
        "query": filters.query(),
        "is_member": bool(mine),
        "vaults": seen,
        "issuers": _issuers(seen, filters),
        "form": form,
    }
    return TemplateResponse(request, "expiry/index.html", context, status=status)


def _counted(taken: Picture, filters: Filters) -> dict[str, Any]:
    """Every number of the page. What was not looked at yet is told apart only where there is some."""
    links = _Links(filters, [kind for kind in KINDS if kind or taken.total[""]])
    blocked, *others = links.numbers(taken.total)
    rows = [_row(week, links) for week in taken.weeks]
    return {
        "total": links.total({**taken.total, _PENDING: taken.pending}),
        "pending": links.total({_PENDING: taken.pending}, state=_PENDING),
        "has_some": any(taken.total.values()),
        "blocked": blocked,
        # A list of what was not looked at would also hold what was not issued.
        "others": [number for number in others if number.kind],
        "buckets": [_bucket(name, split, links) for name, split in taken.buckets.items()],
        "rows": rows,
        "kinds": rows[0].numbers,
    }


def _spans(today: date) -> list[Span]:
    """What the chart can show: half a year, the time to the next cap on validity, and to 2029 as it is foreseen."""
    ahead = caps.caps_after(Kind.PUBLIC_TLS, today)
    spans = [Span(name="", words=f"{_WEEKS} weeks", until=today + timedelta(weeks=_WEEKS - 1))]
    if ahead:
        spans.append(Span(name="cap", words=f"Until {_day(ahead[0].since)}", until=ahead[0].since))
    if today < LAST_DAY - timedelta(weeks=_WEEKS):
        spans.append(Span(name="years", words=f"Until the end of {LAST_DAY.year}", until=LAST_DAY))
    return spans


def _cap_days(today: date) -> dict[date, str]:
    return {cap.since: f"{cap.days} days at most" for cap in caps.caps_after(Kind.PUBLIC_TLS, today)}


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _bucket(name: str, split: Split, links: _Links) -> Bucket:
    return Bucket(
        name=name,
        title=_TITLES[name],
        total=links.total(split, state=name),
        numbers=links.numbers(split, state=name),
        strip=picture.strip(split),
    )


def _row(week: Week, links: _Links) -> Row:
    dates = {"begin": week.begins, "end": week.ends}
    return Row(week=week, total=links.total(week.split, **dates), numbers=links.numbers(week.split, **dates))


def _issuers(vaults: Iterable[Vault], filters: Filters) -> list[tuple[str, str]]:
    """The issuers to choose from, those that always exist first, each with its title.

    Words to look for cost a question; then there is none for all issuers, and only the chosen one is offered.
    """
    own = Issuer.objects.filter(vault__in=vaults).order_by("name").values_list("name", flat=True).distinct()
    names = [filters.issuer] if filters.q else own
    return [(name, issuer_title(name)) for name in dict.fromkeys((SELF, UNKNOWN, *names)) if name]


# ---------------------------------------------------------------------------- CSV
def _lines(certificates: CertificateQuerySet) -> Iterator[str]:
    """CSV in pieces of some hundred lines; each piece is one short query, so that no reader holds the database."""
    yield csvs.write([_HEAD])
    ids = list(certificates.filter(expires_at__lt=NEVER).order_by("expires_at", "id").values_list("pk", flat=True))
    rows = certificates.select_related("vault", "owner", "deputy").only(*_COLUMNS)
    for start in range(0, len(ids), _BATCH):
        # What was deleted or withdrawn meanwhile is not there any more.
        found = rows.in_bulk(ids[start : start + _BATCH])
        yield csvs.write(_cells(found[pk]) for pk in ids[start : start + _BATCH] if pk in found)


def _cells(row: Certificate) -> list[str]:
    tags = ", ".join(f"{key}={value}" for key, value in row.tags.items())
    people = [person.username if person else "" for person in (row.owner, row.deputy)]
    why = " ".join(finding["words"] for finding in row.findings)
    times = [_time(at) for at in (row.expires_at, row.renew_at, row.failing_since)]
    cells = [row.vault.name, row.name, times[0], row.get_readiness_display(), why, *times[1:]]
    return [csvs.harmless(cell) for cell in (*cells, issuer_title(row.issuer_name), *people, tags)]


def _time(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
