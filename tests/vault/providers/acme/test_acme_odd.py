"""What some ACME servers do, and a client must get right all the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.pki.authority import make_leaf, make_root
from tests.servers.scripted import Says, Scripted, authorization, order, problem, scripted
from tests.vault.providers.acme.rig import Rig, request, rig, values
from vault.providers.acme.ari import cert_id
from vault.providers.acme.proving import MOST_ANSWERS
from vault.providers.base import (
    AddressRules,
    CancelResult,
    Failed,
    Pending,
    Previous,
    RateLimited,
    Ref,
    Rejected,
    RevocationReason,
    Transient,
)

pytestmark = pytest.mark.no_database
BROKEN = {"type": "urn:ietf:params:acme:error:connection", "detail": "nobody answers at www.example.org"}


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as found:
        yield found


def at(server: Scripted, **more: str) -> Rig:
    return rig(values(f"{server.address}/directory", **more))


def ordered(one: Rig) -> Ref:
    """Order, and return what is kept of it."""
    return one.take(request("www.example.org"), until=lambda _: True).ref


def poll(one: Rig, ref: Ref) -> Pending | Failed:
    outcome = one.provider.poll(request("www.example.org"), ref, one.saved.append)
    assert isinstance(outcome, Pending | Failed)
    return outcome


# -------------------------------------------------------------------- proving
def test_a_challenge_that_stays_pending_with_an_error_is_answered_anew_a_few_times(server: Scripted) -> None:
    one = at(server)
    ref = ordered(one)
    server.answers["/authorization"] = [Says(authorization(server.address, error=BROKEN))]

    outcome = poll(one, ref)
    for minutes in range(20):
        one.clock.later = timedelta(minutes=minutes)
        if isinstance(outcome, Pending):
            outcome = poll(one, outcome.ref)

    assert isinstance(outcome, Failed)
    assert "nobody answers" in outcome.message
    assert server.payloads("/challenge") == [{}] * MOST_ANSWERS


def test_a_challenge_that_is_pending_with_an_error_is_not_answered_twice_at_once(server: Scripted) -> None:
    one = at(server)
    ref = ordered(one)
    server.answers["/authorization"] = [Says(authorization(server.address, error=BROKEN))]

    for _ in range(5):
        ref = poll(one, ref).ref

    assert len(server.payloads("/challenge")) == 1


def test_a_challenge_without_a_status_in_its_authorization_is_read_by_itself(server: Scripted) -> None:
    one = at(server)
    ref = poll(one, ordered(one)).ref
    server.answers["/authorization"] = [Says({**authorization(server.address), "challenges": []})]
    server.answers["/challenge"] = [Says({"status": "invalid", "error": BROKEN})]

    outcome = poll(one, ref)

    assert isinstance(outcome, Failed)
    assert outcome.code == "connection"


def test_a_ca_that_never_looks_is_given_up_after_half_an_hour(server: Scripted) -> None:
    one = at(server)
    ref = poll(one, ordered(one)).ref

    one.clock.later = timedelta(minutes=29)
    early = poll(one, ref)
    one.clock.later = timedelta(minutes=31)
    late = poll(one, early.ref)

    assert isinstance(early, Pending)
    assert isinstance(late, Failed)
    assert late.code == "timeout"


def test_a_ca_that_asks_to_wait_is_obeyed(server: Scripted) -> None:
    one = at(server)
    ref = poll(one, ordered(one)).ref
    server.answers["/authorization"] = [Says(authorization(server.address), 200, {"Retry-After": "77"})]

    outcome = poll(one, ref)

    assert isinstance(outcome, Pending)
    assert outcome.retry_after == timedelta(seconds=77)


def test_a_method_that_the_ca_does_not_take_is_named(server: Scripted) -> None:
    one = at(server)
    server.answers["/authorization"] = [Says(authorization(server.address, kind="dns-01"))]

    outcome = poll(one, ordered(one))

    assert isinstance(outcome, Failed)
    assert "does not take http-01 for “www.example.org”, but dns-01" in outcome.message


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({"error": BROKEN}, "connection"),
        ({"expires": "2020-01-01T00:00:00Z"}, "expired"),
        ({}, "invalid"),
    ],
)
def test_an_order_that_ended_says_why_as_far_as_anyone_knows(
    server: Scripted, found: dict[str, str], code: str
) -> None:
    one = at(server)
    ref = ordered(one)
    server.answers["/order"] = [Says(order(server.address, "invalid", **found))]

    outcome = poll(one, ref)

    assert isinstance(outcome, Failed)
    assert outcome.code == code


def test_a_state_that_nobody_knows_is_waited_out(server: Scripted) -> None:
    one = at(server)
    ref = ordered(one)
    server.answers["/order"] = [Says(order(server.address, "pondering"))]

    outcome = poll(one, ref)

    assert isinstance(outcome, Pending)
    assert outcome.said == "pondering"


def test_a_request_sent_too_early_is_sent_again_and_a_bad_one_is_not(server: Scripted) -> None:
    one = at(server)
    ref = ordered(one)
    server.answers["/order"] = [Says(order(server.address, "ready"))]
    server.answers["/finalize"] = [problem("orderNotReady", 403), problem("badCSR", 400, "weak key")]

    early, bad = poll(one, ref), poll(one, ref)

    assert isinstance(early, Pending)
    assert isinstance(bad, Failed)
    assert bad.code == "badCSR"


@pytest.mark.parametrize("status", ["pending", "ready"])
def test_what_is_not_wanted_any_more_is_asked_about_and_not_brought_on(server: Scripted, status: str) -> None:
    one = at(server)
    ref = ordered(one)
    server.answers["/order"] = [Says(order(server.address, status))]
    unwanted = replace(request("www.example.org"), wanted=False)

    outcome = one.provider.poll(unwanted, ref, one.saved.append)

    assert isinstance(outcome, Pending)
    assert "nothing is done for it" in outcome.detail
    assert not server.payloads("/challenge")
    assert not server.payloads("/finalize")


# ------------------------------------------------------------------- ordering
def test_a_renewal_names_what_it_replaces_and_does_without_where_that_is_replaced_already(server: Scripted) -> None:
    one = at(server)
    ref = ordered(one)
    leaf = make_leaf(make_root()).der
    wanted = request("www.example.org", previous=Previous(certificate=leaf, ref=ref))
    placed = server.answers["/newOrder"][0]
    server.answers["/newOrder"] = [problem("alreadyReplaced", 409), placed]

    outcome = one.provider.submit(wanted, one.saved.append)

    assert isinstance(outcome, Pending)
    first, with_link, without = server.payloads("/newOrder")
    assert "replaces" not in first
    assert "." in with_link["replaces"]
    assert without == {name: value for name, value in with_link.items() if name != "replaces"}


def test_what_another_issuer_made_is_not_named(server: Scripted) -> None:
    one = at(server)
    previous = Previous(certificate=make_leaf(make_root()).der, ref=Ref())

    one.provider.submit(request("www.example.org", previous=previous), one.saved.append)

    assert "replaces" not in server.payloads("/newOrder")[0]


@pytest.mark.parametrize(
    ("detail", "wait", "error"),
    [("too many new orders", 120, RateLimited), ("too many certificates already issued", 3000, Transient)],
)
def test_a_limit_is_waited_out(server: Scripted, detail: str, wait: int, error: type[Transient]) -> None:
    server.answers["/newOrder"] = [problem("rateLimited", 429, detail, **{"Retry-After": str(wait)})]

    with pytest.raises(error, match=detail) as refused:
        ordered_once(at(server))

    assert refused.value.retry_after == timedelta(seconds=wait)


def ordered_once(one: Rig) -> None:
    one.provider.submit(request("www.example.org"), one.saved.append)


def test_an_order_without_an_answer_may_be_sent_again(server: Scripted) -> None:
    one = at(server)
    server.answers["/newOrder"] = [Says("<html>", 502), *server.answers["/newOrder"]]

    with pytest.raises(Transient):
        ordered_once(one)
    ordered_once(one)

    assert one.provider.find(request("www.example.org"), one.clock()).complete


def test_nonces_are_refused_six_times_at_most(server: Scripted) -> None:
    one = at(server)
    ordered_once(one)
    server.calls.clear()
    server.answers["/newOrder"] = [problem("badNonce", 400)]

    with pytest.raises(Transient, match="nonces"):
        ordered_once(one)

    assert len(server.calls) == 6


def test_a_page_of_a_proxy_is_no_answer_of_the_ca(server: Scripted) -> None:
    one = at(server)
    ref = ordered(one)
    one.clock.later = timedelta(days=1)
    server.answers["/order"] = [Says("<html>404</html>", 404, {"Replay-Nonce": "", "Content-Type": "text/html"})]

    with pytest.raises(Transient):
        poll(one, ref)


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1/steal", "http://169.254.169.254/latest", "file:///etc/passwd", "gopher://x/"]
)
def test_addresses_that_a_ca_names_are_held_to_the_rules(server: Scripted, address: str) -> None:
    one = at(server)
    directory = server.answers["/directory"][0].body
    server.answers["/directory"] = [Says({**directory, "newOrder": address})]

    with pytest.raises(Transient) as refused:
        ordered_once(one)

    assert refused.value.code == "CallRefused" or "could not be reached" in str(refused.value)


# --------------------------------------------------------- the certificate
def test_what_is_no_certificate_is_asked_for_again(server: Scripted) -> None:
    one = at(server)
    ref = ordered(one)
    server.answers["/order"] = [Says(order(server.address, "valid", certificate=f"{server.address}/certificate"))]
    server.answers["/certificate"] = [Says("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]

    with pytest.raises(Transient, match="gave no certificate"):
        poll(one, ref)


def test_a_reason_that_the_ca_does_not_take_is_answered_with_advice(server: Scripted) -> None:
    one = at(server)
    ref = ordered(one)
    server.answers["/revokeCert"] = [problem("badRevocationReason", 400, "reason 9 is not allowed")]

    with pytest.raises(Rejected, match="Choose another reason"):
        one.provider.revoke(b"der", ref, RevocationReason.PRIVILEGE_WITHDRAWN, "")

    assert server.payloads("/revokeCert")[0]["reason"] == 9


@pytest.mark.parametrize(
    ("status", "result"),
    [("pending", CancelResult.DONE), ("processing", CancelResult.TOO_LATE), ("valid", CancelResult.TOO_LATE)],
)
def test_cancelling_gives_up_pending_names_alone(server: Scripted, status: str, result: CancelResult) -> None:
    one = at(server)
    ref = ordered(one)
    server.answers["/order"] = [Says(order(server.address, status))]

    assert one.provider.cancel(request("www.example.org"), ref) is result

    given_up = {"status": "deactivated"} in server.payloads("/authorization")
    assert given_up is (status == "pending")


@pytest.mark.parametrize(
    ("window", "headers", "expected"),
    [
        ({"start": "2026-01-02T00:00:00Z", "end": "2026-01-03T00:00:00Z"}, {"Retry-After": "5"}, timedelta(minutes=1)),
        (
            {"start": "2026-01-02T00:00:00Z", "end": "2026-01-03T00:00:00Z"},
            {"Retry-After": "21600"},
            timedelta(hours=6),
        ),
        ({"start": "2026-01-02T00:00:00Z", "end": "2026-01-03T00:00:00Z"}, {"Retry-After": "9" * 9}, timedelta(days=1)),
        ({"start": "2026-01-03T00:00:00Z", "end": "2026-01-03T00:00:00Z"}, {}, None),
        ({"start": "yesterday", "end": "2026-01-03T00:00:00Z"}, {}, None),
        ("nothing", {}, None),
    ],
)
def test_a_window_of_renewal_is_taken_when_it_makes_sense(
    server: Scripted, window: object, headers: dict[str, str], expected: timedelta | None
) -> None:
    leaf = make_leaf(make_root()).der
    server.answers[f"/renewalInfo/{cert_id(leaf)}"] = [Says({"suggestedWindow": window}, 200, headers)]

    hint = at(server).provider.renewal_info(leaf)

    assert (None if hint is None else hint.ask_again) == expected


def test_what_is_put_up_is_taken_down_and_a_second_time_is_no_matter(server: Scripted) -> None:
    one = at(server)
    ref = poll(one, ordered(one)).ref
    assert one.board.answers

    for _ in range(2):
        one.provider.clean_up(request("www.example.org"), ref)
    one.provider.clean_up(request("www.example.org"), Ref())

    assert not one.board.answers


def test_plain_http_is_for_rehearsals_alone() -> None:
    one = rig(values("http://127.0.0.1:1/directory"), rules=AddressRules())

    assert not one.provider.check().ok
