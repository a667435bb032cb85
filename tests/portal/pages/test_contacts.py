"""A vault's contacts, whether mail reaches them, and the ledger of notices."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from portal.pages import contacts as pages
from tests.factories import make_certificate, make_member, make_notice, make_user, make_vault
from vault.errors import BadParameter, NotAllowedNow
from vault.lifecycle import contacts
from vault.lifecycle.contacts import Person
from vault.models import AuditEvent, Contact, Mail, Notice, Vault
from vault.models.audit import SYSTEM

ClientOf = Callable[[User], Client]
INDEX, ADD = reverse("contacts:index", args=["payments"]), reverse("contacts:add", args=["payments"])


@pytest.fixture(autouse=True)
def _mail_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAIL_WORKS", True)


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def browser(client_of: ClientOf, vault: Vault) -> Client:
    return client_of(make_member(vault, Role.ADMINISTRATOR, make_user("boss")))


def contact(vault: Vault, email: str = "ops@example.org", **facts: str) -> Contact:
    return contacts.add_contact(vault=vault, person=Person(email=email, **facts), by=SYSTEM)


def url(name: str, one: Contact) -> str:
    return reverse(f"contacts:{name}", args=["payments", one.pk])


def emails(vault: Vault) -> list[str]:
    return list(Contact.objects.filter(vault=vault).values_list("email", flat=True))


def last_event() -> AuditEvent:
    return AuditEvent.objects.filter(action__startswith="contacts/").latest("id")


# --------------------------------------------------------------------- who may
@pytest.mark.parametrize("role", [Role.READER, Role.REQUESTER, Role.OFFICER, Role.AUDITOR])
def test_other_roles_neither_see_nor_change_contacts(client_of: ClientOf, vault: Vault, role: Role) -> None:
    one = contact(vault)
    browser = client_of(make_member(vault, role))

    answers = [
        browser.get(INDEX),
        browser.post(ADD, {"email": "eve@example.org"}),
        browser.post(url("edit", one), {"email": "eve@example.org"}),
        browser.post(url("remove", one)),
        browser.post(url("test", one)),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert emails(vault) == ["ops@example.org"]
    assert not Mail.objects.exists()
    members = browser.get(reverse("members:index", args=["payments"])).content.decode()
    assert INDEX not in members


def test_a_stranger_finds_nothing(client_of: ClientOf, vault: Vault) -> None:
    browser = client_of(make_user(staff=True))

    assert {browser.get(each).status_code for each in (INDEX, ADD, url("edit", contact(vault)))} == {404}


def test_contacts_of_another_vault_are_not_touched(browser: Client, client_of: ClientOf) -> None:
    other = contact(make_vault("elsewhere"))

    answers = [browser.post(url(name, other), {"email": "eve@example.org"}) for name in ("edit", "remove", "test")]

    assert {answer.status_code for answer in answers} == {404}
    assert Contact.objects.get().email == "ops@example.org"


# -------------------------------------------------------------------- changing
def test_a_contact_is_added_changed_and_removed(browser: Client, vault: Vault) -> None:
    contact(vault, "first@example.org")

    added = browser.post(ADD, {"email": "ops@example.org", "name": "Operators", "phone": "+43 1 234"})
    one = Contact.objects.get(email="ops@example.org")
    assert added["Location"] == INDEX
    assert (one.name, one.phone) == ("Operators", "+43 1 234")
    assert (last_event().action, last_event().actor, last_event().details) == (
        "contacts/add",
        "boss",
        {"contact": "ops@example.org"},
    )

    browser.post(url("edit", one), {"email": "night@example.org", "name": "Night shift", "phone": ""})
    assert emails(vault) == ["first@example.org", "night@example.org"]
    assert last_event().details == {"contact": "night@example.org", "before": "ops@example.org"}

    browser.post(url("remove", one))
    assert emails(vault) == ["first@example.org"]
    assert last_event().action == "contacts/remove"


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("", "Give an e-mail address"),
        ("nobody", "not an e-mail address"),
        ("OPS@example.org", "is there twice"),
        ("*@*.example.org", "not an e-mail address"),
        ("a" * 250 + "@example.org", "too long"),
    ],
)
def test_a_bad_contact_comes_back_with_the_reason(browser: Client, vault: Vault, email: str, sentence: str) -> None:
    contact(vault)

    answer = browser.post(ADD, {"email": email})

    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors["email"])
    assert emails(vault) == ["ops@example.org"]


def test_a_contact_may_keep_its_address_and_not_take_anothers(browser: Client, vault: Vault) -> None:
    one, other = contact(vault), contact(vault, "night@example.org")

    kept = browser.post(url("edit", one), {"email": "OPS@example.org", "name": "Operators"})
    taken = browser.post(url("edit", other), {"email": "ops@example.org"})

    assert (kept.status_code, taken.status_code) == (303, 422)
    assert emails(vault) == ["OPS@example.org", "night@example.org"]


def test_a_vault_has_a_hundred_contacts_at_most(vault: Vault) -> None:
    people = [Person(email=f"p{number}@example.org") for number in range(contacts.MOST)]
    contacts.set_contacts(vault=vault, people=people, by=SYSTEM)

    with pytest.raises(BadParameter, match="at most 100"):
        contact(vault)


def test_what_was_removed_meanwhile_is_neither_changed_nor_removed_again(browser: Client, vault: Vault) -> None:
    one = contact(vault)
    browser.post(url("remove", one))
    events = AuditEvent.objects.count()

    contacts.remove_contact(contact=one, by=SYSTEM)
    with pytest.raises(NotAllowedNow, match="no contact of “payments” any more"):
        contacts.change_contact(contact=one, person=Person(email="new@example.org"), by=SYSTEM)

    assert browser.post(url("remove", one)).status_code == 404
    assert AuditEvent.objects.count() == events


@pytest.mark.django_db(transaction=True)
def test_one_address_added_by_two_at_once_is_there_once(vault: Vault) -> None:
    gate, refused = threading.Barrier(3), []

    def add() -> None:
        gate.wait()
        try:
            contact(vault)
        except BadParameter as error:
            refused.append(str(error))
        connection.close()

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 2
    assert emails(vault) == ["ops@example.org"]


# ------------------------------------------------------------------------ tests
def test_a_test_is_queued_once_while_it_waits(browser: Client, vault: Vault) -> None:
    one = contact(vault, "Ops@example.org")

    for _ in range(2):
        assert browser.post(url("test", one))["Location"] == INDEX

    mail = Mail.objects.get()
    assert (mail.kind, mail.address, mail.vault, mail.state) == ("test", "ops@example.org", vault, "waiting")
    assert AuditEvent.objects.filter(action="contacts/test").count() == 1


def test_tests_are_counted(browser: Client, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "TESTS", 1)
    one = contact(vault)

    assert [browser.post(url("test", one)).status_code for _ in range(2)] == [303, 429]


def test_without_a_mail_server_the_page_says_so_and_sends_nothing(
    browser: Client, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAIL_WORKS", False)
    one = contact(vault)

    page = browser.get(INDEX).content.decode()
    browser.post(url("test", one))

    assert "No mail server is set up" in page
    assert "Send a test" not in page
    assert not Mail.objects.exists()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"state": Mail.State.SENT, "sent_at": timezone.now()}, ["Sent"]),
        ({}, ["Waiting"]),
        ({"attempts": 2, "said": "450 try later"}, ["Not delivered yet", "Tried 2 times: 450 try later", "Again"]),
        (
            {"state": Mail.State.FAILED, "attempts": 1, "said": "550 <unknown>", "next_try_at": None},
            ["Not delivered", "Tried 1 time: 550 &lt;unknown&gt;"],
        ),
    ],
)
def test_the_last_mail_to_a_contact_says_how_it_fared(
    browser: Client, vault: Vault, facts: dict[str, object], words: list[str]
) -> None:
    contact(vault, "Ops@example.org")
    Mail.objects.create(
        kind=Mail.Kind.TEST, address="ops@example.org", said="older", created_at=timezone.now() - timedelta(1)
    )
    Mail.objects.create(kind=Mail.Kind.TEST, address="ops@example.org", **facts)

    page = browser.get(INDEX).content.decode()

    assert all(each in page for each in words)
    assert "older" not in page


# ------------------------------------------------------------------- the ledger
def test_the_ledger_says_who_heard_what_and_what_they_said(browser: Client, vault: Vault) -> None:
    User.objects.create(username="ada", first_name="Ada", last_name="Lovelace", email="Ada@example.org")
    certificate = make_certificate(vault=vault, name="www")
    make_notice(certificate, "ada@example.org", settled="handed-over", handed_to="bob@example.org")
    make_notice(make_certificate(name="not-here"), "eve@example.org")

    page = browser.get(INDEX).content.decode()
    of_certificate = browser.get(reverse("ledgers:certificate", args=["payments", "www"])).content.decode()

    for text in (page, of_certificate):
        assert "Ada Lovelace" in text
        assert "Handed over to bob@example.org" in text
        assert "eve@example.org" not in text
    assert "/certificates/www/" in page


def test_the_page_costs_the_same_however_much_it_shows(
    browser: Client, vault: Vault, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    people = [Person(email=f"p{number}@example.org") for number in range(60)]
    contacts.set_contacts(vault=vault, people=people, by=SYSTEM)
    mails = Mail.objects.bulk_create(Mail(kind=Mail.Kind.TEST, address=one.email) for one in people for _ in range(2))
    certificates = [make_certificate(vault=vault) for _ in range(3)]
    Notice.objects.bulk_create(
        Notice(
            vault=vault,
            certificate=certificates[number % 3],
            about=f"{number:032x}",
            reason=Notice.Reason.NEAR,
            address=f"p{number % 60}@example.org",
            mail=mails[number],
        )
        for number in range(110)
    )
    browser.get(INDEX)

    with django_assert_max_num_queries(8):
        page = browser.get(INDEX)
    second = browser.get(INDEX + page.context["ledger"].page.next_url)
    of_one = reverse("ledgers:certificate", args=["payments", certificates[0].name])
    with django_assert_max_num_queries(6):
        browser.get(of_one)

    assert len(page.context["rows"]) == 60
    assert all(row.mail for row in page.context["rows"])
    assert len(page.context["ledger"].rows) == len(second.context["ledger"].rows) == 50
