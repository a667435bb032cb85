"""Who may do what: the only way a view comes by an object.

Roles expand to verbs, and code asks for a verb on an object. A stranger gets 404, as if the thing did not exist; a
member without the verb gets Refused (403), which names who can help.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404

from portal.models import Membership, Role, User
from portal.pages.http import PageRequest, client_address
from vault.errors import NameTaken
from vault.models import Certificate, Operation, Vault, Version
from vault.models.audit import Actor
from vault.models.certificate import CertificateQuerySet
from vault.models.operation import OperationQuerySet

_Thing = TypeVar("_Thing", Operation, Version)
_SEE = {"vaults/get", "certificates/list", "certificates/get"}
_WORK = _SEE | {
    "certificates/create",
    "certificates/import",
    "certificates/update",
    "certificates/delete",
    "certificates/recover",
    "certificates/backup",
    "certificates/restore",
    "secrets/get",
    "keys/get",
}
_RULE = _WORK | {
    "certificates/purge",
    "certificates/manageissuers",
    "certificates/managecontacts",
    "access/update",
    "audit/get",
    "vaults/update",
    "vaults/delete",
}
_VERBS: dict[str, frozenset[str]] = {
    Role.READER: frozenset(_SEE),
    Role.REQUESTER: frozenset({"vaults/get", "certificates/create", "certificates/import"}),
    Role.OFFICER: frozenset(_WORK),
    Role.ADMINISTRATOR: frozenset(_RULE),
    Role.AUDITOR: frozenset({"vaults/get", "audit/get"}),
}
# What a requester may do with the certificates that are their own.
_OF_OWNER = frozenset(_WORK)
_IN_WORDS = {
    "certificates/list": "see the certificates in",
    "certificates/get": "see this certificate in",
    "certificates/create": "ask for certificates in",
    "certificates/import": "import certificates into",
    "certificates/update": "change certificates in",
    "certificates/delete": "delete certificates in",
    "certificates/recover": "recover certificates in",
    "certificates/purge": "purge certificates in",
    "secrets/get": "download private keys from",
    "access/update": "change who is a member of",
    "audit/get": "read the audit trail of",
    "vaults/update": "change the settings of",
    "vaults/delete": "delete",
}


class Refused(PermissionDenied):
    """A member lacks a verb; the message names the verb in words and who can help."""


class Rights:
    """The verbs that a person holds in one vault, or on one certificate in it: `"secrets/get" in rights`."""

    def __init__(self, roles: Iterable[str], *, owns: bool = False) -> None:
        self.roles = frozenset(roles)
        self._verbs = frozenset[str]().union(*(_VERBS[role] for role in self.roles))
        if owns and Role.REQUESTER in self.roles:
            self._verbs |= _OF_OWNER

    def __contains__(self, verb: object) -> bool:
        return verb in self._verbs

    @property
    def sees_own_only(self) -> bool:
        """Whether lists hold only what the person owns."""
        return Role.REQUESTER in self.roles and "certificates/list" not in self._verbs

    def on(self, certificate: Certificate, user: User) -> Rights:
        """The verbs that the person holds on one certificate; a requester has none on those of others."""
        owns = certificate.owner_id == user.pk
        return Rights(self.roles if owns else self.roles - {Role.REQUESTER}, owns=owns)


def actor(request: PageRequest, right: str) -> Actor:
    """Who acts, for the audit trail: the signed-in person, by what verb, from where."""
    user = request.user
    return Actor(name=user.get_username(), user_id=user.pk, right=right, address=client_address(request))


# -------------------------------------------------------------------- vaults
def memberships_of(user: User) -> QuerySet[Membership]:
    """A person's memberships in live vaults, their groups' included."""
    mine = Membership.objects.filter(Q(user=user) | Q(group__in=user.groups.all()))
    return mine.filter(vault__deleted_at__isnull=True).select_related("vault").order_by("vault__name_key")


def vaults_of(user: User) -> dict[Vault, Rights]:
    """The live vaults that a person is a member of, by name, with their rights in each."""
    roles: dict[Vault, list[str]] = {}
    for membership in memberships_of(user):
        roles.setdefault(membership.vault, []).append(membership.role)
    return {vault: Rights(found) for vault, found in roles.items()}


def vault_for(request: PageRequest, name: str, *, may: str) -> Vault:
    """Return the live vault of this name if the person may do `may` in it, and leave the rights on the request.

    Raises:
        Http404: there is none, or the person is not a member.
        Refused: a member without the verb.
    """
    vault = _vault(request, name)
    _require(request, vault, may)
    return vault


def deleted_vaults_of(user: User) -> QuerySet[Vault]:
    """Deleted vaults that a person administers; all of them for a portal administrator."""
    deleted = Vault.objects.filter(deleted_at__isnull=False).order_by("name_key")
    if user.is_staff:
        return deleted
    mine = Membership.objects.filter(Q(user=user) | Q(group__in=user.groups.all()), role=Role.ADMINISTRATOR)
    return deleted.filter(pk__in=mine.values("vault"))


def deleted_vault_for(request: PageRequest, name: str) -> Vault:
    """Return a deleted vault that the person may recover or purge. Raises Http404."""
    vault = deleted_vaults_of(request.user).filter(name_key=name.lower()).first()
    if vault is None:
        raise Http404("There is no such deleted vault.")
    return vault


def _vault(request: PageRequest, name: str) -> Vault:
    found = list(memberships_of(request.user).filter(vault__name_key=name.lower()))
    if not found:
        raise Http404("There is no such vault.")
    request.rights = Rights(membership.role for membership in found)
    return found[0].vault


# -------------------------------------------------------------- certificates
def visible_certificates(request: PageRequest, vault: Vault) -> CertificateQuerySet:
    """The vault's certificates that the person may see, deleted ones included."""
    certificates = Certificate.objects.filter(vault=vault)
    if "certificates/list" in request.rights:
        return certificates
    return certificates.filter(owner=request.user) if request.rights.sees_own_only else certificates.none()


def all_visible_certificates(user: User) -> CertificateQuerySet:
    """The live certificates that a person may see, in every vault that they are a member of."""
    mine = vaults_of(user)
    whole = [vault.pk for vault, rights in mine.items() if "certificates/list" in rights]
    own = [vault.pk for vault, rights in mine.items() if rights.sees_own_only]
    return Certificate.objects.live().filter(Q(vault__in=whole) | Q(vault__in=own, owner=user))


def certificate_for(
    request: PageRequest, vault_name: str, name: str, *, may: str, deleted: bool = False
) -> Certificate:
    """Return a certificate (a deleted one, if `deleted`) if the person may do `may` with it; rights on the request.

    Raises:
        Http404: there is none that the person may see.
        Refused: they see it, and may not do this.
    """
    vault = _vault(request, vault_name)
    wanted = visible_certificates(request, vault).filter(name_key=name.lower(), deleted_at__isnull=not deleted)
    certificate = wanted.select_related("owner", "current", "current__key").defer("current__secret").first()
    if certificate is None:
        raise Http404("There is no such certificate.")
    certificate.vault = vault
    request.rights = request.rights.on(certificate, request.user)
    _require(request, vault, may)
    return certificate


def version_for(request: PageRequest, vault_name: str, name: str, version: str, *, may: str) -> Version:
    """Return one version of a live certificate if the person may do `may` with it. Raises Http404, Refused."""
    certificate = certificate_for(request, vault_name, name, may=may)
    found = certificate.versions.select_related("key").defer("secret").filter(pk=version).first()
    if found is None:
        raise Http404("There is no such version.")
    found.certificate = certificate
    return found


def certificate_to_issue(
    request: PageRequest, vault: Vault, name: str, *, may: str = "certificates/create"
) -> Certificate | None:
    """Return the certificate of which a request for `name`, or an import, makes a new version; None when it is free.

    `vault_for` has left the person's rights on the request. Raises NameTaken; whoever cannot see the holder of the
    name learns that it is taken, and no more.
    """
    holder = vault.certificates.named(name).light().first()
    if holder is None:
        return None
    rights = request.rights.on(holder, request.user)
    if "certificates/get" not in rights:
        raise NameTaken(f"The name “{name}” is taken in “{vault}”. Choose another.")
    if holder.deleted_at is not None:
        raise NameTaken(
            f"A deleted certificate holds the name “{holder}”. Recover or purge it first, or choose another name.",
            recoverable="certificates/recover" in rights,
        )
    if may not in rights:
        raise NameTaken(f"“{holder}” belongs to someone else. Choose another name, or ask its owner for a new version.")
    return holder


# ---------------------------------------------------------------- operations
def visible_operations(request: PageRequest, vault: Vault) -> OperationQuerySet:
    """The vault's operations that the person may see, without deleted ones."""
    operations = Operation.objects.filter(vault=vault, deleted_at__isnull=True)
    if "certificates/list" in request.rights:
        return operations
    own = operations.filter(certificate__owner=request.user)
    return own if request.rights.sees_own_only else operations.none()


def operation_for(request: PageRequest, vault_name: str, request_id: str, *, may: str) -> Operation:
    """Return an operation of a live certificate if the person may do `may` with its certificate.

    Raises Http404, Refused.
    """
    vault = _vault(request, vault_name)
    wanted = visible_operations(request, vault).filter(request_id=request_id, certificate__deleted_at__isnull=True)
    operation = wanted.select_related("certificate", "certificate__owner", "key", "requested_by", "version").first()
    if operation is None:
        raise Http404("There is no such request.")
    operation.vault = operation.certificate.vault = vault
    request.rights = request.rights.on(operation.certificate, request.user)
    _require(request, vault, may)
    return operation


def visible(user: User, vaults: dict[Vault, Rights], found: Iterable[_Thing]) -> list[tuple[_Thing, Rights]]:
    """Of operations or versions of any vault, those that the person may see, each with their rights on its certificate.

    `vaults` are the person's, as `vaults_of` gives them.
    """
    pairs = []
    for one in found:
        rights = vaults.get(one.certificate.vault)
        if rights is not None and "certificates/get" in (own := rights.on(one.certificate, user)):
            pairs.append((one, own))
    return pairs


# -------------------------------------------------------------------- portal
def require_portal_administrator(request: PageRequest) -> None:
    """Refuse whoever does not administer the portal. Raises Refused."""
    if not request.user.is_staff:
        helpers = _listed(User.objects.filter(is_staff=True, is_active=True))
        raise Refused(f"Only portal administrators can do this. Ask {helpers}.")


def administrators_of(vault: Vault) -> QuerySet[User]:
    """The active people who administer a vault, themselves or through a group."""
    ruling = Membership.objects.filter(vault=vault, role=Role.ADMINISTRATOR)
    people = Q(pk__in=ruling.values("user")) | Q(groups__in=ruling.values("group"))
    return User.objects.filter(people, is_active=True).distinct()


def _require(request: PageRequest, vault: Vault, verb: str) -> None:
    if verb not in request.rights:
        _refuse(vault, verb)


def _refuse(vault: Vault, verb: str) -> NoReturn:
    what = _IN_WORDS.get(verb, f"do this ({verb}) in")
    raise Refused(f"You are a member of “{vault}”, but you cannot {what} it. Ask {_listed(administrators_of(vault))}.")


def _listed(people: QuerySet[User]) -> str:
    names = [person.title for person in people.order_by("username")[:4]]
    if not names:
        return "whoever runs this portal"
    shown = names[:3]
    if len(names) > 3:
        return ", ".join(shown) + " or another administrator"
    return " or ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
