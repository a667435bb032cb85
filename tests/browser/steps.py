"""What people do in the browser, in their words: labels and buttons, never selectors of ours where a word will do."""

import itertools
from pathlib import Path
from typing import Final

from playwright.sync_api import FilePayload, Locator, Page, expect

SELF: Final = "Self-signed"
BY_HAND: Final = "Another CA, by hand"
_numbers = itertools.count(1)


def fresh_name() -> str:
    """Return a host name that no test has asked for."""
    return f"job{next(_numbers)}.example.org"


def sign_in(page: Page, person: str, password: str) -> None:
    """Sign in by the form and arrive at the first page."""
    page.goto("/sign-in/")
    page.get_by_label("User name").fill(person)
    page.get_by_label("Password", exact=True).fill(password)
    press(page, "Sign in")
    page.wait_for_url("/")


def press(page: Page | Locator, words: str) -> None:
    """Press the button with exactly these words."""
    page.get_by_role("button", name=words, exact=True).click()


def fill_in(page: Page, vault: str, names: str, *, issuer: str = SELF, name: str = "") -> None:
    """Open the request form from the vault's page and fill it in."""
    page.goto(f"/vaults/{vault}/")
    page.get_by_role("link", name="Request a certificate").first.click()
    page.get_by_label("Names", exact=True).fill(names)
    page.get_by_role("radio", name=issuer).check()
    if name:
        page.get_by_label("Certificate name").fill(name)


def send(page: Page) -> None:
    """Go through the page of answers and send the request."""
    press(page, "Continue")
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    press(page, "Send request")
    page.wait_for_url("**/operations/*/")


def ask(page: Page, vault: str, names: str, *, issuer: str = SELF, name: str = "") -> str:
    """Ask for a certificate and return the address of the request."""
    fill_in(page, vault, names, issuer=issuer, name=name)
    send(page)
    return page.url


def get_certificate(page: Page, vault: str, names: str, *, name: str = "") -> None:
    """Ask for a self-signed certificate and stay on its page."""
    ask(page, vault, names, name=name)
    expect_status(page, "Completed")
    page.locator("#main").get_by_role("link", name="Open the certificate").first.click()
    page.wait_for_url("**/certificates/*/")


def bring_files(page: Page, *, password: str = "", **files: bytes) -> None:
    """On the import form, choose files and go on; the last underscore of a keyword is the dot of the file's name."""
    chosen = [
        FilePayload(name=".".join(name.rsplit("_", 1)), mimeType="", buffer=octets) for name, octets in files.items()
    ]
    page.get_by_label("Choose files").set_input_files(chosen)
    if password:
        page.get_by_label("Password", exact=True).fill(password)
    press(page, "Continue")


def bring_request(page: Page, vault: str, csr: str) -> None:
    """Bring a request made elsewhere, by way of the request form, and stay on the page that shows it."""
    page.goto(f"/vaults/{vault}/request/")
    page.get_by_role("link", name="Bring your own CSR").click()
    page.get_by_label("Paste the request (CSR)").fill(csr)
    press(page, "Continue")
    expect(page.get_by_role("heading", name="Check the request")).to_be_visible()


def make_vault(page: Page, name: str) -> None:
    """Make a vault and stay on its page."""
    page.goto("/vaults/")
    page.get_by_role("link", name="New vault").click()
    page.get_by_label("Name", exact=True).fill(name)
    press(page, "Make vault")
    expect(message(page)).to_contain_text(f"The vault “{name}” is ready")


def delete_vault(page: Page, name: str) -> None:
    """Delete a vault, and stay on the page of deleted vaults."""
    page.goto(f"/vaults/{name}/settings/")
    deletion = page.locator(".danger-item", has=page.get_by_role("heading", name="Delete this vault"))
    deletion.get_by_label(f"Type {name} to confirm").fill(name)
    press(deletion, "Delete this vault")
    expect(message(page)).to_contain_text(f"“{name}” is deleted")


def invite(page: Page, username: str, full_name: str) -> str:
    """Invite someone and return their one-time link."""
    page.goto("/people/")
    page.get_by_role("link", name="Invite someone").click()
    page.get_by_label("User name").fill(username)
    page.get_by_label("Full name").fill(full_name)
    press(page, "Invite")
    return page.locator("#link").inner_text().strip()


def expect_status(page: Page, words: str) -> None:
    """Wait until the request's page shows this status."""
    expect(page.locator("#progress .status").first).to_have_text(words)


def message(page: Page) -> Locator:
    """The message of the last action."""
    return page.locator(".messages")


def download(page: Page, words: str, to: Path) -> Path:
    """Press the link or button of these words and save the file that comes."""
    pressed = page.get_by_role("link", name=words).or_(page.get_by_role("button", name=words, exact=True))
    with page.expect_download() as coming:
        pressed.first.click()
    path = to / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def open_downloads(page: Page) -> None:
    """Open the certificate's menu of files."""
    page.locator("summary", has_text="Download").click()


def fill_in_token(page: Page, password: str) -> None:
    """Fill in the form for a token of the vault “payments”."""
    page.get_by_label("Name", exact=True).fill("web server 3")
    page.get_by_label("payments", exact=True).check()
    page.get_by_label("Your password", exact=True).fill(password)
