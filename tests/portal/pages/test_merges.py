import subprocess
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from portal.models import Role, User
from tests.factories import make_member, make_operation, make_vault
from tests.pki.authority import (
    Authority,
    ec_key,
    key_pem,
    make_intermediate,
    make_leaf,
    make_root,
    sign_csr,
    to_pem,
)
from tests.portal.browsing import answers_on
from vault.lifecycle import merging
from vault.models import Operation, Version
from vault.models.audit import AuditEvent
from vault.models.policy import SELF, AlternativeNames

SignIn = Callable[[User], Client]


class Desk:
    """An officer's browser in front of a request that waits for its certificate."""

    def __init__(self, client_of: SignIn, **facts: object) -> None:
        self.vault = make_vault()
        self.officer = make_member(self.vault)
        self.operation = make_operation(vault=self.vault, name="shop", by=self.officer, **facts)
        self.browser = client_of(self.officer)
        self.page = f"/vaults/{self.vault}/operations/{self.operation}/"
        self.root = make_root()

    def answer(self, authority: Authority | None = None, **facts: object) -> bytes:
        return sign_csr(authority or self.root, bytes(self.operation.csr), **facts)

    def paste(self, text: str, **more: object) -> object:
        return self.browser.post(f"{self.page}merge/", {"certificate": text, **more})

    def upload(self, octets: bytes, text: str = "", **more: object) -> object:
        return self.paste(text, file=SimpleUploadedFile("answer.bin", octets), **more)

    def is_done(self) -> bool:
        self.operation.refresh_from_db()
        return self.operation.status == Operation.Status.COMPLETED


@pytest.fixture
def desk(client_of: SignIn) -> Desk:
    return Desk(client_of)


def kept(response: object) -> str:
    return response.context_data["form"]["certificate"].value()


def refusal(response: object) -> str:
    return " ".join(response.context_data["form"].errors.get("certificate", []))


# ------------------------------------------------------------ what is taken
def test_a_pasted_certificate_completes_the_request(desk: Desk) -> None:
    response = desk.paste(to_pem(desk.answer()))

    assert (response.status_code, response["Location"]) == (303, desk.page)
    assert desk.is_done()
    assert "The certificate is here: version 1" in desk.browser.get(desk.page).text


def test_text_around_it_a_chain_in_the_wrong_order_and_crlf_do_no_harm(desk: Desk) -> None:
    issuing = make_intermediate(desk.root)
    text = "Dear customer,\n" + desk.root.pem + issuing.pem + "your certificate:\n" + to_pem(desk.answer(issuing))

    response = desk.paste(text.replace("\n", "\r\n"))

    version = Version.objects.get()
    assert response.status_code == 303
    assert version.chain == issuing.pem + desk.root.pem
    assert version.chain_complete


def test_der_is_taken_from_a_file(desk: Desk) -> None:
    response = desk.upload(desk.answer())

    assert response.status_code == 303
    assert desk.is_done()


def test_pkcs7_is_taken_from_a_file(desk: Desk, tmp_path: object) -> None:
    both = tmp_path / "both.pem"
    both.write_text(desk.root.pem + to_pem(desk.answer()))
    made = subprocess.run(
        ["openssl", "crl2pkcs7", "-nocrl", "-certfile", str(both), "-outform", "DER"], check=True, capture_output=True
    )

    response = desk.upload(made.stdout)

    assert response.status_code == 303
    assert Version.objects.get().chain == desk.root.pem


def test_a_file_and_a_paste_are_read_together(desk: Desk) -> None:
    issuing = make_intermediate(desk.root)

    response = desk.upload(desk.answer(issuing), f"Here is our chain:\n{issuing.pem}")

    assert response.status_code == 303
    assert Version.objects.get().chain == issuing.pem


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_a_certificate_that_comes_after_the_end_can_still_be_merged(desk: Desk, end: str) -> None:
    if end == "cancel":
        desk.operation.cancel()
    else:
        desk.operation.fail(code="X", message="no")
    page = desk.browser.get(desk.page)

    response = desk.paste(to_pem(desk.answer()))

    assert "A certificate came after all" in page.text
    assert response.status_code == 303
    assert desk.is_done()


def test_a_requester_merges_for_their_own_certificate(client_of: SignIn) -> None:
    vault = make_vault()
    requester = make_member(vault, Role.REQUESTER)
    operation = make_operation(vault=vault, by=requester)
    answer = to_pem(sign_csr(make_root(), bytes(operation.csr)))

    response = client_of(requester).post(f"/vaults/{vault}/operations/{operation}/merge/", {"certificate": answer})

    assert response.status_code == 303


def test_a_reader_cannot_merge(desk: Desk, client_of: SignIn) -> None:
    browser = client_of(make_member(desk.vault, Role.READER))

    statuses = [
        browser.get(f"{desk.page}merge/").status_code,
        browser.post(f"{desk.page}merge/", {"certificate": to_pem(desk.answer())}).status_code,
    ]

    assert statuses == [403, 403]
    assert not desk.is_done()


# ---------------------------------------------------------- what is refused
NOT_CERTIFICATES = {
    "nothing": "",
    "spaces": " \r\n\t ",
    "text": "the certificate is attached",
    "page": "<!doctype html><html><script>alert(1)</script></html>",
    "nul": "\x00" * 50,
    "broken": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "cut": "-----BEGIN CERTIFICATE-----\nMIIB",
    "turned": "\u202egro.elpmaxe",
    "long": "Hello " * (900_000 // 6),
}


@pytest.mark.parametrize("text", NOT_CERTIFICATES.values(), ids=NOT_CERTIFICATES.keys())
def test_what_is_no_certificate_is_refused_in_words_and_stays_in_the_form(desk: Desk, text: str) -> None:
    response = desk.paste(text)

    assert response.status_code == 422
    assert refusal(response)
    assert kept(response).replace("\r\n", "\n") == text.replace("\r\n", "\n")
    assert "<script>alert" not in response.text
    assert not desk.is_done()
    assert desk.operation.is_in_progress


@pytest.mark.parametrize(
    "octets", [b"", b"\x00" * 1000, b"\xff\xfe" * 500, b"PK\x03\x04" + b"0" * 400, b"<html>" * 100]
)
def test_a_file_that_is_no_certificate_is_refused_in_words(desk: Desk, octets: bytes) -> None:
    response = desk.upload(octets)

    assert response.status_code == 422
    assert refusal(response)
    assert not desk.is_done()


def test_the_signing_request_itself_is_recognised(desk: Desk) -> None:
    csr = desk.browser.get(f"{desk.page}csr.pem").content.decode()

    response = desk.paste(csr)

    assert response.status_code == 422
    assert "certificate request" in refusal(response)


def test_a_certificate_for_another_key_is_refused_and_kept_from_an_upload_as_text(desk: Desk) -> None:
    stranger = make_leaf(desk.root)

    response = desk.upload(stranger.der)

    assert response.status_code == 422
    assert "made for another request" in refusal(response)
    assert kept(response) == stranger.pem
    assert not desk.is_done()


def test_nothing_of_a_paste_is_lost_when_the_file_beside_it_is_refused(desk: Desk) -> None:
    stranger = make_leaf(desk.root)

    refused = desk.upload(stranger.der, f"Our chain:\r\n{desk.root.pem}")

    assert refused.status_code == 422
    assert stranger.pem in kept(refused)
    assert f"Our chain:\n{desk.root.pem}" in kept(refused).replace("\r\n", "\n")


@pytest.mark.parametrize("beside", ["nothing", "its certificate"])
@pytest.mark.parametrize("way", ["paste", "file", "aside"])
def test_a_private_key_is_never_shown_again_nor_kept(desk: Desk, way: str, beside: str) -> None:
    secret = key_pem(ec_key())
    text = secret + (to_pem(desk.answer()) if beside == "its certificate" else "")

    if way == "paste":
        response = desk.paste(text)
    elif way == "file":
        response = desk.upload(text.encode())
    else:
        response = desk.upload(b"not a certificate", text)

    assert response.status_code == 422
    assert "exposed" in refusal(response)
    assert kept(response) == ""
    assert secret.splitlines()[1] not in response.text
    assert not desk.is_done()


def test_a_self_signed_answer_a_ca_and_an_expired_one_are_refused_with_the_reason(desk: Desk) -> None:
    texts = [
        refusal(desk.upload(desk.answer(ca=True))),
        refusal(desk.upload(desk.answer(days=0.0001))),
    ]

    assert all(texts)
    assert "expired" in texts[1]
    assert not desk.is_done()


def test_missing_names_are_shown_and_taken_only_on_a_persons_word(client_of: SignIn) -> None:
    desk = Desk(client_of, names=AlternativeNames(dns=("www.example.org", "shop.example.org")))
    answer = desk.answer(names=["www.example.org", "added.example.org"])

    asked = desk.upload(answer)
    assert asked.status_code == 422
    assert "shop.example.org" in asked.text
    assert "Take it all the same" in asked.text
    assert not desk.is_done()
    mark = asked.context["form"]["about"].value()
    another = desk.upload(desk.answer(names=["other.example.org"]), confirmed="on", about=mark)
    assert another.status_code == 422
    assert not desk.is_done()
    taken = desk.paste(kept(asked), confirmed="on", about=mark)

    assert taken.status_code == 303
    assert desk.is_done()
    assert any("shop.example.org" in note for note in Version.objects.get().notes)


@pytest.mark.parametrize("size", [1_100_000, 20_000_000])
def test_a_file_over_the_limit_is_refused_with_plain_words(desk: Desk, size: int) -> None:
    assert size > settings.UPLOAD_LIMIT

    response = desk.upload(b"0" * size)

    assert response.status_code == 413
    assert "too large" in response.text
    assert not desk.is_done()


def test_a_paste_over_the_limit_is_refused_with_plain_words(desk: Desk) -> None:
    responses = [desk.paste("A" * size) for size in (1_100_000, 20_000_000)]

    assert [response.status_code for response in responses] == [422, 413]
    assert not desk.is_done()


# ------------------------------------------------------- who was faster wins
def test_the_second_of_two_people_is_told_and_led_to_the_certificate(desk: Desk) -> None:
    answer = to_pem(desk.answer())
    desk.paste(answer)

    answers = [desk.browser.get(f"{desk.page}merge/"), desk.paste(answer), desk.paste("nonsense")]

    assert [response.status_code for response in answers] == [409, 409, 409]
    for response in answers:
        assert f"version 1 was stored by {desk.officer.username} on" in response.text
        assert f"/vaults/{desk.vault}/certificates/shop/" in response.text
    assert Version.objects.count() == 1


def test_someone_who_loses_the_race_inside_the_merge_is_told_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = desk.answer()
    merge = merging.merge

    def after_another(**facts: object) -> Version:
        rival = Operation.objects.get(pk=desk.operation.pk)
        merge(**facts | {"operation": rival})
        return merge(**facts)

    monkeypatch.setattr(merging, "merge", after_another)

    response = desk.paste(to_pem(answer))

    assert response.status_code == 409
    assert Version.objects.count() == 1


def test_the_same_certificate_is_not_stored_twice(client_of: SignIn) -> None:
    desk = Desk(client_of)
    answer = to_pem(desk.answer())
    desk.paste(answer)
    make_operation(vault=desk.vault, name="shop", by=desk.officer)
    later = Operation.objects.order_by("-id").first()
    earlier = Operation.objects.get(pk=desk.operation.pk)
    same = {"key": earlier.key, "csr": earlier.csr, "spki_sha256": earlier.spki_sha256}
    Operation.objects.filter(pk=later.pk).update(**same)

    response = desk.browser.post(f"/vaults/{desk.vault}/operations/{later}/merge/", {"certificate": answer})

    assert response.status_code == 409
    assert f"version 1 of “shop” already, stored by {desk.officer.username} on" in response.text
    assert Version.objects.count() == 1


def test_a_request_that_its_issuer_answers_takes_no_certificate_and_can_be_cancelled(client_of: SignIn) -> None:
    desk = Desk(client_of, issuer=SELF)

    answers = [desk.browser.get(f"{desk.page}merge/"), desk.paste(to_pem(desk.answer()))]

    assert [response.status_code for response in answers] == [409, 409]
    for response in answers:
        assert "answers this request itself" in response.text
        assert f'action="{desk.page}cancel/"' in response.text
    assert not desk.is_done()


# ----------------------------------------------------- the doctor: whose is it
def test_it_names_the_request_that_the_certificate_fits_and_merges_there(desk: Desk) -> None:
    other = make_operation(vault=desk.vault, name="shop-prod", by=desk.officer)
    answer = sign_csr(desk.root, bytes(other.csr))

    told = desk.upload(answer)
    there = desk.browser.post(f"/vaults/{desk.vault}/operations/{other}/merge/", answers_on(told, within="form"))

    (fit,) = told.context_data["finding"].fits
    assert told.status_code == 422
    assert (fit.operation, fit.started_by, fit.may_merge) == (other, "you", True)
    assert f'action="/vaults/{desk.vault}/operations/{other}/merge/"' in told.text
    assert there.status_code == 303
    other.refresh_from_db()
    assert other.status == Operation.Status.COMPLETED
    assert not desk.is_done()


def test_a_request_in_a_vault_that_the_person_does_not_see_is_not_named(desk: Desk) -> None:
    hidden = make_operation(name="top-secret", by=make_member(make_vault()))

    told = desk.paste(to_pem(sign_csr(desk.root, bytes(hidden.csr))))

    assert told.context_data["finding"].fits == []
    assert "top-secret" not in told.text
    assert "Ask the CA which request it signed" in told.text


def test_a_request_that_the_person_only_sees_is_named_without_a_button(desk: Desk) -> None:
    vault = make_vault()
    owner = make_member(vault, Role.REQUESTER)
    make_member(vault, Role.READER, desk.officer)
    other = make_operation(vault=vault, name="theirs", by=owner)

    told = desk.paste(to_pem(sign_csr(desk.root, bytes(other.csr))))

    (fit,) = told.context_data["finding"].fits
    assert (fit.operation, fit.may_merge) == (other, False)
    assert "Merge there" not in told.text
    assert f"Ask {owner.username} or an officer" in told.text


def test_a_certificate_that_is_a_version_already_says_which_who_and_when(desk: Desk) -> None:
    other = make_operation(vault=desk.vault, name="shop-prod", by=desk.officer)
    answer = to_pem(sign_csr(desk.root, bytes(other.csr)))
    desk.browser.post(f"/vaults/{desk.vault}/operations/{other}/merge/", {"certificate": answer})

    told = desk.paste(answer)

    assert "This is version 1 of shop-prod already" in told.text
    assert f"in the vault {desk.vault} by you on" in told.text
    assert f"/certificates/shop-prod/versions/{Version.objects.get()}/" in told.text


def test_what_to_ask_the_ca_holds_fingerprint_names_and_reference(desk: Desk) -> None:
    told = desk.paste(make_leaf(desk.root).pem)

    letter = told.context_data["letter"]
    desk.operation.refresh_from_db()
    assert desk.operation.spki_sha256 in letter
    assert "www.example.org" in letter
    assert str(desk.operation) in letter


def test_an_alarm_is_told_on_the_page_and_in_the_trail(desk: Desk) -> None:
    response = desk.upload(desk.answer(ca=True))

    assert response.status_code == 422
    assert "tell whoever runs the portal" in refusal(response)
    assert AuditEvent.objects.filter(chain=desk.vault.pk, result="alarm", actor=desk.officer.username).count() == 1


def test_no_part_of_a_mismatch_scans_or_multiplies_queries(
    desk: Desk, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        other = make_operation(vault=desk.vault, name=f"other{number}", by=desk.officer)
    answer = to_pem(sign_csr(desk.root, bytes(other.csr)))

    with django_assert_max_num_queries(14):
        told = desk.paste(answer)

    assert len(told.context_data["finding"].fits) == 1
