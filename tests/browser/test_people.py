"""Coming in and going out: first password, invitation, theme, sign-out."""

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import steps
from tests.browser.site import ADMINISTRATOR, OFFICER, PASSWORD, STRANGER, WORKSHOP, Site

NewContext = Callable[..., BrowserContext]


def test_the_first_administrator_signs_in_with_the_printed_password_and_must_change_it(site: Site, page: Page) -> None:
    page.goto("/vaults/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password", exact=True).fill(site.first_password)
    steps.press(page, "Sign in")
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose your own password")
    page.goto("/people/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose your own password")

    page.get_by_label("Current password", exact=True).fill(site.first_password)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    steps.press(page, "Set password")

    expect(steps.message(page)).to_contain_text("Your password is changed")
    page.goto("/people/")
    expect(page.get_by_role("heading", level=1)).to_have_text("People")


def test_a_wrong_password_is_refused_without_saying_which_part_is_wrong(page: Page) -> None:
    page.goto("/sign-in/")
    page.get_by_label("User name").fill("nobody-here")
    page.get_by_label("Password", exact=True).fill("wrong-password-1")

    steps.press(page, "Sign in")

    expect(page.get_by_role("alert")).to_contain_text("do not fit")
    expect(page.get_by_label("User name")).to_have_value("nobody-here")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")


def test_the_sign_in_page_leads_on_to_where_someone_was_going(site: Site, page: Page) -> None:
    page.goto(f"/vaults/{WORKSHOP}/operations/")
    page.get_by_label("User name").fill(OFFICER)
    page.get_by_label("Password", exact=True).fill(site.password_of(OFFICER))

    steps.press(page, "Sign in")

    expect(page).to_have_url(f"{site.url}/vaults/{WORKSHOP}/operations/")


def test_a_password_can_be_shown_and_is_hidden_again_before_it_is_sent(page: Page) -> None:
    page.goto("/sign-in/")
    password = page.get_by_label("Password", exact=True)
    password.fill("visible-for-now")

    page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")
    page.get_by_role("button", name="Show password").click()

    expect(password).to_have_attribute("type", "password")


def test_an_invited_person_opens_the_link_elsewhere_chooses_a_password_and_is_in(
    signed_in: Callable[..., Page], new_context: NewContext
) -> None:
    link = steps.invite(signed_in(ADMINISTRATOR), "nadia", "Nadia Newcomer")

    theirs = new_context().new_page()
    theirs.goto(link)
    theirs.get_by_label("New password", exact=True).fill(PASSWORD)
    steps.press(theirs, "Set password and sign in")

    expect(steps.message(theirs)).to_contain_text("Welcome, Nadia Newcomer")
    again = new_context().new_page()
    answer = again.goto(link)
    assert answer is not None
    assert answer.status == 404
    expect(again.get_by_role("heading", level=1)).to_have_text("This link does not work any more")


def test_the_theme_is_switched_and_kept(signed_in: Callable[..., Page]) -> None:
    page = signed_in(OFFICER, color_scheme="light")
    page.goto("/")
    before = _background(page)

    page.locator(".masthead .menu summary").click()
    steps.press(page, "Dark")

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert _background(page) != before
    page.goto("/vaults/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator(".masthead .menu summary").click()
    steps.press(page, "System")
    expect(page.locator("html")).not_to_have_attribute("data-theme", re.compile(".*"))


def test_someone_who_signed_out_is_asked_to_sign_in_again_even_by_the_back_button(site: Site, page: Page) -> None:
    steps.sign_in(page, OFFICER, site.password_of(OFFICER))
    page.goto(f"/vaults/{WORKSHOP}/")

    page.locator(".masthead .menu summary").click()
    steps.press(page, "Sign out")

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_page_that_watches_a_request_asks_to_sign_in_when_the_session_has_ended(site: Site, page: Page) -> None:
    steps.sign_in(page, OFFICER, site.password_of(OFFICER))
    steps.ask(page, WORKSHOP, steps.fresh_name(), issuer=steps.BY_HAND)

    page.context.clear_cookies()

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_someone_in_no_vault_is_told_what_to_do(signed_in: Callable[..., Page]) -> None:
    page = signed_in(STRANGER)

    page.goto("/")

    expect(page.get_by_role("main")).to_contain_text(f"tell them your user name: {STRANGER}")


def _background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
