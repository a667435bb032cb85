import re
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from django.test import Client

from portal.forms.downloads import generate_password
from portal.models import Role, User
from tests.factories import EC_KEY, make_certificate, make_member, make_user, make_vault
from vault.models import AuditEvent, Version
from vault.models.policy import KeyPolicy

SignIn = Callable[[User], Client]
PASSWORD = "correct horse battery"


def address(version: Version, file: str = "download/") -> str:
    certificate = version.certificate
    return f"/vaults/{certificate.vault}/certificates/{certificate}/versions/{version}/{file}"


def make_version(**facts: object) -> tuple[Version, User]:
    vault = make_vault()
    officer = make_member(vault)
    return make_certificate(vault=vault, name="shop", by=officer, **facts).current, officer


@pytest.mark.parametrize(
    ("file", "kind", "name"),
    [
        ("certificate.pem", "application/x-pem-file", "shop-v1.pem"),
        ("certificate.cer", "application/pkix-cert", "shop-v1.cer"),
        ("chain.pem", "application/x-pem-file", "shop-v1-chain.pem"),
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
    load = x509.load_der_x509_certificate if file.endswith("cer") else x509.load_pem_x509_certificate
    assert load(response.content).serial_number == int(version.serial, 16)


@pytest.mark.parametrize("file", ["certificate.pem", "certificate.cer", "chain.pem", "download/"])
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
