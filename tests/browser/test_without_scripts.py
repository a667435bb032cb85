"""The same work with JavaScript switched off."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import openssl, steps
from tests.browser.openssl import Authority
from tests.browser.site import ADMINISTRATOR, OFFICER, WORKSHOP, Site


@pytest.fixture
def plain(signed_in: Callable[..., Page]) -> Page:
    """A page of an officer whose browser runs no scripts."""
    return signed_in(OFFICER, java_script_enabled=False)


def test_the_main_job_is_done_without_scripts(site: Site, new_context: Callable[..., object], tmp_path: Path) -> None:
    name = steps.fresh_name()
    page = new_context(java_script_enabled=False).new_page()
    steps.sign_in(page, OFFICER, site.password_of(OFFICER))

    steps.ask(page, WORKSHOP, name)
    steps.expect_status(page, "Completed")
    page.locator("#live").get_by_role("link", name="Download").click()
    password = page.get_by_label("Password of the file").input_value()
    file = steps.download(page, "Download", tmp_path)

    contents = openssl.open_pfx(file, password)
    assert openssl.public_key_of_private(contents) == openssl.public_key_of_certificate(contents)
    assert name in openssl.names_of(contents)


def test_the_unknown_ca_round_trip_is_done_without_scripts(plain: Page, authority: Authority, tmp_path: Path) -> None:
    steps.ask(plain, WORKSHOP, steps.fresh_name(), issuer=steps.BY_HAND)
    answer = tmp_path / "signed.crt"
    answer.write_text(authority.sign(steps.download(plain, ".csr", tmp_path)))
    plain.get_by_role("link", name="Bring the signed certificate").click()
    plain.get_by_label("Or choose the file").set_input_files(answer)
    steps.press(plain, "Check and store")
    steps.expect_status(plain, "Completed")

    plain.locator("#live").get_by_role("link", name="Open the certificate").click()
    steps.open_downloads(plain)

    authority.verify(steps.download(plain, "Certificate as PEM", tmp_path))


def test_a_refused_request_keeps_what_was_typed_and_what_only_scripts_could_do_is_hidden(plain: Page) -> None:
    steps.fill_in(plain, WORKSHOP, "not a name at all!", name="kept-name")

    steps.press(plain, "Continue")

    expect(plain.get_by_role("alert")).to_be_visible()
    expect(plain.get_by_label("Names", exact=True)).to_have_value("not a name at all!")
    expect(plain.get_by_label("Certificate name")).to_have_value("kept-name")
    plain.goto("/account/password/")
    expect(plain.get_by_role("button", name="Show password")).to_have_count(0)


def test_the_theme_and_the_menus_work_without_scripts(signed_in: Callable[..., Page]) -> None:
    page = signed_in(ADMINISTRATOR, java_script_enabled=False)
    page.goto("/vaults/")
    page.locator(".masthead .menu summary").click()

    steps.press(page, "Dark")

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page).to_have_url("/vaults/")
