"""How issuers fare: what is open, what failed, how long they take."""

from __future__ import annotations

import math
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from vault.models import Issuer, Operation

DAY: Final = timedelta(hours=24)
# Times are those of an issuer's last orders that ended, whatever became of them.
SAMPLE: Final = 200
MOST_COUNTED: Final = 1000


class _Count(Subquery):
    """How many rows a sliced query has: counts up to the slice's end and no further."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How an issuer fares: counts (never above `MOST_COUNTED` + 1), and the time from sending until issued.

    `median` and `slow` (95 of 100 were faster) are of the last `SAMPLE` orders; None without any.
    """

    open: int
    failed: int
    issued: int
    median: timedelta | None
    slow: timedelta | None


def with_counts(rows: QuerySet[Issuer]) -> QuerySet[Issuer]:
    """Load with each issuer what `health_of` needs of it: open and failed orders, and since when its sample is."""
    of = Operation.objects.filter(issuer=OuterRef("pk")).order_by()
    running = of.filter(status=Operation.Status.IN_PROGRESS, deleted_at__isnull=True)
    failed = of.filter(status=Operation.Status.FAILED, ended_at__gte=timezone.now() - DAY)
    since = of.filter(ended_at__isnull=False).order_by("-ended_at").values("ended_at")
    return rows.annotate(
        open_orders=_Count(running.values("pk")[: MOST_COUNTED + 1]),
        failed_orders=_Count(failed.values("pk")[: MOST_COUNTED + 1]),
        sample_since=Subquery(since[SAMPLE - 1 : SAMPLE]),
    )


def health_of(issuers: Sequence[Issuer]) -> dict[uuid.UUID, Figures]:
    """Return the figures of issuers that `with_counts` has loaded, by their ids. One query for all of them."""
    times = _times(issuers)
    return {issuer.pk: _figures(issuer, times[issuer.pk]) for issuer in issuers}


def _figures(issuer: Any, times: list[timedelta]) -> Figures:
    return Figures(
        open=issuer.open_orders,
        failed=issuer.failed_orders,
        issued=len(times),
        median=_share(times, 0.5),
        slow=_share(times, 0.95),
    )


def _times(issuers: Iterable[Any]) -> defaultdict[uuid.UUID, list[timedelta]]:
    wanted = Q()
    for issuer in issuers:
        since = Q(ended_at__isnull=False) if issuer.sample_since is None else Q(ended_at__gte=issuer.sample_since)
        wanted |= Q(issuer=issuer.pk) & since
    found: defaultdict[uuid.UUID, list[timedelta]] = defaultdict(list)
    if not wanted:
        return found
    done = Operation.objects.filter(wanted, status=Operation.Status.COMPLETED)
    columns = done.values_list("issuer_id", "submitted_at", "created_at", "ended_at")
    for issuer_id, submitted_at, created_at, ended_at in columns:
        if issuer_id is not None and ended_at is not None:
            found[issuer_id].append(_between(submitted_at or created_at, ended_at))
    return found


def _between(start: datetime, end: datetime) -> timedelta:
    return max(end - start, timedelta())


def _share(times: list[timedelta], share: float) -> timedelta | None:
    """The time within which this share of them was done (nearest rank); None when there are none."""
    return sorted(times)[math.ceil(share * len(times)) - 1] if times else None
