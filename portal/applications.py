"""Applications: programs with an id and secrets of their own. Every change is an event in the portal's trail."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Final

from django.contrib.auth.hashers import check_password
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from portal import access, people, tokens
from portal.models import Application, ApplicationSecret, Membership, Role, User
from vault.errors import BadName, BadParameter, Conflict, NotAllowedNow
from vault.models.audit import Actor, record
from vault.x509.visible import shown

SHORTEST_DAYS, LONGEST_DAYS, USUAL_DAYS = 1, 730, 180
# One in use, and the one that replaces it.
MOST_SECRETS: Final = 2
_NAME: Final = re.compile(r"[a-zA-Z0-9][0-9a-zA-Z._-]{1,59}\Z")


@transaction.atomic
def make(*, name: str, owner: User, days: int, by: Actor) -> tuple[Application, str]:
    """Make an application with one secret that lives `days` days; return it with the secret, which is nowhere kept.

    Raises:
        BadName: the name cannot be an application's.
        BadParameter: field `days`.
        Conflict: someone, or another application, has the name.
    """
    _check_name(name)
    if people.named(name).exists():
        raise Conflict(f"There is a person or an application called “{name}” already. Choose another name.")
    account = User(username=name, is_application=True)
    account.set_unusable_password()
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        raise Conflict(f"The name “{name}” has just been taken. Choose another.") from None
    application = Application.objects.create(
        name=name,
        user=owner,
        account=account,
        client_id=str(uuid.uuid4()),
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        client_secret="",
        hash_client_secret=False,
    )
    _record("applications/create", application, by, owner=owner.username, client_id=application.client_id)
    return application, _add_secret(application, days, by)[1]


@transaction.atomic
def add_secret(*, application: Application, days: int, by: Actor) -> tuple[ApplicationSecret, str]:
    """Give an application another secret that lives `days` days; return it with its text, which is nowhere kept.

    Raises:
        BadParameter: field `days`.
        NotAllowedNow: it has two already.
    """
    Application.objects.select_for_update().filter(pk=application.pk).values_list("pk").first()
    ApplicationSecret.objects.filter(application=application, expires_at__lte=timezone.now()).delete()
    if application.secrets.count() >= MOST_SECRETS:
        message = f"“{application}” has {MOST_SECRETS} secrets. Remove the one that is not in use any more."
        raise NotAllowedNow(message)
    return _add_secret(application, days, by)


@transaction.atomic
def remove_secret(*, secret: ApplicationSecret, by: Actor) -> None:
    """End a secret, and every token that was had for it. Raises NotAllowedNow when someone was faster."""
    removed, _ = ApplicationSecret.objects.filter(pk=secret.pk).delete()
    if not removed:
        raise NotAllowedNow("This secret is removed already.")
    _record("applications/remove-secret", secret.application, by, secret=f"{secret.start}…")


@transaction.atomic
def disable(*, application: Application, by: Actor) -> None:
    """Shut an application out at once; secrets and roles stay."""
    if User.objects.filter(pk=application.account_id, is_active=True).update(is_active=False):
        _record("applications/disable", application, by)


@transaction.atomic
def enable(*, application: Application, by: Actor) -> None:
    """Let a disabled application in again."""
    if User.objects.filter(pk=application.account_id, is_active=False).update(is_active=True):
        _record("applications/enable", application, by)


@transaction.atomic
def delete(*, application: Application, by: Actor) -> None:
    """Remove an application with its secrets, tokens and roles. What it asked for stays, without an owner.

    Raises NotAllowedNow when someone was faster.
    """
    _record("applications/delete", application, by, client_id=application.client_id)
    if not User.objects.filter(pk=application.account_id, is_application=True).delete()[0]:
        raise NotAllowedNow(f"“{application}” is deleted already.")


def may_make(user: User) -> bool:
    """Whether a person may make applications: who administers the portal, or a vault."""
    mine = Membership.objects.filter(Q(user=user) | Q(group__in=user.groups.all()))
    return user.is_staff or mine.filter(role=Role.ADMINISTRATOR, vault__deleted_at__isnull=True).exists()


def require_maker(user: User) -> None:
    """Refuse whoever may not make applications. Raises Refused."""
    if not may_make(user):
        message = "Only administrators of a vault or of the portal make applications. Ask one of them."
        raise access.Refused(message)


# ---------------------------------------------------------------------- sign-in
def secret_of(client_id: str, text: str) -> ApplicationSecret | None:
    """Return the secret of an application that may sign in, if `text` is one of its secrets; takes a slow hash."""
    if "\x00" in client_id or not tokens.is_secret(text):
        return None
    usable = ApplicationSecret.objects.filter(
        application__client_id=client_id,
        application__account__is_active=True,
        start=text[:8],
        expires_at__gt=timezone.now(),
    )
    found = usable.select_related("application", "application__account")
    return next((secret for secret in found if check_password(text, secret.hashed)), None)


@transaction.atomic
def sign_in(*, secret: ApplicationSecret, seconds: int, address: str) -> str:
    """Return a token for an application that has shown this secret, and note that."""
    ApplicationSecret.objects.filter(pk=secret.pk).update(last_used_at=timezone.now())
    _record("applications/sign-in", secret.application, _itself(secret.application, address), secret=f"{secret.start}…")
    return tokens.make_for(secret, seconds=seconds)


@transaction.atomic
def note_refused(*, client_id: str, address: str) -> None:
    """Note that a sign-in failed; of an id that no application has, nothing is kept."""
    application = Application.objects.filter(client_id=client_id).first() if "\x00" not in client_id else None
    if application is not None:
        record("applications/sign-in", _target(application), by=_itself(application, address), result="refused")


def _itself(application: Application, address: str) -> Actor:
    return Actor(name=application.name, user_id=application.account_id, right="self", address=address)


# ------------------------------------------------------------------------ rules
def _add_secret(application: Application, days: int, by: Actor) -> tuple[ApplicationSecret, str]:
    if not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        message = f"A secret cannot live {days} days. Choose {SHORTEST_DAYS} to {LONGEST_DAYS}."
        raise BadParameter(message, field="days")
    text = tokens.make_secret()
    ends = timezone.now() + timedelta(days=days)
    secret = ApplicationSecret.objects.create(application=application, start=text[:8], hashed=text, expires_at=ends)
    _record("applications/add-secret", application, by, secret=f"{secret.start}…", days=days)
    return secret, text


def _check_name(name: str) -> None:
    if not _NAME.match(name):
        raise BadName(
            f"“{shown(name)}” cannot be an application's name. Use 2 to 60 letters, digits, dots, hyphens and "
            "underscores, a letter or digit first, like web-frontend.",
            field="name",
        )


def _target(application: Application) -> str:
    return f"applications/{application.name}"


def _record(action: str, application: Application, by: Actor, **details: object) -> None:
    record(action, _target(application), by=by, details=details)
