"""How long an issuer usually takes, by the last certificates that it issued."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import DurationField, ExpressionWrapper, F, OuterRef, QuerySet, Subquery

from vault.models import Issuer, Operation

# The median of so many: one slow order does not count for much, and a CA that has become faster is believed soon.
_LAST: Final = 5
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def times_of(issuers: Iterable[UUID]) -> dict[UUID, timedelta]:
    """The usual time from request to certificate of each issuer that has issued; one query."""
    wanted = Issuer.objects.filter(pk__in=list(issuers)).annotate(
        **{f"time_{number}": Subquery(_time(number)) for number in range(_LAST)}
    )
    found = wanted.values_list("pk", *(f"time_{number}" for number in range(_LAST)))
    times = {pk: [one for one in last if one is not None] for pk, *last in found}
    return {pk: statistics.median(last) for pk, last in times.items() if last}


def words(time: timedelta) -> str:
    """`1 min`, `4 min`, `3 h`, `2 days`: rounded up, so that nobody is promised too much."""
    if time <= 90 * _MINUTE:
        return f"{max(1, -(-time // _MINUTE))} min"
    if time <= 36 * _HOUR:
        return f"{-(-time // _HOUR)} h"
    return f"{-(-time // _DAY)} days"


def _time(number: int) -> QuerySet[Operation, Any]:
    issued = Operation.objects.filter(issuer=OuterRef("pk"), status=Operation.Status.COMPLETED).order_by("-ended_at")
    took = ExpressionWrapper(F("ended_at") - F("created_at"), output_field=DurationField())
    return issued.annotate(took=took).values("took")[number : number + 1]
