"""What whoever heard of something may say to it: I know; remind me later; someone else should see to it.

A notice that was answered is closed once, however often and by however many at a time it is answered.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from vault.errors import BadParameter
from vault.models import Notice
from vault.models.audit import Actor, record

LONGEST_SNOOZE: Final = 30
# Sending a form twice within this time is sending it once.
_TWICE: Final = timedelta(minutes=1)


@transaction.atomic
def acknowledge(notice: Notice, *, by: Actor) -> bool:
    """Settle all open notices about the same version to the same address; False when none was open.

    Of that version the address hears nothing more, but that a day is left and that it has expired: see
    `acknowledged`.
    """
    settled = _open(notice).update(settled=Notice.Settled.ACKNOWLEDGED, settled_at=timezone.now())
    if settled:
        _record("acknowledge", notice, by, notices=settled)
    return bool(settled)


@transaction.atomic
def snooze(notice: Notice, *, days: int, by: Actor) -> bool:
    """Tell the same once more, after so many days (1 to 30); False when it is settled, or snoozed until then already.

    It counts as not told (`mail` is None) until `snoozed_until`. Raises BadParameter for other numbers of days.
    """
    if not 1 <= days <= LONGEST_SNOOZE:
        raise BadParameter(f"A reminder can come in 1 to {LONGEST_SNOOZE} days.", field="days")
    until = timezone.now() + timedelta(days=days)
    otherwise = Q(snoozed_until=None) | Q(snoozed_until__lt=until - _TWICE) | Q(snoozed_until__gt=until + _TWICE)
    mine = Notice.objects.filter(otherwise, pk=notice.pk, settled=Notice.Settled.NONE)
    if not mine.update(snoozed_until=until, mail=None):
        return False
    _record("snooze", notice, by, days=days)
    return True


@transaction.atomic
def hand_over(notice: Notice, *, to: str, by: Actor) -> bool:
    """Let another address hear it instead; False when it was settled before.

    Everything open about the same version is settled with it. Raises BadParameter when it would go to whom it came.
    """
    address = to.lower()
    if address == notice.address:
        raise BadParameter("They have heard of it already. Choose someone else.", field="person")
    changes = {"settled": Notice.Settled.HANDED_OVER, "settled_at": timezone.now(), "handed_to": address}
    if not _open(notice).filter(pk=notice.pk).update(**changes):
        return False
    _open(notice).update(**changes)
    Notice.objects.bulk_create([_same_for(address, notice)], ignore_conflicts=True)
    _record("hand-over", notice, by, to=address)
    return True


def acknowledged(abouts: Collection[str]) -> set[tuple[str, str]]:
    """Return who (the second) acknowledged which of these (`Notice.about`, the first). One query."""
    answered = Notice.objects.filter(about__in=abouts, settled=Notice.Settled.ACKNOWLEDGED)
    return set(answered.values_list("about", "address").distinct())


def _open(notice: Notice) -> models.QuerySet[Notice]:
    return Notice.objects.filter(about=notice.about, address=notice.address, settled=Notice.Settled.NONE)


def _same_for(address: str, notice: Notice) -> Notice:
    return Notice(
        vault_id=notice.vault_id,
        certificate_id=notice.certificate_id,
        about=notice.about,
        reason=notice.reason,
        address=address,
        words=notice.words,
        until=notice.until,
        urgent=notice.urgent,
    )


def _record(verb: str, notice: Notice, by: Actor, **details: object) -> None:
    target = f"certificates/{notice.certificate.name}"
    told = {"reason": notice.reason, "address": notice.address}
    record(f"notices/{verb}", target, by=by, vault=notice.vault, details={**told, **details})
