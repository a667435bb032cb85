"""An administrator connects a CA, which is played by the simulator."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.site import ADMINISTRATOR, ATTIC
from vault.simulators import SIMULATORS
from vault.simulators.kit import Simulator

SignIn = Callable[..., Page]


@pytest.fixture(scope="module")
def digicert() -> Iterator[Simulator]:
    with SIMULATORS["digicert"]() as running:
        yield running


def fill_in(page: Page, digicert: Simulator, name: str) -> None:
    values = digicert.values()
    page.goto(f"/vaults/{ATTIC}/issuers/")
    page.get_by_role("link", name="Add an issuer").first.click()
    page.get_by_role("link", name="DigiCert").click()
    page.locator("summary", has_text="More, for special cases").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Account number").fill(values["account_id"])
    page.get_by_label("API key").fill(values["password"])
    page.get_by_label("Address").fill(values["address"])
    page.get_by_label("Organisation").fill("1")


def test_an_issuer_is_tested_while_it_is_typed_and_the_lists_of_the_ca_come_into_the_form(
    signed_in: SignIn, digicert: Simulator
) -> None:
    page = signed_in(ADMINISTRATOR)
    fill_in(page, digicert, "rehearsal")
    page.get_by_label("Organisation").fill(digicert.values()["organisation_id"])

    steps.press(page, "Test now")

    expect(page.get_by_role("heading", name="The CA answered as it should")).to_be_visible()
    organisation = page.get_by_label("Organisation")
    expect(organisation).to_have_js_property("tagName", "SELECT")
    expect(organisation).to_have_value(digicert.values()["organisation_id"])
    expect(page.get_by_label("API key")).to_have_value(digicert.values()["password"])
    assert digicert.orders == []
    steps.press(page, "Add the issuer")
    expect(steps.message(page)).to_contain_text("The issuer “rehearsal” is ready for requests")
    steps.press(page, "Test now")
    expect(steps.message(page)).to_contain_text("“rehearsal” works")
    assert digicert.values()["password"] not in page.content()


def test_what_is_wrong_is_said_before_the_ca_is_asked(signed_in: SignIn, digicert: Simulator) -> None:
    page = signed_in(ADMINISTRATOR)
    fill_in(page, digicert, "nowhere")
    page.get_by_label("Address").fill("http://ca.example.org")

    steps.press(page, "Test now")

    expect(page.locator("#tried")).to_contain_text("does not begin with https://")
    page.locator("#tried a").click()
    expect(page.get_by_label("Address")).to_be_focused()


def test_fields_that_depend_on_another_come_and_go_with_it(signed_in: SignIn) -> None:
    page = signed_in(ADMINISTRATOR)
    page.goto(f"/vaults/{ATTIC}/new-issuer/ACME/")
    expect(page.get_by_label("Directory address")).to_be_hidden()

    page.get_by_label("CA", exact=True).select_option(label=_label_of_own(page))

    expect(page.get_by_label("Directory address")).to_be_visible()
    page.get_by_label("CA", exact=True).select_option(index=0)
    expect(page.get_by_label("Directory address")).to_be_hidden()


def _label_of_own(page: Page) -> str:
    """The last choice is the directory of one's own."""
    return page.get_by_label("CA", exact=True).locator("option").last.inner_text()


def test_without_scripts_every_field_is_there_and_a_test_comes_with_the_page(
    signed_in: SignIn, digicert: Simulator
) -> None:
    page = signed_in(ADMINISTRATOR, java_script_enabled=False)
    page.goto(f"/vaults/{ATTIC}/new-issuer/ACME/")
    expect(page.get_by_label("Directory address")).to_be_visible()
    expect(page.get_by_text("Counts only with “CA”").first).to_be_visible()
    fill_in(page, digicert, "plain")
    page.get_by_label("Organisation").fill(digicert.values()["organisation_id"])

    steps.press(page, "Test now")
    expect(page.get_by_role("heading", name="The CA answered as it should")).to_be_visible()
    expect(page.get_by_label("API key")).to_have_value("")
    expect(page.get_by_text("Type them once more before you save")).to_be_visible()
    page.get_by_label("API key").fill(digicert.values()["password"])
    steps.press(page, "Add the issuer")

    expect(steps.message(page)).to_contain_text("The issuer “plain” is ready for requests")
