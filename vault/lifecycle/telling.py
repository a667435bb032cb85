"""Noting what people are to hear about certificates: each thing once for each of them. Mails carry it (`posting`).

The owner hears everything; the deputy what becomes urgent; the vault's contacts what is about to go wrong, and when
a certificate is renewed; its administrators what nobody else would hear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from vault import notices
from vault.lifecycle import answering_notices, ladder
from vault.lifecycle.ladder import Step
from vault.models import Certificate, Contact, Notice, Operation, Vault, Version

AT_ONCE: Final = 500
Reason = Notice.Reason

_TO_DEPUTY: Final = frozenset(
    {
        Reason.CLOSE,
        Reason.WEEK,
        Reason.DAY,
        Reason.EXPIRED,
        Reason.FAILED_HALF,
        Reason.FAILED_QUARTER,
        Reason.FAILED_TENTH,
        Reason.BLOCKED,
    }
)
_TO_CONTACTS: Final = frozenset(
    {
        Reason.WEEK,
        Reason.DAY,
        Reason.EXPIRED,
        Reason.FAILED_QUARTER,
        Reason.FAILED_TENTH,
        Reason.ACTION,
        Reason.RENEWS_SOON,
        Reason.RENEWED,
    }
)
# Who said “I know” hears these all the same.
_SAID_ALL_THE_SAME: Final = frozenset({Reason.DAY, Reason.EXPIRED})
_OF_FAILURES: Final = frozenset({Reason.FAILED, Reason.FAILED_HALF, Reason.FAILED_QUARTER, Reason.FAILED_TENTH})
_OF_THE_END: Final = frozenset({Reason.EARLY, Reason.NEAR, Reason.CLOSE, Reason.WEEK, Reason.DAY, Reason.EXPIRED})


@dataclass(frozen=True, kw_only=True)
class _News:
    """One thing to say about one certificate."""

    certificate: Certificate
    about: str
    reason: Notice.Reason
    urgent: bool
    words: str = ""
    until: datetime | None = None


def tell_due(limit: int = AT_ONCE) -> int:
    """Note what people are to hear by now of at most `limit` certificates; return how many certificates there were.

    Asks the same number of questions however many there are. Of what was missed, as when no worker ran, only the
    latest of each kind is said.
    """
    with transaction.atomic():
        moment = timezone.now()
        due = Certificate.objects.to_tell_about().order_by("notice_at")
        people = due.select_related("vault", "owner", "deputy", "current")
        # Rows that another worker has in its hands are its affair; a new version waits until these are done.
        found = list(people.select_for_update(skip_locked=True, of=("self",))[:limit])
        _note([news for certificate in found for news in _due(certificate, moment)])
        done = Certificate.objects.filter(pk__in=[certificate.pk for certificate in found])
        done.update(noticed_until=moment, notice_at=None, look_at=moment)
    return len(found)


def tell_blocked(certificates: Iterable[Certificate]) -> None:
    """Note that these, which were to renew by themselves, will not; each has its findings and current version."""
    moment = timezone.now()
    _note(
        _News(
            certificate=certificate,
            about=certificate.current_id.hex,
            reason=Reason.BLOCKED,
            urgent=False,
            words=" ".join(finding["words"] for finding in certificate.findings),
            until=certificate.expires_at,
        )
        for certificate in certificates
        if certificate.current_id is not None and certificate.expires_at > moment
    )


def unblocked(certificates: Collection[int]) -> None:
    """Settle what was said about these (primary keys) being blocked: they are not any more."""
    open_ones = Notice.objects.filter(certificate__in=certificates, reason=Reason.BLOCKED, settled=Notice.Settled.NONE)
    open_ones.update(settled=Notice.Settled.OVERTAKEN, settled_at=timezone.now())


def new_version(version: Version, *, operation: Operation | None = None) -> None:
    """Settle what was said about earlier versions; of a renewal, note that it is done. Call it where it is stored."""
    certificate = version.certificate
    open_ones = certificate.notices.filter(settled=Notice.Settled.NONE).exclude(about=version.pk.hex)
    open_ones.exclude(reason=Reason.RENEWED).update(settled=Notice.Settled.OVERTAKEN, settled_at=timezone.now())
    if operation is not None and operation.reason == Operation.Reason.RENEWAL:
        _note(
            [
                _News(
                    certificate=certificate,
                    about=version.pk.hex,
                    reason=Reason.RENEWED,
                    urgent=False,
                    until=version.not_after,
                )
            ]
        )


def renewal_failed(operation: Operation) -> None:
    """Note, once for each version, that its renewal has failed, and why. Call it where the request ends."""
    certificate = operation.certificate
    if operation.reason != Operation.Reason.RENEWAL or certificate.current_id is None:
        return
    _note(
        [
            _News(
                certificate=certificate,
                about=certificate.current_id.hex,
                reason=Reason.FAILED,
                urgent=True,
                words=operation.error_message,
                until=certificate.expires_at,
            )
        ]
    )


# ------------------------------------------------------------------ what is due
def _due(certificate: Certificate, moment: datetime) -> Iterable[_News]:
    current = certificate.current
    if current is None:
        return
    known = certificate.noticed_until
    due = [s for s in ladder.steps_of(certificate, current) if s.at <= moment and (known is None or s.at > known)]
    for step in _latest(due):
        # That it will be renewed is no news once that moment has come.
        if step.reason == Reason.RENEWS_SOON and not (certificate.renew_at and certificate.renew_at > moment):
            continue
        yield _News(
            certificate=certificate,
            about=current.pk.hex,
            reason=step.reason,
            urgent=step.urgent,
            words=_why(certificate, step),
            until=certificate.renew_at if step.reason == Reason.RENEWS_SOON else current.not_after,
        )


def _latest(due: Sequence[Step]) -> list[Step]:
    """The last step of each kind; a renewal that fails says more than that the end is near."""
    failures = [step for step in due if step.reason in _OF_FAILURES][-1:]
    end = [step for step in due if step.reason in _OF_THE_END][-1:]
    if failures and end and end[0].reason not in _SAID_ALL_THE_SAME:
        end = []
    others = [step for step in due if step.reason not in _OF_FAILURES | _OF_THE_END]
    return [*failures, *end, *others]


def _why(certificate: Certificate, step: Step) -> str:
    if step.reason not in _OF_THE_END | _OF_FAILURES:
        return ""
    return " ".join(finding["words"] for finding in certificate.findings)[:1000]


# ---------------------------------------------------------------- who hears it
def _note(news: Iterable[_News]) -> None:
    """Write down who is to hear what; what is there already stays as it is."""
    told = list(news)
    if not told:
        return
    contacts = contacts_of({one.certificate.vault_id for one in told})
    answered = answering_notices.acknowledged({one.about for one in told})
    administrators: dict[Vault, Sequence[str]] = {}
    rows = []
    for one in told:
        addresses = recipients(one.certificate, one.reason, contacts=contacts[one.certificate.vault_id])
        if not addresses:
            vault = one.certificate.vault
            if vault not in administrators:
                administrators[vault] = notices.administrators_of(vault)
            addresses = _folded(administrators[vault])
        for address in addresses:
            if (one.about, address) in answered and one.reason not in _SAID_ALL_THE_SAME:
                continue
            rows.append(
                Notice(
                    vault_id=one.certificate.vault_id,
                    certificate=one.certificate,
                    about=one.about,
                    reason=one.reason,
                    address=address,
                    words=one.words,
                    until=one.until,
                    urgent=one.urgent,
                )
            )
    Notice.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def recipients(certificate: Certificate, reason: Notice.Reason, *, contacts: Iterable[str]) -> list[str]:
    """Return the addresses that hear of this, folded; empty: nobody looks after it.

    Who left, or has no address, is passed over, and the next one hears instead: deputy, contacts.
    """
    owner, deputy = _address(certificate.owner), _address(certificate.deputy)
    found = [owner]
    if reason in _TO_DEPUTY or not owner:
        found.append(deputy)
    if reason in _TO_CONTACTS or not any(found):
        found += contacts
    return _folded(found)


def _address(person: AbstractBaseUser | None) -> str:
    return getattr(person, "email", "") if person is not None and person.is_active else ""


def _folded(addresses: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(address.lower() for address in addresses if address))


def contacts_of(vaults: Collection[int]) -> Mapping[int, list[str]]:
    """Return the addresses of the contacts of vaults (primary keys), in their order; empty for one without any."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for vault, email in Contact.objects.filter(vault__in=vaults).values_list("vault", "email"):
        found[vault].append(email)
    return found
