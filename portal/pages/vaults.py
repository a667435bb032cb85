"""Vaults: mine, a new one, settings, deleted ones."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Case, IntegerField, OuterRef, Q, QuerySet, Subquery, When
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access, memberships
from portal.forms.vaults import VaultForm
from portal.models import User
from portal.pages import paging
from portal.pages.http import PageRequest, field_answer, see_other
from portal.pages.readable import SOON
from portal.pages.tabs import first_tab, vault_tabs
from portal.rights import Rights
from vault.errors import BadParameter, NameTaken, NotAllowed
from vault.lifecycle import vaults as service
from vault.models import Certificate, Vault

MOST_COUNTED: Final = 1000


class _Count(Subquery):
    """How many rows a sliced query has: counts up to the slice's end and no further."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


@dataclass(frozen=True)
class Row:
    """A vault in the list."""

    vault: Vault
    roles: str
    view: str
    certificates: str
    expiring: str


@require_GET
@login_required
def index(request: PageRequest) -> HttpResponse:
    """The vaults that the person is a member of."""
    mine = access.vaults_of(request.user)
    rights = {vault.pk: held for vault, held in mine.items()}
    page = paging.page(request, _counted(rights, request.user), by="name_key")
    rows = [_row(vault, rights[vault.pk]) for vault in page.rows]
    context = {"nav": "vaults", "page": page, "rows": rows}
    return TemplateResponse(request, "vaults/index.html", context)


def _counted(mine: dict[int, Rights], user: User) -> QuerySet[Vault]:
    """The vaults with as many certificates as the person may see: all, or their own."""
    inside = Certificate.objects.live().filter(vault=OuterRef("pk")).order_by().values("pk")
    moment = timezone.now()
    soon = inside.filter(expires_at__gt=moment, expires_at__lte=moment + SOON)
    whole = Q(pk__in=[pk for pk, rights in mine.items() if "certificates/list" in rights])
    own = Q(pk__in=[pk for pk, rights in mine.items() if rights.sees_own_only])

    def count(rows: QuerySet[Certificate, Any]) -> Case:
        return Case(
            When(whole, then=_Count(rows[: MOST_COUNTED + 1])),
            When(own, then=_Count(rows.filter(owner=user)[: MOST_COUNTED + 1])),
        )

    return Vault.objects.filter(pk__in=mine).annotate(certificates_seen=count(inside), expiring_seen=count(soon))


def _row(vault: Any, rights: Rights) -> Row:
    roles = memberships.role_titles(rights.roles)
    return Row(vault, roles, first_tab(rights), _up_to(vault.certificates_seen), _up_to(vault.expiring_seen))


def _up_to(count: int | None) -> str:
    if count is None:
        return ""
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: PageRequest) -> HttpResponse:
    """Make a vault and say who administers it first."""
    access.require_portal_administrator(request)
    form = VaultForm(request.POST or None, initial={"administrator": request.user.username})
    if request.method == "POST" and request.htmx:
        return field_answer(request, form)
    if form.is_valid():
        try:
            vault = memberships.found_vault(**form.cleaned_data, by=access.actor(request, "vaults/create"))
        except (BadParameter, NameTaken) as error:
            form.add_error(getattr(error, "field", "name") or "name", str(error))
        else:
            return _founded(request, vault, form.cleaned_data["administrator"])
    context = {"nav": "vaults", "form": form}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "vaults/new.html", context, status=status)


def _founded(request: PageRequest, vault: Vault, administrator: User) -> HttpResponse:
    if administrator == request.user:
        messages.success(request, f"The vault “{vault}” is ready. Under Access, say who may use it.")
        return see_other("certificates:index", vault.name)
    messages.success(request, f"The vault “{vault}” is ready. {administrator.title} administers it.")
    return see_other("vaults:index")


# -------------------------------------------------------------------- settings
@require_GET
@login_required
def settings(request: PageRequest, vault: str) -> HttpResponse:
    """Retention, purge protection, deletion."""
    return _settings(request, access.vault_for(request, vault, may="vaults/update"))


@require_POST
@login_required
def protect(request: PageRequest, vault: str) -> HttpResponse:
    """Switch purge protection on, for good."""
    found = access.vault_for(request, vault, may="vaults/update")
    if not _is_confirmed(request, found):
        return _settings(request, found, protect_error=_not_the_name(found))
    service.protect_vault(vault=found, by=access.actor(request, "vaults/update"))
    messages.success(request, f"“{found}” is protected from purging.")
    return see_other("vaults:settings", found.name)


@require_POST
@login_required
def delete(request: PageRequest, vault: str) -> HttpResponse:
    """Delete the vault; it can be recovered until its retention ends."""
    found = access.vault_for(request, vault, may="vaults/delete")
    if not _is_confirmed(request, found):
        return _settings(request, found, delete_error=_not_the_name(found))
    service.delete_vault(vault=found, by=access.actor(request, "vaults/delete"))
    messages.success(request, f"“{found}” is deleted. You can recover it for {found.retention_days} days.")
    return see_other("vaults:deleted")


def _settings(request: PageRequest, vault: Vault, **errors: str) -> HttpResponse:
    context = {"nav": "vaults", "vault": vault, "tabs": vault_tabs(request, vault, "settings"), **errors}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return TemplateResponse(request, "vaults/settings.html", context, status=status)


# --------------------------------------------------------------------- deleted
@require_GET
@login_required
def deleted(request: PageRequest) -> HttpResponse:
    """Deleted vaults that the person may recover or purge."""
    return _deleted(request)


@require_POST
@login_required
def recover(request: PageRequest, vault: str) -> HttpResponse:
    """Bring a deleted vault back."""
    found = access.deleted_vault_for(request, vault)
    service.recover_vault(vault=found, by=access.actor(request, "vaults/delete"))
    messages.success(request, f"“{found}” is back with everything in it.")
    is_member = access.memberships_of(request.user).filter(vault=found).exists()
    return see_other("vaults:settings", found.name) if is_member else see_other("vaults:index")


@require_POST
@login_required
def purge(request: PageRequest, vault: str) -> HttpResponse:
    """Remove a deleted vault for good."""
    found = access.deleted_vault_for(request, vault)
    if not _is_confirmed(request, found):
        return _deleted(request, refused=found.pk, error=_not_the_name(found))
    try:
        service.purge_vault(vault=found, by=access.actor(request, "vaults/delete"))
    except NotAllowed as error:
        return _deleted(request, refused=found.pk, error=str(error))
    messages.success(request, f"“{found}” is gone with everything in it. Its audit trail stays.")
    return see_other("vaults:deleted")


def _deleted(request: PageRequest, **refusal: Any) -> HttpResponse:
    page = paging.page(request, access.deleted_vaults_of(request.user), by="name_key")
    context = {"nav": "vaults", "page": page, **refusal}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return TemplateResponse(request, "vaults/deleted.html", context, status=status)


def _is_confirmed(request: PageRequest, vault: Vault) -> bool:
    return request.POST.get("confirm", "").strip() == vault.name


def _not_the_name(vault: Vault) -> str:
    return f"Type “{vault}” exactly, capitals included. Nothing was changed."
