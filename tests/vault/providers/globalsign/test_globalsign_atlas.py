"""Atlas's adapter alone: tokens, bodies by policy, what answers mean, searching, revoking, testing, mTLS."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.pki.authority import make_csr
from tests.vault.providers.globalsign.parts import Clock, build, order, poll, request
from vault.providers.base import (
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
    Transient,
)
from vault.providers.globalsign import atlas as adapter_module
from vault.providers.globalsign import policies
from vault.providers.globalsign.atlas import Atlas
from vault.simulators.atlas import KEY, POLICY, SECRET, AtlasSimulator
from vault.simulators.kit import Fault, Reply, Script

pytestmark = pytest.mark.no_database

SUPERSEDED = RevocationReason.SUPERSEDED


def adapter_of(atlas: AtlasSimulator, **values: Any) -> Atlas:
    made = build(atlas, **values)
    assert isinstance(made, Atlas)
    return made


def issued(atlas: AtlasSimulator) -> tuple[Atlas, Any, Ref, bytes]:
    adapter, asked = adapter_of(atlas), request()
    _, ref = order(adapter, asked)
    outcome = poll(adapter, asked, ref)
    assert isinstance(outcome, Issued)
    return adapter, asked, ref, outcome.leaf


# --------------------------------------------------------------------------- tokens
def test_one_token_serves_for_nine_minutes(atlas: AtlasSimulator) -> None:
    clock = Clock()
    adapter, asked = adapter_of(atlas, clock=clock), request()
    _, ref = order(adapter, asked)

    for _ in range(3):
        poll(adapter, asked, ref)
    assert atlas.counts["login"] == 1
    clock.ahead = timedelta(minutes=9)
    poll(adapter, asked, ref)

    assert atlas.counts["login"] == 2


def test_a_token_that_ended_is_replaced_once(atlas: AtlasSimulator) -> None:
    atlas.script.more = {"token_lives": 0}
    adapter = adapter_of(atlas)

    with pytest.raises(NotAuthorised, match="The token is not valid"):
        order(adapter, request())
    assert atlas.counts["login"] == 2

    atlas.script.more = {}
    order(adapter, request())
    assert len(atlas.orders) == 1


# ------------------------------------------------------------------------- the body
def test_the_published_body_is_sent(atlas: AtlasSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    handle = atlas.handle
    monkeypatch.setattr(atlas, "handle", lambda call: (seen.append(call), handle(call))[1])
    asked = request("api.example.com", "www.api.example.com", not_after=datetime.now(UTC) + timedelta(days=365))

    order(adapter_of(atlas), asked)

    (call,) = [one for one in seen if one.path == "/v2/certificates"]
    body = json.loads(call.body)
    assert body.pop("public_key").startswith("-----BEGIN CERTIFICATE REQUEST-----\n")
    assert abs(body["validity"].pop("not_before") - datetime.now(UTC).timestamp()) < 60
    assert body == {
        "validity": {"not_after": 0},
        "subject_dn": {"common_name": "api.example.com"},
        "san": {"dns_names": ["api.example.com", "www.api.example.com"]},
        "extended_key_usages": ["1.3.6.1.5.5.7.3.1"],
        "signature": {"hash_algorithm": "SHA-256"},
    }
    assert call.headers["Content-Type"] == "application/json;charset=utf-8"


def with_policy(*path: str, value: Any) -> dict[str, Any]:
    policy = copy.deepcopy(POLICY)
    *way, last = path
    part: Any = policy
    for name in way:
        part = part[name]
    part[last] = value
    return policy


NOW = datetime(2026, 11, 23, tzinfo=UTC)
SUBJECT = "CN=www.example.org,O=Example AB,L=Lund,C=SE,OU=IT"


@pytest.mark.parametrize(
    ("policy", "path", "expected"),
    [
        (POLICY, ("subject_dn", "organization"), None),
        (POLICY, ("subject_dn", "locality"), "Lund"),
        (with_policy("subject_dn", "organization", "presence", value="REQUIRED"), ("subject_dn", "organization"), "Example AB"),
        (with_policy("subject_dn", "locality", "presence", value="FORBIDDEN"), ("subject_dn", "locality"), None),
        (with_policy("subject_dn", "organizational_unit", "maxcount", value=1), ("subject_dn", "organizational_unit"), ["IT"]),
        (with_policy("subject_dn", "organizational_unit", value={"static": True}), ("subject_dn", "organizational_unit"), None),
        (with_policy("san", "dns_names", "static", value=True), ("san", "dns_names"), None),
        (with_policy("signature", "hash_algorithm", "presence", value="STATIC"), ("signature",), None),
        (with_policy("signature", "hash_algorithm", "list", value=["SHA-512"]), ("signature", "hash_algorithm"), "SHA-512"),
        (with_policy("extended_key_usages", "ekus", "static", value=True), ("extended_key_usages",), None),
        (with_policy("extended_key_usages", "ekus", "list", value=["(", r"\.1$"]), ("extended_key_usages",), ["1.3.6.1.5.5.7.3.1"]),
        (with_policy("validity", "secondsmin", value=100 * 86_400), ("validity", "not_after"), 0),
        (POLICY, ("validity", "not_after"), int((NOW + timedelta(days=90)).timestamp())),
    ],
)  # fmt: skip
def test_the_policy_says_what_is_sent(policy: Any, path: tuple[str, ...], expected: Any) -> None:
    policy = copy.deepcopy(policy)
    if "organizational_unit" not in path:
        policy["subject_dn"].pop("organizational_unit")
    asked = request(subject=SUBJECT, not_after=NOW + timedelta(days=90))

    found: Any = policies.body(policy, asked, NOW)
    for name in path:
        found = found.get(name) if found else None

    assert found == expected


@pytest.mark.parametrize(
    ("policy", "names", "says"),
    [
        (with_policy("subject_dn", "locality", "presence", value="REQUIRED"), {}, "requires the subject's locality"),
        (with_policy("san", "dns_names", "maxcount", value=0), {}, "allows at most 0 dns names, and there are 1."),
        (with_policy("san", "ip_addresses", "mincount", value=1), {}, "requires at least 1 ip addresses"),
        (with_policy("san", value={}), {}, "allows no dns names."),
        (POLICY, {"email": ("a@example.org",)}, "allows at most 0 emails"),
        (POLICY, {"upn": ("a@example.org",)}, "allows no user principal names"),
        (with_policy("public_key", "key_format", value="PKCS8"), {}, "wants bare keys (PKCS8)"),
    ],
)
def test_what_does_not_fit_the_policy_is_not_sent(
    atlas: AtlasSimulator, policy: Any, names: dict[str, Any], says: str
) -> None:
    atlas.script.more = {"policy": policy}
    asked = request(names=Names(**{"common_name": "www.example.org", "dns": ("www.example.org",), **names}))

    with pytest.raises(Rejected) as refusal:
        order(adapter_of(atlas), asked)

    assert says in str(refusal.value)
    assert atlas.counts["submit"] == 0


def test_a_common_name_is_taken_from_the_names_where_the_policy_wants_one(atlas: AtlasSimulator) -> None:
    order(adapter_of(atlas), request("b.example.org", subject="O=Example"))

    assert atlas.orders[0].common_name == "b.example.org"


# --------------------------------------------------------------- what a fault is
@pytest.mark.parametrize(
    ("do", "raised", "orders"),
    [
        ("status:500", OutcomeUnknown, 0),
        ("status-after:502", OutcomeUnknown, 1),
        ("reset", OutcomeUnknown, 0),
        ("reset-after", OutcomeUnknown, 1),
        ("html", OutcomeUnknown, 0),
        ("html-after", OutcomeUnknown, 1),
        ("garbage", OutcomeUnknown, 0),
        ("429", RateLimited, 0),
        ("status:403", NotAuthorised, 0),
        ("status:404", Rejected, 0),
        ("status:422", Rejected, 0),
    ],
)
def test_what_a_lost_or_refused_order_is(
    atlas: AtlasSimulator, do: str, raised: type[ProviderError], orders: int
) -> None:
    atlas.script.faults = [Fault(on="submit", do=do)]

    with pytest.raises(raised) as refusal:
        order(adapter_of(atlas), request())

    assert type(refusal.value) is raised
    assert len(atlas.orders) == orders


@pytest.mark.parametrize(
    ("call", "do"),
    [
        (call, do)
        for call in ("poll", "find", "revoke", "download", "policy", "login")
        for do in ("status:500", "reset", "reset-after", "truncate", "html", "garbage")
        if (call, do) != ("revoke", "truncate")  # 204 has no body to cut
    ],
)
def test_everything_else_may_be_repeated(atlas: AtlasSimulator, call: str, do: str) -> None:
    adapter, asked = adapter_of(atlas), request()
    _, ref = order(adapter, asked)
    leaf = poll(adapter, asked, ref).leaf
    atlas.script.faults = [Fault(on=call, do=do)]
    verbs = {
        "poll": lambda: poll(adapter, asked, ref),
        "download": lambda: poll(adapter, asked, ref),
        "find": lambda: adapter.find(asked, datetime.now(UTC) - timedelta(hours=1)),
        "revoke": lambda: adapter.revoke(leaf, ref, SUPERSEDED, ""),
        "policy": lambda: order(adapter, request()),
        "login": lambda: order(adapter_of(atlas), request()),
    }

    with pytest.raises(Transient) as refusal:
        verbs[call]()

    assert type(refusal.value) is Transient
    assert len(atlas.orders) == 1


@pytest.mark.parametrize(
    "location", ["", "/", "https://127.0.0.1/v2/certificates/", "/certificates/a%2Fb", "/../x?y=z w/é"]
)
def test_a_certificate_without_a_number_leaves_the_order_unknown(
    atlas: AtlasSimulator, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    handle = atlas.handle
    answer = Reply(status=201, headers={"Location": location.encode("ascii", "ignore").decode()} if location else {})
    monkeypatch.setattr(atlas, "handle", lambda call: answer if atlas.name_of(call) == "submit" else handle(call))

    with pytest.raises(OutcomeUnknown):
        adapter_of(atlas).submit(request(), lambda _: pytest.fail("there is no number"))


def test_no_order_is_begun_when_there_is_no_time_left(atlas: AtlasSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_module, "SLOWEST", -1.0)

    with pytest.raises(Transient, match="Nothing was ordered yet"):
        order(adapter_of(atlas), request())

    assert atlas.counts["submit"] == 0


# -------------------------------------------------------------------------- states
def test_pending_issued_revoked(atlas: AtlasSimulator) -> None:
    atlas.script.delay_polls = 1
    adapter, asked = adapter_of(atlas), request()
    outcome, ref = order(adapter, asked)
    assert (outcome.retry_after, ref.certificate_id) == (timedelta(seconds=5), ref.order_id)

    assert isinstance(poll(adapter, asked, ref), Pending)
    assert isinstance(poll(adapter, asked, ref), Issued)
    atlas.orders[0].status = "revoked"
    assert isinstance(poll(adapter, asked, ref), Failed)


def test_an_unknown_certificate_is_given_up_only_after_ten_minutes(atlas: AtlasSimulator) -> None:
    clock = Clock()
    adapter, asked = adapter_of(atlas, clock=clock), request()
    _, ref = order(adapter, asked)
    atlas.clear()

    with pytest.raises(Transient):
        poll(adapter, asked, ref)
    clock.ahead = timedelta(minutes=11)
    with pytest.raises(OrderNotFound):
        poll(adapter, asked, ref)


def test_an_order_of_the_other_platform_is_left_alone(atlas: AtlasSimulator) -> None:
    outcome = poll(adapter_of(atlas), request(), Ref(order_id="CEAP1", data={"platform": "mssl"}))

    assert "Set the issuer to Managed SSL again" in outcome.detail
    assert not atlas.counts


# -------------------------------------------------------------------------- search
def hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def test_only_the_certificate_with_the_requests_key_is_found(atlas: AtlasSimulator) -> None:
    adapter, asked = adapter_of(atlas), request()
    order(adapter, request())
    _, ref = order(adapter, asked)

    look = adapter.find(asked, hour_ago())
    again = adapter.find(request(), hour_ago())

    assert ([one.order_id for one in look.found], look.complete) == ([ref.order_id], True)
    assert (again.found, again.complete) == ((), True)
    assert atlas.counts["poll"] == 2


def test_a_search_reads_every_page_and_every_month(atlas: AtlasSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_module, "_PER_PAGE", 2)
    adapter, asked = adapter_of(atlas), request()
    refs = [order(adapter, one)[1] for one in (*(request() for _ in range(4)), asked)]

    look = adapter.find(asked, datetime.now(UTC) - timedelta(days=40))

    assert ([one.order_id for one in look.found], look.complete) == ([refs[-1].order_id], True)
    assert atlas.counts["find"] == 1 + 3


def test_what_cannot_be_opened_yet_proves_nothing(atlas: AtlasSimulator) -> None:
    atlas.script.delay_polls = 1
    adapter = adapter_of(atlas)
    order(adapter, request())

    assert not adapter.find(request(), hour_ago()).complete
    assert adapter.find(request(), hour_ago()).complete


def test_a_search_that_takes_too_long_proves_nothing(atlas: AtlasSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_module, "_LONGEST_SEARCH", -1.0)
    adapter = adapter_of(atlas)
    order(adapter, request())

    assert not adapter.find(request(), hour_ago()).complete


@pytest.mark.parametrize("rows", [{"a": 1}, [{"serial_number": 7}], [{"serial_number": "../../x"}], ["x"]])
def test_a_list_that_is_none_proves_nothing(atlas: AtlasSimulator, monkeypatch: pytest.MonkeyPatch, rows: Any) -> None:
    handle = atlas.handle
    answer = Reply(json=rows)
    monkeypatch.setattr(atlas, "handle", lambda call: answer if atlas.name_of(call) == "find" else handle(call))

    look = adapter_of(atlas).find(request(), hour_ago())

    assert (look.found, look.complete) == ((), False)


def test_the_certificate_that_is_replaced_is_not_taken_for_the_order(atlas: AtlasSimulator) -> None:
    adapter, asked, ref, leaf = issued(atlas)
    again = request(csr=asked.csr, previous=Previous(certificate=leaf, ref=ref, same_key=True))

    assert adapter.find(again, hour_ago()).found == ()


# ----------------------------------------------------------------- cancel and revoke
def test_there_is_nothing_to_cancel(atlas: AtlasSimulator) -> None:
    assert adapter_of(atlas).cancel(request(), Ref(order_id="01")) is CancelResult.UNSUPPORTED


@pytest.mark.parametrize(
    ("reason", "wire"),
    [
        (RevocationReason.UNSPECIFIED, "unspecified"),
        (RevocationReason.KEY_COMPROMISE, "keyCompromise"),
        (RevocationReason.AFFILIATION_CHANGED, "affiliationChanged"),
        (RevocationReason.SUPERSEDED, "superseded"),
        (RevocationReason.CESSATION_OF_OPERATION, "cessationOfOperation"),
        (RevocationReason.PRIVILEGE_WITHDRAWN, "privilegeWithdrawn"),
    ],
)
def test_revoking_by_serial_number_and_reason(atlas: AtlasSimulator, reason: RevocationReason, wire: str) -> None:
    adapter, _, ref, leaf = issued(atlas)
    known = ref if reason else None

    assert adapter.revoke(leaf, known, reason, "") is RevokeResult.DONE
    assert list(atlas.authority.revoked.values())[-1] == wire
    assert adapter.revoke(leaf, known, reason, "") is RevokeResult.ALREADY
    assert atlas.counts["revoke"] == 1


def test_another_certificate_is_never_revoked(atlas: AtlasSimulator) -> None:
    adapter, _, ref, _ = issued(atlas)
    foreign = atlas.authority.issue(make_csr())

    with pytest.raises(Rejected, match="another certificate's"):
        adapter.revoke(foreign, ref, SUPERSEDED, "")
    with pytest.raises(Rejected, match="did not issue"):
        adapter.revoke(foreign, None, SUPERSEDED, "")
    assert atlas.counts["revoke"] == 0


# ------------------------------------------------------------------ form and test
def test_testing_an_issuer_says_line_by_line_what_is_good(atlas: AtlasSimulator) -> None:
    check = adapter_of(atlas).check()

    assert check.ok
    assert [line.text for line in check.lines] == [
        "GlobalSign accepts the client certificate, the API key and its secret.",
        "Validation policy of the credential: organisation Example AB (rehearsal), at most 199 days.",
        "The quota lets 480 more certificates be issued.",
        "Verified domains: example.com, example.org.",
    ]
    assert not atlas.orders


@pytest.mark.parametrize(
    ("values", "more", "says"),
    [
        ({"password": "wrong"}, {}, "GlobalSign refuses the API key: The API key or secret is wrong (HTTP 401)."),
        ({}, {"quota": 0}, "The quota is used up."),
        ({}, {"domains": []}, "No domain is verified."),
        ({}, {"policy": with_policy("public_key", "key_format", value="PKCS8")}, "wants bare keys"),
        ({"client_key": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----"}, {}, "client certificate"),
        ({"atlas_address": "http://127.0.0.1:1"}, {}, "could not be reached"),
    ],
)
def test_testing_an_issuer_says_what_is_not(
    atlas: AtlasSimulator, values: dict[str, Any], more: dict[str, Any], says: str
) -> None:
    atlas.script.more = more

    check = adapter_of(atlas, **values).check()

    assert not check.ok
    assert any(says in line.text for line in check.lines if not line.ok)


def test_only_types_that_exist_are_asked_for(atlas: AtlasSimulator) -> None:
    assert adapter_of(atlas).validate(request(certificate_type="EV-SSL")) == ()
    with pytest.raises(InvalidRequest, match="“DV-SSL” is not a certificate type"):
        adapter_of(atlas).validate(request(certificate_type="DV-SSL"))


def test_nothing_shows_the_credentials(atlas: AtlasSimulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    adapter, _, ref, _ = issued(atlas)

    for secret in (SECRET, KEY, "PRIVATE KEY", next(iter(atlas._tokens))):
        assert secret not in f"{adapter!r}{ref!r}{caplog.text}"


# ---------------------------------------------------------------------------- mTLS
@pytest.fixture(scope="module")
def guarded() -> Iterator[AtlasSimulator]:
    with AtlasSimulator(script=Script(more={"mtls": True})) as running:
        yield running


def test_the_client_certificate_opens_the_door(guarded: AtlasSimulator) -> None:
    assert guarded.address.startswith("https://")
    adapter, asked = adapter_of(guarded), request()

    _, ref = order(adapter, asked)

    assert isinstance(poll(adapter, asked, ref), Issued)


@pytest.mark.parametrize("shown", ["none", "another's"])
def test_without_the_right_one_it_stays_shut(guarded: AtlasSimulator, atlas: AtlasSimulator, shown: str) -> None:
    certificate, key = ("", "") if shown == "none" else atlas.clients.pair("portal.rehearsal")
    guarded.counts.clear()

    check = adapter_of(guarded, client_certificate=certificate, client_key=key).check()

    assert not check.ok
    assert not guarded.counts
