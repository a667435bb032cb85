"""Certificates over the wire: reading, lists, changing, deleting, policies."""

import base64
import hashlib
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.http import HttpResponse
from pytest_django import DjangoAssertNumQueries

from portal.models import Role
from tests.factories import make_certificate, make_member, make_operation, make_vault
from tests.portal.api.client import ApiClient, error_of
from vault.lifecycle import changing, issuing, retiring
from vault.models import Certificate, Vault
from vault.models.audit import SYSTEM
from vault.models.policy import UNKNOWN, AlternativeNames, KeyPolicy, Validity

Api = Callable[..., ApiClient]


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


@pytest.fixture
def officer(api: Api, vault: Vault) -> ApiClient:
    return api(make_member(vault), vault)


def follow(client: ApiClient, link: str) -> HttpResponse:
    address = urlsplit(link)
    return client.get(address.path, **dict(parse_qsl(address.query)))


# --------------------------------------------------------------------- reading
def test_a_certificate_is_read_with_its_ids_its_octets_and_its_policy(officer: ApiClient, vault: Vault) -> None:
    certificate = make_certificate(vault=vault, name="www")
    version = certificate.current

    body = officer.get("/certificates/WWW/").json()

    base = "https://payments.vault.localhost"
    assert body["id"] == f"{base}/certificates/www/{version}"
    assert body["kid"] == f"{base}/keys/www/{version}"
    assert body["sid"] == f"{base}/secrets/www/{version}"
    assert base64.b64decode(body["cer"]) == bytes(version.der)
    sha1 = hashlib.sha1(bytes(version.der)).digest()
    assert body["x5t"] == base64.urlsafe_b64encode(sha1).decode().rstrip("=")
    assert body["attributes"] == {
        "enabled": True,
        "nbf": int(version.not_before.timestamp()),
        "exp": int(version.not_after.timestamp()),
        "created": int(version.created_at.timestamp()),
        "updated": int(version.updated_at.timestamp()),
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": 90,
    }
    assert body["policy"]["id"] == f"{base}/certificates/www/policy"
    assert body["pending"] == {"id": f"{base}/certificates/www/pending"}
    assert "tags" not in body
    assert None not in body.values()


def test_the_port_stays_in_every_id_unless_it_is_that_of_https(officer: ApiClient, vault: Vault) -> None:
    make_certificate(vault=vault, name="www")

    with_port = officer.raw("GET", "/certificates/www", HTTP_HOST=f"{officer.host}:8443").json()
    usual = officer.raw("GET", "/certificates/www", HTTP_HOST=f"{officer.host}:443").json()

    assert with_port["sid"].startswith("https://payments.vault.localhost:8443/secrets/www/")
    assert usual["sid"].startswith("https://payments.vault.localhost/secrets/www/")


def test_one_version_is_read_without_policy_and_without_pending(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current

    body = officer.get(f"/certificates/www/{version}").json()

    assert body["id"].endswith(f"/www/{version}")
    assert not {"policy", "pending"} & set(body)


def test_a_certificate_whose_first_version_is_pending_can_be_read(officer: ApiClient, vault: Vault) -> None:
    make_operation(vault=vault, name="slow")

    body = officer.get("/certificates/slow/").json()

    assert body["attributes"]["enabled"] is False
    assert body["policy"]["issuer"] == {"name": UNKNOWN}
    assert body["pending"] == {"id": "https://payments.vault.localhost/certificates/slow/pending"}
    assert not {"cer", "x5t", "kid", "sid"} & set(body)


def test_while_a_second_version_is_pending_the_first_stays_in_service(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current
    make_operation(vault=vault, name="www")

    body = officer.get("/certificates/www").json()

    assert body["id"].endswith(f"/{version}")
    assert "pending" in body


@pytest.mark.parametrize(
    ("retention", "protection", "level"),
    [
        (90, False, "Recoverable+Purgeable"),
        (7, False, "CustomizedRecoverable+Purgeable"),
        (90, True, "Recoverable"),
        (30, True, "CustomizedRecoverable"),
    ],
)
def test_the_recovery_level_says_how_the_vault_keeps_deleted_things(
    api: Api, retention: int, protection: bool, level: str
) -> None:
    vault = make_vault(retention_days=retention, purge_protection=protection)
    make_certificate(vault=vault, name="www")

    attributes = api(make_member(vault), vault).get("/certificates/www").json()["attributes"]

    assert (attributes["recoveryLevel"], attributes["recoverableDays"]) == (level, retention)


@pytest.mark.parametrize("path", ["/certificates/nope", "/certificates/nope/", "/certificates/nope/policy"])
def test_what_is_not_there_is_not_found_in_the_key_vaults_words(officer: ApiClient, path: str) -> None:
    response = officer.get(path)

    assert response.status_code == 404
    error = error_of(response)
    assert error["code"] == "CertificateNotFound"
    assert error["message"].startswith("A certificate with (name/id) nope was not found in this key vault.")


def test_another_vaults_certificate_is_not_found(officer: ApiClient) -> None:
    make_certificate(vault=make_vault("other"), name="www")

    assert officer.get("/certificates/www").status_code == 404


@pytest.mark.parametrize(
    "path", ["/certificates/a_b", "/certificates/" + "a" * 128, "/certificates/www/not-a-version", "/certificates/%00"]
)
def test_an_address_that_names_nothing_possible_is_refused(officer: ApiClient, vault: Vault, path: str) -> None:
    make_certificate(vault=vault, name="www")

    response = officer.get(path)

    assert response.status_code == 400
    assert error_of(response)["code"] == "BadParameter"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/certificates"),
        ("PUT", "/certificates/www"),
        ("DELETE", "/certificates/www/policy"),
        ("GET", "/certificates/www/create"),
        ("POST", "/certificates//create"),
    ],
)
def test_another_method_is_refused_in_the_envelope(officer: ApiClient, method: str, path: str) -> None:
    response = officer.raw(method, path, b"")

    assert response.status_code == 405
    assert error_of(response) == {"code": "MethodNotAllowed", "message": f"HTTP {method} not allowed"}


# ----------------------------------------------------------------------- lists
def test_the_list_is_paged_by_links_that_repeat_the_query(officer: ApiClient, vault: Vault) -> None:
    for number in range(5):
        make_operation(vault=vault, name=f"c{number}")

    first = officer.get("/certificates", maxresults="2", includePending="true").json()
    link = first["nextLink"]
    second = follow(officer, link).json()

    assert [one["id"].rpartition("/")[2] for one in first["value"]] == ["c0", "c1"]
    assert [one["id"].rpartition("/")[2] for one in second["value"]] == ["c2", "c3"]
    assert {"maxresults=2", "includePending=true", "api-version=2026-04-01"} < set(link.partition("?")[2].split("&"))


def test_every_certificate_is_on_exactly_one_page(officer: ApiClient, vault: Vault) -> None:
    names = ["a", "B", "c", "D-1", "d", "e9"]
    for name in names:
        make_operation(vault=vault, name=name)

    seen, link = [], "/certificates?maxresults=1&includePending=true&api-version=7.4"
    while link:
        page = follow(officer, link).json()
        seen += [one["id"].rpartition("/")[2] for one in page["value"]]
        link = page["nextLink"]

    assert sorted(seen) == sorted(names)


def test_the_last_page_says_so_with_null(officer: ApiClient, vault: Vault) -> None:
    assert officer.get("/certificates").json() == {"value": [], "nextLink": None}


def test_pending_certificates_are_listed_only_on_demand(officer: ApiClient, vault: Vault) -> None:
    make_operation(vault=vault, name="slow")
    make_certificate(vault=vault, name="www")

    usual, all_ = officer.get("/certificates").json(), officer.get("/certificates", includePending="true").json()

    assert [one["id"].rpartition("/")[2] for one in usual["value"]] == ["www"]
    assert [one["id"].rpartition("/")[2] for one in all_["value"]] == ["slow", "www"]


@pytest.mark.parametrize("maxresults", ["", "0", "26", "-1", "x", "1.5", "٣", "9" * 5000])
def test_a_page_has_1_to_25_lines(officer: ApiClient, maxresults: str) -> None:
    response = officer.get("/certificates", maxresults=maxresults)

    assert response.status_code == 400
    assert error_of(response)["message"].startswith("Property maxresults has invalid value")


@pytest.mark.parametrize("pending", ["", "1", "yes"])
def test_a_switch_is_true_or_false(officer: ApiClient, pending: str) -> None:
    assert officer.get("/certificates", includePending=pending).status_code == 400


@pytest.mark.parametrize("token", ["!", "YQ", "_w", "a" * 3000, "é"])
def test_a_token_that_is_not_ours_is_refused(officer: ApiClient, vault: Vault, token: str) -> None:
    make_certificate(vault=vault, name="www")

    response = officer.get("/certificates/www/versions", **{"$skiptoken": token})

    assert response.status_code == 400


def test_the_versions_have_ids_with_their_version(officer: ApiClient, vault: Vault) -> None:
    first = make_certificate(vault=vault, name="www").current
    second = make_certificate(vault=vault, name="www").current

    items = officer.get("/certificates/www/versions").json()["value"]

    assert [one["id"].rpartition("/")[2] for one in items] == [str(first), str(second)]
    assert set(items[0]["attributes"]) == {"enabled", "nbf", "exp", "created", "updated"}


def test_a_requester_lists_their_own_and_a_stranger_nothing(api: Api, vault: Vault) -> None:
    requester = make_member(vault, Role.REQUESTER)
    make_certificate(vault=vault, name="mine", by=requester)
    make_certificate(vault=vault, name="theirs")

    items = api(requester, vault).get("/certificates").json()["value"]
    auditor = api(make_member(vault, Role.AUDITOR), vault).get("/certificates")

    assert [one["id"].rpartition("/")[2] for one in items] == ["mine"]
    assert auditor.status_code == 403
    assert error_of(auditor)["code"] == "Forbidden"


@pytest.mark.parametrize(
    "path",
    ["/certificates", "/certificates/c0/versions", "/deletedcertificates", "/secrets", "/keys", "/keys/c0/versions"],
)
def test_lists_cost_the_same_few_queries_whatever_their_length(
    officer: ApiClient, vault: Vault, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        make_certificate(vault=vault, name=f"c{number}")
        make_certificate(vault=vault, name="c0")
        retired = make_certificate(vault=vault, name=f"d{number}")
        retiring.delete_certificate(certificate=retired, by=SYSTEM)

    officer.get(path)  # notes that the token is used
    with django_assert_max_num_queries(5):
        assert len(officer.get(path).json()["value"]) >= 3


def test_reading_costs_few_queries(
    officer: ApiClient, vault: Vault, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_certificate(vault=vault, name="www")

    officer.get("/certificates/www")
    with django_assert_max_num_queries(5):
        officer.get("/certificates/www")


# -------------------------------------------------------------------- changing
def test_a_version_is_disabled_and_tagged(officer: ApiClient, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current

    body = officer.patch(f"/certificates/www/{version}", {"attributes": {"enabled": False}, "tags": {"a": "b"}}).json()

    assert body["attributes"]["enabled"] is False
    assert body["tags"] == {"a": "b"}
    assert "pending" in body
    assert "policy" not in body


def test_what_is_absent_or_null_stays_and_an_empty_map_clears_the_tags(officer: ApiClient, vault: Vault) -> None:
    make_certificate(vault=vault, name="www")
    officer.patch("/certificates/www/", {"tags": {"a": "b"}})

    kept = officer.patch("/certificates/www/", {"attributes": {}, "tags": None, "unknown": [1]}).json()
    cleared = officer.patch("/certificates/www/", {"tags": {}}).json()

    assert kept["tags"] == {"a": "b"}
    assert "tags" not in cleared


def test_the_current_versions_tags_are_those_of_the_pages(officer: ApiClient, vault: Vault) -> None:
    certificate = make_certificate(vault=vault, name="www")
    officer.patch("/certificates/www/", {"tags": {"from": "api"}})
    certificate.refresh_from_db()
    assert certificate.tags == {"from": "api"}

    changing.change_tags(certificate=certificate, tags={"from": "page"}, by=SYSTEM)

    assert officer.get("/certificates/www/").json()["tags"] == {"from": "page"}


def test_an_older_versions_tags_are_its_own(officer: ApiClient, vault: Vault) -> None:
    old = make_certificate(vault=vault, name="www").current
    make_certificate(vault=vault, name="www")

    officer.patch(f"/certificates/www/{old}", {"tags": {"old": "yes"}})

    assert "tags" not in officer.get("/certificates/www/").json()


def test_a_pending_certificate_can_be_tagged_and_not_enabled(officer: ApiClient, vault: Vault) -> None:
    make_operation(vault=vault, name="slow")

    tagged = officer.patch("/certificates/slow/", {"tags": {"a": "b"}, "attributes": {"enabled": False}})
    enabled = officer.patch("/certificates/slow/", {"attributes": {"enabled": True}})

    assert tagged.json()["tags"] == {"a": "b"}
    assert enabled.status_code == 403


def test_sixteen_tags_are_too_many(officer: ApiClient, vault: Vault) -> None:
    make_certificate(vault=vault, name="www")

    response = officer.patch("/certificates/www/", {"tags": {str(number): "" for number in range(16)}})

    assert error_of(response)["message"].startswith("Property tags has invalid value")


def test_a_reader_reads_and_changes_nothing(api: Api, vault: Vault) -> None:
    make_certificate(vault=vault, name="www")
    reader = api(make_member(vault, Role.READER), vault)

    assert reader.get("/certificates/www").status_code == 200
    for response in (
        reader.patch("/certificates/www", {}),
        reader.patch("/certificates/www/policy", {}),
        reader.delete("/certificates/www"),
        reader.get("/secrets/www"),
        reader.post("/certificates/www/create", {}),
    ):
        assert response.status_code == 403
        assert error_of(response)["code"] == "Forbidden"


# -------------------------------------------------------------------- policies
def test_the_policy_is_shown_in_the_wires_words(officer: ApiClient, vault: Vault) -> None:
    names = AlternativeNames(dns=("www.example.org",), ips=("192.0.2.1",))
    make_certificate(vault=vault, name="www", names=names, validity=Validity(number=397, unit="days"))

    body = officer.get("/certificates/www/policy").json()

    assert body["key_props"] == {"exportable": True, "kty": "EC", "key_size": 256, "reuse_key": False, "crv": "P-256"}
    assert body["secret_props"] == {"contentType": "application/x-pkcs12"}
    assert body["x509_props"] == {
        "subject": "CN=www.example.org",
        "sans": {"dns_names": ["www.example.org"], "ipAddresses": ["192.0.2.1"]},
        "ekus": ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
        "key_usage": ["digitalSignature", "keyEncipherment"],
        "validity_months": 13,
        "basic_constraints": {"ca": False},
    }
    assert body["lifetime_actions"] == [
        {"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "AutoRenew"}}
    ]
    assert body["issuer"] == {"name": "Self"}
    assert set(body["attributes"]) == {"enabled", "created", "updated"}


def policy_of(vault: Vault, name: str) -> object:
    return Certificate.objects.get(vault=vault, name=name).policy


def test_what_was_shown_and_sent_back_changes_nothing(officer: ApiClient, vault: Vault) -> None:
    make_certificate(vault=vault, name="www", validity=Validity(number=90, unit="days"))
    before = policy_of(vault, "www")

    shown = officer.get("/certificates/www/policy").json()
    response = officer.patch("/certificates/www/policy", shown)

    assert response.status_code == 200
    assert policy_of(vault, "www") == before


def test_a_patch_is_merged_deeply(officer: ApiClient, vault: Vault) -> None:
    names = AlternativeNames(dns=("www.example.org",), emails=("a@example.org",))
    make_certificate(vault=vault, name="www", names=names)

    patch = {"key_props": {}, "x509_props": {"sans": {"dns_names": ["new.example.org"]}, "validity_months": 24}}
    body = officer.patch("/certificates/www/policy", patch).json()

    assert body["x509_props"]["sans"] == {"dns_names": ["new.example.org"], "emails": ["a@example.org"]}
    assert body["x509_props"]["validity_months"] == 24
    assert body["key_props"]["crv"] == "P-256"
    assert body["lifetime_actions"][0]["action"] == {"action_type": "AutoRenew"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ({"kty": "RSA"}, KeyPolicy(kty="RSA", size=2048, curve=None)),
        ({"kty": "rsa", "key_size": 4096}, KeyPolicy(kty="RSA", size=4096, curve=None)),
        ({"crv": "P-384"}, KeyPolicy(kty="EC", size=None, curve="P-384")),
        ({"crv": "P-521", "key_size": 256}, KeyPolicy(kty="EC", size=None, curve="P-521")),
        ({"key_size": 384}, KeyPolicy(kty="EC", size=None, curve="P-384")),
        ({"exportable": False, "reuse_key": True}, KeyPolicy(kty="EC", size=None, curve="P-256", exportable=False, reuse=True)),
    ],
)  # fmt: skip
def test_a_change_of_the_key_takes_its_size_or_curve_along(
    officer: ApiClient, vault: Vault, key: dict[str, object], expected: KeyPolicy
) -> None:
    make_certificate(vault=vault, name="www")

    officer.patch("/certificates/www/policy", {"key_props": key})

    assert policy_of(vault, "www").key == expected


@pytest.mark.parametrize(
    "patch",
    [
        {"key_props": {"kty": "RSA-HSM"}},
        {"key_props": {"kty": "oct"}},
        {"key_props": {"kty": "RSA", "crv": "P-256"}},
        {"key_props": {"kty": "RSA", "key_size": 1024}},
        {"key_props": {"key_size": 255}},
        {"key_props": {"crv": "P-255"}},
        {"x509_props": {"basic_constraints": {"ca": True}}},
        {"x509_props": {"validity_months": 0}},
        {"x509_props": {"key_usage": ["everything"]}},
        {"x509_props": {"ekus": ["serverAuth"]}},
        {"x509_props": {"subject": "www.example.org"}},
        {"x509_props": {"sans": {"dns_names": ["not a name"]}}},
        {"x509_props": {"sans": {"dns_names": []}, "subject": ""}},
        {"issuer": {"name": "Unheard-Of"}},
        {"issuer": {"name": "Unknown"}},
        {"secret_props": {"contentType": "text/plain"}},
        {"lifetime_actions": [{"trigger": {}, "action": {"action_type": "AutoRenew"}}]},
        {"lifetime_actions": [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "Explode"}}]},
        {"lifetime_actions": [{"trigger": {"lifetime_percentage": 80, "days_before_expiry": 3}, "action": {"action_type": "AutoRenew"}}]},
        {"lifetime_actions": [{}]},
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_is_refused_and_nothing_changes(
    officer: ApiClient, vault: Vault, patch: dict[str, object]
) -> None:
    make_certificate(vault=vault, name="www")
    before = policy_of(vault, "www")

    response = officer.patch("/certificates/www/policy", patch)

    assert response.status_code == 400
    error = error_of(response)
    assert error["code"] == "BadParameter"
    assert error["message"].startswith("Property policy has invalid value\r\n")
    assert policy_of(vault, "www") == before


def test_a_policy_may_change_while_a_request_is_pending_and_issues_nothing(officer: ApiClient, vault: Vault) -> None:
    operation = make_operation(vault=vault, name="slow")

    response = officer.patch("/certificates/slow/policy", {"x509_props": {"validity_months": 6}})

    operation.refresh_from_db()
    assert response.status_code == 200
    assert operation.policy.validity.number == 12


# -------------------------------------------------------------------- deleting
def test_a_deleted_certificate_is_read_recovered_and_purged(officer: ApiClient, api: Api, vault: Vault) -> None:
    version = make_certificate(vault=vault, name="www").current

    gone = officer.delete("/certificates/www").json()

    assert gone["recoveryId"] == "https://payments.vault.localhost/deletedcertificates/www"
    assert gone["scheduledPurgeDate"] - gone["deletedDate"] == 90 * 86400
    assert officer.get("/certificates/www").status_code == 404
    assert officer.get("/deletedcertificates/www").json()["recoveryId"] == gone["recoveryId"]
    assert [one["recoveryId"] for one in officer.get("/deletedcertificates").json()["value"]] == [gone["recoveryId"]]

    back = officer.post("/deletedcertificates/www/recover").json()

    assert back["id"].endswith(f"/www/{version}")
    assert error_of(officer.get("/deletedcertificates/www"))["message"] == "Deleted Certificate not found: www"

    officer.delete("/certificates/www")
    assert officer.delete("/deletedcertificates/www").status_code == 403
    ruler = api(make_member(vault, Role.ADMINISTRATOR), vault)
    purged = ruler.delete("/deletedcertificates/www")
    assert (purged.status_code, purged.content) == (204, b"")
    assert not Certificate.objects.filter(vault=vault).exists()


def test_purge_protection_keeps_what_was_deleted(api: Api) -> None:
    vault = make_vault(purge_protection=True)
    make_certificate(vault=vault, name="www")
    ruler = api(make_member(vault, Role.ADMINISTRATOR), vault)
    ruler.delete("/certificates/www")

    response = ruler.delete("/deletedcertificates/www")

    assert response.status_code == 403
    assert error_of(response)["code"] == "Forbidden"


def test_a_certificate_that_never_completed_can_be_deleted(officer: ApiClient, vault: Vault) -> None:
    make_operation(vault=vault, name="slow")

    body = officer.delete("/certificates/slow").json()

    assert body["recoveryId"].endswith("/deletedcertificates/slow")
    assert officer.get("/deletedcertificates").json()["value"] == []
    assert len(officer.get("/deletedcertificates", includePending="true").json()["value"]) == 1


@pytest.mark.parametrize("name", ["contacts", "Issuers", "restore"])
def test_words_of_the_address_cannot_be_names(name: str) -> None:
    with pytest.raises(Exception, match="cannot be a certificate's name"):
        issuing.check_name(name)
