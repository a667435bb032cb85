"""Orders at a CA through the driver: one order per request, whatever happens on the way."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.pki.authority import make_csr
from tests.vault.lifecycle.cas import Rig, fresh
from tests.vault.lifecycle.tiny import KEY
from vault import leases, tasks
from vault.errors import OperationClosed
from vault.lifecycle import advancing, issuers, issuing, looking, pacing, reconciling
from vault.lifecycle.issuing import Order
from vault.models import AuditEvent, Issuer, Operation, OperationStep
from vault.models.audit import SYSTEM
from vault.models.policy import AlternativeNames
from vault.providers.base import CertRequest, Checkpoint, Outcome
from vault.simulators.kit import Fault
from vault.x509.requests import describe_csr

Step, Status = Operation.Step, Operation.Status
LEASE = timedelta(seconds=150)


def told(operation: Operation) -> list[str]:
    return [step.text for step in operation.steps.all()]


# ------------------------------------------------------------------ the way
def test_a_request_is_ordered_polled_and_completed(rig: Rig) -> None:
    rig.break_down(delay_polls=3)

    operation = rig.play(rig.request())

    rig.assert_ended_well(operation)
    assert operation.order_number == rig.simulator.orders[0].id
    assert operation.issuer.succeeded_at is not None
    assert f"The CA has the order; its number is {operation.order_number}" in told(operation)


def test_a_certificate_that_comes_at_once_needs_no_poll(rig: Rig) -> None:
    rig.break_down(Fault(on="*", do="at-once"))

    operation = rig.step(rig.request())

    rig.assert_ended_well(operation)
    assert rig.simulator.counts["poll"] == 0


def test_an_adapter_is_told_everything_about_the_request(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = submitted(rig, monkeypatch)
    names = AlternativeNames(dns=("www.example.org", "example.org"), ips=("192.0.2.1",), emails=("a@example.org",))

    operation = rig.play(rig.request(names=names))
    (request,) = seen

    assert request.names.common_name == "www.example.org"
    assert (request.names.dns, request.names.ip, request.names.email) == (names.dns, names.ips, names.emails)
    assert request.validity_days == (request.not_after - operation.created_at.replace(microsecond=0)).days
    assert request.spki_sha256 == describe_csr(request.csr).spki_sha256
    assert request.previous is None


def test_a_renewal_names_the_order_before_it_where_the_same_issuer_made_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = rig.play(rig.request("shop"))
    seen = submitted(rig, monkeypatch)

    rig.play(rig.request("shop"))
    (request,) = seen

    assert request.previous is not None
    assert request.previous.certificate == bytes(first.version.der)
    assert request.previous.ref.order_id == first.order_number
    assert not request.previous.same_key


def test_a_certificate_of_another_issuer_is_previous_without_an_order(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.play(rig.request("shop"))
    seen = submitted(rig, monkeypatch)
    Operation.objects.update(issuer=None)

    rig.play(rig.request("shop"))

    assert seen[0].previous.ref.order_id == ""


def test_doubts_of_the_adapter_are_told_once(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="status:503", times=0))

    operation = rig.play(rig.request(names=AlternativeNames(dns=("doubt.example",))))

    assert told(operation).count("The name is doubtful.") == 1


def test_what_the_adapter_refuses_is_never_sent(rig: Rig) -> None:
    operation = rig.play(rig.request(names=AlternativeNames(dns=("invalid.example",))))

    assert (operation.status, operation.error_code) == (Status.FAILED, "InvalidRequest")
    assert rig.simulator.counts["submit"] == 0


def test_a_request_made_elsewhere_is_ordered_too(rig: Rig) -> None:
    policy = rig.request().policy

    operation = issuing.request_certificate(
        vault=rig.vault, order=Order(name="brought", policy=policy, csr=make_csr()), by=SYSTEM
    )

    rig.assert_ended_well(rig.play(operation))


# ------------------------------------------------------------------ the faults
AT_EACH_CALL = ["status:500", "status:503", "429", "reset", "truncate", "html", "garbage", "401"]
AFTER = ["status-after:500", "reset-after", "truncate", "html-after"]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("fault", AT_EACH_CALL)
@pytest.mark.parametrize("call", ["submit", "poll", "find", "download"])
def test_a_fault_at_a_call_leads_to_one_order_and_a_certificate(rig: Rig, call: str, fault: str, times: int) -> None:
    """An answer to the order is lost as well, where the fault is about looking for it."""
    lost = [Fault(on="submit", do="reset-after")] if call == "find" else []
    rig.break_down(*lost, Fault(on=call, do=fault, times=times), delay_polls=1)

    operation = rig.request()
    for _ in range(times + 1):
        operation = rig.play(operation)
        resume(rig)

    rig.assert_ended_well(rig.play(operation))


@pytest.mark.parametrize("fault", AFTER)
def test_an_order_whose_answer_was_lost_is_found_and_not_placed_twice(rig: Rig, fault: str) -> None:
    rig.break_down(Fault(on="submit", do=fault))

    operation = rig.step(rig.request())
    assert operation.step == Step.SUBMITTING
    assert operation.next_step_at == rig.now + looking.RECHECK

    rig.assert_ended_well(rig.play(operation))
    assert rig.simulator.counts["submit"] == 1


def test_an_order_that_never_arrived_is_sent_again_when_the_list_has_settled(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset"))
    began = rig.now

    operation = rig.play(rig.request())

    rig.assert_ended_well(operation)
    assert operation.ended_at - began > looking.SETTLE
    assert rig.simulator.counts["submit"] == 2


def test_a_ca_that_is_not_there_gets_the_order_later(rig: Rig) -> None:
    operation = rig.request()
    issuer = rig.issuer
    issuer.edit(config={"address": "http://127.0.0.1:1"})

    operation = rig.step(operation)
    assert operation.step == Step.READY
    assert "could not be reached" in operation.detail
    assert operation.submitted_at is not None

    issuer.edit(config={"address": rig.simulator.address})
    rig.assert_ended_well(rig.play(operation))


def test_a_refused_order_fails_in_the_cas_words(rig: Rig) -> None:
    rig.break_down(Fault(on="*", do="refuse"))

    operation = rig.play(rig.request())

    assert operation.status == Status.FAILED
    assert operation.error_message == "Tiny: This product is not in your account."
    assert rig.orders_of(operation) == 0


def test_a_rejected_order_fails_in_the_cas_words_and_is_watched(rig: Rig) -> None:
    rig.break_down(Fault(on="*", do="reject", value="Not a company."))

    operation = rig.play(rig.request())

    assert (operation.error_code, operation.error_message) == ("Request rejected", "Tiny: Not a company.")
    assert operation.watch_at == operation.ended_at + timedelta(hours=1)


def test_a_certificate_for_another_key_is_refused(rig: Rig) -> None:
    rig.break_down(Fault(on="*", do="wrong-key"))

    operation = rig.play(rig.request())

    assert operation.status == Status.FAILED
    assert "cannot be used" in operation.error_message
    assert operation.version is None


def test_what_is_odd_about_a_certificate_is_noted_and_its_chain_put_in_order(rig: Rig) -> None:
    rig.break_down(Fault(on="*", do="extra-names", value="more.example"), Fault(on="*", do="crlf-root"))

    operation = rig.play(rig.request())

    rig.assert_ended_well(operation)
    assert any("more.example" in note for note in operation.version.notes)
    assert operation.version.chain.count("BEGIN CERTIFICATE") in {1, 2}
    assert "\r" not in operation.version.chain


def test_two_orders_for_one_request_are_shown_to_a_person(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset-after"))
    operation = rig.step(rig.request())
    with rig.simulator.lock:
        rig.simulator.accept(rig.simulator.orders[0].csr)

    operation = rig.play(operation)

    assert operation.unclear_at is not None
    assert len(operation.candidates) == 2
    assert operation.next_step_at is None
    assert AuditEvent.objects.filter(action="orders/unclear", result="alarm").count() == 1


def test_a_ca_that_cannot_be_searched_leaves_it_to_a_person_at_the_first_look(blind: Rig) -> None:
    blind.break_down(Fault(on="submit", do="reset-after"))

    operation = blind.play(blind.request())

    assert operation.unclear_at is not None
    assert operation.is_in_progress
    assert "It is unknown whether" in operation.detail
    assert blind.orders_of(operation) == 1


@pytest.mark.parametrize("fault", ["incomplete-list", "status:500"])
def test_a_search_that_proves_nothing_for_a_day_is_left_to_a_person(rig: Rig, fault: str) -> None:
    rig.break_down(Fault(on="submit", do="reset"), Fault(on="find" if ":" in fault else "*", do=fault, times=-1))
    operation = rig.step(rig.request())
    for hours in (0, 12, 13):
        assert operation.unclear_at is None
        rig.move(timedelta(hours=hours, minutes=3))
        operation = rig.step(operation)

    assert operation.unclear_at == rig.now
    assert rig.simulator.counts["submit"] == 1


def test_a_key_that_is_reused_finds_no_order_of_another_request(rig: Rig) -> None:
    first = rig.play(rig.request("shop"))
    policy = first.policy
    rig.break_down(Fault(on="submit", do="reset-after"))
    second = issuing.request_certificate(vault=rig.vault, order=Order(name="shop", policy=policy), by=SYSTEM)
    Operation.objects.filter(pk=second.pk).update(csr=first.csr, spki_sha256=first.spki_sha256, key=first.key)

    second = rig.play_until(second, Step.ORDERED)

    assert second.order_number == rig.simulator.orders[1].id != first.order_number


# ------------------------------------------------------------------ the issuer
def test_refused_credentials_pause_the_issuer_and_requests_wait_until_it_is_resumed(rig: Rig) -> None:
    rig.simulator.key = "new"
    operations = [rig.request() for _ in range(3)]

    operations = [rig.play(operation) for operation in operations]

    rig.issuer.refresh_from_db()
    assert rig.issuer.pause == Issuer.Pause.CREDENTIALS
    assert rig.simulator.counts["submit"] == 1
    assert [(one.step, one.next_step_at) for one in operations] == [(Step.READY, None)] * 3
    assert "refuses the credentials" in operations[0].detail
    assert AuditEvent.objects.filter(action="issuers/paused").count() == 1

    rig.simulator.key = KEY
    resume(rig)

    for operation in operations:
        rig.assert_ended_well(rig.play(operation))


def test_the_administrators_are_told_once_until_the_issuer_works_again(rig: Rig, settings, mailoutbox: list) -> None:
    settings.MAIL_WORKS = True
    settings.VAULT_ADMINISTRATORS = "tests.vault.lifecycle.test_orders.two_addresses"
    rig.simulator.key = "new"
    for _ in range(3):
        rig.step(rig.request())
    tasks.sweep()

    assert sorted(mail.to[0] for mail in mailoutbox) == ["a@example.org", "b@example.org"]
    assert "Tiny refuses the key." in mailoutbox[0].body
    assert rig.issuer.name in mailoutbox[0].subject

    resume(rig)
    rig.step(rig.request())

    assert len(mailoutbox) == 4


def two_addresses(vault) -> list[str]:
    return ["a@example.org", "b@example.org"]


def test_a_mail_server_that_is_down_is_tried_again(rig: Rig, settings) -> None:
    settings.MAIL_WORKS = True
    settings.VAULT_ADMINISTRATORS = "tests.vault.lifecycle.test_orders.two_addresses"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    rig.simulator.key = "new"

    rig.step(rig.request())

    rig.issuer.refresh_from_db()
    assert rig.issuer.told_at is None


def test_a_refusal_of_credentials_that_were_replaced_meanwhile_pauses_nothing(rig: Rig) -> None:
    rig.simulator.key = "new"
    operation = Operation.objects.claim(rig.request().pk, lease=LEASE, by=leases.me())
    issuers.provider_of(operation.issuer)
    rig.issuer.edit(secrets=issuers.seal_secrets(rig.issuer, {"password": "new"}))

    advancing.advance(operation)

    rig.issuer.refresh_from_db()
    assert not rig.issuer.is_paused
    rig.assert_ended_well(rig.play(operation))


def test_a_wait_for_an_issuer_that_was_resumed_at_the_same_moment_ends_with_the_sweep(rig: Rig) -> None:
    operation = rig.request()
    Operation.objects.filter(pk=operation.pk).update(next_step_at=None)

    tasks.sweep()

    rig.assert_ended_well(rig.play(operation))


def test_a_ca_that_asks_to_slow_down_pauses_all_of_its_issuer(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="429", value="120"))
    first, second = rig.request(), rig.request()

    first, second = rig.step(first), rig.step(second)

    assert rig.simulator.counts["submit"] == 1
    assert first.next_step_at == second.next_step_at == rig.now + timedelta(seconds=120)
    rig.assert_ended_well(rig.play(first))
    rig.assert_ended_well(rig.play(second))
    rig.issuer.refresh_from_db()
    assert (rig.issuer.pause, rig.issuer.slowed) == (Issuer.Pause.NONE, 0)


def test_pauses_without_a_time_from_the_ca_double_up_to_five_minutes(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="429", times=6))
    operation = rig.request()
    waits = []
    for _ in range(6):
        operation = rig.step(operation)
        waits.append((operation.next_step_at - rig.now).total_seconds())
        rig.move_to(operation.next_step_at)

    assert waits == [30, 60, 120, 240, 300, 300]
    rig.assert_ended_well(rig.play(operation))


def test_a_disabled_issuer_takes_no_new_requests_and_finishes_those_it_has(rig: Rig) -> None:
    ready, ordered = rig.request(), rig.play_until(rig.request(), Step.ORDERED)
    rig.issuer.edit(enabled=False)

    with pytest.raises(Exception, match="switched off"):
        rig.request()

    rig.assert_ended_well(rig.play(ready))
    rig.assert_ended_well(rig.play(ordered))


def test_an_issuer_whose_credentials_were_replaced_midway_finishes_its_order(rig: Rig) -> None:
    operation = rig.play_until(rig.request(), Step.ORDERED)
    rig.simulator.key = "new"
    rig.issuer.edit(secrets=issuers.seal_secrets(rig.issuer, {"password": "new"}))

    rig.assert_ended_well(rig.play(operation))


def test_a_request_whose_issuer_is_gone_ends_and_says_which_order_may_still_come(rig: Rig) -> None:
    rig.break_down(delay_polls=2)
    operation = rig.play_until(rig.request(), Step.ORDERED)
    rig.issuer.delete()

    operation = rig.play(operation)

    assert (operation.status, operation.error_code) == (Status.FAILED, "IssuerRemoved")
    assert operation.order_number in operation.error_message
    assert operation.can_be_merged


# ------------------------------------------------------------------- the times
def test_polls_follow_the_adapters_pace_within_a_fifth_and_begin_anew_with_news(rig: Rig) -> None:
    rig.break_down(delay_polls=6)
    operation = rig.step(rig.request())
    waits = []
    for _ in range(5):
        waits.append((operation.next_step_at - rig.now).total_seconds())
        rig.move_to(operation.next_step_at)
        operation = rig.step(operation)

    for wait, planned in zip(waits, [10, 60, 600, 600, 600], strict=True):
        assert 0.8 * planned <= wait <= 1.2 * planned

    with rig.simulator.lock:
        rig.simulator.orders[0].become("approval")
    rig.move_to(operation.next_step_at)
    operation = rig.step(operation)
    assert (operation.next_step_at - rig.now).total_seconds() <= 12
    assert operation.tasks[0]["kind"] == "approve"
    assert operation.said == "approval"


def test_times_are_spread_and_the_same_for_the_same_operation(rig: Rig) -> None:
    operations = [rig.request() for _ in range(20)]
    provider = issuers.provider_of(rig.issuer)

    def plan() -> list:
        return [pacing.next_poll_at(one, provider, retry_after=None, is_news=True) for one in operations]

    assert plan() == plan()
    assert len(set(plan())) == 20


@pytest.mark.parametrize(("asked_for", "least", "most"), [(5, 8, 12), (100, 100, 100), (9_999_999, 86400, 86400)])
def test_what_the_ca_asks_for_wins_when_it_is_longer(rig: Rig, asked_for: int, least: int, most: int) -> None:
    operation, provider = rig.request(), issuers.provider_of(rig.issuer)

    planned = pacing.next_poll_at(operation, provider, retry_after=timedelta(seconds=asked_for), is_news=True)

    assert least <= (planned - rig.now).total_seconds() <= most


def test_an_order_that_takes_too_long_is_reported_once_and_asked_about_still(rig: Rig) -> None:
    rig.break_down(delay_polls=100_000)
    operation = rig.step(rig.request())
    tasks.compare()
    assert not operation.steps.filter(kind=OperationStep.Kind.ALERT).exists()

    rig.move(timedelta(days=31))
    tasks.compare()
    tasks.compare()
    operation = rig.step(operation)

    alert = operation.steps.get(kind=OperationStep.Kind.ALERT)
    assert alert.text.startswith("There is no certificate after 30 days.")
    assert operation.order_number in alert.text
    assert operation.is_in_progress
    assert operation.next_step_at > rig.now


def test_a_request_that_never_reached_its_ca_is_given_up(rig: Rig) -> None:
    rig.issuer.edit(config={"address": "http://127.0.0.1:1"})
    operation = rig.step(rig.request())
    rig.move(timedelta(days=31))

    operation = rig.step(operation)

    assert (operation.status, operation.error_code) == (Status.FAILED, "GaveUp")


# ------------------------------------------------------------------- two workers
def test_a_worker_that_lost_its_claim_still_saves_the_order_number(rig: Rig) -> None:
    operation = rig.request()
    late = Operation.objects.claim(operation.pk, lease=timedelta(0), by="late")
    late.begin_submitting()
    Operation.objects.claim(operation.pk, lease=LEASE, by="next")

    with pytest.raises(OperationClosed):
        late.remember({"order_id": "4711", "certificate_id": "", "step": "", "data": {}})

    operation = fresh(operation)
    assert operation.order_number == "4711"
    with pytest.raises(OperationClosed):
        operation.back_to_ready("", again_at=timezone.now())


def test_half_of_the_workers_stay_free_when_a_ca_hangs(rig: Rig) -> None:
    first, second, other = rig.request(), rig.request(), rig.request()
    Operation.objects.filter(pk=other.pk).update(issuer=None)
    me = leases.me()

    assert Operation.objects.claim(first.pk, lease=LEASE, by=me, beside=1) is not None
    assert Operation.objects.claim(second.pk, lease=LEASE, by=me, beside=1) is None
    assert Operation.objects.claim(other.pk, lease=LEASE, by=me, beside=1) is not None
    assert Operation.objects.claim(second.pk, lease=LEASE, by="another-machine 1 1.00", beside=1) is not None


def test_one_bell_takes_all_that_is_due_at_an_issuer(rig: Rig) -> None:
    operations = [rig.request() for _ in range(5)]

    tasks.advance_operation(operations[0].pk)

    assert {fresh(one).step for one in operations} == {Step.ORDERED}


def test_an_older_copy_of_the_database_does_not_order_again(rig: Rig) -> None:
    """What a backup from before the order looks like after a restore: the request is ready, as if never sent."""
    operation = rig.request()
    before = Operation.objects.filter(pk=operation.pk).values().get()
    rig.play_until(operation, Step.ORDERED)
    rig.move(timedelta(hours=1))
    Operation.objects.filter(pk=operation.pk).update(**before)

    operation = rig.play(operation)

    rig.assert_ended_well(operation)
    assert rig.simulator.counts["submit"] == 1


def test_after_a_restore_a_ca_that_cannot_be_searched_gets_nothing_without_a_persons_word(blind: Rig) -> None:
    operation = blind.request()

    assert reconciling.look_before_sending() == 1
    operation = blind.play(operation)

    assert operation.unclear_at is not None
    assert blind.simulator.counts["submit"] == 0


def submitted(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> list[CertRequest]:
    """What the adapter is handed from now on; it goes on as ever."""
    provider = issuers.provider_of(rig.issuer)
    seen: list[CertRequest] = []
    submit = type(provider).submit

    def look_and_submit(self: object, request: CertRequest, save: Checkpoint) -> Outcome:
        seen.append(request)
        return submit(self, request, save)

    monkeypatch.setattr(type(provider), "submit", look_and_submit)
    return seen


def resume(rig: Rig) -> None:
    """What a good test of the issuer does."""
    rig.issuer.refresh_from_db()
    if rig.issuer.pause == Issuer.Pause.CREDENTIALS and rig.issuer.resume():
        advancing.ring_for_issuer(rig.issuer)
