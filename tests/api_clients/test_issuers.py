"""Issuers, set up by the unmodified client."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.certificates import AdministratorContact, CertificateClient

from tests.api_clients.live import LiveVault

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(180)]


@pytest.fixture
def ruler(client_for: Callable[..., Any], vault: LiveVault) -> CertificateClient:
    return client_for(CertificateClient, vault, "administrator")


def test_an_issuer_from_first_to_last(ruler: CertificateClient) -> None:
    ada = AdministratorContact("Ada", "Lind", "ada@example.org", "1")

    made = ruler.create_issuer(
        "sdk-digicert",
        "DigiCert",
        account_id="1122334",
        password="first",
        organization_id="17",
        admin_contacts=[ada],
        enabled=True,
    )

    assert (made.name, made.provider, made.account_id, made.password) == ("sdk-digicert", "DigiCert", "1122334", None)
    assert (made.organization_id, made.admin_contacts[0].email, made.enabled) == ("17", "ada@example.org", True)
    assert made.created_on == made.updated_on
    read = ruler.get_issuer("sdk-digicert")
    assert (read.id, read.created_on, read.admin_contacts[0].first_name) == (made.id, made.created_on, "Ada")
    assert ("sdk-digicert", "DigiCert") in [(one.name, one.provider) for one in ruler.list_properties_of_issuers()]
    changed = ruler.update_issuer("sdk-digicert", account_id="5", enabled=False)
    assert (changed.account_id, changed.enabled, changed.organization_id) == ("5", False, "17")
    assert changed.admin_contacts[0].last_name == "Lind"
    gone = ruler.delete_issuer("sdk-digicert")
    assert (gone.account_id, gone.enabled) == ("5", False)
    with pytest.raises(ResourceNotFoundError, match="Issuer not found"):
        ruler.get_issuer("sdk-digicert")


def test_one_may_come_bit_by_bit_as_the_command_line_brings_it(ruler: CertificateClient) -> None:
    ruler.create_issuer("sdk-bare", "DigiCert")

    added = ruler.update_issuer("sdk-bare", admin_contacts=[AdministratorContact(email="ada@example.org")])

    assert added.account_id is None
    assert [(one.email, one.phone) for one in added.admin_contacts] == [("ada@example.org", None)]
    ruler.delete_issuer("sdk-bare")


def test_what_a_client_cannot_say_is_refused_with_a_way_out(
    ruler: CertificateClient, client_for: Callable[..., Any], vault: LiveVault
) -> None:
    with pytest.raises(HttpResponseError, match="set the issuer up in the portal"):
        ruler.create_issuer("sdk-acme", "ACME")
    assert ruler.create_issuer("sdk-test", "Test", account_id="keyvaultuser").provider == "Test"
    reader = client_for(CertificateClient, vault, "reader")
    assert reader.get_issuer("sdk-test").account_id == "keyvaultuser"
    with pytest.raises(HttpResponseError, match="does not have certificates setissuers permission"):
        reader.update_issuer("sdk-test", enabled=False)
    ruler.delete_issuer("sdk-test")
