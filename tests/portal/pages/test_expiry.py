"""The page that tells what expires and what renews by itself, its CSV and its saved views."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from portal import access
from portal.models import Role, SavedView, User
from portal.pages.expiry import Number
from portal.pages.filters import Filters
from tests.factories import make_certificate, make_member, make_policy, make_user, make_vault
from tests.vault.lifecycle.cas import make_issuer
from vault.lifecycle import retiring
from vault.models import Certificate, Vault
from vault.models.audit import SYSTEM

ClientOf = Callable[[User], Client]
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
INDEX, CSV, SAVE = reverse("expiry:index"), reverse("expiry:csv"), reverse("expiry:save")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def expiring(vault: Vault, name: str, *, days: float, readiness: str = "unattended", **facts: Any) -> Certificate:
    facts = {"issuer_name": "Self", **facts}
    return Certificate.objects.create(
        vault=vault,
        name=name,
        policy=make_policy(),
        expires_at=NOON + timedelta(days=days),
        readiness=readiness,
        **facts,
    )


def fleet(vault: Vault, owner: User | None = None, *, name: str = "c") -> None:
    """Certificates of every kind, in every bucket, in some weeks, and one that was not issued yet."""
    for number, days in enumerate((-30, -0.1, 0.2, 3, 7, 8, 30, 31, 60, 90, 100, 300)):
        readiness = ("unattended", "person", "blocked", "unattended", "")[number % 5]
        facts = {"issuer_name": ("Self", "Example")[number % 2], "tags": {"team": f"t{number % 3}"}, "owner": owner}
        expiring(vault, f"{name}{number}", days=days, readiness=readiness, **facts)
    Certificate.objects.create(vault=vault, name=f"{name}-new", policy=make_policy(), issuer_name="Self", owner=owner)


def numbers(context: Any) -> Iterator[Number]:
    """Every number that the page shows."""
    yield from (context["total"], context["blocked"], context["pending"], *context["others"])
    for group in (*context["buckets"], *context["rows"]):
        yield from (group.total, *group.numbers)


def text_of(client: Client, query: str = "") -> str:
    """The page's words, without markup."""
    answer = client.get(f"{INDEX}?{query}")
    assert answer.status_code == 200
    main = answer.content.decode().split("<main")[1].split("</main")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


class TestWhoSeesWhat:
    def test_who_is_not_signed_in_is_sent_to_the_sign_in(self, client: Client) -> None:
        for address in (INDEX, CSV):
            assert client.get(address)["Location"].startswith(reverse("accounts:sign-in"))

    def test_a_person_of_no_vault_is_told_whom_to_ask(self, client_of: ClientOf) -> None:
        expiring(make_vault(), "hidden", days=3)

        text = text_of(client_of(make_user("walter")))

        assert "You are a member of no vault yet" in text
        assert "walter" in text

    def test_only_what_one_may_see_is_counted(self, client_of: ClientOf) -> None:
        vault, other = make_vault(), make_vault()
        requester = make_member(vault, Role.REQUESTER)
        make_member(other, Role.AUDITOR, requester)
        expiring(vault, "mine", days=3, owner=requester)
        expiring(vault, "theirs", days=3)
        expiring(other, "elsewhere", days=3)

        def seen(user: User) -> int:
            return int(client_of(user).get(INDEX).context["total"].count)

        assert seen(requester) == 1
        assert seen(make_member(vault, Role.READER)) == 2
        assert seen(make_member(vault, Role.AUDITOR)) == 0
        assert "Nothing expires yet" in text_of(client_of(make_member(vault, Role.AUDITOR)))
        assert seen(make_member(other, Role.OFFICER)) == 1


class TestNumbers:
    @pytest.mark.parametrize("query", ["", "issuer=Example", "tag=team%3Dt1", "q=c1", "vault=second"])
    @pytest.mark.parametrize("span", ["", "cap", "years"])
    def test_every_number_is_that_of_its_list(self, client_of: ClientOf, query: str, span: str) -> None:
        first, second = make_vault("first"), make_vault("second")
        reader = make_member(first, Role.READER)
        make_member(second, Role.REQUESTER, reader)
        fleet(first)
        fleet(second)
        fleet(second, reader, name="mine")

        context = client_of(reader).get(f"{INDEX}?{query}&span={span}").context

        shown = [number for number in numbers(context) if number.count]
        assert len(shown) > 8
        for number in shown:
            listed = Filters.read(QueryDict(urlsplit(number.url).query))
            certificates = listed.apply(access.all_visible_certificates(reader))
            assert certificates.count() == number.count, number

    def test_every_number_leads_to_a_page(self, client_of: ClientOf) -> None:
        vault = make_vault()
        fleet(vault)
        client = client_of(make_member(vault, Role.READER))

        page = client.get(INDEX).content.decode()

        links = {unescape(link) for link in re.findall(rf'href="({reverse("search:index")}\?[^"]*)"', page)}
        assert len(links) > 20
        assert all(client.get(link).status_code == 200 for link in links)

    def test_what_is_replaced_deleted_or_not_issued_does_not_count(self, client_of: ClientOf) -> None:
        vault = make_vault()
        reader = make_member(vault, Role.READER)
        renewed = make_certificate(vault=vault, name="renewed")
        Certificate.objects.filter(pk=renewed.pk).update(expires_at=NOON + timedelta(days=300))
        renewed.versions.update(not_after=NOON - timedelta(days=1))
        retiring.delete_certificate(certificate=make_certificate(vault=vault, name="gone"), by=SYSTEM)
        Certificate.objects.create(vault=vault, name="new", policy=make_policy(), issuer_name="Self")

        context = client_of(reader).get(INDEX).context

        assert {bucket.name: bucket.total.count for bucket in context["buckets"] if bucket.total.count} == {"later": 1}
        assert context["pending"].count == 1

    def test_what_was_not_looked_at_has_a_number_only_when_there_is_some(self, client_of: ClientOf) -> None:
        vault = make_vault()
        client = client_of(make_member(vault, Role.READER))
        expiring(vault, "a", days=3)
        assert "Not looked at yet" not in text_of(client)

        expiring(vault, "b", days=3, readiness="")

        assert "1 Not looked at yet" in text_of(client)

    def test_it_costs_six_queries_at_most(
        self,
        client_of: ClientOf,
        django_assert_max_num_queries: DjangoAssertNumQueries,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        vault = make_vault()
        reader = make_member(vault, Role.READER)
        expiring(vault, "only", days=3)
        client = client_of(reader)
        client.get(INDEX)  # once a minute one more set of queries notes that the person is still there
        with django_assert_num_queries(6):
            client.get(INDEX)

        for number in range(6):
            vault = make_vault()
            make_member(vault, Role.READER, reader)
            make_issuer(vault, provider="DigiCert", name=f"CA{number}")
            fleet(vault)
            SavedView.objects.create(user=reader, name=f"view {number}", query="issuer=Self")

        for query in (
            "",
            "q=c",
            "q=*.example.org&issuer=CA1",
            "vault=nowhere&issuer=Example&tag=team&owner=x&span=years",
        ):
            with django_assert_max_num_queries(6):
                client.get(f"{INDEX}?{query}")

    @pytest.mark.parametrize(
        "query",
        [
            "span=x",
            "state=expired&readiness=person&from=2030-01-01",
            "vault=%00",
            "tag==",
            "tag=a__b=c",
            "after=x&sort=y",
        ],
    )
    def test_no_address_breaks_the_page(self, client_of: ClientOf, query: str) -> None:
        vault = make_vault()
        fleet(vault)
        client = client_of(make_member(vault, Role.READER))

        assert client.get(f"{INDEX}?{query}").status_code == 200
        assert b"".join(client.get(f"{CSV}?{query}").streaming_content).startswith(b'"vault"')


class TestWords:
    def test_what_is_blocked_is_the_headline(self, client_of: ClientOf) -> None:
        vault = make_vault()
        client = client_of(make_member(vault, Role.READER))
        expiring(vault, "a", days=3, readiness="blocked")
        assert "1 certificate will not renew although it should" in text_of(client)

        expiring(vault, "b", days=300, readiness="blocked")

        assert "2 certificates will not renew although they should" in text_of(client)

    def test_nothing_blocked_is_said_too(self, client_of: ClientOf) -> None:
        vault = make_vault()
        expiring(vault, "a", days=3)

        assert "Nothing is blocked." in text_of(client_of(make_member(vault, Role.READER)))

    def test_without_certificates_it_says_when_there_will_be_something(self, client_of: ClientOf) -> None:
        client = client_of(make_member(make_vault(), Role.READER))

        assert "Nothing expires yet" in text_of(client)
        assert "Nothing fits" in text_of(client, "q=nowhere")

    def test_the_chart_says_the_same_in_a_table_and_brings_no_style(self, client_of: ClientOf) -> None:
        vault = make_vault()
        expiring(vault, "a", days=8)
        expiring(vault, "b", days=9, readiness="blocked")

        page = client_of(make_member(vault, Role.READER)).get(INDEX).content.decode()

        assert page.count('<rect class="expiry-part" data-kind="blocked" x=') == 2  # in the chart, and in its bucket
        assert 'role="img" aria-labelledby="weeks-chart-title weeks-chart-desc"' in page
        assert "30 Nov \u2013 6 Dec 2026" in page
        assert " style=" not in page

    @pytest.mark.parametrize(("span", "weeks", "mark"), [("", 26, True), ("cap", 17, True), ("years", 163, True)])
    def test_the_chart_reaches_as_far_as_one_likes(
        self, client_of: ClientOf, span: str, weeks: int, mark: bool
    ) -> None:
        vault = make_vault()
        expiring(vault, "a", days=8)

        context = client_of(make_member(vault, Role.READER)).get(f"{INDEX}?span={span}").context

        assert len(context["rows"]) == weeks
        assert any("100 days" in day.words for day in context["chart"].days) == mark

    def test_when_no_cap_is_ahead_any_more_the_chart_shows_half_a_year(self, client_of: ClientOf) -> None:
        with time_machine.travel(datetime(2029, 11, 1, tzinfo=UTC), tick=False):
            vault = make_vault()
            expiring(vault, "a", days=1500)
            context = client_of(make_member(vault, Role.READER)).get(f"{INDEX}?span=years").context

        assert [span.name for span in context["spans"]] == [""]


class TestCsv:
    def rows(self, client: Client, query: str = "") -> list[dict[str, str]]:
        answer = client.get(f"{CSV}?{query}")
        assert answer["Content-Type"].startswith("text/csv")
        assert 'filename="expiry-2026-11-25.csv"' in answer["Content-Disposition"]
        return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))

    def test_it_holds_the_certificates_of_the_filter_by_expiry(self, client_of: ClientOf) -> None:
        vault = make_vault("payments")
        expiring(vault, "later", days=9, renew_at=NOON, owner=make_user("olga"), tags={"team": "web"})
        finding = {"code": "issuer-disabled", "words": "The issuer is switched off."}
        expiring(vault, "sooner", days=3, readiness="blocked", findings=[finding])
        expiring(vault, "other", days=1, issuer_name="Other")

        rows = self.rows(client_of(make_member(vault, Role.READER)), "issuer=Self")

        assert [(row["name"], row["expires"]) for row in rows] == [
            ("sooner", "2026-11-28T12:00:00Z"),
            ("later", "2026-12-04T12:00:00Z"),
        ]
        assert rows[0]["readiness"] == "Blocked"
        assert rows[0]["why"] == "The issuer is switched off."
        assert (rows[1]["renews"], rows[1]["owner"], rows[1]["tags"]) == ("2026-11-25T12:00:00Z", "olga", "team=web")

    def test_no_cell_begins_a_formula(self, client_of: ClientOf) -> None:
        vault = make_vault()
        expiring(vault, "a", days=1, tags={"=1+1": "x"})

        assert self.rows(client_of(make_member(vault, Role.READER)))[0]["tags"] == "'=1+1=x"

    def test_it_holds_all_of_a_long_list_once(self, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("portal.pages.expiry._BATCH", 3)
        vault = make_vault()
        for number in range(10):
            expiring(vault, f"c{number}", days=number // 5)

        rows = self.rows(client_of(make_member(vault, Role.READER)))

        assert [row["name"] for row in rows] == [f"c{number}" for number in range(10)]

    def test_a_stranger_gets_none_of_it(self, client_of: ClientOf) -> None:
        expiring(make_vault(), "a", days=1)

        assert self.rows(client_of(make_user())) == []


class TestViews:
    def test_a_filter_is_kept_opened_and_removed(self, client_of: ClientOf) -> None:
        vault = make_vault("payments")
        fleet(vault)
        reader = make_member(vault, Role.READER)
        client = client_of(reader)

        answer = client.post(SAVE, {"name": "Ours", "query": "issuer=Example&state=expired&nonsense=1"})

        view = SavedView.objects.get(user=reader)
        assert (view.name, view.query) == ("Ours", "issuer=Example")
        assert answer["Location"] == f"{INDEX}?issuer=Example"
        page = client.get(INDEX).content.decode()
        assert f'<a href="{INDEX}?issuer=Example">Ours</a>' in page

        client.post(reverse("expiry:forget", args=[view.pk]))
        answer = client.post(reverse("expiry:forget", args=[view.pk]))

        assert answer.status_code == 303
        assert not SavedView.objects.exists()

    def test_a_name_that_is_there_stands_for_the_new_filter(self, client_of: ClientOf) -> None:
        reader = make_member(make_vault(), Role.READER)
        client = client_of(reader)

        for query in ("issuer=Self", "tag=team"):
            assert client.post(SAVE, {"name": "Ours", "query": query}).status_code == 303

        assert SavedView.objects.get(user=reader).query == "tag=team"

    @pytest.mark.parametrize(("name", "words"), [("", "Give the view a name."), ("x" * 61, "at most 60")])
    def test_a_name_that_does_not_do_is_refused(self, client_of: ClientOf, name: str, words: str) -> None:
        vault = make_vault()
        fleet(vault)

        answer = client_of(make_member(vault, Role.READER)).post(SAVE, {"name": name, "query": "issuer=Self"})

        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert 'name="query" value="issuer=Self"' in answer.content.decode()

    def test_one_keeps_so_many_views_and_no_more(self, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("portal.forms.views.MOST_VIEWS", 1)
        client = client_of(make_member(make_vault(), Role.READER))
        client.post(SAVE, {"name": "a", "query": "issuer=Self"})

        assert client.post(SAVE, {"name": "b", "query": "issuer=Self"}).status_code == 422
        assert client.post(SAVE, {"name": "a", "query": "tag=x"}).status_code == 303

    def test_views_of_others_are_neither_seen_nor_removed(self, client_of: ClientOf) -> None:
        vault = make_vault()
        fleet(vault)
        view = SavedView.objects.create(user=make_user(), name="Theirs", query="issuer=Self")
        client = client_of(make_member(vault, Role.READER))

        assert "Theirs" not in text_of(client)
        client.post(reverse("expiry:forget", args=[view.pk]))

        assert SavedView.objects.filter(pk=view.pk).exists()

    def test_whoever_opens_its_address_sees_what_they_may_see(self, client_of: ClientOf) -> None:
        vault, other = make_vault(), make_vault()
        expiring(vault, "a", days=3)
        expiring(vault, "b", days=3)
        expiring(other, "c", days=3)

        address = f"{INDEX}?issuer=Self"

        assert client_of(make_member(vault, Role.READER)).get(address).context["total"].count == 2
        assert client_of(make_member(other, Role.READER)).get(address).context["total"].count == 1
        assert client_of(make_user()).get(address).context["total"].count == 0
