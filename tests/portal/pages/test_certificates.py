from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import Role, User
from tests.factories import make_certificate, make_member, make_operation, make_policy, make_user, make_vault
from vault.lifecycle import retiring
from vault.models import AuditEvent, Certificate, Operation, Vault
from vault.models.audit import SYSTEM
from vault.models.policy import AlternativeNames

SignIn = Callable[[User], Client]
RIGHT_TO_LEFT = "\u202e"


def page_of(vault: Vault, query: str = "") -> str:
    return f"/vaults/{vault}/{query}"


def names_in(response: object) -> list[str]:
    return [row.certificate.name for row in response.context_data["rows"]]


def many(vault: Vault, user: User, count: int) -> None:
    certificates = [
        Certificate(vault=vault, name=f"c{number:03}", owner=user, policy=make_policy(), issuer_name="Self")
        for number in range(count)
    ]
    Certificate.objects.bulk_create(certificates)


# ------------------------------------------------------------------ the list
def test_a_stranger_finds_no_vault(client_of: SignIn) -> None:
    vault = make_vault()

    response = client_of(make_user()).get(page_of(vault))

    assert response.status_code == 404


def test_someone_who_is_not_signed_in_is_sent_to_sign_in() -> None:
    vault = make_vault()

    response = Client().get(page_of(vault))

    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in/")


def test_a_reader_sees_every_certificate_and_no_button_to_request_one(client_of: SignIn) -> None:
    vault = make_vault()
    make_certificate(vault=vault, name="shop")
    reader = make_member(vault, Role.READER)

    response = client_of(reader).get(page_of(vault))

    assert names_in(response) == ["shop"]
    assert "Request a certificate" not in response.text


def test_a_requester_sees_only_their_own_certificates(client_of: SignIn) -> None:
    vault = make_vault()
    requester = make_member(vault, Role.REQUESTER)
    make_certificate(vault=vault, name="mine", by=requester)
    make_certificate(vault=vault, name="theirs")

    response = client_of(requester).get(page_of(vault))

    assert names_in(response) == ["mine"]
    assert "theirs" not in response.text


def test_an_auditor_is_sent_on_to_what_they_may_see(client_of: SignIn) -> None:
    vault = make_vault()

    response = client_of(make_member(vault, Role.AUDITOR)).get(page_of(vault))

    assert response.status_code == 302
    assert response["Location"] != page_of(vault)


def test_deleted_certificates_are_not_listed(client_of: SignIn) -> None:
    vault = make_vault()
    retiring.delete_certificate(certificate=make_certificate(vault=vault, name="gone"), by=SYSTEM)

    response = client_of(make_member(vault)).get(page_of(vault))

    assert names_in(response) == []
    assert "No certificates yet" in response.text


def test_a_full_page_with_names_and_requests_takes_at_most_seven_queries_even_while_searching(
    client_of: SignIn,
) -> None:
    vault = make_vault()
    officer = make_member(vault)
    many(vault, officer, 60)
    for name in ("c000", "c001", "c002"):
        make_certificate(vault=vault, name=name, by=officer)
        make_operation(vault=vault, name=name, by=officer)
    browser = client_of(officer)
    browser.get(page_of(vault))
    queries = ("", "?q=c0", "?q=www.example.org", "?q=*.example.org", "?q=deadbeef00", "?state=enabled&sort=expires")

    counts = {}
    for query in queries:
        with CaptureQueriesContext(connection) as captured:
            response = browser.get(page_of(vault, query))
        assert response.status_code == 200
        counts[query] = len(captured)

    assert max(counts.values()) <= 7, counts


def test_the_list_loads_no_policy_no_certificate_and_no_secret(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    make_certificate(vault=vault, by=officer)
    browser = client_of(officer)

    with CaptureQueriesContext(connection) as captured:
        browser.get(page_of(vault))

    text = " ".join(query["sql"] for query in captured)
    for column in ('"policy"', '"der"', '"chain"', '"secret"', '"csr"'):
        assert column not in text


def test_pages_follow_each_other_without_a_gap_or_a_row_twice(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    many(vault, officer, 120)
    browser = client_of(officer)

    seen: list[str] = []
    query = "?sort=name"
    while query:
        response = browser.get(page_of(vault, query))
        seen += names_in(response)
        query = response.context_data["page"].next_url

    assert seen == [f"c{number:03}" for number in range(120)]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["alpha", "beta", "gamma"]),
        ("-name", ["gamma", "beta", "alpha"]),
        ("expires", ["beta", "alpha", "gamma"]),
        ("-expires", ["gamma", "alpha", "beta"]),
        ("colour", ["alpha", "beta", "gamma"]),
    ],
)
def test_the_list_is_sorted_as_the_address_says(client_of: SignIn, sort: str, expected: list[str]) -> None:
    vault = make_vault()
    officer = make_member(vault)
    many(vault, officer, 3)
    moment = timezone.now()
    for name, new, days in (("c000", "alpha", 20), ("c001", "beta", 10), ("c002", "gamma", 30)):
        Certificate.objects.filter(name=name).update(name=new, expires_at=moment + timedelta(days=days))

    response = client_of(officer).get(page_of(vault, f"?sort={sort}"))

    assert names_in(response) == expected


def test_each_state_lists_only_certificates_in_it(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    moment = timezone.now()
    for name in ("good", "soon", "late", "off"):
        make_certificate(vault=vault, name=name, by=officer)
    make_operation(vault=vault, name="waits", by=officer)
    for name, days in (("soon", 5), ("late", -5)):
        certificate = Certificate.objects.get(name=name)
        Certificate.objects.filter(pk=certificate.pk).update(expires_at=moment + timedelta(days=days))
        certificate.versions.update(not_after=moment + timedelta(days=days))
    Certificate.objects.get(name="off").versions.update(enabled=False)
    browser = client_of(officer)

    found = {
        state: names_in(browser.get(page_of(vault, f"?state={state}")))
        for state in ("enabled", "expiring", "expired", "disabled", "pending", "nonsense")
    }

    assert found == {
        "enabled": ["good", "soon"],
        "expiring": ["soon"],
        "expired": ["late"],
        "disabled": ["off"],
        "pending": ["waits"],
        "nonsense": ["good", "late", "off", "soon", "waits"],
    }


def test_a_request_that_waits_for_a_merge_is_told_in_its_row(client_of: SignIn) -> None:
    vault = make_vault()
    make_operation(vault=vault, name="waits")

    response = client_of(make_member(vault)).get(page_of(vault))

    assert "Needs signed certificate" in response.text


HOSTILE = [
    "\x00",
    "<script>alert(1)</script>",
    f"{RIGHT_TO_LEFT}gro.elpmaxe",
    "%",
    "_",
    "\\",
    "'; DROP TABLE vault_certificate; --",
    "*.",
    ".",
    "*",
    ":",
    "::",
    "0",
    "00000000",
    "ff" * 32,
    "🔒" * 200,
    "x" * 5000,
]


@pytest.mark.parametrize("query", HOSTILE)
def test_odd_queries_find_nothing_and_break_nothing(client_of: SignIn, query: str) -> None:
    vault = make_vault()
    officer = make_member(vault)
    make_certificate(vault=vault, name="shop", by=officer)

    response = client_of(officer).get(page_of(vault), {"q": query, "state": query, "issuer": query, "after": query})

    assert response.status_code == 200
    assert "<script>alert" not in response.text


# ----------------------------------------------------------- one certificate
def test_a_certificate_page_shows_what_it_is_to_a_reader_without_actions(client_of: SignIn) -> None:
    vault = make_vault()
    certificate = make_certificate(vault=vault, name="shop")
    version = certificate.current

    response = client_of(make_member(vault, Role.READER)).get(page_of(vault, "certificates/shop/"))

    assert response.status_code == 200
    for text in (version.serial, version.thumbprint_sha1, version.thumbprint_sha256, version.id.hex, "www.example.org"):
        assert text in response.text
    assert "EC P-256" in response.text
    for action in ("Renew now", "Delete…", "With private key"):
        assert action not in response.text


def test_an_officer_finds_every_action_but_purge(client_of: SignIn) -> None:
    vault = make_vault()
    make_certificate(vault=vault, name="shop")

    response = client_of(make_member(vault)).get(page_of(vault, "certificates/shop/"))

    for action in ("Renew now", "New version…", "Delete…", "With private key"):
        assert action in response.text


@pytest.mark.parametrize("path", ["", "progress/", "tags/", "delete/"])
def test_a_certificate_of_someone_else_does_not_exist_for_a_requester(client_of: SignIn, path: str) -> None:
    vault = make_vault()
    make_certificate(vault=vault, name="theirs")

    response = client_of(make_member(vault, Role.REQUESTER)).get(page_of(vault, f"certificates/theirs/{path}"))

    assert response.status_code == 404


@pytest.mark.parametrize("path", ["renew/", "tags/", "delete/"])
def test_a_reader_is_told_who_can_help_with_changes(client_of: SignIn, path: str) -> None:
    vault = make_vault()
    make_certificate(vault=vault, name="shop")
    administrator = make_member(vault, Role.ADMINISTRATOR)

    response = client_of(make_member(vault, Role.READER)).post(page_of(vault, f"certificates/shop/{path}"))

    assert response.status_code == 403
    assert administrator.title in response.text


def test_a_certificate_without_a_version_says_what_it_waits_for(client_of: SignIn) -> None:
    vault = make_vault()
    make_operation(vault=vault, name="waits")

    response = client_of(make_member(vault)).get(page_of(vault, "certificates/waits/"))

    assert response.status_code == 200
    assert "No version yet" in response.text
    assert "data-live" in response.text


def test_a_certificate_whose_only_request_failed_says_so(client_of: SignIn) -> None:
    vault = make_vault()
    make_operation(vault=vault, name="fails").fail(code="Request rejected", message="The CA said <b>no</b>.")

    response = client_of(make_member(vault)).get(page_of(vault, "certificates/fails/"))

    assert "The CA said &lt;b&gt;no&lt;/b&gt;." in response.text
    assert "data-live" not in response.text


def test_polling_answers_nothing_while_nothing_changed_and_the_piece_when_it_did(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    operation = make_operation(vault=vault, name="waits", by=officer)
    browser = client_of(officer)
    address = page_of(vault, "certificates/waits/progress/")
    seen = f"{operation}.{operation.changes}"

    before = browser.get(address, {"seen": seen}, headers={"HX-Request": "true"})
    operation.cancel()
    after = browser.get(address, {"seen": seen}, headers={"HX-Request": "true"})

    assert before.status_code == 204
    assert after.status_code == 200
    assert "Cancelled" in after.text
    assert "data-live" not in after.text
    assert "<html" not in after.text


def test_names_with_markup_are_shown_as_text(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    names = AlternativeNames(uris=("urn:x:<script>alert(1)</script>",))
    certificate = make_certificate(vault=vault, name="shop", by=officer)
    certificate.versions.update(subject=f"CN=<script>alert(1)</script>{RIGHT_TO_LEFT}")
    Certificate.objects.filter(pk=certificate.pk).update(policy=make_policy(names=names), tags={"<b>": "</td>"})
    browser = client_of(officer)

    pages = [browser.get(page_of(vault, path)).text for path in ("", "certificates/shop/")]

    for text in pages:
        assert "<script>alert" not in text
        assert "<b>" not in text


def test_renewing_asks_with_the_same_policy_once_however_often_it_is_sent(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    certificate = make_certificate(vault=vault, name="shop", by=officer)
    browser = client_of(officer)
    submission = browser.get(page_of(vault, "certificates/shop/")).context_data["submission"]

    answers = [browser.post(page_of(vault, "certificates/shop/renew/"), {"submission": submission}) for _ in range(2)]

    newest = Operation.objects.order_by("-id").first()
    assert [answer.status_code for answer in answers] == [303, 303]
    assert {answer["Location"] for answer in answers} == {page_of(vault, f"operations/{newest}/")}
    assert newest.policy == certificate.policy
    assert newest.reason == Operation.Reason.RENEWAL
    assert Operation.objects.count() == 2


def test_renewing_while_a_request_runs_is_refused_in_words(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    make_operation(vault=vault, name="shop", by=officer)

    response = client_of(officer).post(page_of(vault, "certificates/shop/renew/"), {"submission": "nonsense"})

    assert response.status_code == 409
    assert "already being issued" in response.text


def test_tags_are_replaced_and_noted(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    make_certificate(vault=vault, name="shop", by=officer)

    response = client_of(officer).post(page_of(vault, "certificates/shop/tags/"), {"tags": "team=payments\r\nplain"})

    assert response.status_code == 303
    assert Certificate.objects.get(name="shop").tags == {"team": "payments", "plain": ""}
    assert AuditEvent.objects.filter(action="certificates/update-tags", actor=officer.username).exists()


@pytest.mark.parametrize(
    "text",
    [
        "=x",
        "a=1\na=2",
        "a=\x00",
        f"a={RIGHT_TO_LEFT}b",
        "k" * 600,
        "x" * 200_000,
        "\n".join(f"t{n}" for n in range(16)),
    ],
)
def test_tags_that_cannot_be_come_back_whole_with_a_sentence(client_of: SignIn, text: str) -> None:
    vault = make_vault()
    officer = make_member(vault)
    make_certificate(vault=vault, name="shop", by=officer)

    response = client_of(officer).post(page_of(vault, "certificates/shop/tags/"), {"tags": text})

    assert response.status_code == 422
    assert response.context_data["form"].data["tags"] == text
    assert response.context_data["form"].errors["tags"]
    assert Certificate.objects.get(name="shop").tags == {}


def test_deleting_says_what_happens_and_then_does_it(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    make_certificate(vault=vault, name="shop", by=officer)
    operation = make_operation(vault=vault, name="shop", by=officer)
    browser = client_of(officer)

    asked = browser.get(page_of(vault, "certificates/shop/delete/"))
    done = browser.post(page_of(vault, "certificates/shop/delete/"))

    operation.refresh_from_db()
    assert "Its request in progress is cancelled" in asked.text
    assert done["Location"] == page_of(vault, "deleted/")
    assert Certificate.objects.get(name="shop").deleted_at
    assert operation.status == Operation.Status.CANCELLED
    assert browser.get(page_of(vault, "certificates/shop/")).status_code == 404


def test_names_are_found_whatever_the_case_of_the_address(client_of: SignIn) -> None:
    vault = make_vault()
    make_certificate(vault=vault, name="Shop")

    response = client_of(make_member(vault)).get(f"/vaults/{str(vault).upper()}/certificates/sHOP/")

    assert response.status_code == 200
