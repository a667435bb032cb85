"""What can be done with a request beside waiting for it."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.openssl import Authority
from tests.browser.site import WORKSHOP


def test_a_request_can_be_cancelled_asked_for_again_and_its_record_deleted(officer: Page) -> None:
    first = steps.ask(officer, WORKSHOP, steps.fresh_name(), issuer=steps.BY_HAND)
    steps.press(officer, "Cancel the request")
    expect(steps.message(officer)).to_contain_text("is cancelled")
    steps.expect_status(officer, "Cancelled")

    steps.press(officer, "Ask again with the same answers")
    officer.wait_for_url(lambda url: "/operations/" in url and url != first)
    steps.expect_status(officer, "Needs signed certificate")

    officer.goto(first)
    steps.press(officer, "Delete the record")
    expect(steps.message(officer)).to_contain_text("is deleted")
    answer = officer.goto(first)
    assert answer is not None
    assert answer.status == 404


def test_a_certificate_that_comes_after_cancelling_is_taken_all_the_same(
    officer: Page, authority: Authority, tmp_path: Path
) -> None:
    steps.ask(officer, WORKSHOP, steps.fresh_name(), issuer=steps.BY_HAND)
    signed = authority.sign(steps.download(officer, ".csr", tmp_path))
    steps.press(officer, "Cancel the request")
    officer.get_by_role("link", name="A certificate came after all").click()
    officer.get_by_label("Paste the certificate").fill(signed)

    steps.press(officer, "Check and store")

    steps.expect_status(officer, "Completed")


def test_a_request_can_be_changed_and_asked_for_again(officer: Page) -> None:
    name = steps.fresh_name()
    steps.ask(officer, WORKSHOP, name, issuer=steps.BY_HAND)
    steps.press(officer, "Cancel the request")
    officer.get_by_role("link", name="Change and ask again").click()
    expect(officer.get_by_label("Names", exact=True)).to_have_value(name)

    officer.get_by_role("radio", name=steps.SELF).check()
    steps.send(officer)

    steps.expect_status(officer, "Completed")


def test_a_second_request_for_a_certificate_in_progress_leads_to_the_first(officer: Page) -> None:
    name = steps.fresh_name()
    first = steps.ask(officer, WORKSHOP, name, issuer=steps.BY_HAND)
    steps.fill_in(officer, WORKSHOP, name)
    steps.press(officer, "Continue")

    officer.get_by_role("link", name="Open that request").click()

    expect(officer).to_have_url(first)


def test_a_page_that_watches_a_request_hears_of_a_colleague_who_cancels_it(officer: Page) -> None:
    address = steps.ask(officer, WORKSHOP, steps.fresh_name(), issuer=steps.BY_HAND)
    elsewhere = officer.context.new_page()
    elsewhere.goto(address)

    steps.press(elsewhere, "Cancel the request")

    steps.expect_status(officer, "Cancelled")
