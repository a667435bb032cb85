"""Who may do what: the only way a view comes by an object.

Code asks for a verb (`portal.rights`) on an object. A stranger gets 404, as if the thing did not exist; a
member without the verb gets Refused (403), which names who can help.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404

from portal.http import Asker, client_address
from portal.models import Membership, Role, Token, User
from portal.rights import IN_WORDS, Rights
from vault.errors import NameTaken
from vault.models import Certificate, Issuer, Operation, Vault, Version
from vault.models.audit import Actor
from vault.models.certificate import CertificateQuerySet
from vault.models.operation import OperationQuerySet

_Thing = TypeVar("_Thing", Operation, Version)


class Refused(PermissionDenied):
    """A member lacks a verb; the message names the verb in words and who can help."""


class NotFound(Http404):
    """There is no such thing, or none that the person may see: nobody can tell which. `kind` is a noun."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"There is no such {kind}.")
        self.kind, self.name = kind, name


def actor(request: Asker, right: str) -> Actor:
    """Who acts, for the audit trail: the person, by what verb, from where, with which token."""
    user, token = request.user, _token(request)
    return Actor(
        name=user.get_username(),
        user_id=user.pk,
        right=right,
        address=client_address(request),
        token=str(token) if token else "",
    )


def _token(request: Asker) -> Token | None:
    return getattr(request, "token", None)


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


def vault_for(request: Asker, name: str, *, may: str) -> Vault:
    """Return the live vault of this name if the person may do `may` in it, and leave the rights on the request.

    Raises:
        NotFound: there is none, or the person is not a member.
        Refused: a member without the verb.
    """
    vault = _vault(request, name)
    _require(request, vault, may)
    return vault


def enter(request: Asker, name: str) -> Vault:
    """Return the live vault of this name if the person is a member, and leave the rights on the request.

    Raises NotFound. What they may do in it is not asked yet.
    """
    return _vault(request, name)


def deleted_vaults_of(user: User) -> QuerySet[Vault]:
    """Deleted vaults that a person administers; all of them for a portal administrator."""
    deleted = Vault.objects.filter(deleted_at__isnull=False).order_by("name_key")
    if user.is_staff:
        return deleted
    mine = Membership.objects.filter(Q(user=user) | Q(group__in=user.groups.all()), role=Role.ADMINISTRATOR)
    return deleted.filter(pk__in=mine.values("vault"))


def deleted_vault_for(request: Asker, name: str) -> Vault:
    """Return a deleted vault that the person may recover or purge. Raises NotFound."""
    vault = deleted_vaults_of(request.user).filter(name_key=name.lower()).first()
    if vault is None:
        raise NotFound("deleted vault", name)
    return vault


def _vault(request: Asker, name: str) -> Vault:
    known: Vault | None = getattr(request, "vault", None)
    if known is not None and known.name_key == name.lower():
        request.rights = request.rights.in_vault()
        return known
    found = list(memberships_of(request.user).filter(vault__name_key=name.lower()))
    if not found:
        raise NotFound("vault", name)
    token = _token(request)
    request.rights = Rights((membership.role for membership in found), scope=token.scope if token else None)
    return found[0].vault


# -------------------------------------------------------------- certificates
def visible_certificates(request: Asker, vault: Vault) -> CertificateQuerySet:
    """The vault's certificates that the person may see, deleted ones included."""
    certificates = Certificate.objects.filter(vault=vault)
    if request.rights.sees_all:
        return certificates
    return certificates.filter(owner=request.user) if request.rights.sees_own_only else certificates.none()


def all_visible_certificates(user: User) -> CertificateQuerySet:
    """The live certificates that a person may see, in every vault that they are a member of."""
    return certificates_in(vaults_of(user), user)


def certificates_in(mine: dict[Vault, Rights], user: User) -> CertificateQuerySet:
    """The live certificates that a person may see in vaults of theirs, as `vaults_of` gives them."""
    whole = [vault.pk for vault, rights in mine.items() if "certificates/list" in rights]
    own = [vault.pk for vault, rights in mine.items() if rights.sees_own_only]
    return Certificate.objects.live().filter(Q(vault__in=whole) | Q(vault__in=own, owner=user))


def certificate_for(
    request: Asker, vault_name: str, name: str, *, may: str, deleted: bool = False, light: bool = False
) -> Certificate:
    """Return a certificate (a deleted one, if `deleted`) if the person may do `may` with it; rights on the request.

    With its owner and current version; `light`, for what is asked for very often, without them and the policy.

    Raises:
        NotFound: there is none that the person may see.
        Refused: they see it, and may not do this.
    """
    vault = _vault(request, vault_name)
    wanted = visible_certificates(request, vault).filter(name_key=name.lower(), deleted_at__isnull=not deleted)
    full = wanted.select_related("owner", "current", "current__key").defer("current__secret")
    certificate = (wanted.light() if light else full).first()
    if certificate is None:
        raise NotFound("deleted certificate" if deleted else "certificate", name)
    certificate.vault = vault
    request.rights = request.rights.on(certificate, request.user)
    _require(request, vault, may)
    return certificate


def version_for(request: Asker, vault_name: str, name: str, version: str, *, may: str) -> Version:
    """Return one version of a live certificate if the person may do `may` with it. Raises NotFound, Refused."""
    certificate = certificate_for(request, vault_name, name, may=may)
    found = certificate.versions.select_related("key").defer("secret").filter(pk=version).first()
    if found is None:
        raise NotFound("version", f"{name}/{version}")
    found.certificate = certificate
    return found


def certificate_to_issue(
    request: Asker, vault: Vault, name: str, *, may: str = "certificates/create"
) -> Certificate | None:
    """Return the certificate of which a request for `name`, or an import, makes a new version; None when it is free.

    `vault_for` has left the person's rights on the request. Raises NameTaken; whoever cannot see the holder of the
    name learns that it is taken, and no more.
    """
    holder = vault.certificates.named(name).light().first()
    if holder is None:
        return None
    rights = request.rights.on(holder, request.user)
    if "certificates/get" not in rights.without_scope():
        raise NameTaken(f"The name “{name}” is taken in “{vault}”. Choose another.")
    if holder.deleted_at is not None:
        raise NameTaken(
            f"A deleted certificate holds the name “{holder}”. Recover or purge it first, or choose another name.",
            recoverable="certificates/recover" in rights.without_scope(),
        )
    if may not in rights:
        raise NameTaken(f"“{holder}” belongs to someone else. Choose another name, or ask its owner for a new version.")
    return holder


# ---------------------------------------------------------------- operations
def visible_operations(request: Asker, vault: Vault) -> OperationQuerySet:
    """The vault's operations that the person may see, without deleted ones."""
    operations = Operation.objects.filter(vault=vault, deleted_at__isnull=True)
    if request.rights.sees_all:
        return operations
    own = operations.filter(certificate__owner=request.user)
    return own if request.rights.sees_own_only else operations.none()


def operation_for(request: Asker, vault_name: str, request_id: str, *, may: str) -> Operation:
    """Return an operation of a live certificate if the person may do `may` with its certificate.

    Raises NotFound, Refused.
    """
    vault = _vault(request, vault_name)
    wanted = visible_operations(request, vault).filter(request_id=request_id, certificate__deleted_at__isnull=True)
    wanted = wanted.select_related("certificate", "certificate__owner", "key", "requested_by", "version", "issuer")
    operation = wanted.defer("issuer__secrets", "issuer__memory").first()
    if operation is None:
        raise NotFound("operation", request_id)
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


# ------------------------------------------------------------------- issuers
def issuer_for(request: Asker, vault_name: str, name: str, *, may: str) -> Issuer:
    """Return a registered issuer of a vault if the person may do `may` in it. Raises NotFound, Refused."""
    vault = vault_for(request, vault_name, may=may)
    issuer = Issuer.objects.filter(vault=vault).named(name).first()
    if issuer is None:
        raise NotFound("issuer", name)
    issuer.vault = vault
    return issuer


# -------------------------------------------------------------------- portal
def require_portal_administrator(request: Asker) -> None:
    """Refuse whoever does not administer the portal. Raises Refused."""
    if not request.user.is_staff:
        helpers = _listed(User.objects.filter(is_staff=True, is_active=True))
        raise Refused(f"Only portal administrators can do this. Ask {helpers}.")


def administrators_of(vault: Vault) -> QuerySet[User]:
    """The active people who administer a vault, themselves or through a group."""
    ruling = Membership.objects.filter(vault=vault, role=Role.ADMINISTRATOR)
    people = Q(pk__in=ruling.values("user")) | Q(groups__in=ruling.values("group"))
    return User.objects.filter(people, is_active=True, is_application=False).distinct()


def _require(request: Asker, vault: Vault, verb: str) -> None:
    if verb not in request.rights:
        _refuse(vault, verb)


def _refuse(vault: Vault, verb: str) -> NoReturn:
    what = IN_WORDS.get(verb, f"do this ({verb}) in")
    raise Refused(f"You are a member of “{vault}”, but you cannot {what} it. Ask {_listed(administrators_of(vault))}.")


def _listed(people: QuerySet[User]) -> str:
    names = [person.title for person in people.order_by("username")[:4]]
    if not names:
        return "whoever runs this portal"
    shown = names[:3]
    if len(names) > 3:
        return ", ".join(shown) + " or another administrator"
    return " or ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
