"""A vault's audit trail: read, filtered, exported."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from portal.pages import trails
from tests.factories import make_certificate, make_member, make_user, make_vault
from vault.models import AuditChain, AuditEvent, Vault
from vault.models.audit import Actor, record, verify

ClientOf = Callable[[User], Client]
INDEX, CSV = reverse("audit:index", args=["payments"]), reverse("audit:csv", args=["payments"])


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def auditor(vault: Vault) -> User:
    return make_member(vault, Role.AUDITOR, make_user("iris"))


@pytest.fixture
def browser(client_of: ClientOf, auditor: User) -> Client:
    return client_of(auditor)


def note(vault: Vault, target: str, *, action: str = "certificates/create", by: str = "ada", day: int = 1) -> None:
    record(action, target, by=Actor(name=by), vault=vault, at=datetime(2026, 10, day, 12, tzinfo=UTC))


def targets(browser: Client, **filters: str) -> list[str]:
    return [event.row.target for event in browser.get(INDEX, filters).context["trail"].events]


def exported(browser: Client, **filters: str) -> list[list[str]]:
    answer = browser.get(CSV, filters)
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))


@pytest.mark.parametrize(
    ("role", "status"),
    [("auditor", 200), ("administrator", 200), ("officer", 403), ("reader", 403), ("requester", 403)],
)
def test_only_those_who_may_read_the_trail_read_it(client_of: ClientOf, vault: Vault, role: str, status: int) -> None:
    browser = client_of(make_member(vault, role))

    assert browser.get(INDEX).status_code == status
    assert browser.get(CSV).status_code == status


def test_a_stranger_finds_no_trail(client_of: ClientOf, vault: Vault) -> None:
    browser = client_of(make_user(staff=True))

    assert (browser.get(INDEX).status_code, browser.get(CSV).status_code) == (404, 404)


def test_reading_is_no_event_and_exporting_is_one(browser: Client, vault: Vault) -> None:
    browser.get(INDEX)
    read = AuditEvent.objects.filter(chain=vault.pk).count()
    exported(browser, actor="ada")

    event = AuditEvent.objects.filter(chain=vault.pk).latest("sequence")
    assert read == 1
    assert (event.action, event.actor, event.details) == ("audit/export", "iris", {"actor": "ada"})
    assert verify(AuditChain.objects.get(pk=vault.pk)) == []


def test_the_newest_event_stands_first_with_its_facts_and_hash(browser: Client, vault: Vault) -> None:
    note(vault, "certificates/old")
    make_certificate(vault=vault, name="www")

    page = browser.get(INDEX)

    events = page.context["trail"].events
    assert events[0].row.sequence == max(event.row.sequence for event in events)
    assert events[0].row.hash in page.content.decode()
    assert all(event.is_sound for event in events)


def test_a_changed_event_is_marked(browser: Client, vault: Vault) -> None:
    note(vault, "certificates/www")
    on_table = " ON vault_auditevent" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER audit_no_update{on_table}")
    AuditEvent.objects.filter(target="certificates/www").update(actor="mallory")

    assert "changed after it was written" in browser.get(INDEX).content.decode()


def test_filters_narrow_the_trail_and_stay_in_the_address(browser: Client, vault: Vault) -> None:
    note(vault, "certificates/www", day=1)
    note(vault, "certificates/www/2", action="certificates/delete", by="bob", day=2)
    note(vault, "people/bob", action="access/grant", by="bob", day=3)

    assert targets(browser, actor="bob") == ["people/bob", "certificates/www/2"]
    assert targets(browser, action="certificates/") == ["certificates/www/2", "certificates/www"]
    assert targets(browser, target="certificates/www", **{"from": "2026-10-02", "to": "2026-10-02"}) == [
        "certificates/www/2"
    ]
    assert "actor=bob" in browser.get(INDEX, {"actor": "bob"}).content.decode()


@pytest.mark.parametrize(
    "value", ["\x00", "%", "'", "<script>alert(1)</script>", "x" * 10_000, "2026-13-45", "0001-01-01"]
)
def test_no_filter_breaks_the_trail(browser: Client, vault: Vault, value: str) -> None:
    answer = browser.get(INDEX, dict.fromkeys(("actor", "action", "target", "from", "to", "after"), value))

    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()


def test_the_trail_costs_the_same_however_long_it_is(
    browser: Client, vault: Vault, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(120):
        note(vault, f"certificates/c{number}")
    browser.get(INDEX)

    with django_assert_max_num_queries(5):
        page = browser.get(INDEX, {"actor": "ada"})
    second = browser.get(INDEX + page.context["trail"].page.next_url)

    assert [event.row.target for event in page.context["trail"].events][-1] == "certificates/c70"
    assert second.context["trail"].events[0].row.target == "certificates/c69"


def test_the_export_holds_all_events_in_order_as_rfc_4180_says(
    browser: Client, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trails, "_BATCH", 7)
    for number in range(30):
        note(vault, f"certificates/c{number}")

    answer = browser.get(CSV)
    content = b"".join(answer.streaming_content)

    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert content.count(b"\r\n") == len(rows) == 32
    assert [row[0] for row in rows] == ["sequence", *map(str, range(1, 32))]
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="audit-payments-')
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(browser: Client, vault: Vault, name: str) -> None:
    note(vault, "certificates/www", by=name)

    assert exported(browser)[2][2] == f"'{name}"


def test_quotes_commas_and_line_ends_survive_the_export(browser: Client, vault: Vault) -> None:
    note(vault, 'a "b", c\r\nd')

    assert exported(browser)[2][5] == 'a "b", c\r\nd'


def test_the_export_is_filtered_like_the_page(browser: Client, vault: Vault) -> None:
    note(vault, "certificates/www", by="ada")
    note(vault, "certificates/api", by="bob")

    assert [row[5] for row in exported(browser, actor="bob")] == ["target", "certificates/api"]
