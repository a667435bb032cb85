"""Every address of a vault, asked for by everybody: who gets what."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from portal import access
from portal.models import Membership, Role
from portal.rights import Rights
from tests.factories import actor_of, make_certificate, make_member, make_operation, make_user, make_vault
from tests.vault.lifecycle.example_ca import OFFER
from vault.lifecycle import configuring, contacts, importing, retiring, vaults, webhooks
from vault.lifecycle.configuring import Given
from vault.lifecycle.contacts import Person
from vault.models import Operation
from vault.models.audit import SYSTEM, AuditEvent
from vault.providers import OFFERS
from vault.x509.found import Found

OK, REFUSED, HIDDEN, NOT_NOW = 200, 403, 404, 409
EVERYBODY = ("stranger", "portal administrator", "requester", "owner", "reader", "auditor", "officer", "administrator")

# Which role gets what from each address of a vault that shows a page or a file; "owner" is a requester on their own.
GET = {
    "certificates:index": {"requester": OK, "owner": OK, "reader": OK, "auditor": 302, "officer": OK, "administrator": OK},
    "certificates:detail": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "certificates:progress": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "certificates:tags": {"owner": OK, "reader": REFUSED, "officer": OK, "administrator": OK},
    "owners:change": {"owner": OK, "reader": REFUSED, "officer": OK, "administrator": OK},
    "ledgers:certificate": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "certificates:delete": {"owner": OK, "reader": REFUSED, "officer": OK, "administrator": OK},
    "policies:edit": {"owner": OK, "reader": REFUSED, "officer": OK, "administrator": OK},
    "versions:detail": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "downloads:pem": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "downloads:der": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "downloads:chain": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "downloads:chain-with-root": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "downloads:p7b": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "downloads:with-key": {"owner": OK, "reader": REFUSED, "officer": OK, "administrator": OK},
    "operations:index": {"requester": OK, "owner": OK, "reader": OK, "auditor": 302, "officer": OK, "administrator": OK},
    "operations:detail": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "operations:progress": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "operations:csr-pem": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "operations:csr-der": {"owner": OK, "reader": OK, "officer": OK, "administrator": OK},
    "operations:merge": {"owner": OK, "reader": REFUSED, "officer": OK, "administrator": OK},
    "orders:decide": {"owner": REFUSED, "reader": REFUSED, "officer": REFUSED, "administrator": NOT_NOW},
    "orders:late": {"owner": NOT_NOW, "reader": REFUSED, "officer": NOT_NOW, "administrator": NOT_NOW},
    "versions:revoke": {"owner": NOT_NOW, "reader": REFUSED, "officer": NOT_NOW, "administrator": NOT_NOW},
    "requests:new": {"requester": OK, "owner": OK, "reader": REFUSED, "auditor": REFUSED, "officer": OK, "administrator": OK},
    "imports:new": {"requester": OK, "owner": OK, "reader": REFUSED, "auditor": REFUSED, "officer": OK, "administrator": OK},
    "imports:preview": {"reader": REFUSED, "auditor": REFUSED, "officer": OK},
    "imports:results": {"reader": REFUSED, "auditor": REFUSED, "officer": OK},
    "csrs:new": {"requester": OK, "owner": OK, "reader": REFUSED, "auditor": REFUSED, "officer": OK, "administrator": OK},
    "deleted:index": {"requester": OK, "owner": OK, "reader": OK, "auditor": 302, "officer": OK, "administrator": OK},
    "deleted:purge": {"owner": REFUSED, "reader": REFUSED, "officer": REFUSED, "administrator": OK},
    "issuers:index": {"requester": REFUSED, "owner": REFUSED, "reader": OK, "auditor": REFUSED, "officer": OK, "administrator": OK},
    "issuers:detail": {"requester": REFUSED, "owner": REFUSED, "reader": OK, "auditor": REFUSED, "officer": OK, "administrator": OK},
    "issuers:new": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "issuers:add": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "issuers:edit": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "issuers:delete": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "members:index": {"requester": OK, "owner": OK, "reader": OK, "auditor": OK, "officer": OK, "administrator": OK},
    "members:add": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "contacts:index": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "contacts:add": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "contacts:edit": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "webhooks:index": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "webhooks:add": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "webhooks:detail": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "webhooks:edit": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "audit:index": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": OK, "officer": REFUSED, "administrator": OK},
    "audit:csv": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": OK, "officer": REFUSED, "administrator": OK},
    "hosts:change": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
    "vaults:settings": {"requester": REFUSED, "owner": REFUSED, "reader": REFUSED, "auditor": REFUSED, "officer": REFUSED, "administrator": OK},
}  # fmt: skip
# Asked for by GET, as after signing in again, they lead back to the form.
BACK_TO_FORM = ("csrs:check", "csrs:submit", "requests:check", "requests:submit")


@pytest.fixture(autouse=True)
def _offers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OFFERS, OFFER.key, OFFER)


class House:
    """A vault with one certificate, one waiting request and one deleted certificate, all owned by one requester."""

    def __init__(self) -> None:
        self.vault = make_vault("payments")
        owner = make_member(self.vault, Role.REQUESTER)
        self.people = {
            "stranger": make_member(make_vault("elsewhere"), Role.ADMINISTRATOR),
            "portal administrator": make_user(staff=True),
            "owner": owner,
            **{
                role: make_member(self.vault, role)
                for role in ("requester", "reader", "auditor", "officer", "administrator")
            },
        }
        self.certificate = make_certificate(vault=self.vault, name="www", by=owner)
        self.operation = make_operation(vault=self.vault, name="mail", by=owner)
        by = actor_of(self.people["officer"])
        self.draft = importing.keep_draft(vault=self.vault, found=Found(), by=by)  # the officer's alone
        given = Given(provider=OFFER.key, loosely=True)
        self.issuer = configuring.create_issuer(vault=self.vault, name="example", given=given, by=SYSTEM)
        (self.contact,) = contacts.set_contacts(vault=self.vault, people=[Person(email="ops@example.org")], by=SYSTEM)
        facts = {"name": "Ops", "url": "https://ops.example.org/", "by": SYSTEM}
        self.webhook, _ = webhooks.add_webhook(vault=self.vault, **facts)
        gone = make_certificate(vault=self.vault, name="gone", by=owner)
        retiring.delete_certificate(certificate=gone, by=SYSTEM)

    def address(self, name: str) -> str:
        words = {
            "vault": "payments",
            "name": "gone" if name.startswith("deleted:") else "www",
            "version": self.certificate.current_id.hex,
            "request_id": self.operation.request_id.hex,
            "draft": self.draft.id.hex,
            "issuer": "example",
            "provider": OFFER.key,
            "contact": self.contact.pk,
            "webhook": self.webhook.id.hex,
            "delivery": "0" * 32,
            "pk": Membership.objects.filter(vault=self.vault, role=Role.READER).get().pk,
        }
        wanted = arguments_of(name)
        return reverse(name, kwargs={key: words[key] for key in wanted})


def patterns(resolver: URLResolver | None = None, space: str = "") -> dict[str, URLPattern]:
    found: dict[str, URLPattern] = {}
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            found |= patterns(entry, f"{entry.namespace}:")
        else:
            found[f"{space}{entry.name}"] = entry
    return found


def arguments_of(name: str) -> set[str]:
    return set(patterns()[name].pattern.regex.groupindex)


def in_vault() -> list[str]:
    return sorted(name for name in patterns() if "vault" in arguments_of(name) and not name.startswith("vaults:re"))


def posts_only() -> list[str]:
    return [name for name in in_vault() if name not in GET and name != "vaults:purge"]


@pytest.mark.parametrize("name", sorted(GET))
def test_who_sees_which_page(name: str, client_of) -> None:
    house = House()
    address = house.address(name)

    seen = {who: client_of(house.people[who]).get(address).status_code for who in EVERYBODY}

    assert seen == {who: GET[name].get(who, HIDDEN) for who in EVERYBODY}


@pytest.mark.parametrize("name", sorted(GET))
def test_whoever_is_not_signed_in_is_asked_to(name: str, client: Client) -> None:
    house = House()

    response = client.get(house.address(name))

    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("name", posts_only())
def test_nobody_acts_without_the_right(name: str, client_of) -> None:
    house = House()
    address, before = house.address(name), AuditEvent.objects.count()

    for who in ("stranger", "portal administrator", "auditor", "reader"):
        answer = client_of(house.people[who]).post(address, {"confirm": "www"})
        assert answer.status_code in {REFUSED, HIDDEN}, who

    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("name", posts_only())
def test_what_acts_is_not_reached_by_get(name: str, client_of) -> None:
    house = House()

    response = client_of(house.people["administrator"]).get(house.address(name))

    assert response.status_code == 405 or (name in BACK_TO_FORM and response.status_code == 302)


@pytest.mark.parametrize("name", in_vault())
def test_a_deleted_vault_has_no_pages(name: str, client_of) -> None:
    house = House()
    address = house.address(name)
    vaults.delete_vault(vault=house.vault, by=SYSTEM)
    response = client_of(house.people["administrator"]).get(address)

    assert response.status_code in {HIDDEN, 405} or name == "vaults:purge" or name in BACK_TO_FORM


def test_a_refusal_names_the_vault_and_who_can_help(client_of) -> None:
    house = House()
    administrator = house.people["administrator"]

    response = client_of(house.people["reader"]).get(house.address("requests:new"))

    text = response.content.decode()
    assert "ask for certificates in" in text
    assert administrator.username in text


def test_a_requester_does_not_see_what_others_own(client_of) -> None:
    house = House()

    response = client_of(house.people["requester"]).get(house.address("certificates:index"))

    assert "www" not in response.content.decode().split("<main")[1].split("</main")[0].replace("www.w3.org", "")


def without_tokens(response: HttpResponse) -> str:
    return re.sub(r"[0-9A-Za-z]{64}", "", response.content.decode())


def test_absent_and_not_yours_answer_alike(client_of) -> None:
    house = House()
    stranger = client_of(house.people["stranger"])

    hidden = stranger.get("/vaults/payments/")
    absent = stranger.get("/vaults/nothing/")

    assert hidden.status_code == absent.status_code == HIDDEN
    assert without_tokens(hidden).replace("payments", "nothing") == without_tokens(absent)


def test_a_role_given_to_a_group_holds_for_its_people(client_of) -> None:
    from django.contrib.auth.models import Group

    vault, person = make_vault("grouped"), make_user()
    group = Group.objects.create(name="team")
    person.groups.add(group)
    Membership.objects.create(vault=vault, group=group, role=Role.OFFICER)

    assert client_of(person).get("/vaults/grouped/").status_code == OK
    assert "certificates/create" in access.vaults_of(person)[vault]


def test_taking_a_role_away_works_at_the_next_request(client_of) -> None:
    house = House()
    browser = client_of(house.people["officer"])
    assert browser.get("/vaults/payments/").status_code == OK

    Membership.objects.filter(user=house.people["officer"]).delete()

    assert browser.get("/vaults/payments/").status_code == HIDDEN


def test_a_person_who_was_deactivated_is_signed_out_at_once(client_of) -> None:
    house = House()
    officer = house.people["officer"]
    browser = client_of(officer)

    officer.is_active = False
    officer.save()

    assert browser.get("/vaults/payments/").status_code == 302


def test_what_is_found_in_all_vaults_is_seen_as_far_as_rights_reach() -> None:
    house = House()
    waiting = [Operation.objects.select_related("certificate__vault").get(pk=house.operation.pk)]

    def rights_of(who: str) -> list[Rights]:
        person = house.people[who]
        return [rights for _, rights in access.visible(person, access.vaults_of(person), waiting)]

    seen = {who for who in EVERYBODY if rights_of(who)}
    may_merge = {who for who in seen if "certificates/create" in rights_of(who)[0]}

    assert seen == {"owner", "reader", "officer", "administrator"}
    assert may_merge == {"owner", "officer", "administrator"}
