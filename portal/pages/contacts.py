"""A vault's contacts: who they are, whether mail reaches them, and who heard what."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Lower
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import access, rates
from portal.forms.contacts import ContactForm
from portal.pages import ledgers
from portal.pages.http import PageRequest, see_other
from portal.pages.tabs import vault_tabs
from vault.errors import BadParameter, TooMany
from vault.lifecycle import contacts
from vault.models import Contact, Mail, Notice, Vault

_RIGHT = "certificates/managecontacts"
# Tests of one vault in a minute.
TESTS, WINDOW = 20, 60


@dataclass(frozen=True)
class Row:
    """A contact, and the last mail to that address."""

    contact: Contact
    mail: Mail | None


@require_GET
@login_required
def index(request: PageRequest, vault: str) -> HttpResponse:
    """The contacts with how mail to them fared, and the ledger of the vault's notices."""
    found = access.vault_for(request, vault, may=_RIGHT)
    context = {
        "nav": "vaults",
        "vault": found,
        "tabs": vault_tabs(request, found, "contacts"),
        "rows": _rows(found),
        "mail_works": settings.MAIL_WORKS,
        "most": contacts.MOST,
        "ledger": ledgers.ledger(request, Notice.objects.filter(vault=found)),
    }
    return TemplateResponse(request, "contacts/index.html", context)


def _rows(vault: Vault) -> list[Row]:
    last = Mail.objects.filter(address=Lower(OuterRef("email"))).order_by("-created_at").values("pk")
    found = list(Contact.objects.filter(vault=vault).annotate(last=Subquery(last[:1])))
    mails = Mail.objects.in_bulk({row.last for row in found if row.last})
    return [Row(row, mails.get(row.last)) for row in found]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add(request: PageRequest, vault: str) -> HttpResponse:
    """Add a contact."""
    found = access.vault_for(request, vault, may=_RIGHT)
    form = ContactForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = contacts.add_contact(vault=found, person=form.person, by=access.actor(request, _RIGHT))
        except BadParameter as error:
            form.refuse(error)
        else:
            messages.success(request, f"“{made}” hears about the certificates of “{found}” now.")
            return see_other("contacts:index", found.name)
    return _form(request, found, form, title="Add a contact")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: PageRequest, vault: str, contact: int) -> HttpResponse:
    """Change a contact."""
    found = access.vault_for(request, vault, may=_RIGHT)
    one = _contact(found, contact)
    form = ContactForm(request.POST if request.method == "POST" else None, initial=ContactForm.initial_of(one))
    if form.is_valid():
        try:
            contacts.change_contact(contact=one, person=form.person, by=access.actor(request, _RIGHT))
        except BadParameter as error:
            form.refuse(error)
        else:
            messages.success(request, f"The contact “{form.person.email}” is changed.")
            return see_other("contacts:index", found.name)
    return _form(request, found, form, title="Change a contact")


@require_POST
@login_required
def remove(request: PageRequest, vault: str, contact: int) -> HttpResponse:
    """Remove a contact."""
    found = access.vault_for(request, vault, may=_RIGHT)
    one = _contact(found, contact)
    contacts.remove_contact(contact=one, by=access.actor(request, _RIGHT))
    messages.success(request, f"“{one}” hears nothing of “{found}” any more.")
    return see_other("contacts:index", found.name)


@require_POST
@login_required
def test(request: PageRequest, vault: str, contact: int) -> HttpResponse:
    """Send a contact a mail that says it is a test."""
    found = access.vault_for(request, vault, may=_RIGHT)
    one = _contact(found, contact)
    if not settings.MAIL_WORKS:
        messages.error(request, "No mail server is set up, so that nothing can be sent.")
        return see_other("contacts:index", found.name)
    full, seconds = rates.shared().take([(f"contact tests/vault/{found.pk}", TESTS)], window=WINDOW)
    if full is not None:
        raise TooMany(f"These are many tests in a short time. Test again in {seconds} seconds.")
    contacts.send_test(vault=found, address=one.email, by=access.actor(request, _RIGHT))
    messages.success(request, f"A test is on its way to “{one}”. What the mail server said shows here in a moment.")
    return see_other("contacts:index", found.name)


def _contact(vault: Vault, pk: int) -> Contact:
    found = Contact.objects.filter(vault=vault, pk=pk).first()
    if found is None:
        raise Http404("There is no such contact.")
    found.vault = vault
    return found


def _form(request: PageRequest, vault: Vault, form: ContactForm, *, title: str) -> HttpResponse:
    context: dict[str, Any] = {"nav": "vaults", "vault": vault, "form": form, "title": title}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "contacts/edit.html", context, status=status)
