"""Signing in and out, passwords, invitations, the theme."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from pytest_django import DjangoAssertNumQueries, Settings

from portal.models import Invitation, Role, User
from tests.factories import make_member, make_user, make_vault
from vault.models import AuditEvent

SIGN_IN = reverse("accounts:sign-in")
PASSWORD = "three small blue boats"
OTHER = "seven tall green trees"
ClientOf = Callable[[User], Client]


@pytest.fixture
def ada() -> User:
    user = make_user("ada", email="ada@example.org")
    user.first_name, user.last_name = "Ada", "Lovelace"
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def mail_works(settings: Settings) -> Iterator[None]:
    settings.MAIL_WORKS = True
    settings.PORTAL_URL = "https://certificates.example.org"
    yield
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join()


def mailed_link() -> str:
    """The path of the link in the only mail, which may still be under way."""
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join()
    (message,) = mail.outbox
    found = re.search(r"https?://[^/]+(/\S+)", message.body)
    assert found
    return found[1]


def reset_path(user: User) -> str:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("accounts:reset-confirm", args=[uid, default_token_generator.make_token(user)])


# ------------------------------------------------------------------- signing in
def test_the_right_password_signs_in_and_is_noted(client: Client, ada: User) -> None:
    answer = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (303, reverse("home"))
    assert client.get(reverse("home")).context["user"] == ada
    event = AuditEvent.objects.get(chain=0, action="accounts/sign-in")
    assert (event.actor, event.target, event.result, event.address) == ("ada", "people/ada", "done", "127.0.0.1")


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client: Client, ada: User) -> None:
    wrong = client.post(SIGN_IN, {"username": "ada", "password": "no"})
    unknown = client.post(SIGN_IN, {"username": "bob", "password": "no"})

    def words(answer: str) -> str:
        return re.sub(r'csrf[^>]*|value="[^"]*"', "", answer)

    assert wrong.status_code == unknown.status_code == 422
    assert words(wrong.content.decode()) == words(unknown.content.decode())
    assert "do not fit" in wrong.content.decode()


def test_a_failed_sign_in_is_noted_without_password_and_without_unknown_names(client: Client, ada: User) -> None:
    client.post(SIGN_IN, {"username": "ADA", "password": "secret-one"})
    client.post(SIGN_IN, {"username": "my-password-by-mistake", "password": "secret-two"})

    events = AuditEvent.objects.filter(chain=0).order_by("sequence")
    assert [(event.target, event.result) for event in events] == [
        ("people/ada", "refused"),
        ("people/(unknown)", "refused"),
    ]
    everything = str(list(events.values()))
    assert "secret" not in everything
    assert "mistake" not in everything


def test_the_spelling_of_a_user_name_does_not_matter(client: Client, ada: User) -> None:
    answer = client.post(SIGN_IN, {"username": " ADA ", "password": PASSWORD})

    assert answer.status_code == 303


def test_five_failures_lock_the_name_in_any_spelling_with_a_page_that_says_so(client: Client, ada: User) -> None:
    for name in ("ada", "ADA", "Ada", "aDa", "ada"):
        last = client.post(SIGN_IN, {"username": name, "password": "no"})

    after = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})

    assert last.status_code == after.status_code == 429
    assert "quarter of an hour" in after.content.decode()
    assert AuditEvent.objects.filter(chain=0, result="locked").exists()


def test_an_address_that_tries_many_names_is_told_to_wait(client: Client, ada: User, settings: Settings) -> None:
    settings.SIGN_INS_PER_ADDRESS = 3
    for name in ("eve", "mallory", "trudy"):
        assert client.post(SIGN_IN, {"username": name, "password": "no"}).status_code == 422

    mine = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})
    elsewhere = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7")

    assert (mine.status_code, elsewhere.status_code) == (429, 303)
    assert "came from your address" in mine.content.decode()
    assert 0 < int(mine["Retry-After"]) <= 60


def test_a_deactivated_person_cannot_sign_in(client: Client, ada: User) -> None:
    User.objects.update(is_active=False)

    answer = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "next_", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "relative", "/a\nb"]
)
def test_signing_in_never_leads_to_another_site(client: Client, ada: User, next_: str) -> None:
    answer = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD, "next": next_})

    assert answer["Location"] == reverse("home")


def test_signing_in_leads_back_to_the_page_one_wanted(client: Client, ada: User) -> None:
    wanted = client.get(reverse("accounts:detail"))
    page = client.get(wanted["Location"])

    answer = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD, "next": page.context["next"]})

    assert answer["Location"] == reverse("accounts:detail")


def test_signing_in_changes_the_session_key(client: Client, ada: User) -> None:
    client.get(SIGN_IN)
    client.session.save()
    before = client.cookies.get("session")

    client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})

    assert client.cookies["session"] != before


@pytest.mark.parametrize("name", ["", "\x00", "\u202eada", "<script>alert(1)</script>", "x" * 100_000])
@pytest.mark.parametrize("password", ["", "\x00", "x" * 100_000])
def test_no_sign_in_breaks_the_page(client: Client, name: str, password: str) -> None:
    answer = client.post(SIGN_IN, {"username": name, "password": password})

    assert answer.status_code == 422
    assert "<script>alert" not in answer.content.decode()


def test_who_is_signed_in_is_not_asked_again(client_of: ClientOf, ada: User) -> None:
    answer = client_of(ada).get(SIGN_IN)

    assert answer["Location"] == reverse("home")


def test_signing_out_takes_a_post(client_of: ClientOf, ada: User) -> None:
    browser = client_of(ada)

    assert browser.get(reverse("accounts:sign-out")).status_code == 405
    assert browser.post(reverse("accounts:sign-out"), follow=True).redirect_chain == [(SIGN_IN, 303)]
    assert browser.get(reverse("accounts:detail")).status_code == 302


def test_a_post_without_csrf_token_changes_nothing(ada: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")

    assert browser.post(reverse("accounts:sign-out")).status_code == 403
    assert browser.get(reverse("accounts:detail")).status_code == 200


# ------------------------------------------------------------------ the account
def test_the_account_page_shows_who_one_is_and_ones_vaults(client_of: ClientOf, ada: User) -> None:
    make_member(make_vault("payments"), Role.OFFICER, ada)
    make_vault("secret-place")

    page = client_of(ada).get(reverse("accounts:detail")).content.decode()

    assert "Ada Lovelace" in page
    assert "payments" in page
    assert "Officer" in page
    assert "secret-place" not in page


def test_a_first_password_has_to_be_changed_before_anything_else(client_of: ClientOf, ada: User) -> None:
    User.objects.update(must_change_password=True)
    browser = client_of(ada)

    sent = browser.get(reverse("home"))
    page = browser.get(sent["Location"]).content.decode()
    changed = browser.post(reverse("accounts:password"), {"current": PASSWORD, "password": OTHER})

    assert sent["Location"] == reverse("accounts:password")
    assert "Choose one that only you know" in page
    assert changed.status_code == 303
    assert browser.get(reverse("home")).status_code == 200
    assert AuditEvent.objects.filter(chain=0, action="accounts/change-password").count() == 1


def test_changing_the_password_ends_all_other_sessions(client_of: ClientOf, ada: User) -> None:
    here, there = client_of(ada), client_of(ada)

    here.post(reverse("accounts:password"), {"current": PASSWORD, "password": OTHER})

    assert here.get(reverse("accounts:detail")).status_code == 200
    assert there.get(reverse("accounts:detail")).status_code == 302


@pytest.mark.parametrize(
    ("current", "password", "sentence"),
    [
        ("wrong", OTHER, "not your current password"),
        (PASSWORD, PASSWORD, "the password you have"),
        (PASSWORD, "short", "too short"),
        (PASSWORD, "password1234", "too common"),
        (PASSWORD, "ada@example.org", "too similar"),
        (PASSWORD, "x" * 5000, "too long"),
        (PASSWORD, "a\x00" * 10, "Null characters"),
        ("", "", "Type your current password"),
    ],
)
def test_a_bad_new_password_is_refused_in_words(
    client_of: ClientOf, ada: User, current: str, password: str, sentence: str
) -> None:
    answer = client_of(ada).post(reverse("accounts:password"), {"current": current, "password": password})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


# -------------------------------------------------------------------- the theme
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_is_remembered_in_a_cookie_and_one_stays_where_one_was(client: Client, theme: str) -> None:
    answer = client.post(reverse("accounts:theme"), {"theme": theme, "next": "/vaults/?q=1"})

    assert answer["Location"] == "/vaults/?q=1"
    assert client.cookies["theme"].value == theme
    assert f'data-theme="{theme}"' in client.get(SIGN_IN).content.decode()


def test_any_other_theme_follows_the_system_again(client: Client) -> None:
    client.post(reverse("accounts:theme"), {"theme": "dark"})

    answer = client.post(reverse("accounts:theme"), {"theme": '"><script>', "next": "//evil.example"})

    assert client.cookies["theme"].value == ""
    assert answer["Location"] == "/"


# -------------------------------------------------------------------- the reset
def test_without_a_mail_server_the_reset_page_says_whom_to_ask(client: Client, ada: User) -> None:
    page = client.get(reverse("accounts:reset")).content.decode()
    answer = client.post(reverse("accounts:reset"), {"email": "ada@example.org"})

    assert "no mail server set up" in page
    assert answer.status_code == 200
    assert mail.outbox == []


@pytest.mark.usefixtures("mail_works")
def test_a_mailed_link_sets_a_new_password_once(client: Client, ada: User) -> None:
    asked = client.post(reverse("accounts:reset"), {"email": "ADA@example.org"})
    link = mailed_link()
    form = client.get(link)
    done = client.post(link, {"password": OTHER})
    again = client.post(link, {"password": PASSWORD})

    assert asked["Location"] == reverse("accounts:reset-sent")
    assert "ada" in form.content.decode()
    assert done["Location"] == SIGN_IN
    assert again.status_code == 404
    ada.refresh_from_db()
    assert ada.check_password(OTHER)


@pytest.mark.usefixtures("mail_works")
def test_a_reset_link_is_for_the_portals_own_address_whatever_the_request_says(client: Client, ada: User) -> None:
    client.post(reverse("accounts:reset"), {"email": "ada@example.org"}, headers={"host": "localhost"})
    mailed_link()

    assert "https://certificates.example.org/password-reset/" in mail.outbox[0].body
    assert mail.outbox[0].to == ["ada@example.org"]


@pytest.mark.usefixtures("mail_works")
def test_asking_for_an_unknown_address_gets_the_same_answer_and_no_mail(client: Client, ada: User) -> None:
    known = client.post(reverse("accounts:reset"), {"email": "ada@example.org"})
    unknown = client.post(reverse("accounts:reset"), {"email": "bob@example.org"})
    mailed_link()

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("mail_works")
def test_nobody_is_mailed_more_than_three_reset_links_an_hour(client: Client, ada: User) -> None:
    for _ in range(5):
        answer = client.post(reverse("accounts:reset"), {"email": "ada@example.org"})
        [thread.join() for thread in threading.enumerate() if thread.name == "mail"]

    assert answer.status_code == 303
    assert len(mail.outbox) == 3


@pytest.mark.usefixtures("mail_works")
@pytest.mark.parametrize("email", ["", "nobody", "a@b\n.example", "\x00@example.org", "x" * 10_000 + "@example.org"])
def test_what_is_no_address_is_refused_in_words(client: Client, email: str) -> None:
    answer = client.post(reverse("accounts:reset"), {"email": email})

    assert answer.status_code == 422


def test_a_reset_link_ends_after_half_an_hour(client: Client, ada: User) -> None:
    with time_machine.travel("2026-11-23T09:00:00Z", tick=False) as clock:
        link = reset_path(ada)
        early = client.get(link)
        clock.shift(timedelta(minutes=31))
        late = client.get(link)

    assert (early.status_code, late.status_code) == (200, 404)


def test_a_reset_link_of_a_deactivated_person_does_not_work(client: Client, ada: User) -> None:
    link = reset_path(ada)
    User.objects.update(is_active=False)

    assert client.get(link).status_code == 404


@pytest.mark.parametrize("path", ["x/y", "MQ/y", "////", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5/x", "LTE/x", "%00/%00"])
def test_a_broken_reset_link_says_that_it_does_not_work(client: Client, ada: User, path: str) -> None:
    assert client.get(f"/password-reset/{path}/").status_code == 404


def test_a_reset_unlocks_a_locked_name(client: Client, ada: User) -> None:
    for _ in range(6):
        client.post(SIGN_IN, {"username": "ada", "password": "no"})

    client.post(reset_path(ada), {"password": OTHER})

    assert client.post(SIGN_IN, {"username": "ada", "password": OTHER}).status_code == 303


# --------------------------------------------------------------- the invitation
def invited() -> tuple[User, str]:
    user = make_user("grace")
    user.set_unusable_password()
    user.save()
    return user, reverse("accounts:invitation", args=[Invitation.issue(user)])


def test_an_invitation_sets_a_password_and_signs_in_once(client: Client) -> None:
    user, link = invited()

    looked = client.get(link)
    done = client.post(link, {"password": OTHER})
    again = Client().post(link, {"password": PASSWORD})

    assert looked.status_code == 200
    assert done["Location"] == reverse("home")
    assert client.get(reverse("home")).context["user"] == user
    assert again.status_code == 404
    user.refresh_from_db()
    assert user.check_password(OTHER)


def test_looking_at_an_invitation_does_not_use_it_up(client: Client) -> None:
    _, link = invited()

    for _ in range(3):
        client.get(link)

    assert client.post(link, {"password": OTHER}).status_code == 303


def test_a_bad_password_leaves_the_invitation_open(client: Client) -> None:
    _, link = invited()

    refused = client.post(link, {"password": "short"})

    assert refused.status_code == 422
    assert client.post(link, {"password": OTHER}).status_code == 303


def test_an_invitation_that_someone_else_used_a_moment_earlier_is_refused(client: Client) -> None:
    user, link = invited()
    Invitation.issue(user)

    answer = client.post(link, {"password": OTHER})

    assert answer.status_code == 404
    assert "does not work any more" in answer.content.decode()


def test_an_invitation_ends_after_a_week(client: Client) -> None:
    with time_machine.travel("2026-11-23T09:00:00Z", tick=False) as clock:
        _, link = invited()
        clock.shift(timedelta(days=7, seconds=1))
        answer = client.get(link)

    assert answer.status_code == 404


def test_no_page_for_strangers_tells_the_database_much(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(1):
        client.get(SIGN_IN)
        client.get(reverse("accounts:reset"))
