"""Tokens as such: their text, their digest, their limits."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from portal import tokens
from portal.logs import mask
from portal.models import Token, User
from tests.factories import actor_of, make_member, make_token, make_vault
from vault.errors import BadParameter, NotAllowedNow
from vault.keys import ring
from vault.models import Vault
from vault.models.audit import Actor, record


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def ada(vault: Vault) -> User:
    return make_member(vault)


def make(user: User, *vaults: Vault, **facts: object) -> tuple[Token, str]:
    order = {"name": "ci", "verbs": Token.ALL, "days": 30, **facts}
    return tokens.make(user=user, vaults=vaults, by=actor_of(user), **order)  # type: ignore[arg-type]


def test_a_token_is_recognised_by_how_it_begins(ada: User, vault: Vault) -> None:
    token, text = make(ada, vault)

    assert text.startswith("chv_")
    assert len(text) == 53
    assert token.start == text[:8]
    assert tokens.in_text(f"https://example.org/?key={text}&x=1") == text


def test_two_tokens_differ(ada: User, vault: Vault) -> None:
    assert make(ada, vault)[1] != make(ada, vault)[1]


def test_the_database_does_not_hold_the_token(ada: User, vault: Vault) -> None:
    text = make(ada, vault)[1]

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM portal_token")
        row = str(cursor.fetchall())
    assert text not in row
    assert text[8:] not in row


def test_a_digest_is_worth_nothing_without_the_ring(ada: User, vault: Vault, tmp_path: Path, settings) -> None:
    text = make(ada, vault)[1]
    assert tokens.find(text) is not None

    settings.KEYRING = tmp_path / "another"
    ring.create(settings.KEYRING)

    assert tokens.find(text) is None


def test_a_token_made_under_an_earlier_ring_key_still_opens_and_moves_to_the_active_one(
    ada: User, vault: Vault, tmp_path: Path, settings
) -> None:
    text = make(ada, vault)[1]
    first = json.loads(settings.KEYRING.read_text())
    settings.KEYRING = tmp_path / "rotated"
    ring.create(settings.KEYRING)
    second = json.loads(settings.KEYRING.read_text())
    settings.KEYRING.write_text(json.dumps({**second, "keys": [*first["keys"], *second["keys"]]}))

    token = tokens.find(text)
    assert token is not None
    tokens.note_use(token, text)
    settings.KEYRING.write_text(json.dumps(second, indent=2))

    assert tokens.find(text) is not None


@pytest.mark.parametrize(
    "change", [str.upper, lambda text: text + "a", lambda text: text[:-1], lambda text: " " + text, lambda _: ""]
)
def test_only_the_exact_text_is_found(ada: User, vault: Vault, change: Callable[[str], str]) -> None:
    text = make(ada, vault)[1]

    assert tokens.find(change(text)) is None


def test_what_is_no_token_costs_no_query(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert tokens.find("chv_" + "0" * 49) is None


def test_it_fits_only_its_vaults(ada: User, vault: Vault) -> None:
    text = make(ada, vault)[1]

    fits = [found.fits for name in ("payments", "Payments", "other", "") if (found := tokens.find(text, vault=name))]

    assert fits == [True, True, False, False]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"days": 0}, "days"),
        ({"days": 366}, "days"),
        ({"verbs": []}, "verbs"),
        ({"verbs": ["all", "certificates/get"]}, "verbs"),
        ({"verbs": ["access/update"]}, "verbs"),
        ({"verbs": ["audit/get"]}, "verbs"),
    ],
)
def test_what_a_token_cannot_be_is_refused(ada: User, vault: Vault, facts: dict[str, object], field: str) -> None:
    with pytest.raises(BadParameter) as caught:
        make(ada, vault, **facts)

    assert caught.value.field == field


def test_a_token_is_for_vaults_of_its_owner(ada: User) -> None:
    with pytest.raises(BadParameter, match="no member of “elsewhere”"):
        make(ada, make_vault("elsewhere"))
    with pytest.raises(BadParameter, match="at least one vault"):
        make(ada)


def test_of_two_who_revoke_one_is_told(ada: User, vault: Vault) -> None:
    token, _ = make(ada, vault)
    late = Token.objects.get()
    token.revoke()

    with pytest.raises(NotAllowedNow, match="revoked already"):
        late.revoke()


def test_of_two_who_use_it_in_the_same_minute_one_writes(ada: User, vault: Vault) -> None:
    token, text = make(ada, vault)
    late = Token.objects.get()
    token.note_use("a" * 64)
    late.note_use("b" * 64)

    assert Token.objects.get().digest == "a" * 64
    assert tokens.find(text) is None


def test_usable_tokens_are_neither_revoked_nor_expired(ada: User, vault: Vault) -> None:
    for name in ("good", "revoked", "expired"):
        make_token(ada, vault, name=name)
    Token.objects.filter(name="revoked").update(revoked_at=timezone.now())
    Token.objects.filter(name="expired").update(expires_at=timezone.now() - timedelta(seconds=1))

    assert [token.name for token in Token.objects.usable()] == ["good"]


def test_the_log_never_shows_one(ada: User, vault: Vault) -> None:
    text = make(ada, vault)[1]

    assert mask(f"GET /?key={text} refused") == "GET /?key=[token removed] refused"


def test_an_event_tells_the_token_by_which_someone_acted(vault: Vault) -> None:
    with transaction.atomic():
        event = record(
            "certificates/get", "certificates/www", by=Actor(name="ada", token="ci (chv_abcd…)"), vault=vault
        )
        plain = record("certificates/get", "certificates/www", by=Actor(name="ada"), vault=vault)

    assert event.details == {"token": "ci (chv_abcd…)"}
    assert plain.details == {}
