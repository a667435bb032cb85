"""The pages of a vault's webhooks."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from portal.models import Role, User
from tests.factories import make_member, make_user, make_vault
from tests.vault.lifecycle.test_publishing import Receiver, there
from vault.lifecycle import webhooks
from vault.models import Delivery, Vault, Webhook
from vault.models.audit import SYSTEM

__all__ = ["there"]
ClientOf = Callable[[User], Client]


@pytest.fixture
def vault(settings: Settings) -> Vault:
    settings.CA_LOOPBACK = True
    return make_vault("payments")


@pytest.fixture
def admin(vault: Vault, client_of: ClientOf) -> Client:
    return client_of(make_member(vault, Role.ADMINISTRATOR, make_user("ada")))


def at(view: str, *args: str) -> str:
    return reverse(f"webhooks:{view}", args=["payments", *args])


def test_a_webhook_is_added_and_its_secret_shown_once(admin: Client, vault: Vault) -> None:
    answer = admin.post(at("add"), {"name": "Ops", "url": "https://ops.example.org/x", "events": []})

    webhook = Webhook.objects.get()
    assert webhooks.secret_of(webhook) in answer.content.decode()
    assert webhooks.secret_of(webhook) not in admin.get(at("detail", webhook.id.hex)).content.decode()


@pytest.mark.parametrize("url", ["", "no address", "ftp://x.example.org/", "https://a@b.example.org/"])
def test_a_bad_address_is_refused_and_what_was_typed_stays(admin: Client, url: str) -> None:
    answer = admin.post(at("add"), {"name": "Ops-7", "url": url})

    assert answer.status_code == 422
    assert "Ops-7" in answer.content.decode()
    assert not Webhook.objects.exists()


def test_a_test_says_how_it_went(admin: Client, vault: Vault, there: Receiver) -> None:
    webhook, _ = webhooks.add_webhook(vault=vault, name="Ops", url=there.url, by=SYSTEM)

    good = admin.post(at("test", webhook.id.hex), follow=True).content.decode()
    there.status, there.body = 500, b"<b>no</b>"
    bad = admin.post(at("test", webhook.id.hex), follow=True).content.decode()

    assert "took the test (HTTP 204" in good
    assert "did not take the test: HTTP 500" in bad
    assert "<b>no</b>" not in bad


def test_it_is_changed_switched_off_given_a_new_secret_and_removed(admin: Client, vault: Vault) -> None:
    webhook, secret = webhooks.add_webhook(vault=vault, name="Ops", url="https://ops.example.org/", by=SYSTEM)
    key = webhook.id.hex

    admin.post(at("edit", key), {"name": "Other", "url": "https://other.example.org/", "events": []})
    admin.post(at("switch", key), {"enabled": "no"})
    webhook.refresh_from_db()
    assert (webhook.name, webhook.url, webhook.enabled) == ("Other", "https://other.example.org/", False)
    admin.post(at("secret", key))
    webhook.refresh_from_db()
    assert webhooks.secret_of(webhook) != secret
    admin.post(at("remove", key))
    assert not Webhook.objects.exists()
    assert admin.post(at("remove", key)).status_code == 404


def test_an_event_is_sent_again(admin: Client, vault: Vault) -> None:
    webhook, _ = webhooks.add_webhook(vault=vault, name="Ops", url="https://ops.example.org/", by=SYSTEM)
    sent = webhook.deliveries.create(kind="x", key="x", payload={}, state=Delivery.State.GIVEN_UP, next_try_at=None)

    admin.post(at("again", webhook.id.hex, sent.id.hex))

    sent.refresh_from_db()
    assert sent.state == "waiting"


def test_another_vaults_webhook_is_not_there(admin: Client) -> None:
    other, _ = webhooks.add_webhook(vault=make_vault("intranet"), name="Ops", url="https://x.example.org/", by=SYSTEM)

    for view in ("detail", "edit"):
        assert admin.get(at(view, other.id.hex)).status_code == 404


def test_the_pages_ask_the_same_however_much_there_is(
    admin: Client, vault: Vault, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        webhook, _ = webhooks.add_webhook(vault=vault, name=f"Ops{number}", url="https://x.example.org/", by=SYSTEM)
        rows = [Delivery(webhook=webhook, kind="x", key=str(one), payload={}) for one in range(60)]
        Delivery.objects.bulk_create(rows)

    for address in (at("index"), at("detail", webhook.id.hex)):
        admin.get(address)
        with django_assert_max_num_queries(6):
            assert admin.get(address).status_code == 200
