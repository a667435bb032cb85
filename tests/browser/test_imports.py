"""Importing, as people do it."""

import csv
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import openssl, steps
from tests.browser.files import Issuer, zipped
from tests.browser.site import OFFICER, WORKSHOP


def open_form(page: Page) -> None:
    page.goto(f"/vaults/{WORKSHOP}/")
    page.get_by_role("link", name="Import").first.click()


def test_a_pfx_file_is_opened_looked_at_and_imported(officer: Page, tmp_path: Path) -> None:
    name = steps.fresh_name()
    open_form(officer)

    steps.bring_files(officer, old_server_pfx=Issuer().pfx(name, f"www.{name}", password="Blåbær 12"))
    expect(officer.get_by_role("alert")).to_contain_text("“old_server.pfx” is protected by a password.")
    officer.get_by_label("Password", exact=True).fill("Blåbær 12")
    steps.press(officer, "Continue")
    expect(officer.get_by_role("heading", name=name)).to_be_visible()
    expect(officer.get_by_text("Complete, in order, up to the root.")).to_be_visible()
    steps.press(officer, "Import")

    expect(steps.message(officer)).to_contain_text("Imported as version 1")
    steps.open_downloads(officer)
    file = steps.download(officer, "Certificate with chain", tmp_path)
    assert f"www.{name}" in openssl.names_of(file.read_bytes())


def test_what_follows_changes_with_the_policy_before_anything_is_imported(officer: Page) -> None:
    open_form(officer)
    steps.bring_files(officer, site_pem=Issuer().bundle(steps.fresh_name()))
    expect(officer.locator("#follows")).to_contain_text("Only a notice will be sent")

    officer.locator("summary", has_text="Change the policy").click()
    officer.get_by_role("radio", name=steps.SELF).check()
    expect(officer.locator("#follows")).to_contain_text("It would be replaced by a self-signed certificate")
    officer.get_by_role("radio", name=steps.BY_HAND).check()

    expect(officer.locator("#follows")).to_contain_text("Only a notice will be sent")


def test_a_dropped_zip_becomes_certificates_without_scripts(signed_in: Callable[..., Page], tmp_path: Path) -> None:
    page = signed_in(OFFICER, java_script_enabled=False)
    issuer, first, second = Issuer(), steps.fresh_name(), steps.fresh_name()
    bundle = zipped(
        one_pem=issuer.bundle(first),
        two_pem=issuer.bundle(second),
        expired_pem=issuer.bundle("old.example.org", age=100),
    )
    open_form(page)

    steps.bring_files(page, move_zip=bundle)
    page.get_by_label(f"Name for {second.replace('.', '-')}").fill("moved-here")
    steps.press(page, "Import what is ticked")

    expect(page.get_by_role("heading", name="2 certificates imported")).to_be_visible()
    expect(page.get_by_role("link", name="moved-here")).to_be_visible()
    table = steps.download(page, "Download the list of what was not imported (CSV)", tmp_path)
    rows = list(csv.reader(table.read_text().splitlines()))
    assert [row[0] for row in rows[1:]] == ["move.zip/expired.pem"]


def test_a_new_version_of_a_certificate_is_imported_without_scripts(signed_in: Callable[..., Page]) -> None:
    page = signed_in(OFFICER, java_script_enabled=False)
    name, issuer = steps.fresh_name(), Issuer()
    open_form(page)
    steps.bring_files(page, site_pem=issuer.bundle(name))
    steps.press(page, "Import")

    page.get_by_role("link", name="Import a new version…").click()
    steps.bring_files(page, site_pem=issuer.bundle(name, days=120))
    expect(page.get_by_text("It becomes the next version of")).to_be_visible()
    steps.press(page, "Import as its next version")

    expect(steps.message(page)).to_contain_text("Imported as version 2")
