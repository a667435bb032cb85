"""Vaults: making, sharing, deleting, and the trail of it all."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.site import ADMINISTRATOR, OFFICER, STRANGER


@pytest.fixture
def administrator(signed_in: Callable[..., Page]) -> Page:
    """A page of a portal administrator."""
    return signed_in(ADMINISTRATOR)


def test_a_new_vault_gets_members_whose_role_is_changed_and_who_are_removed(administrator: Page) -> None:
    page = administrator
    steps.make_vault(page, "Sharing")
    page.get_by_role("link", name="Access").click()
    page.get_by_role("link", name="Add a member").click()
    page.get_by_label("Person").fill("nobody-of-this-name")
    page.locator("[name=role][value=officer]").check()
    steps.press(page, "Add")
    expect(page.get_by_role("alert")).to_contain_text("nobody-of-this-name")
    expect(page.locator("[name=role][value=officer]")).to_be_checked()
    page.get_by_label("Person").fill(OFFICER)
    steps.press(page, "Add")
    member = page.get_by_role("row", name="Olivia Officer")
    expect(member).to_contain_text("Officer")

    member.locator("summary").click()
    member.get_by_label("Role").select_option("reader")
    steps.press(member, "Save role")
    expect(member.locator("[data-label=Role]")).to_have_text("Reader")
    member.locator("summary").click()
    steps.press(member, "Remove")

    expect(page.get_by_role("row", name="Olivia Officer")).to_have_count(0)


def test_the_name_of_a_deleted_vault_is_taken_and_leads_to_where_it_is_recovered(administrator: Page) -> None:
    page = administrator
    steps.make_vault(page, "Phoenix")
    page.get_by_role("link", name="Settings").click()
    deletion = page.locator(".danger-item", has=page.get_by_role("heading", name="Delete this vault"))
    deletion.get_by_label("Type Phoenix to confirm").fill("phoenix")
    steps.press(deletion, "Delete this vault")
    expect(page.get_by_text("Type “Phoenix” exactly")).to_be_visible()
    steps.delete_vault(page, "Phoenix")

    page.goto("/vaults/new/")
    page.get_by_label("Name", exact=True).fill("PHOENIX")
    steps.press(page, "Make vault")

    expect(page.get_by_role("alert")).to_contain_text("The deleted vault “Phoenix” holds this name")
    expect(page.get_by_label("Name", exact=True)).to_have_value("PHOENIX")
    page.get_by_role("link", name="See the deleted vaults").click()
    page.get_by_role("button", name="Recover Phoenix").click()
    expect(steps.message(page)).to_contain_text("is back with everything in it")


def test_a_deleted_vault_is_purged_by_typing_its_name_and_its_name_is_free_again(administrator: Page) -> None:
    page = administrator
    steps.make_vault(page, "Ashes")
    steps.delete_vault(page, "Ashes")

    page.get_by_role("region", name="Ashes").locator("summary").click()
    page.get_by_label("Type Ashes to confirm").fill("Ashes")
    steps.press(page, "Purge")

    expect(steps.message(page)).to_contain_text("“Ashes” is gone")
    steps.make_vault(page, "Ashes")


def test_purge_protection_is_switched_on_by_typing_the_name_and_takes_the_purge_button_away(
    administrator: Page,
) -> None:
    page = administrator
    steps.make_vault(page, "Fortress")
    page.get_by_role("link", name="Settings").click()
    protection = page.locator(".danger-item", has=page.get_by_role("heading", name="Protect from purging"))
    protection.get_by_label("Type Fortress to confirm").fill("Fortress")

    steps.press(protection, "Protect this vault")

    expect(steps.message(page)).to_contain_text("is protected")
    expect(protection).to_have_count(0)


def test_the_audit_trail_is_filtered_and_exported(administrator: Page, tmp_path: Path) -> None:
    page = administrator
    steps.make_vault(page, "Traced")
    steps.get_certificate(page, "Traced", steps.fresh_name())
    page.goto("/vaults/Traced/")
    page.get_by_role("link", name="Audit").click()
    everything = page.get_by_role("row").count()

    page.get_by_label("What", exact=True).fill("vaults/")
    steps.press(page, "Apply")

    expect(page.get_by_role("row")).not_to_have_count(everything)
    exported = steps.download(page, "CSV", tmp_path).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert rows
    assert {row["action"].partition("/")[0] for row in rows} == {"vaults"}
    assert {row["actor"] for row in rows} == {ADMINISTRATOR}


def test_the_trail_of_the_portal_tells_who_signed_in(administrator: Page) -> None:
    administrator.goto("/people/audit/")

    administrator.get_by_label("Who", exact=True).fill(ADMINISTRATOR)
    steps.press(administrator, "Apply")

    expect(administrator.get_by_role("table")).to_contain_text(ADMINISTRATOR)


@pytest.mark.parametrize("path", ["", "operations/", "access/", "audit/", "settings/", "request/", "deleted/"])
def test_a_stranger_finds_nothing_where_a_vault_is(signed_in: Callable[..., Page], path: str) -> None:
    page = signed_in(STRANGER)

    theirs = page.goto(f"/vaults/payments/{path}")
    words = page.get_by_role("main").inner_text()
    nowhere = page.goto(f"/vaults/no-such-vault/{path}")

    assert theirs is not None
    assert nowhere is not None
    assert theirs.status == nowhere.status == 404
    assert words == page.get_by_role("main").inner_text()
