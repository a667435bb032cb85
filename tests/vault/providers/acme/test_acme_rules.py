"""What needs no server: names that ACME can do, the RFC's vectors, problem documents."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.pki.authority import make_csr, make_root
from tests.vault.providers.acme.rig import request, rig, values
from vault.providers.acme import OFFER, problems
from vault.providers.acme.ari import cert_id
from vault.providers.acme.config import read
from vault.providers.acme.ordering import identifiers
from vault.providers.acme.signing import KEY_TYPES, Signer, mac_key
from vault.providers.base import (
    AddressRules,
    CertRequest,
    InvalidRequest,
    NotAuthorised,
    ProviderError,
    RateLimited,
    Transient,
)

pytestmark = pytest.mark.no_database


# --------------------------------------------------------------------- names
def test_the_names_of_an_order_are_those_of_the_request_each_once() -> None:
    wanted = request("WWW.example.org", "www.example.org", "b.example.org", common_name="www.example.org")

    assert identifiers(wanted) == [
        {"type": "dns", "value": "www.example.org"},
        {"type": "dns", "value": "b.example.org"},
    ]


def test_addresses_are_written_in_one_way() -> None:
    wanted = request(ips=("2001:DB8:0:0::1", "192.0.2.1"), common_name="192.0.2.1")

    assert [one["value"] for one in identifiers(wanted)] == ["2001:db8::1", "192.0.2.1"]


@pytest.mark.parametrize(
    ("wanted", "method", "words"),
    [
        (request("*.example.org"), "http-01", "cannot be proved by http-01"),
        (request("a.example.org", ips=("192.0.2.1",)), "dns-01", "cannot be proved by dns-01"),
        (request("a.example.org", common_name="Our shop"), "http-01", "“Our shop” is not a host name"),
        (request(*(f"n{number}.example.org" for number in range(101))), "http-01", "101 names are more"),
    ],
)
def test_what_acme_cannot_do_is_refused_before_anything_is_sent(wanted: CertRequest, method: str, words: str) -> None:
    one = rig(values("https://acme.invalid/dir", method=method))

    with pytest.raises(InvalidRequest, match=words):
        one.provider.validate(wanted)


def test_wildcards_are_no_matter_for_dns_and_doubts_are_told() -> None:
    one = rig(values("https://acme.invalid/dir", method="dns-01"))
    wanted = request("*.example.org", ekus=("1.3.6.1.5.5.7.3.2",), validity_days=365)

    doubts = one.provider.validate(wanted)

    assert len(doubts) == 2


# ---------------------------------------------------------------------- form
def test_the_form_holds_secrets_as_secrets_and_shows_none() -> None:
    assert {field.name for field in OFFER.fields if field.secret} == {"password", "tsig_secret"}
    config = read(
        values("https://a.example/dir", dns_port="99999"), {"password": "c2VjcmV0", "tsig_secret": "c2VjcmV0"}
    )

    assert "c2VjcmV0" not in repr(config)
    assert "secret" not in repr(config).replace("tsig_secret", "")
    assert config.name_server.port == 53


def test_another_directory_or_binding_is_another_account() -> None:
    base = {"account_id": "kid"}
    accounts = {
        read(values("https://a.example/dir", **base), {}).account_id,
        read(values("https://b.example/dir", **base), {}).account_id,
        read(values("https://a.example/dir", account_id="other"), {}).account_id,
    }
    same = read(values("https://a.example/dir", **base, contacts="x@example.org", key_type="RS256"), {}).account_id

    assert len(accounts) == 3
    assert same in accounts


def test_an_eab_key_may_be_written_in_either_alphabet() -> None:
    assert mac_key("-_-_") == mac_key("+/+/") == b"\xfb\xff\xbf"
    assert mac_key("YQ==") == mac_key(" YQ ") == b"a"
    assert mac_key("not base64!") is None
    assert mac_key("") is None


# ----------------------------------------------------------------- signatures
@pytest.mark.parametrize("algorithm", [name for name, _ in KEY_TYPES])
def test_an_account_key_survives_keeping(algorithm: str) -> None:
    key = Signer.new(algorithm)

    again = Signer.loads(key.dumps())

    assert again.key_authorization("t") == key.key_authorization("t")
    assert again.public() == key.public()
    assert "d" not in key.public()
    assert str(key.jwk.to_json()["d"]) not in repr(key)


# ----------------------------------------------------------------------- ARI
def test_a_certificate_is_named_as_in_the_rfc() -> None:
    """The example of RFC 9773 §4.1: this key identifier, this serial number."""
    identifier = bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
    root = make_root()
    csr = x509.load_der_x509_csr(make_csr())
    leaf = (
        x509.CertificateBuilder(
            issuer_name=root.subject,
            subject_name=csr.subject,
            public_key=csr.public_key(),
            serial_number=0x0087654321,
            not_valid_before=x509.load_der_x509_certificate(root.der).not_valid_before_utc,
            not_valid_after=x509.load_der_x509_certificate(root.der).not_valid_after_utc,
        )
        .add_extension(x509.AuthorityKeyIdentifier(identifier, None, None), critical=False)
        .sign(root.key, hashes.SHA256())
    )

    found = cert_id(leaf.public_bytes(serialization.Encoding.DER))

    assert found == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"


# ------------------------------------------------------------------ problems
@pytest.mark.parametrize(
    ("kind", "status", "detail", "meaning"),
    [
        ("rateLimited", 429, "too many new orders (300) from this account", RateLimited),
        ("rateLimited", 429, "too many certificates (5) already issued for this exact set of identifiers", Transient),
        ("rateLimited", 429, "paused; visit https://ca.example/unpause", problems.Refused),
        ("accountDoesNotExist", 400, "no such account", NotAuthorised),
        ("unauthorized", 403, "the account is deactivated", NotAuthorised),
        ("unauthorized", 403, "this name is not allowed", problems.Refused),
        ("rejectedIdentifier", 400, "policy forbids", problems.Refused),
        ("whatever", 401, "no", NotAuthorised),
    ],
)
def test_what_a_problem_means(kind: str, status: int, detail: str, meaning: type[ProviderError]) -> None:
    document = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail}
    problem = problems.read(document, status=status)
    assert problem is not None

    error = problems.refusal(problem, title="CA", wait=timedelta(minutes=9))

    assert isinstance(error, meaning)
    assert isinstance(error, RateLimited) is (meaning is RateLimited)
    assert detail in str(error)
    assert error.ca_code == kind


def test_the_names_of_subproblems_are_told() -> None:
    below = {
        "type": "urn:ietf:params:acme:error:caa",
        "detail": "forbidden",
        "identifier": {"type": "dns", "value": "a.example"},
    }
    problem = problems.read({"type": "about:blank", "detail": "Some names failed", "subproblems": [below]})

    assert problem is not None
    assert problem.text == "Some names failed · a.example: forbidden"


def test_an_address_inside_the_network_is_not_called() -> None:
    one = rig(values("https://10.0.0.1/dir"), rules=AddressRules())

    check = one.provider.check()

    assert not check.ok
    assert "not a public address" in check.lines[0].text
