"""Answering notices: from a mail without signing in, and signed in."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal import noticing
from portal.models import Membership, Role, User
from portal.pages import notices
from tests.factories import make_certificate, make_member, make_notice, make_user, make_vault
from tests.portal.browsing import answers_on
from vault.models import AuditEvent, Certificate, Notice, Vault

ClientOf = Callable[[User], Client]
INDEX = reverse("notices:index")


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def ada(vault: Vault) -> User:
    return make_member(vault, Role.OFFICER, person("ada"))


@pytest.fixture
def certificate(vault: Vault, ada: User) -> Certificate:
    return make_certificate(vault=vault, name="www", by=ada)


@pytest.fixture
def notice(certificate: Certificate) -> Notice:
    return make_notice(certificate, "ada@example.org", words="It is not renewed by itself.")


def person(name: str, full: str = "") -> User:
    first, _, last = full.partition(" ")
    return User.objects.create(username=name, first_name=first, last_name=last, email=f"{name}@example.org")


def link(notice: Notice) -> str:
    return reverse("notices:answer", args=[noticing.token_of(notice)])


def own(notice: Notice) -> str:
    return reverse("notices:detail", args=[notice.pk.hex])


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action__startswith="notices/").order_by("id"))


def settled(notice: Notice) -> str:
    return Notice.objects.get(pk=notice.pk).settled


# ----------------------------------------------------------- with a mailed link
def test_the_page_of_a_link_says_what_it_is_about(client: Client, notice: Notice) -> None:
    page = client.get(link(notice))

    text = page.content.decode()
    assert page.status_code == 200
    for words in ("www", "payments", "Expires soon", "It is not renewed by itself.", "Acknowledge"):
        assert words in text
    assert "example.org" not in text.replace("http://www.w3.org", "")


def test_the_address_of_the_page_goes_nowhere_else(client: Client, notice: Notice) -> None:
    for page in (client.get(link(notice)), client.get("/notices/never-was/")):
        assert page["Referrer-Policy"] == "strict-origin"
        assert page["Cache-Control"] == "no-store"
        assert page["X-Robots-Tag"] == "noindex"


def test_looking_answers_nothing(client: Client, notice: Notice) -> None:
    for way in (client.get, client.head):
        for query in ("", "?do=acknowledge", "?do=snooze&days=3"):
            assert way(link(notice) + query).status_code == 200
    assert client.put(link(notice)).status_code == client.delete(link(notice)).status_code == 405

    assert settled(notice) == ""
    assert not events()


def test_a_form_from_elsewhere_answers_nothing(notice: Notice) -> None:
    answer = Client(enforce_csrf_checks=True).post(link(notice), {"do": "acknowledge"})

    assert answer.status_code == 403
    assert settled(notice) == ""


def test_it_is_acknowledged_with_the_link_alone(client: Client, notice: Notice) -> None:
    answer = client.post(link(notice), {"do": "acknowledge"})

    assert (answer.status_code, answer["Location"]) == (303, link(notice))
    assert settled(notice) == "acknowledged"
    (event,) = events()
    assert (event.actor, event.actor_id, event.right, event.address) == (
        "ada@example.org",
        None,
        "mailed link",
        "127.0.0.1",
    )
    page = client.get(link(notice)).content.decode()
    assert "Acknowledged" in page
    assert "<button" not in page.split("<main")[1]


def test_answering_twice_is_answering_once(client: Client, notice: Notice) -> None:
    for does in ("acknowledge", "acknowledge", "snooze", "hand-over"):
        assert client.post(link(notice), {"do": does, "days": "3"}).status_code == 303

    assert len(events()) == 1


def test_it_is_put_off_with_the_link_alone(client: Client, notice: Notice) -> None:
    answer = client.post(link(notice), {"do": "snooze", "days": "7"})

    kept = Notice.objects.get(pk=notice.pk)
    assert answer.status_code == 303
    assert kept.snoozed_until is not None
    assert timedelta(days=6) < kept.snoozed_until - timezone.now() <= timedelta(days=7)
    assert "You will be reminded" in client.get(link(notice)).content.decode()


def test_a_reminder_comes_before_the_end(client: Client, certificate: Certificate) -> None:
    notice = make_notice(certificate, "ada@example.org", until=timezone.now() + timedelta(days=5))

    page = client.get(link(notice))
    answer = client.post(link(notice), {"do": "snooze", "days": "7"})

    assert [days for days, _ in page.context["answer"].snooze.fields["days"].choices] == [1, 3]
    assert answer.status_code == 422
    assert "too late" in answer.content.decode()


def test_what_has_ended_can_be_put_off_until_tomorrow(client: Client, certificate: Certificate) -> None:
    notice = make_notice(certificate, "ada@example.org", until=timezone.now() - timedelta(days=5))

    page = client.get(link(notice))

    assert [days for days, _ in page.context["answer"].snooze.fields["days"].choices] == [1]


def test_with_the_link_alone_it_goes_to_those_who_look_after_the_certificate(
    client: Client, vault: Vault, certificate: Certificate, notice: Notice
) -> None:
    make_member(vault, Role.ADMINISTRATOR, person("boss", "Bo Boss"))
    make_member(vault, Role.READER, person("rita", "Rita Reader"))
    make_member(vault, Role.OFFICER, User.objects.create(username="mute", first_name="Mute"))
    make_member(vault, Role.OFFICER, User.objects.create(username="gone", email="gone@example.org", is_active=False))
    deputy = make_member(vault, Role.REQUESTER, person("dan", "Dan Deputy"))
    certificate.hand_over(owner_id=certificate.owner_id, deputy_id=deputy.pk)
    boss = User.objects.get(username="boss")

    page = client.get(link(notice))
    text = page.content.decode()

    assert [words for _, words in page.context["answer"].hand_over.fields["person"].choices] == [
        "Choose someone",
        "Bo Boss",
        "Dan Deputy",
    ]
    assert not {name for name in ("boss@", "dan@", "Rita", "Mute", "also make") if name in text}
    assert client.post(link(notice), {"do": "hand-over", "person": str(boss.pk)}).status_code == 303
    assert settled(notice) == "handed-over"
    assert Notice.objects.get(address="boss@example.org").certificate == certificate
    assert "Bo Boss hears of it instead" in client.get(link(notice)).content.decode()


def test_with_the_link_alone_nobody_else_is_chosen_and_nobody_made_owner(
    client: Client, vault: Vault, certificate: Certificate, notice: Notice
) -> None:
    reader = make_member(vault, Role.READER, person("rita"))
    boss = make_member(vault, Role.ADMINISTRATOR, person("boss"))

    refused = client.post(link(notice), {"do": "hand-over", "person": str(reader.pk)})
    none = client.post(link(notice), {"do": "hand-over"})
    client.post(link(notice), {"do": "hand-over", "person": str(boss.pk), "owner": "on"})

    certificate.refresh_from_db()
    assert (refused.status_code, none.status_code) == (422, 422)
    assert "cannot be chosen any more" in refused.content.decode()
    assert "Choose someone." in none.content.decode()
    assert certificate.owner is not None
    assert certificate.owner.username == "ada"


def test_people_of_one_name_are_told_apart(client: Client, vault: Vault, notice: Notice) -> None:
    for name in ("jo1", "jo2"):
        make_member(vault, Role.OFFICER, person(name, "Jo Jones"))

    page = client.get(link(notice))

    assert [words for _, words in page.context["answer"].hand_over.fields["person"].choices][1:] == [
        "Jo Jones (jo1)",
        "Jo Jones (jo2)",
    ]


@pytest.mark.parametrize("token", ["never-was", "0" * 32, "0" * 32 + ".a.b", "%00", "é"])
def test_a_link_that_was_never_made_opens_a_page_that_helps(client: Client, token: str) -> None:
    for answer in (client.get(f"/notices/{token}/"), client.post(f"/notices/{token}/", {"do": "acknowledge"})):
        assert answer.status_code == 404
        assert INDEX in answer.content.decode()


def test_the_link_of_another_notice_answers_its_own(client: Client, certificate: Certificate, notice: Notice) -> None:
    bobs = make_notice(certificate, "bob@example.org")

    client.post(link(bobs), {"do": "acknowledge"})

    assert (settled(notice), settled(bobs)) == ("", "acknowledged")


def test_what_means_nothing_answers_nothing(client: Client, notice: Notice) -> None:
    assert client.post(link(notice), {"do": "explode"}).status_code == 422
    assert client.post(link(notice), {"do": "snooze", "days": "x"}).status_code == 422
    assert client.post(link(notice)).status_code == 200

    assert not events()


def test_an_address_that_tries_many_links_has_to_wait(
    client: Client, notice: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PER_ADDRESS", 2)

    statuses = [client.get("/notices/never-was/").status_code for _ in range(3)]
    waiting = client.post(link(notice), {"do": "acknowledge"})

    assert statuses == [404, 404, 429]
    assert waiting.status_code == 429
    assert int(waiting["Retry-After"]) <= 60
    assert settled(notice) == ""


@pytest.mark.django_db(transaction=True)
def test_two_answers_at_the_same_moment_are_one(notice: Notice) -> None:
    gate, statuses = threading.Barrier(2), []

    def press() -> None:
        gate.wait()
        statuses.append(Client().post(link(notice), {"do": "acknowledge"}).status_code)
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [303, 303]
    assert len(events()) == 1


# -------------------------------------------------------------------- signed in
def test_one_sees_what_one_was_told_and_has_not_settled(client_of: ClientOf, ada: User, notice: Notice) -> None:
    make_notice(notice.certificate, "bob@example.org", reason=Notice.Reason.CLOSE)
    make_notice(notice.certificate, "ada@example.org", reason=Notice.Reason.EARLY, settled=Notice.Settled.OVERTAKEN)

    page = client_of(ada).get(INDEX)

    assert [row.pk for row in page.context["page"]] == [notice.pk]
    assert "/vaults/payments/certificates/www/" in page.content.decode()


def test_the_case_of_an_address_does_not_matter(client_of: ClientOf, vault: Vault, certificate: Certificate) -> None:
    bob = make_member(vault, Role.READER, User.objects.create(username="bob", email="Bob@Example.org"))
    make_notice(certificate, "bob@example.org")

    assert len(client_of(bob).get(INDEX).context["page"]) == 1


def test_who_is_no_member_any_more_sees_nothing(client_of: ClientOf, ada: User, notice: Notice) -> None:
    Membership.objects.filter(user=ada).delete()
    browser = client_of(ada)

    assert len(browser.get(INDEX).context["page"]) == 0
    assert browser.get(own(notice)).status_code == 404
    assert browser.post(own(notice), {"do": "acknowledge"}).status_code == 404
    assert settled(notice) == ""


def test_nobody_answers_for_others(client_of: ClientOf, vault: Vault, notice: Notice) -> None:
    for other in (make_user(staff=True), make_member(vault, Role.ADMINISTRATOR, person("boss"))):
        browser = client_of(other)
        assert browser.get(own(notice)).status_code == 404
        assert browser.post(own(notice), {"do": "acknowledge"}).status_code == 404

    assert settled(notice) == ""


def test_who_is_not_signed_in_is_asked_to(client: Client, notice: Notice) -> None:
    for answer in (client.get(INDEX), client.get(own(notice)), client.post(own(notice), {"do": "acknowledge"})):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in/")


def test_it_is_answered_signed_in(client_of: ClientOf, ada: User, notice: Notice) -> None:
    browser = client_of(ada)

    shown = browser.get(own(notice))
    answer = browser.post(own(notice), {"do": "acknowledge"})

    assert shown.status_code == 200
    assert answers_on(shown) == {"days": ["3"]}
    assert (answer.status_code, answer["Location"]) == (303, INDEX)
    assert "Acknowledged" in browser.get(INDEX).content.decode()
    assert events()[0].actor == "ada"


def test_who_may_change_the_certificate_makes_someone_its_owner(
    client_of: ClientOf, vault: Vault, ada: User, certificate: Certificate, notice: Notice
) -> None:
    rita = make_member(vault, Role.READER, person("rita"))
    certificate.hand_over(owner_id=ada.pk, deputy_id=rita.pk)

    client_of(ada).post(own(notice), {"do": "hand-over", "person": str(rita.pk), "owner": "on"})

    certificate.refresh_from_db()
    assert (certificate.owner, certificate.deputy) == (rita, None)
    assert AuditEvent.objects.filter(action="certificates/change-people").count() == 1
    assert Notice.objects.get(address="rita@example.org").settled == ""


def test_who_may_not_change_the_certificate_makes_nobody_its_owner(
    client_of: ClientOf, vault: Vault, certificate: Certificate
) -> None:
    rita = make_member(vault, Role.READER, person("rita"))
    bob = make_member(vault, Role.READER, person("bob"))
    notice = make_notice(certificate, "rita@example.org")
    browser = client_of(rita)

    page = browser.get(own(notice))
    browser.post(own(notice), {"do": "hand-over", "person": str(bob.pk), "owner": "on"})

    certificate.refresh_from_db()
    assert "owner" not in page.context["answer"].hand_over.fields
    assert certificate.owner is not None
    assert certificate.owner.username == "ada"
    assert settled(notice) == "handed-over"


def test_a_contact_who_does_not_see_the_certificate_gets_no_link_to_it(
    client_of: ClientOf, vault: Vault, certificate: Certificate
) -> None:
    requester = make_member(vault, Role.REQUESTER, person("quinn"))
    notice = make_notice(certificate, "quinn@example.org")
    browser = client_of(requester)

    for address in (INDEX, own(notice)):
        page = browser.get(address).content.decode()
        assert "www" in page
        assert "/certificates/www/" not in page


def test_without_an_address_one_is_told_why_there_is_nothing(client_of: ClientOf, vault: Vault) -> None:
    mute = make_member(vault, Role.READER)

    assert "no e-mail address" in client_of(mute).get(INDEX).content.decode()


def test_the_list_costs_the_same_however_long_it_is(
    client_of: ClientOf, ada: User, notice: Notice, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    moment = timezone.now()
    Notice.objects.bulk_create(
        Notice(
            vault=notice.vault,
            certificate=notice.certificate,
            about=f"{number:032x}",
            reason=Notice.Reason.NEAR,
            address="ada@example.org",
            created_at=moment - timedelta(minutes=number // 3),
        )
        for number in range(120)
    )
    browser = client_of(ada)
    browser.get(INDEX)

    with django_assert_max_num_queries(6):
        first = browser.get(INDEX)
    second = browser.get(INDEX + first.context["page"].next_url)
    third = browser.get(INDEX + second.context["page"].next_url)

    seen = [row.pk for page in (first, second, third) for row in page.context["page"]]
    assert (len(seen), len(set(seen))) == (121, 121)
    assert browser.get(f"{INDEX}?after=e30").status_code == 200
