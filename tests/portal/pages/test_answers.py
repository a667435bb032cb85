"""“I have a certificate”: what it fits in all the vaults of a person."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from tests.factories import make_certificate, make_member, make_operation, make_user, make_vault
from tests.pki import authority
from tests.pki.authority import ec_key, key_pem, make_leaf, sign_csr, to_pem
from tests.portal.browsing import answers_on
from vault.errors import TooMany
from vault.models import Operation, Version
from vault.models.audit import AuditEvent
from vault.models.policy import AlternativeNames
from vault.x509 import parsing

ClientOf = Callable[[User], Client]
ANSWER = reverse("answers:new")
ROOT = authority.make_root()


def answer(operation: Operation, **facts: object) -> str:
    return to_pem(sign_csr(ROOT, bytes(operation.csr), **facts))


def paste(browser: Client, text: str, **more: object) -> HttpResponse:
    return browser.post(ANSWER, {"certificate": text, **more})


def fits(page: HttpResponse) -> list[str]:
    return [fit.operation.certificate.name for fit in page.context_data["finding"].fits]


def test_who_is_not_signed_in_is_sent_to_the_sign_in(client: Client) -> None:
    assert client.get(ANSWER)["Location"] == f"{reverse('accounts:sign-in')}?next={ANSWER}"


def test_home_and_every_page_lead_there(client_of: ClientOf) -> None:
    browser = client_of(make_member(make_vault()))

    assert browser.get("/").text.count(f'href="{ANSWER}"') == 2
    assert browser.get("/vaults/").text.count(f'href="{ANSWER}"') == 1


def test_it_finds_the_request_in_any_vault_and_merges_there(client_of: ClientOf) -> None:
    person = make_user("olivia")
    vaults = [make_vault(), make_vault()]
    for vault in vaults:
        make_member(vault, Role.OFFICER, person)
        operation = make_operation(vault=vault, name="shop", by=person)
    browser = client_of(person)

    page = paste(browser, f"Dear customer,\n{answer(operation)}{ROOT.pem}")
    merged = browser.post(f"/vaults/{vault}/operations/{operation}/merge/", answers_on(page))

    assert page.status_code == 200
    assert fits(page) == ["shop"]
    assert "started by you on" in page.text
    assert merged.status_code == 303
    version = Version.objects.get()
    assert version.certificate.vault == vault
    assert version.chain == ROOT.pem


def test_nothing_is_stored_by_looking(client_of: ClientOf) -> None:
    operation = make_operation()
    browser = client_of(make_member(operation.vault))
    before = AuditEvent.objects.count()

    paste(browser, answer(operation))

    operation.refresh_from_db()
    assert operation.is_in_progress
    assert not Version.objects.exists()
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    ("role", "sees", "merges"),
    [
        ("", False, False),
        (Role.AUDITOR, False, False),
        (Role.REQUESTER, False, False),
        (Role.READER, True, False),
        (Role.OFFICER, True, True),
        (Role.ADMINISTRATOR, True, True),
    ],
)
def test_who_sees_what_it_fits_and_who_may_merge_there(
    client_of: ClientOf, role: str, *, sees: bool, merges: bool
) -> None:
    operation = make_operation(name="top-secret", by=make_user("ada.the.owner"))
    person = make_member(operation.vault, role) if role else make_user(staff=True)

    page = paste(client_of(person), answer(operation))

    assert page.status_code == 200
    assert fits(page) == (["top-secret"] if sees else [])
    assert ("top-secret" in page.text) is sees
    assert ("ada.the.owner" in page.text) is sees
    assert ("Merge there" in page.text) is merges


def test_a_requester_finds_their_own(client_of: ClientOf) -> None:
    vault = make_vault()
    requester = make_member(vault, Role.REQUESTER)
    operation = make_operation(vault=vault, by=requester)

    page = paste(client_of(requester), answer(operation))

    assert page.context_data["finding"].fits[0].may_merge


def test_names_that_differ_stand_side_by_side(client_of: ClientOf) -> None:
    operation = make_operation(names=AlternativeNames(dns=("www.example.org", "shop.example.org")))
    browser = client_of(make_member(operation.vault))

    page = paste(browser, answer(operation, names=["www.example.org", "new.example.org"]))

    (fit,) = page.context_data["finding"].fits
    assert [(name.mark, name.value) for name in fit.certificate.names] == [
        ("missing", "shop.example.org"),
        ("", "www.example.org"),
        ("added", "new.example.org"),
    ]
    assert "\N{MINUS SIGN} shop.example.org" in page.text
    assert "+ new.example.org" in page.text


def test_a_certificate_that_fits_but_may_not_be_used_has_no_button(client_of: ClientOf) -> None:
    operation = make_operation()
    browser = client_of(make_member(operation.vault))

    page = paste(browser, answer(operation, days=0.001))

    assert "expired on" in page.text
    assert "Merge there" not in page.text


def test_a_request_that_its_issuer_answers_is_named_with_the_reason(client_of: ClientOf) -> None:
    operation = make_operation(issuer="Self")
    browser = client_of(make_member(operation.vault))

    page = paste(browser, answer(operation))

    assert "answers this request itself" in page.text
    assert "Merge there" not in page.text


def test_an_ended_request_can_still_be_merged(client_of: ClientOf) -> None:
    operation = make_operation()
    operation.cancel()

    page = paste(client_of(make_member(operation.vault)), answer(operation))

    assert "its certificate can still be brought" in page.text
    assert "Merge there" in page.text


def test_a_version_is_recognised_with_who_and_when(client_of: ClientOf) -> None:
    certificate = make_certificate(name="www")
    browser = client_of(make_member(certificate.vault))

    page = paste(browser, to_pem(bytes(certificate.current.der)))

    assert "This is version 1 of www already" in page.text
    assert f"in the vault {certificate.vault} by Chancery on" in page.text


def test_a_version_that_the_person_does_not_see_is_not_named(client_of: ClientOf) -> None:
    certificate = make_certificate(name="top-secret")

    page = paste(client_of(make_member(make_vault())), to_pem(bytes(certificate.current.der)))

    assert "top-secret" not in page.text
    assert "No request fits this certificate" in page.text


def test_what_fits_nothing_shows_its_fingerprint_and_what_else_can_be_done(client_of: ClientOf) -> None:
    vault = make_vault("payments")

    page = paste(client_of(make_member(vault)), make_leaf(ROOT).pem)

    assert page.status_code == 200
    assert page.context_data["finding"].certificate.fingerprint in page.text
    assert page.context_data["finding"].may_import == [vault]


def test_a_ca_certificate_alone_is_called_by_its_name(client_of: ClientOf) -> None:
    page = paste(client_of(make_member(make_vault())), ROOT.pem)

    assert "This is the certificate of a CA" in page.text


def test_a_forged_answer_raises_an_alarm_here_too(client_of: ClientOf) -> None:
    operation = make_operation()
    person = make_member(operation.vault)

    page = paste(client_of(person), answer(operation, ca=True))

    assert "tell whoever runs the portal" in page.text
    assert "Merge there" not in page.text
    assert AuditEvent.objects.get(result="alarm").actor == person.username


# --------------------------------------------------------- what is no certificate
@pytest.mark.parametrize("text", ["", " \r\n", "hello", "<html><p>no</p></html>"])
def test_what_is_no_certificate_is_refused_in_words_and_kept(client_of: ClientOf, text: str) -> None:
    page = paste(client_of(make_member(make_vault())), text)

    form = page.context_data["form"]
    assert page.status_code == 422
    assert form.errors["certificate"]
    assert form["certificate"].value().split() == text.split()


@pytest.mark.parametrize("way", ["paste", "file"])
def test_a_private_key_is_never_shown_again_and_the_person_is_told_what_to_do(client_of: ClientOf, way: str) -> None:
    secret = key_pem(ec_key())
    browser = client_of(make_member(make_vault()))
    text, more = (secret, {}) if way == "paste" else ("", {"file": SimpleUploadedFile("a.pem", secret.encode())})

    page = paste(browser, text, **more)

    assert page.status_code == 422
    assert "treated as exposed" in page.text
    assert "What to do about the private key" in page.text
    assert secret.splitlines()[1] not in page.text
    assert page.context_data["form"]["certificate"].value() == ""


def test_when_too_many_files_are_being_read_it_says_so(client_of: ClientOf, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise TooMany("Too many files are being read. Try again in a moment.")

    monkeypatch.setattr(parsing, "read_files", busy)

    page = paste(client_of(make_member(make_vault())), "anything")

    assert page.status_code == 429
    assert "Try again in a moment" in page.text


def test_finding_costs_few_queries_however_many_requests_wait(
    client_of: ClientOf, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    person = make_user()
    for _ in range(3):
        vault = make_vault()
        make_member(vault, Role.OFFICER, person)
        for _ in range(4):
            operation = make_operation(vault=vault, by=person)
    browser, text = client_of(person), answer(operation)
    paste(browser, text)

    with django_assert_max_num_queries(7):
        page = paste(browser, text)

    assert len(page.context_data["finding"].fits) == 1
