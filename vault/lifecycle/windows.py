"""Asking CAs when they want their certificates renewed (RFC 9773), so that a renewal keeps to the window they name."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from vault import leases, queue
from vault.errors import VaultError
from vault.lifecycle import issuers, pausing
from vault.models import Certificate, Issuer, Operation
from vault.models.policy import SELF, UNKNOWN
from vault.providers.base import Can, Provider, ProviderError, RateLimited, RenewalHint, Transient

log = logging.getLogger(__name__)

AT_ONCE: Final = 500
# Longer than the slowest answer: a worker that dies leaves the question to be asked again after it.
LEASE: Final = timedelta(minutes=5)
SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=7)
# After an error of the CA (§4.3.3).
AFTER_ERROR: Final = timedelta(hours=6)
# What cannot be asked at this moment, for reasons on our side.
_DISABLED: Final = timedelta(days=1)
_BUSY: Final = timedelta(minutes=1)
_ASK_FOR_SECONDS: Final = 45
_LONGEST_URL: Final = 500
_AT_A_TIME: Final = 200


@dataclass(frozen=True)
class _Due:
    """A certificate to ask about, the version that it was read with, and when that was due."""

    pk: int
    version: UUID | None
    at: datetime


def ask_due(limit: int = AT_ONCE) -> int:
    """Ask for the windows of certificates whose time has come, at most `limit`; return about how many a CA was asked.

    The CA that made the version is asked; of one that was brought here, the issuer of its certificate. What nobody can
    be asked about is put aside together, and so is all that is due at a CA that does not answer: one call tells.
    """
    due = _due()
    due.filter(expires_at__lte=timezone.now()).update(ask_window_at=None)
    of_issuer, of_none = _by_issuer(due.order_by("ask_window_at"), limit)
    _put_off(of_none, None)
    until = time.monotonic() + _ASK_FOR_SECONDS
    found = Issuer.objects.light().filter(pk__in=list(of_issuer)).select_related("vault")
    return sum(_ask_issuer(issuer, of_issuer[issuer.pk], until) for issuer in found)


def _due() -> QuerySet[Certificate]:
    return Certificate.objects.to_ask_about().filter(vault__deleted_at__isnull=True)


def _by_issuer(due: QuerySet[Certificate], limit: int) -> tuple[defaultdict[UUID, list[_Due]], list[_Due]]:
    """What is due by the issuer to ask, and what no issuer's row stands behind."""
    columns = ("pk", "current", "ask_window_at", "vault", "issuer_name", "current__operation__issuer")
    rows = list(due.values_list(*columns)[:limit])
    named = _named({row[3] for row in rows})
    of_issuer: defaultdict[UUID, list[_Due]] = defaultdict(list)
    of_none: list[_Due] = []
    for pk, version, at, vault, name, made_by in rows:
        issuer = made_by or named.get((vault, name.lower()))
        (of_issuer[issuer] if issuer and version else of_none).append(_Due(pk, version, at))
    return of_issuer, of_none


def _named(vaults: Iterable[int]) -> dict[tuple[int, str], UUID]:
    rows = Issuer.objects.filter(vault__in=vaults).exclude(name_key__in=[SELF.lower(), UNKNOWN.lower()])
    return {(vault, name): pk for pk, vault, name in rows.values_list("pk", "vault", "name_key")}


# ------------------------------------------------------------------ one issuer
def _ask_issuer(issuer: Issuer, due: list[_Due], until: float) -> int:
    moment = timezone.now()
    if not issuer.enabled:
        return _put_off(due, moment + _DISABLED)
    if issuer.is_paused:
        return _put_off(due, max(issuer.paused_until or moment, moment + SHORTEST))
    if _is_busy(issuer):
        return _put_off(due, moment + _BUSY)
    try:
        provider = issuers.provider_of(issuer)
    except VaultError:
        return _put_off(due, moment + _DISABLED)
    if Can.RENEWAL_INFO not in provider.can:
        return _put_off(due, None)
    return _ask_in_turn(issuer, provider, due, until)


def _ask_in_turn(issuer: Issuer, provider: Provider, due: list[_Due], until: float) -> int:
    """Ask one after another until the CA does not answer, or time is up; the rest is due at the next call."""
    asked = 0
    for position, one in enumerate(due):
        if time.monotonic() > until:
            break
        if not _claim(one):
            continue
        asked += 1
        try:
            _ask(provider, one)
        except RateLimited as error:
            _put_off(due[position:], pausing.for_rate(issuer, error))
            break
        except Transient as error:
            log.info("The issuer %s did not say when to renew: %s", issuer.pk, error.code)
            _put_off(due[position:], timezone.now() + _bounded(error.retry_after or SHORTEST))
            break
        except VaultError as error:
            log.info("The CA did not say when to renew certificate %s: %s", one.pk, error.code)
            wait = error.retry_after if isinstance(error, ProviderError) else None
            _put_off([one], timezone.now() + _bounded(wait or AFTER_ERROR))
    return asked


def _ask(provider: Provider, one: _Due) -> None:
    """Ask about one version and keep the answer. Raises VaultError."""
    current = Certificate.objects.filter(pk=one.pk, current=one.version)
    der = current.values_list("current__der", flat=True).first()
    if der is not None:
        _keep(one, provider.renewal_info(bytes(der)))


def _keep(one: _Due, hint: RenewalHint | None) -> None:
    """Keep the window, unless another version is current by now. An answer without one leaves what is known."""
    moment = timezone.now()
    mine = Certificate.objects.filter(pk=one.pk, current=one.version)
    if hint is None:
        mine.update(ask_window_at=moment + LONGEST)
        return
    window: dict[str, Any] = {"window_start": hint.start, "window_end": hint.end}
    page = hint.explanation_url if len(hint.explanation_url) <= _LONGEST_URL else ""
    same = mine.filter(**window).update(window_url=page, ask_window_at=moment + _bounded(hint.ask_again))
    if not same:
        mine.update(**window, window_url=page, ask_window_at=moment + _bounded(hint.ask_again), look_at=moment)


# ----------------------------------------------------------------- the claim
def _claim(one: _Due) -> bool:
    """Whether it falls to the caller to ask; it is asked again should the caller die."""
    mine = _due().filter(pk=one.pk, ask_window_at=one.at, current=one.version)
    return bool(mine.update(ask_window_at=timezone.now() + LEASE))


def _put_off(some: Iterable[_Due], until: datetime | None) -> int:
    """Ask about these no sooner than `until` (None: no more), unless they have another version by now; returns 0."""
    chosen = list(some)
    for start in range(0, len(chosen), _AT_A_TIME):
        part = chosen[start : start + _AT_A_TIME]
        same = Q(current__in=[one.version for one in part if one.version]) | Q(current=None)
        mine = Certificate.objects.filter(same, pk__in=[one.pk for one in part])
        # Due or claimed; what another worker has heard an answer about keeps it.
        mine.filter(ask_window_at__lte=timezone.now() + LEASE).update(ask_window_at=until)
    return 0


def _bounded(wait: timedelta) -> timedelta:
    return min(max(wait, SHORTEST), LONGEST)


def _is_busy(issuer: Issuer) -> bool:
    """Whether as many of this machine's workers call this CA as may at a time."""
    held = Operation.objects.in_progress().filter(issuer=issuer, next_step_at__gt=timezone.now())
    held = held.filter(leased_by__startswith=f"{leases.machine()} ").order_by()
    most = queue.calls_per_issuer()
    return held[:most].count() >= most
