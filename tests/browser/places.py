"""Every page of the portal, and how someone comes to see it."""

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from tests.browser import steps
from tests.browser.files import Issuer, zipped
from tests.browser.openssl import Authority, openssl, own_request
from tests.browser.site import ATTIC, PASSWORD, WORKSHOP

Act = Callable[[Page], None]
# As the cookie does. Taken out and put back, no element keeps a colour of before (inherited ones did, now and then);
# colours that are still on their way are taken to their end.
CHANGE_THEME: Final = """theme => {
  const root = document.documentElement;
  root.dataset.theme = theme;
  root.style.display = "none";
  root.getBoundingClientRect();
  root.style.removeProperty("display");
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


# Requests of the demonstration at its CAs, by what they show.
_ORDERS: Final = {
    "organisation": "careers",
    "record": "cdn",
    "approval": "partners",
    "refused": "blog",
    "late": "survey",
    "unclear": "forum",
}


def furnish(page: Page) -> dict[str, str]:
    """As a portal administrator, make what some pages need to have something to show; return the addresses in `PLACES`.

    That is: a deleted certificate in an otherwise empty vault, a deleted vault, a token, an invitation.
    """
    steps.get_certificate(page, ATTIC, "old-wiki.example.org", name="old-wiki")
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete old-wiki").click()
    steps.make_vault(page, "bygone")
    steps.delete_vault(page, "bygone")
    page.goto("/account/tokens/new/")
    _make_token(page)
    page.goto("/applications/new/")
    _make_application(page)
    add_issuer(page, ATTIC, "digicert-ov")
    return {**_find_addresses(page), "invitation": steps.invite(page, "greta", "Greta Guest")}


def add_issuer(page: Page, vault: str, name: str) -> None:
    """Set up an issuer at an address where nobody answers."""
    page.goto(f"/vaults/{vault}/new-issuer/DigiCert/")
    page.get_by_label("Name", exact=True).fill(name)
    _fill_in_issuer(page)
    steps.press(page, "Add the issuer")
    page.get_by_role("heading", name="Settings").wait_for()


def _fill_in_issuer(page: Page) -> None:
    _open_everything(page)
    page.get_by_label("API key").fill("not-a-key")
    page.get_by_label("Organisation").fill("17")
    page.get_by_label("Address").fill("https://127.0.0.1:9/services/v2")


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
        **{title: requests[f"{name}-example-org"] for title, name in _ORDERS.items()},
        "ordered": _links(page, "/vaults/payments/certificates/login-example-org/")["Version 1"],
        "person": people["Olivia Officer"],
        "application": next(iter(_links(page, "/applications/").values())),
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


def _hand_over_to_nobody(page: Page) -> None:
    steps.press(page, "Hand over")
    page.locator(".error-summary").wait_for()


def _keep_nameless(page: Page) -> None:
    steps.press(page, "Keep this view")
    page.locator(".field-error").wait_for()


def _decide_nothing(page: Page) -> None:
    steps.press(page, "Go on with this order")
    page.locator(".error-summary").wait_for()


def _revoke_nothing(page: Page) -> None:
    page.locator("main .button[data-kind=destroy]").click()
    page.locator(".error-summary").wait_for()


def _check_answers(page: Page) -> None:
    page.get_by_label("Names", exact=True).fill("www.example.com\n*.example.com\n10.0.0.1")
    steps.press(page, "Continue")
    page.get_by_role("heading", name="Check your answers").wait_for()


def _open_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details:not(.menu)').forEach(each => { each.open = true; })")


def _open_menu(page: Page) -> None:
    page.locator(".masthead .menu summary").click()


def _choose_nginx(page: Page) -> None:
    page.get_by_role("radio", name="nginx").check()


def _open_downloads(page: Page) -> None:
    steps.open_downloads(page)


def _bring_html(page: Page) -> None:
    page.get_by_label("Paste the certificate").fill("<html>no certificate</html>")
    steps.press(page, "Check and store")
    page.locator(".error-summary").wait_for()


@functools.cache
def _authority() -> Authority:
    return Authority(Path(tempfile.mkdtemp(prefix="authority-")))


def _signed(page: Page, name: str, **how: str) -> str:
    """What a CA answers to a request of the demonstration."""
    address = _links(page, f"{_PAYMENTS}operations/")[name]
    directory = Path(tempfile.mkdtemp(prefix="csr-"))
    csr = directory / "request.csr"
    csr.write_bytes(page.request.get(f"{address}csr.pem").body())
    return _authority().sign(csr, **how)


def _paste(page: Page, text: str, *, button: str, until: str) -> None:
    page.get_by_label("Paste the certificate").fill(text)
    steps.press(page, button)
    page.get_by_text(until).first.wait_for()


def _bring(name: str, *, until: str, **how: str) -> Act:
    """Bring the answer to the request of this name, or a stranger's, to the request in view."""

    def act(page: Page) -> None:
        place = page.url
        text = _signed(page, name, **how) if name else _authority().sign_another_key()
        page.goto(place)
        _paste(page, text, button="Check and store", until=until)

    return act


def _ask_whose(name: str, *, until: str, **how: str) -> Act:
    """Ask which request the answer to the request of this name, or a stranger's, fits."""

    def act(page: Page) -> None:
        text = _signed(page, name, **how) if name else _authority().sign_another_key()
        page.goto("/answer/")
        _paste(page, text, button="Find its request", until=until)

    return act


def _ask_whose_version(page: Page) -> None:
    version = _links(page, _WWW)["Version 2"]
    text = page.request.get(f"{version}certificate.pem").text()
    page.goto("/answer/")
    _paste(page, text, button="Find its request", until="It is here already")


def _paste_key(page: Page) -> None:
    key = openssl("genpkey", "-algorithm", "ed25519").decode()
    _paste(page, key, button="Find its request", until="treated as exposed")


def _make_link(page: Page) -> None:
    steps.press(page, "Make a one-time link")
    page.get_by_role("heading", name="Hand over this link").wait_for()


def _make_token(page: Page) -> None:
    steps.fill_in_token(page, PASSWORD)
    steps.press(page, "Make the token")
    page.get_by_role("heading", name="Copy it now").wait_for()


def _make_application(page: Page) -> None:
    page.get_by_label("Name").fill(f"app-{steps.fresh_name().partition('.')[0]}")
    page.get_by_label("Your password").fill(PASSWORD)
    steps.press(page, "Make the application")
    page.get_by_role("heading", name="Copy it now").wait_for()


def _test_new_issuer(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("digicert-ev")
    _fill_in_issuer(page)
    steps.press(page, "Test now")
    page.get_by_role("heading", name="This does not work yet").wait_for()


def _test_issuer(page: Page) -> None:
    steps.press(page, "Test now")
    page.get_by_role("heading", name="This does not work yet").wait_for()


def _bring_files(page: Page, **files: bytes) -> None:
    steps.bring_files(page, **files)
    page.get_by_role("heading", name="Check before importing").wait_for()


def _bring_one(page: Page) -> None:
    _bring_files(page, shop_pem=Issuer().bundle("shop.example.org", "www.shop.example.org", days=60))


def _bring_one_and_open(page: Page) -> None:
    _bring_one(page)
    _open_everything(page)


def _bring_expired(page: Page) -> None:
    _bring_files(page, old_pem=Issuer().bundle("old.example.org", age=100, chain=False))


def _choose_self(page: Page) -> None:
    _bring_one_and_open(page)
    page.get_by_role("radio", name=steps.SELF).check()
    page.get_by_role("heading", name="It would be replaced by a self-signed certificate").wait_for()


def _bring_many(page: Page) -> None:
    issuer = Issuer()
    good = {f"{name}_pem": issuer.bundle(f"{name}.example.org") for name in ("billing", "orders")}
    bad = {"old_pem": issuer.bundle("old.example.org", age=100), "letter_txt": b"Dear customer,"}
    _bring_files(page, move_zip=zipped(**good, **bad))


def _import_none_of_many(page: Page) -> None:
    _bring_many(page)
    for box in page.get_by_role("checkbox", name="Import move.zip").all():
        box.uncheck()
    _send_nothing(page)


def _import_many(page: Page) -> None:
    issuer = Issuer()
    bad = {"keyless_pem": issuer.certificate_without_key("keyless.example.org"), "letter_txt": b"Dear customer,"}
    good = {f"{name}_pem": issuer.bundle(steps.fresh_name()) for name in ("first", "second")}
    _bring_files(page, move_zip=zipped(**good, **bad))
    steps.press(page, "Import what is ticked")
    page.get_by_role("heading", name="2 certificates imported").wait_for()


def _bring_locked(page: Page) -> None:
    steps.bring_files(page, shop_pfx=Issuer().pfx("shop.example.org", password="not this one"), password="wrong")
    page.locator(".error-summary").wait_for()


def _bring_useless(page: Page) -> None:
    steps.bring_files(page, a_pem=Issuer().certificate_without_key("a.example.org"), b_txt=b"Dear customer,")
    page.locator(".error-summary").wait_for()


def _own_request(*extensions: str) -> str:
    directory = Path(tempfile.mkdtemp(prefix="own-"))
    return own_request(directory, steps.fresh_name(), *extensions)[1].read_text()


def _bring_csr(page: Page) -> None:
    steps.bring_request(page, "payments", _own_request("tlsfeature=status_request"))


def _bring_own_csr_of_portal(page: Page) -> None:
    address = _links(page, f"{_PAYMENTS}operations/")["partner-example-net"]
    steps.bring_request(page, "payments", page.request.get(f"{address}csr.pem").text())


def _bring_bad_csr(page: Page) -> None:
    page.get_by_label("Paste the request (CSR)").fill(_own_request("basicConstraints=CA:TRUE"))
    steps.press(page, "Continue")
    page.locator(".error-summary").wait_for()


def _bring_certificate_as_csr(page: Page) -> None:
    page.get_by_label("Paste the request (CSR)").fill(_authority().sign_another_key())
    steps.press(page, "Continue")
    page.locator(".error-summary").wait_for()


def _choose_badly(page: Page) -> None:
    _bring_csr(page)
    page.get_by_label("Certificate name").fill("www-example-org")
    page.get_by_label("Tell people when").fill("")
    _send_nothing(page)


def _send_own_csr(page: Page) -> None:
    _bring_csr(page)
    steps.press(page, "Send request")
    page.get_by_role("heading", name="Progress").wait_for()


def _have_version_of_own_csr(page: Page) -> None:
    _send_own_csr(page)
    csr = Path(tempfile.mkdtemp(prefix="own-")) / "own.csr"
    csr.write_bytes(page.request.get(f"{page.url}csr.pem").body())
    page.get_by_role("link", name="Bring the signed certificate").click()
    _paste(page, _authority().sign(csr), button="Check and store", until="The certificate is here")


def _open_certificate_of_own_csr(page: Page) -> None:
    _have_version_of_own_csr(page)
    page.locator("#live").get_by_role("link", name="Open the certificate").click()
    page.get_by_role("heading", name="Current version").wait_for()


def _type_another_name(page: Page) -> None:
    page.get_by_label("Type old-wiki to confirm").fill("something else")
    steps.press(page, "Purge for good")


_PAYMENTS: Final = "/vaults/payments/"
_WWW: Final = f"{_PAYMENTS}certificates/www-example-org/"
_WWW_IMPORT: Final = f"{_PAYMENTS}import/?certificate=www-example-org"
_ISSUER: Final = f"/vaults/{ATTIC}/issuers/digicert-ov/"
_NEW_ISSUER: Final = f"/vaults/{ATTIC}/new-issuer/"
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
    _outside("notice, mailed", "notices:answer", "{mailed_notice}"),
    _outside("notice, mailed, refused", "notices:answer", "{mailed_notice}", _hand_over_to_nobody),
    _outside("notice, mailed, ended", "notices:answer", "/notices/never-was/", status=404),
    _outside("nothing here, signed out", "", "/nothing/", status=404),
    _place("home", "home", "/"),
    _place("home with the person's menu", "home", "/", _open_menu),
    _place("home, what waits", "home", "/?show=waiting"),
    _place("home, what expires", "home", "/?show=expiring"),
    _place("home, what runs", "home", "/?show=running"),
    _place("expiry", "expiry:index", "/expiry/"),
    _place("expiry to 2029, in figures", "expiry:index", "/expiry/?span=years", _open_everything),
    _place("expiry of a view, refused", "expiry:index", "/expiry/?vault=payments", _keep_nameless),
    _place("expiry, nothing fits", "expiry:index", "/expiry/?q=nowhere"),
    _place("renewals ahead", "expiry:load", "/expiry/load/", _open_everything),
    _place("my notices", "notices:index", "/notices/"),
    _place("notice", "notices:detail", "{own_notice}"),
    _place("notice refused", "notices:detail", "{own_notice}", _hand_over_to_nobody),
    _place("account", "accounts:detail", "/account/"),
    _place("password", "accounts:password", "/account/password/"),
    _place("password refused", "accounts:password", "/account/password/", _send_nothing),
    _place("tokens", "tokens:index", "/account/tokens/"),
    _place("make a token", "tokens:new", "/account/tokens/new/", _open_everything),
    _place("make a token refused", "tokens:new", "/account/tokens/new/", _send_nothing),
    _place("token shown", "tokens:new", "/account/tokens/new/", _make_token),
    _place("connect an application", "connecting:index", "/connect/", _open_everything),
    _place("applications", "applications:index", "/applications/"),
    _place("make an application", "applications:new", "/applications/new/"),
    _place("make an application refused", "applications:new", "/applications/new/", _send_nothing),
    _place("application", "applications:detail", "{application}"),
    _place("application made", "applications:new", "/applications/new/", _make_application),
    _place("I have a certificate", "answers:new", "/answer/"),
    _place("I have a certificate refused", "answers:new", "/answer/", _send_nothing),
    _place("I have a certificate, a private key", "answers:new", "/answer/", _paste_key),
    _place(
        "I have a certificate, it fits",
        "answers:new",
        "/answer/",
        _ask_whose("partner-example-net", until="It answers a request"),
    ),
    _place(
        "I have a certificate, it fits with other names",
        "answers:new",
        "/answer/",
        _ask_whose("sandbox", names="DNS:new.example.net", until="It answers a request"),
    ),
    _place("I have a certificate, it is here", "answers:new", "/answer/", _ask_whose_version),
    _place("I have a certificate, nothing fits", "answers:new", "/answer/", _ask_whose("", until="No request fits")),
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
    _place("search", "search:index", "/certificates/"),
    _place("search, filtered", "search:index", "/certificates/?q=example&owner=-&readiness=person"),
    _place("calendars", "calendars:index", "/account/calendars/"),
    _place("webhooks", "webhooks:index", f"{_PAYMENTS}webhooks/"),
    _place("webhooks, none", "webhooks:index", f"/vaults/{ATTIC}/webhooks/"),
    _place("add a webhook", "webhooks:add", f"{_PAYMENTS}webhooks/add/"),
    _place("add a webhook refused", "webhooks:add", f"{_PAYMENTS}webhooks/add/", _send_nothing),
    _place("webhook", "webhooks:detail", "{webhook}"),
    _place("change a webhook", "webhooks:edit", "{webhook}edit/"),
    _place("host name", "hosts:change", f"{_PAYMENTS}settings/host/"),
    _place("vault settings", "vaults:settings", f"{_PAYMENTS}settings/"),
    _place("vault settings, protected", "vaults:settings", "/vaults/intranet/settings/"),
    _place("issuers", "issuers:index", f"/vaults/{ATTIC}/issuers/"),
    _place("issuers of the demonstration", "issuers:index", f"{_PAYMENTS}issuers/"),
    _place("issuers, none", "issuers:index", f"/vaults/{WORKSHOP}/issuers/"),
    _place("issuer in use", "issuers:detail", f"{_PAYMENTS}issuers/digicert/"),
    _place("issuer tested", "issuers:detail", _ISSUER, _test_issuer),
    _place("add an issuer", "issuers:new", _NEW_ISSUER),
    _place("add digicert refused", "issuers:add", f"{_NEW_ISSUER}DigiCert/", _send_nothing),
    _place("add digicert tested", "issuers:add", f"{_NEW_ISSUER}DigiCert/", _test_new_issuer),
    _place("add acme", "issuers:add", f"{_NEW_ISSUER}ACME/", _open_everything),
    _place("edit an issuer", "issuers:edit", f"{_ISSUER}edit/", _open_everything),
    _place("remove an issuer", "issuers:delete", f"{_ISSUER}delete/"),
    _place("remove an issuer in use", "issuers:delete", f"{_PAYMENTS}issuers/digicert/delete/"),
    _place("contacts", "contacts:index", f"{_PAYMENTS}contacts/"),
    _place("contacts, none", "contacts:index", f"/vaults/{ATTIC}/contacts/"),
    _place("add a contact", "contacts:add", f"{_PAYMENTS}contacts/add/"),
    _place("add a contact refused", "contacts:add", f"{_PAYMENTS}contacts/add/", _send_nothing),
    _place("change a contact", "contacts:edit", "{contact}"),
    _place("who answers for a certificate", "owners:change", f"{_WWW}owner/"),
    _place("notices about a certificate", "ledgers:certificate", f"{_WWW}notices/"),
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
    _place("own CSR", "csrs:new", f"{_PAYMENTS}request/csr/"),
    _place("own CSR for a certificate", "csrs:new", f"{_PAYMENTS}request/csr/?certificate=www-example-org"),
    _place("own CSR refused", "csrs:new", f"{_PAYMENTS}request/csr/", _bring_bad_csr),
    _place("own CSR, a certificate came", "csrs:new", f"{_PAYMENTS}request/csr/", _bring_certificate_as_csr),
    _place("own CSR checked", "csrs:check", _PAYMENTS, _bring_csr),
    _place("own CSR checked, key made here", "csrs:check", _PAYMENTS, _bring_own_csr_of_portal),
    _place("own CSR checked, refused", "csrs:check", _PAYMENTS, _choose_badly),
    _place("own CSR, waiting", "operations:detail", _PAYMENTS, _send_own_csr),
    _place("own CSR, completed", "operations:detail", _PAYMENTS, _have_version_of_own_csr),
    _place("own CSR, certificate", "certificates:detail", _PAYMENTS, _open_certificate_of_own_csr),
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
    _place("download for nginx", "downloads:with-key", "{version}download/", _choose_nginx),
    _place("download, no key leaves", "downloads:with-key", "{not_exportable}download/"),
    _place("download, disabled", "downloads:with-key", "{disabled}download/"),
    _place("requests", "operations:index", f"{_PAYMENTS}operations/"),
    _place("requests, empty vault", "operations:index", f"/vaults/{ATTIC}/operations/"),
    _place("request waiting", "operations:detail", "{waiting}"),
    _place("request completed", "operations:detail", "{completed}"),
    _place("request failed", "operations:detail", "{failed}"),
    _place("request cancelled", "operations:detail", "{cancelled}"),
    _place("request at a CA, a record to publish", "operations:detail", "{record}"),
    _place("request at a CA, to be approved", "operations:detail", "{approval}"),
    _place("request at a CA, organisation validation", "operations:detail", "{organisation}"),
    _place("request at a CA, refused", "operations:detail", "{refused}"),
    _place("request at a CA, issued after its end", "operations:detail", "{late}"),
    _place("request at a CA, unclear", "operations:detail", "{unclear}"),
    _place("unclear order", "orders:decide", "{unclear}decide/"),
    _place("unclear order refused", "orders:decide", "{unclear}decide/", _decide_nothing),
    _place("issued after its end", "orders:late", "{late}late/"),
    _place("version of a CA", "versions:detail", "{ordered}"),
    _place("revoke", "versions:revoke", "{ordered}revoke/"),
    _place("revoke refused", "versions:revoke", "{ordered}revoke/", _revoke_nothing),
    _place("bring the certificate", "operations:merge", "{waiting}merge/"),
    _place("bring the certificate refused", "operations:merge", "{waiting}merge/", _bring_html),
    _place(
        "bring the certificate, it fits another request",
        "operations:merge",
        "{waiting}merge/",
        _bring("sandbox", until="Merge there"),
    ),
    _place(
        "bring the certificate, names differ",
        "operations:merge",
        "{waiting}merge/",
        _bring("partner-example-net", names="DNS:new.example.net", until="differs from the request"),
    ),
    _place(
        "bring the certificate, ask the CA",
        "operations:merge",
        "{waiting}merge/",
        _bring("", until="Ask the CA which request it signed"),
    ),
    _place("nothing to bring", "operations:merge", "{completed}merge/", status=409),
    _place("import", "imports:new", f"{_PAYMENTS}import/"),
    _place("import a new version", "imports:new", _WWW_IMPORT),
    _place("import refused", "imports:new", f"{_PAYMENTS}import/", _send_nothing),
    _place("import locked", "imports:new", f"{_PAYMENTS}import/", _bring_locked),
    _place("import useless files", "imports:new", f"{_PAYMENTS}import/", _bring_useless),
    _place("import preview", "imports:preview", f"{_PAYMENTS}import/", _bring_one),
    _place("import preview, all open", "imports:preview", f"{_PAYMENTS}import/", _bring_one_and_open),
    _place("import preview, self-signed", "imports:preview", f"{_PAYMENTS}import/", _choose_self),
    _place("import preview, expired", "imports:preview", f"{_PAYMENTS}import/", _bring_expired),
    _place("import preview of a version", "imports:preview", _WWW_IMPORT, _bring_one),
    _place("import preview of many", "imports:preview", f"{_PAYMENTS}import/", _bring_many),
    _place("import preview of many refused", "imports:preview", f"{_PAYMENTS}import/", _import_none_of_many),
    _place("import results", "imports:preview", f"{_PAYMENTS}import/", _import_many),
    _place("import ended", "imports:preview", f"{_PAYMENTS}import/{'0' * 32}/", status=404),
    _place("deleted certificates", "deleted:index", _TRASH),
    _place("deleted certificates, none", "deleted:index", f"{_PAYMENTS}deleted/"),
    _place("deleted certificates, protected", "deleted:index", "/vaults/intranet/deleted/"),
    _place("purge", "deleted:purge", f"{_TRASH}old-wiki/purge/"),
    _place("purge refused", "deleted:purge", f"{_TRASH}old-wiki/purge/", _type_another_name),
    _place("nothing here", "", "/vaults/no-such-vault/", status=404),
    _place("not allowed", "", "/vaults/lounge/settings/", status=403),
)
