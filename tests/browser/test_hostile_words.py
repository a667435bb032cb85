"""Names that are scripts, that turn the line round or that cannot be seen: shown as words, or refused in words."""

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, expect

from tests.browser import steps
from tests.browser.files import Issuer
from tests.browser.site import ADMINISTRATOR, PASSWORD, WORKSHOP

SCRIPT: Final = "<script>alert(1)</script><img src=x onerror=alert(2)>"
BREAKOUT: Final = "'></textarea></title><svg onload=alert(3)>{{ 7*7 }}{% now 'Y' %}"
HTMX: Final = "<b hx-get=/people/ hx-trigger=load data-live>x</b>"
HEBREW: Final = "\u05de\u05d1\u05d7\u05df example.org \u05de"
TURNED: Final = "\u202egro.elpmaxe\u202c"
UNSEEN: Final = "a\u200bb\ufeffc"

words_that_show = pytest.mark.parametrize(
    "words", [SCRIPT, BREAKOUT, HTMX, HEBREW], ids=["script", "breakout", "htmx", "right to left"]
)
words_that_hide = pytest.mark.parametrize("words", [TURNED, UNSEEN], ids=["turned round", "unseen"])


@words_that_show
def test_a_tag_and_a_subject_of_such_words_stay_words_on_every_page(officer: Page, words: str) -> None:
    name = steps.fresh_name()
    _fill_in(officer, name, words)
    steps.send(officer)
    steps.expect_status(officer, "Completed")
    expect(officer.get_by_role("main")).to_contain_text(words[:20])
    officer.locator("#live").get_by_role("link", name="Open the certificate").click()
    expect(officer.locator(".tag")).to_have_text(f"note {words}")

    officer.get_by_role("link", name="Edit the tags").click()
    expect(_tags(officer)).to_have_value(f"note={words}")
    officer.goto(f"/vaults/{WORKSHOP}/?q={name}")
    expect(officer.locator("a.row-link")).to_have_count(1)


@words_that_hide
def test_words_that_cannot_be_seen_as_they_are_come_back_as_typed_and_make_nothing(officer: Page, words: str) -> None:
    name = steps.fresh_name()
    _fill_in(officer, name, words)

    steps.press(officer, "Continue")

    expect(officer.get_by_role("alert").get_by_role("link")).to_have_count(2)
    expect(_tags(officer)).to_have_value(f"note={words}")
    officer.goto(f"/vaults/{WORKSHOP}/?q={name}")
    expect(officer.get_by_text("Nothing fits")).to_be_visible()


@pytest.mark.parametrize("control", ["\x00", "\x07", "\x1b[31m", "\x7f"], ids=["nul", "bell", "escape", "delete"])
def test_control_characters_in_names_are_refused_in_words(officer: Page, control: str) -> None:
    officer.goto(f"/vaults/{WORKSHOP}/request/")

    answer = officer.request.post(
        f"/vaults/{WORKSHOP}/request/check/",
        form={"csrfmiddlewaretoken": _csrf(officer), "names": f"www{control}.example.org", "purpose": "server"},
    )

    assert answer.status == 422
    assert "Something needs another look" in answer.text()


def test_a_person_of_such_a_name_is_shown_in_words(
    signed_in: Callable[..., Page], new_context: Callable[..., BrowserContext]
) -> None:
    page, theirs = signed_in(ADMINISTRATOR), new_context().new_page()
    theirs.goto(steps.invite(page, "odd", SCRIPT))
    theirs.get_by_label("New password", exact=True).fill(PASSWORD)
    steps.press(theirs, "Set password and sign in")
    expect(steps.message(theirs)).to_contain_text("Welcome, <script>")

    page.goto("/people/?q=odd")
    expect(page.get_by_role("link", name=SCRIPT)).to_be_visible()
    page.get_by_role("link", name=SCRIPT).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(SCRIPT)


@words_that_hide
def test_a_person_whose_name_cannot_be_seen_as_it_is_is_not_invited(signed_in: Callable[..., Page], words: str) -> None:
    page = signed_in(ADMINISTRATOR)
    page.goto("/people/invite/")
    page.get_by_label("User name").fill("hidden")
    page.get_by_label("Full name").fill(words)

    steps.press(page, "Invite")

    expect(page.get_by_role("alert")).to_contain_text("cannot be seen")
    expect(page.get_by_label("User name")).to_have_value("hidden")


@pytest.mark.parametrize(
    "query", [SCRIPT, BREAKOUT, TURNED, "\x01\x7f"], ids=["script", "breakout", "turned round", "control"]
)
def test_a_search_for_such_words_finds_nothing_and_shows_them_as_words(officer: Page, query: str) -> None:
    officer.goto(f"/vaults/{WORKSHOP}/")
    officer.get_by_role("searchbox").fill(query)

    officer.get_by_role("searchbox").press("Enter")

    expect(officer.get_by_text("Nothing fits")).to_be_visible()


def test_a_sign_in_that_failed_under_such_a_name_does_no_harm_in_the_trail(
    page: Page, signed_in: Callable[..., Page]
) -> None:
    page.goto("/sign-in/")
    page.get_by_label("User name").fill(SCRIPT)
    page.get_by_label("Password", exact=True).fill("whatever-it-may-be")
    steps.press(page, "Sign in")
    expect(page.get_by_role("alert")).to_be_visible()

    trail = signed_in(ADMINISTRATOR)
    trail.goto("/people/audit/")

    expect(trail.get_by_role("table")).to_contain_text("refused")


@words_that_show
def test_files_of_such_words_stay_words_in_the_preview_and_fit_the_narrowest_page(officer: Page, words: str) -> None:
    long = ".".join(["a" * 60] * 4)
    octets = Issuer().bundle(long, f"*.{long}", words=words[:60])
    files = [
        FilePayload(name=f"{words.replace('/', '|')}{'long' * 40}.pem", mimeType="", buffer=octets),
        FilePayload(name=f"{'x' * 150}.txt", mimeType="", buffer=b"nothing"),
    ]
    officer.set_viewport_size({"width": 360, "height": 800})
    officer.goto(f"/vaults/{WORKSHOP}/import/")

    officer.get_by_label("Choose files").set_input_files(files)
    steps.press(officer, "Continue")

    expect(officer.get_by_role("heading", name="Check before importing")).to_be_visible()
    expect(officer.get_by_role("main")).to_contain_text(words[:20])
    assert officer.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def _csrf(page: Page) -> str:
    return page.locator("input[name=csrfmiddlewaretoken]").first.input_value()


def _fill_in(page: Page, name: str, words: str) -> None:
    steps.fill_in(page, WORKSHOP, name)
    page.locator("summary", has_text="Add tags").click()
    _tags(page).fill(f"note={words}")
    page.locator("summary", has_text="Subject").click()
    page.get_by_label("Subject", exact=False).and_(page.get_by_role("textbox")).fill(f'CN={name}, O="{words}"')


def _tags(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Tags")
