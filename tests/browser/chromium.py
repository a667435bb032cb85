"""Debian's Chromium under Playwright, and a watch over everything that must not happen in a page."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Request, Response, sync_playwright

_ARGUMENTS: Final = ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"]
PATIENCE: Final = 15_000
# The page's own report of what its Content-Security-Policy stopped; the console alone does not tell all of it.
_REPORT_VIOLATIONS: Final = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP stopped ${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
"""


def executable() -> str | None:
    """Return where Chromium is, or None."""
    return shutil.which("chromium")


class Chromium:
    """A browser that keeps its event loop to itself while other tests run.

    Playwright's synchronous API leaves its loop marked as running in this thread, and Django then refuses to ask the
    database. `awake` marks the loop for as long as the browser is used.
    """

    def __init__(self, path: str) -> None:
        self._playwright = sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        self.browser: Browser = self._playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        asyncio._set_running_loop(None)

    @contextmanager
    def awake(self) -> Iterator[Browser]:
        """Let the browser be used, from this thread alone."""
        asyncio._set_running_loop(self._loop)
        try:
            yield self.browser
        finally:
            asyncio._set_running_loop(None)

    def close(self) -> None:
        """End the browser and its driver."""
        asyncio._set_running_loop(self._loop)
        self.browser.close()
        self._playwright.stop()
        asyncio._set_running_loop(None)


class Watch:
    """Notes what no page may do: open a dialog, break its policy, throw, ask for what is not there, meet a 5xx."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def over(self, context: BrowserContext) -> None:
        """Begin to watch every page of this context."""
        context.add_init_script(_REPORT_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda thrown: self.faults.append(f"a script threw: {thrown.error}"))
        context.on("dialog", self._dialog)
        context.on("response", self._response)
        context.on("requestfailed", self._failed)

    def take(self) -> list[str]:
        """Return what was noted, and forget it."""
        taken, self.faults = self.faults, []
        return taken

    def _console(self, message: ConsoleMessage) -> None:
        # A refused form is a 4xx answer, which Chromium mentions here too: `_response` judges answers.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"a dialog opened: {dialog.message}")
        dialog.dismiss()

    def _response(self, response: Response) -> None:
        is_page = response.request.resource_type in {"document", "xhr", "fetch"}
        if response.status >= (500 if is_page else 400):
            self.faults.append(f"{response.status} from {response.url}")

    def _failed(self, request: Request) -> None:
        # A page that is left, or that turns out to be a download, is aborted.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"{request.failure} at {request.url}")


def new_context(browser: Browser, url: str, **options: Any) -> BrowserContext:
    """Return a fresh browser profile at the portal's address, without animations, with a desk's window."""
    usual = {"viewport": {"width": 1280, "height": 820}, "reduced_motion": "reduce", "locale": "en-GB"}
    context = browser.new_context(base_url=url, **{**usual, **options})
    context.set_default_timeout(PATIENCE)
    return context
