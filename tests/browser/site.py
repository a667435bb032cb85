"""The portal that the browser visits: the demonstration, a vault to work in, and people to work as."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from tests.processes.portal import Portal

WORKSHOP: Final = "workshop"
ATTIC: Final = "attic"
LOUNGE: Final = "lounge"
PASSWORD: Final = "ferry-lantern-quiet-harbour"

# Beside the demonstration's people: olivia, rahul, adele, rita, aldo.
ADMINISTRATOR: Final = "paula"
STRANGER: Final = "stan"
OFFICER: Final = "olivia"
READER: Final = "rita"
_MEMBERS: Final = (
    (WORKSHOP, OFFICER, "officer"),
    (WORKSHOP, READER, "reader"),
    (WORKSHOP, ADMINISTRATOR, "administrator"),
    (ATTIC, ADMINISTRATOR, "administrator"),
    (LOUNGE, ADMINISTRATOR, "reader"),
    ("payments", ADMINISTRATOR, "administrator"),
    ("intranet", ADMINISTRATOR, "administrator"),
)
# One process for all of them: starting Django takes longer than what they do.
_COMMANDS: Final = """
import io, sys
from django.core.management import call_command
for words in {commands!r}:
    sys.stdin = io.StringIO({stdin!r})
    call_command(*words)
"""

# So that the workshop's list is never empty, whichever test comes first.
_FIRST_CERTIFICATE: Final = f"""
from tests.factories import make_operation
from vault.models import Vault
make_operation(vault=Vault.objects.get(name="{WORKSHOP}"), name="always-here", issuer="Self")
"""

# What is to be answered from a mail, or signed in; and someone to write to.
_NOTICES: Final = f"""
from django.urls import reverse
from portal import noticing
from portal.models import User
from tests.factories import make_notice
from vault.lifecycle import contacts, webhooks
from vault.models import Certificate, Mail, Vault
from vault.models.audit import SYSTEM
User.objects.filter(username="{ADMINISTRATOR}").update(email="{ADMINISTRATOR}@example.org")
payments = Vault.objects.get(name="payments")
www = Certificate.objects.get(vault=payments, name="www-example-org")
mail = Mail.objects.create(kind="test", address="ops@example.org", attempts=2, said="450 4.2.1 Try again later")
person = contacts.Person(email="ops@example.org", name="Operators", phone="+43 1 234 567")
contact = contacts.add_contact(vault=payments, person=person, by=SYSTEM)
near = make_notice(www, "{ADMINISTRATOR}@example.org", words="It is not renewed by itself.")
make_notice(www, "ops@example.org", reason="early", mail=mail)
make_notice(www, "olivia@example.org", reason="early", settled="acknowledged", settled_at=near.created_at)
print(noticing.links(near)["acknowledge"].partition("#")[0].partition("/notices/")[2])
print(reverse("notices:detail", args=[near.pk.hex]))
print(reverse("contacts:edit", args=["payments", contact.pk]))
hook, _ = webhooks.add_webhook(vault=payments, name="Operations", url="https://ops.example.org/hook", by=SYSTEM)
failed = {{"state": "given-up", "attempts": 13, "status": 503, "said": "Service Unavailable", "took_ms": 41}}
for number, facts in enumerate(({{}}, {{"state": "delivered", "attempts": 1, "status": 204, "took_ms": 12}}, failed)):
    facts |= {{"next_try_at": near.created_at}}
    hook.deliveries.create(kind="Microsoft.KeyVault.CertificateNearExpiry", key=str(number), payload={{}}, **facts)
print(hook.id.hex)
"""


class Site:
    """A running portal with its people's passwords."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.url = portal.url
        words = portal.said()
        self.addresses: dict[str, str] = {}
        self.first_password = _after("user name: admin\n  password:", words)
        self._demo_password = _after(f"{OFFICER}, rahul, adele, {READER}, aldo\n  password:", words)

    def password_of(self, person: str) -> str:
        """Return the password of someone whom the demonstration or `settle` made."""
        return PASSWORD if person in {ADMINISTRATOR, STRANGER} else self._demo_password

    def settle(self) -> None:
        """Make vaults to work in, their members, and the people who are in no demonstration."""
        given = f"{PASSWORD}\n"
        people = (
            ("create_user", ADMINISTRATOR, "--admin", "--password-stdin"),
            ("create_user", STRANGER, "--password-stdin"),
        )
        vaults = (("create_vault", name) for name in (WORKSHOP, ATTIC, LOUNGE))
        self.manage(*vaults, *people, *(("add_member", *words) for words in _MEMBERS), stdin=given)
        self.portal.run_python(_FIRST_CERTIFICATE)
        token, own, contact, webhook = self.portal.run_python(_NOTICES).split()[-4:]
        self.addresses = {
            "mailed_notice": f"/notices/{token}",
            "own_notice": own,
            "contact": contact,
            "webhook": f"/vaults/payments/webhooks/{webhook}/",
        }

    def manage(self, *commands: tuple[str, ...], stdin: str = "") -> str:
        """Run commands of manage.py beside the portal, each with this standard input; return what they say."""
        return self.portal.run_python(_COMMANDS.format(commands=commands, stdin=stdin))


@contextmanager
def running_site(directory: Path) -> Iterator[Site]:
    """Start a demonstration portal in `directory`, on the database and broker of this run, and stop it afterwards."""
    with _database() as database, _broker() as broker:
        portal = Portal(directory, environment={**database, **broker, "CHANCERY_SIGN_IN_TRIES": "50"})
        try:
            portal.start("--demo", within=120)
            site = Site(portal)
            site.settle()
            yield site
        finally:
            portal.clean_up()


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """Environment that chooses the database: a new one where DATABASE_URL says PostgreSQL, else SQLite."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield {}
        return
    name = f"chancery_browser_{secrets.token_hex(4)}"
    with psycopg.connect(_with_path(url, "postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield {"DATABASE_URL": _with_path(url, name)}
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _broker() -> Iterator[dict[str, str]]:
    """Environment that chooses the broker: a Redis database of its own where REDIS_URL is set, else the ORM's."""
    url = os.environ.get("REDIS_URL", "")
    if not url:
        yield {}
        return
    own = _with_path(url, "12")
    client = redis.from_url(own)
    client.flushdb()
    try:
        yield {"REDIS_URL": own}
    finally:
        client.flushdb()
        client.close()


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


def _after(words: str, text: str) -> str:
    found = re.search(re.escape(words) + r"\s*(\S+)", text)
    assert found, text
    return found[1]
