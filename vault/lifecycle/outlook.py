"""What lies ahead of a certificate: whether it renews unattended, what stops it, and when it is to be renewed.

Everything is worked out from policy, current version, issuer and past renewals, and written here alone. Whoever
changes one of these calls `look_again()` on the certificates concerned; besides, each is looked at once a day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Prefetch, Q
from django.utils import timezone

from vault import caps, policies
from vault.errors import VaultError
from vault.lifecycle import ladder, telling, timing
from vault.models import Certificate, Issuer, Notice, Operation, Version
from vault.models.policy import SELF, UNKNOWN, LifetimeActionType
from vault.providers import offer_of
from vault.providers.acme.config import Method

AT_ONCE: Final = 500
_AGAIN: Final = timedelta(days=1)
# Each batch is looked at again at a time of its own.
_SPREAD_MINUTES: Final = 60
_COLUMNS: Final = ("readiness", "findings", "renew_at", "failing_since", "notice_at")
Readiness = Certificate.Readiness

_IssuerKey = tuple[int, str]


@dataclass(frozen=True)
class Finding:
    """One thing in the way of renewing by itself, or that should not stay so, in a code and a sentence."""

    code: str
    words: str


@dataclass
class _Past:
    """The requests since the current version: when renewals ended without a certificate, and whether one runs."""

    failed_at: list[datetime] = field(default_factory=list)
    is_running: bool = False
    waits_for_person: bool = False


@dataclass(frozen=True, kw_only=True)
class _Around:
    """What is known of the surroundings of one certificate; `contacts` are its vault's addresses."""

    issuer: Issuer | None
    past: _Past
    contacts: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class _Look:
    """A certificate with what lies ahead of it now; `before` is the readiness that it had."""

    certificate: Certificate
    before: str
    is_news: bool
    is_first: bool

    @property
    def has_turned(self) -> bool:
        """Whether people are to hear that it is blocked: it was not, or another version was."""
        return self.certificate.readiness == Readiness.BLOCKED and (self.before != Readiness.BLOCKED or self.is_first)

    @property
    def is_free(self) -> bool:
        """Whether it was blocked and is not any more."""
        return self.before == Readiness.BLOCKED and self.certificate.readiness != Readiness.BLOCKED


def look_ahead(limit: int = AT_ONCE) -> int:
    """Look at certificates whose time has come, at most `limit`; return how many there were.

    Asks and writes as often for many as for one. Safe beside another worker: a certificate that was marked anew
    meanwhile, or is in another's hands, is left to the next look.
    """
    versions = Version.objects.only("key", "not_before", "not_after", "created_at", "enabled", "revocation")
    due = Certificate.objects.to_look_at().order_by("look_at")
    found = list(due.select_related("vault", "owner", "deputy").prefetch_related(Prefetch("current", versions))[:limit])
    if not found:
        return 0
    vaults = {certificate.vault_id for certificate in found}
    issuers, past, contacts = _issuers(vaults), _past(found), telling.contacts_of(vaults)
    looks = []
    for certificate in found:
        issuer = issuers.get((certificate.vault_id, certificate.issuer_name.lower()))
        around = _Around(issuer=issuer, past=past[certificate.pk], contacts=contacts.get(certificate.vault_id, ()))
        looks.append(_look(certificate, around))
    _write(looks)
    return len(found)


def _look(certificate: Certificate, around: _Around) -> _Look:
    """Work out what lies ahead; the columns are set on the object, and not yet written."""
    before = [getattr(certificate, name) for name in _COLUMNS]
    # A new version has neither, and every look finds a next notice.
    is_first = certificate.notice_at is None and certificate.noticed_until is None
    _set_ahead(certificate, around)
    return _Look(
        certificate=certificate,
        before=before[0],
        is_news=before != [getattr(certificate, name) for name in _COLUMNS],
        is_first=is_first,
    )


def _write(looks: Sequence[_Look]) -> None:
    """Write what was worked out about certificates that are still marked as they were then, and tell about it."""
    moment = timezone.now()
    first = looks[0].certificate.pk
    with transaction.atomic():
        rows = Certificate.objects.live().filter(pk__in=[look.certificate.pk for look in looks])
        held = rows.select_for_update(skip_locked=True, of=("self",), no_key=True)
        marks = dict(held.values_list("pk", "look_at"))
        mine = [look for look in looks if marks.get(look.certificate.pk) == look.certificate.look_at]
        Certificate.objects.bulk_update([look.certificate for look in mine if look.is_news], _COLUMNS)
        again = moment + _AGAIN + timedelta(minutes=first % _SPREAD_MINUTES)
        Certificate.objects.filter(pk__in=[look.certificate.pk for look in mine]).update(look_at=again)
        telling.tell_blocked([look.certificate for look in mine if look.has_turned])
        if freed := [look.certificate.pk for look in mine if look.is_free]:
            telling.unblocked(freed)


# ------------------------------------------------------------- what is asked
def _issuers(vaults: Collection[int]) -> Mapping[_IssuerKey, Issuer]:
    rows = Issuer.objects.light().filter(vault__in=vaults)
    return {(row.vault_id, row.name_key): row for row in rows}


def _past(certificates: Iterable[Certificate]) -> defaultdict[int, _Past]:
    since = {one.pk: one.current.created_at for one in certificates if one.current is not None}
    states, steps = Operation.Status, Operation.Step
    failed = Q(reason=Operation.Reason.RENEWAL, status__in=[states.FAILED, states.CANCELLED])
    running = Q(status=states.IN_PROGRESS, deleted_at=None)
    rows = Operation.objects.filter(failed | running, certificate__in=list(since)).order_by("ended_at")
    past: defaultdict[int, _Past] = defaultdict(_Past)
    by_person = {steps.AWAITING_MERGE, steps.AWAITING_APPROVAL}
    columns = rows.values_list("certificate", "ended_at", "tasks", "step", "unclear_at")
    for pk, ended_at, tasks, step, unclear_at in columns:
        if ended_at is None:
            past[pk].is_running = True
            past[pk].waits_for_person |= bool(tasks) or step in by_person or unclear_at is not None
        elif ended_at >= since[pk]:
            past[pk].failed_at.append(ended_at)
    return past


# --------------------------------------------------------- what is worked out
def _set_ahead(certificate: Certificate, around: _Around) -> None:
    current = certificate.current
    certificate.readiness, certificate.findings = Readiness.UNKNOWN, []
    certificate.renew_at = certificate.failing_since = certificate.notice_at = None
    if current is None:
        return
    renew_at = _renew_at(certificate, current, around.past)
    in_the_way = list(_by_hand(certificate, current))
    certificate.readiness = Readiness.PERSON if in_the_way else Readiness.UNATTENDED
    if not in_the_way:
        in_the_way = list(_stopping(certificate, around.issuer, renew_at))
        certificate.readiness = Readiness.BLOCKED if in_the_way else Readiness.UNATTENDED
    helping = [*_trouble(around.past), *_needing_help(around)]
    if helping and not in_the_way:
        certificate.readiness = Readiness.PERSON
    if not in_the_way and not around.past.is_running:
        certificate.renew_at = renew_at
    if around.past.failed_at:
        certificate.failing_since = around.past.failed_at[0]
    findings = [*in_the_way, *helping, *_notes(certificate, current, around)]
    certificate.findings = [asdict(finding) for finding in findings]
    certificate.notice_at = ladder.next_at(ladder.steps_of(certificate, current), certificate.noticed_until)


def _by_hand(certificate: Certificate, current: Version) -> Iterable[Finding]:
    """Why the next version is a person's to bring or to ask for."""
    if certificate.issuer_name == UNKNOWN:
        yield Finding("merge-only", "No issuer is set: a person takes the CSR to a CA and brings the certificate.")
    elif current.key_id is None:
        yield Finding("key-elsewhere", "The key was made elsewhere: a person brings the next signing request.")
    elif not any(rule.action == LifetimeActionType.AUTO_RENEW for rule in certificate.policy.lifetime_actions):
        yield Finding("no-auto-renew", "The policy does not renew it: a person asks for the next version.")


def _stopping(certificate: Certificate, issuer: Issuer | None, renew_at: datetime | None) -> Iterable[Finding]:
    """What stops a renewal that the policy asks for."""
    if certificate.issuer_name != SELF:
        yield from _at_issuer(certificate, issuer, renew_at)
    try:
        policies.check(certificate.policy)
    except VaultError as error:
        yield Finding("policy", f"The policy is not allowed any more: {error}")


def _at_issuer(certificate: Certificate, issuer: Issuer | None, renew_at: datetime | None) -> Iterable[Finding]:
    name = certificate.issuer_name
    if issuer is None:
        yield Finding("issuer-gone", f"The issuer “{name}” is not there any more. Choose another in the policy.")
        return
    offer = offer_of(issuer.provider)
    if offer is None:
        yield Finding("issuer-unknown", f"The portal cannot speak to “{issuer.provider}”, as the issuer “{name}” asks.")
        return
    if not issuer.enabled:
        yield Finding("issuer-disabled", f"The issuer “{issuer}” is switched off. Switch it on, or choose another.")
    elif issuer.pause == Issuer.Pause.CREDENTIALS:
        refused = f"The CA refuses the credentials of the issuer “{issuer}”. An administrator enters new ones."
        yield Finding("issuer-paused", refused)
    elif words := caps.over_cap(certificate.policy, issuer, str(issuer), _day_of(renew_at)):
        yield Finding("cap", words)
    try:
        policies.check_certificate_type(certificate.policy, offered=offer.certificate_types)
    except VaultError as error:
        yield Finding("policy", f"The policy is not allowed any more: {error}")


def _day_of(renew_at: datetime | None) -> date:
    """The day on which a renewal is sent: today when it is due."""
    moment = timezone.now()
    return max(renew_at or moment, moment).astimezone(UTC).date()


def _needing_help(around: _Around) -> Iterable[Finding]:
    """What a renewal that begins by itself waits for."""
    if around.past.waits_for_person:
        yield Finding("renewal-waits", "A request for its next version waits for a person. The request says for what.")
    issuer = around.issuer
    if issuer is not None and issuer.config.get("method") == Method.DNS_BY_HAND:
        words = f"For the issuer “{issuer}” a person puts DNS records in place by hand, at each renewal."
        yield Finding("by-hand", words)


def _trouble(past: _Past) -> Iterable[Finding]:
    if past.failed_at:
        times = "once" if len(past.failed_at) == 1 else f"{len(past.failed_at)} times"
        yield Finding("renewal-failed", f"Its renewal has failed {times} and is tried again. The request says why.")


def _notes(certificate: Certificate, current: Version, around: _Around) -> Iterable[Finding]:
    """What stops nothing, but should not stay so."""
    issuer = around.issuer
    if current.not_after <= timezone.now():
        yield Finding("expired", "The version in use has expired.")
    if current.revocation:
        yield Finding("revoked", "The version in use is revoked. Ask for a new one, or it waits for its next renewal.")
    if not current.enabled:
        yield Finding("disabled", "The version in use is switched off; the next one will not be.")
    if issuer is not None and issuer.enabled and issuer.is_doubtful:
        yield Finding("issuer-test-failed", f"The last test of the issuer “{issuer}” found something wrong.")
    yield from _about_people(certificate, around.contacts)


def _about_people(certificate: Certificate, contacts: Sequence[str]) -> Iterable[Finding]:
    if certificate.owner is not None and not certificate.owner.is_active:
        words = "Its owner is not active any more; others hear of it instead. Choose another owner."
        yield Finding("owner-inactive", words)
    if not telling.recipients(certificate, Notice.Reason.EXPIRED, contacts=contacts):
        words = "No owner, deputy or contact can be written to: only the vault's administrators hear of it."
        yield Finding("no-one-to-tell", words)
    elif certificate.owner is None:
        yield Finding("owner-missing", "Nobody owns it: others hear of it instead. Choose an owner.")


def _renew_at(certificate: Certificate, current: Version, past: _Past) -> datetime | None:
    due = timing.renewal_at(
        certificate.policy,
        not_before=current.not_before,
        not_after=current.not_after,
        made_at=current.created_at,
        window=timing.window_of(certificate),
        seed=current.pk.hex,
    )
    if due is None or not past.failed_at:
        return due
    failed_at = past.failed_at[-1]
    return timing.retry_at(failures=len(past.failed_at), failed_at=failed_at, not_after=current.not_after)
