"""Answering notices, with a mailed link and signed in; who is written to; who answers for a certificate."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import steps
from tests.browser.site import ADMINISTRATOR, OFFICER, WORKSHOP, Site

_MAKE = """
from portal import noticing
from tests.factories import make_notice, make_operation
from tests.processes.portal import wait_until
from vault import tasks
from vault.models import Certificate, Vault
operation = make_operation(vault=Vault.objects.get(name="{vault}"), name="{name}", issuer="Self")
tasks.advance_operation(operation.pk)
done = Certificate.objects.filter(pk=operation.certificate_id, current__isnull=False)
wait_until(done.exists, within=30, what=lambda: "the portal's own workers may have taken the operation first")
notice = make_notice(done.get(), "{to}@example.org")
print("/notices/" + noticing.token_of(notice) + "/")
"""


def make_notice(site: Site, name: str, *, to: str) -> str:
    """Note something about a new certificate of the workshop and return the address that a mail would hold."""
    return site.portal.run_python(_MAKE.format(vault=WORKSHOP, name=name, to=to)).split()[-1]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_notice_is_put_off_and_acknowledged_from_a_mail(
    site: Site, new_context: Callable[..., BrowserContext], scripts: bool
) -> None:
    link = make_notice(site, f"mailed-{scripts}", to=OFFICER)
    page = new_context(java_script_enabled=scripts).new_page()

    page.goto(f"{link}#snooze")
    page.get_by_label("Remind me", exact=True).select_option("In a week")
    steps.press(page, "Remind me")
    expect(page.get_by_text("You will be reminded")).to_be_visible()
    steps.press(page, "Acknowledge")
    expect(page.locator(".status")).to_have_text("Acknowledged")

    assert page.get_by_role("button", name="Acknowledge").count() == 0


def test_a_notice_is_handed_over_from_a_mail_to_someone_who_finds_it(
    site: Site, page: Page, signed_in: Callable[..., Page]
) -> None:
    page.goto(make_notice(site, "passed-on", to="ops"))
    page.get_by_label("To whom").select_option("Olivia Officer")
    steps.press(page, "Hand over")
    expect(page.get_by_text("Olivia Officer hears of it instead.")).to_be_visible()

    olivia = signed_in(OFFICER)
    olivia.goto("/")
    olivia.locator(".masthead .menu summary").click()
    olivia.get_by_role("link", name="My notices").click()
    row = olivia.get_by_role("row", name="passed-on")
    row.get_by_role("button", name="Acknowledge").click()

    expect(steps.message(olivia)).to_contain_text("Acknowledged")
    expect(olivia.get_by_role("row", name="passed-on")).to_have_count(0)


def test_contacts_are_kept_and_people_answer_for_a_certificate(site: Site, signed_in: Callable[..., Page]) -> None:
    make_notice(site, "owned", to=OFFICER)
    page = signed_in(ADMINISTRATOR)
    page.goto(f"/vaults/{WORKSHOP}/")
    page.get_by_role("link", name="Contacts", exact=True).click()
    expect(page.get_by_text("No mail server is set up")).to_be_visible()
    page.get_by_role("link", name="Add a contact").first.click()
    page.get_by_label("E-mail address").fill("night@example.org")
    page.get_by_label("Name").fill("Night shift")
    steps.press(page, "Save")
    row = page.get_by_role("row", name="Night shift").first
    expect(row).to_contain_text("Nothing sent yet")
    row.get_by_role("button", name="Remove").click()
    expect(steps.message(page)).to_contain_text("hears nothing")

    page.goto(f"/vaults/{WORKSHOP}/certificates/owned/")
    page.get_by_role("link", name="Change who answers for it").click()
    page.get_by_label("Owner").select_option("Olivia Officer")
    page.get_by_label("Deputy").select_option("Rita Reader")
    steps.press(page, "Save")

    card = page.get_by_role("region", name="Who answers for it")
    expect(card).to_contain_text("Rita Reader")
    card.get_by_role("link", name="Who was told what").click()
    expect(page.get_by_role("row", name="Olivia Officer")).to_contain_text("Expires soon")
