"""Tokens at the door: the challenge, what a token opens, and when it stops."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from portal import people, tokens
from portal.models import Membership, Role, Token, User
from tests.factories import actor_of, make_certificate, make_member, make_token, make_user, make_vault
from tests.portal.api.client import ApiClient, error_of
from vault.models import Vault
from vault.models.audit import SYSTEM, AuditEvent

pytestmark = pytest.mark.usefixtures("probes")


def payments() -> tuple[Vault, User]:
    vault = make_vault("payments")
    return vault, make_member(vault, user=make_user("ada"))


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("payments.vault.localhost", "vault.localhost"),
        ("payments.vault.localhost:443", "vault.localhost"),
        ("payments.vault.localhost:8443", "vault.localhost:8443"),
    ],
)
def test_the_first_request_is_told_where_tokens_are_had(host: str, domain: str) -> None:
    payments()

    response = ApiClient("payments").raw("POST", "/certificates/create", HTTP_HOST=host)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == (
        f'Bearer authorization="https://login.{domain}/chancery", resource="https://{domain}"'
    )
    assert error_of(response) == {
        "code": "Unauthorized",
        "message": "AKV10000: Request is missing a Bearer or PoP token.",
    }


def test_a_vault_with_a_host_of_its_own_names_that_hosts_parent(settings) -> None:
    settings.API_HOSTS = {"kv.example.org": "payments"}
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "kv.example.org"]

    response = ApiClient("payments").raw("GET", "/certificates", HTTP_HOST="kv.example.org:8443")

    assert response["WWW-Authenticate"] == (
        'Bearer authorization="https://login.vault.localhost:8443/chancery", resource="https://example.org:8443"'
    )


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "PoP chv_x",
        "Bearer chv_short",
        "Bearer é",
        "Bearer a b",
        "Bearer \x00",
        "Bearer " + "x" * 100_000,
        "Bearer chv_" + "A" * 49,
    ],
)
def test_what_is_no_token_is_challenged(header: str) -> None:
    payments()

    response = ApiClient("payments").raw("GET", "/certificates", HTTP_AUTHORIZATION=header)

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer authorization=")
    assert error_of(response)["code"] == "Unauthorized"


def test_the_token_is_asked_for_before_the_body_is_read() -> None:
    payments()

    assert ApiClient("payments").raw("POST", "/certificates/create", b"{" * 1000).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_token_opens(scheme: str) -> None:
    vault, ada = payments()
    token = make_token(ada, vault)

    response = ApiClient(vault).raw("GET", "/certificates", HTTP_AUTHORIZATION=f"{scheme} {token}")

    assert response.status_code == 200


def test_a_token_with_one_wrong_character_is_unknown() -> None:
    vault, ada = payments()
    token = make_token(ada, vault)
    wrong = token[:10] + ("a" if token[10] != "a" else "b") + token[11:]

    assert ApiClient(vault, wrong).get("/certificates").status_code == 401


def test_a_revoked_token_is_refused_at_once_and_says_so() -> None:
    vault, ada = payments()
    client = ApiClient(vault, make_token(ada, vault, name="ci"))
    assert client.get("/certificates").status_code == 200

    tokens.revoke(token=Token.objects.get(), by=actor_of(ada))

    response = client.get("/certificates")
    assert response.status_code == 401
    assert error_of(response)["message"] == "The token “ci” is revoked. Make another."


def test_a_token_ends_with_its_days() -> None:
    vault, ada = payments()
    client = ApiClient(vault, make_token(ada, vault, days=7))

    with time_machine.travel(timezone.now() + timedelta(days=7) - timedelta(seconds=5), tick=False):
        assert client.get("/certificates").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=7), tick=False):
        response = client.get("/certificates")

    assert response.status_code == 401
    assert "has expired" in error_of(response)["message"]


def test_a_token_ends_with_its_owner() -> None:
    vault, ada = payments()
    client = ApiClient(vault, make_token(ada, vault))

    people.deactivate(person=ada, by=SYSTEM)

    assert client.get("/certificates").status_code == 401


def test_a_token_opens_no_more_than_its_owner_may_at_that_moment() -> None:
    vault, ada = payments()
    client = ApiClient(vault, make_token(ada, vault))
    assert client.post("/certificates/create").status_code == 202

    Membership.objects.filter(user=ada).update(role=Role.READER)
    refused = client.post("/certificates/create")
    Membership.objects.filter(user=ada).delete()

    assert refused.status_code == 403
    assert error_of(refused)["innererror"] == {"code": "AccessDenied"}
    assert "'ada' does not have certificates create permission on key vault 'payments'" in error_of(refused)["message"]
    assert client.get("/certificates").status_code == 404


def test_a_token_opens_no_more_than_its_verbs(api) -> None:
    vault, ada = payments()
    make_certificate(vault=vault, name="www")

    reading = api(ada, vault, verbs=["certificates/get"])

    assert reading.get("/certificates/www").status_code == 200
    assert reading.get("/certificates").status_code == 403
    assert reading.post("/certificates/create").status_code == 403


def test_a_token_of_a_requester_opens_what_is_their_own(api) -> None:
    vault = make_vault("payments")
    rahul = make_member(vault, Role.REQUESTER)
    make_certificate(vault=vault, name="mine", by=rahul)
    make_certificate(vault=vault, name="theirs")
    client = api(rahul, vault)

    assert client.get("/certificates").status_code == 200
    assert client.get("/certificates/mine").status_code == 200
    assert client.get("/certificates/theirs").status_code == 404
    assert api(rahul, vault, verbs=["certificates/create"]).get("/certificates").status_code == 403


def test_verbs_do_not_give_what_the_owner_lacks(api) -> None:
    vault = make_vault("payments")
    rita = make_member(vault, Role.READER)

    assert api(rita, vault, verbs=["certificates/create"]).post("/certificates/create").status_code == 403


def test_the_trail_tells_which_token_acted(api) -> None:
    vault, ada = payments()

    text = api(ada, vault).post("/certificates/create").json()

    token = Token.objects.get()
    assert text == f"made by {token.name} ({token.start}…)"


# ------------------------------------------------------------------ last use
def test_the_last_use_is_noted_at_most_once_a_minute(api, django_assert_num_queries) -> None:
    vault, ada = payments()
    client, began = api(ada, vault), timezone.now()

    with time_machine.travel(began, tick=False) as clock:
        client.get("/certificates")
        first = Token.objects.get().last_used_at
        clock.shift(59)
        with django_assert_num_queries(2):
            client.get("/certificates")
        clock.shift(2)
        client.get("/certificates")

    assert first == began
    assert Token.objects.get().last_used_at == began + timedelta(seconds=61)


# ---------------------------------------------------------------- in addresses
@pytest.mark.parametrize("place", ["query", "path"])
def test_a_token_in_the_address_opens_nothing_and_leaves_an_event(place: str) -> None:
    vault, ada = payments()
    token = make_token(ada, vault)
    client = ApiClient(vault, token)

    response = (
        client.get("/certificates", access_token=token) if place == "query" else client.get(f"/certificates/{token}")
    )

    assert response.status_code == 401
    assert token not in response.content.decode()
    event = AuditEvent.objects.get(action="tokens/in-address")
    assert event.actor == "ada"
    assert token not in str(event.details)


def test_what_looks_like_a_token_in_the_address_and_is_none_leaves_no_event(api) -> None:
    vault, ada = payments()

    response = api(ada, vault).get("/certificates", x="chv_" + "A" * 49)

    assert response.status_code == 200
    assert not AuditEvent.objects.filter(action="tokens/in-address").exists()
