from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import Role, User
from tests.factories import make_certificate, make_member, make_operation, make_user, make_vault
from vault import tasks
from vault.models import Operation, Vault
from vault.models.policy import SELF

SignIn = Callable[[User], Client]


def address(operation: Operation, path: str = "") -> str:
    return f"/vaults/{operation.vault}/operations/{operation}/{path}"


def listed(browser: Client, vault: Vault, query: str = "") -> list[str]:
    response = browser.get(f"/vaults/{vault}/operations/{query}")
    assert response.status_code == 200
    return [row["operation"].certificate.name for row in response.context_data["rows"]]


# ------------------------------------------------------------------ the list
def test_requests_are_listed_newest_first_to_a_reader(client_of: SignIn) -> None:
    vault = make_vault()
    for name in ("first", "second"):
        make_operation(vault=vault, name=name)

    assert listed(client_of(make_member(vault, Role.READER)), vault) == ["second", "first"]


def test_a_requester_sees_the_requests_of_their_own_certificates(client_of: SignIn) -> None:
    vault = make_vault()
    requester = make_member(vault, Role.REQUESTER)
    make_operation(vault=vault, name="mine", by=requester)
    make_operation(vault=vault, name="theirs")

    assert listed(client_of(requester), vault) == ["mine"]


def test_the_list_is_filtered_as_the_address_says(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    make_operation(vault=vault, name="waits", by=officer)
    make_operation(vault=vault, name="runs", issuer=SELF)
    make_certificate(vault=vault, name="done")
    make_operation(vault=vault, name="failed").fail(code="X", message="no")
    browser = client_of(officer)

    found = {
        query: listed(browser, vault, query)
        for query in (
            "?status=waiting",
            "?status=inProgress",
            "?status=completed",
            "?status=failed",
            "?mine=1",
            "?status=x",
        )
    }

    assert found == {
        "?status=waiting": ["waits"],
        "?status=inProgress": ["runs", "waits"],
        "?status=completed": ["done"],
        "?status=failed": ["failed"],
        "?mine=1": ["waits"],
        "?status=x": ["failed", "done", "runs", "waits"],
    }


def test_many_requests_take_at_most_six_queries_and_load_no_request(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    for number in range(8):
        make_operation(vault=vault, name=f"c{number}", by=officer)
    browser = client_of(officer)
    listed(browser, vault)

    with CaptureQueriesContext(connection) as captured:
        listed(browser, vault)

    text = " ".join(query["sql"] for query in captured)
    assert len(captured) <= 6
    assert '"csr"' not in text
    assert '"policy"' not in text


# --------------------------------------------------------------- one request
@pytest.mark.parametrize("path", ["", "progress/", "csr.pem", "csr.der", "merge/"])
def test_strangers_and_requesters_of_other_certificates_find_no_request(client_of: SignIn, path: str) -> None:
    operation = make_operation()
    others = [make_user(), make_member(operation.vault, Role.REQUESTER), make_member(operation.vault, Role.AUDITOR)]

    statuses = [client_of(other).get(address(operation, path)).status_code for other in others]

    assert statuses == [404, 404, 404]


def test_a_reader_sees_whose_turn_it_is_and_no_actions(client_of: SignIn) -> None:
    vault = make_vault()
    owner = make_member(vault)
    operation = make_operation(vault=vault, by=owner)

    text = client_of(make_member(vault, Role.READER)).get(address(operation)).text

    assert f"<strong>{owner.title}</strong>" in text
    assert "BEGIN CERTIFICATE REQUEST" in text
    for action in ("Bring the signed certificate", "Cancel the request"):
        assert action not in text


def test_whoever_may_merge_is_told_that_it_is_their_turn(client_of: SignIn) -> None:
    vault = make_vault()
    requester = make_member(vault, Role.REQUESTER)
    operation = make_operation(vault=vault, by=requester)

    text = client_of(requester).get(address(operation)).text

    assert "<strong>you</strong>" in text
    assert "Bring the signed certificate" in text
    assert operation.key.spki_sha256 in text


def test_the_page_refreshes_itself_without_scripts_only_while_no_person_must_act(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    by_itself = make_operation(vault=vault, issuer=SELF, by=officer)
    by_hand = make_operation(vault=vault, by=officer)
    browser = client_of(officer)

    pages = [browser.get(address(operation)).text for operation in (by_itself, by_hand)]

    assert ["http-equiv" in text for text in pages] == [True, False]
    assert ["data-live" in text for text in pages] == [True, True]


def test_polling_takes_at_most_four_queries_and_says_nothing_while_nothing_changed(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    operation = make_operation(vault=vault, issuer=SELF, by=officer)
    browser = client_of(officer)
    browser.get(address(operation))

    with CaptureQueriesContext(connection) as captured:
        response = browser.get(address(operation, "progress/"), {"seen": operation.changes})

    assert response.status_code == 204
    assert len(captured) <= 4


def test_polling_ends_with_the_certificate(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    operation = make_operation(vault=vault, issuer=SELF, by=officer)
    browser = client_of(officer)
    tasks.advance_operation(operation.pk)

    response = browser.get(address(operation, "progress/"), {"seen": operation.changes}, headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert "The certificate is here: version 1" in response.text
    assert "data-live" not in response.text
    assert "<html" not in response.text
    assert "Download" in response.text


@pytest.mark.parametrize("seen", ["", "x", "\x00", "-1", "9" * 5000])
def test_an_odd_change_counter_means_that_nothing_was_seen(client_of: SignIn, seen: str) -> None:
    vault = make_vault()
    operation = make_operation(vault=vault)

    response = client_of(make_member(vault)).get(address(operation, "progress/"), {"seen": seen})

    assert response.status_code == 200


def test_every_step_is_told_with_its_time(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_operation(vault=vault, by=make_member(vault))

    response = client_of(make_member(vault)).get(address(operation))

    lines = response.context_data["lines"]
    assert [line.state for line in lines] == ["done", "done", "current", "todo"]
    assert all(line.at for line in lines[:2])


def test_a_failure_shows_the_words_of_the_ca_as_text_and_what_to_do(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_operation(vault=vault)
    operation.fail(code="Request rejected", message="CAA forbids <script>alert(1)</script>")

    text = client_of(make_member(vault)).get(address(operation)).text

    assert "Request rejected" in text
    assert "CAA forbids &lt;script&gt;" in text
    assert "<script>alert" not in text
    assert "Ask again with the same answers" in text
    assert f"?again={operation}" in text


def test_a_self_signed_request_that_lingers_says_that_it_takes_longer_than_usual(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_operation(vault=vault, issuer=SELF)
    Operation.objects.update(created_at=timezone.now() - timedelta(minutes=5))

    text = client_of(make_member(vault)).get(address(operation)).text

    assert "longer than usual" in text


def test_the_signing_request_is_downloaded_as_pem_and_der(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_operation(vault=vault, name="shop")
    browser = client_of(make_member(vault, Role.READER))

    pem, der = (browser.get(address(operation, f"csr.{kind}")) for kind in ("pem", "der"))

    assert x509.load_pem_x509_csr(pem.content) == x509.load_der_x509_csr(der.content)
    assert pem["Content-Disposition"] == 'attachment; filename="shop.csr"'
    assert der["Content-Disposition"] == 'attachment; filename="shop.p10"'
    assert der["Content-Type"] == "application/pkcs10"


# ------------------------------------------------------------------- actions
def test_cancelling_ends_the_request_and_a_second_time_is_told(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    operation = make_operation(vault=vault, by=officer)
    browser = client_of(officer)

    first, second = (browser.post(address(operation, "cancel/")) for _ in range(2))

    operation.refresh_from_db()
    assert (first.status_code, first["Location"]) == (303, address(operation))
    assert operation.status == Operation.Status.CANCELLED
    assert second.status_code == 409
    assert "already ended" in second.text


def test_cancelling_what_was_sent_asks_the_issuer_and_says_so(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    operation = make_operation(vault=vault, issuer=SELF, by=officer)
    Operation.objects.update(step=Operation.Step.ORDERED)

    response = client_of(officer).post(address(operation, "cancel/"), follow=True)

    operation.refresh_from_db()
    assert operation.is_in_progress
    assert operation.cancellation_requested
    assert "asked to stop" in response.text
    assert "Cancel the request</button>" not in response.text


@pytest.mark.parametrize("verb", ["cancel", "delete", "retry"])
def test_readers_act_on_no_request_and_a_look_changes_nothing(client_of: SignIn, verb: str) -> None:
    vault = make_vault()
    operation = make_operation(vault=vault)

    refused = client_of(make_member(vault, Role.READER)).post(address(operation, f"{verb}/"))
    looked = client_of(make_member(vault)).get(address(operation, f"{verb}/"))

    operation.refresh_from_db()
    assert (refused.status_code, looked.status_code) == (403, 405)
    assert operation.is_in_progress


def test_a_deleted_record_leaves_the_pages(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    operation = make_operation(vault=vault, by=officer)
    operation.cancel()
    browser = client_of(officer)

    response = browser.post(address(operation, "delete/"))

    assert response["Location"] == f"/vaults/{vault}/operations/"
    assert browser.get(address(operation)).status_code == 404
    assert listed(browser, vault) == []


def test_asking_again_repeats_the_answers_once_however_often_it_is_sent(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    earlier = make_operation(vault=vault, by=officer, subject="CN=special.example.org")
    earlier.fail(code="X", message="no")
    browser = client_of(officer)
    submission = browser.get(address(earlier)).context_data["submission"]

    answers = [browser.post(address(earlier, "retry/"), {"submission": submission}) for _ in range(2)]

    again = Operation.objects.order_by("-id").first()
    assert {answer["Location"] for answer in answers} == {address(again)}
    assert Operation.objects.count() == 2
    assert again.policy == earlier.policy
    assert again.key_id != earlier.key_id
