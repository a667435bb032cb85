"""Managed SSL's adapter alone: the documents it sends, what answers mean, searching, cancelling, revoking, testing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import canonicalize

import pytest

from tests.pki.authority import ec_key, make_csr
from tests.vault.providers.globalsign.parts import ADA, Clock, build, order, poll, request
from vault.providers.base import (
    Administrator,
    Can,
    Cancelled,
    CancelResult,
    Failed,
    InvalidRequest,
    Issued,
    Names,
    NotAuthorised,
    OrderNotFound,
    OutcomeUnknown,
    Pending,
    Previous,
    ProviderError,
    RateLimited,
    Ref,
    Rejected,
    RevocationReason,
    RevokeResult,
    TaskKind,
    Transient,
)
from vault.providers.globalsign import finding, ordering, rules, soap
from vault.providers.globalsign.mssl import ManagedSsl
from vault.providers.globalsign.ordering import Way
from vault.simulators.globalsign import GlobalSignSimulator, service
from vault.simulators.globalsign.service import PASSWORD
from vault.simulators.kit import Call, Fault, Reply
from vault.x509.requests import csr_pem, describe_csr

pytestmark = pytest.mark.no_database

NOW = datetime(2026, 11, 23, 7, 49, 18, 123000, tzinfo=UTC)
SUPERSEDED = RevocationReason.SUPERSEDED


_MADE: dict[tuple[Any, ...], ManagedSsl] = {}


def adapter_of(mssl: GlobalSignSimulator, **values: Any) -> ManagedSsl:
    """The adapter for these values; it forgets everything between calls, so one serves for all tests."""
    key = (mssl.address, *sorted(values.items()))
    if key not in _MADE:
        made = build(mssl, **values)
        assert isinstance(made, ManagedSsl)
        _MADE[key] = made
    return _MADE[key]


def issued(mssl: GlobalSignSimulator, *dns: str, **values: Any) -> tuple[ManagedSsl, Any, Ref, bytes]:
    adapter, asked = adapter_of(mssl, **values), request(*dns)
    _, ref = order(adapter, asked)
    outcome = poll(adapter, asked, ref)
    assert isinstance(outcome, Issued)
    return adapter, asked, outcome.ref, outcome.leaf


class Recorded:
    """What the stand-in was asked, besides answering as ever."""

    def __init__(self, mssl: GlobalSignSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[Call] = []
        handle = mssl.handle

        def record(call: Call) -> Reply:
            self.calls.append(call)
            return handle(call)

        monkeypatch.setattr(mssl, "handle", record)

    def body(self, operation: str) -> str:
        return next(call.body.decode() for call in self.calls if f":{operation}>" in call.body.decode())


@pytest.fixture
def recorded(mssl: GlobalSignSimulator, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    return Recorded(mssl, monkeypatch)


# ----------------------------------------------------------------- the documents
PV_ORDER = """
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">
 <s:Body>
  <v2:PVOrder xmlns:v2="https://system.globalsign.com/kb/ws/v2/">
   <Request>
    <OrderRequestHeader>
     <AuthToken><UserName>PAR12345_rehearsal</UserName><Password>{password}</Password></AuthToken>
    </OrderRequestHeader>
    <OrderRequestParameter>
     <ProductCode>PV_SHA2</ProductCode>
     <OrderKind>new</OrderKind>
     <Licenses>1</Licenses>
     <Options><Option><OptionName>SAN</OptionName><OptionValue>true</OptionValue></Option></Options>
     <ValidityPeriod><Months>6</Months></ValidityPeriod>
     <CSR>{csr}</CSR>
    </OrderRequestParameter>
    <MSSLProfileID>117830_SMS2_1234</MSSLProfileID>
    <MSSLDomainID>DSMS20000000000</MSSLDomainID>
    <SubID>5b1f3c2e</SubID>
    <ContactInfo>
     <FirstName>Ada</FirstName><LastName>Lind</LastName><Phone>+46 8 123 456</Phone><Email>pki@example.org</Email>
    </ContactInfo>
    <SANEntries>
     <SANEntry><SANOptionType>7</SANOptionType><SubjectAltName>www2.example.com</SubjectAltName></SANEntry>
    </SANEntries>
   </Request>
  </v2:PVOrder>
 </s:Body>
</s:Envelope>
"""
GET_ORDER = """
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<v1:GetOrderByOrderID xmlns:v1="https://system.globalsign.com/kb/ws/v1/">
 <Request>
  <QueryRequestHeader>
   <AuthToken><UserName>PAR12345_rehearsal</UserName><Password>{password}</Password></AuthToken>
  </QueryRequestHeader>
  <OrderID>{order}</OrderID>
  <OrderQueryOption>
   <ReturnCertificateInfo>true</ReturnCertificateInfo><ReturnFulfillment>true</ReturnFulfillment>
   <ReturnCACerts>true</ReturnCACerts><ReturnOriginalCSR>true</ReturnOriginalCSR>
  </OrderQueryOption>
 </Request>
</v1:GetOrderByOrderID></s:Body></s:Envelope>
"""


def same(document: str) -> str:
    return canonicalize(document, strip_text=True, rewrite_prefixes=True)


def test_orders_and_questions_are_the_published_documents(mssl: GlobalSignSimulator, recorded: Recorded) -> None:
    adapter, asked = adapter_of(mssl, sub_id="yes"), request("api.example.com", "www2.example.com")

    _, ref = order(adapter, asked)
    poll(adapter, asked, ref)

    expected = PV_ORDER.format(password=PASSWORD, csr=csr_pem(asked.csr))
    assert same(recorded.body("PVOrder")) == same(expected)
    expected = GET_ORDER.format(password=PASSWORD, order=ref.order_id)
    assert same(recorded.body("GetOrderByOrderID")) == same(expected)
    headers = recorded.calls[-1].headers
    assert (headers["Content-Type"], headers["SOAPAction"]) == ("text/xml; charset=utf-8", '""')


def test_text_is_escaped_whatever_it_holds() -> None:
    odd = "]]><Password>&x;</Password>\u00e9"

    document = soap.envelope(soap.ORDERS, "PVOrder", [("MSSLProfileID", odd)])

    root = soap.parse(document)
    assert root is not None
    assert root.findtext("Body/PVOrder/Request/MSSLProfileID") == odd
    assert document.count(b"<Password>") == 0


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        (("api.example.com",), []),
        (("example.com", "www.example.com"), []),
        (("www.example.com", "example.com", "a.example.com"), [("7", "a.example.com")]),
        (("*.example.com", "example.com", "www.example.com"), [("7", "www.example.com")]),
        (("api.example.com", "*.example.com", "API.example.com"), [("13", "*.example.com")]),
    ],
)
def test_names_that_come_with_the_common_name_are_not_ordered_again(names: Any, kinds: Any) -> None:
    assert list(ordering.alternative_names(request(*names), intranet=False)) == kinds


def test_addresses_have_types_of_their_own(mssl: GlobalSignSimulator) -> None:
    asked = request(names=Names(common_name="www.example.org", dns=("www.example.org",), ip=("9.9.9.9", "10.0.0.7")))

    assert ordering.alternative_names(asked, intranet=True) == (("3", "9.9.9.9"), ("4", "10.0.0.7"))


def test_wildcards_renewals_and_exact_dates_stand_in_the_order(mssl: GlobalSignSimulator, recorded: Recorded) -> None:
    adapter, asked = adapter_of(mssl, validity="exact"), request("*.example.com")

    order(adapter, asked)

    body = recorded.body("PVOrder")
    assert "<ProductCode>PV_SHA2</ProductCode><BaseOption>wildcard</BaseOption><OrderKind>new</OrderKind>" in body
    until = ordering.date_text(asked.not_after, "milliseconds")
    assert "<Months>3</Months><NotBefore>" in body
    assert f"<NotAfter>{until}</NotAfter>" in body


def test_the_type_chooses_the_product_and_the_limit_of_the_day_the_end(
    mssl: GlobalSignSimulator, recorded: Recorded
) -> None:
    adapter = adapter_of(mssl, validity="exact")
    start = datetime.now(UTC)

    order(adapter, request(certificate_type="EV-SSL", not_after=start + timedelta(days=800)))

    body = recorded.body("PVOrder")
    assert "<ProductCode>PEV_SHA2</ProductCode>" in body
    until = start + timedelta(days=rules.longest_days(start))
    assert f"<NotAfter>{until:%Y-%m-%d}T" in body


@pytest.mark.parametrize(
    ("day", "days"), [("2027-03-14", 199), ("2027-03-15", 99), ("2029-03-14", 99), ("2029-03-15", 46)]
)
def test_certificates_get_shorter(day: str, days: int) -> None:
    assert rules.longest_days(datetime.fromisoformat(day)) == days


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("milliseconds", "2026-11-23T07:49:18.123Z"),
        ("seconds", "2026-11-23T07:49:18Z"),
        ("local", "2026-11-23T07:49:18"),
    ],
)
def test_dates_are_written_as_the_form_says(kind: str, text: str) -> None:
    assert ordering.date_text(NOW, kind) == text


def test_the_longest_domain_is_ordered_under(mssl: GlobalSignSimulator, recorded: Recorded) -> None:
    mssl.script.more = {"domains": ["example.com", "dev.example.com", "v.example.com"]}

    order(adapter_of(mssl), request("a.dev.example.com"))

    assert "<MSSLDomainID>DSMS20000000001</MSSLDomainID>" in recorded.body("PVOrder")


# --------------------------------------------------------------- what a fault is
@pytest.mark.parametrize(
    ("do", "raised", "orders"),
    [
        ("status:500", OutcomeUnknown, 0),
        ("status-after:502", OutcomeUnknown, 1),
        ("reset", OutcomeUnknown, 0),
        ("reset-after", OutcomeUnknown, 1),
        ("truncate", OutcomeUnknown, 1),
        ("html", OutcomeUnknown, 0),
        ("html-after", OutcomeUnknown, 1),
        ("garbage", OutcomeUnknown, 0),
        ("status:404", OutcomeUnknown, 0),
        ("429", RateLimited, 0),
        ("401", NotAuthorised, 0),
        ("status:403", NotAuthorised, 0),
    ],
)
def test_what_a_lost_or_refused_order_is(
    mssl: GlobalSignSimulator, do: str, raised: type[ProviderError], orders: int
) -> None:
    mssl.script.faults = [Fault(on="submit", do=do)]

    with pytest.raises(raised) as refusal:
        order(adapter_of(mssl), request())

    assert type(refusal.value) is raised
    assert len(mssl.orders) == orders
    assert PASSWORD not in f"{refusal.value}{refusal.value!r}"


@pytest.mark.parametrize("call", ["poll", "find", "cancel", "revoke", "domains", "check"])
@pytest.mark.parametrize("do", ["status:500", "reset", "reset-after", "truncate", "html", "garbage", "status:404"])
def test_everything_else_may_be_repeated(mssl: GlobalSignSimulator, call: str, do: str) -> None:
    mssl.script.delay_polls = 0 if call == "revoke" else 99
    adapter, asked = adapter_of(mssl), request()
    _, ref = order(adapter, asked)
    leaf = poll(adapter, asked, ref).leaf if call == "revoke" else b""
    mssl.script.faults = [Fault(on=call, do=do)]
    verbs = {
        "poll": lambda: poll(adapter, asked, ref),
        "find": lambda: adapter.find(asked, datetime.now(UTC) - timedelta(hours=1)),
        "cancel": lambda: adapter.cancel(asked, ref),
        "revoke": lambda: adapter.revoke(leaf, ref, SUPERSEDED, ""),
        "domains": lambda: order(adapter, request()),
        "check": lambda: adapter.choices("organisation_id"),
    }

    with pytest.raises(Transient) as refusal:
        verbs[call]()

    assert type(refusal.value) is Transient
    assert len(mssl.orders) == 1


HEADER = b"<E><Body><R><Response><OrderResponseHeader>%s</OrderResponseHeader></Response></R></Body></E>"


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><s:Envelope xmlns:s="u"><s:Body>&a;</s:Body></s:Envelope>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b'<?xml version="1.0" encoding="klingon"?><x/>',
        b"<x>" * 100_000,
        b"",
        HEADER % b"",
        HEADER % b"<SuccessCode>-1</SuccessCode>",
        HEADER % b"<SuccessCode>0</SuccessCode>",
        HEADER % b"<SuccessCode>maybe</SuccessCode>",
    ],
)
def test_an_answer_that_says_nothing_leaves_the_order_unknown(
    mssl: GlobalSignSimulator, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    handle = mssl.handle
    answer = Reply(body=body, headers={"Content-Type": "text/xml"})
    monkeypatch.setattr(mssl, "handle", lambda call: answer if mssl.name_of(call) == "submit" else handle(call))

    with pytest.raises(OutcomeUnknown):
        adapter_of(mssl).submit(request(), lambda _: pytest.fail("there is no number"))


def test_an_order_number_counts_even_beside_an_error(
    mssl: GlobalSignSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = mssl.handle
    answer = Reply(
        text="<Envelope><Body><R><Response><OrderResponseHeader><SuccessCode>-1</SuccessCode><Errors><Error><ErrorCode>"
        "-2001</ErrorCode><ErrorMessage>Database</ErrorMessage></Error></Errors></OrderResponseHeader>"
        "<OrderID>CEAP9</OrderID></Response></R></Body></Envelope>"
    )
    monkeypatch.setattr(mssl, "handle", lambda call: answer if mssl.name_of(call) == "submit" else handle(call))

    outcome, ref = order(adapter_of(mssl), request())

    assert isinstance(outcome, Pending)
    assert (ref.order_id, outcome.said) == ("CEAP9", "Database (-2001)")


def test_no_order_is_begun_when_there_is_no_time_left(
    mssl: GlobalSignSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "SLOWEST", -1.0)

    with pytest.raises(Transient, match="Nothing was ordered yet"):
        order(adapter_of(mssl), request())

    assert mssl.counts["submit"] == 0


# -------------------------------------------------------------------------- states
@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        ("pending", Pending, "works on it"),
        ("validation", Pending, "(phishing)"),
        ("cancelled", Cancelled, "has cancelled the order"),
        ("revoked", Failed, "has revoked"),
        ("rejected", Failed, "denied the order"),
        ("approval", Pending, "approval in the GCC portal"),
        ("void", Failed, "it is void"),
    ],
)
def test_what_a_state_means(mssl: GlobalSignSimulator, status: str, kind: type, says: str) -> None:
    mssl.script.delay_polls = 99
    adapter, asked = adapter_of(mssl), request()
    _, ref = order(adapter, asked)
    mssl.orders[0].status = "cancelled" if status == "void" else status
    mssl.orders[0].data["void"] = status == "void"

    outcome = poll(adapter, asked, ref)

    assert type(outcome) is kind
    assert says in getattr(outcome, "detail", "") + getattr(outcome, "message", "")
    if status == "approval":
        assert [task.kind for task in outcome.tasks] == [TaskKind.APPROVE]
        assert outcome.tasks[0].detail["request"] == ref.order_id


def test_an_unknown_order_is_given_up_only_after_ten_minutes(mssl: GlobalSignSimulator) -> None:
    clock = Clock()
    adapter, asked = adapter_of(mssl, clock=clock), request()
    _, ref = order(adapter, asked)
    mssl.clear()

    with pytest.raises(Transient):
        poll(adapter, asked, ref)
    clock.ahead = timedelta(minutes=11)
    with pytest.raises(OrderNotFound):
        poll(adapter, asked, ref)


def test_an_order_of_the_other_platform_is_left_alone(mssl: GlobalSignSimulator) -> None:
    outcome = poll(adapter_of(mssl), request(), Ref(order_id="01BF", data={"platform": "atlas"}))

    assert "Set the issuer to Atlas again" in outcome.detail
    assert mssl.counts["poll"] == 0


# -------------------------------------------------------------------------- search
def hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def test_only_the_order_with_the_requests_key_is_found(mssl: GlobalSignSimulator) -> None:
    adapter, asked = adapter_of(mssl), request()
    order(adapter, request())
    _, ref = order(adapter, asked)

    look = adapter.find(asked, hour_ago())

    assert ([one.order_id for one in look.found], look.complete) == ([ref.order_id], True)
    assert adapter.find(request(), hour_ago()) == replace(look, found=())


def test_several_orders_with_one_key_are_all_named(mssl: GlobalSignSimulator) -> None:
    adapter, asked = adapter_of(mssl), request()
    numbers = {order(adapter, asked)[1].order_id for _ in range(2)}

    assert {one.order_id for one in adapter.find(asked, hour_ago()).found} == numbers


def test_a_key_used_again_is_told_apart_by_the_whole_request(mssl: GlobalSignSimulator) -> None:
    key = ec_key()
    adapter = adapter_of(mssl)
    old = request(csr=make_csr(key=key, subject="CN=www.example.org,O=Before"))
    order(adapter, old)
    again = Previous(certificate=b"", ref=Ref(), same_key=True)
    asked = request(csr=make_csr(key=key), previous=again)
    assert asked.spki_sha256 == old.spki_sha256

    assert adapter.find(asked, hour_ago()).found == ()
    _, ref = order(adapter, replace(asked, previous=None))
    assert [one.order_id for one in adapter.find(asked, hour_ago()).found] == [ref.order_id]


def test_a_full_list_is_asked_for_again_in_halves(mssl: GlobalSignSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (finding, service):
        monkeypatch.setattr(module, "MOST_LISTED", 50)
    adapter, asked = adapter_of(mssl), request()
    filler = make_csr("a.example.org", subject="CN=a.example.org")
    start = datetime.now(UTC) - timedelta(hours=20)
    for number in range(52):
        mssl.accept(filler).created = start + timedelta(minutes=20 * number)
    _, ref = order(adapter, asked)

    look = adapter.find(asked, start - timedelta(minutes=5))

    assert ([one.order_id for one in look.found], look.complete) == ([ref.order_id], True)
    assert mssl.counts["find"] == 3


def test_too_many_in_one_minute_prove_nothing(mssl: GlobalSignSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MOST_LISTED", 2)
    filler = make_csr("a.example.org", subject="CN=a.example.org")
    for _ in range(3):
        mssl.accept(filler)

    assert not adapter_of(mssl).find(request(), datetime.now(UTC) - timedelta(minutes=1)).complete


def test_a_search_that_takes_too_long_proves_nothing(
    mssl: GlobalSignSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "LONGEST_SEARCH", -1.0)

    assert not adapter_of(mssl).find(request(), hour_ago()).complete


def test_an_order_of_this_name_without_its_request_proves_nothing(
    mssl: GlobalSignSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = "<OrderDetail><OrderInfo><OrderId>1</OrderId><DomainName>{}</DomainName></OrderInfo></OrderDetail>"
    text = (
        "<Envelope><Body><R><Response><QueryResponseHeader><SuccessCode>0</SuccessCode></QueryResponseHeader>"
        f"<OrderDetails>{row}</OrderDetails></Response></R></Body></Envelope>"
    )
    for name, complete in (("www.example.org", False), ("else.example.org", True)):
        answer = Reply(text=text.format(name))
        monkeypatch.setattr(mssl, "handle", lambda _, answer=answer: answer)
        assert adapter_of(mssl).find(request(), hour_ago()).complete is complete


# ----------------------------------------------------------------- cancel and revoke
@pytest.mark.parametrize(
    ("status", "result", "calls"),
    [
        ("pending", CancelResult.DONE, 1),
        ("validation", CancelResult.DONE, 1),
        ("approval", CancelResult.DONE, 1),
        ("issued", CancelResult.TOO_LATE, 0),
        ("revoked", CancelResult.TOO_LATE, 0),
        ("cancelled", CancelResult.DONE, 0),
        ("rejected", CancelResult.DONE, 0),
    ],
)
def test_cancelling_in_each_state(mssl: GlobalSignSimulator, status: str, result: CancelResult, calls: int) -> None:
    mssl.script.delay_polls = 99
    adapter, asked = adapter_of(mssl), request()
    _, ref = order(adapter, asked)
    if status == "issued":
        mssl.issue(mssl.orders[0])
    mssl.orders[0].status = status

    assert adapter.cancel(asked, ref) is result
    assert mssl.counts["cancel"] == calls


def test_cancelled_already_is_read_and_told(mssl: GlobalSignSimulator) -> None:
    mssl.script.delay_polls = 99
    mssl.script.more = {"errors": {"cancel": ["-9938"]}}
    adapter, asked = adapter_of(mssl), request()
    _, ref = order(adapter, asked)

    assert adapter.cancel(asked, ref) is CancelResult.REQUESTED
    assert mssl.counts["poll"] == 2


def test_an_order_without_a_number_cannot_be_cancelled(mssl: GlobalSignSimulator) -> None:
    assert adapter_of(mssl).cancel(request(), Ref()) is CancelResult.UNSUPPORTED


def test_issued_after_it_was_cancelled(mssl: GlobalSignSimulator) -> None:
    mssl.script.delay_polls = 99
    mssl.script.faults = [Fault(on="cancel", do="late-issue")]
    adapter, asked = adapter_of(mssl), request()
    _, ref = order(adapter, asked)

    assert adapter.cancel(asked, ref) is CancelResult.DONE
    assert isinstance(poll(adapter, asked, ref), Issued)


def test_revoking_through_the_order(mssl: GlobalSignSimulator) -> None:
    adapter, _, ref, leaf = issued(mssl)

    assert adapter.revoke(leaf, ref, SUPERSEDED, "") is RevokeResult.DONE
    assert adapter.revoke(leaf, ref, SUPERSEDED, "") is RevokeResult.ALREADY
    assert mssl.counts["revoke"] == 1


def test_revoking_without_the_order_finds_it_by_the_serial_number(mssl: GlobalSignSimulator) -> None:
    adapter, _, _, leaf = issued(mssl)
    order(adapter, request())

    assert adapter.revoke(leaf, None, SUPERSEDED, "") is RevokeResult.DONE
    assert mssl.orders[0].status == "revoked"


def test_another_certificate_is_never_revoked(mssl: GlobalSignSimulator) -> None:
    adapter, _, ref, _ = issued(mssl)
    foreign = mssl.authority.issue(make_csr())

    with pytest.raises(Rejected, match="made another certificate"):
        adapter.revoke(foreign, ref, SUPERSEDED, "")
    with pytest.raises(Rejected, match="lists no order"):
        adapter.revoke(foreign, None, SUPERSEDED, "")
    assert mssl.counts["revoke"] == 0


# ------------------------------------------------------------------------- renewals
@pytest.mark.parametrize(
    ("wish", "days", "names", "kinds"),
    [
        ("renewal", 1, ("www.example.org",), ["renewal", "new"]),
        ("renewal", 150, ("www.example.org", "b.example.org"), ["renewal", "new"]),
        ("reissue", 1, ("www.example.org",), ["reissue", "renewal", "new"]),
        ("reissue", 30, ("www.example.org",), ["renewal", "new"]),
        ("reissue", 1, ("www.example.org", "b.example.org"), ["renewal", "new"]),
        ("new", 1, ("www.example.org",), ["new"]),
        ("renewal", 1, ("b.example.org",), ["new"]),
    ],
)
def test_which_ways_are_tried(mssl: GlobalSignSimulator, wish: str, days: int, names: Any, kinds: list[str]) -> None:
    adapter, _, ref, leaf = issued(mssl, "www.example.org", renewal=wish)
    asked = request(*names, previous=Previous(certificate=leaf, ref=ref))

    ways = ordering.ways(adapter.account, asked, datetime.now(UTC) + timedelta(days=days))

    assert [way.kind for way in ways] == kinds
    assert ways[-1] == Way("new")


def test_an_order_of_atlas_is_not_renewed_here(mssl: GlobalSignSimulator) -> None:
    adapter, _, ref, leaf = issued(mssl)
    asked = request(previous=Previous(certificate=leaf, ref=replace(ref, data={"platform": "atlas"})))

    assert ordering.ways(adapter.account, asked, NOW) == (Way("new"),)


def test_a_reissue_is_an_order_of_its_own(mssl: GlobalSignSimulator) -> None:
    adapter, _, ref, leaf = issued(mssl, renewal="reissue")
    asked = request(previous=Previous(certificate=leaf, ref=ref))

    _, again = order(adapter, asked)

    assert again.order_id != ref.order_id
    assert mssl.orders[1].data["kind"] == "reissue"
    assert isinstance(poll(adapter, asked, again), Issued)


# ------------------------------------------------------------------ form and test
@pytest.mark.parametrize(
    ("facts", "values", "says"),
    [
        ({"subject": "O=Example"}, {}, "Give one, like CN=www.example.org."),
        ({"certificate_type": "DV-SSL"}, {}, "“DV-SSL” is not a certificate type of GlobalSign."),
        ({"certificate_type": "EV-SSL"}, {"product_ev": ""}, "orders no certificates of type EV-SSL"),
        ({"certificate_type": "EV-SSL", "dns": "*.example.org"}, {}, "EV certificates hold no wildcards."),
        ({"names": Names(dns=("www.example.org",), email=("a@example.org",))}, {}, "Leave out “a@example.org”."),
        ({"names": Names(dns=("www.example.org",), ip=("10.1.2.3",))}, {}, "“10.1.2.3” is an internal address"),
        ({}, {"contact": Administrator(first_name="Ada")}, "its last name and phone and e-mail is missing"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    mssl: GlobalSignSimulator, facts: dict[str, Any], values: dict[str, Any], says: str
) -> None:
    asked = request(facts.pop("dns", "www.example.org"), **facts)

    with pytest.raises(InvalidRequest) as refusal:
        adapter_of(mssl, **values).validate(asked)

    assert says in str(refusal.value)
    assert not mssl.counts


def test_doubts_are_told_and_the_rest_is_fine(mssl: GlobalSignSimulator) -> None:
    adapter = adapter_of(mssl, intranet="yes")

    assert adapter.validate(request(names=Names(dns=("www.example.org",), ip=("10.1.2.3",)))) == []
    (doubt,) = adapter_of(mssl).validate(request(validity_days=365))
    assert doubt == f"GlobalSign issues for at most {rules.longest_days(datetime.now(UTC))} days; 365 were asked for."


@pytest.mark.parametrize(("months", "day"), [("6", "2027-03-15"), ("3", "2029-03-15")])
def test_more_months_than_the_cap_are_refused_before_anything_is_sent(
    mssl: GlobalSignSimulator, months: str, day: str
) -> None:
    moment = datetime.fromisoformat(f"{day}T12:00:00Z")
    account = adapter_of(mssl, validity=months).account

    with pytest.raises(InvalidRequest, match=f"orders {months} months"):
        rules.check(request(), account, moment)

    assert rules.check(request(), account, moment - timedelta(days=1)) == []


def test_testing_an_issuer_says_line_by_line_what_is_good(mssl: GlobalSignSimulator) -> None:
    check = adapter_of(mssl).check()

    assert check.ok
    assert [line.text for line in check.lines] == [
        "GlobalSign lets the user “PAR12345_rehearsal” in, from this address.",
        "Profile 117830_SMS2_1234: Example AB (rehearsal) (EV). Its status is 3.",
        "Domains of the profile: example.com, example.org, example.net.",
        "The contact is complete.",
    ]
    assert not mssl.orders


@pytest.mark.parametrize(
    ("values", "more", "says"),
    [
        ({"password": "wrong"}, {}, "Login failure. Invalid user name or password (-4001)."),
        ({"organisation_id": "9_SMS2_9"}, {}, "There is no profile “9_SMS2_9”. The account has: 117830_SMS2_1234."),
        ({}, {"domains": []}, "The profile has no domain"),
        ({"contact": replace(ADA, phone="")}, {}, "The contact's phone is missing."),
        ({}, {"errors": {"check": ["-201"]}}, "gave no usable answer"),
        ({"address": "http://127.0.0.1:1"}, {}, "could not be reached"),
    ],
)
def test_testing_an_issuer_says_what_is_not(
    mssl: GlobalSignSimulator, values: dict[str, Any], more: dict[str, Any], says: str
) -> None:
    mssl.script.more = more

    check = adapter_of(mssl, **values).check()

    assert not check.ok
    assert any(says in line.text for line in check.lines if not line.ok)


def test_profiles_can_be_chosen(mssl: GlobalSignSimulator) -> None:
    choices = [("117830_SMS2_1234", "Example AB (rehearsal) (EV), 117830_SMS2_1234")]

    assert adapter_of(mssl).choices("organisation_id") == choices
    assert adapter_of(mssl).choices("product_ov") == ()


def test_the_common_name_is_read_from_the_request(mssl: GlobalSignSimulator) -> None:
    assert rules.common_name(request(subject="CN=API.example.com,O=Example")) == "api.example.com"
    assert Can.RENEW in adapter_of(mssl).can


def test_nothing_shows_the_password(mssl: GlobalSignSimulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    adapter, _, ref, _ = issued(mssl)

    assert PASSWORD not in f"{adapter!r}{ref!r}{caplog.text}"
    assert describe_csr(mssl.orders[0].csr).signature_ok
