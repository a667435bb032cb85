"""Contacts over the wire."""

from collections.abc import Callable

import pytest

from portal.models import Role
from tests.factories import make_member, make_vault
from tests.portal.api.client import ApiClient, error_of
from vault.models import Contact, Vault
from vault.models.audit import AuditEvent

Api = Callable[..., ApiClient]
PATH = "/certificates/contacts"
TWO = {"contacts": [{"email": "a@example.org", "name": "Ada", "phone": "1"}, {"email": "b@example.org"}]}


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def ruler(api: Api, vault: Vault) -> ApiClient:
    return api(make_member(vault, Role.ADMINISTRATOR), vault)


def test_contacts_are_set_read_and_deleted_together(ruler: ApiClient) -> None:
    expected = {"id": "https://payments.vault.localhost/certificates/contacts", **TWO}

    assert ruler.put(PATH, TWO).json() == expected
    assert ruler.get(PATH).json() == expected
    assert ruler.delete(PATH).json() == expected
    missing = ruler.get(PATH)
    assert missing.status_code == 404
    assert error_of(missing) == {"code": "ContactsNotFound", "message": "Contacts not found"}
    assert ruler.delete(PATH).status_code == 404


def test_setting_replaces_what_was_there(ruler: ApiClient, vault: Vault) -> None:
    ruler.put(PATH, TWO)

    ruler.put(PATH, {"contacts": [{"email": "c@example.org"}]})

    assert list(Contact.objects.values_list("email", flat=True)) == ["c@example.org"]
    assert AuditEvent.objects.filter(action="contacts/set").count() == 2


@pytest.mark.parametrize(
    "contacts",
    [
        None,
        [],
        [{}],
        [{"email": ""}],
        [{"email": "no address"}],
        [{"email": "a@example.org\r\nBcc: b@example.org"}],
        [{"email": "a@example.org", "name": "A\u202e"}],
        [{"email": "a@example.org", "name": "\u0000"}],
        [{"email": "a@example.org"}, {"email": "A@example.org"}],
        [{"email": f"{number}@example.org"} for number in range(101)],
        "a@example.org",
    ],
)
def test_what_nobody_can_be_written_to_by_is_refused(ruler: ApiClient, contacts: object) -> None:
    response = ruler.put(PATH, {"contacts": contacts})

    assert response.status_code == 400
    assert error_of(response)["message"].startswith("Property contacts has invalid value")
    assert not Contact.objects.exists()


def test_contacts_are_a_vaults_own(ruler: ApiClient, api: Api) -> None:
    ruler.put(PATH, TWO)
    other = make_vault()

    assert api(make_member(other, Role.ADMINISTRATOR), other).get(PATH).status_code == 404


def test_an_officer_does_not_manage_contacts(api: Api, vault: Vault) -> None:
    officer = api(make_member(vault), vault)

    assert officer.get(PATH).status_code == 403
    assert officer.put(PATH, TWO).status_code == 403
    assert officer.delete(PATH).status_code == 403
