"""Whole journeys through the unmodified Python clients, against a live portal with real workers over TLS."""

import base64
import hashlib
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.certificates import (
    CertificateClient,
    CertificateContact,
    CertificateContentType,
    CertificatePolicy,
    CertificatePolicyAction,
    KeyCurveName,
    KeyType,
    KeyUsageType,
    LifetimeAction,
    WellKnownIssuerNames,
)
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, SignatureAlgorithm
from azure.keyvault.secrets import SecretClient
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from tests.api_clients.live import Live, LiveVault
from tests.pki.authority import key_pem, make_leaf, make_root, sign_csr

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(240)]
QUICK = {"_polling_interval": 0.5}
_count = itertools.count(1)


@pytest.fixture(scope="module")
def vault(live: Live) -> LiveVault:
    """A vault of our own: lists are looked at here."""
    return live.make_vault("officer", "administrator", "reader")


@pytest.fixture
def ruler(client_for: Callable[..., Any], vault: LiveVault) -> CertificateClient:
    return client_for(CertificateClient, vault, "administrator")


@pytest.fixture
def name() -> str:
    return f"cert{next(_count)}"


def self_signed(**facts: Any) -> CertificatePolicy:
    facts = {"key_type": KeyType.ec, "key_curve_name": KeyCurveName.p_256, **facts}
    return CertificatePolicy(WellKnownIssuerNames.self, subject="CN=www.example.org", **facts)


def by_hand(**facts: Any) -> CertificatePolicy:
    facts = {"key_type": KeyType.ec, "key_curve_name": KeyCurveName.p_256, **facts}
    return CertificatePolicy(
        WellKnownIssuerNames.unknown, subject="CN=www.example.org", san_dns_names=["www.example.org"], **facts
    )


def created(client: CertificateClient, name: str, policy: CertificatePolicy | None = None, **facts: Any) -> Any:
    return client.begin_create_certificate(name, policy or self_signed(), **QUICK, **facts).result()


# ------------------------------------------------------------------- the journey
def test_create_poll_get_and_download_as_pfx(certificates: CertificateClient, secrets: SecretClient, name: str) -> None:
    policy = CertificatePolicy.get_default()

    poller = certificates.begin_create_certificate(name, policy, tags={"a": "b"}, preserve_order=True, **QUICK)
    certificate = poller.result()

    operation = certificates.get_certificate_operation(name)
    assert operation.status == "completed"
    assert certificate.name == name
    assert certificate.properties.tags == {"a": "b"}
    assert certificate.properties.x509_thumbprint == hashlib.sha1(bytes(certificate.cer)).digest()
    assert certificate.properties.enabled
    assert certificate.policy.issuer_name == WellKnownIssuerNames.self
    secret = secrets.get_secret(name)
    key, leaf, _ = pkcs12.load_key_and_certificates(base64.b64decode(secret.value), None)
    assert key.public_key() == leaf.public_key()
    assert leaf == x509.load_der_x509_certificate(bytes(certificate.cer))
    assert secret.properties.content_type == CertificateContentType.pkcs12
    assert secret.properties.managed
    assert secret.id == certificate.secret_id
    assert secrets.get_secret(name, certificate.properties.version).value == secret.value


def test_download_as_pem_in_two_ways(certificates: CertificateClient, secrets: SecretClient, name: str) -> None:
    created(certificates, name, self_signed(content_type=CertificateContentType.pem))
    created(certificates, f"{name}-pfx")

    kept = secrets.get_secret(name)
    converted = secrets.get_secret(f"{name}-pfx", out_content_type="application/x-pem-file")

    for secret in (kept, converted):
        assert secret.properties.content_type == CertificateContentType.pem
        leaf = x509.load_pem_x509_certificate(secret.value[secret.value.index("-----BEGIN CERT") :].encode())
        assert load_pem_private_key(secret.value.encode(), None).public_key() == leaf.public_key()


def test_unknown_gives_a_request_and_merge_completes_it(
    certificates: CertificateClient, secrets: SecretClient, name: str
) -> None:
    authority = make_root()
    operation = created(certificates, name, by_hand(content_type=CertificateContentType.pem))
    assert operation.status == "inProgress"
    assert "merge" in operation.status_details.lower()
    leaf = sign_csr(authority, bytes(operation.csr))

    merged = certificates.merge_certificate(name, [leaf, authority.der], tags={"x": "y"})

    assert bytes(merged.cer) == leaf
    assert merged.properties.tags == {"x": "y"}
    assert certificates.get_certificate_operation(name).status == "completed"
    chain = x509.load_pem_x509_certificates(secrets.get_secret(name).value.encode())
    assert [one.subject for one in chain] == [chain[0].subject, authority.subject]


def test_merge_takes_base64_of_base64_as_the_clients_own_test_sends_it(
    certificates: CertificateClient, name: str
) -> None:
    operation = created(certificates, name, by_hand())
    leaf = sign_csr(make_root(), bytes(operation.csr))

    assert certificates.merge_certificate(name, [base64.b64encode(leaf)]).name == name


@pytest.mark.parametrize("content_type", list(CertificateContentType), ids=lambda one: one.name)
def test_import_takes_a_pfx_and_a_pem(
    certificates: CertificateClient, secrets: SecretClient, name: str, content_type: CertificateContentType
) -> None:
    leaf = make_leaf(make_root(), "www.example.org")
    octets = (leaf.pem + key_pem(leaf.key)).encode()
    if content_type is CertificateContentType.pkcs12:
        loaded, sealed = x509.load_der_x509_certificate(leaf.der), BestAvailableEncryption(b"secret")
        octets = pkcs12.serialize_key_and_certificates(None, leaf.key, loaded, None, sealed)

    policy = CertificatePolicy(WellKnownIssuerNames.unknown, subject="CN=www.example.org", content_type=content_type)
    imported = certificates.import_certificate(name, octets, password="secret", policy=policy)

    assert bytes(imported.cer) == leaf.der
    assert imported.policy.content_type == content_type
    assert secrets.get_secret(name).properties.content_type == content_type


def test_a_certificate_for_another_key_is_refused(certificates: CertificateClient, name: str) -> None:
    created(certificates, name, by_hand())
    other = created(certificates, f"{name}-other", by_hand())

    with pytest.raises(HttpResponseError, match="The public key of the end-entity certificate") as caught:
        certificates.merge_certificate(name, [sign_csr(make_root(), bytes(other.csr))])

    assert caught.value.status_code == 400
    assert caught.value.error.code == "BadParameter"


def test_a_whole_policy_comes_back_as_it_went(certificates: CertificateClient, name: str) -> None:
    sent = by_hand(
        key_type=KeyType.rsa,
        key_curve_name=None,
        key_size=3072,
        exportable=False,
        reuse_key=True,
        enhanced_key_usage=["1.3.6.1.5.5.7.3.1"],
        key_usage=[KeyUsageType.decipher_only],
        validity_in_months=24,
        lifetime_actions=[LifetimeAction(CertificatePolicyAction.email_contacts, days_before_expiry=30)],
        certificate_type="OV-SSL",
        certificate_transparency=True,
        san_emails=["a@example.org"],
        san_user_principal_names=["a@corp.example.org"],
    )

    created(certificates, name, sent)
    found = certificates.get_certificate_policy(name)

    facts = (
        "issuer_name subject san_dns_names san_emails san_user_principal_names exportable key_type key_size reuse_key "
        "enhanced_key_usage validity_in_months certificate_type certificate_transparency"
    )
    for fact in facts.split():
        assert getattr(found, fact) == getattr(sent, fact), fact
    assert found.key_usage == ["decipherOnly"]
    assert found.lifetime_actions[0].days_before_expiry == 30
    assert found.content_type == CertificateContentType.pkcs12


def test_a_policy_is_patched_deeply(certificates: CertificateClient, name: str) -> None:
    created(certificates, name)
    policy = certificates.get_certificate_policy(name)
    policy._validity_in_months = 6

    certificates.update_certificate_policy(name, policy)
    partly = CertificatePolicy(WellKnownIssuerNames.self, subject="CN=other.example.org")
    found = certificates.update_certificate_policy(name, partly)

    assert found.validity_in_months == 6
    assert found.subject == "CN=other.example.org"
    assert found.key_curve_name == KeyCurveName.p_256


def test_cancelled_right_after_create_even_self_ends_cancelled(certificates: CertificateClient, name: str) -> None:
    poller = certificates.begin_create_certificate(name, self_signed(), **QUICK)

    assert certificates.cancel_certificate_operation(name).cancellation_requested

    ended = poller.result()
    assert certificates.get_certificate_operation(name).status == "cancelled"
    assert ended.status == "cancelled"
    with pytest.raises(HttpResponseError, match="Pending status must be in progress"):
        certificates.cancel_certificate_operation(name)


def test_a_deleted_operation_is_gone(certificates: CertificateClient, name: str) -> None:
    created(certificates, name, by_hand())

    assert certificates.delete_certificate_operation(name).status == "inProgress"

    with pytest.raises(ResourceNotFoundError, match="not found") as caught:
        certificates.get_certificate_operation(name)
    assert caught.value.error.code == "PendingCertificateNotFound"


def test_a_second_create_meanwhile_is_refused(certificates: CertificateClient, name: str) -> None:
    created(certificates, name, by_hand())

    with pytest.raises(ResourceExistsError, match="while a pending key vault certificate"):
        certificates.begin_create_certificate(name, by_hand())


def test_a_new_version_leaves_the_old_one_readable(
    certificates: CertificateClient, secrets: SecretClient, name: str
) -> None:
    first, second = created(certificates, name), created(certificates, name)

    versions = {one.version for one in certificates.list_properties_of_certificate_versions(name)}
    assert versions == {first.properties.version, second.properties.version}
    old = certificates.get_certificate_version(name, first.properties.version)
    assert bytes(old.cer) == bytes(first.cer)
    assert {one.version for one in secrets.list_properties_of_secret_versions(name)} == versions


def test_properties_are_updated(certificates: CertificateClient, secrets: SecretClient, name: str) -> None:
    certificate = created(certificates, name)

    certificates.update_certificate_properties(name, enabled=False, tags={"new": "tag"})

    found = certificates.get_certificate(name)
    assert (found.properties.enabled, found.properties.tags) == (False, {"new": "tag"})
    with pytest.raises(HttpResponseError, match="disabled secret"):
        secrets.get_secret(name)
    certificates.update_certificate_properties(name, certificate.properties.version, enabled=True)
    assert secrets.get_secret(name).value


def test_delete_recover_and_purge(ruler: CertificateClient, name: str) -> None:
    certificate = created(ruler, name)

    deleted = ruler.begin_delete_certificate(name, **QUICK).result()
    assert deleted.recovery_id.endswith(f"/deletedcertificates/{name}")
    assert name in {one.name for one in ruler.list_deleted_certificates()}
    with pytest.raises(ResourceExistsError, match="deleted but recoverable") as caught:
        ruler.begin_create_certificate(name, self_signed())
    assert caught.value.error.innererror == {"code": "ObjectIsDeletedButRecoverable"}

    recovered = ruler.begin_recover_deleted_certificate(name, **QUICK).result()
    assert recovered.properties.version == certificate.properties.version

    ruler.begin_delete_certificate(name, **QUICK).wait()
    ruler.purge_deleted_certificate(name)
    with pytest.raises(ResourceNotFoundError, match="Deleted Certificate not found"):
        ruler.get_deleted_certificate(name)


def test_lists_are_paged_as_the_client_asks(certificates: CertificateClient, name: str) -> None:
    names = {f"{name}-{number}" for number in range(5)}
    for one in names:
        created(certificates, one, by_hand())

    pages = certificates.list_properties_of_certificates(max_page_size=2, include_pending=True).by_page()
    found = [[one.name for one in page] for page in pages]

    assert max(map(len, found)) == 2
    assert names <= set(itertools.chain(*found))
    assert not names & {one.name for one in certificates.list_properties_of_certificates()}


# ---------------------------------------------------------------- contacts, rights
def test_contacts(ruler: CertificateClient) -> None:
    people = [CertificateContact("a@example.org", name="Ada", phone="1"), CertificateContact("b@example.org")]

    ruler.set_contacts(people)

    assert [one.email for one in ruler.get_contacts()] == ["a@example.org", "b@example.org"]
    assert [one.name for one in ruler.delete_contacts()] == ["Ada", None]
    with pytest.raises(ResourceNotFoundError, match="Contacts not found"):
        ruler.get_contacts()


def test_backup_and_restore(
    ruler: CertificateClient, client_for: Callable[..., Any], vault: LiveVault, live: Live, name: str
) -> None:
    before = created(ruler, name, tags={"a": "b"})
    secret = client_for(SecretClient, vault, "administrator").get_secret(name).value

    backup = ruler.backup_certificate(name)
    with pytest.raises(ResourceExistsError, match="conflict restoring"):
        ruler.restore_certificate_backup(backup)
    ruler.begin_delete_certificate(name, **QUICK).wait()
    with pytest.raises(ResourceExistsError) as caught:
        ruler.restore_certificate_backup(backup)
    ruler.purge_deleted_certificate(name)
    restored = ruler.restore_certificate_backup(backup)

    assert caught.value.error.innererror == {"code": "ObjectIsDeletedButRecoverable"}
    assert restored.properties.version == before.properties.version
    assert restored.properties.tags == {"a": "b"}
    assert client_for(SecretClient, vault, "administrator").get_secret(name).value == secret
    other = live.make_vault()
    copied = client_for(CertificateClient, other).restore_certificate_backup(backup)
    assert bytes(copied.cer) == bytes(before.cer)


def test_a_reader_sees_and_does_not_touch(client_for: Callable[..., Any], vault: LiveVault, name: str) -> None:
    created(client_for(CertificateClient, vault), name)
    reader = client_for(CertificateClient, vault, "reader")

    assert reader.get_certificate(name).name == name
    with pytest.raises(HttpResponseError, match="does not have certificates delete permission"):
        reader.begin_delete_certificate(name)
    with pytest.raises(HttpResponseError, match="does not have secrets get permission"):
        client_for(SecretClient, vault, "reader").get_secret(name)


# ------------------------------------------------------------------------ keys
def test_the_key_signs_where_it_is_and_others_verify(
    certificates: CertificateClient, keys: KeyClient, vault: LiveVault, live: Live, name: str
) -> None:
    created(certificates, name)
    key = keys.get_key(name)
    digest = hashlib.sha256(b"text").digest()

    with CryptographyClient(key, vault.credential(), connection_verify=live.ca) as crypto:
        signature = crypto.sign(SignatureAlgorithm.es256, digest).signature
        assert crypto.verify(SignatureAlgorithm.es256, digest, signature).is_valid

    assert key.properties.managed
    assert key.key_operations == ["sign", "verify"]


def test_the_key_decrypts_where_it_is(
    certificates: CertificateClient, keys: KeyClient, vault: LiveVault, live: Live, name: str
) -> None:
    usage = [KeyUsageType.data_encipherment, KeyUsageType.digital_signature]
    created(certificates, name, self_signed(key_type=KeyType.rsa, key_curve_name=None, key_size=2048, key_usage=usage))

    with CryptographyClient(keys.get_key(name), vault.credential(), connection_verify=live.ca) as crypto:
        closed = crypto.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"secret").ciphertext
        assert crypto.decrypt(EncryptionAlgorithm.rsa_oaep_256, closed).plaintext == b"secret"
