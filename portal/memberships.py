"""Who is a member of a vault, and in which role. Every change is an event in the vault's trail."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from portal import access
from portal.models import Membership, Role, User
from vault.errors import Conflict, NotAllowed, NotAllowedNow
from vault.lifecycle import vaults
from vault.models import Vault
from vault.models.audit import Actor, record
from vault.models.vault import LONGEST_RETENTION

_STRONGEST_FIRST = (Role.ADMINISTRATOR, Role.OFFICER, Role.REQUESTER, Role.READER, Role.AUDITOR)


@transaction.atomic
def found_vault(
    *,
    name: str,
    administrator: User,
    by: Actor,
    retention_days: int = LONGEST_RETENTION,
    purge_protection: bool = False,
) -> Vault:
    """Make a vault with its first administrator. Raises BadName, BadParameter, NameTaken."""
    vault = vaults.create_vault(name=name, by=by, retention_days=retention_days, purge_protection=purge_protection)
    Membership.objects.create(vault=vault, user=administrator, role=Role.ADMINISTRATOR)
    _record("access/grant", vault, administrator, by, role=Role.ADMINISTRATOR.value)
    return vault


@transaction.atomic
def add(*, vault: Vault, member: User | Group, role: Role, by: Actor) -> Membership:
    """Make a person or a group a member.

    Raises:
        Conflict: they are a member already.
        NotAllowed: it would change the actor's own rights.
    """
    _lock(vault)
    _refuse_own(member, by)
    holder = {"user": member} if isinstance(member, User) else {"group": member}
    try:
        with transaction.atomic():
            membership = Membership.objects.create(vault=vault, role=role, **holder)
    except IntegrityError as error:
        raise Conflict(f"“{title(member)}” is a member of “{vault}” already. Change the role in the list.") from error
    _record("access/grant", vault, member, by, role=role.value)
    return membership


@transaction.atomic
def change(*, membership: Membership, role: Role, by: Actor) -> None:
    """Give a member another role.

    Raises:
        NotAllowedNow: the membership has been removed meanwhile.
        NotAllowed: it is the actor's own, or the vault would be left without an administrator.
    """
    _lock(membership.vault)
    _refuse_own(member_of(membership), by)
    mine = Membership.objects.filter(pk=membership.pk)
    before = mine.values_list("role", flat=True).first()
    if not mine.update(role=role):
        raise _gone(membership)
    if before == role:
        return
    _refuse_without_administrator(membership)
    _record("access/change", membership.vault, member_of(membership), by, role=role.value, before=before)


@transaction.atomic
def remove(*, membership: Membership, by: Actor) -> None:
    """End a membership. Raises as `change` does."""
    _lock(membership.vault)
    _refuse_own(member_of(membership), by)
    removed, _ = Membership.objects.filter(pk=membership.pk).delete()
    if not removed:
        raise _gone(membership)
    _refuse_without_administrator(membership)
    _record("access/revoke", membership.vault, member_of(membership), by, role=membership.role)


def people_of(vault: Vault, *roles: Role) -> QuerySet[User]:
    """The active people who are members of a vault, themselves or through a group; only those with one of `roles`."""
    held = Membership.objects.filter(vault=vault, **({"role__in": roles} if roles else {}))
    members = Q(pk__in=held.values("user")) | Q(groups__in=held.values("group"))
    found = User.objects.filter(members, is_active=True, is_application=False).distinct()
    return found.order_by("last_name", "first_name", "username")


def member_of(membership: Membership) -> User | Group:
    """The person or group that is the member."""
    member = membership.user or membership.group
    assert member is not None
    return member


def title(member: User | Group) -> str:
    """The name to show."""
    return member.title if isinstance(member, User) else member.name


def role_titles(roles: Iterable[str]) -> str:
    """Roles in words, the strongest first."""
    held = set(roles)
    return ", ".join(role.label for role in _STRONGEST_FIRST if role in held)


def is_own(member: User | Group, user_id: int | None) -> bool:
    """Whether a membership of `member` rules what this person may do."""
    if isinstance(member, User):
        return member.pk == user_id
    return user_id is not None and member.user_set.filter(pk=user_id).exists()


def _lock(vault: Vault) -> None:
    # Changes of one vault's members queue here; SQLite's transactions exclude each other anyway.
    Vault.objects.select_for_update().filter(pk=vault.pk).values_list("pk").first()


def _refuse_own(member: User | Group, by: Actor) -> None:
    if is_own(member, by.user_id):
        raise NotAllowed("You cannot change what you may do yourself. Ask another administrator of this vault.")


def _refuse_without_administrator(membership: Membership) -> None:
    if not access.administrators_of(membership.vault).exists():
        who = title(member_of(membership))
        message = f"“{who}” is the last administrator of “{membership.vault}”. Make someone else one first."
        raise NotAllowed(message)


def _gone(membership: Membership) -> NotAllowedNow:
    who = title(member_of(membership))
    return NotAllowedNow(f"“{who}” is not a member of “{membership.vault}” any more: someone else removed them.")


def _record(action: str, vault: Vault, member: User | Group, by: Actor, **details: object) -> None:
    target = f"people/{member.username}" if isinstance(member, User) else f"groups/{member.name}"
    record(action, target, by=by, vault=vault, details=details)
