"""When a certificate is renewed, when people are told, and when a failed renewal is tried again: pure functions."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from vault.models import Certificate
from vault.models.policy import LifetimeAction, LifetimeActionType, Policy
from vault.x509.dates import renewal_due_at

_USUAL_PERCENTAGE = 80
_FIRST_WAIT, _LONGEST_WAIT, _SHORTEST_WAIT = timedelta(hours=6), timedelta(days=3), timedelta(hours=1)
_MOST_DOUBLINGS = 8
# However much a CA is in a hurry, a version is kept for so long.
_NOT_BEFORE = timedelta(hours=6)

Window = tuple[datetime, datetime]


def renewal_at(
    policy: Policy,
    *,
    not_before: datetime,
    not_after: datetime,
    made_at: datetime,
    window: Window | None = None,
    seed: str = "",
) -> datetime | None:
    """When a version made at `made_at` is to be renewed; None when its policy does not renew by itself.

    The CA's window (RFC 9773 §4.2) rules over the policy: a point in it, always the same for one `seed`, unless that
    is after the end. The moment is never at or before `made_at`, or a version would be renewed as soon as it is there,
    without end, where a CA names a window of the past each time.
    """
    rule = _rule(policy.lifetime_actions, LifetimeActionType.AUTO_RENEW)
    if rule is None:
        return None
    if window is not None and (point := _point_in(window, seed)) < not_after:
        return max(point, made_at + min(_NOT_BEFORE, max(not_after - made_at, timedelta(0)) / 3))
    return _moment(rule, not_before=not_before, not_after=not_after, made_at=made_at)


def telling_at(policy: Policy, *, not_before: datetime, not_after: datetime, made_at: datetime) -> datetime | None:
    """When the contacts are to be told by the policy; None when it does not ask for that."""
    rule = _rule(policy.lifetime_actions, LifetimeActionType.EMAIL_CONTACTS)
    return _moment(rule, not_before=not_before, not_after=not_after, made_at=made_at) if rule else None


def window_of(certificate: Certificate) -> Window | None:
    """Return the CA's window for renewing the current version, where it gave one."""
    start, end = certificate.window_start, certificate.window_end
    return (start, end) if start and end else None


def retry_at(*, failures: int, failed_at: datetime, not_after: datetime) -> datetime:
    """When to try again after so many failures in a row: 6 hours, 12, 24 … up to 3 days, sooner when time is short."""
    wait = min(_FIRST_WAIT * (1 << min(max(failures - 1, 0), _MOST_DOUBLINGS)), _LONGEST_WAIT)
    if not_after > failed_at:
        wait = max(_SHORTEST_WAIT, min(wait, (not_after - failed_at) / 8))
    return failed_at + wait


def _rule(actions: Iterable[LifetimeAction], kind: LifetimeActionType) -> LifetimeAction | None:
    return next((rule for rule in actions if rule.action == kind), None)


def _moment(rule: LifetimeAction, *, not_before: datetime, not_after: datetime, made_at: datetime) -> datetime:
    due = renewal_due_at(
        not_before,
        not_after,
        lifetime_percentage=rule.lifetime_percentage,
        days_before_expiry=rule.days_before_expiry,
    )
    if due <= made_at:
        due = renewal_due_at(not_before, not_after, lifetime_percentage=_USUAL_PERCENTAGE)
    if due <= made_at:
        due = made_at + max(not_after - made_at, timedelta(0)) / 3
    return due


def _point_in(window: Window, seed: str) -> datetime:
    """One point of the window, so that a CA's certificates are not all renewed at once."""
    start, end = window
    part = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) / 2**64
    return start + (end - start) * part
