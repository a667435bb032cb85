"""A year of a fleet of certificates, half a day at a time, through everything the worker does.

    with Year(size=60) as year:
        year.pass_by()
        assert year.wrongs() == []

Rows, keys, the CA over HTTP and the mail server are real; only time is not waited for. Nobody acts on what is said, so
that what needs a person expires: the question is whether enough was said before.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

import time_machine
from django.test import override_settings
from django.utils import timezone

from portal.models import Role
from tests.factories import make_certificate, make_member, make_user, make_vault
from tests.servers.smtp import mail_server
from tests.vault.lifecycle.cas import Rig, offered
from tests.vault.lifecycle.tiny import TINY, TinySimulator
from vault import tasks
from vault.lifecycle import outlook, posting, renewing, telling, timing
from vault.models import Certificate, Contact, Issuer, Mail, Notice, Operation, Version
from vault.models.policy import SELF, UNKNOWN, LifetimeAction, LifetimeActionType, Policy, Validity
from vault.simulators.kit import Fault

BEGIN: Final = datetime(2026, 1, 5, 8, 1, tzinfo=UTC)
STEP: Final = timedelta(hours=12)
# A renewal may be so much later than planned: the step, and what the CA and its retries take.
GRACE: Final = timedelta(days=1)
_TELLS: Final = LifetimeActionType.EMAIL_CONTACTS


@dataclass(frozen=True)
class Kind:
    """One sort of certificate: its life in days, its rule, and whose it is."""

    days: int
    rule: LifetimeAction
    issuer: str = SELF
    key_elsewhere: bool = False


def _renews(**when: int) -> LifetimeAction:
    return LifetimeAction(action=LifetimeActionType.AUTO_RENEW, **when)


KINDS: Final = (
    Kind(90, _renews(lifetime_percentage=80)),
    Kind(199, _renews(days_before_expiry=30), "tiny"),
    Kind(47, _renews(lifetime_percentage=66), "tiny"),
    Kind(365, _renews(days_before_expiry=45)),
    Kind(90, LifetimeAction(action=_TELLS, days_before_expiry=20)),
    Kind(199, LifetimeAction(action=_TELLS, lifetime_percentage=90), UNKNOWN),
    Kind(120, _renews(lifetime_percentage=75), key_elsewhere=True),
    Kind(90, _renews(lifetime_percentage=80), "disabled"),
)


@dataclass(frozen=True)
class Outage:
    """From a day of the year on, for so many days."""

    day: int
    days: int

    @property
    def begin(self) -> datetime:
        """When it begins."""
        return BEGIN + timedelta(days=self.day)

    @property
    def end(self) -> datetime:
        """When it is over."""
        return self.begin + timedelta(days=self.days)

    def holds(self, moment: datetime) -> bool:
        """Whether it is so at a moment."""
        return self.begin <= moment < self.end


class Year:
    """The fleet, the servers around it, and what is out of order when. Time stands still but for `pass_by`."""

    def __init__(
        self, *, size: int, ca: Outage | None = None, mail: Outage | None = None, worker: Outage | None = None
    ) -> None:
        self.size = size
        self.ca, self.mail, self.worker = ca, mail, worker
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start the servers and make the fleet, as old as it is at the beginning of the year."""
        enter = self._stack.enter_context
        enter(offered(TINY))
        self._clock = enter(time_machine.travel(BEGIN - timedelta(days=200), tick=False))
        self._simulator = TinySimulator()
        self.server = enter(mail_server())
        enter(override_settings(**_settings(self.server.port)))
        self._rig = enter(Rig(self._simulator, vault=make_vault()))
        self._make()
        return self

    def __exit__(self, *details: object) -> None:
        """Stop everything."""
        self._stack.close()

    # ------------------------------------------------------------- the fleet
    def _make(self) -> None:
        vault = self._rig.vault
        owner, deputy = (make_user(name, email=f"{name}@example.org") for name in ("ada", "bob"))
        make_member(vault, Role.ADMINISTRATOR, owner)
        Contact.objects.create(vault=vault, email="team@example.org")
        self._issuers = {"tiny": self._rig.issuer.name, "disabled": "disabled", SELF: SELF, UNKNOWN: UNKNOWN}
        Issuer.objects.create(vault=vault, name="disabled", provider="Tiny", secrets=b"", enabled=False)
        for number in range(self.size):
            kind = KINDS[number % len(KINDS)]
            # Spread over the first third of their lives.
            self._rig.move_to(BEGIN - timedelta(days=kind.days) * (number * 37 % 100) / 300)
            certificate = make_certificate(vault=vault, validity=Validity(number=kind.days, unit="days"))
            self._settle(certificate, kind)
            people = {"owner_id": owner.pk} if number % 5 else {}
            certificate.hand_over(owner_id=people.get("owner_id"), deputy_id=deputy.pk if number % 3 else None)
        self._rig.move_to(BEGIN)

    def _settle(self, certificate: Certificate, kind: Kind) -> None:
        policy = replace(certificate.policy, issuer_name=self._issuers[kind.issuer], lifetime_actions=(kind.rule,))
        certificate.adopt_policy(policy)
        if kind.key_elsewhere:
            Version.objects.filter(certificate=certificate).update(key=None)

    # ---------------------------------------------------------------- time
    def pass_by(self, days: int = 365) -> None:
        """Let the time pass, and do each time what the worker does."""
        over = BEGIN + timedelta(days=days)
        while timezone.now() < over:
            moment = timezone.now()
            self._break_and_mend(moment)
            if self.worker is None or not self.worker.holds(moment):
                self.work(until=moment + STEP / 2)
            self._rig.move_to(moment + STEP)

    def work(self, until: datetime) -> None:
        """Whatever is due at this moment; requests go on, each at its time, up to another."""
        _until_done(outlook.look_ahead)
        _until_done(renewing.renew_due)
        self._advance(until)
        _until_done(outlook.look_ahead)
        while telling.tell_due():
            _until_done(outlook.look_ahead)
        _until_done(posting.post_due)

    def _advance(self, until: datetime) -> None:
        planned = Operation.objects.in_progress().filter(next_step_at__lte=until).order_by("next_step_at", "id")
        while operation := planned.only("next_step_at").first():
            assert operation.next_step_at is not None
            self._rig.move_to(max(operation.next_step_at, timezone.now()))
            tasks.advance_operation(operation.pk)

    def _break_and_mend(self, moment: datetime) -> None:
        usual = Fault(on="*", do="at-once", times=-1)
        down = Fault(on="*", do="status:503", times=-1)
        self._rig.break_down(*([down] if self.ca and self.ca.holds(moment) else [usual]))
        if self.mail is not None and self.mail.holds(moment):
            self.server.stop()
        elif not self.server.is_running:
            self.server.start()

    def first_due(self, issuer: str) -> int:
        """The day of the year on which the first certificate of an issuer is to be renewed, before any was."""
        name = self._issuers[issuer]
        due = [self._due(version) for version in Version.objects.filter(certificate__issuer_name=name)]
        return min((moment - BEGIN).days for moment in due if moment is not None)

    # ------------------------------------------------------------- judgement
    def wrongs(self) -> list[str]:
        """What should not have happened, one sentence each."""
        return [*self._silent_ends(), *self._said_twice(), *self._late_renewals(), *self._early_ones()]

    def figures(self) -> dict[str, int]:
        """How much happened."""
        renewed = Operation.objects.filter(reason=Operation.Reason.RENEWAL, status=Operation.Status.COMPLETED)
        return {
            "renewals": renewed.count(),
            "expired": sum(1 for _ in self._ended()),
            "notices": Notice.objects.count(),
            "mails": len(self.server.mailbox.messages),
        }

    def _lives(self) -> Iterator[tuple[Version, Version | None]]:
        """Each version, and the one after it."""
        of: defaultdict[int, list[Version]] = defaultdict(list)
        for version in Version.objects.select_related("certificate").order_by("certificate", "number"):
            of[version.certificate_id].append(version)
        for versions in of.values():
            yield from zip(versions, [*versions[1:], None], strict=True)

    def _ended(self) -> Iterator[Version]:
        """Versions that expired while they were the current ones."""
        for version, after in self._lives():
            if version.not_after < min(timezone.now(), after.created_at if after else timezone.now()):
                yield version

    def _silent_ends(self) -> Iterator[str]:
        """Versions that expired without two notices, delivered before; those of an outage of the worker cannot be."""
        sent = Notice.objects.filter(mail__state=Mail.State.SENT).exclude(reason=Notice.Reason.RENEWED)
        heard: defaultdict[str, set[tuple[str, datetime]]] = defaultdict(set)
        for about, reason, at in sent.values_list("about", "reason", "mail__sent_at"):
            heard[about].add((reason, at))
        for version in self._ended():
            before = {reason for reason, at in heard[version.pk.hex] if at < version.not_after}
            if len(before) < 2 and not (self._renews_itself(version) and self._is_out(self.worker, version.not_after)):
                yield f"{version.certificate} expired on {version.not_after:%F} after {len(before)} notices"

    def _said_twice(self) -> Iterator[str]:
        said = Counter(str(message["Message-ID"]) for message in self.server.mailbox.messages)
        yield from (f"Mail {number} came {times} times" for number, times in said.items() if times > 1)
        rows = Notice.objects.values_list("about", "reason", "address")
        yield from (f"{row} was noted {times} times" for row, times in Counter(rows).items() if times > 1)
        digests = Counter((m["To"], m["Subject"], m["Date"]) for m in self.server.mailbox.messages)
        yield from (f"{key} was sent {times} times" for key, times in digests.items() if times > 1)

    def _late_renewals(self) -> Iterator[str]:
        for version, after in self._lives():
            due = self._due(version)
            if due is None:
                continue
            latest = due + GRACE + sum((o.end - due for o in (self.ca, self.worker) if o and o.holds(due)), timedelta())
            came = after.created_at if after else None
            if latest < timezone.now() and (came is None or came > latest):
                yield f"{version.certificate} was to be renewed by {latest:%F %T}, and was at {came}"

    def _early_ones(self) -> Iterator[str]:
        for version, after in self._lives():
            due = self._due(version)
            if after is not None and (due is None or after.created_at < due):
                yield f"{version.certificate} was renewed at {after.created_at:%F %T}, not at {due}"

    def _due(self, version: Version) -> datetime | None:
        """When a version should be renewed by its policy; None: not by itself."""
        if not self._renews_itself(version):
            return None
        dates = {"not_before": version.not_before, "not_after": version.not_after, "made_at": version.created_at}
        return timing.renewal_at(_policy(version), **dates)

    def _renews_itself(self, version: Version) -> bool:
        policy = _policy(version)
        is_asked_for = any(rule.action == LifetimeActionType.AUTO_RENEW for rule in policy.lifetime_actions)
        return is_asked_for and version.key_id is not None and policy.issuer_name not in {UNKNOWN, "disabled"}

    def _is_out(self, outage: Outage | None, moment: datetime) -> bool:
        return outage is not None and outage.holds(moment - GRACE)


def _policy(version: Version) -> Policy:
    return version.certificate.policy


def _until_done(sweep: Any) -> None:
    while sweep():
        pass


def _settings(port: int) -> dict[str, Any]:
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": port,
        "EMAIL_USE_TLS": False,
        "EMAIL_TIMEOUT": 3,
        "MAIL_WORKS": True,
        "DEFAULT_FROM_EMAIL": "Chancery <chancery@portal.example.org>",
        "PORTAL_URL": "https://portal.example.org",
        "RENEWALS_PER_MINUTE": 10_000,
        "RUNNING_PER_VAULT": 10_000,
    }
