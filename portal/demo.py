"""What `up --demo` shows a newcomer: two vaults, people of every role, certificates in every state."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TextIO

from django.db import transaction
from django.utils import timezone

from portal import rehearsal
from portal.models import Membership, Role, User
from vault import tasks
from vault.keys.making import open_key
from vault.lifecycle import completing, issuing, retiring, vaults, withdrawing
from vault.lifecycle.completing import Answer
from vault.lifecycle.issuing import Order
from vault.models import Certificate, Operation, Vault
from vault.models.audit import SYSTEM, Actor
from vault.models.policy import CLIENT_AUTH, SELF, SERVER_AUTH, UNKNOWN, AlternativeNames, KeyPolicy, Policy, Validity
from vault.x509 import chains
from vault.x509.certificates import self_sign

PEOPLE = {
    "olivia": ("Olivia Officer", Role.OFFICER),
    "rahul": ("Rahul Requester", Role.REQUESTER),
    "adele": ("Adele Administrator", Role.ADMINISTRATOR),
    "rita": ("Rita Reader", Role.READER),
    "aldo": ("Aldo Auditor", Role.AUDITOR),
}
_EC = KeyPolicy(kty="EC", size=None, curve="P-256")


def fill(out: TextIO, cast: rehearsal.Cast | None = None) -> None:
    """Add the demonstration once, with issuers at the CAs that are played; a second time changes nothing."""
    if Vault.objects.named("payments").exists():
        return
    password = "-".join(secrets.token_hex(3) for _ in range(3))
    with transaction.atomic():
        payments = vaults.create_vault(name="payments", by=SYSTEM)
        intranet = vaults.create_vault(name="intranet", retention_days=30, purge_protection=True, by=SYSTEM)
        people = {name: _person(name, password, payments, intranet) for name in PEOPLE}
    desk = Desk(payments, people["olivia"])
    _fill_payments(desk)
    rehearsal.fill(payments, desk, cast or {})
    _fill_intranet(Desk(intranet, people["rahul"]))
    out.write("Demonstration added: the vaults “payments” and “intranet”. Sign in as one of its people:\n")
    out.write(f"  {', '.join(PEOPLE)}\n  password: {password}\n")


def _person(name: str, password: str, *members_of: Vault) -> User:
    title, role = PEOPLE[name]
    first, last = title.split()
    user = User(username=name, first_name=first, last_name=last, email=f"{name}@example.org")
    user.set_password(password)
    user.save()
    for vault in members_of:
        Membership.objects.create(vault=vault, user=user, role=role)
    return user


def _fill_payments(desk: Desk) -> None:
    desk.issue("www-example-org", "www.example.org", "example.org")
    desk.issue("www-example-org", "www.example.org", "example.org", "shop.example.org")
    desk.issue("api-example-org", "api.example.org", tags={"team": "payments", "stage": "live"})
    desk.issue("batch-client", "batch.example.org", ekus=(CLIENT_AUTH,))
    desk.backdated("legacy-gateway", "gateway.example.org", began=timedelta(days=400), left=timedelta(days=-35))
    desk.backdated("checkout-example-org", "checkout.example.org", began=timedelta(days=80), left=timedelta(days=9))
    desk.ask("partner-example-net", "partner.example.net", issuer=UNKNOWN)
    withdrawing.cancel(operation=desk.ask("sandbox", "sandbox.example.org", issuer=UNKNOWN), by=desk.by)
    desk.fail("statements", "statements.example.org")


def _fill_intranet(desk: Desk) -> None:
    desk.issue("wiki", "wiki.intranet.example", "10.20.30.40")
    disabled = desk.issue("build", "build.intranet.example", key=KeyPolicy(kty="RSA", size=2048))
    if disabled.current:
        retiring.set_enabled(version=disabled.current, enabled=False, by=desk.by)
    desk.issue("vpn", "vpn.intranet.example", key=replace(_EC, exportable=False))
    desk.ask("mail", "mail.intranet.example", issuer=UNKNOWN)
    retiring.delete_certificate(certificate=desk.issue("old-wiki", "old-wiki.intranet.example"), by=desk.by)


@dataclass(frozen=True)
class Desk:
    """One person asking for certificates in one vault."""

    vault: Vault
    person: User

    @property
    def by(self) -> Actor:
        return Actor(name=self.person.username, user_id=self.person.pk, right="certificates/create")

    def ask(
        self,
        name: str,
        *names: str,
        issuer: str = SELF,
        key: KeyPolicy = _EC,
        ekus: tuple[str, ...] = (SERVER_AUTH,),
        tags: dict[str, str] | None = None,
    ) -> Operation:
        """Ask for a certificate for host names and addresses."""
        ips = tuple(one for one in names if one[0].isdigit())
        policy = Policy(
            key=key,
            subject=f"CN={names[0]}",
            names=AlternativeNames(dns=tuple(one for one in names if one not in ips), ips=ips),
            key_usage=("digitalSignature",),
            ekus=ekus,
            validity=Validity(number=199, unit="days"),
            issuer_name=issuer,
        )
        order = Order(name=name, policy=policy, tags=tags)
        return issuing.request_certificate(vault=self.vault, order=order, by=self.by)

    def issue(self, *words: str, **facts: object) -> Certificate:
        """Ask, and let the worker's step happen at once."""
        operation = self.ask(*words, **facts)  # type: ignore[arg-type]
        tasks.advance_operation(operation.pk)
        return Certificate.objects.select_related("vault", "current", "current__certificate").get(
            pk=operation.certificate_id
        )

    def backdated(self, name: str, host: str, *, began: timedelta, left: timedelta) -> None:
        """A certificate that is not new: it `began` so long ago and has so much time `left`."""

        def step(operation: Operation) -> None:
            moment = timezone.now().replace(microsecond=0)
            assert operation.key is not None
            leaf = self_sign(
                bytes(operation.csr), open_key(operation.key), not_before=moment - began, not_after=moment + left
            )
            completing.complete(operation=operation, answer=Answer(leaf=leaf, chain=chains.order(leaf, ())), by=SYSTEM)

        self._claimed(self.ask(name, host), step)

    def fail(self, name: str, host: str) -> None:
        """A request that failed, in the words of a CA."""
        words = "Demonstration: the CA could not validate the domain statements.example.org (no CAA record allows it)."
        self._claimed(self.ask(name, host), lambda one: one.fail(code="DomainNotValidated", message=words))

    @staticmethod
    def _claimed(operation: Operation, step: Callable[[Operation], None]) -> None:
        claimed = Operation.objects.claim(operation.pk, lease=timedelta(minutes=1), by="demonstration")
        if claimed is not None:
            step(claimed)
