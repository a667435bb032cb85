"""Creating over the wire, and what becomes of it: poll, cancel, delete, merge."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from django.db import connections
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from tests.factories import make_certificate, make_member, make_operation, make_vault
from tests.pki.authority import Authority, make_root, sign_csr, to_pem
from tests.portal.api.client import ApiClient, error_of
from vault import tasks
from vault.lifecycle import retiring
from vault.models import Operation, Vault
from vault.models.audit import SYSTEM, AuditEvent
from vault.models.policy import PEM_FILE, SELF

Api = Callable[..., ApiClient]
SELF_SIGNED = {"policy": {"x509_props": {"subject": "CN=www.example.org"}, "issuer": {"name": "self"}}}
BY_HAND = {
    "policy": {
        "key_props": {"kty": "EC", "crv": "P-256"},
        "secret_props": {"contentType": PEM_FILE},
        "x509_props": {"subject": "CN=www.example.org", "sans": {"dns_names": ["www.example.org"]}},
    }
}


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def officer(api: Api, vault: Vault) -> ApiClient:
    return api(make_member(vault), vault)


@pytest.fixture
def authority() -> Authority:
    return make_root()


def latest() -> Operation:
    return Operation.objects.latest("pk")


def let_grace_pass() -> None:
    Operation.objects.filter(status="inProgress", next_step_at__isnull=False).update(next_step_at=timezone.now())


# ---------------------------------------------------------------------- create
def test_create_answers_202_with_the_operation_and_where_to_look(officer: ApiClient) -> None:
    response = officer.post("/certificates/www/create", SELF_SIGNED)

    assert response.status_code == 202
    body = response.json()
    assert body == {
        "id": "https://payments.vault.localhost/certificates/www/pending",
        "issuer": {"name": SELF},
        "csr": base64.b64encode(bytes(latest().csr)).decode(),
        "cancellation_requested": False,
        "status": "inProgress",
        "status_details": "Pending certificate created. Certificate request is in progress. This may take some time "
        "based on the issuer provider. Please check again later.",
        "request_id": latest().request_id.hex,
    }
    assert x509.load_der_x509_csr(base64.b64decode(body["csr"])).is_signature_valid
    assert response["Retry-After"] == "10"
    assert response["Location"] == f"{body['id']}?api-version=2026-04-01&request_id={body['request_id']}"


def test_what_is_not_said_is_as_the_key_vault_has_it(officer: ApiClient) -> None:
    officer.post("/certificates/www/create", {"policy": {"x509_props": {"subject": "CN=a"}, "key_props": None}})

    policy = officer.get("/certificates/www/policy").json()

    assert policy["key_props"] == {"exportable": True, "kty": "RSA", "key_size": 2048, "reuse_key": False}
    assert policy["x509_props"]["validity_months"] == 12
    assert policy["issuer"] == {"name": "Unknown"}
    assert policy["lifetime_actions"][0]["action"] == {"action_type": "EmailContacts"}


def test_a_request_waits_for_its_grace_and_is_then_carried_out(officer: ApiClient) -> None:
    officer.post("/certificates/www/create", SELF_SIGNED)
    operation = latest()

    tasks.advance_operation(operation.pk)
    assert officer.get("/certificates/www/pending").json()["status"] == "inProgress"
    assert operation.next_step_at - operation.created_at > timedelta(seconds=1.5)

    let_grace_pass()
    tasks.advance_operation(operation.pk)
    done = officer.get("/certificates/www/pending")

    assert done.json()["status"] == "completed"
    assert done.json()["target"] == "https://payments.vault.localhost/certificates/www"
    assert "status_details" not in done.json()
    assert "Retry-After" not in done


def test_the_worker_rings_when_a_grace_has_ended_and_not_before(officer: ApiClient) -> None:
    officer.post("/certificates/www/create", SELF_SIGNED)
    assert tasks.ring_for_delayed() == 0

    let_grace_pass()
    Operation.objects.update(created_at=timezone.now() - timedelta(seconds=3))

    assert tasks.ring_for_delayed() == 1


@pytest.mark.parametrize("months", ["12", "12.0", "1.2e1"])
def test_a_number_is_a_number_however_it_is_written(officer: ApiClient, months: str) -> None:
    body = f'{{"policy": {{"x509_props": {{"subject": "CN=a", "validity_months": {months}}}}}}}'

    assert officer.raw("POST", "/certificates/www/create", body.encode()).status_code == 202


def test_without_a_grace_the_bell_rings_at_once(officer: ApiClient, settings: Any) -> None:
    settings.API_GRACE = 0

    officer.post("/certificates/www/create", SELF_SIGNED)
    tasks.advance_operation(latest().pk)

    assert officer.get("/certificates/www/pending").json()["status"] == "completed"


def test_wishes_for_the_version_come_true(officer: ApiClient, settings: Any) -> None:
    settings.API_GRACE = 0
    wishes = {"attributes": {"enabled": False}, "tags": {"a": "b"}, "preserveCertOrder": True}

    created = officer.post("/certificates/www/create", {**SELF_SIGNED, **wishes}).json()
    tasks.advance_operation(latest().pk)
    body = officer.get("/certificates/www").json()

    assert created["preserveCertOrder"] is True
    assert body["preserveCertOrder"] is True
    assert body["attributes"]["enabled"] is False
    assert body["tags"] == {"a": "b"}


def test_a_second_create_while_the_first_is_pending_is_a_conflict(officer: ApiClient) -> None:
    officer.post("/certificates/www/create", SELF_SIGNED)

    response = officer.post("/certificates/WWW/create", SELF_SIGNED)

    assert response.status_code == 409
    assert error_of(response) == {
        "code": "Conflict",
        "message": "A new key vault certificate can not be created or imported while a pending key vault "
        "certificate's status is inProgress.",
    }


@pytest.mark.django_db(transaction=True)
def test_of_two_creates_at_the_same_moment_one_is_accepted(api: Api) -> None:
    vault = make_vault("payments")
    client = api(make_member(vault), vault)

    def create(_: int) -> int:
        try:
            return client.post("/certificates/www/create", BY_HAND).status_code
        finally:
            connections.close_all()

    for _ in range(3):
        with ThreadPoolExecutor(2) as pool:
            codes = sorted(pool.map(create, range(2)))
        assert codes == [202, 409]
        Operation.objects.all().delete()


def test_a_deleted_name_blocks_create_and_says_how_to_get_it_back(officer: ApiClient, vault: Vault) -> None:
    retiring.delete_certificate(certificate=make_certificate(vault=vault, name="www"), by=SYSTEM)

    response = officer.post("/certificates/www/create", SELF_SIGNED)

    assert response.status_code == 409
    error = error_of(response)
    assert error["innererror"] == {"code": "ObjectIsDeletedButRecoverable"}
    assert "currently in a deleted but recoverable state" in error["message"]


def test_a_requester_cannot_take_another_persons_name(api: Api, vault: Vault) -> None:
    make_certificate(vault=vault, name="www", by=make_member(vault))
    requester = api(make_member(vault, Role.REQUESTER), vault)

    assert requester.post("/certificates/www/create", SELF_SIGNED).status_code == 409
    assert requester.post("/certificates/mine/create", SELF_SIGNED).status_code == 202
    assert requester.get("/certificates/mine/pending").status_code == 200


def test_a_new_version_without_a_policy_follows_the_one_there(officer: ApiClient, vault: Vault) -> None:
    make_certificate(vault=vault, name="www")

    assert officer.post("/certificates/www/create", {}).json()["issuer"] == {"name": SELF}
    assert officer.post("/certificates/new/create").status_code == 400


@pytest.mark.parametrize("name", ["contacts", "issuers", "restore", "RESTORE"])
def test_a_name_that_could_not_be_read_again_is_refused(officer: ApiClient, name: str) -> None:
    response = officer.post(f"/certificates/{name}/create", SELF_SIGNED)

    assert response.status_code in {400, 405}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b'{"policy": {"x509_props": {"subject": "CN=\\ud800"}}}',
        b'{"policy": {"x509_props": {"subject": "CN=\\u0000"}}}',
        b'{"policy": []}',
        b'{"policy": {"x509_props": {"validity_months": "12"}}}',
        b'{"policy": {"x509_props": {"validity_months": 1.5}}}',
        b'{"policy": {"x509_props": {"validity_months": 1e400}}}',
        b'{"policy": {"x509_props": {"validity_months": 99999999999999999999}}}',
        b'{"policy": {"x509_props": {"validity_months": true}}}',
        b'{"policy": {"key_props": {"exportable": "yes"}}}',
        b'{"policy": {"x509_props": {"ekus": "1.2.3"}}}',
        b'{"policy": {"x509_props": {"ekus": [null]}}}',
        b'{"policy": {"x509_props": {"sans": {"dns_names": {"a": 1}}}}}',
        b'{"tags": {"a": 1}}',
        b'{"tags": []}',
        b'{"attributes": {"enabled": 1}}',
        b'{"policy": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
        b"[" * 100_000,
        b'{"policy": {"x509_props": {"subject": "' + b"C" * 5000 + b'"}}}',
        b'{"policy": {"x509_props": {"sans": {"dns_names": [' + b'"a",' * 2000 + b'"a"]}}}}',
    ],
)
def test_whatever_is_sent_the_answer_is_the_envelope(officer: ApiClient, body: bytes) -> None:
    response = officer.raw("POST", "/certificates/www/create", body)

    assert response.status_code == 400
    assert error_of(response)["code"] == "BadParameter"
    assert not Operation.objects.exists()


def test_a_body_beyond_the_limit_is_not_read(officer: ApiClient) -> None:
    response = officer.raw("POST", "/certificates/www/create", b" " * 2_000_000)

    assert response.status_code == 413
    assert error_of(response)["code"] == "BadParameter"


def test_unknown_and_read_only_fields_are_ignored(officer: ApiClient) -> None:
    body = {
        **SELF_SIGNED,
        "id": "https://elsewhere.example/",
        "vault": 1,
        "owner": "root",
        "attributes": {"enabled": True, "exp": "soon", "created": []},
    }

    assert officer.post("/certificates/www/create", body).status_code == 202


# ------------------------------------------------------------------ poll, cancel
def test_polling_costs_few_queries(officer: ApiClient, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    officer.post("/certificates/www/create", SELF_SIGNED)

    with django_assert_max_num_queries(5):
        officer.get("/certificates/www/pending")


def test_an_operation_is_found_by_its_own_id_only(officer: ApiClient) -> None:
    request_id = officer.post("/certificates/www/create", SELF_SIGNED).json()["request_id"]

    assert officer.get("/certificates/www/pending", request_id=request_id).status_code == 200
    assert officer.get("/certificates/www/pending", request_id="").status_code == 404
    other = officer.get("/certificates/www/pending", request_id="0" * 32)

    assert other.status_code == 404
    assert error_of(other) == {"code": "PendingCertificateNotFound", "message": "Pending certificate not found: www"}
    assert error_of(officer.get("/certificates/nope/pending"))["code"] == "PendingCertificateNotFound"


def test_cancelled_right_after_create_it_ends_cancelled(officer: ApiClient) -> None:
    officer.post("/certificates/www/create", SELF_SIGNED)

    answer = officer.patch("/certificates/www/pending", {"cancellation_requested": True})
    let_grace_pass()
    tasks.advance_operation(latest().pk)

    assert answer.status_code == 200
    assert answer.json()["cancellation_requested"] is True
    assert officer.get("/certificates/www/pending").json()["status"] == "cancelled"


def test_what_has_ended_cannot_be_cancelled(officer: ApiClient, vault: Vault) -> None:
    make_certificate(vault=vault, name="www")

    response = officer.patch("/certificates/www/pending", {"cancellation_requested": True})

    assert response.status_code == 403
    assert error_of(response)["message"] == "Pending status must be in progress to allow update."


@pytest.mark.parametrize("said", [{}, *({"cancellation_requested": value} for value in (False, None, 1, "true"))])
def test_a_cancellation_says_true(officer: ApiClient, vault: Vault, said: object) -> None:
    make_operation(vault=vault, name="slow")

    assert officer.patch("/certificates/slow/pending", said).status_code == 400


def test_after_a_cancellation_another_create_is_possible(officer: ApiClient, vault: Vault) -> None:
    make_operation(vault=vault, name="slow")
    officer.patch("/certificates/slow/pending", {"cancellation_requested": True})

    assert officer.post("/certificates/slow/create", BY_HAND).status_code == 202


@pytest.mark.parametrize("done", [True, False])
def test_a_deleted_operation_disappears_and_what_it_issued_stays(officer: ApiClient, vault: Vault, done: bool) -> None:
    if done:
        make_certificate(vault=vault, name="www")
    make_operation(vault=vault, name="www")

    was = officer.delete("/certificates/www/pending")

    assert was.status_code == 200
    assert was.json()["status"] == "inProgress"
    assert officer.get("/certificates/www/pending").status_code == 404
    body = officer.get("/certificates/www").json()
    assert "pending" not in body
    assert ("cer" in body) is done


def test_a_failed_operation_says_why_without_an_inner_error(officer: ApiClient, vault: Vault) -> None:
    make_operation(vault=vault, name="www", issuer=SELF).fail(code="StepFailed", message="It broke.")

    body = officer.get("/certificates/www/pending").json()

    assert (body["status"], body["error"]) == ("failed", {"code": "StepFailed", "message": "It broke."})


@pytest.mark.parametrize(
    ("code", "wire"),
    [
        ("Request rejected", "Request rejected"),
        ("Rejected", "Request rejected"),
        ("InvalidRequest", "Request rejected"),
        ("GaveUp", "Certificate issuer error"),
        ("BadCertificate", "Certificate issuer error"),
        ("", "Certificate issuer error"),
    ],
)
def test_what_a_registered_issuer_answered_has_one_of_two_codes(
    officer: ApiClient, vault: Vault, code: str, wire: str
) -> None:
    operation = make_operation(vault=vault, name="www", issuer=SELF)
    Operation.objects.filter(pk=operation.pk).update(issuer_name="public-ca")
    operation.fail(code=code, message="The CA's words.")

    body = officer.get("/certificates/www/pending").json()

    assert (body["issuer"]["name"], body["error"]) == ("public-ca", {"code": wire, "message": "The CA's words."})


def test_while_a_registered_issuer_works_on_it_cancelling_asks_and_merging_is_forbidden(
    officer: ApiClient, vault: Vault
) -> None:
    operation = make_operation(vault=vault, name="www", issuer=SELF)
    Operation.objects.filter(pk=operation.pk).update(issuer_name="public-ca", step=Operation.Step.ORDERED)

    asked = officer.patch("/certificates/www/pending", {"cancellation_requested": True}).json()
    merged = officer.post("/certificates/www/pending/merge", {"x5c": ["MIIB"]})

    assert (asked["status"], asked["cancellation_requested"]) == ("inProgress", True)
    assert "Certificate request is in progress" in asked["status_details"]
    assert merged.status_code == 403
    assert "created with issuer : public-ca while it is in progess." in error_of(merged)["message"]


# ----------------------------------------------------------------------- merge
def signed(authority: Authority, officer: ApiClient, name: str = "www") -> bytes:
    csr = base64.b64decode(officer.get(f"/certificates/{name}/pending").json()["csr"])
    return sign_csr(authority, csr)


def encoded(der: bytes) -> str:
    return base64.b64encode(der).decode()


def test_unknown_waits_for_a_merge_and_completes_with_it(officer: ApiClient, authority: Authority) -> None:
    created = officer.post("/certificates/www/create", BY_HAND).json()
    assert "Please Perform Merge" in created["status_details"]
    leaf = signed(authority, officer)

    response = officer.post(
        "/certificates/www/pending/merge",
        {"x5c": [encoded(authority.der), encoded(leaf)], "tags": {"x": "y"}, "attributes": {"enabled": False}},
    )

    assert response.status_code == 201
    body = response.json()
    assert base64.b64decode(body["cer"]) == leaf
    assert body["tags"] == {"x": "y"}
    assert body["attributes"]["enabled"] is False
    assert response["Location"] == body["id"]
    assert officer.get("/certificates/www/pending").json()["status"] == "completed"


def test_base64_of_base64_is_decoded_twice(officer: ApiClient, authority: Authority) -> None:
    officer.post("/certificates/www/create", BY_HAND)
    twice = base64.b64encode(encoded(signed(authority, officer)).encode()).decode()

    assert officer.post("/certificates/www/pending/merge", {"x5c": [twice]}).status_code == 201


def test_pem_in_base64_is_understood(officer: ApiClient, authority: Authority) -> None:
    officer.post("/certificates/www/create", BY_HAND)
    pem = to_pem(signed(authority, officer)) + authority.pem

    assert officer.post("/certificates/www/pending/merge", {"x5c": [encoded(pem.encode())]}).status_code == 201


def test_a_certificate_for_another_key_is_refused_and_the_request_stays(
    officer: ApiClient, authority: Authority
) -> None:
    officer.post("/certificates/www/create", BY_HAND)
    officer.post("/certificates/other/create", BY_HAND)
    foreign = signed(authority, officer, "other")

    response = officer.post("/certificates/www/pending/merge", {"x5c": [encoded(foreign)]})

    assert response.status_code == 400
    error = error_of(response)
    assert error["code"] == "BadParameter"
    assert error["message"].startswith("The public key of the end-entity certificate in the specified X.509")
    own = signed(authority, officer)
    assert officer.post("/certificates/www/pending/merge", {"x5c": [encoded(own)]}).status_code == 201


@pytest.mark.parametrize("x5c", [[], [""], ["!"], ["AAAA"], ["MIIB"], [encoded(b"nothing")]])
def test_what_is_no_certificate_is_refused_as_x5c(officer: ApiClient, x5c: list[str]) -> None:
    officer.post("/certificates/www/create", BY_HAND)

    response = officer.post("/certificates/www/pending/merge", {"x5c": x5c})

    assert response.status_code == 400
    assert error_of(response)["message"].startswith("Property x5c has invalid value\r\n")


def test_merge_is_forbidden_while_an_issuer_works_on_it(officer: ApiClient) -> None:
    officer.post("/certificates/www/create", SELF_SIGNED)

    response = officer.post("/certificates/www/pending/merge", {"x5c": ["MIIB"]})

    assert response.status_code == 403
    assert "Merge is forbidden on pending object created with issuer : Self" in error_of(response)["message"]


def test_a_cancelled_request_can_still_be_merged(officer: ApiClient, authority: Authority) -> None:
    officer.post("/certificates/www/create", BY_HAND)
    leaf = signed(authority, officer)
    officer.patch("/certificates/www/pending", {"cancellation_requested": True})

    assert officer.post("/certificates/www/pending/merge", {"x5c": [encoded(leaf)]}).status_code == 201


def test_merging_twice_is_refused(officer: ApiClient, authority: Authority) -> None:
    officer.post("/certificates/www/create", BY_HAND)
    leaf = signed(authority, officer)
    officer.post("/certificates/www/pending/merge", {"x5c": [encoded(leaf)]})

    assert officer.post("/certificates/www/pending/merge", {"x5c": [encoded(leaf)]}).status_code in {403, 409}


def test_what_a_program_does_is_in_the_trail_with_its_token(officer: ApiClient) -> None:
    officer.post("/certificates/www/create", SELF_SIGNED)

    event = AuditEvent.objects.get(action="certificates/create")

    assert event.right == "certificates/create"
    assert event.details["token"]
    assert User.objects.get(pk=event.actor_id).username == event.actor


def test_what_the_platform_manages_needs_nothing_else_and_is_echoed(api, settings) -> None:
    settings.API_GRACE = 0
    vault = make_vault("payments")
    client = api(make_member(vault), vault)
    told = {"certificateUsage": "Internal", "metadata": {"a": "b"}}

    operation = client.post("/certificates/www/create", {"policy": {"platformManaged": told}}).json()
    policy = client.get("/certificates/www/policy").json()
    client.patch("/certificates/www/policy", policy)
    kept = client.get("/certificates/www/policy").json()
    tasks.advance_operation(Operation.objects.get().pk)

    assert operation["issuer"]["name"] == policy["issuer"]["name"] == "PlatformManaged"
    assert policy["platformManaged"] == told
    assert policy["x509_props"]["validity_months"] == 6
    assert policy["lifetime_actions"] == [
        {"trigger": {"lifetime_percentage": 50}, "action": {"action_type": "AutoRenew"}}
    ]
    assert {**kept, "attributes": None} == {**policy, "attributes": None}
    bundle = client.get("/certificates/www").json()
    assert bundle["cer"]
    assert bundle["policy"]["platformManaged"] == told
