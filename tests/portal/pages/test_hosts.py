"""A vault's own host name: who gives it, which cannot be, and that programs are answered there."""

from collections.abc import Iterator

import pytest
from django.test import Client

from portal.api import custom
from portal.models import Role
from tests.factories import make_member, make_token, make_vault
from tests.portal.api.client import ApiClient, error_of
from vault.models import AuditEvent, Vault

PAGE = "/vaults/payments/settings/host/"


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    custom.forget()
    yield
    custom.forget()


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def browser(client_of, vault: Vault) -> Client:
    return client_of(make_member(vault, Role.ADMINISTRATOR))


def at(host: str, token: str = "") -> ApiClient:
    client = ApiClient("payments", token)
    client.host = host
    return client


def test_programs_are_answered_there_and_at_the_usual_host(browser: Client, vault: Vault) -> None:
    token = make_token(make_member(vault), vault)
    assert at("kv.example.org", token).get("/certificates").status_code == 404

    assert browser.post(PAGE, {"host": "KV.example.org."}).status_code == 303

    own = at("kv.example.org:8443", token)
    assert own.get("/certificates").status_code == 200
    assert own.get("/certificates/contacts").status_code == 403
    assert ApiClient("payments", token).get("/certificates").status_code == 200
    challenge = at("kv.example.org:8443").get("/certificates")["WWW-Authenticate"]
    assert 'resource="https://example.org:8443"' in challenge
    assert 'authorization="https://login.vault.localhost:8443/chancery"' in challenge
    assert AuditEvent.objects.get(action="vaults/change-host").details == {"host": "kv.example.org", "before": None}


def test_ids_carry_the_host_that_was_called(browser: Client, vault: Vault) -> None:
    token = make_token(make_member(vault), vault)
    browser.post(PAGE, {"host": "kv.example.org"})
    policy = {"x509_props": {"subject": "CN=www.example.org"}}

    operation = at("kv.example.org:8443", token).post("/certificates/www/create", {"policy": policy}).json()

    assert operation["id"] == "https://kv.example.org:8443/certificates/www/pending"


def test_it_is_taken_away_again(browser: Client, vault: Vault) -> None:
    token = make_token(make_member(vault), vault)
    browser.post(PAGE, {"host": "kv.example.org"})
    page = browser.get(PAGE).content.decode()

    browser.post(PAGE, {"host": ""})

    assert 'value="kv.example.org"' in page
    assert Vault.objects.get().host is None
    assert at("kv.example.org", token).get("/certificates").status_code == 404


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("localhost", "host name with a domain"),
        ("kv", "host name with a domain"),
        ("192.0.2.1", "host name with a domain"),
        ("kv.example.org:8443", "host name with a domain"),
        ("https://kv.example.org", "host name with a domain"),
        ("*.example.org", "host name with a domain"),
        ("kv..example.org", "host name with a domain"),
        ("-kv.example.org", "host name with a domain"),
        (f"{'x' * 64}.example.org", "host name with a domain"),
        ("vault.localhost", "usual ones"),
        ("login.vault.localhost", "usual ones"),
        ("other.vault.localhost", "usual ones"),
        ("kv.example.net", "settings"),
        ("portal.example.org", "own"),
        ("kv.example.com", "Another vault has the host"),
        ("x" * 254, "too long"),
    ],
)
def test_hosts_that_cannot_be(browser: Client, settings, host: str, words: str) -> None:
    settings.API_HOSTS = {"kv.example.net": "payments"}
    settings.PORTAL_HOSTS = [*settings.PORTAL_HOSTS, "portal.example.org"]
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "kv.example.net", "portal.example.org"]
    Vault.objects.filter(pk=make_vault("intranet").pk).update(host="kv.example.com")

    response = browser.post(PAGE, {"host": host})

    assert response.status_code == 422
    assert words in response.content.decode()
    assert Vault.objects.get(name="payments").host is None


def test_pages_are_not_at_a_vaults_host(browser: Client, vault: Vault) -> None:
    browser.post(PAGE, {"host": "kv.example.org"})

    response = browser.get("/", secure=True, HTTP_HOST="kv.example.org")

    assert response.status_code == 401
    assert error_of(response)["code"] == "Unauthorized"


def test_while_the_database_is_away_known_hosts_count(browser: Client, monkeypatch) -> None:
    from django.db import DatabaseError

    browser.post(PAGE, {"host": "kv.example.org"})
    assert custom.hosts() == {"kv.example.org": "payments"}
    custom.forget()

    def away(*_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(Vault.objects, "live", away)

    assert custom.hosts() == {"kv.example.org": "payments"}
