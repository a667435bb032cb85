"""Applications sign in with id and secret, and use vaults with what they are given."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal import applications, memberships
from portal.models import Application, ApplicationSecret, Role, Token, User
from tests.factories import make_user, make_vault
from tests.portal.api.client import ApiClient, error_of
from vault.models import AuditEvent, Vault
from vault.models.audit import SYSTEM

TOKEN_PATH = "/chancery/oauth2/v2.0/token"
SCOPE = "https://vault.localhost:8443/.default"


def make_application(name: str = "web-frontend", *vaults: Vault, role: Role = Role.OFFICER) -> tuple[Application, str]:
    application, secret = applications.make(name=name, owner=make_user(), days=30, by=SYSTEM)
    for vault in vaults:
        memberships.add(vault=vault, member=application.account, role=role, by=SYSTEM)
    return application, secret


def form(application: Application, secret: str, **changes: str) -> dict[str, str]:
    facts = {"client_id": application.client_id, "client_secret": secret, "scope": SCOPE}
    return {"grant_type": "client_credentials", **facts, **changes}


def basic(client_id: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"


def token_of(login, application: Application, secret: str) -> str:
    return login("POST", form=form(application, secret)).json()["access_token"]


# ------------------------------------------------------------------- discovery
@pytest.mark.no_database
@pytest.mark.parametrize("version", ["v2.0/", ""])
def test_clients_learn_where_tokens_are_had(login, version: str) -> None:
    answer = login("GET", f"/chancery/{version}.well-known/openid-configuration")

    assert answer.status_code == 200
    facts = answer.json()
    assert facts["token_endpoint"] == "https://login.vault.localhost:8443/chancery/oauth2/v2.0/token"
    assert facts["issuer"].startswith("https://login.vault.localhost:8443/chancery")
    assert facts["grant_types_supported"] == ["client_credentials"]


@pytest.mark.no_database
def test_tokens_are_not_signed(login) -> None:
    address = login("GET", "/chancery/v2.0/.well-known/openid-configuration").json()["jwks_uri"]

    assert login("GET", address.removeprefix("https://login.vault.localhost:8443")).json() == {"keys": []}


@pytest.mark.no_database
def test_another_tenant_is_told_which_one_there_is(login) -> None:
    for method, path in (("GET", "/other/v2.0/.well-known/openid-configuration"), ("POST", "/other/oauth2/v2.0/token")):
        answer = login(method, path)

        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_tenant"
        assert "“chancery”" in answer.json()["error_description"]


# --------------------------------------------------------------------- the token
def test_an_application_is_given_a_token_that_opens_its_vaults(login) -> None:
    vault, elsewhere = make_vault("payments"), make_vault("elsewhere")
    application, secret = make_application("web-frontend", vault)

    answer = login("POST", form=form(application, secret, claims='{"access_token":{"xms_cc":{"values":["CP1"]}}}'))

    assert answer.status_code == 200
    facts = answer.json()
    assert facts["token_type"] == "Bearer"
    assert facts["expires_in"] == 3600
    assert "no-store" in answer["Cache-Control"]
    assert "Set-Cookie" not in answer
    assert ApiClient(vault, facts["access_token"]).get("/certificates").status_code == 200
    assert ApiClient(elsewhere, facts["access_token"]).get("/certificates").status_code == 404


def test_the_role_decides_what_it_may_do_there(login) -> None:
    vault = make_vault("payments")
    application, secret = make_application("reader", vault, role=Role.READER)
    api = ApiClient(vault, token_of(login, application, secret))

    refused = api.post("/certificates/www/create", {"policy": {"x509_props": {"subject": "CN=www.example.org"}}})

    assert refused.status_code == 403
    assert "'reader' does not have certificates create permission" in error_of(refused)["message"]


def test_the_trail_names_the_application(login) -> None:
    vault = make_vault("payments")
    application, secret = make_application("web-frontend", vault)
    api = ApiClient(vault, token_of(login, application, secret))

    assert (
        api.post("/certificates/www/create", {"policy": {"x509_props": {"subject": "CN=www.example.org"}}}).status_code
        == 202
    )

    signed_in = AuditEvent.objects.get(action="applications/sign-in")
    asked = AuditEvent.objects.filter(action="certificates/create").latest("pk")
    assert (signed_in.actor, signed_in.result, signed_in.details) == (
        "web-frontend",
        "done",
        {"secret": f"{secret[:8]}…"},
    )
    assert (asked.actor, asked.actor_id) == ("web-frontend", application.account_id)
    assert asked.details["token"] == f"web-frontend ({secret[:8]}…)"


def test_what_stands_in_the_address_is_not_read(login) -> None:
    application, secret = make_application()
    tracing, in_address = f"{TOKEN_PATH}?client-request-id=1", f"{TOKEN_PATH}?client_secret={secret}"

    assert login("POST", tracing, form(application, secret)).status_code == 200
    assert login("POST", in_address, form(application, "")).status_code == 401


def test_the_secret_may_come_by_basic(login) -> None:
    application, secret = make_application()
    alone = {"grant_type": "client_credentials"}

    for facts in (alone, {**alone, "client_id": application.client_id}):
        answer = login("POST", form=facts, HTTP_AUTHORIZATION=basic(application.client_id, secret))

        assert answer.status_code == 200


@pytest.mark.parametrize(
    "scope",
    [
        "https://vault.localhost/.default",
        "https://vault.localhost//.default",
        "https://payments.vault.localhost:8443/.default",
        "https://management.vault.localhost//.default",
    ],
)
def test_scopes_that_clients_ask_for(login, scope: str) -> None:
    application, secret = make_application()

    assert login("POST", form=form(application, secret, scope=scope)).status_code == 200


def test_the_domain_of_a_vaults_own_host_is_a_scope_too(login) -> None:
    application, secret = make_application()
    vault = make_vault("payments")
    assert login("POST", form=form(application, secret, scope="https://example.org/.default")).status_code == 400

    Vault.objects.filter(pk=vault.pk).update(host="kv.example.org")
    from portal.api import custom

    custom.forget()

    assert login("POST", form=form(application, secret, scope="https://example.org/.default")).status_code == 200


@pytest.mark.parametrize(
    "scope", ["https://elsewhere.example/.default", "openid", f"{SCOPE} openid", "https://vault.localhost/x"]
)
def test_other_scopes_are_refused(login, scope: str) -> None:
    application, secret = make_application()

    answer = login("POST", form=form(application, secret, scope=scope))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert not Token.objects.exists()


# ---------------------------------------------------------------------- refusals
def sign_ins() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.filter(action="applications/sign-in").values_list("actor", "result").order_by("pk"))


def wrong_secret(application: Application, secret: str) -> dict[str, str]:
    return form(application, applications.tokens.make_secret())


def damaged_secret(application: Application, secret: str) -> dict[str, str]:
    return form(application, f"{secret[:-1]}{'a' if secret[-1] != 'a' else 'b'}")


def unknown_id(application: Application, secret: str) -> dict[str, str]:
    return form(application, secret, client_id="6f4f3f4e-0000-4000-8000-000000000000")


def hostile_id(application: Application, secret: str) -> dict[str, str]:
    return form(application, secret, client_id="a\x00b")


def no_secret(application: Application, secret: str) -> dict[str, str]:
    return form(application, "")


def anothers_secret(application: Application, secret: str) -> dict[str, str]:
    return form(application, make_application("another")[1])


def disabled(application: Application, secret: str) -> dict[str, str]:
    applications.disable(application=application, by=SYSTEM)
    return form(application, secret)


def ended(application: Application, secret: str) -> dict[str, str]:
    ApplicationSecret.objects.update(expires_at=timezone.now())
    return form(application, secret)


@pytest.mark.parametrize(
    "how", [wrong_secret, damaged_secret, unknown_id, hostile_id, no_secret, anothers_secret, disabled, ended]
)
def test_who_is_not_the_application_is_refused_in_the_same_words(login, how) -> None:
    application, secret = make_application()

    answer = login("POST", form=how(application, secret))

    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert "do not belong together" in answer.json()["error_description"]
    assert not Token.objects.exists()


def test_a_refused_sign_in_is_in_the_trail_where_the_application_exists(login) -> None:
    application, secret = make_application()

    login("POST", form=wrong_secret(application, secret))
    login("POST", form=unknown_id(application, secret))

    assert sign_ins() == [("web-frontend", "refused")]


@pytest.mark.parametrize(
    ("changes", "status"), [({"scope": "openid"}, 400), ({"grant_type": "password"}, 400), ({"client_secret": ""}, 401)]
)
def test_every_refusal_is_one_event(login, changes: dict[str, str], status: int) -> None:
    application, secret = make_application()

    assert login("POST", form=form(application, secret, **changes)).status_code == status

    assert sign_ins() == [("web-frontend", "refused")]


def test_a_wrong_secret_by_basic_is_one_event(login) -> None:
    application, secret = make_application()
    header = basic(application.client_id, wrong_secret(application, secret)["client_secret"])

    for facts in ({}, {"client_id": application.client_id}):
        answer = login("POST", form={"grant_type": "client_credentials", **facts}, HTTP_AUTHORIZATION=header)

        assert answer.status_code == 401
    assert sign_ins() == [("web-frontend", "refused")] * 2


def test_nobody_is_refused_as_someone_is(login) -> None:
    for header in ("", "Basic ", "Basic !", basic("", "x"), "Bearer x"):
        answer = login("POST", form={"grant_type": "client_credentials"}, HTTP_AUTHORIZATION=header)

        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert not sign_ins()


def test_two_ids_in_one_request_are_refused_and_noted(login) -> None:
    application, secret = make_application()
    another, its_secret = make_application("another")

    for decoy in ("6f4f3f4e-0000-4000-8000-000000000000", another.client_id):
        header = basic(decoy, its_secret)
        answer = login("POST", form=form(application, secret), HTTP_AUTHORIZATION=header)

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert "at once" in answer.json()["error_description"]
    assert not Token.objects.exists()
    assert sorted(sign_ins()) == [("another", "refused"), *[("web-frontend", "refused")] * 2]


def test_two_secrets_in_one_request_are_refused(login) -> None:
    application, secret = make_application()
    header = basic(application.client_id, wrong_secret(application, secret)["client_secret"])

    answer = login("POST", form=form(application, secret), HTTP_AUTHORIZATION=header)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert sign_ins() == [("web-frontend", "refused")]


@pytest.mark.parametrize("header", ["Basic !", "Bearer Zm9vOmJhcg==", basic("", "x"), "basic Zm9vOmJhcg=="])
def test_no_header_hides_whose_secret_is_tried(login, settings, header: str) -> None:
    settings.SIGN_INS_PER_APPLICATION = 1
    application, secret = make_application()
    facts = wrong_secret(application, secret)

    assert login("POST", form=facts, HTTP_AUTHORIZATION=header).status_code in {400, 401}

    assert sign_ins() == [("web-frontend", "refused")]
    assert login("POST", form=form(application, secret)).status_code == 429


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"grant_type": "password", "username": "ada", "password": "x"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
    ],
)
def test_there_is_only_one_way(login, facts: dict[str, str], error: str) -> None:
    answer = login("POST", form=facts)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("call", "status"),
    [
        ({"method": "GET"}, 405),
        ({"method": "PUT"}, 405),
        ({"method": "POST", "path": "/chancery/v2.0/.well-known/openid-configuration"}, 405),
        ({"method": "POST", "path": "/chancery/discovery/v2.0/keys"}, 405),
        ({"method": "GET", "path": "/"}, 404),
        ({"method": "GET", "path": "/chancery/oauth2/v2.0/authorize"}, 404),
        ({"method": "POST", "content_type": "application/json", "form": b'{"grant_type": "client_credentials"}'}, 400),
        ({"method": "POST", "form": b"\xff\xfe%zz=1&&&="}, 400),
        ({"method": "POST", "form": b"a=" + b"x" * 2_000_000}, 413),
        ({"method": "POST", "form": b"&".join(b"a%d=1" % number for number in range(1500))}, 400),
        ({"method": "POST", "secure": False}, 403),
    ],
)
def test_bad_calls_are_answered_in_json(login, call: dict[str, Any], status: int) -> None:
    answer = login(call.pop("method"), **call)

    assert answer.status_code == status
    assert set(json.loads(answer.content)) == {"error", "error_description"}


def test_after_many_tries_an_application_waits(login, settings) -> None:
    settings.SIGN_INS_PER_APPLICATION = 2
    application, secret = make_application()
    for _ in range(2):
        assert login("POST", form=wrong_secret(application, secret)).status_code == 401

    answer = login("POST", form=form(application, secret))

    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert "failed to sign in" in answer.json()["error_description"]
    assert sign_ins() == [("web-frontend", "refused")] * 2


def test_a_stranger_elsewhere_locks_no_application_out(login, settings) -> None:
    settings.SIGN_INS_PER_APPLICATION = 2
    application, secret = make_application()
    another, its_secret = make_application("another")
    for _ in range(3):
        login("POST", form=wrong_secret(application, secret), REMOTE_ADDR="192.0.2.1")

    assert login("POST", form=form(application, secret), REMOTE_ADDR="192.0.2.1").status_code == 429
    assert login("POST", form=form(another, its_secret), REMOTE_ADDR="192.0.2.1").status_code == 200
    assert login("POST", form=form(application, secret), REMOTE_ADDR="192.0.2.2").status_code == 200


def test_signing_in_does_not_count_as_failing(login, settings) -> None:
    settings.SIGN_INS_PER_APPLICATION = 2
    application, secret = make_application()

    assert [login("POST", form=form(application, secret)).status_code for _ in range(4)] == [200] * 4


def test_an_application_outlives_its_owners_account(login) -> None:
    application, secret = make_application()
    User.objects.filter(pk=application.user_id).update(is_active=False)

    assert login("POST", form=form(application, secret)).status_code == 200


def test_after_many_tries_an_address_waits_whatever_it_calls_itself(login, settings) -> None:
    settings.SIGN_INS_PER_ADDRESS = 2
    application, secret = make_application()
    for number in range(2):
        login("POST", form=form(application, secret, client_id=f"id{number}"))

    assert login("POST", form=form(application, secret)).status_code == 429
    assert login("POST", form=form(application, secret), REMOTE_ADDR="192.0.2.1").status_code == 200


# --------------------------------------------------------------- afterwards
def test_a_secret_that_is_removed_takes_its_tokens_along_and_leaves_the_others(login) -> None:
    vault = make_vault("payments")
    application, first = make_application("web-frontend", vault)
    second, text = applications.add_secret(application=application, days=30, by=SYSTEM)
    old, new = token_of(login, application, first), token_of(login, application, text)

    applications.remove_secret(secret=application.secrets.exclude(pk=second.pk).get(), by=SYSTEM)

    assert ApiClient(vault, old).get("/certificates").status_code == 401
    assert ApiClient(vault, new).get("/certificates").status_code == 200


def test_an_application_that_is_disabled_is_out_at_once(login) -> None:
    vault = make_vault("payments")
    application, secret = make_application("web-frontend", vault)
    token = token_of(login, application, secret)

    applications.disable(application=application, by=SYSTEM)
    answer = ApiClient(vault, token).get("/certificates")
    applications.enable(application=application, by=SYSTEM)

    assert answer.status_code == 401
    assert error_of(answer)["message"] == "The application “web-frontend” is disabled."
    assert ApiClient(vault, token).get("/certificates").status_code == 200


def test_an_expired_token_says_so_and_goes_with_the_next_sign_in(login) -> None:
    vault = make_vault("payments")
    application, secret = make_application("web-frontend", vault)
    token = token_of(login, application, secret)
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = ApiClient(vault, token).get("/certificates")
    token_of(login, application, secret)

    assert error_of(answer)["message"] == "The token has expired. Sign in again."
    assert Token.objects.count() == 1


def test_a_token_ends_with_its_secret() -> None:
    application, _ = make_application()
    secret = application.secrets.select_related("application", "application__account").get()
    secret.expires_at = timezone.now() + timedelta(minutes=5)

    applications.sign_in(secret=secret, seconds=3600, address="")

    assert Token.objects.get().expires_at == secret.expires_at


def test_neither_secret_nor_token_is_kept(login) -> None:
    application, secret = make_application()

    token = token_of(login, application, secret)

    kept = repr(list(ApplicationSecret.objects.values())) + repr(list(Token.objects.values()))
    kept += repr(list(Application.objects.values())) + repr(list(AuditEvent.objects.values()))
    assert secret not in kept
    assert token not in kept
    assert secret not in repr(ApplicationSecret.objects.get())


def test_garbage_costs_no_slow_hash(login, monkeypatch) -> None:
    application, secret = make_application()
    monkeypatch.setattr(applications, "check_password", lambda *_: pytest.fail("a slow hash"))

    assert login("POST", form=damaged_secret(application, secret)).status_code == 401
    assert login("POST", form=no_secret(application, secret)).status_code == 401
