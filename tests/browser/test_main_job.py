"""The main job: someone asks for a certificate, watches it come, and takes it away."""

import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import openssl, steps
from tests.browser.site import OFFICER, WORKSHOP, Site


def test_someone_gets_a_certificate_from_sign_in_to_completion_without_reloading(site: Site, page: Page) -> None:
    name = steps.fresh_name()
    steps.sign_in(page, OFFICER, site.password_of(OFFICER))
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Vaults").click()
    page.get_by_role("link", name=WORKSHOP).click()
    page.get_by_role("link", name="Request a certificate").first.click()
    page.get_by_label("Names", exact=True).fill(f"https://{name}/login, *.{name} 10.1.2.3")
    steps.press(page, "Continue")
    answers = page.locator("dl.facts")
    expect(answers).to_contain_text(f"CN={name}")
    for shown in (f"DNS: {name}", f"DNS: *.{name}", "IP: 10.1.2.3", "Self-signed", "EC P-256"):
        expect(answers).to_contain_text(shown)

    steps.press(page, "Send request")
    page.wait_for_url("**/operations/*/")
    page.evaluate("window.stayed = true")
    began = time.monotonic()
    steps.expect_status(page, "Completed")

    print(f"The page showed completion after {time.monotonic() - began:.2f} s.")  # noqa: T201
    assert page.evaluate("window.stayed") is True
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate"
    page.locator("#live").get_by_role("link", name="Open the certificate").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name.replace(".", "-"))
    expect(page.get_by_text("Version 1").first).to_be_visible()


@pytest.mark.parametrize("title", ["Windows, IIS, Azure", "Java", "Old Windows or Java"])
def test_a_pfx_opens_with_the_generated_password_and_holds_the_key_of_the_certificate(
    officer: Page, tmp_path: Path, title: str
) -> None:
    name = steps.fresh_name()
    steps.get_certificate(officer, WORKSHOP, name)
    steps.open_downloads(officer)
    officer.get_by_role("link", name="With private key").click()
    officer.locator("label.choice").filter(has=officer.get_by_text(title, exact=True)).click()
    password = officer.get_by_label("Password of the file").input_value()

    file = steps.download(officer, "Download", tmp_path)

    assert re.fullmatch(r"([a-z0-9]{4}-){6}[a-z0-9]{4}", password)
    assert file.suffix == (".p12" if title == "Java" else ".pfx")
    contents = openssl.open_pfx(file, password, legacy=title.startswith("Old"))
    assert openssl.public_key_of_private(contents) == openssl.public_key_of_certificate(contents)
    assert name in openssl.names_of(contents)
    assert password not in officer.url


def test_a_pem_file_holds_key_and_certificate_that_belong_together(officer: Page, tmp_path: Path) -> None:
    name = steps.fresh_name()
    steps.get_certificate(officer, WORKSHOP, name)
    steps.open_downloads(officer)
    officer.get_by_role("link", name="With private key").click()
    officer.get_by_role("radio", name="PEM, for anything else").check()
    expect(officer.get_by_label("Password of the file")).to_be_hidden()

    contents = steps.download(officer, "Download", tmp_path).read_bytes()

    assert openssl.public_key_of_private(contents) == openssl.public_key_of_certificate(contents)
    assert name in openssl.names_of(contents)


def test_the_lines_for_a_server_name_the_files_that_its_zip_holds(officer: Page, tmp_path: Path) -> None:
    name = steps.fresh_name()
    steps.get_certificate(officer, WORKSHOP, name)
    steps.open_downloads(officer)
    officer.get_by_role("link", name="With private key").click()
    officer.get_by_role("radio", name="nginx").check()
    lines = officer.get_by_role("region", name="In the server block of nginx").inner_text()

    with zipfile.ZipFile(steps.download(officer, "Download", tmp_path)) as archive:
        members = archive.namelist()
        contents = b"".join(map(archive.read, members))

    assert [line.rpartition("/tls/")[2] for line in lines.splitlines()] == [f"{member};" for member in members]
    assert openssl.public_key_of_private(contents) == openssl.public_key_of_certificate(contents)
    expect(officer.get_by_role("region", name="In the VirtualHost of Apache")).to_be_hidden()


def test_a_short_password_is_refused_and_not_shown_again(officer: Page) -> None:
    steps.get_certificate(officer, WORKSHOP, steps.fresh_name())
    steps.open_downloads(officer)
    officer.get_by_role("link", name="With private key").click()
    officer.get_by_label("Password of the file").fill("too-short")

    steps.press(officer, "Download")

    expect(officer.get_by_role("alert")).to_contain_text("fewer than 12 characters")
    assert "too-short" not in officer.content()


def test_certificate_files_without_the_key_come_as_pem_and_der(officer: Page, tmp_path: Path) -> None:
    name = steps.fresh_name()
    steps.get_certificate(officer, WORKSHOP, name)

    steps.open_downloads(officer)
    pem = steps.download(officer, "Certificate as PEM", tmp_path).read_bytes()
    der = steps.download(officer, "Certificate as DER", tmp_path)

    assert b"PRIVATE KEY" not in pem
    assert openssl.openssl("x509", "-inform", "DER", "-in", der, "-outform", "PEM") == pem.replace(b"\r\n", b"\n")
    assert name in openssl.names_of(pem)


def test_a_wrong_name_is_said_at_once_and_nothing_typed_is_lost(officer: Page) -> None:
    steps.fill_in(officer, WORKSHOP, "www.exa mple..org", name="kept-name")
    officer.get_by_label("Certificate name").press("Tab")
    expect(officer.locator("#id_names_slot .field-error")).to_be_visible()

    steps.press(officer, "Continue")

    summary = officer.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(officer).to_have_title(re.compile("^Error: "))
    expect(officer.get_by_label("Names", exact=True)).to_have_value("www.exa mple..org")
    expect(officer.get_by_label("Certificate name")).to_have_value("kept-name")
    summary.get_by_role("link").first.click()
    expect(officer.get_by_label("Names", exact=True)).to_be_focused()


def test_an_answer_can_be_changed_before_it_is_sent(officer: Page) -> None:
    name = steps.fresh_name()
    steps.fill_in(officer, WORKSHOP, "first.example.org")
    steps.press(officer, "Continue")

    officer.get_by_role("button", name="Change alternative names").click()
    expect(officer.get_by_label("Names", exact=True)).to_have_value("first.example.org")
    officer.get_by_label("Names", exact=True).fill(name)
    steps.send(officer)

    steps.expect_status(officer, "Completed")
    expect(officer.get_by_role("heading", level=1)).to_contain_text(name.replace(".", "-"))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_double_click_on_send_makes_one_request(signed_in: Callable[..., Page], scripts: bool) -> None:
    page = signed_in(OFFICER, java_script_enabled=scripts)
    name = steps.fresh_name()
    steps.fill_in(page, WORKSHOP, name)
    steps.press(page, "Continue")

    page.get_by_role("button", name="Send request").dblclick(no_wait_after=True)
    page.wait_for_url("**/operations/*/")

    page.goto(f"/vaults/{WORKSHOP}/operations/")
    expect(page.get_by_role("row", name=re.compile(name.replace(".", "-") + r"\b"))).to_have_count(1)


def test_a_request_goes_on_when_its_page_is_closed(officer: Page) -> None:
    address = steps.ask(officer, WORKSHOP, steps.fresh_name())
    officer.close()

    page = officer.context.new_page()
    page.goto(address)

    steps.expect_status(page, "Completed")
