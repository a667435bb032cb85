import re
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs7, pkcs12
from django.test import Client

from portal.forms.downloads import generate_password
from portal.models import Role, User
from tests.factories import EC_KEY, make_certificate, make_member, make_user, make_vault
from tests.vault.lifecycle.chained import make_chained_version, make_version_without_key
from vault.lifecycle.exporting import Format
from vault.models import AuditEvent, Version
from vault.models.policy import PEM_FILE, KeyPolicy

SignIn = Callable[[User], Client]
PASSWORD = "correct horse battery"


def address(version: Version, file: str = "download/") -> str:
    certificate = version.certificate
    return f"/vaults/{certificate.vault}/certificates/{certificate}/versions/{version}/{file}"


def make_version(**facts: object) -> tuple[Version, User]:
    vault = make_vault()
    officer = make_member(vault)
    return make_certificate(vault=vault, name="shop", by=officer, **facts).current, officer


def load_p7b(octets: bytes) -> x509.Certificate:
    return pkcs7.load_der_pkcs7_certificates(octets)[0]


@pytest.mark.parametrize(
    ("file", "kind", "name"),
    [
        ("certificate.pem", "application/x-pem-file", "shop-v1.pem"),
        ("certificate.cer", "application/pkix-cert", "shop-v1.cer"),
        ("chain.pem", "application/x-pem-file", "shop-v1-chain.pem"),
        ("chain-with-root.pem", "application/x-pem-file", "shop-v1-chain-with-root.pem"),
        ("certificate.p7b", "application/x-pkcs7-certificates", "shop-v1.p7b"),
    ],
)
def test_a_reader_takes_away_the_public_parts(client_of: SignIn, file: str, kind: str, name: str) -> None:
    version, _ = make_version()
    reader = make_member(version.certificate.vault, Role.READER)

    response = client_of(reader).get(address(version, file))

    assert response.status_code == 200
    assert response["Content-Type"] == kind
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Cache-Control"] == "no-store"
    assert b"PRIVATE KEY" not in response.content
    load = {"cer": x509.load_der_x509_certificate, "p7b": load_p7b}.get(file[-3:], x509.load_pem_x509_certificate)
    assert load(response.content).serial_number == int(version.serial, 16)


@pytest.mark.parametrize(
    "file", ["certificate.pem", "certificate.cer", "chain.pem", "chain-with-root.pem", "certificate.p7b", "download/"]
)
def test_a_stranger_takes_away_nothing(client_of: SignIn, file: str) -> None:
    version, _ = make_version()

    response = client_of(make_user()).get(address(version, file))

    assert response.status_code == 404


def test_a_reader_gets_no_private_key_and_is_told_who_can_help(client_of: SignIn) -> None:
    version, _ = make_version()
    browser = client_of(make_member(version.certificate.vault, Role.READER))

    answers = [browser.get(address(version)), browser.post(address(version), {"format": "pem"})]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert not AuditEvent.objects.filter(action="secrets/get").exists()


def test_the_page_offers_a_fresh_strong_password_each_time(client_of: SignIn) -> None:
    version, officer = make_version()
    browser = client_of(officer)

    pages = [browser.get(address(version)) for _ in range(2)]

    passwords = [page.context_data["form"]["password"].value() for page in pages]
    assert all(password in page.text for password, page in zip(passwords, pages, strict=True))
    assert passwords[0] != passwords[1]
    assert all(re.fullmatch(r"([a-z2-9]{4}-){6}[a-z2-9]{4}", password) for password in passwords)
    assert pages[0]["Cache-Control"] == "no-store"


def test_generated_passwords_carry_at_least_128_bits() -> None:
    letters = len(generate_password().replace("-", ""))

    assert 31**letters >= 2**128


@pytest.mark.parametrize("format_", ["pfx", "pfx-legacy"])
def test_a_pfx_opens_with_its_password_and_the_event_is_noted(client_of: SignIn, format_: str) -> None:
    version, officer = make_version()

    response = client_of(officer).post(address(version), {"format": format_, "password": PASSWORD})

    key, certificate, _ = pkcs12.load_key_and_certificates(response.content, PASSWORD.encode())
    assert key.public_key() == certificate.public_key()
    assert response["Content-Disposition"] == 'attachment; filename="shop-v1.pfx"'
    assert response["Cache-Control"] == "no-store"
    event = AuditEvent.objects.get(action="secrets/get")
    assert (event.actor, event.result, event.details["format"]) == (officer.username, "released", format_)
    assert PASSWORD not in str(event.details)


def test_a_pem_bundle_holds_the_key_and_needs_no_password(client_of: SignIn) -> None:
    version, officer = make_version()

    response = client_of(officer).post(address(version), {"format": "pem", "password": ""})

    assert load_pem_private_key(response.content, None)
    assert response["Content-Disposition"] == 'attachment; filename="shop-v1-with-key.pem"'


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"format": "pfx", "password": "short"}, "password"),
        ({"format": "pfx", "password": ""}, "password"),
        ({"format": "pfx", "password": "x" * 201}, "password"),
        ({"format": "pfx", "password": "a NUL in here \x00 see"}, "password"),
        ({"format": "pfx", "password": "a line\nbreak in here"}, "password"),
        ({"format": "pfx", "password": "x" * 100_000}, "password"),
        ({"format": "jks", "password": PASSWORD}, "format"),
        ({"format": "java", "password": "pässwörd mit Umlaut"}, "password"),
        ({"format": "pem-encrypted", "password": "too short"}, "password"),
        ({"format": "pfx", "password": PASSWORD, "friendly_name": "a tab\tin it"}, "friendly_name"),
        ({"format": "java", "password": PASSWORD, "friendly_name": "x" * 128}, "friendly_name"),
        ({"password": PASSWORD}, "format"),
        ({}, "format"),
    ],
)
def test_a_refused_download_releases_nothing_and_never_repeats_the_password(
    client_of: SignIn, data: dict[str, str], field: str
) -> None:
    version, officer = make_version()

    response = client_of(officer).post(address(version), data)

    assert response.status_code == 422
    assert response.context_data["form"].errors[field]
    assert not data.get("password") or data["password"] not in response.text
    assert not AuditEvent.objects.filter(action="secrets/get").exists()


@pytest.mark.parametrize("format_", [one for one in Format if not one.has_password])
def test_formats_in_the_clear_need_no_password_and_say_so(client_of: SignIn, format_: Format) -> None:
    version, officer = make_version()
    browser = client_of(officer)

    response = browser.post(address(version), {"format": format_.value})

    assert response.status_code == 200
    assert b"-----BEGIN PRIVATE KEY-----" in response.content
    assert "The private key in this file is not encrypted" in browser.get(address(version)).text


def test_the_lines_of_configuration_hold_the_names_of_the_files(client_of: SignIn) -> None:
    version, officer = make_version()

    text = client_of(officer).get(address(version)).text

    assert "ssl_certificate     /etc/nginx/tls/shop/fullchain.pem;" in text
    assert "SSLCertificateKeyFile /etc/apache2/tls/shop/privkey.pem" in text
    assert "bind :443 ssl crt /etc/haproxy/certs/shop-v1-haproxy.pem" in text
    assert "Import-PfxCertificate shop-v1.pfx" in text
    assert "server.ssl.key-store=/etc/app/shop-v1.p12" in text
    assert "SSLCertificateChainFile" not in text


def test_a_name_inside_the_file_is_offered_and_can_be_changed(client_of: SignIn) -> None:
    version, officer = make_version()
    browser = client_of(officer)
    offered = browser.get(address(version)).context_data["form"]["friendly_name"].value()

    data = {"format": "pfx", "password": PASSWORD, "friendly_name": "Läden & Co"}
    response = browser.post(address(version), data)

    assert offered == "shop"
    assert pkcs12.load_pkcs12(response.content, PASSWORD.encode()).cert.friendly_name == "Läden & Co".encode()


def test_the_root_is_offered_where_there_is_one_and_left_out_unless_chosen(client_of: SignIn) -> None:
    vault = make_vault()
    officer = make_member(vault)
    version = make_chained_version(vault=vault)
    browser = client_of(officer)

    asked = browser.get(address(version))
    without = browser.post(address(version), {"format": "haproxy"}).content
    with_root = browser.post(address(version), {"format": "haproxy", "with_root": "on"}).content

    assert "Include the root certificate" in asked.text
    assert "Certificate with chain and root" in asked.text
    assert "SSLCertificateChainFile" in asked.text
    assert (without.count(b"BEGIN CERTIFICATE"), with_root.count(b"BEGIN CERTIFICATE")) == (2, 3)
    assert with_root.startswith(without.partition(b"-----BEGIN PRIVATE")[0])


def test_a_root_is_not_offered_where_there_is_none(client_of: SignIn) -> None:
    version, officer = make_version()

    assert "root" not in client_of(officer).get(address(version)).text.lower()


def test_pem_is_offered_first_where_the_policy_keeps_pem(client_of: SignIn) -> None:
    version, officer = make_version(content_type=PEM_FILE)

    assert client_of(officer).get(address(version)).context_data["form"]["format"].value() == Format.NGINX


def test_a_key_that_was_never_here_is_said_to_be_elsewhere_and_public_files_are_offered(client_of: SignIn) -> None:
    vault = make_vault()
    browser = client_of(make_member(vault))
    version = make_version_without_key(vault=vault)

    asked = browser.get(address(version))
    taken = browser.post(address(version), {"format": "pem"})
    chain = browser.get(address(version, "chain.pem"))

    assert "it is where the request was made" in asked.text
    assert "Certificate with chain as P7B" in asked.text
    assert "<form class=" not in asked.text
    assert taken.status_code == 403
    assert "where its request was made" in taken.text
    assert chain.content.count(b"BEGIN CERTIFICATE") == 2


def test_a_key_that_is_not_exportable_stays_and_the_page_says_what_is_possible(client_of: SignIn) -> None:
    version, officer = make_version(key=KeyPolicy(kty="EC", size=None, curve=EC_KEY.curve, exportable=False))
    browser = client_of(officer)

    asked = browser.get(address(version))
    taken = browser.post(address(version), {"format": "pem"})

    assert asked.status_code == 200
    assert "never leaves the vault" in asked.text
    assert "Certificate as PEM" in asked.text
    assert "<form class=" not in asked.text
    assert taken.status_code == 403


def test_a_disabled_version_keeps_its_key(client_of: SignIn) -> None:
    version, officer = make_version()
    version.disable()
    browser = client_of(officer)

    asked = browser.get(address(version))
    taken = browser.post(address(version), {"format": "pem"})

    assert "This version is disabled" in asked.text
    assert taken.status_code == 403
    assert b"PRIVATE KEY" not in taken.content


def test_a_requester_downloads_the_key_of_their_own_certificate(client_of: SignIn) -> None:
    vault = make_vault()
    requester = make_member(vault, Role.REQUESTER)
    version = make_certificate(vault=vault, name="shop", by=requester).current

    response = client_of(requester).post(address(version), {"format": "pem"})

    assert response.status_code == 200
    assert b"PRIVATE KEY" in response.content
