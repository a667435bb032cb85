"""Who is a member of a vault, and in which role."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access, memberships
from portal.forms.members import IN_WORDS, MemberForm, RoleForm
from portal.models import Membership, Role, User
from portal.pages import paging
from portal.pages.http import PageRequest, field_answer, see_other
from portal.pages.tabs import vault_tabs
from vault.errors import Conflict, NotAllowed
from vault.models import Vault


@require_GET
@login_required
def index(request: PageRequest, vault: str) -> HttpResponse:
    """Members and roles; for whoever may change them, with the means to."""
    return _index(request, access.vault_for(request, vault, may="vaults/get"))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add(request: PageRequest, vault: str) -> HttpResponse:
    """Make a person or a group a member."""
    found = access.vault_for(request, vault, may="access/update")
    form = MemberForm(request.POST or None)
    if request.method == "POST" and request.htmx:
        return field_answer(request, form)
    if form.is_valid():
        try:
            _add(request, found, form)
        except (Conflict, NotAllowed) as error:
            form.add_error("group" if form.cleaned_data.get("group") else "person", str(error))
        else:
            return see_other("members:index", found.name)
    context = {"nav": "vaults", "vault": found, "tabs": vault_tabs(request, found, "members"), "form": form}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "members/add.html", context, status=status)


def _add(request: PageRequest, vault: Vault, form: MemberForm) -> None:
    role: Role = form.cleaned_data["role"]
    memberships.add(vault=vault, member=form.member, role=role, by=access.actor(request, "access/update"))
    messages.success(request, f"“{memberships.title(form.member)}” is now a member of “{vault}”: {role.label}.")


@require_POST
@login_required
def change(request: PageRequest, vault: str, pk: int) -> HttpResponse:
    """Give a member another role."""
    found = access.vault_for(request, vault, may="access/update")
    membership = _membership(found, pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _index(request, found, refused=pk, error=" ".join(map(str, form.errors["role"])))
    role = form.cleaned_data["role"]
    try:
        memberships.change(membership=membership, role=role, by=access.actor(request, "access/update"))
    except NotAllowed as error:
        return _index(request, found, refused=pk, error=str(error))
    messages.success(request, f"“{_title(membership)}” has the role {role.label} now.")
    return see_other("members:index", found.name)


@require_POST
@login_required
def remove(request: PageRequest, vault: str, pk: int) -> HttpResponse:
    """End a membership."""
    found = access.vault_for(request, vault, may="access/update")
    membership = _membership(found, pk)
    try:
        memberships.remove(membership=membership, by=access.actor(request, "access/update"))
    except NotAllowed as error:
        return _index(request, found, refused=pk, error=str(error))
    messages.success(request, f"“{_title(membership)}” is no member of “{found}” any more.")
    return see_other("members:index", found.name)


def _index(request: PageRequest, vault: Vault, **refusal: Any) -> HttpResponse:
    page = paging.page(request, _members(vault), by="id")
    context = {
        "nav": "vaults",
        "vault": vault,
        "tabs": vault_tabs(request, vault, "members"),
        "page": page,
        "own": _own(request.user, vault),
        "roles": [(role.value, role.label, hint) for role, hint in IN_WORDS.items()],
        **refusal,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    return TemplateResponse(request, "members/index.html", context, status=status)


def _members(vault: Vault) -> QuerySet[Membership]:
    return Membership.objects.filter(vault=vault).select_related("user", "group")


def _own(user: User, vault: Vault) -> set[int]:
    """The memberships that rule what the person may do, which they cannot change."""
    mine = access.memberships_of(user).filter(vault=vault).order_by()
    return set(mine.values_list("pk", flat=True))


def _membership(vault: Vault, pk: int) -> Membership:
    found = _members(vault).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such member.")
    found.vault = vault
    return found


def _title(membership: Membership) -> str:
    return memberships.title(memberships.member_of(membership))
