"""Pictures of every page, to be looked at: `python -m tests.browser.screenshots DIR [--only WORDS] [--readme]`.

Each page is taken from a demonstration portal at 1280 and 390 px, light and dark. `--readme` writes instead the four
pictures of the README to docs/images/.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, ViewportSize

from tests.browser import chromium, places, steps
from tests.browser.chromium import Chromium, new_context
from tests.browser.places import PLACES
from tests.browser.site import ADMINISTRATOR, OFFICER, Site, running_site
from tests.processes.portal import PROJECT

_WIDTHS: Final = (1280, 390)
_THEMES: Final = ("light", "dark")
_DESK: Final = ViewportSize(width=1280, height=820)
_PHONE: Final = ViewportSize(width=390, height=780)
_CERTIFICATE: Final = "/vaults/payments/certificates/www-example-org/"
_README: Final = (
    ("home", "/", "light", _DESK),
    ("request", "/vaults/payments/request/", "light", _DESK),
    ("certificate", _CERTIFICATE, "dark", _DESK),
    ("phone", "{waiting}", "light", _PHONE),
)


def main() -> None:
    """Start a portal and a browser, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR", nargs="?", default=PROJECT / "docs" / "images")
    parser.add_argument("--only", default="", metavar="WORDS", help="only pages whose title holds these words")
    parser.add_argument("--readme", action="store_true", help="the four pictures of the README")
    given = parser.parse_args()
    given.directory.mkdir(parents=True, exist_ok=True)
    with _site_and_browser() as (site, browser):
        addresses = _addresses(site, browser)
        if given.readme:
            _take_for_readme(site, browser, addresses, given.directory)
        else:
            _take_all(site, browser, addresses, given.directory, only=given.only)


@contextmanager
def _site_and_browser() -> Iterator[tuple[Site, Browser]]:
    path = chromium.executable()
    if path is None:
        raise SystemExit("Chromium is not installed.")
    with tempfile.TemporaryDirectory() as directory, running_site(Path(directory)) as site:
        started = Chromium(path)
        try:
            with started.awake() as browser:
                yield site, browser
        finally:
            started.close()


def _page(site: Site, browser: Browser, person: str) -> Page:
    page = new_context(browser, site.url).new_page()
    steps.sign_in(page, person, site.password_of(person))
    return page


def _addresses(site: Site, browser: Browser) -> dict[str, str]:
    page = _page(site, browser, ADMINISTRATOR)
    return site.addresses | places.furnish(page)


def _take_all(site: Site, browser: Browser, addresses: dict[str, str], directory: Path, *, only: str) -> None:
    inside = _page(site, browser, ADMINISTRATOR)
    inside.goto("/")
    steps.press(inside, "I have backed it up")
    outside = new_context(browser, site.url).new_page()
    for place in PLACES:
        if only not in place.title:
            continue
        page = inside if place.signed_in else outside
        page.set_viewport_size(_DESK)
        place.open(page, addresses)
        for width in _WIDTHS:
            page.set_viewport_size(ViewportSize(width=width, height=820))
            for theme in _THEMES:
                _put_on(page, theme)
                name = re.sub("[^a-z0-9]+", "-", place.title).strip("-")
                page.screenshot(path=directory / f"{name}-{width}-{theme}.png", full_page=True)


def _take_for_readme(site: Site, browser: Browser, addresses: dict[str, str], directory: Path) -> None:
    page = _page(site, browser, OFFICER)
    for name, path, theme, size in _README:
        page.set_viewport_size(size)
        page.goto(path.format(**addresses))
        _put_on(page, theme)
        page.screenshot(path=directory / f"{name}.png")


def _put_on(page: Page, theme: str) -> None:
    page.evaluate(places.CHANGE_THEME, theme)


if __name__ == "__main__":
    main()
