"""The vault's contacts: one document, set and deleted as a whole."""

from __future__ import annotations

from http import HTTPStatus

from portal import access
from portal.api import finding
from portal.api.errors import ApiError
from portal.api.http import Answer, ApiRequest, endpoint
from portal.api.ids import Ids
from portal.api.models import bodies, replies
from portal.api.reading import body_of
from vault.lifecycle import contacts
from vault.models import Contact


@endpoint("certificates/managecontacts")
def detail(request: ApiRequest) -> Answer:
    """Read the contacts; 404 while there are none."""
    finding.require(request)
    return _shown(request, list(Contact.objects.filter(vault=request.vault)))


@endpoint("certificates/managecontacts", methods=("PUT",))
def replace(request: ApiRequest) -> Answer:
    """Set the contacts; those before are gone."""
    finding.require(request)
    given = body_of(request, bodies.ContactsGiven)
    people = [contacts.Person(email=one.email, name=one.name or "", phone=one.phone or "") for one in given.contacts]
    by = access.actor(request, request.verb)
    return _shown(request, contacts.set_contacts(vault=request.vault, people=people, by=by))


@endpoint("certificates/managecontacts", methods=("DELETE",))
def delete(request: ApiRequest) -> Answer:
    """Delete the contacts; answers with them as they were."""
    finding.require(request)
    return _shown(request, contacts.delete_contacts(vault=request.vault, by=access.actor(request, request.verb)))


def _shown(request: ApiRequest, found: list[Contact]) -> Answer:
    if not found:
        raise ApiError(HTTPStatus.NOT_FOUND, "ContactsNotFound", "Contacts not found")
    people = [bodies.Contact(email=one.email, name=one.name or None, phone=one.phone or None) for one in found]
    return replies.Contacts(id=Ids.of(request).contacts(), contacts=people)
