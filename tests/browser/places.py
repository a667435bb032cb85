"""Every page of the portal, and how someone comes to see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Page

from tests.browser import steps
from tests.browser.site import ATTIC

Act = Callable[[Page], None]
# As the cookie does; colours that are still on their way are taken to their end.
CHANGE_THEME: Final = """theme => {
  document.documentElement.dataset.theme = theme;
  document.getAnimations().forEach(each => each.finish());
}"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A page to look at: its URL name, where it is, and what to do there before looking.

    `{…}` in `path` stands for an address that `furnish` has found. `status` is the answer's.
    """

    title: str
    name: str
    path: str
    act: Act | None = None
    status: int = 200
    signed_in: bool = True

    def open(self, page: Page, addresses: dict[str, str]) -> int:
        """Go there, do what there is to do, and return the status of the answer to the address."""
        answer = page.goto(self.path.format(**addresses))
        if self.act is not None:
            self.act(page)
        assert answer is not None
        return answer.status


def furnish(page: Page) -> dict[str, str]:
    """As a portal administrator, make what some pages need to have something to show; return the addresses in `PLACES`.

    That is: a deleted certificate in an otherwise empty vault, a deleted vault, an invitation.
    """
    steps.get_certificate(page, ATTIC, "old-wiki.example.org", name="old-wiki")
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete old-wiki").click()
    steps.make_vault(page, "bygone")
    steps.delete_vault(page, "bygone")
    return {**_find_addresses(page), "invitation": steps.invite(page, "greta", "Greta Guest")}


def _find_addresses(page: Page) -> dict[str, str]:
    requests = _links(page, "/vaults/payments/operations/")
    people = _links(page, "/people/")
    versions = {
        name: _links(page, f"/vaults/{path}/")[f"Version {number}"]
        for name, path, number in (
            ("version", "payments/certificates/www-example-org", 2),
            ("older", "payments/certificates/www-example-org", 1),
            ("not_exportable", "intranet/certificates/vpn", 1),
            ("disabled", "intranet/certificates/build", 1),
        )
    }
    return {
        **versions,
        "waiting": requests["partner-example-net"],
        "completed": requests["api-example-org"],
        "failed": requests["statements"],
        "cancelled": requests["sandbox"],
        "person": people["Olivia Officer"],
        "oneself": people["paula"],
    }


def _links(page: Page, path: str) -> dict[str, str]:
    page.goto(path)
    rows = page.locator("a.row-link").all()
    return {row.inner_text().strip(): row.get_attribute("href") or "" for row in rows}


# ------------------------------------------------------------- what to do there
def _send_nothing(page: Page) -> None:
    page.locator("main form[method=post] .button[data-kind=primary]").first.click()
    page.locator(".error-summary").wait_for()


def _check_answers(page: Page) -> None:
    page.get_by_label("Names", exact=True).fill("www.example.com\n*.example.com\n10.0.0.1")
    steps.press(page, "Continue")
    page.get_by_role("heading", name="Check your answers").wait_for()


def _open_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details:not(.menu)').forEach(each => { each.open = true; })")


def _open_menu(page: Page) -> None:
    page.locator(".masthead .menu summary").click()


def _open_downloads(page: Page) -> None:
    steps.open_downloads(page)


def _bring_html(page: Page) -> None:
    page.get_by_label("Paste the certificate").fill("<html>no certificate</html>")
    steps.press(page, "Check and store")
    page.locator(".error-summary").wait_for()


def _make_link(page: Page) -> None:
    steps.press(page, "Make a one-time link")
    page.get_by_role("heading", name="Hand over this link").wait_for()


def _type_another_name(page: Page) -> None:
    page.get_by_label("Type old-wiki to confirm").fill("something else")
    steps.press(page, "Purge for good")


_PAYMENTS: Final = "/vaults/payments/"
_WWW: Final = f"{_PAYMENTS}certificates/www-example-org/"
_TRASH: Final = f"/vaults/{ATTIC}/deleted/"


def _place(title: str, name: str, path: str, act: Act | None = None, status: int = 200) -> Place:
    return Place(title=title, name=name, path=path, act=act, status=status)


def _outside(title: str, name: str, path: str, act: Act | None = None, status: int = 200) -> Place:
    return Place(title=title, name=name, path=path, act=act, status=status, signed_in=False)


PLACES: Final = (
    _outside("sign-in", "accounts:sign-in", "/sign-in/"),
    _outside("sign-in refused", "accounts:sign-in", "/sign-in/", _send_nothing),
    _outside("password reset", "accounts:reset", "/password-reset/"),
    _outside("password reset sent", "accounts:reset-sent", "/password-reset/sent/"),
    _outside("password reset ended", "accounts:reset-confirm", "/password-reset/Mg/never-was/", status=404),
    _outside("invitation", "accounts:invitation", "{invitation}"),
    _outside("invitation ended", "accounts:invitation", "/invitation/never-was/", status=404),
    _outside("nothing here, signed out", "", "/nothing/", status=404),
    _place("home", "home", "/"),
    _place("home with the person's menu", "home", "/", _open_menu),
    _place("home, what waits", "home", "/?show=waiting"),
    _place("home, what expires", "home", "/?show=expiring"),
    _place("home, nothing runs", "home", "/?show=running"),
    _place("account", "accounts:detail", "/account/"),
    _place("password", "accounts:password", "/account/password/"),
    _place("password refused", "accounts:password", "/account/password/", _send_nothing),
    _place("people", "people:index", "/people/"),
    _place("people, nobody fits", "people:index", "/people/?q=zzzz"),
    _place("invite", "people:invite", "/people/invite/"),
    _place("invite refused", "people:invite", "/people/invite/", _send_nothing),
    _place("person", "people:detail", "{person}"),
    _place("oneself", "people:detail", "{oneself}"),
    _place("one-time link", "people:link", "{person}", _make_link),
    _place("portal audit", "people:audit", "/people/audit/", _open_everything),
    _place("vaults", "vaults:index", "/vaults/"),
    _place("new vault", "vaults:new", "/vaults/new/"),
    _place("new vault refused", "vaults:new", "/vaults/new/", _send_nothing),
    _place("deleted vaults", "vaults:deleted", "/vaults/deleted/", _open_everything),
    _place("vault settings", "vaults:settings", f"{_PAYMENTS}settings/"),
    _place("vault settings, protected", "vaults:settings", "/vaults/intranet/settings/"),
    _place("access", "members:index", f"{_PAYMENTS}access/"),
    _place("access, changing", "members:index", f"{_PAYMENTS}access/", _open_everything),
    _place("add a member", "members:add", f"{_PAYMENTS}access/add/"),
    _place("add a member refused", "members:add", f"{_PAYMENTS}access/add/", _send_nothing),
    _place("vault audit", "audit:index", f"{_PAYMENTS}audit/"),
    _place("vault audit in detail", "audit:index", f"{_PAYMENTS}audit/?action=certificates/", _open_everything),
    _place("vault audit, nothing fits", "audit:index", f"{_PAYMENTS}audit/?actor=nobody"),
    _place("request", "requests:new", f"{_PAYMENTS}request/"),
    _place("request, all open", "requests:new", f"{_PAYMENTS}request/", _open_everything),
    _place("request refused", "requests:new", f"{_PAYMENTS}request/", _send_nothing),
    _place("request a new version", "requests:new", f"{_PAYMENTS}request/?certificate=www-example-org"),
    _place("check answers", "requests:check", f"{_PAYMENTS}request/", _check_answers),
    _place("certificates", "certificates:index", _PAYMENTS),
    _place("certificates, nothing fits", "certificates:index", f"{_PAYMENTS}?q=zzzz"),
    _place("certificates, empty vault", "certificates:index", f"/vaults/{ATTIC}/"),
    _place("certificate", "certificates:detail", _WWW),
    _place("certificate, all open", "certificates:detail", _WWW, _open_everything),
    _place("certificate, downloads open", "certificates:detail", _WWW, _open_downloads),
    _place("certificate expired", "certificates:detail", f"{_PAYMENTS}certificates/legacy-gateway/"),
    _place("certificate without version", "certificates:detail", f"{_PAYMENTS}certificates/partner-example-net/"),
    _place("tags", "certificates:tags", f"{_PAYMENTS}certificates/api-example-org/tags/"),
    _place("delete", "certificates:delete", f"{_WWW}delete/"),
    _place("policy", "policies:edit", f"{_WWW}policy/", _open_everything),
    _place("version", "versions:detail", "{older}"),
    _place("version disabled", "versions:detail", "{disabled}"),
    _place("download", "downloads:with-key", "{version}download/"),
    _place("download, no key leaves", "downloads:with-key", "{not_exportable}download/"),
    _place("download, disabled", "downloads:with-key", "{disabled}download/"),
    _place("requests", "operations:index", f"{_PAYMENTS}operations/"),
    _place("requests, empty vault", "operations:index", f"/vaults/{ATTIC}/operations/"),
    _place("request waiting", "operations:detail", "{waiting}"),
    _place("request completed", "operations:detail", "{completed}"),
    _place("request failed", "operations:detail", "{failed}"),
    _place("request cancelled", "operations:detail", "{cancelled}"),
    _place("bring the certificate", "operations:merge", "{waiting}merge/"),
    _place("bring the certificate refused", "operations:merge", "{waiting}merge/", _bring_html),
    _place("nothing to bring", "operations:merge", "{completed}merge/", status=409),
    _place("deleted certificates", "deleted:index", _TRASH),
    _place("deleted certificates, none", "deleted:index", f"{_PAYMENTS}deleted/"),
    _place("deleted certificates, protected", "deleted:index", "/vaults/intranet/deleted/"),
    _place("purge", "deleted:purge", f"{_TRASH}old-wiki/purge/"),
    _place("purge refused", "deleted:purge", f"{_TRASH}old-wiki/purge/", _type_another_name),
    _place("nothing here", "", "/vaults/no-such-vault/", status=404),
    _place("not allowed", "", "/vaults/lounge/settings/", status=403),
)
