"""Inviting people, letting them in and shutting them out. Every change is an event in the portal's trail."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal import access
from portal.models import Invitation, User
from vault.errors import Conflict, NotAllowed, NotAllowedNow
from vault.models import AuditEvent, Certificate, Vault
from vault.models.audit import PORTAL, Actor, record
from vault.models.certificate import CertificateQuerySet

RESETS_PER_HOUR: Final = 3


def named(name: str) -> QuerySet[User]:
    """People of this user name, whatever the case: none or one."""
    return User.objects.filter(username__iexact=name)


def find(text: str, *, applications: bool = False) -> User | None:
    """Return the active person of this user name or e-mail address, whatever the case; or the application, if asked."""
    found = User.objects.filter(Q(username__iexact=text) | Q(email__iexact=text), is_active=True)
    found = found if applications else found.filter(is_application=False)
    return found.order_by("pk").first() if text else None


def addresses_of_administrators(vault: Vault) -> list[str]:
    """Return the e-mail addresses of the active people who administer a vault."""
    with_address = access.administrators_of(vault).exclude(email="").order_by("email")
    return list(with_address.values_list("email", flat=True))


def split_name(full: str) -> tuple[str, str]:
    """Return first names and last name; both together are the full name again."""
    first, _, last = full.rpartition(" ")
    return first, last


# ------------------------------------------------------------- by administrators
@transaction.atomic
def invite(*, username: str, full_name: str, email: str, is_administrator: bool, by: Actor) -> tuple[User, str]:
    """Make a person without a password; return them and the secret of their one-time link.

    Raises Conflict when the user name or the address is taken.
    """
    first, last = split_name(full_name)
    person = User(username=username, first_name=first, last_name=last, email=email, is_staff=is_administrator)
    person.set_unusable_password()
    _refuse_taken(person)
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(f"Someone else has taken “{username}” or “{email}” just now. Choose another.") from error
    _record("people/invite", person, by, administrator=is_administrator)
    return person, Invitation.issue(person)


@transaction.atomic
def new_link(*, person: User, by: Actor) -> str:
    """Return the secret of a fresh one-time link with which the person chooses a password; earlier links end.

    Raises NotAllowedNow for someone who is deactivated, NotAllowed for oneself: who is signed in knows a password.
    """
    _refuse_self(person, by, "make a link for yourself")
    if not person.is_active:
        raise NotAllowedNow(f"“{person}” is deactivated. Activate the account first, then make a link.")
    _record("people/link", person, by)
    return Invitation.issue(person)


@transaction.atomic
def describe(*, person: User, full_name: str, email: str, by: Actor) -> None:
    """Give a person another full name or e-mail address. Raises Conflict when the address is taken."""
    before = (person.get_full_name(), person.email)
    if before == (full_name, email):
        return
    person.first_name, person.last_name = split_name(full_name)
    person.email = email
    _refuse_taken(person)
    try:
        with transaction.atomic():
            person.save(update_fields=["first_name", "last_name", "email"])
    except IntegrityError as error:
        raise Conflict(f"Someone else has taken “{email}” just now. Choose another.") from error
    _owned(person).look_again()
    changed = [name for name, old, new in zip(("name", "email"), before, (full_name, email), strict=True) if old != new]
    _record("people/update", person, by, changed=changed)


@transaction.atomic
def activate(*, person: User, by: Actor) -> None:
    """Let a deactivated person in again."""
    if User.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
        _owned(person).look_again()
        _record("people/activate", person, by)


@transaction.atomic
def deactivate(*, person: User, by: Actor) -> None:
    """Shut a person out at once; memberships stay, open links end.

    Raises NotAllowed on oneself and on the last portal administrator.
    """
    _refuse_self(person, by, "deactivate your own account")
    _refuse_last_administrator(person)
    if User.objects.filter(pk=person.pk, is_active=True).update(is_active=False):
        Invitation.objects.filter(user=person, used_at__isnull=True).update(expires_at=timezone.now())
        _owned(person).look_again()
        _record("people/deactivate", person, by)


@transaction.atomic
def make_administrator(*, person: User, by: Actor) -> None:
    """Let a person make vaults and invite people."""
    _refuse_self(person, by, "change your own rights")
    if User.objects.filter(pk=person.pk, is_staff=False).update(is_staff=True):
        _record("people/grant-administrator", person, by)


@transaction.atomic
def withdraw_administrator(*, person: User, by: Actor) -> None:
    """Take that away again. Raises NotAllowed on oneself and on the last portal administrator."""
    _refuse_self(person, by, "change your own rights")
    _refuse_last_administrator(person)
    if User.objects.filter(pk=person.pk, is_staff=True).update(is_staff=False):
        _record("people/withdraw-administrator", person, by)


# ------------------------------------------------------------------ by themselves
@transaction.atomic
def accept(*, invitation: Invitation, password: str, by: Actor) -> User:
    """Use a one-time link up and set the password. Raises NotAllowedNow when the link is used or has ended."""
    invitation.use()
    _set_password(invitation.user, password)
    _record("accounts/accept-invitation", invitation.user, by)
    return invitation.user


@transaction.atomic
def change_password(*, person: User, password: str, by: Actor) -> None:
    """Set a password; all sessions of the person but the one at hand end with the old one."""
    _set_password(person, password)
    _record("accounts/change-password", person, by)


@transaction.atomic
def reset_password(*, person: User, password: str, by: Actor) -> None:
    """Set a password that a mailed link allowed."""
    _set_password(person, password)
    _record("accounts/reset-password", person, by)


@transaction.atomic
def note_reset_mail(*, person: User, by: Actor) -> bool:
    """Note that a person asked for a reset link; False when they have had enough of them within the hour."""
    since = timezone.now() - timedelta(hours=1)
    sent = AuditEvent.objects.filter(
        chain=PORTAL, target=_target(person), action="accounts/ask-for-reset", at__gte=since
    )
    if len(sent[:RESETS_PER_HOUR].values_list("pk")) >= RESETS_PER_HOUR:
        return False
    _record("accounts/ask-for-reset", person, by)
    return True


@transaction.atomic
def note_sign_in(*, person: User, by: Actor) -> None:
    """Note that a person signed in."""
    _record("accounts/sign-in", person, by)


@transaction.atomic
def note_failed_sign_in(*, username: str, by: Actor, locked: bool) -> None:
    """Note a sign-in that failed; an unknown name is not kept, for people type passwords into the wrong field."""
    known = named(username).values_list("username", flat=True).first()
    target = f"people/{known}" if known else "people/(unknown)"
    record("accounts/sign-in", target, by=by, result="locked" if locked else "refused")


# ------------------------------------------------------------------------ rules
def _owned(person: User) -> CertificateQuerySet:
    return Certificate.objects.live().filter(Q(owner=person) | Q(deputy=person))


def _set_password(person: User, password: str) -> None:
    person.set_password(password)
    person.must_change_password = False
    person.save(update_fields=["password", "must_change_password"])


def _refuse_taken(person: User) -> None:
    others = User.objects.exclude(pk=person.pk)
    if others.filter(username__iexact=person.username).exists():
        raise Conflict(f"There is someone with the user name “{person.username}” already. Choose another.")
    if person.email and others.filter(email__iexact=person.email).exists():
        raise Conflict(f"Someone else has the address “{person.email}” already.")


def _refuse_self(person: User, by: Actor, what: str) -> None:
    if person.pk == by.user_id:
        raise NotAllowed(f"You cannot {what}. Ask another portal administrator.")


def _refuse_last_administrator(person: User) -> None:
    # Locked, so that two administrators cannot withdraw each other; SQLite's transactions exclude each other anyway.
    # Who was invited and never came does not count: nobody can sign in as them.
    invited = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    ruling = User.objects.select_for_update(no_key=True).filter(~invited, is_staff=True, is_active=True).order_by("pk")
    if set(ruling.values_list("pk", flat=True)) == {person.pk}:
        raise NotAllowed(f"“{person}” is the last portal administrator. Make someone else one first.")


def _target(person: User) -> str:
    return f"people/{person.username}"


def _record(action: str, person: User, by: Actor, **details: object) -> None:
    record(action, _target(person), by=by, details=details)
