"""One's own tokens."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from portal import tokens
from portal.forms.tokens import FETCH
from portal.models import Role, Token, User
from tests.factories import make_member, make_token, make_user, make_vault
from tests.portal.browsing import answers_on, changed
from vault.models import AuditEvent
from vault.models.audit import PORTAL

ClientOf = Callable[[User], Client]
INDEX, NEW = reverse("tokens:index"), reverse("tokens:new")
PASSWORD = "correct horse battery"


@pytest.fixture
def ada() -> User:
    person = make_user("ada")
    person.set_password(PASSWORD)
    person.save()
    for name in ("payments", "intranet"):
        make_member(make_vault(name), user=person)
    return person


@pytest.fixture
def browser(client_of: ClientOf, ada: User) -> Client:
    return client_of(ada)


def order(**changes: object) -> dict[str, object]:
    return {
        "name": "web server 3",
        "vaults": ["payments"],
        "purpose": FETCH,
        "days": 30,
        "password": PASSWORD,
        **changes,
    }


def shown(response) -> str:
    found = re.search(r"chv_[0-9A-Za-z]{49}", response.content.decode())
    assert found
    return found[0]


def test_a_token_is_shown_once(browser: Client) -> None:
    response = browser.post(NEW, order())

    text = shown(response)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert tokens.find(text) == Token.objects.get()
    assert text not in browser.get(INDEX).content.decode()


def test_it_is_for_what_was_chosen(browser: Client) -> None:
    browser.post(NEW, order())

    token = Token.objects.get()
    assert [vault.name for vault in token.vaults.all()] == ["payments"]
    assert token.scope is not None
    assert "secrets/get" in token.scope
    assert "certificates/create" not in token.scope
    assert round((token.expires_at - token.created_at).total_seconds() / 86400) == 30


def test_permissions_can_be_chosen_one_by_one(browser: Client) -> None:
    browser.post(NEW, order(purpose="chosen", verbs=["certificates/get", "keys/sign"]))

    assert Token.objects.get().scope == {"certificates/get", "keys/sign"}
    assert "certificates/get, keys/sign" in browser.get(INDEX).content.decode()


def test_the_form_can_be_sent_without_javascript(browser: Client) -> None:
    answers = answers_on(browser.get(NEW))

    response = browser.post(NEW, changed(answers, name="ci", vaults="payments", password=PASSWORD))

    assert shown(response)
    assert Token.objects.get().name == "ci"


def test_whoever_is_in_one_vault_finds_it_chosen(client_of: ClientOf) -> None:
    person = make_member(make_vault("only"))

    assert answers_on(client_of(person).get(NEW))["vaults"] == ["only"]


def test_whoever_is_in_no_vault_is_told_so(client_of: ClientOf) -> None:
    page = client_of(make_user()).get(NEW).content.decode()

    assert "There is nothing that a token could open" in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Give it a name."),
        ({"name": "x" * 61}, "This name is too long"),
        ({"name": "a\x00b"}, "cannot be seen"),
        ({"vaults": []}, "Pick at least one vault."),
        ({"vaults": ["elsewhere"]}, "You are no member of this vault."),
        ({"purpose": "chosen"}, "Choose at least one permission."),
        ({"purpose": "rule"}, "Pick one of these."),
        ({"verbs": ["vaults/delete"], "purpose": "chosen"}, "There is no such permission."),
        ({"days": 366}, "Choose 1 to 365 days."),
        ({"days": "0"}, "Choose 1 to 365 days."),
        ({"days": "soon"}, "Choose 1 to 365 days."),
        ({"password": "wrong"}, "This is not your password."),
        ({"password": ""}, "Type your password."),
    ],
)
def test_what_cannot_be_is_refused(browser: Client, change: dict[str, object], words: str) -> None:
    make_vault("elsewhere")

    response = browser.post(NEW, order(**change))

    assert response.status_code == 422
    assert words in response.content.decode()
    assert PASSWORD not in response.content.decode()
    assert not Token.objects.exists()


def test_one_person_has_a_limited_number(browser: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_OF_ONE_PERSON", 1)
    browser.post(NEW, order())

    response = browser.post(NEW, order())

    assert response.status_code == 422
    assert "Revoke one that is not needed any more." in response.content.decode()


def test_making_and_revoking_are_events_without_the_token(browser: Client) -> None:
    text = shown(browser.post(NEW, order()))
    browser.post(reverse("tokens:revoke", args=[Token.objects.get().pk]))

    events = AuditEvent.objects.filter(chain=PORTAL, action__startswith="tokens/").order_by("sequence")
    assert [(event.action, event.actor, event.target) for event in events] == [
        ("tokens/create", "ada", "people/ada"),
        ("tokens/revoke", "ada", "people/ada"),
    ]
    assert events[0].details["vaults"] == ["payments"]
    assert not [event for event in events if text in str(event.details)]


def test_a_revoked_token_stays_in_the_list_and_opens_nothing(browser: Client) -> None:
    text = shown(browser.post(NEW, order()))

    response = browser.post(reverse("tokens:revoke", args=[Token.objects.get().pk]), follow=True)

    page = response.content.decode()
    assert "opens nothing any more" in page
    assert "Revoked" in page
    found = tokens.find(text)
    assert found is not None
    assert found.revoked_at is not None


def test_a_token_is_revoked_once(browser: Client, ada: User) -> None:
    browser.post(NEW, order())
    address = reverse("tokens:revoke", args=[Token.objects.get().pk])
    browser.post(address)

    assert "is revoked already" in browser.post(address, follow=True).content.decode()


def test_tokens_of_others_are_neither_seen_nor_revoked(browser: Client) -> None:
    vault = make_vault("other")
    make_token(make_member(vault), vault, name="foreign")

    assert "foreign" not in browser.get(INDEX).content.decode()
    assert browser.post(reverse("tokens:revoke", args=[Token.objects.get().pk])).status_code == 404
    assert browser.post(reverse("tokens:revoke", args=[2**63])).status_code == 404


@pytest.mark.parametrize("address", [INDEX, NEW])
def test_nobody_sees_tokens_without_signing_in(client: Client, address: str) -> None:
    assert client.get(address).status_code == 302


def test_a_token_cannot_make_a_token(client: Client, ada: User) -> None:
    text = make_token(ada, *[membership.vault for membership in ada.memberships.select_related("vault")])

    response = client.post(NEW, order(), headers={"authorization": f"Bearer {text}"})

    assert response.status_code == 302
    assert Token.objects.count() == 1


def test_the_list_asks_the_database_as_often_for_many_as_for_one(
    browser: Client, ada: User, django_assert_max_num_queries
) -> None:
    vault = make_vault("many")
    make_member(vault, user=ada)
    for _ in range(10):
        make_token(ada, vault)

    browser.get(INDEX)

    with django_assert_max_num_queries(6):
        browser.get(INDEX)


def test_where_the_vaults_are_is_told_with_the_port_of_the_portal(
    client_of: ClientOf, ada: User, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    answer = client_of(ada).post(NEW, order(), secure=True, headers={"host": "localhost:8443"})

    assert "https://payments.vault.localhost:8443" in answer.content.decode()


def test_whoever_came_without_tls_is_told_that_programs_need_it(browser: Client) -> None:
    assert "over https only" in browser.post(NEW, order()).content.decode()
    assert "over https only" not in browser.post(NEW, order(), secure=True).content.decode()


def test_a_vault_with_a_host_of_its_own_is_told_by_that(browser: Client, settings: Settings) -> None:
    settings.API_HOSTS = {"kv.example.org": "payments"}

    assert "https://kv.example.org</code>" in browser.post(NEW, order()).content.decode()


def test_a_reader_may_make_a_token_that_opens_no_more_than_they_may(client_of: ClientOf) -> None:
    vault = make_vault("reading")
    rita = make_member(vault, Role.READER)
    rita.set_password(PASSWORD)
    rita.save()

    assert shown(client_of(rita).post(NEW, order(vaults=["reading"], purpose="all")))
