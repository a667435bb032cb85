"""What people see and do of an order at a CA. The rows are put into their states; no CA is called."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import Role, User
from tests.factories import make_member, make_operation, make_vault
from tests.pki.authority import make_root, sign_csr, to_pem
from vault.models import AuditEvent, Issuer, Operation, Vault
from vault.models.policy import SELF
from vault.providers.base import Task, TaskKind

SignIn = Callable[[User], Client]


def make_issuer(vault: Vault, name: str = "public-ca", **facts: Any) -> Issuer:
    """An issuer whose adapter cannot be built, so that nothing could ever be called."""
    return Issuer.objects.create(vault=vault, name=name, provider="Nobody", secrets=b"", **facts)


def make_order(vault: Vault, by: User | None = None, **facts: Any) -> Operation:
    """A request in progress whose order an issuer's CA has, unless `facts` say otherwise."""
    issuer = Issuer.objects.filter(vault=vault).first() or make_issuer(vault)
    operation = make_operation(vault=vault, issuer=SELF, by=by)
    ordered = {"step": Operation.Step.ORDERED, "order_number": "100001", "next_step_at": timezone.now() + timedelta(1)}
    Operation.objects.filter(pk=operation.pk).update(issuer=issuer, issuer_name=issuer.name, **{**ordered, **facts})
    return Operation.objects.select_related("vault", "certificate").get(pk=operation.pk)


def make_unclear(vault: Vault, **facts: Any) -> Operation:
    """A request of which nobody knows whether the CA has it."""
    unclear = {"step": "submitting", "order_number": "", "unclear_at": timezone.now(), "next_step_at": None}
    return make_order(vault, **{**unclear, **facts})


def address(operation: Operation, path: str = "") -> str:
    return f"/vaults/{operation.vault}/operations/{operation}/{path}"


def tasks(*given: Task) -> list[dict[str, Any]]:
    return [{"kind": task.kind, "title": task.title, "detail": dict(task.detail)} for task in given]


RECORD = Task(
    kind=TaskKind.DNS_TXT,
    title="Publish this record in DNS.",
    detail={"name": "_acme-challenge.www.example.org", "value": "Zm9v-bar_1", "domain": "www.example.org", "seen": ""},
)
APPROVAL = Task(
    kind=TaskKind.APPROVE, title="Approve the order.", detail={"url": "https://ca.example/requests/7", "request": "7"}
)


# ------------------------------------------------------------------ what is seen
def test_the_order_is_told_with_its_number_its_last_answer_and_its_next_look(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_order(vault, said='{"status": "<b>pending</b>"}', asked_at=timezone.now())

    text = client_of(make_member(vault)).get(address(operation)).text

    assert '<code id="order-number">100001</code>' in text
    assert "{&quot;status&quot;: &quot;&lt;b&gt;pending&lt;/b&gt;&quot;}" in text
    assert "Asked again" in text
    assert "Check now" in text
    assert "public-ca" in text


def test_a_record_to_publish_can_be_copied_and_says_whether_it_is_seen(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_order(vault, tasks=tasks(RECORD))
    browser = client_of(make_member(vault))

    before = browser.get(address(operation)).text
    seen = Task(kind=RECORD.kind, title=RECORD.title, detail={**RECORD.detail, "seen": "Zm9v-bar_1"})
    Operation.objects.update(tasks=tasks(seen))
    after = browser.get(address(operation)).text

    assert '<code id="task-1-name">_acme-challenge.www.example.org</code>' in before
    assert 'data-copy="task-1-value"' in before
    assert "<strong>you</strong>" in before
    assert "do not show it yet" in before
    assert "The name servers answer" in after


def test_an_approval_leads_to_the_ca_and_waits_for_whoever_has_an_account_there(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_order(vault, tasks=tasks(APPROVAL))

    text = client_of(make_member(vault, Role.READER)).get(address(operation)).text

    assert 'href="https://ca.example/requests/7" target="_blank" rel="noopener noreferrer"' in text
    assert "someone with an account at the CA" in text
    assert "Check now" not in text


@pytest.mark.parametrize("odd", ["javascript:alert(1)", "//evil.example", "https://", "http://[", ""])
def test_only_web_addresses_become_links(client_of: SignIn, odd: str) -> None:
    vault = make_vault()
    odd_task = Task(kind=TaskKind.ORGANISATION, title="<i>Wait.</i>", detail={"url": odd})
    operation = make_order(vault, tasks=tasks(odd_task))

    text = client_of(make_member(vault)).get(address(operation)).text

    assert "&lt;i&gt;Wait." in text
    assert "at the CA<span" not in text
    assert not odd or f'href="{odd}"' not in text


def test_a_task_of_a_kind_that_is_not_known_shows_its_sentence(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_order(vault, tasks=[{"kind": "pigeon", "title": "Send a pigeon.", "detail": {"to": "CA"}}])

    assert "Send a pigeon." in client_of(make_member(vault)).get(address(operation)).text


@pytest.mark.parametrize(("role", "may_act"), [(Role.ADMINISTRATOR, True), (Role.OFFICER, False)])
def test_refused_credentials_are_said_with_who_can_correct_them(client_of: SignIn, role: str, may_act: bool) -> None:
    vault = make_vault()
    make_issuer(vault, pause=Issuer.Pause.CREDENTIALS, pause_words="401 <no>")
    operation = make_order(vault)

    text = client_of(make_member(vault, role)).get(address(operation)).text

    assert "refuses the credentials of “public-ca”" in text
    assert "401 &lt;no&gt;" in text
    assert ("Open the issuer" in text) is may_act
    assert "Check now" not in text


def test_a_pause_that_the_ca_asked_for_says_when_it_ends_and_then_is_gone(client_of: SignIn) -> None:
    vault = make_vault()
    until = timezone.now() + timedelta(minutes=5)
    issuer = make_issuer(vault, pause=Issuer.Pause.RATE, paused_until=until)
    operation = make_order(vault)
    browser = client_of(make_member(vault))

    during = browser.get(address(operation)).text
    Issuer.objects.filter(pk=issuer.pk).update(paused_until=timezone.now() - timedelta(seconds=1))
    after = browser.get(address(operation)).text

    assert "has asked for a pause" in during
    assert "has asked for a pause" not in after


def test_an_order_that_takes_longer_than_its_issuer_usually_does_is_said_to(client_of: SignIn) -> None:
    vault = make_vault()
    began = timezone.now() - timedelta(hours=3)
    done = make_order(vault)
    ended = {"status": "completed", "step": "done", "created_at": began, "ended_at": began + timedelta(minutes=4)}
    Operation.objects.filter(pk=done.pk).update(**ended)
    slow, fresh = make_order(vault, created_at=began), make_order(vault)
    browser = client_of(make_member(vault))

    pages = [browser.get(address(operation)).text for operation in (slow, fresh)]

    assert ["longer than usual" in page for page in pages] == [True, False]
    assert all("4 min" in page for page in pages)


def test_polling_an_order_takes_at_most_five_queries_and_the_page_nine(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_order(vault, tasks=tasks(RECORD, APPROVAL), said="pending")
    browser = client_of(make_member(vault))
    browser.get(address(operation))

    counts = []
    for path, query in (("progress/", {"seen": operation.changes}), ("progress/", {}), ("", {})):
        with CaptureQueriesContext(connection) as captured:
            response = browser.get(address(operation, path), query)
        assert response.status_code in {200, 204}
        counts.append(len(captured))

    assert counts[0] <= 4
    assert counts[1] <= 8
    assert counts[2] <= 9


def test_lists_name_the_issuer_and_find_what_is_unclear_or_late(client_of: SignIn) -> None:
    vault = make_vault()
    make_order(vault)
    unclear = make_unclear(vault)
    late = make_late(vault)
    browser = client_of(make_member(vault))

    found = {
        status: [
            row["operation"] for row in browser.get(f"/vaults/{vault}/operations/?status={status}").context_data["rows"]
        ]
        for status in ("unclear", "late")
    }
    text = browser.get(f"/vaults/{vault}/operations/").text

    assert found == {"unclear": [unclear], "late": [late]}
    assert text.count("public-ca") == 3
    assert "Order unclear" in text
    assert "Issued after its end" in text


# --------------------------------------------------------------------- check now
def test_check_now_asks_once_and_then_says_when_again(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    operation = make_order(vault)
    browser = client_of(officer)

    first, second = (browser.post(address(operation, "check/"), follow=True) for _ in range(2))

    operation.refresh_from_db()
    assert operation.next_step_at <= timezone.now()
    assert "Try again in" not in first.text
    assert "Try again in 10 seconds" in second.text
    assert AuditEvent.objects.filter(action="orders/check", actor=officer.username).count() == 1


# ------------------------------------------------------------------ cancelling
def test_cancelling_says_what_may_still_happen_at_a_ca_that_cannot_withdraw(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_order(vault)

    text = client_of(make_member(vault)).get(address(operation)).text

    assert "no way to withdraw an order" in text


# ----------------------------------------------------------------- fate unknown
def test_an_unclear_order_is_told_to_all_and_decided_by_administrators(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_unclear(vault)

    seen = {
        role: client_of(make_member(vault, role)).get(address(operation)).text
        for role in (Role.READER, Role.OFFICER, Role.ADMINISTRATOR)
    }

    assert all("It is not known whether the CA has this order" in text for text in seen.values())
    assert ["send again…" in text for text in seen.values()] == [False, False, True]
    assert "<strong>you</strong>" in seen[Role.ADMINISTRATOR]
    assert "an administrator of this vault" in seen[Role.OFFICER]
    assert "http-equiv" not in seen[Role.OFFICER]


@pytest.mark.parametrize("answers", [{"candidate": "7001"}, {"candidate": "", "number": " 9009 "}, {"number": "9009"}])
def test_an_administrator_says_which_order_it_is(client_of: SignIn, answers: dict[str, str]) -> None:
    vault = make_vault()
    candidates = [{"order_id": number, "certificate_id": "", "step": "", "data": {}} for number in ("7001", "7002")]
    operation = make_unclear(vault, candidates=candidates)
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))

    page = browser.get(address(operation, "decide/")).text
    response = browser.post(address(operation, "decide/"), {"decision": "adopt", **answers})

    operation.refresh_from_db()
    assert "7001" in page
    assert response["Location"] == address(operation)
    assert operation.order_number == (answers.get("number", "").strip() or "7001")
    assert operation.step == Operation.Step.ORDERED


@pytest.mark.parametrize("number", ["", "   ", "x" * 600, "a\x00b", "taken"])
def test_a_number_that_cannot_be_it_is_refused_with_the_page(client_of: SignIn, number: str) -> None:
    vault = make_vault()
    make_order(vault, order_number="taken")
    operation = make_unclear(vault)
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))

    response = browser.post(address(operation, "decide/"), {"decision": "adopt", "number": number})

    operation.refresh_from_db()
    assert response.status_code == 422
    assert operation.unclear_at is not None
    assert 'aria-invalid="true"' in response.text


def test_sending_again_needs_a_look_at_the_ca(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_unclear(vault)
    browser = client_of(make_member(vault, Role.ADMINISTRATOR))

    unsure = browser.post(address(operation, "decide/"), {"decision": "again"})
    operation.refresh_from_db()
    was_unclear = operation.unclear_at is not None
    sure = browser.post(address(operation, "decide/"), {"decision": "again", "looked": "on"})
    twice = browser.post(address(operation, "decide/"), {"decision": "again", "looked": "on"})

    operation.refresh_from_db()
    assert (unsure.status_code, sure.status_code, twice.status_code) == (422, 303, 409)
    assert was_unclear
    assert operation.step == Operation.Step.READY
    assert AuditEvent.objects.filter(action="orders/send-again").count() == 1


# ---------------------------------------------------------- issued after its end
def make_late(vault: Vault, by: User | None = None) -> Operation:
    """A cancelled request whose certificate came all the same."""
    operation = make_order(vault, by=by)
    ended = {"status": "cancelled", "step": "done", "ended_at": timezone.now(), "next_step_at": None}
    late = {"late": to_pem(sign_csr(make_root(), bytes(operation.csr))), "late_at": timezone.now()}
    Operation.objects.filter(pk=operation.pk).update(**ended, **late)
    operation.refresh_from_db()
    return operation


def test_a_late_certificate_is_adopted_as_a_version(client_of: SignIn) -> None:
    vault = make_vault()
    owner = make_member(vault, Role.REQUESTER)
    operation = make_late(vault, by=owner)
    browser = client_of(owner)

    told = browser.get(address(operation)).text
    page = browser.get(address(operation, "late/")).text
    done = browser.post(address(operation, "late/"), {"decision": "adopt"}, follow=True).text

    operation.refresh_from_db()
    assert "issued the certificate after this request had ended" in told
    assert "www.example.org" in page
    assert "takes no revocations from here" in page
    assert "It is version 1 of" in done
    assert operation.status == Operation.Status.COMPLETED
    assert operation.late_settled == "adopted"


def test_a_late_certificate_is_left_and_then_not_asked_about_any_more(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_late(vault)
    browser = client_of(make_member(vault))

    nothing = browser.post(address(operation, "late/"), {"decision": "what"})
    left = browser.post(address(operation, "late/"), {"decision": "leave"}, follow=True).text
    again = browser.post(address(operation, "late/"), {"decision": "adopt"})

    assert nothing.status_code == 200
    assert "left as it is" in left
    assert "Look at it and decide" not in left
    assert again.status_code == 409


def test_a_reader_sees_the_late_certificate_and_decides_nothing(client_of: SignIn) -> None:
    vault = make_vault()
    operation = make_late(vault)
    browser = client_of(make_member(vault, Role.READER))

    text = browser.get(address(operation)).text
    refused = browser.post(address(operation, "late/"), {"decision": "leave"})

    assert "Look at it and decide" not in text
    assert refused.status_code == 403
