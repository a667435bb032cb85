"""When people are to hear about a version, and why: pure functions of its dates.

A certificate that renews by itself and does so is announced once, and told about when it is done. What a person has to
see to is told ever more urgently: 45, 30, 14 and 7 days and a day before it expires, sooner with a short life.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.lifecycle import timing
from vault.models import Certificate, Notice, Version

Reason = Notice.Reason

# Each at most so long before the end, and at most such a part of the whole life.
_BEFORE_THE_END: Final = (
    (Reason.EARLY, timedelta(days=45), 1 / 2),
    (Reason.NEAR, timedelta(days=30), 1 / 3),
    (Reason.CLOSE, timedelta(days=14), 1 / 6),
    (Reason.WEEK, timedelta(days=7), 1 / 12),
    (Reason.DAY, timedelta(days=1), 1 / 40),
)
_BEFORE_RENEWAL: Final = (timedelta(days=7), 1 / 12)
# A renewal that is this late has gone wrong, whatever else is known.
_LATE: Final = timedelta(days=1)
# What is left when a renewal fails is counted down.
_STILL_FAILING: Final = ((Reason.FAILED_HALF, 0.50), (Reason.FAILED_QUARTER, 0.25), (Reason.FAILED_TENTH, 0.10))
_URGENT: Final = frozenset({Reason.DAY, Reason.EXPIRED, Reason.FAILED, *(reason for reason, _ in _STILL_FAILING)})


@dataclass(frozen=True, order=True)
class Step:
    """One moment at which people hear of a version. An urgent one does not wait for the digest."""

    at: datetime
    reason: Reason
    urgent: bool


def steps(
    *,
    not_before: datetime,
    not_after: datetime,
    renew_at: datetime | None = None,
    tell_at: datetime | None = None,
    failing_since: datetime | None = None,
) -> list[Step]:
    """Return what there will be to say about a version, in the order of time.

    `renew_at` is when it renews by itself, `tell_at` when its policy wants people told, `failing_since` when its
    renewal first failed. Without `renew_at`, or while the renewal fails, there are five steps before the end.
    """
    life = not_after - not_before
    found = list(_about_the_end(not_after, life))
    if renew_at is not None and failing_since is None:
        found = [step for step in found if step.at >= renew_at + _LATE]
        longest, part = _BEFORE_RENEWAL
        found.append(_step(Reason.RENEWS_SOON, renew_at - min(longest, life * part)))
    if tell_at is not None:
        found.append(_step(Reason.ACTION, tell_at))
    if failing_since is not None:
        found.append(_step(Reason.FAILED, failing_since))
        left = not_after - failing_since
        found += [_step(reason, not_after - left * part) for reason, part in _STILL_FAILING if left > timedelta(0)]
    return sorted(found)


def steps_of(certificate: Certificate, current: Version) -> list[Step]:
    """Return the steps of a certificate as it stands: by policy, CA's window, readiness and failures."""
    dates = {"not_before": current.not_before, "not_after": current.not_after}
    renew_at = None
    if certificate.readiness == Certificate.Readiness.UNATTENDED:
        window = timing.window_of(certificate)
        renew_at = timing.renewal_at(
            certificate.policy, made_at=current.created_at, window=window, seed=current.pk.hex, **dates
        )
    tell_at = timing.telling_at(certificate.policy, made_at=current.created_at, **dates)
    return steps(renew_at=renew_at, tell_at=tell_at, failing_since=certificate.failing_since, **dates)


def next_at(found: Iterable[Step], noticed_until: datetime | None) -> datetime | None:
    """Return the moment of the first step of which nobody has heard; None: there is none."""
    return min((step.at for step in found if noticed_until is None or step.at > noticed_until), default=None)


def _about_the_end(not_after: datetime, life: timedelta) -> Iterator[Step]:
    for reason, longest, part in _BEFORE_THE_END:
        yield _step(reason, not_after - min(longest, life * part))
    yield _step(Reason.EXPIRED, not_after)


def _step(reason: Reason, at: datetime) -> Step:
    return Step(at=at, reason=reason, urgent=reason in _URGENT)
