"""With the keyboard alone, and always seeing where one is."""

from collections.abc import Callable
from typing import Final

from playwright.sync_api import Locator, Page, expect

from tests.browser import steps
from tests.browser.site import OFFICER, WORKSHOP, Site

_MOST_STOPS: Final = 80
# Whether what has the focus is within the window, and marked: by an outline or a shadow of its own or of its frame.
_IS_SEEN: Final = """() => {
  document.getAnimations().forEach(each => each.finish());
  const marked = each => {
    const style = getComputedStyle(each);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none";
  };
  const one = document.activeElement, box = one.getBoundingClientRect();
  const within = box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0;
  return within && (marked(one) || marked(one.parentElement) || marked(one.closest("tr, li, label") ?? one));
}"""


def test_someone_signs_in_and_asks_for_a_certificate_by_keyboard_alone(site: Site, page: Page) -> None:
    name = steps.fresh_name()
    page.goto(f"/vaults/{WORKSHOP}/request/")
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type(OFFICER)
    _tab_to(page, page.get_by_label("Password", exact=True))
    page.keyboard.type(site.password_of(OFFICER))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Request a certificate")

    _tab_to(page, page.get_by_label("Names", exact=True))
    page.keyboard.type(name)
    _tab_to(page, page.get_by_role("radio", name=steps.SELF))
    _tab_to(page, page.get_by_role("button", name="Continue"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    _tab_to(page, page.get_by_role("button", name="Send request"))
    page.keyboard.press("Enter")

    steps.expect_status(page, "Completed")
    _tab_to(page, page.locator("#live").get_by_role("link", name="Open the certificate"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name.replace(".", "-"))


def test_the_first_tab_stop_leads_past_the_head_of_the_page(officer: Page) -> None:
    officer.goto("/vaults/")

    officer.keyboard.press("Tab")
    expect(officer.get_by_role("link", name="Skip to content")).to_be_focused()
    officer.keyboard.press("Enter")

    expect(officer.get_by_role("main")).to_be_focused()


def test_a_menu_is_closed_by_escape_which_gives_the_focus_back(officer: Page) -> None:
    officer.goto("/")
    summary = officer.locator(".masthead .menu summary")
    _tab_to(officer, summary)
    officer.keyboard.press("Enter")
    _tab_to(officer, officer.get_by_role("button", name="Dark"))

    officer.keyboard.press("Escape")

    expect(summary).to_be_focused()
    expect(officer.get_by_role("button", name="Dark")).to_be_hidden()


def test_the_absolute_time_appears_on_focus_and_goes_by_escape(signed_in: Callable[..., Page]) -> None:
    page = signed_in(OFFICER)
    page.goto("/vaults/payments/certificates/www-example-org/")
    moment = page.locator(".time").first
    tip = moment.locator(".tip")
    expect(tip).to_be_hidden()

    _tab_to(page, moment)

    expect(tip).to_be_visible()
    expect(tip).to_contain_text("UTC")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def _tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until `wanted` has the focus, which is to be seen at every stop."""
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        assert page.evaluate(_IS_SEEN), page.evaluate("document.activeElement.outerHTML.slice(0, 300)")
        if wanted.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"Tab did not reach {wanted}")
