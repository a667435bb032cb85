"""Issuers over the wire."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from portal.models import Role
from tests.factories import make_member, make_operation, make_vault
from tests.portal.api.client import ApiClient, error_of
from tests.vault.lifecycle.example_ca import DIRECTORY, OFFER
from vault.lifecycle import configuring, issuers
from vault.lifecycle.configuring import Given
from vault.models import AuditEvent, Issuer, Operation, Vault
from vault.models.audit import SYSTEM
from vault.providers import OFFERS
from vault.providers.base import Administrator

Api = Callable[..., ApiClient]
LIST, PATH = "/certificates/issuers", "/certificates/issuers/example"
PASSWORD = "s3cret-of-the-account"
ADA = {"first_name": "Ada", "last_name": "Lind", "email": "ada@example.org", "phone": "1"}
WHOLE: dict[str, Any] = {
    "provider": "Example",
    "credentials": {"account_id": "1122", "pwd": PASSWORD},
    "org_details": {"id": "17", "admin_details": [ADA]},
    "attributes": {"enabled": True},
}


@pytest.fixture(autouse=True)
def _offers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OFFERS, OFFER.key, OFFER)
    monkeypatch.setitem(OFFERS, DIRECTORY.key, DIRECTORY)


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def ruler(api: Api, vault: Vault) -> ApiClient:
    return api(make_member(vault, Role.ADMINISTRATOR), vault)


def secrets_of(name: str = "example") -> dict[str, str]:
    return issuers.open_secrets(Issuer.objects.get(name=name))


def test_an_issuer_is_set_read_listed_and_deleted(ruler: ApiClient) -> None:
    put = ruler.put(PATH, WHOLE)

    body = put.json()
    created = Issuer.objects.get().created_at
    assert put.status_code == 200
    assert body == {
        "id": "https://payments.vault.localhost/certificates/issuers/example",
        "provider": "Example",
        "credentials": {"account_id": "1122"},
        "org_details": {"id": "17", "zip": 0, "admin_details": [ADA]},
        "attributes": {
            "enabled": True,
            "created": int(created.timestamp()),
            "updated": int(Issuer.objects.get().updated_at.timestamp()),
        },
    }
    assert secrets_of() == {"password": PASSWORD}
    assert ruler.get(PATH).json() == body
    assert ruler.get("/certificates/issuers/EXAMPLE").json() == body
    assert ruler.get(LIST).json() == {"value": [{"id": body["id"], "provider": "Example"}], "nextLink": None}
    assert ruler.delete(PATH).json() == body
    for gone in (ruler.get(PATH), ruler.patch(PATH, {}), ruler.delete(PATH)):
        assert gone.status_code == 404
        assert error_of(gone) == {"code": "CertificateIssuerNotFound", "message": "Issuer not found"}
    actions = AuditEvent.objects.filter(action__startswith="issuers/").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["issuers/create", "issuers/delete"]


def test_the_password_is_in_no_answer_and_no_event(ruler: ApiClient, api: Api, vault: Vault) -> None:
    answers = [
        ruler.put(PATH, WHOLE),
        ruler.get(PATH),
        ruler.get(LIST),
        ruler.patch(PATH, {"credentials": {"pwd": PASSWORD}}),
        ruler.patch(PATH, {"credentials": {"pwd": PASSWORD, "account_id": "1" * 2000}}),
        ruler.put(PATH, {**WHOLE, "provider": 1}),
        api(make_member(vault, Role.READER), vault).get(PATH),
        ruler.delete(PATH),
    ]

    assert PASSWORD not in "".join(answer.content.decode() for answer in answers)
    assert not AuditEvent.objects.filter(details__icontains=PASSWORD).exists()


def test_patch_merges_and_keeps_the_password(ruler: ApiClient) -> None:
    ruler.put(PATH, WHOLE)

    body = ruler.patch(PATH, {"credentials": {"account_id": "9"}, "attributes": {"enabled": False}}).json()
    assert body["credentials"] == {"account_id": "9"}
    assert body["org_details"] == {"id": "17", "zip": 0, "admin_details": [ADA]}
    assert body["attributes"]["enabled"] is False
    body = ruler.patch(PATH, {"org_details": {"admin_details": []}}).json()
    assert body["org_details"] == {"id": "17", "zip": 0, "admin_details": []}
    assert body["attributes"]["enabled"] is False
    assert secrets_of() == {"password": PASSWORD}
    ruler.patch(PATH, {"credentials": {"pwd": "another"}})
    assert secrets_of() == {"password": "another"}


def test_put_replaces_all_that_the_wire_can_say_and_keeps_the_date_of_birth(ruler: ApiClient, vault: Vault) -> None:
    config = {"address": "https://eu.example.org", "account_id": "1122", "fast": ""}
    given = Given(
        provider="Example",
        config=config,
        secrets={"password": PASSWORD},
        administrators=[Administrator()],
        loosely=True,
    )
    made = configuring.create_issuer(vault=vault, name="example", given=given, by=SYSTEM)
    Issuer.objects.update(created_at=made.created_at - timedelta(days=9))
    created = ruler.get(PATH).json()["attributes"]["created"]

    body = ruler.put("/certificates/issuers/Example", {"provider": "example"}).json()

    assert body["id"].endswith("/example")
    assert body["credentials"] == {}
    assert body["org_details"] == {"zip": 0, "admin_details": []}
    assert body["attributes"]["created"] == created
    issuer = Issuer.objects.get()
    assert (issuer.config["address"], issuer.config["fast"]) == ("https://eu.example.org", "")
    assert secrets_of() == {}


def test_an_issuer_may_come_bit_by_bit(ruler: ApiClient) -> None:
    assert ruler.put(PATH, {"provider": "Example"}).json()["credentials"] == {}

    ruler.patch(PATH, {"org_details": {"admin_details": [{"email": "ada@example.org"}]}})
    body = ruler.patch(PATH, {"credentials": {"account_id": "1", "pwd": "p"}}).json()

    assert body["org_details"]["admin_details"] == [{"email": "ada@example.org"}]
    assert secrets_of() == {"password": "p"}


def test_a_provider_that_is_not_known_is_kept(ruler: ApiClient) -> None:
    body = ruler.put(PATH, {**WHOLE, "provider": "Test"}).json()

    assert (body["provider"], body["credentials"]) == ("Test", {"account_id": "1122"})
    assert ruler.get(PATH).json() == body


def test_what_the_wire_cannot_say_is_set_up_in_the_portal(ruler: ApiClient, vault: Vault) -> None:
    path = "/certificates/issuers/acme"

    for body in ({"provider": "Directory"}, {"provider": "Directory", "credentials": {"account_id": "1"}}):
        refused = ruler.put(path, body)
        assert refused.status_code == 400
        assert error_of(refused)["code"] == "BadParameter"
        assert "et the issuer up in the portal" in error_of(refused)["message"]
    given = Given(provider="Directory", config={"directory": "https://acme.example.org/dir"})
    configuring.create_issuer(vault=vault, name="acme", given=given, by=SYSTEM)

    assert ruler.get(path).json()["credentials"] == {}
    assert ruler.patch(path, {"attributes": {"enabled": False}, "credentials": {}}).status_code == 200
    assert ruler.put(path, {"provider": "Directory", "attributes": {"enabled": True}}).status_code == 200
    assert Issuer.objects.get().config == {"directory": "https://acme.example.org/dir"}
    assert ruler.delete(path).status_code == 200


def test_another_provider_needs_its_own_password(ruler: ApiClient) -> None:
    ruler.put(PATH, WHOLE)

    refused = ruler.patch(PATH, {"provider": "Elsewhere"})

    assert refused.status_code == 400
    assert "Give it again" in error_of(refused)["message"]
    assert ruler.get(PATH).json()["provider"] == "Example"
    assert ruler.patch(PATH, {"provider": "Elsewhere", "credentials": {"pwd": "new"}}).status_code == 200
    assert secrets_of() == {"password": "new"}


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        [],
        {"provider": ""},
        {"provider": None},
        {"provider": 5},
        {"provider": "x" * 65},
        {"provider": "a\u202eb"},
        {"provider": "a\x00"},
        {"provider": "Example", "credentials": "x"},
        {"provider": "Example", "credentials": {"account_id": 5}},
        {"provider": "Example", "credentials": {"pwd": "two\nlines"}},
        {"provider": "Example", "org_details": {"admin_details": {}}},
        {"provider": "Example", "org_details": {"admin_details": [{"email": "no address"}]}},
        {"provider": "Example", "org_details": {"admin_details": [{}] * 21}},
        {"provider": "Example", "attributes": {"enabled": "yes"}},
    ],
)
def test_what_cannot_be_an_issuer_is_refused(ruler: ApiClient, body: Any) -> None:
    response = ruler.put(PATH, body)

    assert response.status_code == 400
    assert error_of(response)["code"] == "BadParameter"
    assert not Issuer.objects.exists()


@pytest.mark.parametrize("name", ["Self", "unknown", "a_b", "a.b", "x" * 128])
def test_some_names_are_refused(ruler: ApiClient, name: str) -> None:
    response = ruler.put(f"/certificates/issuers/{name}", WHOLE)

    assert response.status_code == 400
    assert error_of(response)["code"] == "BadParameter"


def test_one_with_open_orders_is_not_deleted(ruler: ApiClient, vault: Vault) -> None:
    ruler.put(PATH, WHOLE)
    operation = make_operation(vault=vault, name="www")
    Operation.objects.filter(pk=operation.pk).update(issuer=Issuer.objects.get(), step="ordered")

    response = ruler.delete(PATH)

    assert response.status_code == 409
    assert "open orders for “www”" in error_of(response)["message"]
    assert ruler.get(PATH).status_code == 200


def test_lists_are_paged(ruler: ApiClient) -> None:
    for number in range(5):
        ruler.put(f"/certificates/issuers/ca{number}", {"provider": "Test"})

    first = ruler.get(LIST, maxresults="2").json()
    place = first["nextLink"].split("skiptoken=")[1].split("&")[0]
    second = ruler.get(LIST, maxresults="2", **{"$skiptoken": place}).json()

    names = [one["id"].rpartition("/")[2] for one in first["value"] + second["value"]]
    assert names == ["ca0", "ca1", "ca2", "ca3"]
    assert ruler.get(LIST, maxresults="26").status_code == 400


def test_readers_read_issuers_and_do_not_set_them(ruler: ApiClient, api: Api, vault: Vault) -> None:
    ruler.put(PATH, WHOLE)
    reader = api(make_member(vault, Role.READER), vault)

    assert reader.get(LIST).status_code == 200
    assert reader.get(PATH).json()["credentials"] == {"account_id": "1122"}
    assert reader.put(PATH, WHOLE).status_code == 403
    assert reader.patch(PATH, {}).status_code == 403
    assert reader.delete(PATH).status_code == 403


def test_an_issuer_of_another_vault_is_not_there(ruler: ApiClient, api: Api) -> None:
    ruler.put(PATH, WHOLE)
    other = make_vault("intranet")
    neighbour = api(make_member(other, Role.ADMINISTRATOR), other)

    assert neighbour.get(LIST).json()["value"] == []
    assert neighbour.get(PATH).status_code == 404
    assert neighbour.delete(PATH).status_code == 404
