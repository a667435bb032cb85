"""Who hears about a vault's certificates: set together, removed together; on pages one by one."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from vault.errors import BadParameter, NotAllowedNow
from vault.models import Contact, Mail, Vault
from vault.models.audit import Actor, record
from vault.x509.namechecks import email_address
from vault.x509.visible import is_plain, shown

MOST = 100


@dataclass(frozen=True, kw_only=True)
class Person:
    """A contact as given."""

    email: str
    name: str = ""
    phone: str = ""


def set_contacts(*, vault: Vault, people: Sequence[Person], by: Actor) -> list[Contact]:
    """Replace all contacts of a vault. Raises BadParameter for an address that cannot be one, or one given twice."""
    _check(people)
    with transaction.atomic():
        _lock(vault)
        Contact.objects.filter(vault=vault).delete()
        rows = [Contact(vault=vault, email=one.email, name=one.name, phone=one.phone) for one in people]
        made = Contact.objects.bulk_create(rows)
        _look_again(vault)
        record("contacts/set", "contacts", by=by, vault=vault, details={"contacts": [one.email for one in people]})
    return made


def delete_contacts(*, vault: Vault, by: Actor) -> list[Contact]:
    """Remove all contacts of a vault, and return them as they were; nothing happens when there are none."""
    with transaction.atomic():
        were = list(Contact.objects.select_for_update().filter(vault=vault))
        if were:
            Contact.objects.filter(pk__in=[one.pk for one in were]).delete()
            _look_again(vault)
            record("contacts/delete", "contacts", by=by, vault=vault, details={"contacts": [one.email for one in were]})
    return were


@transaction.atomic
def add_contact(*, vault: Vault, person: Person, by: Actor) -> Contact:
    """Add one contact behind those that are there. Raises BadParameter as `set_contacts` does."""
    _lock(vault)
    _check([*_people(vault), person])
    made = Contact.objects.create(vault=vault, email=person.email, name=person.name, phone=person.phone)
    _look_again(vault)
    record("contacts/add", "contacts", by=by, vault=vault, details={"contact": person.email})
    return made


@transaction.atomic
def change_contact(*, contact: Contact, person: Person, by: Actor) -> None:
    """Let a contact be what `person` says, in its place in the order.

    Raises:
        BadParameter: as `set_contacts` does.
        NotAllowedNow: it has been removed meanwhile.
    """
    _lock(contact.vault)
    _check([*_people(contact.vault, without=contact), person])
    mine = Contact.objects.filter(pk=contact.pk)
    if not mine.update(email=person.email, name=person.name, phone=person.phone):
        raise NotAllowedNow(f"“{contact}” is no contact of “{contact.vault}” any more. Add it again.")
    details = {"contact": person.email, "before": contact.email}
    record("contacts/change", "contacts", by=by, vault=contact.vault, details=details)


@transaction.atomic
def remove_contact(*, contact: Contact, by: Actor) -> None:
    """Remove one contact; nothing happens when it is gone already."""
    removed, _ = Contact.objects.filter(pk=contact.pk).delete()
    if removed:
        _look_again(contact.vault)
        record("contacts/remove", "contacts", by=by, vault=contact.vault, details={"contact": contact.email})


def send_test(*, vault: Vault, address: str, by: Actor) -> None:
    """Queue a mail that says it is a test; one at a time waits for an address."""
    wanted = {"kind": Mail.Kind.TEST, "address": address.lower(), "vault": vault, "state": Mail.State.WAITING}
    with transaction.atomic():
        _lock(vault)
        if not Mail.objects.filter(**wanted).exists():
            Mail.objects.create(**wanted)
            record("contacts/test", "contacts", by=by, vault=vault, details={"contact": address})


def _people(vault: Vault, *, without: Contact | None = None) -> list[Person]:
    others = Contact.objects.filter(vault=vault)
    return [Person(email=one.email, name=one.name, phone=one.phone) for one in others if one != without]


def _look_again(vault: Vault) -> None:
    """Whether anybody hears of a certificate is a part of what lies ahead of it."""
    vault.certificates.live().look_again()


def _lock(vault: Vault) -> None:
    # Changes of one vault's contacts queue here, and nobody else; SQLite's transactions exclude each other anyway.
    Vault.objects.select_for_update(no_key=True).filter(pk=vault.pk).values_list("pk").first()


def _check(people: Sequence[Person]) -> None:
    if len(people) > MOST:
        raise BadParameter(f"These are {len(people)} contacts. Keep at most {MOST}.", field="contacts")
    seen: set[str] = set()
    for one in people:
        try:
            email_address(one.email)
        except BadParameter as error:
            raise BadParameter(str(error), field="contacts") from None
        if not is_plain(one.email + one.name + one.phone):
            message = f"The contact {shown(one.email)} holds characters that cannot be seen. Type it again by hand."
            raise BadParameter(message, field="contacts")
        if one.email.lower() in seen:
            raise BadParameter(f"The contact {shown(one.email)} is there twice. Keep one.", field="contacts")
        seen.add(one.email.lower())
