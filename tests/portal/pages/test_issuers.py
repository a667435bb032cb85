"""The pages of issuers."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal import rates
from portal.models import Role, User
from portal.pages import issuertests, paging
from portal.pages.issuerwords import took
from portal.rates import Rates
from tests.factories import make_certificate, make_member, make_operation, make_vault
from tests.portal.browsing import answers_on, changed
from tests.vault.lifecycle.example_ca import KEY, OFFER, ExampleServer
from vault.lifecycle import configuring, issuers
from vault.lifecycle.configuring import Given
from vault.models import AuditEvent, Certificate, Issuer, Operation, Vault
from vault.models.audit import SYSTEM
from vault.providers import OFFERS, values
from vault.providers.base import Administrator
from vault.simulators import SIMULATORS

ClientOf = Callable[[User], Client]
INDEX, NEW = reverse("issuers:index", args=["payments"]), reverse("issuers:new", args=["payments"])
ADD = reverse("issuers:add", args=["payments", "Example"])
ADA = Administrator(first_name="Ada", last_name="Lind", email="ada@example.org", phone="1")
HTMX = {"HX-Request": "true", "HX-Target": "tried"}


def url(view: str, name: str = "example") -> str:
    return reverse(f"issuers:{view}", args=["payments", name])


@pytest.fixture(scope="module")
def server() -> Iterator[ExampleServer]:
    running = ExampleServer()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _portal(monkeypatch: pytest.MonkeyPatch, settings: Any, server: ExampleServer, tmp_path: Path) -> None:
    counts = Rates(tmp_path / "rates")
    monkeypatch.setattr(rates, "shared", lambda: counts)
    monkeypatch.setitem(OFFERS, OFFER.key, OFFER)
    settings.CA_LOOPBACK = True
    server.calls.clear()


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def browser(client_of: ClientOf, vault: Vault) -> Client:
    return client_of(make_member(vault, Role.ADMINISTRATOR))


def make(vault: Vault, server: ExampleServer, name: str = "example", **secrets: str) -> Issuer:
    config = {"address": server.address, "account_id": "1122"}
    given = Given(
        provider="Example", config=config, secrets={"password": KEY, **secrets}, administrators=[ADA], loosely=True
    )
    return configuring.create_issuer(vault=vault, name=name, given=given, by=SYSTEM)


def text_of(page: HttpResponse) -> str:
    """The words of a page's main part, without tags."""
    main = page.content.decode().partition("<main")[2].partition("</main")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def filled(server: ExampleServer, **changes: Any) -> dict[str, Any]:
    answers = {
        "name": "example",
        "value_address": server.address,
        "value_account_id": "1122",
        "secret_password": KEY,
        "value_kind": "rest",
        "value_fast": "on",
        **{f"administrator_{name}": value for name, value in vars(ADA).items()},
    }
    return {**answers, **changes}


# ---------------------------------------------------------------------- looking
def test_the_list_tells_how_each_issuer_fares(browser: Client, vault: Vault, server: ExampleServer) -> None:
    issuer, off, paused = (make(vault, server, name) for name in ("busy", "off", "paused"))
    configuring.set_enabled(issuer=off, enabled=False, by=SYSTEM)
    paused.pause_for_credentials("401")
    make(vault, server, "slowed").pause_for_rate(timezone.now() + timedelta(minutes=5), "429")
    issuer.note_success()
    now = timezone.now()
    for number, facts in enumerate(
        (
            {"status": "completed", "submitted_at": now - timedelta(minutes=4), "ended_at": now},
            {"status": "failed", "ended_at": now},
            {"step": "ordered"},
        )
    ):
        operation = make_operation(vault=vault, name=f"www{number}")
        Operation.objects.filter(pk=operation.pk).update(issuer=issuer, **facts)

    text = text_of(browser.get(INDEX))

    assert "busy Example CA Enabled" in text
    assert re.search(r"1 1 4 min 4 min", text)
    assert "off Example CA Disabled" in text
    assert "paused Example CA Paused: credentials refused" in text
    assert "slowed Example CA Paused: CA asked to slow down until" in text


def test_lists_and_pages_take_a_bounded_number_of_queries(
    browser: Client, vault: Vault, server: ExampleServer, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        make(vault, server, f"example{number}")
    browser.get(INDEX)

    with django_assert_max_num_queries(6):
        browser.get(INDEX)
    with django_assert_max_num_queries(10):
        browser.get(url("detail", "example3"))


def test_the_list_goes_on_behind_the_last_name(
    browser: Client, vault: Vault, server: ExampleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.pages.issuers.PAGE", 2)
    assert paging.PAGE == 50
    for name in ("Alpha", "beta", "Gamma"):
        make(vault, server, name)

    first, second = browser.get(INDEX), browser.get(INDEX, {"after": "beta"})
    beyond, strange = browser.get(INDEX, {"after": "zulu"}), browser.get(INDEX, {"after": "\x00"})

    assert "?after=beta" in first.content.decode()
    assert "Gamma" in text_of(second)
    assert "Alpha" not in text_of(second)
    assert "No issuers behind this one" in text_of(beyond)
    assert "Alpha" in text_of(strange)


def test_a_vault_without_issuers_says_what_they_are_for(browser: Client, client_of: ClientOf, vault: Vault) -> None:
    assert "Add an issuer" in text_of(browser.get(INDEX))
    reader = text_of(client_of(make_member(vault, Role.READER)).get(INDEX))
    assert "An administrator of this vault can connect a CA" in reader
    assert "Add an issuer" not in reader


def test_a_page_shows_settings_and_never_credentials(
    browser: Client, client_of: ClientOf, vault: Vault, server: ExampleServer
) -> None:
    make(vault, server, client_key="-----BEGIN KEY-----")
    reader = client_of(make_member(vault, Role.READER))

    for page in (browser.get(url("detail")), reader.get(url("detail")), browser.get(url("edit"))):
        assert page.status_code == 200
        assert KEY not in page.content.decode()
        assert "BEGIN KEY" not in page.content.decode()
    text = text_of(browser.get(url("detail")))
    assert "API key Stored, never shown" in text
    assert "Interface REST" in text
    assert "Ada Lind, ada@example.org, 1" in text
    assert "It is an example." in text
    assert "Test now" not in text_of(reader.get(url("detail")))


def test_a_page_says_why_it_is_paused_and_what_ends_that(
    browser: Client, client_of: ClientOf, vault: Vault, server: ExampleServer
) -> None:
    issuer = make(vault, server)
    issuer.pause_for_credentials("Example CA: no such key <b>")

    text = text_of(browser.get(url("detail")))
    assert "The CA refuses the credentials" in text
    assert "no such key &lt;b&gt;" in text
    assert "Put new credentials in under Edit, then test" in text
    assert "An administrator of this vault can" in text_of(
        client_of(make_member(vault, Role.OFFICER)).get(url("detail"))
    )
    issuer.resume()
    issuer.pause_for_rate(timezone.now() + timedelta(minutes=5), "Too many requests")
    assert "there is nothing to do" in text_of(browser.get(url("detail")))


def test_a_page_says_what_is_missing(browser: Client, vault: Vault) -> None:
    for name, provider in (("bare", "Example"), ("strange", "Test")):
        given = Given(provider=provider, loosely=True)
        configuring.create_issuer(vault=vault, name=name, given=given, by=SYSTEM)

    assert "Edit it and fill in what is missing: “Account”, “API key”." in text_of(browser.get(url("detail", "bare")))
    strange = browser.get(url("detail", "strange"))
    assert "does not speak to this provider" in text_of(strange)
    assert "/edit/" not in strange.content.decode()
    assert browser.get(url("edit", "strange")).status_code == 409


def test_there_is_no_page_for_what_is_not_there(browser: Client) -> None:
    for view in ("detail", "edit", "delete"):
        assert browser.get(url(view, "Self")).status_code == 404
    assert browser.get(reverse("issuers:add", args=["payments", "Nobody"])).status_code == 404
    assert browser.get(reverse("issuers:add", args=["payments", "example"])).status_code == 200


# --------------------------------------------------------------------- the form
def test_an_issuer_is_added_by_the_form_of_its_provider(browser: Client, server: ExampleServer) -> None:
    assert "Example CA Issues examples." in text_of(browser.get(NEW))
    form = browser.get(ADD)
    assert "Before you use it It is an example." in text_of(form)

    answer = browser.post(ADD, changed(answers_on(form), **filled(server)))

    assert (answer.status_code, answer["Location"]) == (303, url("detail"))
    issuer = Issuer.objects.get()
    assert (issuer.config["address"], issuer.config["fast"]) == (server.address, "yes")
    assert "profile" not in issuer.config
    assert issuers.open_secrets(issuer) == {"password": KEY}
    assert server.calls == []
    event = AuditEvent.objects.get(action="issuers/create")
    assert (event.right, event.target) == ("certificates/setissuers", "issuers/example")


def test_a_refused_form_comes_back_whole_without_the_credentials(browser: Client, server: ExampleServer) -> None:
    bad = filled(server, name="a b", value_address="http://ca.example.org", value_kind="soap", administrator_phone="")

    page = browser.post(ADD, bad)

    text = text_of(page)
    assert page.status_code == 422
    assert "“a b” cannot be an issuer's name" in text.replace("&#x27;", "'")
    assert "https only" in text
    assert "“Profile” is empty. Fill it in." in text
    assert "asks for a phone number" in text
    assert answers_on(page)["value_account_id"] == ["1122"]
    assert answers_on(page)["secret_password"] == [""]
    assert KEY not in page.content.decode()
    assert not Issuer.objects.exists()


def test_a_taken_name_is_said_at_its_field(browser: Client, vault: Vault, server: ExampleServer) -> None:
    make(vault, server, "EXAMPLE")

    page = browser.post(ADD, filled(server))

    assert page.status_code == 422
    assert "has an issuer named “example” already" in text_of(page)


def test_an_edit_changes_what_was_changed(browser: Client, vault: Vault, server: ExampleServer) -> None:
    make(vault, server, client_key="-----BEGIN KEY-----")
    form = browser.get(url("edit"))
    answers = answers_on(form)
    assert answers["value_account_id"] == ["1122"]
    assert answers["secret_password"] == [""]
    assert "One is stored" in text_of(form)
    assert "name" not in answers

    answer = browser.post(url("edit"), changed(answers, value_organisation_id="17", forget_client_key="on"))

    assert answer.status_code == 303
    issuer = Issuer.objects.get()
    assert issuer.config["organisation_id"] == "17"
    assert issuers.open_secrets(issuer) == {"password": KEY}


def test_changing_an_address_needs_the_credentials_again(browser: Client, vault: Vault, server: ExampleServer) -> None:
    make(vault, server)
    answers = changed(answers_on(browser.get(url("edit"))), value_address="https://elsewhere.example.org")

    for press in ({}, {"test": ["1"]}):
        page = browser.post(url("edit"), answers | press)
        assert page.status_code == 422
        assert "“API key” would be sent to the new address. Give it again" in text_of(page)

    assert Issuer.objects.get().config["address"] == server.address
    assert browser.post(url("edit"), answers | {"secret_password": ["new"]}).status_code == 303


def test_who_edits_an_old_page_is_told(browser: Client, vault: Vault, server: ExampleServer) -> None:
    issuer = make(vault, server)
    answers = answers_on(browser.get(url("edit")))
    configuring.replace_secrets(issuer=issuer, secrets={"password": "new"}, by=SYSTEM)

    page = browser.post(url("edit"), changed(answers, value_organisation_id="17"))

    assert page.status_code == 422
    assert "was changed by someone else meanwhile" in text_of(page)
    assert issuers.open_secrets(Issuer.objects.get()) == {"password": "new"}


def test_administrators_that_clients_have_set_beside_the_first_stay(
    browser: Client, vault: Vault, server: ExampleServer
) -> None:
    make(vault, server)
    second = {"first_name": "Bo", "last_name": "", "email": "", "phone": ""}
    Issuer.objects.update(administrators=[vars(ADA), second])

    browser.post(url("edit"), changed(answers_on(browser.get(url("edit"))), administrator_phone="2"))

    assert Issuer.objects.get().administrators == [{**vars(ADA), "phone": "2"}, second]


# --------------------------------------------------------------------- the tests
def test_what_is_typed_can_be_tested_before_it_is_saved(browser: Client, server: ExampleServer) -> None:
    page = browser.post(ADD, filled(server, test="1"))

    text = text_of(page)
    assert page.status_code == 200
    assert "The CA answered as it should" in text
    assert "The key belongs to the account 1122." in text
    assert "Type them once more before you save" in text
    assert "Example AB (17)" in text
    assert answers_on(page)["value_account_id"] == ["1122"]
    assert KEY not in page.content.decode()
    assert not Issuer.objects.exists()
    assert server.calls == [("/me", KEY), ("/organisations", KEY)]


def test_a_script_gets_the_lines_and_the_choices_alone(browser: Client, server: ExampleServer) -> None:
    good = browser.post(ADD, filled(server, test="1", value_organisation_id="99"), headers=HTMX).content.decode()
    bad = browser.post(ADD, filled(server, test="1", secret_password="wrong"), headers=HTMX).content.decode()
    refused = browser.post(ADD, filled(server, test="1", value_account_id=""), headers=HTMX)

    assert good.strip().startswith('<div id="tried"')
    assert 'id="value_organisation_id_box" hx-swap-oob="true"' in re.sub(r"\s+", " ", good)
    assert "99 (not in the CA&#x27;s list)" in good
    assert 'value="99" selected' in good
    assert "<main" not in good
    assert "Example CA refuses the key" in bad
    assert "hx-swap-oob" not in bad
    assert refused.status_code == 422
    assert "Nothing was tested" in refused.content.decode()
    assert "“Account” is empty" in refused.content.decode()


def test_a_saved_issuer_is_tested_with_what_is_stored(browser: Client, vault: Vault, server: ExampleServer) -> None:
    issuer = make(vault, server)
    issuer.pause_for_credentials("401")

    page = browser.post(url("test"), follow=True)

    text = text_of(page)
    assert "“example” works" in text
    assert "The key belongs to the account 1122." in text
    assert "refuses the credentials" not in text
    assert Issuer.objects.get().check_good
    Issuer.objects.update(config={**issuer.config, "account_id": "9"})
    assert "does not work yet" in text_of(browser.post(url("test"), follow=True))
    changed_form = changed(answers_on(browser.get(url("edit"))), test="1")
    assert "The account is another one." in text_of(browser.post(url("edit"), changed_form))


@pytest.mark.parametrize("name", sorted(SIMULATORS))
def test_every_ca_that_can_be_rehearsed_is_tested_and_set_up_by_its_form(
    browser: Client, vault: Vault, name: str
) -> None:
    with SIMULATORS[name]() as ca:
        offer, given = OFFERS[ca.provider], ca.values()
        form = browser.get(reverse("issuers:add", args=["payments", ca.provider]))
        secret = {one.name for one in offer.fields if values.is_secret(one)}
        typed = {f"{'secret' if one in secret else 'value'}_{one}": value for one, value in given.items()}
        people = {f"administrator_{one}": value for one, value in vars(ADA).items()} if offer.administrator else {}
        answers = changed(answers_on(form), name="rehearsal", **typed, **people)

        tested = browser.post(form.request["PATH_INFO"], answers | {"test": ["1"]})
        saved = browser.post(form.request["PATH_INFO"], answers)
        again = browser.post(url("test", "rehearsal"), follow=True)

    assert "The CA answered as it should" in text_of(tested)
    assert saved.status_code == 303, text_of(saved)
    assert "“rehearsal” works" in text_of(again)
    assert ca.orders == []
    for one in secret:
        assert not given.get(one) or given[one] not in tested.content.decode() + again.content.decode()


def test_tests_are_counted(
    browser: Client, vault: Vault, server: ExampleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuertests, "PER_PERSON", 1)
    make(vault, server)
    browser.post(url("test"))

    again = browser.post(url("test"), follow=True)
    typed = browser.post(ADD, filled(server, test="1", name="other"))

    assert "many tests in a short time" in text_of(again)
    assert typed.status_code == 422
    assert "many tests in a short time" in text_of(typed)
    assert server.calls == [("/me", KEY), ("/organisations", KEY)]


# ------------------------------------------------------------- on, off and away
def test_an_issuer_is_disabled_and_enabled_and_its_page_says_who_is_affected(
    browser: Client, vault: Vault, server: ExampleServer
) -> None:
    make(vault, server)
    make_certificate(vault=vault, name="shop")
    Certificate.objects.update(issuer_name="example")

    assert "Certificates whose next version comes from it shop" in text_of(browser.get(url("detail")))
    assert "takes no new orders" in text_of(browser.post(url("disable"), follow=True))
    assert not Issuer.objects.get().enabled
    assert "Take new orders again" in text_of(browser.get(url("detail")))
    assert "takes new orders again" in text_of(browser.post(url("enable"), follow=True))
    assert Issuer.objects.get().enabled


def test_an_issuer_is_removed_by_its_name_typed(browser: Client, vault: Vault, server: ExampleServer) -> None:
    make(vault, server)
    make_certificate(vault=vault, name="shop")
    Certificate.objects.update(issuer_name="example")
    assert "shop" in text_of(browser.get(url("delete")))

    refused = browser.post(url("delete"), {"confirm": "Example"})
    assert refused.status_code == 422
    assert "Type “example” exactly" in text_of(refused)
    removed = browser.post(url("delete"), {"confirm": "example"}, follow=True)

    assert "is removed with its credentials" in text_of(removed)
    assert not Issuer.objects.exists()


def test_an_issuer_with_open_orders_cannot_be_removed(browser: Client, vault: Vault, server: ExampleServer) -> None:
    issuer = make(vault, server)
    operation = make_operation(vault=vault, name="www")
    Operation.objects.filter(pk=operation.pk).update(issuer=issuer, step="ordered")

    page = browser.get(url("delete"))
    refused = browser.post(url("delete"), {"confirm": "example"})

    assert "cannot be removed while orders are open" in text_of(page)
    assert "Remove it" not in text_of(page)
    assert refused.status_code == 422
    assert "open orders for “www”" in text_of(refused)
    assert Issuer.objects.exists()


def test_issuers_stand_among_the_tabs_of_those_who_may_see_them(client_of: ClientOf, vault: Vault) -> None:
    for role, sees in ((Role.READER, True), (Role.OFFICER, True), (Role.REQUESTER, False), (Role.AUDITOR, False)):
        page = client_of(make_member(vault, role)).get("/vaults/payments/access/")
        assert (INDEX in page.content.decode()) is sees, role


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (None, ""),
        (timedelta(0), "1 s"),
        (timedelta(seconds=11.2), "12 s"),
        (timedelta(minutes=4), "4 min"),
        (timedelta(minutes=119, seconds=1), "120 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=47, minutes=1), "48 h"),
        (timedelta(days=2, hours=1), "3 days"),
    ],
)
def test_times_in_words(time: timedelta | None, words: str) -> None:
    assert took(time) == words
