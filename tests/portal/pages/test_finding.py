"""Searching in all vaults."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from tests.factories import make_certificate, make_member, make_user, make_vault
from vault import tasks
from vault.lifecycle import changing, outlook
from vault.lifecycle.issuing import Order, request_certificate
from vault.models import Certificate, Vault
from vault.models.audit import SYSTEM
from vault.models.policy import AlternativeNames

ClientOf = Callable[[User], Client]
SEARCH = "/certificates/"


@pytest.fixture
def vaults() -> list[Vault]:
    return [make_vault("payments"), make_vault("intranet")]


@pytest.fixture
def ada(vaults: list[Vault]) -> User:
    ada = make_user("ada")
    for vault in vaults:
        make_member(vault, Role.READER, ada)
    return ada


@pytest.fixture
def found(ada: User, client_of: ClientOf) -> Callable[..., set[str]]:
    client = client_of(ada)

    def ask(**query: str) -> set[str]:
        answer = client.get(SEARCH, query)
        assert answer.status_code == 200
        return {row.certificate.name for row in answer.context["rows"]}

    return ask


def with_names(vault: Vault, name: str, *dns: str) -> Certificate:
    return make_certificate(vault=vault, name=name, names=AlternativeNames(dns=dns))


def test_everything_that_a_person_may_see_is_found_by_its_names(
    vaults: list[Vault], found: Callable[..., set[str]]
) -> None:
    with_names(vaults[0], "shop", "shop.example.org", "pay.example.org")
    with_names(vaults[1], "wiki", "wiki.example.net")
    with_names(make_vault("secret"), "hidden", "hidden.example.org")

    assert found() == {"shop", "wiki"}
    assert found(q="pay.example.org") == {"shop"}
    assert found(q="*.example.org") == {"shop"}
    assert found(q=".example.net") == {"wiki"}
    assert found(q="WIK") == {"wiki"}
    assert found(q="hidden") == set()


def test_numbers_find_versions_that_were_replaced_too(vaults: list[Vault], found: Callable[..., set[str]]) -> None:
    certificate = make_certificate(vault=vaults[0], name="shop")
    make_certificate(vault=vaults[0], name="other")
    first = certificate.current
    assert first is not None
    order = Order(name="shop", policy=certificate.policy, holder=certificate.pk)
    tasks.advance_operation(request_certificate(vault=vaults[0], order=order, by=SYSTEM).pk)

    serial = ":".join(first.serial[n : n + 2] for n in range(0, len(first.serial), 2))
    assert found(q=first.serial) == found(q=serial) == {"shop"}
    assert found(q=first.thumbprint_sha1) == found(q=first.thumbprint_sha256.upper()) == {"shop"}


def test_filters_narrow_and_can_be_left_out_one_by_one(
    vaults: list[Vault], ada: User, found: Callable[..., set[str]], client_of: ClientOf
) -> None:
    mine = make_certificate(vault=vaults[0], name="mine", by=ada)
    mine.hand_over(owner_id=ada.pk, deputy_id=None)
    changing.change_tags(certificate=mine, tags={"team": "web"}, by=SYSTEM)
    make_certificate(vault=vaults[1], name="other")
    outlook.look_ahead()
    soon = (timezone.now() + timedelta(days=400)).date().isoformat()

    assert found(owner="ada") == found(tag="team=web") == found(tag="team") == found(vault="PAYMENTS") == {"mine"}
    assert found(owner="-") == {"other"}
    assert found(issuer="Self", readiness="unattended", state="enabled", until=soon) == {"mine", "other"}
    assert found(readiness="blocked") == found(tag="team=other") == set()

    page = client_of(ada).get(SEARCH, {"owner": "ada", "tag": "team"}).content.decode()
    assert 'href="/certificates/?tag=team"' in page
    assert 'href="/certificates/?owner=ada"' in page


@pytest.mark.parametrize(
    "query",
    [
        {"q": "%"},
        {"q": "_"},
        {"q": "a\x00b"},
        {"q": "x" * 5000},
        {"q": "' or 1=1 --"},
        {"q": "bücher.example"},
        {"q": "*."},
        {"from": "yesterday", "until": "0000-00-00"},
        {"state": "odd", "readiness": "odd", "sort": "odd", "vault": "\x00", "issuer": "%", "tag": "="},
        {"tag": "a'b=\"c"},
        {"after": "rubbish"},
    ],
)
def test_rubbish_is_searched_for_and_harms_nothing(
    vaults: list[Vault], found: Callable[..., set[str]], query: dict[str, str]
) -> None:
    make_certificate(vault=vaults[0], name="shop")

    assert found(**query) <= {"shop"}


@pytest.mark.parametrize("sort", ["expires", "-expires", "name", "-name"])
def test_pages_hold_everything_once(
    vaults: list[Vault], ada: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr("portal.pages.paging.page.__kwdefaults__", {"size": 2})
    names = {make_certificate(vault=vaults[number % 2], name=f"c{number}").name for number in range(5)}
    client, url, seen = client_of(ada), f"{SEARCH}?sort={sort}", list[str]()
    while url:
        answer = client.get(url)
        seen += [row.certificate.name for row in answer.context["rows"]]
        url = answer.context["page"].next_url and SEARCH + answer.context["page"].next_url

    assert sorted(seen) == sorted(names)


def test_six_questions_at_most(
    vaults: list[Vault], ada: User, client_of: ClientOf, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(ada)
    for number in range(12):
        make_certificate(vault=vaults[number % 2], by=ada)
    client.get(SEARCH)

    for query in ({}, {"q": "c", "owner": "ada", "tag": "x", "vault": "payments", "readiness": "person"}):
        with django_assert_max_num_queries(6):
            client.get(SEARCH, query)


def test_nobody_without_a_vault_sees_anything(client_of: ClientOf, vaults: list[Vault]) -> None:
    make_certificate(vault=vaults[0], name="shop")

    page = client_of(make_user("eve")).get(reverse("search:index")).content.decode()

    assert "shop" not in page
    assert "No certificates yet" in page
