"""Every page: nobody is shut out, nothing sticks out, and no page is forgotten."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import axe, places, steps
from tests.browser.chromium import Watch, new_context
from tests.browser.places import PLACES, Place
from tests.browser.site import ADMINISTRATOR, Site

# Named addresses without a page of their own. A new one belongs either here or, with its page, into PLACES.
FILES: Final = {
    "audit:csv",
    "people:audit-csv",
    "operations:csr-pem",
    "operations:csr-der",
    "downloads:pem",
    "downloads:der",
    "downloads:chain",
    "downloads:chain-with-root",
    "downloads:p7b",
    "imports:results",
    "connecting:ca",
    "calendars:feed",
    "expiry:csv",
    "health",
    "openapi",
}
PIECES: Final = {"operations:progress", "certificates:progress"}
ACTIONS: Final = {
    "accounts:sign-out",
    "accounts:theme",
    "tokens:revoke",
    "applications:secret",
    "applications:remove-secret",
    "applications:active",
    "applications:delete",
    "people:ring-backup",
    "people:active",
    "people:administrator",
    "vaults:recover",
    "vaults:purge",
    "vaults:protect",
    "vaults:delete",
    "issuers:test",
    "issuers:enable",
    "issuers:disable",
    "contacts:test",
    "webhooks:switch",
    "webhooks:secret",
    "webhooks:test",
    "webhooks:again",
    "webhooks:remove",
    "calendars:make",
    "calendars:remove",
    "expiry:save",
    "expiry:forget",
    "contacts:remove",
    "members:change",
    "members:remove",
    "requests:field",
    "imports:field",
    "policies:field",
    "certificates:renew",
    "versions:enable",
    "versions:disable",
    "operations:cancel",
    "operations:delete",
    "operations:retry",
    "orders:check",
    "deleted:recover",
}
# Its page is the form again, or the request that it made.
SENT: Final = {"csrs:submit", "requests:submit"}

WIDE, PHONE, NARROWEST = 1280, 390, 360


@dataclass
class Desk:
    """A browser profile that all pages of one kind share, so that styles and scripts are fetched once."""

    context: BrowserContext
    watch: Watch


@pytest.fixture(scope="module")
def _addresses() -> dict[str, str]:
    return {}


@pytest.fixture
def addresses(site: Site, signed_in: Callable[..., Page], _addresses: dict[str, str]) -> dict[str, str]:
    """Where the pages are whose addresses hold ids; made and found once."""
    if not _addresses:
        _addresses.update(site.addresses | places.furnish(signed_in(ADMINISTRATOR)))
    return _addresses


@pytest.fixture(scope="module")
def _desks() -> dict[bool, Desk]:
    return {}


@pytest.fixture
def visit(
    site: Site, browser: Browser, addresses: dict[str, str], _desks: dict[bool, Desk]
) -> Iterator[Callable[[Place], Page]]:
    """Open a place, signed in or not as it asks for, and fail if anything happened there that never may."""
    opened: list[tuple[Page, Desk]] = []

    def open_it(place: Place) -> Page:
        desk = _desks.get(place.signed_in) or _desks.setdefault(place.signed_in, _furnished_desk(browser, site, place))
        page = desk.context.new_page()
        opened.append((page, desk))
        assert place.open(page, addresses) == place.status
        return page

    yield open_it
    for page, desk in opened:
        page.close()
        faults = desk.watch.take()
        assert not faults


def _furnished_desk(browser: Browser, site: Site, place: Place) -> Desk:
    desk = Desk(new_context(browser, site.url), Watch())
    if place.signed_in:
        page = desk.context.new_page()
        steps.sign_in(page, ADMINISTRATOR, site.password_of(ADMINISTRATOR))
        page.close()
    desk.watch.over(desk.context)
    return desk


def test_no_address_of_the_portal_is_forgotten_here() -> None:
    named = {name for name, _ in _named(get_resolver("portal.urls"))}

    known = FILES | PIECES | ACTIONS | SENT | {place.name for place in PLACES if place.name}

    assert known == named


def test_what_is_listed_as_an_action_answers_to_post_alone() -> None:
    views = dict(_named(get_resolver("portal.urls")))

    for name in ACTIONS:
        assert views[name].callback(RequestFactory().get("/")).status_code == 405, name


@pytest.mark.looks
@pytest.mark.parametrize("place", PLACES, ids=[place.title for place in PLACES])
def test_a_page_is_for_everyone_in_each_theme_and_width(place: Place, visit: Callable[[Place], Page]) -> None:
    page = visit(place)

    faults = _faults(page)

    assert not faults


def _faults(page: Page) -> dict[str, list[str]]:
    """What is wrong with the page, by theme and width. All rules are tried once, those that concern looks each time."""
    axe.load(page)
    faults = {}
    for theme, width, rules in (
        ("light", WIDE, ()),
        ("dark", WIDE, axe.OF_LOOK),
        ("dark", PHONE, axe.OF_LOOK),
        ("light", PHONE, axe.OF_LOOK),
    ):
        page.set_viewport_size({"width": width, "height": 820})
        page.evaluate(places.CHANGE_THEME, theme)
        faults[f"{theme}, {width} px"] = axe.violations(page, *rules)
    page.set_viewport_size({"width": NARROWEST, "height": 820})
    faults[f"{NARROWEST} px"] = _sticks_out(page)
    return {where: found for where, found in faults.items() if found}


def _sticks_out(page: Page) -> list[str]:
    """What is wider than the window, so that one has to scroll sideways (WCAG 1.4.10)."""
    return page.evaluate("""() => {
      const wide = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= wide) return [];
      const out = [...document.querySelectorAll("body *")].filter(each => each.getBoundingClientRect().right > wide + 1);
      return out.map(each => `${each.tagName} ${each.className} ${each.textContent.trim().slice(0, 40)}`).slice(0, 5);
    }""")


def _named(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _named(pattern, f"{pattern.namespace}:" if pattern.namespace else namespace)
        elif pattern.name:
            yield f"{namespace}{pattern.name}", pattern
