import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from tests.factories import make_brought, make_certificate, make_member, make_operation, make_user, make_vault
from tests.pki import csrs
from tests.pki.authority import ec_key, key_pem, make_csr, make_root, sign_csr, to_pem
from tests.portal.browsing import Answers, answers_on, changed
from vault.errors import TooMany
from vault.lifecycle import completing, retiring, withdrawing
from vault.lifecycle.completing import Answer
from vault.models import Certificate, Key, Operation, Vault, Version
from vault.models.audit import SYSTEM
from vault.models.policy import UNKNOWN, LifetimeAction, LifetimeActionType, Validity
from vault.x509 import chains
from vault.x509.requests import build_csr, csr_pem, describe_csr

ClientOf = Callable[[User], Client]
ROOT = make_root()


@pytest.fixture
def vault() -> Vault:
    return make_vault("payments")


def url(page: str = "") -> str:
    return f"/vaults/payments/request/csr/{page}"


def check(client: Client, der: bytes | None = None, **more: Any) -> HttpResponse:
    return client.post(url("check/"), {"csr": csr_pem(der or make_csr()), **more})


def submit(
    client: Client, der: bytes | None = None, *, begin: dict[str, str] | None = None, **changes: Any
) -> HttpResponse:
    return client.post(url("submit/"), changed(answers_on(check(client, der, **(begin or {}))), **changes))


def answered(operation: Operation) -> Version:
    leaf = sign_csr(ROOT, bytes(operation.csr))
    return completing.complete(operation=operation, answer=Answer(leaf=leaf, chain=chains.order(leaf, [])), by=SYSTEM)


def words_of(page: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.content.decode().partition("<main")[2]).split())


# ------------------------------------------------------------------ who may
@pytest.mark.parametrize("page", ["", "check/", "submit/"])
def test_a_stranger_finds_nothing(vault: Vault, client_of: ClientOf, page: str) -> None:
    client = client_of(make_user())

    answer = client.get(url()) if not page else client.post(url(page), {"csr": csr_pem(make_csr())})

    assert answer.status_code == 404


@pytest.mark.parametrize("role", [Role.READER, Role.AUDITOR])
def test_who_may_only_look_is_told_so(vault: Vault, client_of: ClientOf, role: Role) -> None:
    answer = check(client_of(make_member(vault, role)))

    assert answer.status_code == 403
    assert "cannot ask for certificates" in words_of(answer)


@pytest.mark.parametrize("role", [Role.REQUESTER, Role.OFFICER, Role.ADMINISTRATOR])
def test_a_request_brought_and_sent_waits_for_its_certificate(vault: Vault, client_of: ClientOf, role: Role) -> None:
    person, der = make_member(vault, role), make_csr()

    answer = submit(client_of(person), der)

    operation = Operation.objects.get()
    assert answer.status_code == 303
    assert answer["Location"] == f"/vaults/payments/operations/{operation.request_id.hex}/"
    assert (operation.certificate.name, operation.certificate.owner) == ("www-example-org", person)
    assert (operation.issuer_name, operation.requested_by) == (UNKNOWN, person)
    assert bytes(operation.csr) == der
    assert not Key.objects.exists()


@pytest.mark.parametrize("page", ["check/", "submit/"])
def test_the_address_of_an_answer_leads_back_to_the_form(vault: Vault, client_of: ClientOf, page: str) -> None:
    answer = client_of(make_member(vault)).get(url(page))

    assert (answer.status_code, answer["Location"]) == (302, url())


# ------------------------------------------------------------------- bringing
def test_a_file_is_read_as_well_as_a_paste(vault: Vault, client_of: ClientOf) -> None:
    file = SimpleUploadedFile("own.p10", make_csr("file.example"))

    page = client_of(make_member(vault)).post(url("check/"), {"csr": "", "file": file})

    assert page.status_code == 200
    assert "DNS: file.example" in words_of(page)


def test_the_page_shows_exactly_what_will_be_signed(vault: Vault, client_of: ClientOf) -> None:
    der = make_csr("xn--mnchen-3ya.example", "www.example.org", subject="CN=www.example.org, O=Example")

    page = check(client_of(make_member(vault)), der)

    words = words_of(page)
    assert page.status_code == 200
    assert "CN=www.example.org, O=Example" in words
    assert "DNS: xn--mnchen-3ya.example (münchen.example) DNS: www.example.org" in words
    assert "Key usages Digital signature" in words
    assert "Extended key usages TLS server" in words
    assert "EC P-256" in words
    assert describe_csr(der).spki_sha256 in words
    assert "Not in this vault" in words
    assert not Operation.objects.exists()


def test_what_is_ignored_is_named(vault: Vault, client_of: ClientOf) -> None:
    secret = csrs.attribute(csrs.CHALLENGE_PASSWORD, b"\x0c\x05horse")
    page = check(client_of(make_member(vault)), csrs.forge_csr(attributes=[secret]))

    assert "challenge password" in words_of(page)
    assert "horse" not in words_of(page)


def test_the_persons_choices_count(vault: Vault, client_of: ClientOf) -> None:
    submit(
        client_of(make_member(vault)),
        name="mine",
        validity_number=90,
        validity_unit="days",
        tell_number=20,
        tell_unit="days",
        tags="team=payments",
    )

    operation = Operation.objects.get()
    assert (operation.certificate.name, operation.certificate.tags) == ("mine", {"team": "payments"})
    assert operation.policy.validity == Validity(number=90, unit="days")
    assert operation.policy.lifetime_actions == (
        LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, days_before_expiry=20),
    )


def test_left_empty_name_and_validity_are_as_usual(vault: Vault, client_of: ClientOf) -> None:
    submit(client_of(make_member(vault)), name="", validity_number="")

    operation = Operation.objects.get()
    assert operation.certificate.name == "www-example-org"
    assert operation.policy.validity == Validity(number=6, unit="months")


def test_a_request_without_names_is_called_after_its_subject(vault: Vault, client_of: ClientOf) -> None:
    submit(client_of(make_member(vault)), csrs.forge_csr())

    assert Operation.objects.get().certificate.name == "www-example-org"


def test_html_in_a_request_stays_text(vault: Vault, client_of: ClientOf) -> None:
    der = build_csr(
        subject='CN=<b>bold</b>, O="<script>alert(1)</script>"',
        names=describe_names("www.example.org"),
        key_usage=(),
        ekus=(),
        key=ec_key(),
    )

    html = check(client_of(make_member(vault)), der).content.decode()

    assert "<b>bold" not in html
    assert "<script>alert" not in html
    assert "&lt;b&gt;bold" in html


def describe_names(*dns: str) -> Any:
    from vault.models.policy import AlternativeNames

    return AlternativeNames(dns=dns)


# ------------------------------------------------------------------- refusals
def test_nothing_at_all_is_asked_for_again(vault: Vault, client_of: ClientOf) -> None:
    page = client_of(make_member(vault)).post(url("check/"), {"csr": " \n"})

    assert page.status_code == 422
    assert "There is no request yet" in words_of(page)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html><body>hello</body></html>", "an HTML page"),
        (csr_pem(make_csr()) + csr_pem(make_csr()), "2 different requests"),
        (csr_pem(csrs.forge_csr(extensions=[csrs.constraints(ca=True)])), "CA:TRUE"),
        (csr_pem(csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"foo_bar.example"))])), "underscore"),
    ],
    ids=["html", "two", "ca", "name"],
)
def test_what_cannot_be_signed_is_refused_and_kept(vault: Vault, client_of: ClientOf, text: str, words: str) -> None:
    page = client_of(make_member(vault)).post(url("check/"), {"csr": text})

    assert page.status_code == 422
    assert "<title>Error: " in page.content.decode()
    assert words in words_of(page)
    assert answers_on(page)["csr"][0].split() == text.split()


def test_a_private_key_is_never_shown_again(vault: Vault, client_of: ClientOf) -> None:
    key = ec_key()
    secret = key_pem(key)

    page = client_of(make_member(vault)).post(url("check/"), {"csr": secret + csr_pem(make_csr(key=key))})

    assert page.status_code == 422
    assert "treated as exposed" in words_of(page)
    assert secret.splitlines()[1] not in page.content.decode()
    assert answers_on(page)["csr"] == [""]


@pytest.mark.parametrize("is_request", [True, False])
def test_what_nobody_has_read_comes_back_only_where_it_plainly_is_a_request(
    vault: Vault, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, *, is_request: bool
) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise TooMany("Many files are being read at this moment. Try again in a minute.")

    monkeypatch.setattr("vault.x509.parsing.read_files", busy)
    text = csr_pem(make_csr()) if is_request else "MIGHAgEAMBMGByqGSM49"

    page = client_of(make_member(vault)).post(url("check/"), {"csr": text})

    assert page.status_code == 429
    assert "Try again in a minute." in words_of(page)
    assert answers_on(page)["csr"][0].split() == (text.split() if is_request else [])


def test_a_certificate_leads_to_where_certificates_go(vault: Vault, client_of: ClientOf) -> None:
    page = client_of(make_member(vault)).post(url("check/"), {"csr": to_pem(ROOT.der)})

    assert page.status_code == 422
    assert "This is a certificate, not a request for one." in words_of(page)
    assert 'href="/answer/"' in page.content.decode()
    assert 'href="/vaults/payments/import/"' in page.content.decode()


BAD: list[dict[str, Any]] = [
    {"name": "a b"},
    {"name": "\0"},
    {"validity_number": "0"},
    {"validity_number": "9" * 5000},
    {"validity_unit": "years"},
    {"tell_number": ""},
    {"tell_number": "100"},
    {"tell_unit": "\0"},
    {"tags": "\n".join("ab") * 20_000},
    {"issuer": "Self"},
    {"issuer": "<b>"},
    {"issuer": None},
    {"csr": ""},
    {"csr": "!"},
    {"csr": "AAAA"},
]


@pytest.mark.parametrize("changes", BAD, ids=range(len(BAD)))
def test_bad_choices_are_refused_in_words(vault: Vault, client_of: ClientOf, changes: dict[str, Any]) -> None:
    page = submit(client_of(make_member(vault)), **changes)

    assert page.status_code == 422
    assert "Something needs another look" in words_of(page)
    assert not Operation.objects.exists()


def test_a_refused_page_comes_back_whole(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    sent = changed(answers_on(check(client)), name="a b", tags="x=1", tell_number=30, tell_unit="days")

    page = client.post(url("submit/"), sent)

    assert without_submission(answers_on(page)) == without_submission(sent)


def without_submission(answers: Answers) -> Answers:
    return {name: value for name, value in answers.items() if name != "submission"}


def test_the_request_is_judged_again_when_it_is_sent(vault: Vault, client_of: ClientOf) -> None:
    other = base64.b64encode(csrs.forge_csr(extensions=[csrs.constraints(ca=True)])).decode()

    page = submit(client_of(make_member(vault)), csr=other)

    assert page.status_code == 422
    assert "CA:TRUE" in words_of(page)


# ------------------------------------------------------------------ once, twice
def test_a_double_click_makes_one_operation(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    answers = answers_on(check(client))

    first, second = (client.post(url("submit/"), answers) for _ in range(2))

    assert Operation.objects.count() == 1
    assert (first.status_code, second.status_code) == (303, 303)
    assert first["Location"] == second["Location"]


def test_a_request_that_was_deleted_since_is_not_made_again_by_itself(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    answers = answers_on(check(client))
    client.post(url("submit/"), answers)
    withdrawing.delete_operation(operation=Operation.objects.get(), by=SYSTEM)

    page = client.post(url("submit/"), answers)

    assert page.status_code in {409, 422}
    assert Operation.objects.count() == 1


# ---------------------------------------------------------------- names in use
def test_a_name_in_use_becomes_a_new_version_only_after_it_was_said(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    make_certificate(vault=vault, name="mine")
    answers = changed(answers_on(check(client)), name="mine")

    told = client.post(url("submit/"), answers)
    sent = client.post(url("submit/"), answers_on(told))

    assert told.status_code == 422
    assert "This makes a new version of mine" in words_of(told)
    assert sent.status_code == 303
    assert Certificate.objects.count() == 1


def test_the_page_says_at_once_that_the_proposed_name_is_in_use(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    make_certificate(vault=vault, name="www-example-org")

    page = check(client)

    assert "This makes a new version of www-example-org" in words_of(page)
    assert client.post(url("submit/"), answers_on(page)).status_code == 303


def test_a_request_in_progress_is_said_and_stands_in_the_way(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    running = make_operation(vault=vault, name="www-example-org")

    page = check(client)
    answer = client.post(url("submit/"), answers_on(page))

    assert running.request_id.hex in page.content.decode()
    assert answer.status_code == 409
    assert Operation.objects.count() == 1


def test_a_requester_learns_no_more_of_others_names_than_that_they_are_taken(vault: Vault, client_of: ClientOf) -> None:
    make_certificate(vault=vault, name="www-example-org", by=make_member(vault))
    client = client_of(make_member(vault, Role.REQUESTER))

    page = submit(client)

    assert page.status_code == 409
    assert "is taken in “payments”" in words_of(page)


def test_a_deleted_certificate_that_holds_the_name_is_named(vault: Vault, client_of: ClientOf) -> None:
    certificate = make_certificate(vault=vault, name="www-example-org")
    retiring.delete_certificate(certificate=certificate, by=SYSTEM)

    page = submit(client_of(make_member(vault)))

    assert page.status_code == 409
    assert "/vaults/payments/deleted/" in page.content.decode()


def test_tags_stay_where_nobody_writes_any(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    certificate = make_certificate(vault=vault, name="www-example-org")
    Certificate.objects.filter(pk=certificate.pk).update(tags={"team": "payments"})

    submit(client)

    certificate.refresh_from_db()
    assert certificate.tags == {"team": "payments"}


# --------------------------------------------------------------- the same key
def test_a_key_seen_elsewhere_is_said_within_the_persons_rights(vault: Vault, client_of: ClientOf) -> None:
    key = ec_key()
    elsewhere = make_vault("elsewhere")
    make_brought(vault=elsewhere, name="hidden", csr=make_csr(key=key))
    person = make_member(vault)
    client = client_of(person)
    before = words_of(check(client, make_csr(key=key)))

    make_member(elsewhere, Role.READER, person)
    after = words_of(check(client, make_csr(key=key)))

    assert "hidden" not in before
    assert "A request with this very key is in progress: “hidden” in “elsewhere”." in after


def test_a_certificate_with_the_same_key_is_said(vault: Vault, client_of: ClientOf) -> None:
    key = ec_key()
    answered(make_brought(vault=vault, name="old", csr=make_csr(key=key)))

    words = words_of(check(client_of(make_member(vault)), make_csr(key=key)))

    assert "“old” in “payments” has this very key" in words


def test_a_request_that_the_portal_made_itself_leads_to_where_it_waits(vault: Vault, client_of: ClientOf) -> None:
    operation = make_operation(vault=vault, name="here")

    page = check(client_of(make_member(vault)), bytes(operation.csr))

    assert "This key was made here, for “here” in “payments”" in words_of(page)
    assert operation.request_id.hex in page.content.decode()


# ------------------------------------------------------------ for a certificate
def test_the_next_version_of_a_certificate_keeps_name_notice_and_validity(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    told = LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, days_before_expiry=20)
    validity = Validity(number=45, unit="days")
    answered(make_brought(vault=vault, name="mine", lifetime_actions=(told,), validity=validity))
    form = answers_on(client.get(url() + "?certificate=mine"))

    page = client.post(url("check/"), form | {"csr": [csr_pem(make_csr("other.example"))]})
    answer = client.post(url("submit/"), answers_on(page))

    assert answer.status_code == 303
    operation = Operation.objects.latest("id")
    assert operation.certificate.name == "mine"
    assert operation.policy.names.dns == ("other.example",)
    assert (operation.policy.validity, operation.policy.lifetime_actions) == (validity, (told,))


def test_nobody_begins_with_a_certificate_they_may_not_see(vault: Vault, client_of: ClientOf) -> None:
    make_certificate(vault=vault, name="theirs", by=make_member(vault))

    answer = client_of(make_member(vault, Role.REQUESTER)).get(url() + "?certificate=theirs")

    assert answer.status_code == 404


def test_asking_again_brings_the_request_along(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    operation = make_brought(vault=vault, name="mine")
    withdrawing.cancel(operation=operation, by=SYSTEM)

    page = client.get(url() + f"?again={operation.request_id.hex}")
    checked = client.post(url("check/"), answers_on(page))

    assert answers_on(page)["csr"][0].split() == csr_pem(bytes(operation.csr)).split()
    assert answers_on(checked)["name"] == ["mine"]


# ----------------------------------------------------------------- other pages
def test_the_request_form_and_the_empty_vault_lead_here(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))

    assert f'href="{url()}"' in client.get("/vaults/payments/request/").content.decode()
    assert f'href="{url()}"' in client.get("/vaults/payments/").content.decode()


def test_the_requests_page_says_where_the_key_is(vault: Vault, client_of: ClientOf) -> None:
    operation = make_brought(vault=vault, name="mine")

    words = words_of(client_of(make_member(vault)).get(f"/vaults/payments/operations/{operation.request_id.hex}/"))

    assert "it was never here" in words
    assert "Not in this vault" in words
    assert "its private key is in the vault" not in words
    assert "stored beside its private key" not in words


def test_the_completed_request_offers_no_key(vault: Vault, client_of: ClientOf) -> None:
    operation = make_brought(vault=vault, name="mine")
    answered(operation)

    page = client_of(make_member(vault)).get(f"/vaults/payments/operations/{operation.request_id.hex}/")

    assert "/download/" not in page.content.decode()
    assert "chain.pem" in page.content.decode()


def test_certificate_and_version_say_that_the_key_was_never_here(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    version = answered(make_brought(vault=vault, name="mine"))

    for address in ("", f"versions/{version}/"):
        page = client.get(f"/vaults/payments/certificates/mine/{address}")
        assert "It was made by whoever brought the request; it was never here." in words_of(page)
        assert "With private key" not in words_of(page)


def test_a_certificate_without_its_key_is_renewed_by_a_new_request(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    answered(make_brought(vault=vault, name="mine"))

    page = client.get("/vaults/payments/certificates/mine/")
    sent = client.post("/vaults/payments/certificates/mine/renew/")

    assert f'href="{url()}?certificate=mine"' in page.content.decode()
    assert 'href="/vaults/payments/request/?certificate=mine"' in page.content.decode()
    assert "certificates/mine/renew/" not in page.content.decode()
    assert (sent.status_code, sent["Location"]) == (303, f"{url()}?certificate=mine")
    assert Operation.objects.count() == 1


def test_a_key_made_here_for_the_next_version_can_be_downloaded(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    answered(make_brought(vault=vault, name="mine"))
    form = answers_on(client.get("/vaults/payments/request/?certificate=mine"))

    checked = client.post("/vaults/payments/request/check/", form)
    client.post("/vaults/payments/request/submit/", answers_on(checked))

    operation = Operation.objects.latest("id")
    assert operation.key is not None
    assert operation.policy.key.exportable


def test_asking_again_with_the_same_answers_sends_the_same_request(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    operation = make_brought(vault=vault, name="mine")
    withdrawing.cancel(operation=operation, by=SYSTEM)

    answer = client.post(f"/vaults/payments/operations/{operation.request_id.hex}/retry/")

    again = Operation.objects.latest("id")
    assert answer.status_code == 303
    assert again.pk != operation.pk
    assert bytes(again.csr) == bytes(operation.csr)
    assert again.key is None


def test_a_certificate_without_version_whose_request_was_brought_asks_for_a_request(
    vault: Vault, client_of: ClientOf
) -> None:
    operation = make_brought(vault=vault, name="mine")
    withdrawing.cancel(operation=operation, by=SYSTEM)

    page = client_of(make_member(vault)).get("/vaults/payments/certificates/mine/")

    assert "Bring a new CSR" in words_of(page)


def test_lists_search_and_home_show_it_like_any_other(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    answered(make_brought(vault=vault, name="mine"))
    make_brought(vault=vault, name="waiting")

    for address in ("/vaults/payments/", "/vaults/payments/?q=www.example.org", "/vaults/payments/operations/"):
        assert "mine" in words_of(client.get(address)), address
    assert "waiting" in words_of(client.get("/"))


def test_disabling_a_version_promises_nothing_about_a_key_that_is_not_here(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    version = answered(make_brought(vault=vault, name="mine"))

    page = client.post(f"/vaults/payments/certificates/mine/versions/{version}/disable/", follow=True)

    assert "Version 1 of “mine” is disabled." in words_of(page)
    assert "cannot be downloaded until" not in words_of(page)


# --------------------------------------------------------------------- queries
def test_the_pages_ask_few_questions(
    vault: Vault, client_of: ClientOf, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(make_member(vault))
    key = ec_key()
    for number in range(8):
        answered(make_brought(vault=vault, name=f"old{number}", csr=make_csr(key=key)))
    client.get(url())

    with django_assert_max_num_queries(3):
        client.get(url())
    with django_assert_max_num_queries(8):
        page = check(client, make_csr(key=key))

    assert words_of(page).count("has this very key") == 5


def test_a_request_with_capitals_is_answered_by_a_certificate_without_them(vault: Vault, client_of: ClientOf) -> None:
    client = client_of(make_member(vault))
    submit(client, csrs.forge_csr(extensions=[csrs.names(csrs.dns(b"WWW.Example.ORG"))]))
    operation = Operation.objects.get()
    leaf = sign_csr(ROOT, bytes(operation.csr), names=["www.example.org"])

    address = f"/vaults/payments/operations/{operation.request_id.hex}/merge/"
    answer = client.post(address, {"certificate": to_pem(leaf) + to_pem(ROOT.der)})

    assert answer.status_code == 303
    assert Version.objects.get().notes == []
