"""The people of the portal, for portal administrators."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from portal import setup
from portal.models import Membership, Role, User
from tests.factories import make_member, make_user, make_vault
from vault.keys import ring
from vault.models import AuditEvent, RingKey
from vault.models.audit import PORTAL, SYSTEM, record

ClientOf = Callable[[User], Client]
INDEX, INVITE = reverse("people:index"), reverse("people:invite")
GRACE = {"username": "grace", "full_name": "Grace Hopper", "email": "grace@example.org"}


@pytest.fixture
def root() -> User:
    return make_user("root", staff=True)


@pytest.fixture
def browser(client_of: ClientOf, root: User) -> Client:
    return client_of(root)


def pages(person: User) -> list[tuple[str, str]]:
    """Every page and action here, with its method."""
    return [
        ("get", INDEX),
        ("get", INVITE),
        ("post", INVITE),
        ("get", reverse("people:detail", args=[person.pk])),
        ("post", reverse("people:detail", args=[person.pk])),
        ("post", reverse("people:link", args=[person.pk])),
        ("post", reverse("people:active", args=[person.pk])),
        ("post", reverse("people:administrator", args=[person.pk])),
        ("post", reverse("people:ring-backup")),
        ("get", reverse("people:audit")),
        ("get", reverse("people:audit-csv")),
    ]


def link_in(page: str) -> str:
    found = re.search(r"http://testserver(/invitation/[\w-]+/)", page)
    assert found
    return found[1]


def test_nobody_but_portal_administrators_opens_any_of_it(client_of: ClientOf, root: User) -> None:
    officer = make_member(make_vault(), Role.ADMINISTRATOR)
    browser = client_of(officer)

    answers = [getattr(browser, method)(url) for method, url in pages(root)]

    assert {answer.status_code for answer in answers} == {403}
    assert "Ask root" in answers[0].content.decode()
    assert User.objects.get(pk=root.pk).is_active


def test_who_is_not_signed_in_is_sent_to_the_sign_in(client: Client, root: User) -> None:
    answers = [getattr(client, method)(url) for method, url in pages(root)]

    assert {answer.status_code for answer in answers} == {302}


# --------------------------------------------------------------------- the list
def test_the_list_costs_the_same_however_many_people_there_are(
    browser: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    User.objects.bulk_create(User(username=f"person{number:04}", password="!x") for number in range(120))
    RingKey.objects.update_or_create(pk=ring.current().active)
    setup.confirm_ring_backup(User.objects.get(username="root"), SYSTEM)
    browser.get(INDEX)  # writes the session, once a minute

    with django_assert_max_num_queries(4):
        page = browser.get(INDEX)
    second = browser.get(INDEX + page.context["people"].next_url)

    assert len(page.context["people"]) == 50
    assert second.context["people"].rows[0].username == "person0050"


@pytest.mark.parametrize("words", ["lovelace", "ADA love", "example.org", "ada"])
def test_people_are_found_by_parts_of_name_and_address(browser: Client, words: str) -> None:
    make_user("bob")
    User.objects.create(username="al1", first_name="Ada", last_name="Lovelace", email="ada@example.org")

    page = browser.get(INDEX, {"q": words})

    assert [person.username for person in page.context["people"]] == ["al1"]


def test_states_filter_and_unknown_ones_are_ignored(browser: Client) -> None:
    make_user("boss", staff=True)
    User.objects.create(username="new", password="!unusable")
    User.objects.create(username="gone", is_active=False)

    def names(state: str) -> list[str]:
        return [person.username for person in browser.get(INDEX, {"state": state}).context["people"]]

    assert names("administrators") == ["boss", "root"]
    assert names("invited") == ["new"]
    assert names("deactivated") == ["gone"]
    assert names("' OR 1=1") == ["boss", "gone", "new", "root"]


@pytest.mark.parametrize("words", ["\x00", "%", "_", "\u202e", "x" * 10_000, "a b c d e f g h", "<script>"])
@pytest.mark.parametrize("after", ["", "x", "W10", "bnVsbA", "W3sidiI6ICJcdTAwMDAifSwgMV0", "999"])
def test_no_search_breaks_the_list(browser: Client, words: str, after: str) -> None:
    answer = browser.get(INDEX, {"q": words, "after": after, "state": words})

    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()


# ---------------------------------------------------------------------- inviting
def test_an_invited_person_comes_in_with_the_link_that_is_shown_once(browser: Client, root: User) -> None:
    answer = browser.post(INVITE, GRACE)

    link = link_in(answer.content.decode())
    came = Client().post(link, {"password": "seven tall green trees"})
    grace = User.objects.get(username="grace")
    assert came.status_code == 303
    assert (grace.title, grace.email, grace.is_staff) == ("Grace Hopper", "grace@example.org", False)
    assert link not in browser.get(reverse("people:detail", args=[grace.pk])).content.decode()
    event = AuditEvent.objects.get(action="people/invite")
    assert (event.actor, event.target) == ("root", "people/grace")
    assert link.split("/")[2] not in str(AuditEvent.objects.values())


def test_the_link_is_mailed_where_mail_works(browser: Client, settings: Settings) -> None:
    settings.MAIL_WORKS = True

    page = browser.post(INVITE, GRACE).content.decode()

    assert "mailed as well" in page
    assert mail.outbox[0].to == ["grace@example.org"]
    assert link_in(page) in mail.outbox[0].body


def test_a_mail_server_that_fails_does_not_lose_the_link(browser: Client, settings: Settings) -> None:
    settings.MAIL_WORKS = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    page = browser.post(INVITE, GRACE).content.decode()

    assert "did not take the mail" in page
    assert link_in(page)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"username": "ROOT"}, "user name “ROOT” already"),
        ({"email": "ROOT@example.org"}, "has the address “ROOT@example.org” already"),
        ({"username": ""}, "Choose a user name"),
        ({"username": "two words"}, "letters, digits"),
        ({"username": "x" * 151}, "too long"),
        ({"username": "<script>"}, "letters, digits"),
        ({"username": "a\x00b"}, "Null characters"),
        ({"full_name": ""}, "Give the full name"),
        ({"full_name": "Grace\u202eHopper"}, "cannot be seen"),
        ({"full_name": "G\x07"}, "cannot be seen"),
        ({"full_name": "x" * 151}, "too long"),
        ({"email": "nobody"}, "not an e-mail address"),
        ({"email": "a@" + "x" * 300 + ".example"}, "too long"),
    ],
)
def test_a_bad_invitation_comes_back_whole_with_the_reason(
    browser: Client, root: User, changes: dict[str, str], sentence: str
) -> None:
    User.objects.filter(pk=root.pk).update(email="root@example.org")

    answer = browser.post(INVITE, GRACE | changes)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert "Error: " in page
    assert 'value="' in page
    assert User.objects.count() == 1


def test_a_live_check_judges_only_its_field(browser: Client) -> None:
    headers = {"HX-Request": "true", "HX-Target": "id_username_slot"}

    bad = browser.post(INVITE, {"username": "two words"}, headers=headers)
    empty = browser.post(INVITE, {"username": ""}, headers=headers)
    strange = browser.post(INVITE, GRACE, headers=headers | {"HX-Target": "id_nothing_slot"})

    assert "letters, digits" in bad.content.decode()
    assert empty.content == strange.content == b""
    assert User.objects.count() == 1


# -------------------------------------------------------------------- one person
def test_name_and_address_can_be_changed(browser: Client) -> None:
    person = make_user("ada")

    browser.post(reverse("people:detail", args=[person.pk]), {"full_name": "  Ada  King ", "email": "a@example.org"})

    person.refresh_from_db()
    assert (person.title, person.last_name, person.email) == ("Ada King", "King", "a@example.org")
    assert AuditEvent.objects.get(action="people/update").details == {"changed": ["name", "email"]}


def test_a_taken_address_is_refused_beside_its_field(browser: Client) -> None:
    make_user("bob", email="bob@example.org")
    person = make_user("ada")

    answer = browser.post(reverse("people:detail", args=[person.pk]), {"full_name": "Ada", "email": "Bob@example.org"})

    assert answer.status_code == 422
    assert answer.context["form"].errors["email"]
    assert "Bob@example.org" in answer.content.decode()


def test_the_page_shows_roles_and_the_groups_they_come_from(browser: Client) -> None:
    person = make_member(make_vault("payments"), Role.READER)
    group = Group.objects.create(name="Operators")
    person.groups.add(group)
    Membership.objects.create(vault=make_vault("web"), group=group, role=Role.OFFICER)

    page = browser.get(reverse("people:detail", args=[person.pk])).content.decode()

    assert "payments" in page
    assert "through Operators" in page


def test_a_new_link_ends_the_one_before_and_leaves_the_password_until_it_is_used(browser: Client) -> None:
    person = make_user("ada")
    person.set_password("three small blue boats")
    person.save()
    url = reverse("people:link", args=[person.pk])

    first = link_in(browser.post(url).content.decode())
    second = link_in(browser.post(url).content.decode())

    assert Client().get(first).status_code == 404
    assert Client().get(second).status_code == 200
    person.refresh_from_db()
    assert person.check_password("three small blue boats")


def test_a_deactivated_person_is_out_with_the_next_request_and_can_be_let_in_again(
    browser: Client, client_of: ClientOf
) -> None:
    person = make_user("ada")
    theirs = client_of(person)
    url = reverse("people:active", args=[person.pk])
    link = link_in(browser.post(reverse("people:link", args=[person.pk])).content.decode())

    browser.post(url, {"active": "no"})

    assert theirs.get(reverse("home")).status_code == 302
    assert Client().get(link).status_code == 404
    browser.post(url, {"active": "yes"})
    assert client_of(person).get(reverse("home")).status_code == 200
    assert list(AuditEvent.objects.filter(chain=PORTAL).order_by("sequence").values_list("action", flat=True)) == [
        "people/link",
        "people/deactivate",
        "people/activate",
    ]


def test_no_link_is_made_for_a_deactivated_person(browser: Client) -> None:
    person = make_user("ada")
    User.objects.filter(pk=person.pk).update(is_active=False)

    answer = browser.post(reverse("people:link", args=[person.pk]))

    assert answer.status_code == 409
    assert "is deactivated" in answer.content.decode()


def test_the_right_to_administer_is_granted_and_withdrawn(browser: Client) -> None:
    person = make_user("ada")
    url = reverse("people:administrator", args=[person.pk])

    browser.post(url, {"administrator": "yes"})
    granted = User.objects.get(pk=person.pk).is_staff
    browser.post(url, {"administrator": "no"})

    assert granted
    assert not User.objects.get(pk=person.pk).is_staff


@pytest.mark.parametrize(("view", "sent"), [("active", {"active": "no"}), ("administrator", {"administrator": "no"})])
def test_nobody_shuts_themselves_out(browser: Client, root: User, view: str, sent: dict[str, str]) -> None:
    make_user("other", staff=True)

    answer = browser.post(reverse(f"people:{view}", args=[root.pk]), sent)

    root.refresh_from_db()
    assert answer.status_code == 403
    assert "another portal administrator" in answer.content.decode()
    assert (root.is_active, root.is_staff) == (True, True)


def test_a_person_who_does_not_exist_is_not_found(browser: Client) -> None:
    assert browser.get(reverse("people:detail", args=[2**62])).status_code == 404
    assert browser.get(reverse("people:detail", args=[2**70])).status_code == 404


# ------------------------------------------------------------ ring and the trail
def test_the_warning_about_the_ring_goes_when_its_backup_is_confirmed(browser: Client) -> None:
    setup._backed_up.clear()
    RingKey.objects.get_or_create(pk=ring.current().active)

    before = browser.get(INDEX).content.decode()
    answer = browser.post(reverse("people:ring-backup"), {"next": INDEX})
    after = browser.get(INDEX).content.decode()
    setup._backed_up.clear()

    assert "Back up the key ring" in before
    assert answer["Location"] == INDEX
    assert "Back up the key ring" not in after
    assert AuditEvent.objects.filter(action="ring/backed-up").count() == 1


def test_the_portals_trail_holds_no_vaults_events_and_is_exported_with_an_event(browser: Client) -> None:
    make_vault("payments")
    record("people/invite", "people/ada", by=SYSTEM)

    page = browser.get(reverse("people:audit")).content.decode()
    answer = browser.get(reverse("people:audit-csv"))

    assert "people/ada" in page
    assert "vaults/payments" not in page
    assert b"people/ada" in b"".join(answer.streaming_content)
    assert AuditEvent.objects.filter(chain=PORTAL, action="audit/export", actor="root").count() == 1
