"""A request made elsewhere by openssl: its key never comes here, its certificate does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import openssl, steps
from tests.browser.openssl import Authority
from tests.browser.site import OFFICER, WORKSHOP

_STORE = "Check and store"


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path]:
    """A key and a request for it, made by openssl."""
    return openssl.own_request(tmp_path, steps.fresh_name())


def bring_answer(page: Page, certificate: str) -> None:
    page.get_by_role("link", name="Bring the signed certificate").click()
    page.get_by_label("Paste the certificate").fill(certificate)
    steps.press(page, _STORE)
    steps.expect_status(page, "Completed")
    page.locator("#live").get_by_role("link", name="Open the certificate").click()


def test_the_certificate_for_an_own_request_verifies_and_fits_the_key_that_was_never_here(
    officer: Page, own: tuple[Path, Path], authority: Authority, tmp_path: Path
) -> None:
    key, csr = own
    steps.bring_request(officer, WORKSHOP, csr.read_text())
    steps.press(officer, "Send request")
    steps.expect_status(officer, "Needs signed certificate")
    same = steps.download(officer, ".csr", tmp_path)
    assert openssl.openssl("req", "-in", same) == openssl.openssl("req", "-in", csr)

    bring_answer(officer, authority.sign(same))

    expect(officer.get_by_text("it was never here").first).to_be_visible()
    steps.open_downloads(officer)
    expect(officer.get_by_role("link", name="With private key")).to_have_count(0)
    certificate = steps.download(officer, "Certificate as PEM", tmp_path)
    authority.verify(certificate)
    mine = openssl.public_key_of_private(key.read_bytes())
    assert openssl.public_key_of_certificate(certificate.read_bytes()) == mine


def test_the_next_version_takes_a_new_request(
    officer: Page, own: tuple[Path, Path], authority: Authority, tmp_path: Path
) -> None:
    steps.bring_request(officer, WORKSHOP, own[1].read_text())
    steps.press(officer, "Send request")
    bring_answer(officer, authority.sign(own[1]))
    _, another = openssl.own_request(tmp_path, steps.fresh_name())

    officer.get_by_role("link", name="Bring a new CSR").click()
    officer.get_by_label("Or choose the file").set_input_files(another)
    steps.press(officer, "Continue")
    expect(officer.get_by_text("This makes a new version of")).to_be_visible()
    steps.press(officer, "Send request")
    bring_answer(officer, authority.sign(another))

    expect(officer.get_by_role("link", name="Version 2")).to_be_visible()


def test_a_private_key_beside_the_request_is_refused_and_never_shown_again(
    officer: Page, own: tuple[Path, Path]
) -> None:
    key, csr = own
    officer.goto(f"/vaults/{WORKSHOP}/request/csr/")
    officer.get_by_label("Paste the request (CSR)").fill(key.read_text() + csr.read_text())

    steps.press(officer, "Continue")

    expect(officer.get_by_role("alert")).to_contain_text("private key")
    expect(officer.get_by_label("Paste the request (CSR)")).to_have_value("")
    assert key.read_text().splitlines()[1] not in officer.content()


def test_a_request_for_a_ca_is_refused_and_stays_in_the_form(officer: Page, tmp_path: Path) -> None:
    _, csr = openssl.own_request(tmp_path, steps.fresh_name(), "basicConstraints=critical,CA:TRUE")
    officer.goto(f"/vaults/{WORKSHOP}/request/csr/")
    paste = officer.get_by_label("Paste the request (CSR)")
    paste.fill(csr.read_text())

    steps.press(officer, "Continue")

    expect(officer.get_by_role("alert")).to_contain_text("CA:TRUE")
    assert paste.input_value().split() == csr.read_text().split()


def test_an_own_request_goes_all_the_way_without_scripts(
    signed_in: Callable[..., Page], own: tuple[Path, Path], authority: Authority, tmp_path: Path
) -> None:
    plain = signed_in(OFFICER, java_script_enabled=False)
    plain.goto(f"/vaults/{WORKSHOP}/request/csr/")
    plain.get_by_label("Or choose the file").set_input_files(own[1])
    steps.press(plain, "Continue")
    steps.press(plain, "Send request")

    bring_answer(plain, authority.sign(own[1]))

    steps.open_downloads(plain)
    authority.verify(steps.download(plain, "Certificate as PEM", tmp_path))
