"""The portal's answers to CAs (http-01): on every host, for live tokens alone, at a bounded cost."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from portal import challenges
from tests.factories import make_vault
from vault.models import Challenge, Issuer

TOKEN = "DGyRejmCefe7v4NfDGDKfA-DGyRejmCefe7v4NfDGDK"
ANSWER = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
PATH = f"/.well-known/acme-challenge/{TOKEN}"


@pytest.fixture
def challenge() -> Challenge:
    issuer = Issuer.objects.create(vault=make_vault(), name="acme", provider="ACME", secrets=b"")
    return Challenge.objects.create(token=TOKEN, issuer=issuer, key_authorization=ANSWER)


@pytest.mark.parametrize(
    "host", ["shop.example.org", "payments.vault.localhost", "127.0.0.1", "testserver", "_.example"]
)
def test_a_live_challenge_is_answered_on_every_host_without_a_cookie(
    challenge: Challenge, client: Client, host: str
) -> None:
    answer = client.get(PATH, headers={"host": host})

    assert answer.status_code == 200
    assert answer.content.decode() == ANSWER
    assert answer["Content-Type"].startswith("text/plain")
    assert not answer.cookies
    assert "Location" not in answer


def test_an_answer_needs_no_https_where_the_portal_has_it(
    challenge: Challenge, client: Client, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert client.get(PATH).content.decode() == ANSWER
    assert client.head(PATH).status_code == 200


@pytest.mark.parametrize(
    "token",
    [
        TOKEN[:-1] + "X",
        "",
        "short",
        "a" * 129,
        "../../../etc/passwd",
        f"{TOKEN}/",
        f"{TOKEN}%0a",
        "ü" * 43,
        f"{TOKEN}.x",
    ],
)
def test_what_is_no_live_token_is_not_found(challenge: Challenge, client: Client, token: str) -> None:
    answer = client.get(f"/.well-known/acme-challenge/{token}", headers={"host": "shop.example.org"})

    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/plain")
    assert b"<" not in answer.content


@pytest.mark.parametrize("method", ["post", "put", "delete", "options", "patch"])
def test_only_reading_is_answered(challenge: Challenge, client: Client, method: str) -> None:
    answer = getattr(client, method)(PATH)

    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD"


def test_an_answer_costs_one_query_and_other_addresses_none_here(challenge: Challenge, client: Client) -> None:
    with CaptureQueriesContext(
        connection,
    ) as answered:
        client.get(PATH)
    with CaptureQueriesContext(connection) as malformed:
        client.get("/.well-known/acme-challenge/short")

    assert len(answered) == 1
    assert len(malformed) == 0


def test_a_flood_of_guesses_costs_few_queries_and_the_ca_still_gets_its_answer(
    challenge: Challenge, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(challenges, "_BURST", 5.0)
    monkeypatch.setattr(challenges, "_PER_SECOND", 0.0)
    monkeypatch.setattr(challenges, "_SNAPSHOT_LASTS", 3600.0)

    with CaptureQueriesContext(connection) as queries:
        guessed = [client.get(f"/.well-known/acme-challenge/{number:043}").status_code for number in range(200)]
        answer = client.get(PATH)

    assert set(guessed) == {404}
    assert answer.content.decode() == ANSWER
    assert len(queries) == 6, "five look-ups, and one for all"
