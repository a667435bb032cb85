"""The life of orders at DigiCert: approval, domains, reissue and renewal, cancellation, revocation."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.factories import EC_KEY
from tests.pki.authority import make_csr
from tests.vault.lifecycle.cas import Rig, fresh
from vault.lifecycle import issuers, lateness, orders, reconciling, revoking
from vault.models import Operation
from vault.models.audit import SYSTEM
from vault.models.policy import AlternativeNames
from vault.providers.base import Pending, Rejected, RevocationReason, RevokeResult
from vault.providers.digicert.account import EV
from vault.simulators.kit import Fault

ONE = AlternativeNames(dns=("www.example.org",))
TWO = AlternativeNames(dns=("www.example.org", "api.example.org"))


def settings(rig: Rig, **more: Any) -> None:
    """What the stand-in does from now on, besides faults."""
    rig.simulator.script.more.update(more)


def ordered(rig: Rig, **facts: Any) -> Operation:
    """An operation whose order DigiCert has and has not issued."""
    return rig.step(rig.request(**facts))


def configure(rig: Rig, **values: str) -> None:
    rig.issuer.edit(config={**rig.issuer.config, **values})


# ------------------------------------------------------------------- what is sent
def test_an_order_says_everything_that_the_form_holds(rig: Rig) -> None:
    configure(rig, container_id="55501", metadata_id="14", ca_cert_id="A1", payment_method="profile")
    person = {"first_name": "Ada", "last_name": "Lind", "email": "ada@example.org", "phone": "+46 8 1"}
    rig.issuer.edit(administrators=[person])

    operation = rig.play(rig.request(names=TWO))

    body = rig.simulator.bodies[0]
    csr = body["certificate"].pop("csr")
    assert csr.startswith("-----BEGIN CERTIFICATE REQUEST-----")
    contact = {"contact_type": "technical_contact", "telephone": person["phone"]}
    assert body == {
        "certificate": {
            "common_name": "www.example.org",
            "dns_names": ["www.example.org", "api.example.org"],
            "signature_hash": "sha256",
            "server_platform": {"id": -1},
            "cert_validity": {"days": 199},
            "ca_cert_id": "A1",
        },
        "organization": {
            "id": 112233,
            "contacts": [{**contact, "first_name": "Ada", "last_name": "Lind", "email": "ada@example.org"}],
        },
        "order_validity": {"years": 1},
        "comments": f"portal {operation.request_id.hex}",
        "container": {"id": 55501},
        "additional_emails": ["ada@example.org"],
        "custom_fields": [{"metadata_id": 14, "value": operation.request_id.hex}],
        "disable_renewal_notifications": True,
        "payment_method": "profile",
        "dcv_method": "dns-txt-token",
        "skip_approval": True,
    }


def test_ev_is_another_product(rig: Rig) -> None:
    rig.play(rig.request(certificate_type=EV))

    assert rig.simulator.orders[0].data["product"] == "ssl_ev_basic"


def test_a_request_that_cannot_be_issued_is_not_sent(rig: Rig) -> None:
    names = AlternativeNames(dns=("*.example.org",))

    operation = rig.play(rig.request(certificate_type=EV, names=names))

    assert operation.status == "failed"
    assert operation.error_message.startswith("EV certificates hold no wildcards: “*.example.org”.")
    assert rig.simulator.counts["submit"] == 0


# ---------------------------------------------------------------------- approval
def test_an_approver_in_certcentral_is_asked_and_then_it_goes_on(rig: Rig) -> None:
    settings(rig, approver=False)
    operation = rig.play(rig.request(), days=0.05)
    task = operation.tasks[0]
    assert task["kind"] == "approve"
    assert task["title"] == "Approve request 922433 in CertCentral."
    assert task["detail"]["url"] == f"{rig.simulator.address}/secure/requests/922433"
    assert rig.simulator.counts["approve"] == 1

    rig.simulator.act(rig.simulator.orders[0], "approve", "")

    rig.assert_ended_well(rig.play(operation))


def test_nothing_is_approved_here_where_that_is_not_wished(rig: Rig) -> None:
    configure(rig, skip_approval="")

    operation = rig.play(rig.request(), days=0.05)

    assert operation.is_in_progress
    assert rig.simulator.counts["approve"] == 0


def test_what_is_not_wanted_any_more_is_asked_about_and_not_brought_on(rig: Rig) -> None:
    configure(rig, skip_approval="")
    operation = rig.play(rig.request(), days=0.05)
    configure(rig, skip_approval="yes")
    before = dict(rig.simulator.counts)
    request = replace(orders.request_of(operation), wanted=False)

    outcome = issuers.provider_for(operation).poll(request, orders.ref_of(operation), lambda _: None)

    assert isinstance(outcome, Pending)
    assert "nothing is done for it" in outcome.detail
    changed = {what: count - before.get(what, 0) for what, count in rig.simulator.counts.items()}
    assert {what for what, count in changed.items() if count} == {"poll"}


# ----------------------------------------------------------------------- domains
@pytest.mark.parametrize(
    ("method", "kind", "detail"),
    [
        ("dns-txt-token", "dns-txt", {"name": "example.org", "value": "fjqr7th5ds", "domain": "example.org"}),
        (
            "dns-cname-token",
            "dns-cname",
            {"name": "_dnsauth.example.org", "value": "fjqr7th5ds.dcv.digicert.com", "domain": "example.org"},
        ),
        (
            "http-token",
            "http-file",
            {
                "url": "http://example.org/.well-known/pki-validation/fileauth.txt",
                "content": "fjqr7th5ds",
                "domain": "example.org",
            },
        ),
    ],
)
def test_what_has_to_be_published_is_a_task_and_stays_one(
    rig: Rig, method: str, kind: str, detail: dict[str, str]
) -> None:
    configure(rig, dcv_method=method)
    settings(rig, dcv=True)

    at_first = ordered(rig)
    later = rig.play(at_first, days=0.02)

    for operation in (at_first, later):
        assert [(task["kind"], task["detail"]) for task in operation.tasks] == [(kind, detail)]
    assert rig.simulator.counts["validate"] > 1
    rig.simulator.act(rig.simulator.orders[0], "validate", "")
    rig.assert_ended_well(rig.play(later))


def test_a_reissue_is_proved_as_its_order_was(rig: Rig) -> None:
    rig.play(rig.request("site"))
    configure(rig, dcv_method="http-token")
    settings(rig, dcv=True)

    at_first = rig.step(again(rig))
    later = rig.play(at_first, days=0.005)

    assert [one.tasks[0]["kind"] for one in (at_first, later)] == ["dns-txt", "dns-txt"]


def test_mail_goes_to_the_domains_owner(rig: Rig) -> None:
    configure(rig, dcv_method="email")
    settings(rig, dcv=True)

    operation = rig.play(rig.request(), days=0.02)

    assert operation.tasks[0]["kind"] == "email"
    assert "hostmaster@example.org" in operation.tasks[0]["detail"]["address"]
    assert rig.simulator.counts["validate"] == 0


def test_the_value_to_publish_is_asked_for_when_the_orders_answer_was_lost(rig: Rig) -> None:
    rig.break_down(Fault(on="submit", do="reset-after"))
    settings(rig, dcv=True)

    operation = rig.play(rig.request(names=TWO), days=0.05)

    assert {task["detail"]["name"] for task in operation.tasks} == {"www.example.org", "api.example.org"}
    assert {task["detail"]["value"] for task in operation.tasks} == {"fjqr7th5ds"}


def test_a_value_that_has_expired_is_made_anew(rig: Rig) -> None:
    settings(rig, dcv=True)
    operation = ordered(rig)
    rig.move(timedelta(days=31))

    operation = rig.play(operation, days=0.01)

    assert operation.provider_ref["data"]["expires"][:10] == f"{rig.now + timedelta(days=30):%Y-%m-%d}"
    assert operation.tasks[0]["detail"]["value"] == "fjqr7th5ds"


# ------------------------------------------------------------ reissue and renewal
def again(rig: Rig, **facts: Any) -> Operation:
    """The same certificate once more, some months later."""
    rig.move(timedelta(days=100))
    return rig.request("site", **facts)


def test_the_second_certificate_of_a_paid_year_is_a_reissue(rig: Rig) -> None:
    first = rig.play(rig.request("site"))

    second = rig.play(again(rig))

    assert second.status == "completed"
    assert second.order_number.split("/")[0] == first.order_number
    assert second.version.serial != first.version.serial
    assert (rig.simulator.counts["submit"], rig.simulator.reissued) == (1, 1)


@pytest.mark.parametrize("do", ["reset-after", "status-after:500", "truncate", "html-after"])
def test_a_reissue_whose_answer_was_lost_is_found_and_not_asked_for_twice(rig: Rig, do: str) -> None:
    first = rig.play(rig.request("site"))
    rig.break_down(Fault(on="reissue", do=do), delay_polls=1)

    second = rig.play(again(rig))

    assert second.status == "completed"
    assert second.version.serial != first.version.serial
    assert (rig.simulator.counts["submit"], rig.simulator.reissued) == (1, 1)


def test_the_third_certificate_is_told_apart_from_the_second(rig: Rig) -> None:
    rig.play(rig.request("site"))
    second = rig.play(again(rig))
    rig.break_down(Fault(on="reissue", do="reset-after"), delay_polls=1)

    third = rig.play(again(rig))

    assert third.status == "completed"
    assert third.order_number != second.order_number
    assert (rig.simulator.counts["submit"], rig.simulator.reissued) == (1, 2)


def test_a_reissue_with_the_same_key_is_not_mistaken_for_the_old_certificate(rig: Rig) -> None:
    reuse = replace(EC_KEY, reuse=True)
    first = rig.play(rig.request("site", key=reuse))
    rig.break_down(Fault(on="reissue", do="reset-after"), delay_polls=2)

    second = rig.play(again(rig, key=reuse))

    assert second.status == "completed"
    assert second.version.serial != first.version.serial
    assert rig.simulator.reissued == 1
    assert rig.simulator.counts["submit"] == 1


@pytest.mark.parametrize(
    ("faults", "more", "end"),
    [
        ((), {"immediate": True}, "completed"),
        ((Fault(on="*", do="needs-approval"),), {}, "completed"),
        ((), {"dcv": 2}, "completed"),
        ((Fault(on="poll", do="wrong-key"),), {}, "failed"),
        ((Fault(on="download", do="not-yet", times=2),), {}, "completed"),
    ],
)
def test_a_reissue_waits_like_an_order(rig: Rig, faults: tuple[Fault, ...], more: dict[str, Any], end: str) -> None:
    rig.play(rig.request("site"))
    rig.break_down(*[Fault(**vars(fault)) for fault in faults])
    settings(rig, **more)

    second = rig.play(again(rig), days=0.05)

    assert second.status == end, (second.detail, second.error_message)
    assert rig.simulator.reissued == 1


def test_a_reissue_by_another_does_not_hide_our_certificate(rig: Rig) -> None:
    operation = ordered(rig)
    order = rig.simulator.orders[0]
    rig.simulator.issue(order)
    order.data["items"].append(replace(order.data["items"][0], number="688999", csr=make_csr(), status="pending"))
    rig.simulator.issue(order)

    operation = rig.play(operation)

    rig_key = operation.version.key.spki_sha256
    assert (operation.status, rig_key) == ("completed", operation.spki_sha256)


def test_a_rejected_reissue_fails_with_the_words_of_the_ca(rig: Rig) -> None:
    rig.play(rig.request("site"))
    rig.break_down(delay_polls=50)
    second = rig.step(again(rig))
    rig.simulator.act(rig.simulator.orders[0], "reject", "The contract has ended")

    second = rig.play(second)

    assert (second.status, second.error_code) == ("failed", "Request rejected")
    assert second.error_message == "DigiCert rejected the request: The contract has ended."
    assert second.certificate.current is not None


def test_dropping_a_name_is_no_reissue_for_that_would_revoke_the_old_certificate(rig: Rig) -> None:
    rig.play(rig.request("site", names=TWO))

    rig.play(again(rig, names=ONE))

    assert (rig.simulator.counts["submit"], rig.simulator.reissued) == (2, 0)
    assert "renewal_of_order_id" not in rig.simulator.bodies[1]


def test_near_the_end_of_the_paid_term_it_is_renewed(rig: Rig) -> None:
    settings(rig, paid_days=20)
    first = rig.play(rig.request("site"))

    second = rig.play(again(rig))

    rig.assert_ended_well(second)
    assert rig.simulator.bodies[1]["renewal_of_order_id"] == int(first.order_number)
    assert second.order_number != first.order_number


def test_a_refused_renewal_is_ordered_plainly_and_once(rig: Rig) -> None:
    settings(rig, paid_days=20)
    rig.play(rig.request("site"))
    settings(rig, no_renewal=True)

    second = rig.play(again(rig))

    rig.assert_ended_well(second)
    assert ["renewal_of_order_id" in body for body in rig.simulator.bodies] == [False, True, False]
    assert len(rig.simulator.orders) == 2


# ------------------------------------------------------------------- cancellation
@pytest.mark.parametrize(
    ("more", "state"), [({}, "cancelled"), ({"approver": False}, "rejected"), ({"dcv": True}, "cancelled")]
)
def test_an_order_is_withdrawn_in_the_way_of_its_state(rig: Rig, more: dict[str, Any], state: str) -> None:
    rig.break_down(delay_polls=50)
    settings(rig, **more)
    operation = ordered(rig)

    rig.cancel(operation)
    operation = rig.play(operation)

    assert operation.status == "cancelled"
    assert rig.simulator.orders[0].status == state


@pytest.mark.parametrize("do", ["status:500", "reset-after", "status-after:500", "html", "429"])
def test_a_lost_answer_to_a_cancellation_is_looked_at_and_repeated(rig: Rig, do: str) -> None:
    rig.break_down(Fault(on="cancel", do=do), delay_polls=50)
    operation = ordered(rig)

    rig.cancel(operation)
    operation = rig.play(operation)

    assert operation.status == "cancelled"
    assert rig.simulator.orders[0].status == "cancelled"


def test_too_late_to_cancel(rig: Rig) -> None:
    operation = ordered(rig)
    rig.simulator.issue(rig.simulator.orders[0])

    rig.cancel(operation)
    operation = rig.play(operation)

    assert operation.status == "completed"
    assert "issued before the cancellation took effect" in " ".join(step.text for step in operation.steps.all())


def test_a_cancelled_reissue_leaves_the_order_issued(rig: Rig) -> None:
    rig.play(rig.request("site"))
    rig.break_down(delay_polls=50)
    second = rig.step(again(rig))

    rig.cancel(second)
    second = rig.play(second)

    assert second.status == "cancelled"
    assert rig.simulator.orders[0].status == "issued"


def test_the_reissue_of_another_is_not_withdrawn(rig: Rig) -> None:
    rig.play(rig.request("site"))
    rig.break_down(delay_polls=50)
    second = rig.step(again(rig))
    order = rig.simulator.orders[0]
    order.data["requests"].append({"id": 999999, "type": "reissue", "status": "approved"})

    rig.cancel(second)
    rig.play(second, days=0.05)

    assert rig.simulator.counts["cancel"] == 0
    assert order.status == "pending"


def test_what_is_issued_after_the_cancellation_is_offered(rig: Rig) -> None:
    rig.break_down(Fault(on="cancel", do="late-issue"), delay_polls=50)
    operation = ordered(rig)
    rig.cancel(operation)
    operation = rig.play(operation)
    assert operation.status == "cancelled"
    rig.move(timedelta(hours=2))

    reconciling.watch_due()

    operation = fresh(operation)
    assert operation.late_at is not None
    assert lateness.revoke_late(operation=operation, by=SYSTEM) is RevokeResult.DONE
    assert rig.simulator.orders[0].data["items"][0].status == "revoked"


# --------------------------------------------------------------------- revocation
def revoke(operation: Operation) -> RevokeResult:
    reason = RevocationReason.SUPERSEDED
    return revoking.revoke(version=fresh(operation).version, reason=reason, note="replaced", by=SYSTEM)


def test_one_certificate_is_revoked_and_its_order_lives_on(rig: Rig) -> None:
    operation = rig.play(rig.request("site"))

    assert revoke(operation) is RevokeResult.DONE

    assert rig.simulator.authority.revoked[int(operation.version.serial, 16)] == "superseded"
    assert rig.simulator.orders[0].status == "issued"


def test_a_revocation_that_someone_has_to_approve(rig: Rig) -> None:
    operation = rig.play(rig.request("site"))
    settings(rig, approver=False)

    assert revoke(operation) is RevokeResult.REQUESTED

    assert rig.simulator.orders[0].data["items"][0].status == "issued"
    asked = rig.simulator.orders[0].data["requests"][-1]
    assert (asked["type"], asked["status"]) == ("revoke", "pending")


def test_a_revocation_that_waits_is_not_approved_by_the_next_reissue(rig: Rig) -> None:
    first = rig.play(rig.request("site"))
    settings(rig, approver=False)
    assert revoke(first) is RevokeResult.REQUESTED
    settings(rig, approver=True)
    rig.simulator.script.delay_polls = 1
    tried = rig.simulator.counts["approve"]

    second = rig.play(again(rig))

    assert second.status == "completed"
    assert rig.simulator.orders[0].data["items"][0].status == "issued"
    assert rig.simulator.counts["approve"] == tried


def test_what_is_revoked_already_counts_as_revoked(rig: Rig) -> None:
    operation = rig.play(rig.request("site"))
    rig.simulator.orders[0].data["items"][0].status = "revoked"

    assert revoke(operation) is RevokeResult.ALREADY


def test_a_revocation_refused_says_why(rig: Rig) -> None:
    operation = rig.play(rig.request("site"))
    rig.break_down(delay_polls=50)
    rig.step(again(rig))

    with pytest.raises(Rejected, match=r"refused to revoke the certificate: A reissue of this order is pending"):
        revoke(operation)


def test_a_lost_reissue_that_is_not_listed_yet_is_found_in_its_order(rig: Rig) -> None:
    rig.play(rig.request("site"))
    rig.break_down(Fault(on="reissue", do="reset-after"), delay_polls=20)
    settings(rig, list_pending=False)

    second = rig.play(again(rig))

    assert second.status == "completed", (second.detail, second.error_message)
    assert (rig.simulator.counts["submit"], rig.simulator.reissued) == (1, 1)
