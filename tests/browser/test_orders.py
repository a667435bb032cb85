"""Orders at the CAs that the demonstration plays: asked for, watched, settled, revoked."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.site import ADMINISTRATOR, OFFICER, Site

VAULT: Final = "payments"
_ADDRESSES: Final = f"""
import json
from vault.models import Issuer
print(json.dumps({{one.name: one.config["address"] for one in Issuer.objects.filter(vault__name="{VAULT}")}}))
"""
# What a worker does in two minutes' time.
_LOOK: Final = """
from django.utils import timezone
from vault import tasks
from vault.models import Operation
for one in Operation.objects.in_progress().filter(certificate__name="{name}"):
    Operation.objects.filter(pk=one.pk).update(next_step_at=timezone.now())
    tasks.advance_operation(one.pk)
"""


class Desk:
    """What a CA's staff does at its simulator."""

    def __init__(self, address: str) -> None:
        self._base = address.split("/services/", maxsplit=1)[0].rstrip("/")

    def script(self, **how: Any) -> None:
        """Let it behave so from now on."""
        self._call("script", json.dumps(how).encode())

    def newest_order(self) -> str:
        """The number of the order that came last."""
        orders: list[dict[str, str]] = self._call("orders")["orders"]
        return orders[-1]["id"]

    def _call(self, what: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(f"{self._base}/_simulator/{what}", data=body)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")


@pytest.fixture(scope="module")
def addresses(site: Site) -> dict[str, str]:
    found: dict[str, str] = json.loads(site.portal.run_python(_ADDRESSES).splitlines()[-1])
    return found


@pytest.fixture
def digicert(addresses: dict[str, str]) -> Iterator[Desk]:
    desk = Desk(addresses["digicert"])
    yield desk
    desk.script()


@pytest.fixture
def wosign(addresses: dict[str, str]) -> Iterator[Desk]:
    desk = Desk(addresses["wosign"])
    yield desk
    desk.script()


def test_a_certificate_is_ordered_watched_and_revoked(officer: Page, digicert: Desk) -> None:
    digicert.script(immediate=True)
    steps.ask(officer, VAULT, steps.fresh_name(), issuer="digicert")
    steps.expect_status(officer, "Completed")
    expect(officer.locator("#order-number")).to_have_text(digicert.newest_order())
    officer.locator("#live").get_by_role("link", name="Open the certificate").click()
    officer.get_by_role("link", name="Version 1").click()
    name = officer.get_by_role("heading", level=1).inner_text().split(",")[0]

    officer.get_by_role("link", name="Revoke…").click()
    officer.get_by_role("radio", name="Its private key was exposed").check()
    officer.get_by_label(f"Type {name} to confirm").fill(name)
    steps.press(officer, "Revoke version 1")

    expect(officer.locator(".lede .status")).to_have_text("Revoked")
    expect(officer.get_by_role("link", name="Revoke…")).to_have_count(0)


def test_a_record_to_publish_is_copied(officer: Page) -> None:
    officer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    officer.goto(f"/vaults/{VAULT}/operations/")
    officer.get_by_role("link", name="cdn-example-org").click()

    officer.get_by_role("button", name="Copy value of the txt record").click()

    expect(officer.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    copied = officer.evaluate("navigator.clipboard.readText()")
    assert copied == officer.locator("#task-1-value").inner_text()


def test_an_order_whose_answer_was_lost_is_settled_by_an_administrator_without_scripts(
    site: Site, signed_in: Callable[..., Page], wosign: Desk
) -> None:
    name = steps.fresh_name()
    plain = signed_in(OFFICER, java_script_enabled=False)
    wosign.script(faults=[{"on": "submit", "do": "reset-after"}])
    place = steps.ask(plain, VAULT, name, issuer="wosign")
    expect(plain.get_by_text("The portal looks for the order there")).to_be_visible()
    site.portal.run_python(_LOOK.format(name=name.replace(".", "-")))

    administrator = signed_in(ADMINISTRATOR, java_script_enabled=False)
    administrator.goto(place)
    steps.expect_status(administrator, "Order unclear")
    administrator.get_by_role("link", name="Enter the order number…").click()
    administrator.get_by_label("Order number").fill(wosign.newest_order())
    steps.press(administrator, "Go on with this order")
    expect(administrator.locator("#order-number")).to_have_text(wosign.newest_order())

    for _ in range(15):
        if administrator.get_by_text("The certificate is here").count():
            break
        administrator.wait_for_timeout(1000)
        administrator.goto(place)
    steps.expect_status(administrator, "Completed")
