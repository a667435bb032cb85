"""People who sign in over HTTP, and the answers they send."""

import secrets
import uuid

from bench.browser import Browser, Form

VAULT = "bench"


def hire(count: int) -> list[tuple[str, str]]:
    """Make officers of the vault `bench` in the database of this process; return their names and passwords."""
    from portal import setup
    from portal.models import Membership, Role, User
    from vault.lifecycle import vaults
    from vault.models import Vault
    from vault.models.audit import SYSTEM

    vault = Vault.objects.named(VAULT).first() or vaults.create_vault(name=VAULT, by=SYSTEM)
    hired = []
    for _ in range(count):
        name, password = f"officer-{secrets.token_hex(4)}", secrets.token_hex(12)
        person = setup.create_user(name, password=password, is_administrator=False, by=SYSTEM)
        User.objects.filter(pk=person.pk).update(must_change_password=False)
        Membership.objects.create(vault=vault, user=person, role=Role.OFFICER)
        hired.append((name, password))
    return hired


def signed_in(port: int, count: int) -> list[Browser]:
    """Return that many browsers, each with a new person signed in and the request form opened once."""
    browsers = []
    for name, password in hire(count):
        browser = Browser(port)
        browser.sign_in(name, password)
        status, _ = browser.get(f"/vaults/{VAULT}/request/")
        if status != 200:
            raise SystemExit(f"The request form was answered with {status}.")
        browsers.append(browser)
    return browsers


def answers() -> Form:
    """Return the request form's answers: its own defaults (EC P-256, Self) with a new certificate and host name."""
    from portal.forms.initial import FRESH, initial_from

    name = f"host-{secrets.token_hex(6)}"
    form: dict[str, str | list[str]] = {}
    for field, value in initial_from(FRESH).items():
        if isinstance(value, bool):
            form |= {field: "on"} if value else {}
        else:
            form[field] = value if isinstance(value, list) else str(value)
    names = f"{name}.example.org\nwww.{name}.example.org"
    return {**form, "names": names, "name": name, "tags": "", "submission": str(uuid.uuid4())}
