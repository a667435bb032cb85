"""Orders at Pebble, which wants EAB and refuses every fifth nonce, with names in BIND's zones."""

import json
import ssl
import urllib.request
from datetime import timedelta

import pytest
from cryptography import x509

from tests.servers.bind import KEY_NAME, SECRET, Bind
from tests.servers.pebble import Pebble
from tests.vault.providers.acme.rig import Memory, Rig, at_pebble, request
from vault.providers.acme.config import NameServer
from vault.providers.acme.updates import Updates
from vault.providers.base import (
    AddressRules,
    Cancelled,
    CancelResult,
    CertRequest,
    Failed,
    Issued,
    NotAuthorised,
    OrderNotFound,
    Outcome,
    Pending,
    Ref,
    RevocationReason,
    RevokeResult,
    Transient,
)
from vault.x509.certificates import facts

pytestmark = pytest.mark.no_database


def _issued(rig: Rig, wanted: CertRequest, ref: Ref | None = None) -> Issued:
    outcome = rig.take(wanted, ref)
    assert isinstance(outcome, Issued), outcome
    return outcome


def _root_names(ca: Pebble) -> list[str]:
    """The common names of Pebble's two roots, the one it prefers first."""
    context = ssl.create_default_context(cadata=ca.trust)
    found = []
    for number in range(2):
        with urllib.request.urlopen(f"{ca.management}/roots/{number}", context=context, timeout=10) as answer:
            root = x509.load_pem_x509_certificate(answer.read())
        found.append(str(root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value))
    return found


def _publish(name_server: Bind, name: str, value: str) -> None:
    """What a person does at their name server."""
    zone = ".".join(name.split(".")[-2:])
    server = NameServer(
        host="127.0.0.1", port=name_server.port, zone=zone, key=KEY_NAME, algorithm="hmac-sha256", secret=SECRET
    )
    Updates(server=server, rules=AddressRules(loopback=True)).add(name, value, zone=zone)


def _is_waiting_for_records(outcome: Outcome) -> bool:
    return isinstance(outcome, Pending) and "record" in outcome.detail


# --------------------------------------------------------------------- issue
def test_a_wildcard_and_its_base_name_are_issued_and_their_records_taken_away(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server), request("*.wild.example.test", "wild.example.test")

    outcome = _issued(rig, wanted)

    found = facts(outcome.leaf)
    assert {value for _, value in found.names} == set(wanted.names.dns)
    assert found.spki_sha256 == wanted.spki_sha256
    assert not any(facts(one).self_signed for one in outcome.chain)
    assert rig.saved[0].order_id == outcome.ref.order_id
    assert len(name_server.txt("_acme-challenge.wild.example.test")) == 2
    rig.provider.clean_up(wanted, outcome.ref)
    assert name_server.txt("_acme-challenge.wild.example.test") == set()


@pytest.mark.parametrize("key_type", ["ES384", "RS256"])
def test_other_kinds_of_account_keys_are_taken_as_well(ca: Pebble, name_server: Bind, key_type: str) -> None:
    outcome = at_pebble(ca, name_server, key_type=key_type).take(request("key.example.test"), until=lambda _: True)

    assert isinstance(outcome, Pending)


def test_more_names_than_one_step_deals_with_are_all_proved(ca: Pebble, name_server: Bind) -> None:
    rig, names = at_pebble(ca, name_server), [f"n{number}.many.example.test" for number in range(23)]
    wanted = request(*names)

    outcome = _issued(rig, wanted)

    assert sorted(value for _, value in facts(outcome.leaf).names) == sorted(names)
    rig.provider.clean_up(wanted, outcome.ref)
    assert not any(name_server.txt(f"_acme-challenge.{name}") for name in names)


def test_everything_kept_of_an_order_is_json_without_secrets(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server), request("json.example.test")

    outcome = _issued(rig, wanted)

    kept = json.dumps([vars(ref) for ref in [*rig.saved, outcome.ref]])
    account = json.loads(next(iter((rig.memory.kept or {}).values())))
    assert json.loads(account["key"])["key"]["d"] not in kept
    assert SECRET not in kept


def test_an_order_goes_on_from_each_place_where_a_worker_may_have_died(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server), request("killed.example.test")
    first = _issued(rig, wanted)
    saved = list(rig.saved)

    again = [_issued(at_pebble(ca, name_server, memory=rig.memory), wanted, ref) for ref in saved]

    assert len(saved) >= 3
    assert {one.leaf for one in again} == {first.leaf}, "one order, one certificate"


def test_an_alias_is_followed_to_the_zone_that_is_really_written(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server), request("alias.example.test")

    outcome = _issued(rig, wanted)

    assert outcome.ref.data["proofs"][0]["record"] == "alias.validation.example.test"
    assert len(name_server.txt("alias.validation.example.test")) == 1


def test_aliases_that_lead_in_a_circle_are_named(ca: Pebble, name_server: Bind) -> None:
    rig = at_pebble(ca, name_server)
    ordered = rig.take(request("round.example.test"), until=lambda _: True)

    with pytest.raises(Transient, match=r"“_acme-challenge\.round\.example\.test” is an alias"):
        rig.provider.poll(request("round.example.test"), ordered.ref, rig.saved.append)


def test_the_chain_that_is_preferred_is_chosen_among_those_on_offer(ca: Pebble, name_server: Bind) -> None:
    usual, other = _root_names(ca)

    chosen = _issued(at_pebble(ca, name_server, chain=other), request("other.example.test"))
    default = _issued(at_pebble(ca, name_server, chain=usual), request("usual.example.test"))
    unknown = _issued(at_pebble(ca, name_server, chain="No Such Root"), request("unknown.example.test"))

    assert facts(chosen.chain[-1]).issuer == f"CN={other}"
    assert facts(default.chain[-1]).issuer == f"CN={usual}"
    assert "No Such Root" in unknown.warnings[0]


def test_a_person_publishes_the_record_and_the_portal_notices(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server, method="dns-01-by-hand"), request("hand.example.test")

    waiting = rig.take(wanted, until=_is_waiting_for_records)
    assert isinstance(waiting, Pending)
    (task,) = waiting.tasks
    before = rig.provider.poll(wanted, waiting.ref, rig.saved.append)
    _publish(name_server, task.detail["name"], task.detail["value"])
    outcome = _issued(rig, wanted, waiting.ref)

    assert task.detail["name"] == "_acme-challenge.hand.example.test"
    assert task.detail["seen"] == ""
    assert isinstance(before, Pending)
    assert before.tasks[0].detail["sight"] == "Not seen yet."
    assert facts(outcome.leaf).names == (("dns", "hand.example.test"),)


def test_the_ca_is_not_asked_before_all_name_servers_have_the_record(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server), request("www.split.test")
    waiting = rig.take(wanted, until=_is_waiting_for_records)
    assert isinstance(waiting, Pending)
    (proof,) = waiting.ref.data["proofs"]

    still = rig.provider.poll(wanted, waiting.ref, rig.saved.append)
    name_server.second.add_txt(proof["record"], *name_server.txt(proof["record"]))
    outcome = rig.take(wanted, waiting.ref)

    assert isinstance(still, Pending)
    assert still.ref.data["proofs"][0]["sight"] == "Seen at 1 of 2 name servers."
    assert isinstance(outcome, Issued)


def test_what_nobody_can_see_is_given_up_after_half_an_hour(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server), request("never.split.test")
    waiting = rig.take(wanted, until=_is_waiting_for_records)
    assert isinstance(waiting, Pending)

    rig.clock.later = timedelta(minutes=29)
    early = rig.provider.poll(wanted, waiting.ref, rig.saved.append)
    rig.clock.later = timedelta(minutes=31)
    late = rig.provider.poll(wanted, waiting.ref, rig.saved.append)

    assert isinstance(early, Pending)
    assert isinstance(late, Failed)
    assert "_acme-challenge.never.split.test" in late.message


def test_a_name_outside_the_zone_that_may_be_written_fails_and_says_so(ca: Pebble, name_server: Bind) -> None:
    outside = at_pebble(ca, name_server, dns_zone="example.test").take(request("outside.split.test"))
    refused = at_pebble(ca, name_server, tsig_name="narrow-key").take(request("narrow.example.test"))

    assert isinstance(outside, Failed)
    assert "is not in the zone “example.test”" in outside.message
    assert isinstance(refused, Failed)
    assert refused.code == "REFUSED"


def test_a_wrong_tsig_key_stops_the_issuer(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server, tsig_name="other-key"), request("tsig.example.test")

    with pytest.raises(NotAuthorised, match="refuses the TSIG key “other-key”"):
        rig.take(wanted)


def test_a_challenge_that_fails_ends_the_order_with_the_words_of_the_ca(ca: Pebble, name_server: Bind) -> None:
    rig = at_pebble(ca, name_server, method="http-01")

    outcome = rig.take(request("nobody-answers.example.test"))

    assert isinstance(outcome, Failed)
    assert outcome.code in {"connection", "unauthorized"}
    assert "nobody-answers.example.test" in outcome.message


# ------------------------------------------------------------------ accounts
def test_an_account_is_made_once_and_found_again(ca: Pebble, name_server: Bind) -> None:
    memory = Memory()
    first, second = (at_pebble(ca, name_server, memory=memory) for _ in range(2))

    one = first.take(request("first.example.test"), until=lambda _: True)
    two = second.take(request("second.example.test"), until=lambda _: True)

    assert one.ref.data["account"] == two.ref.data["account"]
    assert len(memory.keepings) == 2, "the key before the CA heard of it, and the address"
    assert not json.loads(next(iter(memory.keepings[0].values())))["url"]


def test_an_account_whose_registration_got_no_answer_is_found_by_its_key(ca: Pebble, name_server: Bind) -> None:
    memory = Memory()
    at_pebble(ca, name_server, memory=memory).take(request("found.example.test"), until=lambda _: True)
    (url,) = [json.loads(one)["url"] for one in memory.keepings[-1].values()]

    lost = Memory(kept=memory.keepings[0])
    at_pebble(ca, name_server, memory=lost).take(request("found.example.test"), until=lambda _: True)

    assert [json.loads(one)["url"] for one in (lost.kept or {}).values()] == [url]


def test_of_two_workers_that_register_at_once_the_first_key_counts(ca: Pebble, name_server: Bind) -> None:
    memory = Memory()

    class Overtaken(Memory):
        """Another worker keeps its key just before."""

        def keep(self, before: object, now: object) -> bool:
            if self.kept is None:
                at_pebble(ca, name_server, memory=memory).take(request("fast.example.test"), until=lambda _: True)
                self.kept = memory.kept
                return False
            return memory.keep(before, now)  # type: ignore[arg-type]

    slow = at_pebble(ca, name_server, memory=Overtaken())
    outcome = slow.take(request("slow.example.test"), until=lambda _: True)

    assert isinstance(outcome, Pending)
    assert len(memory.keepings) == 2


def test_an_issuer_with_another_binding_gets_another_account_and_its_old_orders_go_on(
    ca: Pebble, name_server: Bind
) -> None:
    memory = Memory()
    before = at_pebble(ca, name_server, memory=memory)
    wanted = request("edited.example.test")
    old = before.take(wanted, until=lambda _: True)

    edited = at_pebble(ca, name_server, memory=memory, account_id="kid-of-another")
    with pytest.raises(NotAuthorised):
        edited.take(request("new.example.test"))
    outcome = edited.take(wanted, old.ref)

    assert isinstance(outcome, Issued)


def test_an_account_without_binding_or_terms_is_refused_before_the_ca_is_asked(ca: Pebble, name_server: Bind) -> None:
    unbound = at_pebble(ca, name_server, account_id="")
    disagreed = at_pebble(ca, name_server, terms="")

    with pytest.raises(NotAuthorised, match="external account binding"):
        unbound.take(request("a.example.test"))
    with pytest.raises(NotAuthorised, match="have not been agreed to"):
        disagreed.take(request("a.example.test"))


# ---------------------------------------------------------- cancel and revoke
def test_a_cancelled_order_is_never_issued(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server), request("cancel.example.test", "cancel2.example.test")
    ordered = rig.take(wanted, until=lambda _: True)

    cancelled = rig.provider.cancel(wanted, ordered.ref)
    outcome = rig.take(wanted, ordered.ref)

    assert cancelled is CancelResult.DONE
    assert isinstance(outcome, Failed | Cancelled)


def test_an_issued_order_is_not_cancelled_but_revoked_and_twice_is_once(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server), request("revoke.example.test")
    outcome = _issued(rig, wanted)

    def revoke() -> RevokeResult:
        return rig.provider.revoke(outcome.leaf, outcome.ref, RevocationReason.SUPERSEDED, "")

    assert rig.provider.cancel(wanted, outcome.ref) is CancelResult.TOO_LATE
    assert revoke() is RevokeResult.DONE
    assert revoke() is RevokeResult.ALREADY


def test_an_order_that_the_ca_does_not_know_is_waited_for_and_then_over(ca: Pebble, name_server: Bind) -> None:
    rig, wanted = at_pebble(ca, name_server), request("lost.example.test")
    ordered = rig.take(wanted, until=lambda _: True)
    lost = Ref(order_id=f"{ordered.ref.order_id}x", step=ordered.ref.step, data=ordered.ref.data)

    with pytest.raises(Transient):
        rig.provider.poll(wanted, lost, rig.saved.append)
    rig.clock.later = timedelta(minutes=11)
    with pytest.raises(OrderNotFound, match="no longer knows"):
        rig.provider.poll(wanted, lost, rig.saved.append)


# --------------------------------------------------------------------- check
def test_a_good_issuer_passes_its_test_line_by_line(ca: Pebble, name_server: Bind) -> None:
    rig = at_pebble(ca, name_server, dns_zone="example.test")

    before = rig.provider.check()
    rig.take(request("check.example.test"), until=lambda _: True)
    after = rig.provider.check()

    assert before.ok, before
    assert "There is no account yet. The first order makes one." in [line.text for line in before.lines]
    assert after.ok, after
    assert any("is in order" in line.text for line in after.lines)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"account_id": ""}, "external account binding"),
        ({"terms": ""}, "have not been agreed to"),
        ({"profile": "shiny"}, "“shiny” is not known"),
        ({"tsig_name": "other-key"}, "refuses the TSIG key"),
        ({"dns_zone": "nowhere.test"}, "no answer about"),
        ({"trust": ""}, "is not trusted"),
    ],
)
def test_what_is_wrong_with_an_issuer_is_said(
    ca: Pebble, name_server: Bind, change: dict[str, str], words: str
) -> None:
    rig = at_pebble(ca, name_server, **{"dns_zone": "example.test", **change})

    check = rig.provider.check()

    assert not check.ok
    assert any(words in line.text for line in check.lines if not line.ok), check.lines
