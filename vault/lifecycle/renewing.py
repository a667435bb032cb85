"""Renewing what is due, with nobody asking: the same operation as a person's, with the reason `renewal`."""

from __future__ import annotations

import logging
import time
from collections import Counter
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from vault.errors import BadParameter, Conflict, NotAllowedNow, TooMany
from vault.lifecycle import issuing
from vault.lifecycle.issuing import Order
from vault.models import Certificate, Operation
from vault.models.audit import SYSTEM

log = logging.getLogger(__name__)

AT_ONCE: Final = 500
_LATER: Final = timedelta(hours=1)
_LONGEST_SECONDS: Final = 60

_Line = tuple[int, str]


def renew_due(limit: int = AT_ONCE) -> int:
    """Begin renewals that are due, those that expire first before others; return how many.

    Of each issuer of a vault at most `RENEWALS_PER_MINUTE` begin in a minute, and a vault with too many requests in
    progress waits: what is left is due at the next call. So a fleet that comes due at once, as after downtime, is
    caught up with little by little. Making keys takes time: it ends after a while, and goes on at the next call.
    """
    until = time.monotonic() + _LONGEST_SECONDS
    room = _room()
    full: set[int] = set()
    begun = 0
    due = _due().order_by("expires_at").values_list("pk", "vault", "issuer_name")
    for pk, vault, issuer in due.iterator(chunk_size=1000):
        if begun == limit or time.monotonic() > until:
            break
        if vault in full or room[vault, issuer] >= settings.RENEWALS_PER_MINUTE:
            continue
        try:
            began = _renew(pk)
        except TooMany:
            full.add(vault)
            continue
        except Exception as error:  # noqa: BLE001 - the edge: what is wrong with one must not stop all the others
            _try_later(pk, error)
            continue
        room[vault, issuer] += began
        begun += began
    return begun


def _due() -> QuerySet[Certificate]:
    return Certificate.objects.to_renew().filter(vault__deleted_at__isnull=True)


def _room() -> Counter[_Line]:
    """How many renewals began in the last minute, by vault and issuer."""
    lately = Operation.objects.filter(
        reason=Operation.Reason.RENEWAL, created_at__gt=timezone.now() - timedelta(minutes=1)
    )
    counted = lately.order_by().values_list("vault", "issuer_name").annotate(count=Count("pk"))
    return Counter({(vault, issuer): count for vault, issuer, count in counted})


def _renew(pk: int) -> bool:
    """Begin one renewal unless another worker has; its claim and the request are one transaction.

    Its policy is read under the claim, so that an edit of this very moment is neither overlooked nor undone.
    Raises VaultError.
    """
    with transaction.atomic():
        if not _due().filter(pk=pk).update(renew_at=None):
            return False
        certificate = Certificate.objects.select_related("vault").get(pk=pk)
        order = Order(name=certificate.name, policy=certificate.policy, reason=Operation.Reason.RENEWAL, holder=pk)
        issuing.request_certificate(vault=certificate.vault, order=order, by=SYSTEM)
    return True


def _try_later(pk: int, error: Exception) -> None:
    """It was fine when it was looked at: somebody changed something at this moment, or something is broken here."""
    log.warning("The renewal of certificate %s did not begin: %s", pk, type(error).__name__)
    moment = timezone.now()
    later = moment + _LATER
    # A look would find what somebody changed; of what is broken here it knows nothing, and would have it due at once.
    look_at = moment if isinstance(error, (BadParameter, Conflict, NotAllowedNow)) else later
    _due().filter(pk=pk).update(renew_at=later, look_at=look_at)
