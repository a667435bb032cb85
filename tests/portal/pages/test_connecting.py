"""What pages say to programs."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from portal.models import Role
from portal.pages import programs
from tests.factories import make_brought, make_certificate, make_member, make_operation, make_user, make_vault
from vault.models import Vault
from vault.models.policy import PEM_FILE

PLACE = programs.Place(
    vault="payments",
    address="https://payments.vault.localhost:8443",
    login="https://login.vault.localhost:8443",
    domain="vault.localhost:8443",
    tenant="chancery",
    ca="ca.pem",
)


@pytest.fixture
def tls_made() -> Path:
    path: Path = settings.DATA_DIR / "tls" / "ca.pem"
    path.parent.mkdir(exist_ok=True)
    path.write_text("-----BEGIN CERTIFICATE-----\n")
    yield path
    path.unlink()


def page_of(browser: Client, path: str, **extra: object) -> str:
    response = browser.get(path, secure=True, HTTP_HOST="localhost:8443", **extra)
    assert response.status_code == 200, response
    return response.content.decode()


def test_the_page_says_where_everything_is(client_of, tls_made: Path) -> None:
    person = make_member(make_vault("payments"), Role.READER)

    page = page_of(client_of(person), "/connect/")

    assert "https://payments.vault.localhost:8443" in page
    assert "authority=&quot;https://login.vault.localhost:8443&quot;" in page
    assert "connection_verify=&quot;ca.pem&quot;" in page
    assert 'href="/connect/ca.pem"' in page


def test_the_ca_can_be_fetched_where_there_is_one(client_of, tls_made: Path) -> None:
    browser = client_of(make_user())

    response = browser.get("/connect/ca.pem")

    assert response.content == tls_made.read_bytes()
    assert response["Content-Disposition"] == 'attachment; filename="ca.pem"'
    tls_made.write_text("")
    tls_made.unlink()
    assert browser.get("/connect/ca.pem").status_code == 404
    tls_made.touch()


def test_without_a_ca_of_its_own_no_option_is_needed(client_of) -> None:
    page = page_of(client_of(make_member(make_vault("payments"))), "/connect/")

    assert "connection_verify" not in page
    assert "REQUESTS_CA_BUNDLE" not in page


def test_the_vault_is_chosen(client_of) -> None:
    person = make_member(make_vault("payments"))
    make_member(make_vault("intranet"), user=person)
    make_vault("foreign")
    browser = client_of(person)

    assert "https://payments.vault" in page_of(browser, "/connect/?vault=payments")
    assert "https://intranet.vault" in page_of(browser, "/connect/?vault=foreign")


def test_who_is_a_member_of_nothing_is_told_so(client_of) -> None:
    assert "There is nothing to connect to yet" in page_of(client_of(make_user()), "/connect/")


def test_a_vaults_own_host_is_told(client_of) -> None:
    vault = make_vault("payments")
    Vault.objects.filter(pk=vault.pk).update(host="kv.example.org")

    assert "https://kv.example.org:8443" in page_of(client_of(make_member(vault)), "/connect/")


# ------------------------------------------------------------------- certificates
def test_a_certificates_page_says_how_programs_fetch_it(client_of) -> None:
    vault = make_vault("payments")
    make_certificate(vault=vault, name="www")

    page = page_of(client_of(make_member(vault)), "/vaults/payments/certificates/www/")

    for title in ("Azure CLI", "curl", "Python", "Terraform"):
        assert f"<summary>{title}</summary>" in page
    assert "https://payments.vault.localhost:8443/secrets/www" in page
    assert not re.search(r"ch[vs]_", page)


def test_a_requests_page_says_how_programs_follow_it(client_of) -> None:
    vault = make_vault("payments")
    operation = make_operation(vault=vault, name="www")

    page = page_of(client_of(make_member(vault)), f"/vaults/payments/operations/{operation.request_id.hex}/")

    assert f"/certificates/www/pending?api-version=7.4&amp;request_id={operation.request_id.hex}" in page


def test_a_pem_is_not_decoded() -> None:
    certificate = make_certificate(content_type=PEM_FILE, name="www")

    code = {one.key: one.code for one in programs.for_certificate(certificate, PLACE)}

    assert code["curl"].endswith("| jq -r .value > www.pem")
    assert "--encoding" not in code["az"]
    compile(code["python"], "python", "exec")


def test_a_certificate_without_a_key_here_is_fetched_alone() -> None:
    from tests.pki.authority import make_root, sign_csr
    from vault.lifecycle import merging
    from vault.models.audit import SYSTEM
    from vault.x509 import parsing
    from vault.x509.found import Upload

    operation = make_brought(name="www")
    leaf = sign_csr(make_root(), bytes(operation.csr))
    found = parsing.read_files([Upload(name="leaf", content=leaf)])
    version = merging.merge(operation=operation, found=found, by=SYSTEM, confirmed=True)

    code = "".join(one.code for one in programs.for_certificate(version.certificate, PLACE))

    assert "/secrets/" not in code
    assert "/certificates/www" in code


def test_before_the_first_version_there_is_nothing_to_fetch() -> None:
    assert programs.for_certificate(make_operation().certificate, PLACE) == []


@pytest.mark.no_database
def test_every_python_program_is_python() -> None:
    for one in programs.to_connect(PLACE):
        if one.key.startswith("python"):
            compile(one.code, one.key, "exec")
