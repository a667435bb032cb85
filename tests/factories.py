"""Typed functions that make one valid object each."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from portal import tokens
from portal.models import Membership, Role, Token, User
from tests.pki.authority import make_csr
from vault import tasks
from vault.lifecycle import issuing, vaults
from vault.lifecycle.issuing import Order
from vault.models import Certificate, Notice, Operation, Vault
from vault.models.audit import SYSTEM, Actor
from vault.models.policy import SELF, UNKNOWN, AlternativeNames, KeyPolicy, Policy, Validity

_count = itertools.count(1)

EC_KEY = KeyPolicy(kty="EC", size=None, curve="P-256")


def make_user(name: str = "", *, staff: bool = False, email: str = "") -> User:
    """A person without password; tests sign them in by `client_of`."""
    return User.objects.create(username=name or f"person{next(_count)}", email=email, is_staff=staff)


def make_vault(name: str = "", **facts: Any) -> Vault:
    """An empty vault without members."""
    return vaults.create_vault(name=name or f"vault{next(_count)}", by=SYSTEM, **facts)


def make_member(vault: Vault, role: str = Role.OFFICER, user: User | None = None) -> User:
    """A person with a role in `vault`."""
    user = user or make_user()
    Membership.objects.create(vault=vault, user=user, role=role)
    return user


def make_token(user: User, *vaults: Vault, verbs: Iterable[str] = Token.ALL, name: str = "", days: int = 30) -> str:
    """The text of a token of `user` for these vaults."""
    name = name or f"token{next(_count)}"
    return tokens.make(user=user, name=name, vaults=vaults, verbs=verbs, days=days, by=actor_of(user))[1]


def make_policy(**facts: Any) -> Policy:
    """A policy that can be issued: EC P-256, one name, twelve months, Self."""
    names = facts.pop("names", AlternativeNames(dns=("www.example.org",)))
    subject = f"CN={names.dns[0]}" if names.dns else "CN=www.example.org"
    defaults = {"key": EC_KEY, "subject": subject, "names": names, "issuer_name": SELF}
    return replace(Policy(validity=Validity(number=12, unit="months")), **{**defaults, **facts})


def actor_of(user: User | None) -> Actor:
    """`user`, or the portal itself, as the audit trail names them."""
    return Actor(name=user.username, user_id=user.pk) if user else SYSTEM


def make_operation(
    *, vault: Vault | None = None, name: str = "", issuer: str = UNKNOWN, by: User | None = None, **facts: Any
) -> Operation:
    """An operation in progress: with Unknown it waits for a merge, with Self for its worker."""
    order = Order(name=name or f"cert{next(_count)}", policy=make_policy(issuer_name=issuer, **facts))
    return issuing.request_certificate(vault=vault or make_vault(), order=order, by=actor_of(by))


def make_brought(
    *, vault: Vault | None = None, name: str = "", by: User | None = None, csr: bytes = b"", **facts: Any
) -> Operation:
    """An operation that waits for a merge, whose request was made elsewhere."""
    policy = make_policy(issuer_name=UNKNOWN, **facts)
    order = Order(name=name or f"cert{next(_count)}", policy=policy, csr=csr or make_csr())
    return issuing.request_certificate(vault=vault or make_vault(), order=order, by=actor_of(by))


def make_certificate(
    *, vault: Vault | None = None, name: str = "", by: User | None = None, **facts: Any
) -> Certificate:
    """A certificate with one completed, self-signed version."""
    operation = make_operation(vault=vault, name=name, issuer=SELF, by=by, **facts)
    tasks.advance_operation(operation.pk)
    return Certificate.objects.select_related("vault", "current", "current__key").get(pk=operation.certificate_id)


def make_notice(certificate: Certificate, address: str, *, reason: str = Notice.Reason.NEAR, **facts: Any) -> Notice:
    """Something that `address` is to hear about a certificate's current version."""
    about = facts.pop("about", certificate.current_id.hex if certificate.current_id else "0" * 32)
    facts = {"until": certificate.expires_at if certificate.has_expiry else None, **facts}
    return Notice.objects.create(
        vault=certificate.vault, certificate=certificate, about=about, reason=reason, address=address, **facts
    )
