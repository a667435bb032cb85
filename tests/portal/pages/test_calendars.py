"""Calendar feeds and their addresses."""

import re
from collections.abc import Callable
from datetime import timedelta

import icalendar
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal import logs
from portal.models import Calendar, Membership, Role, User
from portal.pages import calendars as pages
from tests.factories import make_certificate, make_member, make_user, make_vault
from vault.lifecycle import outlook
from vault.models import Vault

ClientOf = Callable[[User], Client]


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def ada(vault: Vault) -> User:
    return make_member(vault, Role.READER, make_user("ada"))


def made(client: Client, vault: str = "") -> str:
    """The path of a new address."""
    page = client.post(reverse("calendars:make"), {"vault": vault}).content.decode()
    found = re.search(r"http://[^/]+(/calendar/[\w-]+\.ics)", page)
    assert found is not None
    return found[1]


def events(client: Client, path: str) -> list[tuple[str, str]]:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    read = icalendar.Calendar.from_ical(answer.content)
    return sorted(
        (str(event["UID"]).partition("@")[0].partition("-")[2], str(event["SUMMARY"])) for event in read.walk("VEVENT")
    )


def test_it_says_what_expires_and_what_renews_without_signing_in(
    client: Client, client_of: ClientOf, ada: User, vault: Vault
) -> None:
    make_certificate(vault=vault, name="shop")
    make_certificate(vault=make_vault("other"), name="secret")
    outlook.look_ahead()

    path = made(client_of(ada))

    assert events(client, path) == [("expires", "shop expires (payments)"), ("renews", "shop is renewed (payments)")]
    assert Calendar.objects.get().last_used_at is not None


def test_one_of_a_vault_holds_that_vault(client: Client, client_of: ClientOf, ada: User, vault: Vault) -> None:
    other = make_vault("intranet")
    make_member(other, Role.READER, ada)
    make_certificate(vault=vault, name="shop")
    make_certificate(vault=other, name="wiki")

    assert {summary for _, summary in events(client, made(client_of(ada), "intranet"))} == {"wiki expires (intranet)"}


def test_what_a_person_may_see_is_asked_each_time(client: Client, client_of: ClientOf, ada: User, vault: Vault) -> None:
    make_certificate(vault=vault, name="shop")
    path = made(client_of(ada))
    assert events(client, path)

    Membership.objects.filter(user=ada).delete()
    assert events(client, path) == []
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert client.get(path).status_code == 404


def test_making_one_anew_ends_the_old_and_removing_ends_it(client: Client, client_of: ClientOf, ada: User) -> None:
    mine = client_of(ada)
    old, new = made(mine), made(mine)
    assert (client.get(old).status_code, client.get(new).status_code) == (404, 200)

    mine.post(reverse("calendars:remove", args=[Calendar.objects.get().pk]))

    assert client.get(new).status_code == 404


def test_nobody_ends_anothers_or_makes_one_of_a_vault_that_is_not_theirs(client_of: ClientOf, ada: User) -> None:
    made(client_of(ada))
    eve = client_of(make_user("eve"))

    assert eve.post(reverse("calendars:remove", args=[Calendar.objects.get().pk])).status_code == 404
    assert eve.post(reverse("calendars:make"), {"vault": "payments"}).status_code == 404


def test_what_did_not_change_is_not_sent_again(client: Client, client_of: ClientOf, ada: User, vault: Vault) -> None:
    make_certificate(vault=vault)
    path = made(client_of(ada))
    etag = client.get(path)["ETag"]

    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
    make_certificate(vault=vault)
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_it_cannot_be_guessed_at_leisure(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PER_ADDRESS", 3)

    assert [client.get("/calendar/guess.ics").status_code for _ in range(4)] == [404, 404, 404, 429]


def test_the_address_is_kept_out_of_logs() -> None:
    assert "s3cret" not in logs.mask("Not Found: /calendar/s3cret.ics")


def test_it_asks_the_same_however_many_there_are(
    client: Client, client_of: ClientOf, ada: User, vault: Vault, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    path = made(client_of(ada))
    client.get(path)
    for count in (1, 6):
        for _ in range(count):
            make_certificate(vault=vault)
        Calendar.objects.update(last_used_at=timezone.now() - timedelta(minutes=5))
        with django_assert_num_queries(4):
            client.get(path)
