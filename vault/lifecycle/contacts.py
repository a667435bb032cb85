"""Who hears about a vault's certificates: set together, removed together."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from vault.errors import BadParameter
from vault.models import Contact, Vault
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
        Contact.objects.filter(vault=vault).delete()
        rows = [Contact(vault=vault, email=one.email, name=one.name, phone=one.phone) for one in people]
        made = Contact.objects.bulk_create(rows)
        record("contacts/set", "contacts", by=by, vault=vault, details={"contacts": [one.email for one in people]})
    return made


def delete_contacts(*, vault: Vault, by: Actor) -> list[Contact]:
    """Remove all contacts of a vault, and return them as they were; nothing happens when there are none."""
    with transaction.atomic():
        were = list(Contact.objects.select_for_update().filter(vault=vault))
        if were:
            Contact.objects.filter(pk__in=[one.pk for one in were]).delete()
            record("contacts/delete", "contacts", by=by, vault=vault, details={"contacts": [one.email for one in were]})
    return were


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
