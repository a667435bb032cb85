"""One portal and one browser for all tests here, and for each test contexts that are watched."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium, steps
from tests.browser.chromium import Chromium, Watch
from tests.browser.openssl import Authority
from tests.browser.site import OFFICER, Site, running_site

SignIn = Callable[..., Page]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, before all else: none of it touches the database of the test run."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for name in ("browser", "slow", "no_database"):
                item.add_marker(name)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running portal with the demonstration in it, and a vault to work in."""
    if chromium.executable() is None:
        pytest.skip("Chromium is not installed.")
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Chromium]:
    path = chromium.executable()
    if path is None:
        pytest.skip("Chromium is not installed.")
    expect.set_options(timeout=chromium.PATIENCE)
    started = Chromium(path)
    yield started
    started.close()


@pytest.fixture
def browser(_chromium: Chromium) -> Iterator[Browser]:
    """The browser, for the time of one test."""
    with _chromium.awake() as awake:
        yield awake


@pytest.fixture
def new_context(site: Site, browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make watched contexts; the test fails if anything happened in them that never may."""
    watch = Watch()
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = chromium.new_context(browser, site.url, **options)
        watch.over(context)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert not watch.faults


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A page of someone who is not signed in."""
    return new_context().new_page()


@pytest.fixture(scope="session")
def _cookies() -> dict[str, Any]:
    return {}


@pytest.fixture
def signed_in(site: Site, new_context: Callable[..., BrowserContext], _cookies: dict[str, Any]) -> SignIn:
    """Return a page in a context of its own, with a person signed in: through the form the first time, then by cookie.

    Whoever signs out or changes a password signs in by the form instead, because the cookies are shared.
    """

    def sign_in(person: str, **options: Any) -> Page:
        if person in _cookies:
            return new_context(storage_state=_cookies[person], **options).new_page()
        page = new_context(**options).new_page()
        steps.sign_in(page, person, site.password_of(person))
        _cookies[person] = page.context.storage_state()
        return page

    return sign_in


@pytest.fixture
def officer(signed_in: SignIn) -> Page:
    """A page of an officer of the workshop."""
    return signed_in(OFFICER)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A throw-away CA: a root, and an intermediate that signs."""
    return Authority(tmp_path_factory.mktemp("authority"))
