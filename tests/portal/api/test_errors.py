"""Every refusal is the envelope, in the key vault's words."""

import logging

import pytest

from portal.models import Role
from tests.factories import make_member, make_vault
from tests.portal.api.client import ApiClient, error_of

pytestmark = pytest.mark.usefixtures("probes")


@pytest.fixture
def client(api) -> ApiClient:
    vault = make_vault("payments")
    return api(make_member(vault, Role.ADMINISTRATOR), vault)


@pytest.mark.parametrize(
    ("how", "status", "code", "inner"),
    [
        ("bad", 400, "BadParameter", None),
        ("bad-field", 400, "BadParameter", None),
        ("many", 429, "Throttled", None),
        ("taken", 409, "Conflict", "ObjectIsDeletedButRecoverable"),
        ("conflict", 409, "Conflict", None),
        ("not-now", 409, "Conflict", None),
        ("closed", 403, "Forbidden", None),
        ("not-allowed", 403, "Forbidden", None),
        ("ring", 503, "ServiceUnavailable", None),
        ("vault", 500, "InternalError", None),
        ("denied", 403, "Forbidden", "AccessDenied"),
        ("big", 413, "BadParameter", None),
        ("database", 503, "ServiceUnavailable", None),
        ("bug", 500, "InternalError", None),
        ("certificate", 404, "CertificateNotFound", None),
        ("deleted", 404, "CertificateNotFound", None),
        ("operation", 404, "PendingCertificateNotFound", None),
        ("unheard-of", 500, "InternalError", None),
    ],
)
def test_each_refusal_has_its_status_and_code(client, how: str, status: int, code: str, inner: str | None) -> None:
    response = client.get(f"/refuse/{how}")

    error = error_of(response)
    assert (response.status_code, error["code"]) == (status, code)
    assert error.get("innererror") == ({"code": inner} if inner else None)


def test_a_field_is_named_as_clients_know_it(client) -> None:
    message = error_of(client.get("/refuse/bad-field"))["message"]

    assert message == "Property policy has invalid value\r\nRSA keys have 2048 bits at least."


def test_a_limit_says_when_to_come_back(client) -> None:
    assert client.get("/refuse/many")["Retry-After"] == "10"


@pytest.mark.parametrize("how", ["bug", "database", "ring"])
def test_what_broke_is_in_the_log_and_not_in_the_answer(client, how: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        response = client.get(f"/refuse/{how}")

    assert caplog.records
    for canary in ("canary", "192.0.2.7", "/srv/secret", "Traceback"):
        assert canary not in response.content.decode()


@pytest.mark.parametrize(("path", "code"), [("/secrets/www", "SecretNotFound"), ("/keys/www", "KeyNotFound")])
def test_what_is_not_there_is_named_as_it_was_asked_for(client, path: str, code: str) -> None:
    error = error_of(client.get(path))

    noun = code.removesuffix("NotFound").lower()
    assert error["code"] == code
    assert error["message"].startswith(f"A {noun} with (name/id) www was not found in this key vault.")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_refused(client, method: str) -> None:
    response = client.raw(method, "/certificates")

    assert response.status_code == 405
    assert error_of(response) == {"code": "MethodNotAllowed", "message": f"HTTP {method} not allowed"}
    assert response["Allow"] == "GET"


def test_a_path_with_several_methods_names_them(client) -> None:
    response = client.post("/certificates/www")

    assert response.status_code == 405
    assert response["Allow"] == "DELETE, GET"


def test_an_empty_name_is_a_method_that_is_not_allowed(client) -> None:
    response = client.raw("PUT", "/", PATH_INFO="/certificates//create")

    assert response.status_code == 405


def test_an_unknown_path_is_not_found(client) -> None:
    response = client.get("/backup/of/everything")

    assert response.status_code == 404
    assert error_of(response)["code"] == "NotFound"


@pytest.mark.parametrize("path", ["/%00", "/certificates/%ff%fe", "/..%2f..", "/certificates/" + "x" * 5000])
def test_strange_paths_are_answered_too(client, path: str) -> None:
    response = client.raw("GET", path)

    assert response.status_code == 404
    error_of(response)
