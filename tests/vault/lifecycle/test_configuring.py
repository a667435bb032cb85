"""Issuers as administrators set them up: made, edited, tested, switched off, removed."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.factories import actor_of, make_certificate, make_operation, make_user, make_vault
from tests.vault.lifecycle.example_ca import CANARY, DIRECTORY, KEY, OFFER, ORGANISATIONS, ExampleServer
from vault.errors import BadName, BadParameter, NameTaken, NotAllowedNow, TooMany
from vault.lifecycle import configuring, issuers, pausing
from vault.lifecycle.configuring import BadValues, Given, registering, testing
from vault.models import AuditEvent, Certificate, Challenge, Issuer, Operation, Vault
from vault.models.audit import Actor
from vault.providers import OFFERS
from vault.providers.base import Administrator, NotAuthorised, Rejected

BY = Actor(name="adele", right="certificates/setissuers")
ADA = Administrator(first_name="Ada", last_name="Lind", email="ada@example.org", phone="+46 1")


@pytest.fixture(scope="module")
def server() -> Iterator[ExampleServer]:
    running = ExampleServer()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _offers(monkeypatch: pytest.MonkeyPatch, settings: Any, server: ExampleServer) -> None:
    monkeypatch.setitem(OFFERS, OFFER.key, OFFER)
    monkeypatch.setitem(OFFERS, DIRECTORY.key, DIRECTORY)
    settings.CA_LOOPBACK = True
    server.calls.clear()


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


def given(server: ExampleServer | None = None, **changes: Any) -> Given:
    config = {"address": server.address if server else "https://ca.example.org", "account_id": "1122"}
    secrets = changes.pop("secrets", {"password": KEY})
    facts = {"config": {**config, **changes.pop("config", {})}, "secrets": secrets, "administrators": [ADA], **changes}
    return Given(**{"provider": "Example", **facts})


def make(vault: Vault, name: str = "example", **changes: Any) -> Issuer:
    return configuring.create_issuer(vault=vault, name=name, given=given(**changes), by=BY)


def order(issuer: Issuer, name: str = "www", **facts: Any) -> Operation:
    """An operation of the issuer as a worker would leave it."""
    operation = make_operation(vault=issuer.vault, name=name)
    facts = {"step": Operation.Step.ORDERED, "order_number": "1", "issuer": issuer, "issuer_name": issuer.name, **facts}
    Operation.objects.filter(pk=operation.pk).update(**facts)
    operation.refresh_from_db()
    return operation


def last_event() -> AuditEvent:
    return AuditEvent.objects.filter(action__startswith="issuers/").latest("id")


# ---------------------------------------------------------------------- making
def test_an_issuer_is_made_with_its_credentials_sealed(vault: Vault) -> None:
    issuer = make(vault)

    saved = Issuer.objects.get(pk=issuer.pk)
    assert issuers.open_secrets(saved) == {"password": KEY}
    assert KEY.encode() not in bytes(saved.secrets)
    assert saved.config == {
        "address": "https://ca.example.org",
        "account_id": "1122",
        "organisation_id": "",
        "kind": "rest",
        "fast": "yes",
        "roots": "",
    }
    assert saved.administrators == [
        {"first_name": "Ada", "last_name": "Lind", "email": "ada@example.org", "phone": "+46 1"}
    ]
    assert (saved.enabled, saved.revision, saved.pause) == (True, 1, "")
    event = last_event()
    assert (event.action, event.target, event.details["address"]) == (
        "issuers/create",
        "issuers/example",
        "https://ca.example.org",
    )
    assert KEY not in str(event.details)
    assert KEY not in repr(given())


@pytest.mark.parametrize("name", ["", "Self", "unknown", "a b", "ä", "a/b", "x" * 128, "a\n"])
def test_some_names_are_refused(vault: Vault, name: str) -> None:
    with pytest.raises(BadName) as refusal:
        make(vault, name)

    assert refusal.value.field == "name"
    assert not Issuer.objects.exists()


def test_a_name_is_given_once_a_vault_whatever_its_case(vault: Vault) -> None:
    make(vault, "DigiCert-1")

    with pytest.raises(NameTaken, match="“digicert-1” already"):
        make(vault, "digicert-1")
    make(make_vault("intranet"), "digicert-1")


def test_a_vault_has_a_bounded_number_of_issuers(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "MOST_IN_VAULT", 1)
    make(vault)

    with pytest.raises(TooMany, match="Remove one"):
        make(vault, "second")


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"config": {"account_id": ""}}, "account_id", "“Account” is empty"),
        ({"secrets": {}}, "password", "“API key” is empty"),
        ({"secrets": {"password": "two\nlines"}}, "password", "cannot be seen"),
        ({"config": {"account_id": "a\u202eb"}}, "account_id", "cannot be seen"),
        ({"config": {"account_id": "1" * 1001}}, "account_id", "1000 characters at most"),
        ({"config": {"kind": "fax"}}, "kind", "“fax” is not one of the choices"),
        ({"config": {"kind": "soap"}}, "profile", "“Profile” is empty"),
        ({"config": {"kind": "soap", "profile": "P", "terms": ""}}, "terms", "“The terms” is needed. Tick it."),
        ({"config": {"fast": "perhaps"}}, "fast", "Tick it or leave it"),
        ({"config": {"roots": "no pem"}}, "roots", "not PEM text"),
        ({"administrators": []}, "administrator_first_name", "first name"),
        ({"administrators": [Administrator(first_name="A", last_name="B", email="x", phone="1")]}, "administrator_email", "“x”"),
        ({"administrators": [ADA] * 21}, "administrators", "at most 20"),
        ({"config": {"address": "http://ca.example.org"}}, "address", "does not begin with https://"),
        ({"config": {"address": "ftp://ca.example.org"}}, "address", "does not begin with https://"),
        ({"config": {"address": "https://user:pw@ca.example.org"}}, "address", "Leave out what stands before the @"),
        ({"config": {"address": "https://"}}, "address", "is not an address"),
        ({"config": {"address": "https://a\\b"}}, "address", "is not an address"),
        ({"config": {"address": "https://a:99999"}}, "address", "is not an address"),
        ({"config": {"address": "https://a/?b"}}, "address", "is not an address"),
        ({"config": {"address": "https://[a"}}, "address", "is not an address"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_refused_with_a_sentence(
    vault: Vault, changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(BadValues) as refusal:
        make(vault, **changes)

    assert words in refusal.value.problems[field]
    assert "two" not in str(refusal.value)
    assert not Issuer.objects.exists()


def test_plain_http_is_for_this_machine_and_only_where_the_setting_says_so(
    vault: Vault, settings: Any, server: ExampleServer
) -> None:
    settings.CA_LOOPBACK = False

    with pytest.raises(BadValues, match="https only"):
        make(vault, server=server)


def test_what_depends_on_another_choice_is_not_kept_without_it(vault: Vault) -> None:
    soap = make(vault, "soap", config={"kind": "soap", "profile": "P1"})
    rest = make(vault, "rest", config={"kind": "rest", "profile": "P1"})

    assert (soap.config["profile"], soap.config["soap_address"]) == ("P1", "https://soap.example.org")
    assert not {"profile", "soap_address"} & rest.config.keys()


# --------------------------------------------------------------------- editing
def test_an_edit_keeps_the_credentials_that_are_not_typed_anew(vault: Vault) -> None:
    issuer = make(vault, secrets={"password": KEY, "client_key": "-----BEGIN KEY-----"})

    configuring.edit_issuer(issuer=issuer, given=given(config={"organisation_id": "17"}, secrets={}), by=BY)

    issuer.refresh_from_db()
    assert issuer.config["organisation_id"] == "17"
    assert issuers.open_secrets(issuer) == {"password": KEY, "client_key": "-----BEGIN KEY-----"}
    assert issuer.revision == 2
    assert last_event().details["changed"] == ["organisation_id"]
    assert last_event().details["credentials"] == []


def test_a_credential_is_replaced_and_an_optional_one_removed(vault: Vault) -> None:
    issuer = make(vault, secrets={"password": KEY, "client_key": "-----BEGIN KEY-----"})

    changed = given(secrets={"password": "another"}, forgotten=frozenset({"client_key"}))
    configuring.edit_issuer(issuer=issuer, given=changed, by=BY)

    assert issuers.open_secrets(Issuer.objects.get()) == {"password": "another"}
    assert last_event().details["credentials"] == ["client_key", "password"]
    assert configuring.stored_secrets(Issuer.objects.get()) == {"password"}


def test_credentials_alone_can_be_replaced(vault: Vault) -> None:
    issuer = make(vault)

    configuring.replace_secrets(issuer=issuer, secrets={"password": "another"}, by=BY)

    assert issuers.open_secrets(Issuer.objects.get()) == {"password": "another"}


@pytest.mark.parametrize(
    "config",
    [
        {"address": "https://elsewhere.example.org"},
        {"address": "https://ca.example.org:444"},
        {"kind": "soap", "profile": "P1"},
        {"kind": "soap", "profile": "P1", "soap_address": "https://elsewhere.example.org"},
    ],
)
def test_stored_credentials_never_go_to_another_address(vault: Vault, config: dict[str, str]) -> None:
    issuer = make(vault, secrets={"password": KEY, "client_key": "-----BEGIN KEY-----"})

    with pytest.raises(BadValues) as refusal:
        configuring.edit_issuer(issuer=issuer, given=given(config=config, secrets={}), by=BY)
    with pytest.raises(BadValues):
        configuring.try_values(vault=vault, given=given(config=config, secrets={}), issuer=issuer, by=BY)

    assert refusal.value.problems.keys() == {"client_key", "password"}
    assert "new address" in str(refusal.value)
    assert Issuer.objects.get().config["address"] == "https://ca.example.org"
    both = {"password": "n3w", "client_key": "-----BEGIN NEW KEY-----"}
    configuring.edit_issuer(issuer=issuer, given=given(config=config, secrets=both), by=BY)
    assert issuers.open_secrets(Issuer.objects.get()) == both


_PEM = "-----BEGIN CERTIFICATE-----"
_ACME = {
    "directory": "other",
    "address": "https://acme.example.org/directory",
    "terms": "yes",
    "method": "dns-01",
    "dns_server": "192.0.2.1",
    "tsig_name": "portal",
}
_GLOBALSIGN = {"platform": "atlas", "account_id": "1", "client_certificate": _PEM, "ca_bundle": _PEM}
_BASES = {
    "ACME": (_ACME, {"password": "a", "tsig_secret": "b"}),
    "GlobalSign": (_GLOBALSIGN, {"password": "a", "client_key": _PEM}),
    "DigiCert": ({"organisation_id": "1"}, {"password": "a"}),
    "WoSign": ({}, {"password": "a"}),
}


def of_a_ca(provider: str, changes: dict[str, str], *, typed: bool = False) -> Given:
    config, secrets = _BASES[provider]
    return Given(
        provider=provider, config={**config, **changes}, secrets=secrets if typed else {}, administrators=[ADA]
    )


@pytest.mark.parametrize(
    ("provider", "changes"),
    [
        ("ACME", {"directory": "https://acme.zerossl.com/v2/DV90"}),
        ("ACME", {"address": "https://elsewhere.example.org"}),
        ("ACME", {"dns_server": "192.0.2.2"}),
        ("ACME", {"dns_port": "54"}),
        ("ACME", {"tsig_algorithm": "hmac-sha512"}),
        ("ACME", {"trust": _PEM}),
        ("ACME", {"method": "http-01"}),
        ("GlobalSign", {"platform": "mssl", "organisation_id": "1"}),
        ("GlobalSign", {"atlas_address": "https://elsewhere.example.org"}),
        ("GlobalSign", {"ca_bundle": f"{_PEM}\n"}),
        ("GlobalSign", {"ca_bundle": ""}),
        ("DigiCert", {"address": "https://elsewhere.example.org"}),
        ("WoSign", {"address": "https://elsewhere.example.org"}),
    ],
)
def test_what_steers_credentials_has_them_asked_for_again(vault: Vault, provider: str, changes: dict[str, str]) -> None:
    first = of_a_ca(provider, {}, typed=True)
    issuer = configuring.create_issuer(vault=vault, name="ca", given=first, by=BY)

    with pytest.raises(BadValues) as refusal:
        configuring.edit_issuer(issuer=issuer, given=of_a_ca(provider, changes), by=BY)

    assert "password" in refusal.value.problems
    assert all("Give it again" in words for words in refusal.value.problems.values())
    assert Issuer.objects.get().config == issuer.config
    configuring.edit_issuer(issuer=issuer, given=of_a_ca(provider, changes, typed=True), by=BY)


@pytest.mark.parametrize(
    ("provider", "changes"),
    [
        ("ACME", {"contacts": "ada@example.org", "profile": "short", "dns_port": "53"}),
        ("GlobalSign", {"account_id": "2"}),
        ("DigiCert", {"organisation_id": "2", "container_id": "3"}),
        ("WoSign", {"organisation": "Example AB"}),
    ],
)
def test_what_steers_nothing_lets_credentials_stay(vault: Vault, provider: str, changes: dict[str, str]) -> None:
    first = of_a_ca(provider, {}, typed=True)
    issuer = configuring.create_issuer(vault=vault, name="ca", given=first, by=BY)

    configuring.edit_issuer(issuer=issuer, given=of_a_ca(provider, changes), by=BY)

    assert issuers.open_secrets(Issuer.objects.get()) == _BASES[provider][1]


def test_a_token_that_another_issuer_answers_for_stays_its_own(vault: Vault) -> None:
    first, second = (issuers._Board(make(vault, name)) for name in ("first", "second"))
    first.put_up("token", "token.before")
    first.put_up("token", "token.first")

    with pytest.raises(Rejected, match="another issuer answers for"):
        second.put_up("token", "token.second")

    assert Challenge.objects.get().key_authorization == "token.first"


def test_who_edits_what_someone_else_has_changed_is_told(vault: Vault) -> None:
    issuer = make(vault)
    late = Issuer.objects.get()
    configuring.edit_issuer(issuer=issuer, given=given(config={"organisation_id": "17"}), by=BY)

    with pytest.raises(NotAllowedNow, match="changed by someone else"):
        configuring.edit_issuer(issuer=late, given=given(config={"organisation_id": "18"}), by=BY)
    with pytest.raises(NotAllowedNow, match="changed by someone else"):
        configuring.edit_issuer(issuer=Issuer.objects.get(), given=given(), revision=1, by=BY)

    assert Issuer.objects.get().config["organisation_id"] == "17"


def test_another_provider_needs_its_own_credentials_and_no_open_orders(vault: Vault) -> None:
    issuer = make(vault)
    Issuer.objects.update(memory=b"kept for the first")
    other = Given(provider="Elsewhere", config={"account_id": "1"}, loosely=True)

    with pytest.raises(BadValues, match="Give it again"):
        configuring.edit_issuer(issuer=issuer, given=other, by=BY)
    operation = order(issuer)
    retyped = Given(provider="Elsewhere", secrets={"password": "x"}, loosely=True)
    with pytest.raises(NotAllowedNow, match="open orders"):
        configuring.edit_issuer(issuer=issuer, given=retyped, by=BY)
    operation.delete_softly()
    configuring.edit_issuer(issuer=issuer, given=retyped, by=BY)

    issuer = Issuer.objects.get()
    assert (issuer.provider, issuer.memory, issuer.config) == ("Elsewhere", None, {})


# -------------------------------------------------- what the wire brings bit by bit
def test_what_the_wire_can_say_may_be_missing_at_first(vault: Vault) -> None:
    bare = Given(provider="example", loosely=True)

    issuer = configuring.create_issuer(vault=vault, name="bare", given=bare, by=BY)

    assert issuer.provider == "Example"
    with pytest.raises(BadValues, match="“Directory” is empty"):
        configuring.create_issuer(vault=vault, name="acme", given=Given(provider="Directory", loosely=True), by=BY)


def test_an_incomplete_issuer_says_so_when_it_is_tested(vault: Vault) -> None:
    issuer = configuring.create_issuer(vault=vault, name="bare", given=Given(provider="Example", loosely=True), by=BY)

    found = configuring.test_issuer(issuer=issuer, by=BY)

    assert [line.text for line in found.check.lines] == [
        "“Account”, “API key”: not filled in yet. Edit the issuer and fill it in."
    ]


def test_an_unknown_provider_is_kept_and_cannot_be_used(vault: Vault) -> None:
    strange = Given(provider="Test", config={"account_id": "1", "other": "x"}, secrets={"password": "p"}, loosely=True)

    issuer = configuring.create_issuer(vault=vault, name="strange", given=strange, by=BY)

    assert issuer.config == {"account_id": "1"}
    found = configuring.test_issuer(issuer=issuer, by=BY)
    assert not found.check.ok
    assert "does not know the provider “Test”" in found.check.lines[0].text
    for bad in ("", "x" * 65, "a\u202eb"):
        with pytest.raises(BadParameter):
            configuring.create_issuer(vault=vault, name="bad", given=Given(provider=bad, loosely=True), by=BY)


# --------------------------------------------------------------------- testing
def test_a_good_test_is_remembered_and_brings_the_choices(vault: Vault, server: ExampleServer) -> None:
    issuer = make(vault, server=server)

    found = configuring.test_issuer(issuer=issuer, by=BY)

    assert found.check.ok
    assert found.choices == {"organisation_id": tuple(ORGANISATIONS)}
    saved = Issuer.objects.get()
    assert saved.check_good
    assert saved.check_lines == [{"ok": True, "text": "The key belongs to the account 1122."}]
    assert saved.checked_at is not None
    assert server.calls == [("/me", KEY), ("/organisations", KEY)]
    assert (last_event().action, last_event().result) == ("issuers/test", "good")


def test_a_bad_test_shows_the_words_of_the_ca_made_harmless(vault: Vault, server: ExampleServer) -> None:
    issuer = make(vault, server=server, secrets={"password": CANARY})

    found = configuring.test_issuer(issuer=issuer, by=BY)

    assert not found.check.ok
    assert found.choices == {}
    assert "U+202E" in found.check.lines[0].text
    assert "\u202e" not in str(Issuer.objects.get().check_lines)
    assert CANARY not in str(found) + str(Issuer.objects.get().check_lines) + str(last_event().details)


def test_a_good_test_ends_a_pause_for_credentials_and_rings_for_what_waited(
    vault: Vault, server: ExampleServer
) -> None:
    issuer = make(vault, server=server)
    operation = order(issuer, next_step_at=None)
    issuer.pause_for_credentials("401")

    configuring.test_issuer(issuer=Issuer.objects.get(), by=BY)

    assert Issuer.objects.get().pause == ""
    operation.refresh_from_db()
    assert operation.next_step_at is not None
    assert operation.next_step_at <= timezone.now()
    assert last_event().details == {"resumed": True}


def test_a_bad_test_ends_no_pause_and_a_good_one_leaves_the_ca_its_time(vault: Vault, server: ExampleServer) -> None:
    refused = make(vault, "refused", server=server, secrets={"password": "wrong"})
    refused.pause_for_credentials("401")
    slowed = make(vault, "slowed", server=server)
    slowed.pause_for_rate(timezone.now() + timedelta(minutes=5), "429")

    for issuer in Issuer.objects.all():
        configuring.test_issuer(issuer=issuer, by=BY)

    assert {one.name: one.pause for one in Issuer.objects.all()} == {"refused": "credentials", "slowed": "rate"}


def test_a_test_of_what_was_edited_meanwhile_counts_for_nothing(
    vault: Vault, server: ExampleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = make(vault, server=server)
    issuer.pause_for_credentials("401")
    stale = Issuer.objects.get()
    configuring.replace_secrets(issuer=issuer, secrets={"password": "wrong"}, by=BY)

    with pytest.raises(NotAllowedNow, match="changed during the test"):
        configuring.test_issuer(issuer=stale, by=BY)

    assert Issuer.objects.get().pause == "credentials"
    assert Issuer.objects.get().checked_at is None


def test_nobody_waits_for_a_ca_that_hangs(vault: Vault, server: ExampleServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "SECONDS", 0.2)
    monkeypatch.setattr(testing, "_places", threading.BoundedSemaphore(1))
    issuer = make(vault, server=server)
    server.wait = True
    try:
        found = configuring.test_issuer(issuer=issuer, by=BY)
        with pytest.raises(TooMany, match="Other tests are running"):
            configuring.test_issuer(issuer=Issuer.objects.get(), by=BY)
    finally:
        server.wait = False
        server.go_on.set()

    assert "did not answer within 0 seconds" in found.check.lines[0].text
    for thread in [one for one in threading.enumerate() if one.name == "issuer test"]:
        thread.join(10)


def test_a_bug_in_an_adapter_is_told_without_what_it_might_hold(
    vault: Vault, server: ExampleServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    issuer = make(vault, server=server)

    def broken(*_: Any) -> None:
        raise KeyError(CANARY)

    monkeypatch.setattr(issuers, "build", broken)
    found = configuring.test_issuer(issuer=issuer, by=BY)

    assert "broke on our side" in found.check.lines[0].text
    assert "KeyError" in caplog.text
    assert CANARY not in caplog.text + str(found)


def test_values_are_tried_before_they_are_saved(vault: Vault, server: ExampleServer) -> None:
    found = configuring.try_values(vault=vault, given=given(server), by=BY)
    assert found.check.ok
    assert not Issuer.objects.exists()

    issuer = make(vault, server=server)
    changed = given(server, config={"account_id": "9"}, secrets={})
    tried = configuring.try_values(vault=vault, given=changed, issuer=issuer, by=BY)

    assert [line.ok for line in tried.check.lines] == [True, False]
    assert Issuer.objects.get().checked_at is None
    assert last_event().details == {"saved": False}


# ------------------------------------------------------- on, off, and away
def test_a_disabled_issuer_takes_no_new_orders(vault: Vault) -> None:
    issuer = make(vault)

    configuring.set_enabled(issuer=issuer, enabled=False, by=BY)
    configuring.set_enabled(issuer=issuer, enabled=False, by=BY)
    assert issuers.names(vault) == ("Self", "Unknown")
    configuring.set_enabled(issuer=issuer, enabled=True, by=BY)

    assert issuers.names(vault) == ("Self", "Unknown", "example")
    actions = AuditEvent.objects.filter(action__startswith="issuers/").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["issuers/create", "issuers/disable", "issuers/enable"]


def test_an_issuer_with_open_orders_stays_and_says_whose_they_are(vault: Vault) -> None:
    issuer = make(vault)
    operations = [order(issuer, f"www{number}") for number in range(4)]

    with pytest.raises(NotAllowedNow, match="open orders for “www3”, “www2”, “www1” and others"):
        configuring.delete_issuer(issuer=issuer, by=BY)
    for operation in operations:
        operation.delete_softly()
    configuring.delete_issuer(issuer=issuer, by=BY)

    assert not Issuer.objects.exists()
    with pytest.raises(NotAllowedNow, match="removed already"):
        configuring.delete_issuer(issuer=issuer, by=BY)
    operations[0].refresh_from_db()
    assert operations[0].issuer is None
    assert operations[0].issuer_name == "example"


def test_who_needs_an_issuer(vault: Vault, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    issuer = make(vault)
    operation = order(issuer)
    order(issuer, "ended", status="cancelled", watch_at=timezone.now())
    make_certificate(vault=vault, name="shop")
    Certificate.objects.filter(name="shop").update(issuer_name="example")
    make_certificate(vault=vault, name="own")

    with django_assert_num_queries(3):
        users = configuring.users_of(issuer)

    assert users.operations == (operation,)
    assert users.certificates == ("shop",)
    assert (users.has_more_operations, users.has_more_certificates, users.watched) == (False, False, 1)


# --------------------------------------------------------------------- figures
def test_how_issuers_fare(vault: Vault, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    busy, idle = make(vault, "busy"), make(vault, "idle")
    now = timezone.now()
    for number in range(1, 21):
        times = {"submitted_at": now - timedelta(minutes=number), "ended_at": now}
        order(busy, f"done{number}", status="completed", **times)
    order(busy, "running")
    order(busy, "failed", status="failed", ended_at=now - timedelta(hours=1))
    order(busy, "failed-before", status="failed", ended_at=now - timedelta(hours=25))

    with django_assert_num_queries(2):
        rows = list(configuring.with_counts(Issuer.objects.filter(vault=vault).light()))
        health = configuring.health_of(rows)

    found = health[busy.pk]
    assert (found.open, found.failed, found.issued) == (1, 1, 20)
    assert (found.median, found.slow) == (timedelta(minutes=10), timedelta(minutes=19))
    assert (health[idle.pk].open, health[idle.pk].issued, health[idle.pk].median) == (0, 0, None)
    assert configuring.health_of([]) == {}


def test_times_are_those_of_the_last_orders(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.lifecycle.configuring.fares.SAMPLE", 2)
    issuer, now = make(vault), timezone.now()
    for hours, minutes in ((3, 60), (2, 2), (1, 1)):
        ended = now - timedelta(hours=hours)
        order(issuer, f"of{hours}", status="completed", submitted_at=ended - timedelta(minutes=minutes), ended_at=ended)

    rows = list(configuring.with_counts(Issuer.objects.all()))

    assert configuring.health_of(rows)[issuer.pk].issued == 2
    assert configuring.health_of(rows)[issuer.pk].slow == timedelta(minutes=2)


def test_refusals_of_a_ca_that_are_of_before_an_edit_pause_nothing(vault: Vault) -> None:
    issuer = make(vault)
    stale = Issuer.objects.get()
    configuring.replace_secrets(issuer=issuer, secrets={"password": "n3w"}, by=actor_of(make_user()))

    pausing.for_credentials(stale, NotAuthorised("401"))

    assert Issuer.objects.get().pause == ""
