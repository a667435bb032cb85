"""Applications sign in with azure-identity, unmodified, and use the vault with what they are given."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from azure.keyvault.certificates import CertificateClient, CertificatePolicy
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient

from portal.pages import programs
from tests.api_clients.live import DOMAIN, Live, LiveVault

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def applications(live: Live, vault: LiveVault) -> dict[str, list[str]]:
    """Client id and secret of an officer and a reader."""
    return {role: live.make_application(vault, role) for role in ("officer", "reader")}


@pytest.fixture(scope="module")
def vault(live: Live) -> LiveVault:
    """A vault of our own."""
    return live.make_vault("officer")


def credential(live: Live, client_id: str, secret: str) -> ClientSecretCredential:
    return ClientSecretCredential(
        "chancery",
        client_id,
        secret,
        authority=f"https://login.{DOMAIN}:{live.portal.port}",
        disable_instance_discovery=True,
        connection_verify=live.ca,
    )


@pytest.fixture
def officer(live: Live, vault: LiveVault, applications: dict[str, list[str]]) -> Iterator[CertificateClient]:
    with (
        credential(live, *applications["officer"]) as signed_in,
        CertificateClient(vault.url, signed_in, connection_verify=live.ca) as client,
    ):
        yield client


def test_an_application_gets_a_certificate(officer: CertificateClient) -> None:
    policy = CertificatePolicy.get_default()

    certificate = officer.begin_create_certificate("www", policy, _polling_interval=0.5).result()

    assert certificate.properties.version
    assert "www" in [one.name for one in officer.list_properties_of_certificates()]


def test_the_role_decides(live: Live, vault: LiveVault, applications: dict[str, list[str]]) -> None:
    with (
        credential(live, *applications["reader"]) as signed_in,
        CertificateClient(vault.url, signed_in, connection_verify=live.ca) as client,
        pytest.raises(HttpResponseError, match="does not have certificates create permission"),
    ):
        client.begin_create_certificate("other", CertificatePolicy.get_default())


def test_a_wrong_secret_is_an_authentication_error(live: Live, applications: dict[str, list[str]]) -> None:
    client_id = applications["officer"][0]

    with (
        credential(live, client_id, "chs_wrong") as signed_in,
        pytest.raises(ClientAuthenticationError, match="do not belong together"),
    ):
        signed_in.get_token(f"https://{DOMAIN}:{live.portal.port}/.default")


async def names_of_secrets(live: Live, vault: LiveVault, client_id: str, secret: str) -> list[str]:
    authority = f"https://login.{DOMAIN}:{live.portal.port}"
    async with (
        AsyncClientSecretCredential(
            "chancery", client_id, secret, authority=authority, disable_instance_discovery=True
        ) as signed_in,
        AsyncSecretClient(vault.url, signed_in) as client,
    ):
        return [one.name async for one in client.list_properties_of_secrets()]


def test_the_asynchronous_client_signs_in_too(
    live: Live, vault: LiveVault, applications: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    monkeypatch.setenv("SSL_CERT_FILE", live.ca)

    assert isinstance(asyncio.run(names_of_secrets(live, vault, *applications["officer"])), list)


def test_the_programs_on_the_page_work(
    live: Live,
    vault: LiveVault,
    applications: dict[str, list[str]],
    officer: CertificateClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    officer.begin_create_certificate("shown", CertificatePolicy.get_default(), _polling_interval=0.5).result()
    ca = Path(live.ca)
    monkeypatch.chdir(ca.parent)
    client_id, secret = applications["reader"]
    monkeypatch.setenv("CHANCERY_CLIENT_ID", client_id)
    monkeypatch.setenv("CHANCERY_CLIENT_SECRET", secret)
    monkeypatch.setenv("CHANCERY_TOKEN", vault.tokens["officer"])
    port = f":{live.portal.port}"
    place = programs.Place(
        vault=vault.name,
        address=vault.url,
        login=f"https://login.{DOMAIN}{port}",
        domain=f"{DOMAIN}{port}",
        tenant="chancery",
        ca=ca.name,
    )

    for program in (one for one in programs.to_connect(place) if one.key.startswith("python")):
        exec(compile(program.code, program.key, "exec"), {"__name__": "__main__"})

        assert "shown 20" in capsys.readouterr().out, program.key
