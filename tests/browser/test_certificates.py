"""A certificate's life after it is there: policy, tags, versions, deletion."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import openssl, steps
from tests.browser.site import ADMINISTRATOR, READER, WORKSHOP

_OFFERS = ("Request a certificate", "New version…", "Edit", "Delete…", "With private key", "Bring the signed")


def test_a_changed_policy_rules_the_next_version(officer: Page, tmp_path: Path) -> None:
    steps.get_certificate(officer, WORKSHOP, steps.fresh_name())
    address = officer.url
    officer.get_by_role("link", name="Edit the policy").click()
    officer.locator("summary", has_text="Choose key and file").click()
    officer.get_by_role("radio", name="RSA 2048").check()
    officer.get_by_label("Valid for").fill("30")
    officer.get_by_label("Unit").select_option("days")
    steps.press(officer, "Save policy")
    expect(officer.get_by_role("region", name="Policy")).to_contain_text("RSA 2048")

    steps.press(officer, "Renew now with the same policy")

    steps.expect_status(officer, "Completed")
    officer.goto(address)
    expect(officer.get_by_text("Version 2").first).to_be_visible()
    expect(officer.get_by_role("link", name="Version 1")).to_be_visible()
    steps.open_downloads(officer)
    pem = steps.download(officer, "Certificate as PEM", tmp_path)
    assert b"(2048 bit)" in openssl.openssl("x509", "-in", pem, "-noout", "-text")
    openssl.openssl("x509", "-in", pem, "-noout", "-checkend", str(29 * 86_400))


def test_tags_are_changed_and_a_tag_given_twice_is_refused_with_all_lines_kept(officer: Page) -> None:
    steps.get_certificate(officer, WORKSHOP, steps.fresh_name())
    officer.get_by_role("link", name="Edit the tags").click()
    tags = officer.get_by_label("Tags")
    tags.fill("team=web\nteam=mail")
    steps.press(officer, "Save")
    expect(officer.get_by_role("alert")).to_contain_text("given twice")
    expect(tags).to_have_value("team=web\nteam=mail")

    tags.fill("team=web\nstage=live")
    steps.press(officer, "Save")

    expect(officer.locator(".tag")).to_have_text(["team web", "stage live"])


def test_a_disabled_version_gives_no_key_until_it_is_enabled(officer: Page) -> None:
    steps.get_certificate(officer, WORKSHOP, steps.fresh_name())
    officer.get_by_role("link", name="Version 1").click()

    steps.press(officer, "Disable this version")

    expect(steps.message(officer)).to_contain_text("disabled")
    version = officer.url
    steps.open_downloads(officer)
    officer.get_by_role("link", name="With private key").click()
    expect(officer.get_by_text("This version is disabled")).to_be_visible()
    expect(officer.get_by_role("button", name="Download", exact=True)).to_have_count(0)
    officer.goto(version)
    steps.press(officer, "Enable this version")
    expect(steps.message(officer)).to_contain_text("enabled")


def test_a_deleted_certificate_is_recovered_and_deleted_again_and_purged_by_typing_its_name(
    signed_in: Callable[..., Page],
) -> None:
    page = signed_in(ADMINISTRATOR)
    steps.get_certificate(page, WORKSHOP, steps.fresh_name())
    name, address = page.get_by_role("heading", level=1).inner_text(), page.url
    _delete(page, name)
    page.get_by_role("button", name=f"Recover {name}").click()
    expect(steps.message(page)).to_contain_text("is recovered")
    expect(page).to_have_url(address)
    _delete(page, name)
    page.get_by_role("link", name=f"Purge… {name}").click()
    page.get_by_label(f"Type {name} to confirm").fill("something else")
    steps.press(page, "Purge for good")
    expect(page.get_by_text("This is not the certificate's name")).to_be_visible()

    page.get_by_label(f"Type {name} to confirm").fill(name)
    steps.press(page, "Purge for good")

    expect(steps.message(page)).to_contain_text("is purged")
    expect(page.get_by_role("rowheader", name=name, exact=True)).to_have_count(0)


def test_an_identifier_is_copied_by_its_button(officer: Page) -> None:
    steps.get_certificate(officer, WORKSHOP, steps.fresh_name())
    officer.context.grant_permissions(["clipboard-read", "clipboard-write"])

    officer.get_by_role("button", name="Copy SHA-256 thumbprint").click()

    expect(officer.get_by_text("Copied", exact=True)).to_be_attached()
    assert officer.evaluate("navigator.clipboard.readText()") == officer.locator("#id-sha256").inner_text()


def test_a_certificate_is_found_by_host_name_and_by_thumbprint(officer: Page) -> None:
    host = steps.fresh_name()
    steps.get_certificate(officer, WORKSHOP, host)
    thumbprint = officer.locator("#id-sha1").inner_text()

    for searched in (host, thumbprint):
        officer.goto(f"/vaults/{WORKSHOP}/")
        officer.get_by_role("searchbox").fill(searched)
        officer.get_by_role("searchbox").press("Enter")

        expect(officer.locator("a.row-link")).to_have_text([host.replace(".", "-")])


def test_a_reader_sees_everything_and_is_offered_nothing_to_change(
    officer: Page, signed_in: Callable[..., Page]
) -> None:
    request = steps.ask(officer, WORKSHOP, steps.fresh_name())
    steps.expect_status(officer, "Completed")
    officer.locator("#live").get_by_role("link", name="Open the certificate").click()
    officer.wait_for_url("**/certificates/*/")
    page = signed_in(READER)

    for address in (f"/vaults/{WORKSHOP}/", f"/vaults/{WORKSHOP}/operations/", officer.url, request):
        page.goto(address)

        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.locator("main form[method=post]").count() == 0
        for words in _OFFERS:
            expect(page.get_by_role("main").get_by_role("link", name=words)).to_have_count(0)


def test_a_reader_who_types_the_address_of_a_change_is_told_who_can_help(signed_in: Callable[..., Page]) -> None:
    page = signed_in(READER)

    answer = page.goto(f"/vaults/{WORKSHOP}/request/")

    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("main")).to_contain_text(f"Ask {ADMINISTRATOR}")


def _delete(page: Page, name: str) -> None:
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name=f"Delete {name}").click()
    expect(steps.message(page)).to_contain_text("is deleted")
