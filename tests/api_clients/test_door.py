"""The unmodified clients at the door: names, TLS, the challenge, the token."""

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.keyvault.certificates import CertificateClient, CertificatePolicy
from azure.keyvault.certificates.aio import CertificateClient as AsyncCertificateClient
from azure.keyvault.secrets import SecretClient

from tests.api_clients.live import AsyncStaticToken, Live, LiveVault, StaticToken

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(180)]


def test_a_client_needs_no_options_but_the_ca_file(certificates: CertificateClient) -> None:
    assert list(certificates.list_properties_of_certificates()) == []


async def listed(live: Live, vault: LiveVault) -> list[object]:
    credential = AsyncStaticToken(vault.tokens["officer"])
    async with AsyncCertificateClient(vault.url, credential) as client:
        return [found async for found in client.list_properties_of_certificates()]


def test_the_asynchronous_client_works_too(live: Live, vault: LiveVault, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setenv("SSL_CERT_FILE", live.ca)

    assert isinstance(asyncio.run(listed(live, vault)), list)


def test_the_ca_file_is_needed(vault: LiveVault) -> None:
    with (
        CertificateClient(vault.url, vault.credential(), retry_total=0) as client,
        pytest.raises(ServiceRequestError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.get_certificate("www")


@pytest.mark.parametrize("token", ["chv_wrong", "x"])
def test_a_wrong_token_is_an_authentication_error(live: Live, vault: LiveVault, token: str) -> None:
    with (
        CertificateClient(vault.url, StaticToken(token), connection_verify=live.ca) as client,
        pytest.raises(ClientAuthenticationError, match="The token is unknown here"),
    ):
        client.get_certificate("www")


def test_another_vault_is_not_found_or_forbidden(live: Live, vault: LiveVault) -> None:
    other = live.make_vault()

    for url in (other.url, live.url("absent")):
        with (
            SecretClient(url, vault.credential(), connection_verify=live.ca) as client,
            pytest.raises(ResourceNotFoundError, match="There is no vault"),
        ):
            client.get_secret("www")


def test_what_is_not_there_is_not_found(certificates: CertificateClient) -> None:
    with pytest.raises(ResourceNotFoundError, match="was not found in this key vault") as caught:
        certificates.get_certificate("absent")

    assert caught.value.error.code == "CertificateNotFound"


def test_who_may_not_is_told_which_permission_is_missing(client_for, vault: LiveVault) -> None:
    client = client_for(CertificateClient, vault, "reader")

    with pytest.raises(HttpResponseError, match="does not have certificates create permission") as caught:
        client.begin_create_certificate("readers", CertificatePolicy.get_default())

    assert caught.value.error.innererror == {"code": "AccessDenied"}
