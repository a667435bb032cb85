"""The adapter alone, against the stand-in's sockets: what each fault is, what a test of an issuer says, what is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.pki.authority import make_csr
from vault.providers.base import (
    AddressRules,
    Can,
    Cancelled,
    CertRequest,
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
    Setup,
    Transient,
)
from vault.providers.digicert import OFFER, DigiCert
from vault.simulators.digicert import DigiCertSimulator
from vault.simulators.kit import Call, Fault, Reply
from vault.x509.requests import describe_csr

pytestmark = pytest.mark.no_database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Nothing:
    """What this adapter does not use."""

    def load(self) -> None: ...
    def keep(self, before: Any, now: Any) -> bool: ...
    def put_up(self, token: str, key_authorization: str) -> None: ...
    def take_down(self, token: str) -> None: ...


def build(certcentral: DigiCertSimulator, now: datetime | None = None, **values: str) -> DigiCert:
    given = {**certcentral.values(), **values}
    secrets = {"password": given.pop("password")}
    rules = AddressRules(loopback=True)
    clock = (lambda: now) if now else (lambda: datetime.now(UTC))
    setup = Setup(
        config=given, secrets=secrets, administrators=(), rules=rules, memory=Nothing(), board=Nothing(), now=clock
    )
    adapter = OFFER.build(setup)
    assert isinstance(adapter, DigiCert)
    return adapter


def request(*dns: str, csr: bytes = b"", **facts: Any) -> CertRequest:
    csr = csr or make_csr()
    names = Names(common_name=(dns or ("www.example.org",))[0], dns=dns or ("www.example.org",))
    facts = {"names": names, "validity_days": 90, **facts}
    key = describe_csr(csr).spki_sha256
    return CertRequest(
        operation_id="5b1f3c2e", csr=csr, not_before=NOW, not_after=NOW + timedelta(days=90), spki_sha256=key, **facts
    )


def submit(adapter: DigiCert, asked: CertRequest) -> tuple[Any, list[Ref]]:
    saved: list[Ref] = []
    return adapter.submit(asked, saved.append), saved


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
        ("429", RateLimited, 0),
        ("401", NotAuthorised, 0),
        ("status:400", Rejected, 0),
        ("status:403", NotAuthorised, 0),
    ],
)
def test_what_a_lost_or_refused_order_is(
    certcentral: DigiCertSimulator, do: str, raised: type[ProviderError], orders: int
) -> None:
    certcentral.script.faults = [Fault(on="submit", do=do)]

    with pytest.raises(raised) as refusal:
        submit(build(certcentral), request())

    assert type(refusal.value) is raised
    assert len(certcentral.orders) == orders
    assert certcentral.values()["password"] not in f"{refusal.value}{refusal.value!r}"


@pytest.mark.parametrize("verb", ["poll", "find", "cancel", "revoke"])
@pytest.mark.parametrize("do", ["status:500", "reset", "truncate", "html", "garbage"])
def test_everything_else_may_be_repeated(certcentral: DigiCertSimulator, verb: str, do: str) -> None:
    adapter, asked = build(certcentral), request()
    certcentral.script.delay_polls = 9
    outcome, _ = submit(adapter, asked)
    order = certcentral.orders[0]
    if verb == "revoke":
        certcentral.issue(order)
    verbs: dict[str, Callable[[], object]] = {
        "poll": lambda: adapter.poll(asked, outcome.ref, lambda _: None),
        "find": lambda: adapter.find(asked, NOW),
        "cancel": lambda: adapter.cancel(asked, outcome.ref),
        "revoke": lambda: adapter.revoke(order.certificate or b"", None, RevocationReason.SUPERSEDED, "x"),
    }
    named = {"cancel": "poll"} if do == "truncate" else {}
    certcentral.script.faults = [] if (verb, do) == ("revoke", "truncate") else [Fault(on=named.get(verb, verb), do=do)]

    if certcentral.script.faults:
        with pytest.raises(Transient):
            verbs[verb]()
    assert verbs[verb]() is not None
    assert len(certcentral.orders) == 1


def test_nothing_was_sent_when_the_address_does_not_answer(certcentral: DigiCertSimulator) -> None:
    with pytest.raises(Transient, match="could not be reached"):
        submit(build(certcentral, address="http://127.0.0.1:1/services/v2"), request())


def test_the_number_is_saved_before_the_certificate_is_looked_at(certcentral: DigiCertSimulator) -> None:
    certcentral.script.more["immediate"] = True

    outcome, saved = submit(build(certcentral), request("www.example.org", "api.example.org"))

    assert isinstance(outcome, Issued)
    assert [ref.order_id for ref in saved] == ["542772"]
    assert len(outcome.chain) == 2


def test_a_wrong_key_says_so_and_the_right_one_counts(certcentral: DigiCertSimulator) -> None:
    adapter = build(certcentral, password="another")

    with pytest.raises(NotAuthorised, match=r"invalid_api_key.*Make a new API key in CertCentral") as refusal:
        submit(adapter, request())

    assert "another" not in f"{refusal.value}{adapter!r}"


class Odd(DigiCertSimulator):
    """Answers everything with the same thing."""

    answer: Any = None

    def handle(self, call: Call) -> Reply:
        return Reply(status=201 if call.method == "POST" else 200, json=self.answer)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        "text",
        7,
        {},
        {"id": None},
        {"id": "../user/me"},
        {"id": {"id": 1}},
        {"id": True},
        {"errors": []},
        {"id": 12345678901234567890123},
    ],
)
def test_an_answer_without_a_number_proves_nothing(answer: Any) -> None:
    with Odd() as odd:
        odd.answer = answer
        adapter = build(odd)

        with pytest.raises(OutcomeUnknown):
            submit(adapter, request())
        with pytest.raises(Transient):
            adapter.poll(request(), Ref(order_id="542772"), lambda _: None)
        with pytest.raises(Transient):
            adapter.find(request(), NOW)
        assert not adapter.check().ok


@pytest.mark.parametrize(
    "more",
    [
        {"certificate": [], "requests": {}},
        {"certificate": {"dns_names": 7, "csr": 7, "id": []}, "requests": [7, None]},
        {"status": 7},
        {"status": None},
        {"status": "\u202eissued\x00"},
    ],
)
def test_an_order_with_odd_members_waits(more: dict[str, Any]) -> None:
    with Odd() as odd:
        odd.answer = {"id": 542772, "status": "processing", **more}

        outcome = build(odd).poll(request(), Ref(order_id="542772"), lambda _: None)

        assert isinstance(outcome, Pending)
        assert outcome.detail.isprintable()
        assert outcome.said.isprintable()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        ("processing", Pending, "DigiCert is processing the order."),
        ("waiting_pickup", Pending, "DigiCert has the certificate ready and does not hand it out yet."),
        ("needs_csr", Pending, "the signing request is missing"),
        ("needs_approval", Pending, "Someone has to approve order 542772 in CertCentral."),
        ("canceled", Cancelled, "DigiCert has cancelled the order 542772."),
        ("CANCELED", Cancelled, "DigiCert has cancelled the order 542772."),
        ("rejected", Failed, "DigiCert rejected the request and gave no reason. Ask in CertCentral."),
        ("denied", Failed, "DigiCert rejected the request"),
        ("revoked", Failed, "has revoked it since"),
        ("reissue_pending", Pending, "DigiCert"),
        ("brand_new", Pending, "DigiCert calls the order's state “brand_new”, which is not known here."),
    ],
)
def test_what_a_state_means(status: str, kind: type[Any], words: str) -> None:
    with Odd() as odd:
        odd.answer = {"id": 542772, "status": status, "order_status": status, "dcv_status": "complete"}
        adapter = build(odd)

        outcome = adapter.poll(request(), Ref(order_id="542772"), lambda _: None)

        assert type(outcome) is kind
        assert words in (outcome.message if isinstance(outcome, Failed) else outcome.detail)


def test_a_certificate_that_cannot_be_read_is_asked_for_again(certcentral: DigiCertSimulator) -> None:
    adapter, asked = build(certcentral), request()
    outcome, _ = submit(adapter, asked)
    certcentral.issue(certcentral.orders[0])
    whole = certcentral.authority.chain_pem
    broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    certcentral.authority.chain_pem = lambda *_, **__: broken  # type: ignore[method-assign]
    try:
        with pytest.raises(Transient, match="cannot be read"):
            adapter.poll(asked, outcome.ref, lambda _: None)
    finally:
        certcentral.authority.chain_pem = whole  # type: ignore[method-assign]

    assert isinstance(adapter.poll(asked, outcome.ref, lambda _: None), Issued)


def test_an_order_before_that_is_gone_is_no_obstacle(certcentral: DigiCertSimulator) -> None:
    gone = Previous(certificate=b"", ref=Ref(order_id="7"))
    adapter, asked = build(certcentral), request(previous=gone)

    assert adapter.find(asked, since()).complete
    submit(adapter, asked)

    assert len(certcentral.orders) == 1


@pytest.mark.parametrize("number", ["", "../../user/me", "12?x=1", "twelve", "1" * 30])
def test_what_is_no_order_number_is_not_called(certcentral: DigiCertSimulator, number: str) -> None:
    with pytest.raises(OrderNotFound):
        build(certcentral).poll(request(), Ref(order_id=number), lambda _: None)

    assert not certcentral.counts


def test_an_order_that_waits_for_a_request_for_a_day_fails() -> None:
    with Odd() as odd:
        odd.answer = {"id": 542772, "status": "needs_csr"}
        adapter = build(odd, now=NOW)
        ref = Ref(order_id="542772", data={"sent": (NOW - timedelta(hours=23)).isoformat()})

        assert isinstance(adapter.poll(request(), ref, lambda _: None), Pending)

        ref = Ref(order_id="542772", data={"sent": (NOW - timedelta(hours=25)).isoformat()})
        assert adapter.poll(request(), ref, lambda _: None).code == "Request incomplete"  # type: ignore[union-attr]


# -------------------------------------------------------------------------- find
def since() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=10)


def test_an_order_is_found_among_many_of_the_same_name(certcentral: DigiCertSimulator) -> None:
    adapter, csr = build(certcentral), make_csr()
    ours = request(csr=make_csr())
    submit(adapter, ours)
    for _ in range(105):
        submit(adapter, request(csr=csr))

    found = adapter.find(ours, since())

    assert [ref.order_id for ref in found.found] == ["542772"]
    assert found.complete


def test_two_orders_for_one_request_are_both_found(certcentral: DigiCertSimulator) -> None:
    adapter, asked = build(certcentral), request()
    submit(adapter, asked)
    submit(adapter, asked)

    assert {ref.order_id for ref in adapter.find(asked, since()).found} == {"542772", "542773"}


def test_older_orders_and_other_names_are_not_ours(certcentral: DigiCertSimulator) -> None:
    adapter, asked = build(certcentral), request()
    submit(adapter, asked)
    certcentral.orders[0].created -= timedelta(hours=1)

    found = adapter.find(asked, since())

    assert (found.found, found.complete) == ((), True)
    assert certcentral.counts["poll"] == 0


def test_a_list_without_end_is_not_complete(certcentral: DigiCertSimulator) -> None:
    adapter, csr = build(certcentral), make_csr()
    submit(adapter, request(csr=csr))
    for _ in range(2):
        certcentral.orders.extend([certcentral.orders[0]] * 100)

    assert not adapter.find(request(), since()).complete


def test_an_order_that_is_listed_and_not_shown_proves_nothing(certcentral: DigiCertSimulator) -> None:
    adapter = build(certcentral)
    submit(adapter, request())
    certcentral._by_id.clear()

    assert not adapter.find(request(), since()).complete


def test_a_lost_reissue_is_looked_for_in_its_order(certcentral: DigiCertSimulator) -> None:
    adapter, first = build(certcentral), request()
    outcome, _ = submit(adapter, first)
    issued = adapter.poll(first, outcome.ref, lambda _: None)
    assert isinstance(issued, Issued)
    second = request(previous=Previous(certificate=issued.leaf, ref=issued.ref))
    assert adapter.find(second, since()).found == ()
    certcentral.script.faults = [Fault(on="reissue", do="reset-after")]
    with pytest.raises(OutcomeUnknown):
        submit(adapter, second)

    found = adapter.find(second, since())

    assert [ref.order_id.split("/")[0] for ref in found.found] == [issued.ref.order_id]
    again = adapter.poll(second, found.found[0], lambda _: None)
    assert isinstance(again, Issued)
    assert again.leaf != issued.leaf


@pytest.mark.parametrize(("listed", "complete"), [(True, True), (False, False)])
def test_a_reissue_that_waits_and_cannot_be_compared_proves_nothing(
    certcentral: DigiCertSimulator, listed: bool, complete: bool
) -> None:
    adapter, first = build(certcentral), request()
    outcome, _ = submit(adapter, first)
    issued = adapter.poll(first, outcome.ref, lambda _: None)
    assert isinstance(issued, Issued)
    previous = Previous(certificate=issued.leaf, ref=issued.ref)
    certcentral.script.delay_polls = 9
    submit(adapter, request(previous=previous))
    certcentral.script.more["list_pending"] = listed

    found = adapter.find(request(previous=previous), since())

    assert (found.found, found.complete) == ((), complete)


def test_an_order_of_another_request_is_neither_taken_over_nor_withdrawn(certcentral: DigiCertSimulator) -> None:
    adapter = build(certcentral)
    certcentral.script.delay_polls = 9
    submit(adapter, request())
    entered = Ref(order_id="542772")

    with pytest.raises(OrderNotFound, match="was made for another request"):
        adapter.poll(request(), entered, lambda _: None)
    with pytest.raises(OrderNotFound, match="was made for another request"):
        adapter.cancel(request(), entered)

    assert certcentral.counts["cancel"] == 0


# ------------------------------------------------------------------------- rules
EV = "EV-SSL"


@pytest.mark.parametrize(
    ("asked", "values", "words"),
    [
        ({"certificate_type": "DV-SSL"}, {}, "“DV-SSL” is not a certificate type of this issuer. Choose OV-SSL or"),
        ({"certificate_type": EV}, {"product_ev": ""}, "“EV-SSL” is not a certificate type of this issuer. Choose OV"),
        ({}, {"product_ov": "", "product_ev": ""}, "has no DigiCert product set"),
        ({}, {"organisation_id": ""}, "names no organisation"),
        ({"names": Names()}, {}, "at least one DNS name"),
        (
            {"names": Names(dns=("a.example.org",), email=("a@example.org",))},
            {},
            "no e-mail addresses: “a@example.org”",
        ),
        ({"names": Names(dns=("a.example.org",), uri=("https://a.example",))}, {}, "hold no URIs"),
        ({"names": Names(dns=("a.example.org",), upn=("a@b",))}, {}, "hold no user names"),
        ({"names": Names(common_name="b.example.org", dns=("a.example.org",))}, {}, "“b.example.org” has to be one of"),
        ({"certificate_type": EV, "names": Names(dns=("*.example.org",))}, {}, "EV certificates hold no wildcards"),
        ({"certificate_type": EV, "names": Names(dns=("a.example.org",), ip=("192.0.2.1",))}, {}, "no IP addresses"),
        ({"names": Names(dns=("a.*.example.org",))}, {}, "is no wildcard that can be issued"),
        ({"names": Names(dns=("*.*.example.org",))}, {}, "is no wildcard that can be issued"),
        ({"names": Names(dns=("intranet",))}, {}, "“intranet” is an internal name"),
        ({"names": Names(dns=("www.corp.local",))}, {}, "“www.corp.local” is an internal name"),
        ({"names": Names(dns=("a.example.org",), ip=("10.0.0.7",))}, {}, "“10.0.0.7” is an internal name"),
    ],
)
def test_what_digicert_would_refuse_is_refused_here(
    certcentral: DigiCertSimulator, asked: dict[str, Any], values: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        build(certcentral, **values).validate(request(**asked))

    assert words in str(refusal.value)
    assert not certcentral.counts


@pytest.mark.parametrize(
    ("asked", "values", "words"),
    [
        ({"validity_days": 365}, {}, "365 days were asked for. Public certificates last 199 days at most now."),
        (
            {"names": Names(dns=("a.example.org",), ip=("8.8.8.8",))},
            {},
            "Only some DigiCert products take IP addresses.",
        ),
        (
            {"names": Names(dns=("*.example.org",))},
            {"dcv_method": "http-token"},
            "A wildcard cannot be proved by a file",
        ),
        ({"ekus": ("1.3.6.1.5.5.7.3.2",)}, {}, "no longer hold client authentication"),
    ],
)
def test_what_may_turn_out_otherwise_is_a_doubt(
    certcentral: DigiCertSimulator, asked: dict[str, Any], values: dict[str, str], words: str
) -> None:
    doubts = build(certcentral, now=NOW, **values).validate(request(**asked))

    assert [words in doubt for doubt in doubts] == [True]


def test_a_private_product_has_no_public_rules(certcentral: DigiCertSimulator) -> None:
    adapter = build(certcentral, product_ov="private_ssl_plus")
    asked = request("intranet", validity_days=800, ekus=("1.3.6.1.5.5.7.3.2",))

    assert adapter.validate(asked) == ()

    submit(adapter, asked)
    body = certcentral.bodies[0]
    assert (body["certificate"]["cert_validity"], body["order_validity"]) == ({"days": 800}, {"years": 3})


@pytest.mark.parametrize(
    ("day", "days"),
    [("2026-11-23", 199), ("2027-03-14", 199), ("2027-03-15", 99), ("2029-03-14", 99), ("2029-03-15", 46)],
)
def test_the_longest_validity_follows_the_calendar(certcentral: DigiCertSimulator, day: str, days: int) -> None:
    submit(build(certcentral, now=datetime.fromisoformat(f"{day}T12:00:00+00:00")), request(validity_days=None))

    assert certcentral.bodies[0]["certificate"]["cert_validity"] == {"days": days}


# ---------------------------------------------------------------- the issuer's form
def lines(certcentral: DigiCertSimulator, **values: str) -> list[tuple[bool, str]]:
    return [(line.ok, line.text) for line in build(certcentral, now=NOW, **values).check().lines]


def test_a_good_test_reads_well(certcentral: DigiCertSimulator) -> None:
    said = lines(certcentral, container_id="55501", ca_cert_id="A1")

    until = f"{datetime.now(UTC) + timedelta(days=397):%-d %B %Y}"
    assert said == [
        (True, "DigiCert accepts the API key: user “pki-api” (Ada Lind), account 1122334, Administrator."),
        (True, f"The organisation “Rehearsal AB” is validated for OV until {until}."),
        (True, f"The organisation “Rehearsal AB” is validated for EV until {until}."),
        (True, "This key may order Basic OV (ssl_basic) for OV-SSL."),
        (True, "This key may order Basic EV (ssl_ev_basic) for EV-SSL."),
        (True, "Orders go to the division “Rehearsal AB”."),
    ]
    assert certcentral.counts["check"] == sum(certcentral.counts.values())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"account_id": "999"}, "The key belongs to account 1122334, the issuer names account 999."),
        ({"organisation_id": "7"}, "The organisation 7 is not in this account: Not found (not_found|organization)."),
        ({"product_ov": "ssl_gone"}, "This key may not order the product “ssl_gone” for OV-SSL: Not found"),
        ({"product_ov": "", "product_ev": ""}, "No product is set, so nothing can be ordered."),
        ({"ca_cert_id": "B7"}, "The product “ssl_basic” is not issued by the CA B7."),
        ({"container_id": "1"}, "The division 1 is not this key's"),
        ({"password": "wrong"}, "DigiCert refuses the API key: The API key is not valid (invalid_api_key). Make a new"),
        ({"address": "http://127.0.0.1:1/services/v2"}, "The test could not go on: DigiCert could not be reached"),
    ],
)
def test_what_is_wrong_stands_in_a_line(certcentral: DigiCertSimulator, values: dict[str, str], words: str) -> None:
    wrong = [text for ok, text in lines(certcentral, **values) if not ok]

    assert len(wrong) == 1
    assert words in wrong[0]


def test_an_organisation_without_ev_is_told_and_no_obstacle(certcentral: DigiCertSimulator) -> None:
    certcentral.script.more["ev"] = False

    said = lines(certcentral)

    assert (True, "The organisation “Rehearsal AB” is not validated for EV now: EV orders would wait for it.") in said
    assert not build(certcentral, product_ov="").check().ok


@pytest.mark.parametrize("do", ["status:500", "html", "garbage", "truncate", "429", "reset"])
def test_a_test_says_what_stopped_it(certcentral: DigiCertSimulator, do: str) -> None:
    certcentral.script.faults = [Fault(on="check", do=do, skip=1)]

    said = lines(certcentral)

    assert [ok for ok, _ in said] == [True, False]
    assert said[1][1].startswith("The test could not go on: DigiCert")


@pytest.mark.parametrize(
    ("field", "first"),
    [
        ("organisation_id", ("112233", "Rehearsal AB, Stockholm (112233)")),
        ("product_ov", ("ssl_basic", "Basic OV (ssl_basic)")),
        ("container_id", ("55501", "Rehearsal AB (55501)")),
        ("ca_cert_id", ("A1", "Rehearsal Issuing CA")),
    ],
)
def test_choices_come_from_the_account(certcentral: DigiCertSimulator, field: str, first: tuple[str, str]) -> None:
    assert build(certcentral).choices(field)[0] == first


def test_fields_without_a_list_have_no_choices(certcentral: DigiCertSimulator) -> None:
    assert build(certcentral).choices("password") == ()
    assert build(certcentral, product_ev="").choices("ca_cert_id_ev") == ()


def test_the_form_has_the_names_of_the_wire_and_one_secret() -> None:
    names = {field.name for field in OFFER.fields}

    assert {"account_id", "password", "organisation_id", "address"} <= names
    assert [field.name for field in OFFER.fields if field.secret] == ["password"]
    assert OFFER.certificate_types == ("OV-SSL", "EV-SSL")
    assert DigiCert.can == Can.CANCEL | Can.REVOKE | Can.RENEW | Can.FIND_ORDERS
