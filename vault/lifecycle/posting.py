"""Mails with notices: what is urgent within minutes, everything else once a day, each thing to each address once.

A mail is a row before it is sent: a server that is down, or a worker that is killed, delays it and loses nothing. Sent
twice, which a kill at the wrong moment can cause, it has the same Message-ID (RFC 5322 §3.6.4) both times.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from smtplib import (
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.module_loading import import_string

from vault.models import Mail, Notice

log = logging.getLogger(__name__)

# How many lines a mail has at most; the pages have all.
MOST_LINES: Final = 200
AT_ONCE: Final = 200
KEPT_FOR: Final = timedelta(days=400)
_LEASE: Final = timedelta(minutes=2)
_BETWEEN_URGENT: Final = timedelta(minutes=15)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
_MOST_DOUBLINGS: Final = 10
_GIVEN_UP_AFTER: Final = timedelta(days=14)
_LONGEST_QUOTE: Final = 300
_GO_ON_SECONDS: Final = 20


class _ServerGone(Exception):
    """The mail server cannot be used at all at the moment."""


def post_due() -> int:
    """Put what is to be said into mails, send those that are due, and return how many were sent.

    Does nothing where no mail server is set up. Safe beside another worker.
    """
    if not settings.MAIL_WORKS:
        return 0
    _gather()
    return _send_due()


def forget_old() -> None:
    """Delete mails and notices that nobody has asked about for more than a year."""
    long_ago = timezone.now() - KEPT_FOR
    Notice.objects.filter(created_at__lt=long_ago).delete()
    Mail.objects.filter(created_at__lt=long_ago).exclude(state=Mail.State.WAITING).delete()


# ------------------------------------------------------------------- gathering
def _unsent(moment: datetime) -> QuerySet[Notice]:
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=moment)
    return Notice.objects.filter(awake, mail=None, settled=Notice.Settled.NONE)


def _gather() -> None:
    moment = timezone.now()
    urgent = _unsent(moment).filter(urgent=True).order_by().values_list("address", flat=True).distinct()
    for address in list(urgent):
        _put_into(_mail_at_once, address, moment, urgent=True)
    if moment.hour < settings.DIGEST_HOUR:
        return
    others = _unsent(moment).filter(urgent=False).order_by().values_list("address", flat=True).distinct()
    for address in list(others):
        _put_into(_digest, address, moment, urgent=False)


def _put_into(
    mail_for: Callable[[str, datetime], Mail | None], address: str, moment: datetime, *, urgent: bool
) -> None:
    """Put what waits for an address into its mail; another worker that does the same finds nothing left."""
    try:
        with transaction.atomic():
            mail = mail_for(address, moment)
            if mail is not None:
                _unsent(moment).filter(address=address, urgent=urgent).update(mail=mail)
    except IntegrityError:
        log.debug("Another worker has begun this digest.")


def _mail_at_once(address: str, moment: datetime) -> Mail | None:
    mine = Mail.objects.filter(kind=Mail.Kind.AT_ONCE, address=address)
    waiting = mine.filter(state=Mail.State.WAITING).first()
    if waiting is not None:
        return waiting
    if mine.filter(created_at__gt=moment - _BETWEEN_URGENT).exists():
        return None
    return Mail.objects.create(kind=Mail.Kind.AT_ONCE, address=address, created_at=moment, next_try_at=moment)


def _digest(address: str, moment: datetime) -> Mail | None:
    """The digest that still waits for the mail server, or today's; None when today's is sent."""
    mine = Mail.objects.filter(kind=Mail.Kind.DIGEST, address=address)
    waiting = mine.filter(state=Mail.State.WAITING).first()
    if waiting is not None:
        return waiting
    if mine.filter(day=moment.date()).exists():
        return None
    facts = {"day": moment.date(), "created_at": moment, "next_try_at": moment}
    return Mail.objects.create(kind=Mail.Kind.DIGEST, address=address, **facts)


# --------------------------------------------------------------------- sending
def _send_due() -> int:
    due = Mail.objects.filter(state=Mail.State.WAITING, next_try_at__lte=timezone.now()).order_by("next_try_at")
    connection = get_connection()
    until = time.monotonic() + _GO_ON_SECONDS
    sent = 0
    try:
        for mail in list(due.select_related("vault")[:AT_ONCE]):
            if time.monotonic() > until:
                break
            sent += _send(mail, connection)
    except _ServerGone:
        log.warning("The mail server cannot be reached; mails wait.")
    finally:
        _close(connection)
    return sent


def _send(mail: Mail, connection: BaseEmailBackend) -> bool:
    """Send one mail, unless another worker does. Raises _ServerGone, after it was put off."""
    mine = Mail.objects.filter(pk=mail.pk, state=Mail.State.WAITING)
    moment = timezone.now()
    if not mine.filter(next_try_at=mail.next_try_at).update(next_try_at=moment + _LEASE, attempts=F("attempts") + 1):
        return False
    mail.attempts += 1
    message = _message(mail, connection)
    if message is None:
        # Everything that it was to say is settled.
        mine.delete()
        return False
    try:
        message.send()
    except SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()), (0, b""))
        _put_off(mail, code, words)
    except SMTPServerDisconnected as error:
        _put_off(mail, 0, str(error))
        raise _ServerGone from None
    except SMTPResponseException as error:
        _put_off(mail, error.smtp_code, error.smtp_error)
    except (OSError, SMTPException) as error:
        _put_off(mail, 0, f"The mail server could not be reached ({type(error).__name__}).")
        raise _ServerGone from None
    else:
        mine.update(state=Mail.State.SENT, sent_at=timezone.now(), next_try_at=None, said="")
        return True
    return False


def _put_off(mail: Mail, code: int, words: bytes | str) -> None:
    """Try again later, ever later; not at all where the server refused for good (RFC 5321 §4.2.1) or for two weeks."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    said = f"{code} {text}".strip()[:_LONGEST_QUOTE] if code else text[:_LONGEST_QUOTE]
    mine = Mail.objects.filter(pk=mail.pk, state=Mail.State.WAITING)
    moment = timezone.now()
    # 5xx in the greeting or at signing in says nothing about this mail.
    for_good = 500 <= code < 600 and code not in {530, 534, 535, 538}
    if for_good or moment - mail.created_at > _GIVEN_UP_AFTER:
        mine.update(state=Mail.State.FAILED, next_try_at=None, said=said)
        log.error("A mail was not delivered for good.", extra={"mail": mail.pk.hex, "code": code})
        return
    wait = min(_FIRST_WAIT * (1 << min(mail.attempts - 1, _MOST_DOUBLINGS)), _LONGEST_WAIT)
    mine.update(next_try_at=moment + wait, said=said)


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, SMTPException):
        log.debug("The mail server was gone before it was left.")


# --------------------------------------------------------------------- writing
def _message(mail: Mail, connection: BaseEmailBackend) -> EmailMultiAlternatives | None:
    """The mail with what is still to be said in it; None when nothing is."""
    if mail.kind == Mail.Kind.TEST:
        context: dict[str, Any] = {"vault": mail.vault}
        template = "test"
    else:
        lines = _lines(mail)
        if not lines:
            return None
        context, template = _context(lines), "notices"
    context |= {"portal": settings.PORTAL_URL, "mail": mail}
    subject, _, body = render_to_string(f"emails/{template}.txt", context).strip().partition("\n")
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    headers = {"Message-ID": f"<{mail.pk.hex}@{domain}>", "Auto-Submitted": "auto-generated"}
    message = EmailMultiAlternatives(
        subject.strip(), body.strip() + "\n", to=[mail.address], headers=headers, connection=connection
    )
    message.attach_alternative(render_to_string(f"emails/{template}.html", context), "text/html")
    return message


def _lines(mail: Mail) -> Sequence[Notice]:
    told = mail.notices.filter(settled=Notice.Settled.NONE, certificate__deleted_at=None, vault__deleted_at=None)
    return list(told.select_related("vault", "certificate").order_by("until", "certificate__name_key", "id"))


def _context(lines: Sequence[Notice]) -> dict[str, Any]:
    links: Callable[[Notice], Mapping[str, str]] = import_string(settings.NOTICE_LINKS)
    shown = [(notice, links(notice)) for notice in lines[:MOST_LINES]]
    trouble = [line for line in shown if line[0].is_trouble]
    ends = [line for line in shown if not line[0].is_trouble and not line[0].is_good]
    good = [line for line in shown if line[0].is_good]
    parts = [
        ("Something went wrong", "#b42318", trouble),
        ("Someone has to see to these", "#93610b", ends),
        ("For your information", "#1b6e3c", good),
    ]
    return {
        "parts": [part for part in parts if part[2]],
        "count": len(lines),
        "first": lines[0],
        "more": len(lines) - len(shown),
        "worst": (trouble or ends or good)[0][0],
        "now": timezone.now(),
    }
