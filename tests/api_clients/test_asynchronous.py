"""The same journey with the asynchronous clients, which come with another transport."""

import asyncio
import base64
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.keyvault.certificates import CertificatePolicy, KeyCurveName, KeyType, WellKnownIssuerNames
from azure.keyvault.certificates.aio import CertificateClient
from azure.keyvault.secrets.aio import SecretClient
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.api_clients.live import AsyncStaticToken, Live, LiveVault
from tests.pki.authority import make_root, sign_csr

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(180)]
KEY: dict[str, Any] = {"key_type": KeyType.ec, "key_curve_name": KeyCurveName.p_256}


@pytest.fixture(scope="module")
def vault(live: Live) -> LiveVault:
    """A vault of our own: its list is looked at here."""
    return live.make_vault("officer")


@pytest.fixture(autouse=True)
def _ca_file(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", live.ca)


async def self_signed_journey(vault: LiveVault) -> None:
    credential = AsyncStaticToken(vault.tokens["officer"])
    async with CertificateClient(vault.url, credential) as client, SecretClient(vault.url, credential) as secrets:
        policy = CertificatePolicy(WellKnownIssuerNames.self, subject="CN=www.example.org", **KEY)
        certificate = await client.create_certificate("www", policy, _polling_interval=0.5)

        secret = await secrets.get_secret("www")
        key, leaf, _ = pkcs12.load_key_and_certificates(base64.b64decode(secret.value), None)
        assert key.public_key() == leaf.public_key()
        assert "www" in [one.name async for one in client.list_properties_of_certificates()]
        assert certificate.properties.version == secret.properties.version

        deleted = await client.delete_certificate("www", _polling_interval=0.5)
        assert deleted.recovery_id.endswith("/deletedcertificates/www")
        with pytest.raises(ResourceNotFoundError):
            await client.get_certificate("www")
        await client.recover_deleted_certificate("www", _polling_interval=0.5)
        assert (await client.get_certificate("www")).properties.version == secret.properties.version


async def merged_journey(vault: LiveVault) -> None:
    async with CertificateClient(vault.url, AsyncStaticToken(vault.tokens["officer"])) as client:
        policy = CertificatePolicy(WellKnownIssuerNames.unknown, subject="CN=www.example.org", **KEY)
        operation = await client.create_certificate("merged", policy, _polling_interval=0.5)
        leaf = sign_csr(make_root(), bytes(operation.csr))

        merged = await client.merge_certificate("merged", [leaf])

        assert bytes(merged.cer) == leaf
        assert (await client.get_certificate_operation("merged")).status == "completed"


def test_create_poll_download_delete_recover(vault: LiveVault) -> None:
    asyncio.run(self_signed_journey(vault))


def test_unknown_and_merge(vault: LiveVault) -> None:
    asyncio.run(merged_journey(vault))
