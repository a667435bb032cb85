"""Secret addresses under which calendar programs read what expires and what renews (RFC 5545).

An address is shown once; the database keeps a keyed digest. What it opens is asked anew at each reading.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import icalendar
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from portal import access
from portal.models import Calendar, User
from vault.models import Certificate, Vault
from vault.models.audit import Actor, record
from vault.models.certificate import CertificateQuerySet

# What a calendar holds at most, and how far it looks.
MOST: Final = 5000
_BACK, _AHEAD = timedelta(days=30), timedelta(days=3 * 365)
_EVERY: Final = timedelta(hours=1)


@transaction.atomic
def make(*, user: User, vault: Vault | None, by: Actor) -> str:
    """Make an address of a person's for one vault, or (None) for all of theirs; return what it ends in.

    One that was there before ends.
    """
    text = secrets.token_urlsafe(32)
    fresh = {"digest": _digest(text), "created_at": timezone.now(), "last_used_at": None}
    Calendar.objects.update_or_create(user=user, vault=vault, defaults=fresh)
    record("calendars/create", f"people/{user.username}", by=by, details=_named(vault))
    return text


@transaction.atomic
def remove(*, calendar: Calendar, by: Actor) -> bool:
    """End an address; False when it had ended."""
    removed, _ = Calendar.objects.filter(pk=calendar.pk).delete()
    if removed:
        target = f"people/{calendar.user.username}"
        record("calendars/delete", target, by=by, details=_named(calendar.vault))
    return bool(removed)


def find(text: str) -> Calendar | None:
    """Return the calendar of an address, if its person may sign in and its vault is there; note that it is used."""
    known = Calendar.objects.filter(digest=_digest(text), user__is_active=True).select_related("user", "vault")
    calendar = known.filter(Q(vault=None) | Q(vault__deleted_at=None)).first()
    if calendar is not None:
        long_ago = Q(last_used_at=None) | Q(last_used_at__lt=timezone.now() - _EVERY)
        Calendar.objects.filter(long_ago, pk=calendar.pk).update(last_used_at=timezone.now())
    return calendar


def feed(calendar: Calendar) -> bytes:
    """Return the calendar as its person may see it now: at most 5 000 certificates, soonest first. Three queries.

    Of each the end is an event, and the renewal if it renews by itself.
    """
    made = icalendar.Calendar()
    made.add("prodid", "-//Chancery//certificates//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", f"Certificates of {calendar.vault}" if calendar.vault else "Certificates")
    for certificate in _certificates(calendar):
        for event in _events(certificate):
            made.add_component(event)
    return bytes(made.to_ical())


def _certificates(calendar: Calendar) -> CertificateQuerySet:
    mine = access.vaults_of(calendar.user)
    if calendar.vault is not None:
        mine = {vault: rights for vault, rights in mine.items() if vault == calendar.vault}
    moment = timezone.now()
    found = access.certificates_in(mine, calendar.user).select_related("vault").light()
    return found.filter(expires_at__gt=moment - _BACK, expires_at__lt=moment + _AHEAD).order_by("expires_at", "pk")[
        :MOST
    ]


def _events(certificate: Certificate) -> Iterator[icalendar.Event]:
    name, vault = certificate.name, certificate.vault
    yield _event(certificate, "expires", f"{name} expires ({vault})", certificate.expires_at)
    if certificate.renew_at is not None:
        yield _event(certificate, "renews", f"{name} is renewed ({vault})", certificate.renew_at)


def _event(certificate: Certificate, what: str, summary: str, at: object) -> icalendar.Event:
    event = icalendar.Event()
    version = certificate.current_id.hex if certificate.current_id else certificate.pk
    event.add("uid", f"{version}-{what}@{settings.PORTAL_URL.partition('://')[2]}")
    event.add("dtstamp", certificate.updated_at)
    event.add("dtstart", at)
    event.add("summary", summary)
    event.add("transp", "TRANSPARENT")
    names = [certificate.vault.name, certificate.name]
    event.add("url", settings.PORTAL_URL + reverse("certificates:detail", args=names))
    return event


def _digest(text: str) -> str:
    return salted_hmac("portal.calendars", text, algorithm="sha256").hexdigest()


def _named(vault: Vault | None) -> dict[str, str]:
    return {"of": vault.name if vault else "all vaults"}
