"""The door: which host leads where, and what is asked of everybody."""

import pytest
from django.test import Client

from portal.models import Role
from tests.factories import make_certificate, make_member, make_token, make_user, make_vault
from tests.portal.api.client import ApiClient, error_of
from vault.lifecycle import vaults
from vault.models.audit import SYSTEM

pytestmark = pytest.mark.usefixtures("probes")


def test_a_vault_is_a_host(api) -> None:
    vault = make_vault("payments")
    ada = make_member(vault, user=make_user("ada"))

    response = api(ada, vault).get("/certificates")

    assert response.status_code == 200
    assert response.json() == "ada payments https://payments.vault.localhost /certificates"


@pytest.mark.parametrize(
    "host", ["PAYMENTS.vault.localhost", "payments.vault.localhost.", "Payments.Vault.Localhost:8443"]
)
def test_a_host_is_the_same_in_any_case_with_port_and_final_dot(api, host: str) -> None:
    vault = make_vault("payments")

    assert api(make_member(vault), vault).raw("GET", "/certificates", HTTP_HOST=host).status_code == 200


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("payments.vault.localhost:8443", "https://payments.vault.localhost:8443"),
        ("payments.vault.localhost:443", "https://payments.vault.localhost"),
        ("payments.vault.localhost", "https://payments.vault.localhost"),
    ],
)
def test_ids_begin_with_the_host_as_the_client_wrote_it(api, host: str, base: str) -> None:
    vault = make_vault("payments")

    assert base in api(make_member(vault), vault).raw("GET", "/certificates", HTTP_HOST=host).json().split()


@pytest.mark.parametrize(
    "host",
    [
        "vault.localhost",
        "management.vault.localhost",
        "a.b.vault.localhost",
        "pay_ments.vault.localhost",
        "9lives.vault.localhost",
        "x" * 25 + ".vault.localhost",
        ".vault.localhost",
        "<p>.vault.localhost",
    ],
)
def test_a_host_that_cannot_be_a_vault_is_answered_in_the_envelope(api, host: str) -> None:
    vault = make_vault("payments")

    response = api(make_member(vault), vault).raw("GET", "/certificates", HTTP_HOST=host)

    assert response.status_code == 404
    assert error_of(response)["code"] == "VaultNotFound"
    assert "WWW-Authenticate" not in response


def test_absent_deleted_and_foreign_vaults_answer_alike(api) -> None:
    mine, foreign, gone = make_vault("payments"), make_vault("foreign"), make_vault("gonevault")
    ada = make_member(mine)
    make_member(gone, user=ada)
    token = make_token(ada, mine, gone)
    vaults.delete_vault(vault=gone, by=SYSTEM)

    answers = [ApiClient(name, token).get("/certificates") for name in ("absent", foreign.name, gone.name)]

    assert {answer.status_code for answer in answers} == {404}
    texts = {
        error_of(answer)["message"].replace(name, "")
        for answer, name in zip(answers, ("absent", "foreign", "gonevault"), strict=True)
    }
    assert len(texts) == 1


def test_without_a_token_nobody_learns_which_vaults_there_are() -> None:
    make_vault("payments")

    answers = [ApiClient(name).get("/certificates") for name in ("payments", "absent")]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].content == answers[1].content


def test_a_token_opens_only_the_vaults_it_was_made_for() -> None:
    first, second = make_vault("first"), make_vault("second")
    ada = make_member(first)
    make_member(second, user=ada)

    response = ApiClient(second, make_token(ada, first, name="ci")).get("/certificates")

    assert response.status_code == 403
    assert error_of(response)["innererror"] == {"code": "AccessDenied"}
    assert "“ci”" in error_of(response)["message"]


@pytest.mark.parametrize(
    "host", ["payments.example.org", "", "<p>", "192.0.2.1:8443", "payments.vault.localhost.example.org"]
)
def test_a_client_at_a_host_of_nobody_is_answered_in_the_envelope(api, host: str) -> None:
    vault = make_vault("payments")

    response = api(make_member(vault), vault).raw("GET", "/certificates", HTTP_HOST=host)

    assert response.status_code == 404
    assert error_of(response)["code"] == "VaultNotFound"


def test_a_browser_at_a_host_of_nobody_gets_a_page(client: Client) -> None:
    response = client.get("/certificates", headers={"host": "payments.example.org"})

    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/html")


def test_a_vault_may_have_a_host_of_its_own_as_well(api, settings) -> None:
    settings.API_HOSTS = {"kv.example.org": "payments"}
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "kv.example.org"]
    vault = make_vault("payments")
    client = api(make_member(vault), vault)

    for host in ("KV.example.org:8443", "payments.vault.localhost"):
        response = client.raw("GET", "/certificates", HTTP_HOST=host)
        assert response.status_code == 200
        assert response.json().split()[2] == f"https://{host}"


def test_a_host_of_its_own_leads_to_no_vault_that_is_not_there(api, settings) -> None:
    settings.API_HOSTS = {"kv.example.org": "absent"}
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "kv.example.org"]
    vault = make_vault("payments")

    assert api(make_member(vault), vault).raw("GET", "/certificates", HTTP_HOST="kv.example.org").status_code == 404


# ------------------------------------------------------------------ https
def test_http_is_refused(api) -> None:
    vault = make_vault("payments")

    response = api(make_member(vault), vault).raw("GET", "/certificates", secure=False)

    assert response.status_code == 403
    assert error_of(response)["innererror"] == {"code": "HttpsRequired"}


@pytest.mark.parametrize(
    ("address", "trusted", "header", "status"),
    [
        ("127.0.0.1", False, "https", 200),
        ("::1", False, "https", 200),
        ("127.0.0.1", False, "http", 403),
        ("192.0.2.1", False, "https", 403),
        ("", False, "https", 403),
        ("192.0.2.1", True, "https", 200),
        ("192.0.2.1", True, "http", 403),
        ("127.0.0.1", True, "http", 403),
    ],
)
def test_a_header_says_https_only_on_this_machine_or_by_a_trusted_proxy(
    api, settings, address: str, trusted: bool, header: str, status: int
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if trusted else None
    vault = make_vault("payments")

    response = api(make_member(vault), vault).raw(
        "GET", "/certificates", secure=False, REMOTE_ADDR=address, HTTP_X_FORWARDED_PROTO=header
    )

    assert response.status_code == status


# ----------------------------------------------------------- paths, versions
@pytest.mark.parametrize("path", ["/certificates/", "//certificates", "//certificates//", "/certificates"])
def test_slashes_do_not_matter_and_nobody_is_redirected(api, path: str) -> None:
    vault = make_vault("payments")

    response = api(make_member(vault), vault).raw("GET", "/", PATH_INFO=path)

    assert response.status_code == 200
    assert response.json().endswith(" /certificates")


def test_an_empty_version_is_the_latest(api) -> None:
    vault = make_vault("payments")
    make_certificate(vault=vault, name="www")

    assert api(make_member(vault), vault).get("/certificates/www/").json() == "www"


@pytest.mark.parametrize(
    "version",
    ["2016-10-01", "7.0", "7.4", "7.6", "7.6-preview.2", "2025-07-01", "2026-04-01", "2026-03-01-preview"],
)
def test_every_published_version_is_accepted(api, version: str) -> None:
    vault = make_vault("payments")

    assert api(make_member(vault), vault).get("/certificates", **{"api-version": version}).status_code == 200


@pytest.mark.parametrize("version", ["", "8.0", "latest", "7.4 ", "2026-04-01-preview.x", "7.4\n", "\x00"])
def test_another_version_is_refused(api, version: str) -> None:
    vault = make_vault("payments")

    response = api(make_member(vault), vault).get("/certificates", **{"api-version": version})

    assert response.status_code == 400
    assert error_of(response)["code"] == "BadParameter"


def test_the_version_may_come_with_its_name_encoded(api) -> None:
    vault = make_vault("payments")

    response = api(make_member(vault), vault).raw("GET", "/certificates", QUERY_STRING="api%2Dversion=7.4")

    assert response.status_code == 200


# ------------------------------------------------------------ two sites apart
def test_pages_are_not_on_the_hosts_of_vaults(api) -> None:
    vault = make_vault("payments")
    client = api(make_member(vault, Role.ADMINISTRATOR), vault)

    for path in ("/", "/sign-in/", "/vaults/", "/health/", "/static/css/base.css"):
        response = client.raw("GET", path)
        assert response.status_code == 404
        assert error_of(response)["code"] == "NotFound"


def test_the_api_is_not_on_the_portals_hosts(client: Client) -> None:
    vault = make_vault("payments")
    token = make_token(make_member(vault), vault)

    for host in ("127.0.0.1", "localhost"):
        headers = {"authorization": f"Bearer {token}", "host": host}
        assert client.get("/certificates/x", {"api-version": "7.4"}, headers=headers, secure=True).status_code == 404


def test_a_portal_below_the_domain_of_the_api_stays_a_portal(settings, client: Client) -> None:
    settings.PORTAL_HOSTS = ["portal.vault.localhost"]

    assert client.get("/health/", headers={"host": "portal.vault.localhost"}).content == b"ok"


def test_a_session_opens_nothing_in_the_api(client_of) -> None:
    vault = make_vault("payments")
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))

    response = browser.get("/certificates?api-version=7.4", secure=True, headers={"host": "payments.vault.localhost"})

    assert response.status_code == 401
    assert not response.cookies


def test_a_token_opens_no_page(client: Client) -> None:
    vault = make_vault("payments")
    token = make_token(make_member(vault), vault)

    response = client.get("/vaults/payments/", headers={"authorization": f"Bearer {token}"})

    assert response.status_code == 302


def test_a_post_needs_no_csrf_token_and_sets_no_cookie(api) -> None:
    vault = make_vault("payments")

    response = api(make_member(vault), vault).post("/certificates/create", {})

    assert response.status_code == 202
    assert not response.cookies


# ------------------------------------------------------------------- headers
def test_every_answer_has_the_headers_that_clients_and_caches_read(api) -> None:
    vault = make_vault("payments")
    client = api(make_member(vault), vault)

    for path in ("/certificates", "/certificates/empty", "/nothing/here/at/all", "/refuse/bug"):
        response = client.raw("GET", path, HTTP_X_MS_CLIENT_REQUEST_ID="1b2c-3d")
        assert len(response["x-ms-request-id"]) == 36
        assert response["x-ms-client-request-id"] == "1b2c-3d"
        assert response["x-ms-keyvault-region"]
        assert response["x-ms-keyvault-service-version"]
        assert "addr=127.0.0.1" in response["x-ms-keyvault-network-info"]
        assert response["Cache-Control"] == "no-cache, no-store"
        assert (response["Pragma"], response["Expires"]) == ("no-cache", "-1")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Strict-Transport-Security"]
        assert "WWW-Authenticate" not in response


@pytest.mark.parametrize("given", ["a\r\nSet-Cookie: x=y", "é", "x" * 65, ""])
def test_a_request_id_that_is_none_is_not_echoed(api, given: str) -> None:
    vault = make_vault("payments")

    response = api(make_member(vault), vault).raw("GET", "/certificates", HTTP_X_MS_CLIENT_REQUEST_ID=given)

    assert response.status_code == 200
    assert "x-ms-client-request-id" not in response


# ------------------------------------------------------------------- queries
def test_the_door_asks_the_database_twice(api, django_assert_num_queries) -> None:
    vault = make_vault("payments")
    client = api(make_member(vault), vault)
    client.get("/certificates")

    with django_assert_num_queries(2):
        assert client.get("/certificates").status_code == 200
