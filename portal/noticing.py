"""Links in mails: with them whoever got a notice answers it without signing in. What they open, a page shows first.

A link names one notice and is signed for its address: it opens nothing else, and ends after 60 days.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from portal import memberships
from portal.models import Role, User
from vault.lifecycle import answering_notices, changing
from vault.models import Notice
from vault.models.audit import Actor

LIFE: Final = timedelta(days=60)
_SEPARATOR: Final = "."


def links(notice: Notice) -> dict[str, str]:
    """Return the addresses, with host, of the certificate and of the three answers to a notice about it.

    The first needs signing in; the others (`acknowledge`, `snooze`, `hand_over`) carry what must not be logged.
    """
    names = [notice.vault.name, notice.certificate.name]
    answer = settings.PORTAL_URL + reverse("notices:answer", args=[token_of(notice)])
    return {
        "certificate": settings.PORTAL_URL + reverse("certificates:detail", args=names),
        **{name: f"{answer}#{name.replace('_', '-')}" for name in ("acknowledge", "snooze", "hand_over")},
    }


def token_of(notice: Notice) -> str:
    """Return what makes a link to this notice."""
    return _signer(notice.address).sign(notice.pk.hex)


def find(token: str) -> Notice | None:
    """Return the notice that a link opens, with its vault and certificate.

    None: it is damaged, forged or too old, or the certificate is deleted, or whoever got it was shut out.
    """
    try:
        key = uuid.UUID(hex=token.partition(_SEPARATOR)[0])
    except ValueError:
        return None
    there = Notice.objects.filter(certificate__deleted_at=None, vault__deleted_at=None)
    notice = there.select_related("vault", "certificate", "certificate__owner").filter(pk=key).first()
    if notice is None or not _is_signed(token, notice):
        return None
    return None if User.objects.filter(email__iexact=notice.address, is_active=False).exists() else notice


def may_take_over(notice: Notice, *, signed_in: bool) -> QuerySet[User]:
    """The people to whom a notice can be handed over: members of its vault whom mail can reach.

    With a mailed link alone, which others may have read, only those who look after the certificate: its owner and
    deputy, the vault's officers and administrators. The names of all others stay inside.
    """
    certificate = notice.certificate
    if signed_in:
        found = memberships.people_of(notice.vault)
    else:
        found = memberships.people_of(notice.vault, Role.OFFICER, Role.ADMINISTRATOR)
        answerable = [certificate.owner_id, certificate.deputy_id]
        found = found | memberships.people_of(notice.vault).filter(pk__in=[pk for pk in answerable if pk])
    return found.exclude(email="").exclude(email__iexact=notice.address)


@transaction.atomic
def hand_over(notice: Notice, *, to: User, make_owner: bool, by: Actor) -> bool:
    """Let someone else see to it, and own the certificate if asked; False when the notice was settled before."""
    if not answering_notices.hand_over(notice, to=to.email, by=by):
        return False
    if make_owner:
        deputy = notice.certificate.deputy
        deputy = None if deputy == to else deputy
        changing.change_people(certificate=notice.certificate, owner=to, deputy=deputy, by=by)
    return True


def _is_signed(token: str, notice: Notice) -> bool:
    try:
        return _signer(notice.address).unsign(token, max_age=LIFE) == notice.pk.hex
    except BadSignature:
        return False


def _signer(address: str) -> TimestampSigner:
    return TimestampSigner(salt=f"portal.noticing/{address}", sep=_SEPARATOR)
