"""A request made elsewhere in words: what it asks the CA to sign, and where its key has been seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from portal import access
from portal.forms.purposes import eku_titles, usage_titles
from portal.models import User
from vault.models import Certificate, Operation, Version
from vault.models.policy import Policy
from vault.x509.brought import BroughtRequest, in_letters
from vault.x509.visible import display

MOST_SEEN = 5
_KINDS = {"dns": "DNS", "email": "E-mail", "upn": "UPN", "uri": "URI", "ip": "IP"}
_LEFT_TO_CA = "Not asked for: the CA decides"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that will be signed: its name and its lines; `code` sets them in a fixed-width face."""

    title: str
    lines: Sequence[str]
    code: bool = False


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """Something that has the same key: a sentence, where it leads under which words, whether the key is kept here."""

    sentence: str
    url: str
    title: str
    key_is_here: bool


def rows(brought: BroughtRequest) -> list[Row]:
    """Everything in a request that a CA will look at, as it stands there."""
    policy = Policy(key=brought.key, key_usage=brought.key_usage, ekus=brought.ekus)
    names = [_name(kind, value) for kind, value in brought.names.pairs()]
    return [
        Row(title="Subject", lines=[display(brought.subject) or "None"], code=bool(brought.subject)),
        Row(title="Alternative names", lines=names or ["None"], code=bool(names)),
        Row(title="Key usages", lines=[", ".join(usage_titles(policy)) or _LEFT_TO_CA]),
        Row(title="Extended key usages", lines=[", ".join(eku_titles(policy)) or _LEFT_TO_CA]),
        Row(title="Key", lines=[brought.key.title]),
    ]


def _name(kind: str, value: str) -> str:
    letters = in_letters(value) if kind in {"dns", "email"} else ""
    return f"{_KINDS[kind]}: {display(value)}" + (f" ({letters})" if letters else "")


def sightings(user: User, spki_sha256: str) -> list[Sighting]:
    """Certificates and requests with this very key, as far as the person may see them; at most five."""
    mine = access.all_visible_certificates(user)
    requests = Operation.objects.filter(
        Q(deleted_at__isnull=True) | Q(version__isnull=False), spki_sha256=spki_sha256, certificate__in=mine
    ).select_related("certificate__vault")
    versions = Version.objects.filter(key__spki_sha256=spki_sha256, certificate__in=mine)
    found: dict[int, Sighting] = {}
    for operation in requests.light().defer("certificate__policy").order_by("-id")[:MOST_SEEN]:
        found.setdefault(operation.certificate_id, _request_with_key(operation))
    for version in versions.light().select_related("certificate__vault").order_by("-created_at")[:MOST_SEEN]:
        found.setdefault(version.certificate_id, _certificate_with_key(version.certificate, here=True))
    return list(found.values())[:MOST_SEEN]


def _request_with_key(operation: Operation) -> Sighting:
    if not operation.is_in_progress:
        return _certificate_with_key(operation.certificate, here=not operation.key_is_elsewhere)
    vault = operation.certificate.vault
    where = f"“{operation.certificate}” in “{vault}”"
    sentence = f"A request with this very key is in progress: {where}."
    if not operation.key_is_elsewhere:
        sentence = f"This key was made here, for {where}. A certificate for it is brought to that request."
    url = reverse("operations:detail", args=[vault.name, operation.request_id.hex])
    return Sighting(sentence=sentence, url=url, title="Open that request", key_is_here=not operation.key_is_elsewhere)


def _certificate_with_key(certificate: Certificate, *, here: bool) -> Sighting:
    sentence = (
        f"“{certificate}” in “{certificate.vault}” has this very key. A new key for each certificate is safer: "
        "one that is stolen then opens one door."
    )
    url = reverse("certificates:detail", args=[certificate.vault.name, certificate.name])
    return Sighting(sentence=sentence, url=url, title=f"Open {certificate}", key_is_here=here)
