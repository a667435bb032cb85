import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7, pkcs12

from tests.factories import make_certificate
from tests.vault.lifecycle.chained import ISSUING, ROOT, make_chained_version, make_version_without_key
from vault.errors import BadParameter, NotAllowed
from vault.keys.making import open_key
from vault.keys.sealing import Purpose, unseal
from vault.lifecycle import exporting, retiring
from vault.lifecycle.exporting import Format
from vault.models.audit import SYSTEM, AuditEvent
from vault.models.policy import PEM_FILE, PKCS12, KeyPolicy
from vault.x509.certificates import split_pem

PASSWORD = "correct horse battery"
HIDDEN = KeyPolicy(kty="EC", size=None, curve="P-256", exportable=False)


def openssl(*arguments: str, **options) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, **options).stdout


@pytest.mark.parametrize("as_", [Format.PFX, Format.PFX_LEGACY])
def test_openssl_opens_the_pfx_and_finds_the_key_of_the_certificate(tmp_path: Path, as_: Format) -> None:
    version = make_certificate(name="www").current

    file = exporting.export_with_key(version=version, as_=as_, password=PASSWORD, by=SYSTEM)

    (tmp_path / "www.pfx").write_bytes(file.content)
    legacy = ["-legacy"] if as_ is Format.PFX_LEGACY else []
    command = ["pkcs12", "-in", "www.pfx", "-nodes", "-passin", f"pass:{PASSWORD}", *legacy]
    (tmp_path / "all.pem").write_bytes(openssl(*command, cwd=tmp_path))
    of_key = openssl("pkey", "-in", "all.pem", "-pubout", cwd=tmp_path)
    of_certificate = openssl("x509", "-in", "all.pem", "-pubkey", "-noout", cwd=tmp_path)
    assert of_key == of_certificate
    assert file.name == "www-v1.pfx"


def test_a_pem_file_holds_the_key_first_and_then_the_certificate() -> None:
    version = make_certificate().current

    content = exporting.export_with_key(version=version, as_=Format.PEM, password=None, by=SYSTEM).content

    assert content.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert load_pem_private_key(content, None).public_key() == open_key(version.key).public_key()


def test_an_event_is_written_for_every_key_that_leaves() -> None:
    version = make_certificate().current

    exporting.export_with_key(version=version, as_=Format.PFX, password=PASSWORD, by=SYSTEM)

    event = AuditEvent.objects.get(action="secrets/get")
    assert event.result == "released"
    assert PASSWORD not in str(event.details)


def test_a_key_that_may_not_leave_does_not() -> None:
    version = make_certificate(key=HIDDEN).current

    with pytest.raises(NotAllowed, match="cannot leave the vault"):
        exporting.export_with_key(version=version, as_=Format.PFX, password=PASSWORD, by=SYSTEM)

    assert not AuditEvent.objects.filter(action="secrets/get").exists()


def test_the_stored_secret_of_a_key_that_may_not_leave_holds_the_certificate_alone() -> None:
    version = make_certificate(key=HIDDEN, content_type=PKCS12).current

    secret = unseal(version.secret, purpose=Purpose.SECRET, vault_id=version.certificate.vault_id, row_id=version.id)

    assert pkcs12.load_key_and_certificates(secret, None)[0] is None


def test_the_stored_secret_in_pem_holds_key_and_certificate() -> None:
    version = make_certificate(content_type=PEM_FILE).current

    secret = unseal(version.secret, purpose=Purpose.SECRET, vault_id=version.certificate.vault_id, row_id=version.id)

    assert load_pem_private_key(secret, None).public_key() == open_key(version.key).public_key()


def test_a_disabled_version_gives_no_key() -> None:
    version = make_certificate().current
    retiring.set_enabled(version=version, enabled=False, by=SYSTEM)

    with pytest.raises(NotAllowed, match="disabled"):
        exporting.export_with_key(version=version, as_=Format.PFX, password=PASSWORD, by=SYSTEM)


@pytest.mark.parametrize("password", ["", "with\x00nul in it", "line\nbreak is bad", "x" * 201])
def test_a_password_that_cannot_be_used_is_refused_before_anything_happens(password: str) -> None:
    version = make_certificate().current

    with pytest.raises(BadParameter):
        exporting.export_with_key(version=version, as_=Format.PFX, password=password, by=SYSTEM)

    assert not AuditEvent.objects.filter(action="secrets/get").exists()


def test_a_file_does_not_show_its_content_in_a_repr() -> None:
    file = exporting.export_with_key(version=make_certificate().current, as_=Format.PEM, password=None, by=SYSTEM)

    assert "PRIVATE" not in repr(file)


def test_every_format_leaves_with_an_event_of_its_own() -> None:
    version = make_chained_version()

    for as_ in Format:
        exporting.export_with_key(version=version, as_=as_, password=PASSWORD, by=SYSTEM)

    events = AuditEvent.objects.filter(action="secrets/get").order_by("pk")
    assert [event.details["format"] for event in events] == [as_.value for as_ in Format]


@pytest.mark.parametrize("as_", [Format.PFX, Format.JAVA])
@pytest.mark.parametrize("friendly_name", ["a\x00b", "a\nb", "\u202e", "x" * 128])
def test_a_name_that_cannot_stand_in_the_file_is_refused_before_anything_happens(
    as_: Format, friendly_name: str
) -> None:
    version = make_certificate().current

    with pytest.raises(BadParameter) as refusal:
        exporting.export_with_key(version=version, as_=as_, password=PASSWORD, by=SYSTEM, friendly_name=friendly_name)

    assert refusal.value.field == "friendly_name"
    assert not AuditEvent.objects.filter(action="secrets/get").exists()


def test_the_longest_name_of_a_certificate_is_a_friendly_name() -> None:
    version = make_certificate(name="x" * 127).current

    content = exporting.export_with_key(version=version, as_=Format.PFX, password=PASSWORD, by=SYSTEM).content

    assert pkcs12.load_pkcs12(content, PASSWORD.encode()).cert.friendly_name == b"x" * 127


def test_a_key_that_is_not_here_does_not_leave_and_the_refusal_says_where_it_is() -> None:
    version = make_version_without_key()

    with pytest.raises(NotAllowed, match="it is where its request was made"):
        exporting.export_with_key(version=version, as_=Format.PEM, password=None, by=SYSTEM)

    assert not AuditEvent.objects.filter(action="secrets/get").exists()


def test_the_chain_leaves_without_its_root_unless_asked_for() -> None:
    version = make_chained_version()

    assert exporting.has_root(version)
    assert exporting.chain_of(version, with_root=False) == (ISSUING.der,)
    assert exporting.chain_of(version, with_root=True) == (ISSUING.der, ROOT.der)
    assert split_pem(exporting.full_chain(version).content.decode()) == [bytes(version.der), ISSUING.der]
    assert split_pem(exporting.full_chain_with_root(version).content.decode())[2:] == [ROOT.der]


def test_a_p7b_holds_the_certificate_and_its_chain() -> None:
    version = make_chained_version()

    inside = pkcs7.load_der_pkcs7_certificates(exporting.p7b(version).content)

    assert {one.public_bytes(Encoding.DER) for one in inside} == {bytes(version.der), ISSUING.der}


def test_public_parts_are_the_certificate_and_its_chain() -> None:
    version = make_certificate(name="www").current

    assert exporting.certificate_der(version).content == bytes(version.der)
    assert exporting.certificate_pem(version).content.startswith(b"-----BEGIN CERTIFICATE-----")
    assert exporting.full_chain(version).content.count(b"BEGIN CERTIFICATE") == 1
