"""A CA that the portal does not know: the signing request goes out, the signed certificate comes back."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import openssl, steps
from tests.browser.openssl import Authority
from tests.browser.site import WORKSHOP

_BRING = "Bring the signed certificate"
_STORE = "Check and store"


@pytest.fixture
def waiting(officer: Page) -> Page:
    """A request that waits for its certificate, in view."""
    steps.ask(officer, WORKSHOP, steps.fresh_name(), issuer=steps.BY_HAND)
    steps.expect_status(officer, "Needs signed certificate")
    return officer


def test_a_pasted_certificate_completes_the_request_and_verifies(
    waiting: Page, authority: Authority, tmp_path: Path
) -> None:
    csr = steps.download(waiting, ".csr", tmp_path)
    waiting.get_by_role("link", name=_BRING).click()
    waiting.get_by_label("Paste the certificate").fill(authority.sign(csr))

    steps.press(waiting, _STORE)

    expect(steps.message(waiting)).to_contain_text("stored as version 1")
    steps.expect_status(waiting, "Completed")
    waiting.locator("#live").get_by_role("link", name="Open the certificate").click()
    steps.open_downloads(waiting)
    authority.verify(steps.download(waiting, "Certificate as PEM", tmp_path))


def test_an_uploaded_leaf_with_its_chain_in_any_order_verifies_from_the_downloaded_chain(
    waiting: Page, authority: Authority, tmp_path: Path
) -> None:
    csr = steps.download(waiting, ".csr", tmp_path)
    answer = tmp_path / "answer.pem"
    answer.write_text(authority.root.read_text() + authority.sign(csr) + authority.intermediate.read_text())
    waiting.get_by_role("link", name=_BRING).click()
    waiting.get_by_label("Or choose the file").set_input_files(answer)

    steps.press(waiting, _STORE)

    steps.expect_status(waiting, "Completed")
    waiting.locator("#live").get_by_role("link", name="Open the certificate").click()
    expect(waiting.get_by_text("CN=Workshop Issuing").first).to_be_visible()
    steps.open_downloads(waiting)
    chain = steps.download(waiting, "Certificate with chain", tmp_path)
    assert openssl.public_key_of_certificate(chain.read_bytes()) == openssl.openssl(
        "req", "-in", csr, "-noout", "-pubkey"
    )
    authority.verify(chain, untrusted=chain)


def test_the_signing_request_is_the_same_on_the_page_as_pem_and_as_der(waiting: Page, tmp_path: Path) -> None:
    shown = waiting.locator("#csr").inner_text()

    pem = steps.download(waiting, ".csr", tmp_path)
    der = steps.download(waiting, "DER (.p10)", tmp_path)

    assert pem.read_text().split() == shown.split()
    as_pem = openssl.openssl("req", "-inform", "DER", "-in", der, "-outform", "PEM")
    assert as_pem == openssl.openssl("req", "-in", pem)


def test_the_signing_request_can_be_copied(waiting: Page) -> None:
    waiting.context.grant_permissions(["clipboard-read", "clipboard-write"])

    waiting.get_by_role("button", name="Copy CSR", exact=True).click()

    expect(waiting.get_by_text("Copied", exact=True)).to_be_attached()
    copied = waiting.evaluate("navigator.clipboard.readText()")
    assert copied.split() == waiting.locator("#csr").inner_text().split()


@pytest.mark.parametrize("kind", ["another key's certificate", "a page of HTML", "a signing request"])
def test_what_is_no_certificate_for_the_request_is_refused_and_kept(
    waiting: Page, authority: Authority, kind: str
) -> None:
    brought = {
        "another key's certificate": authority.sign_another_key(),
        "a page of HTML": "<!doctype html><script>alert(1)</script><h1>Your certificate is ready</h1>",
        "a signing request": waiting.locator("#csr").inner_text(),
    }[kind]
    request = waiting.url
    waiting.get_by_role("link", name=_BRING).click()
    paste = waiting.get_by_label("Paste the certificate")
    paste.fill(brought)

    steps.press(waiting, _STORE)

    expect(waiting.get_by_role("alert")).to_be_visible()
    assert paste.input_value().split() == brought.split()
    waiting.goto(request)
    steps.expect_status(waiting, "Needs signed certificate")


def test_a_private_key_is_refused_and_never_shown_again(waiting: Page) -> None:
    request = waiting.url
    key = openssl.openssl("genpkey", "-algorithm", "ed25519").decode()
    waiting.get_by_role("link", name=_BRING).click()
    waiting.get_by_label("Paste the certificate").fill(key)

    steps.press(waiting, _STORE)

    expect(waiting.get_by_role("alert")).to_contain_text("private key")
    expect(waiting.get_by_label("Paste the certificate")).to_have_value("")
    assert key.splitlines()[1] not in waiting.content()
    waiting.goto(request)
    steps.expect_status(waiting, "Needs signed certificate")


def test_a_file_dropped_on_the_page_is_named_and_merged(waiting: Page, authority: Authority, tmp_path: Path) -> None:
    signed = authority.sign(steps.download(waiting, ".csr", tmp_path))
    waiting.get_by_role("link", name=_BRING).click()
    files = waiting.evaluate_handle(
        "text => { const all = new DataTransfer(); all.items.add(new File([text], 'signed.crt')); return all; }", signed
    )
    waiting.dispatch_event(".drop", "drop", {"dataTransfer": files})
    expect(waiting.locator(".drop output")).to_contain_text("signed.crt")

    steps.press(waiting, _STORE)

    steps.expect_status(waiting, "Completed")


def test_a_certificate_on_the_wrong_request_is_merged_where_it_belongs(
    officer: Page, authority: Authority, tmp_path: Path
) -> None:
    right = steps.ask(officer, WORKSHOP, steps.fresh_name(), issuer=steps.BY_HAND)
    answer = authority.sign(steps.download(officer, ".csr", tmp_path))
    wrong = steps.ask(officer, WORKSHOP, steps.fresh_name(), issuer=steps.BY_HAND)
    officer.get_by_role("link", name=_BRING).click()
    officer.get_by_label("Paste the certificate").fill(answer + authority.intermediate.read_text())
    steps.press(officer, _STORE)

    officer.get_by_role("button", name="Merge there").click()

    expect(steps.message(officer).first).to_contain_text("stored as version 1")
    assert officer.url == right
    steps.expect_status(officer, "Completed")
    officer.goto(wrong)
    steps.expect_status(officer, "Needs signed certificate")


def test_whoever_has_a_certificate_is_led_to_its_request(waiting: Page, authority: Authority, tmp_path: Path) -> None:
    request = waiting.url
    answer = authority.sign(steps.download(waiting, ".csr", tmp_path))
    waiting.get_by_role("navigation", name="Main").get_by_role("link", name="I have a certificate").click()
    waiting.get_by_label("Paste the certificate").fill(f"Dear customer,\n\n{answer}\nKind regards")
    steps.press(waiting, "Find its request")
    expect(waiting.get_by_role("heading", name="It answers a request")).to_be_visible()

    waiting.get_by_role("button", name="Merge there").click()

    assert waiting.url == request
    steps.expect_status(waiting, "Completed")


def test_leaf_and_intermediate_are_chosen_as_two_files(waiting: Page, authority: Authority, tmp_path: Path) -> None:
    leaf, issuing = tmp_path / "leaf.crt", tmp_path / "issuing.crt"
    leaf.write_text(authority.sign(steps.download(waiting, ".csr", tmp_path)))
    issuing.write_text(authority.intermediate.read_text())
    waiting.get_by_role("link", name=_BRING).click()
    waiting.get_by_label("Or choose the file").set_input_files([issuing, leaf])

    steps.press(waiting, _STORE)

    steps.expect_status(waiting, "Completed")
    waiting.locator("#live").get_by_role("link", name="Open the certificate").click()
    expect(waiting.get_by_text("CN=Workshop Issuing").first).to_be_visible()


def test_missing_names_are_shown_and_taken_after_a_tick(waiting: Page, authority: Authority, tmp_path: Path) -> None:
    csr = steps.download(waiting, ".csr", tmp_path)
    waiting.get_by_role("link", name=_BRING).click()
    waiting.get_by_label("Paste the certificate").fill(authority.sign(csr, names="DNS:other.example.org"))
    steps.press(waiting, _STORE)
    expect(waiting.get_by_text("+ other.example.org")).to_be_visible()

    waiting.get_by_label("Take it all the same").check()
    steps.press(waiting, _STORE)

    steps.expect_status(waiting, "Completed")
