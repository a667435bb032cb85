"""Making, checking and revoking tokens. A token is shown once; the database keeps a digest under a ring-derived key."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, cast

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal import access
from portal.models import ApplicationSecret, Token, User
from portal.rights import TOKEN_VERBS
from vault.errors import BadParameter, TooMany
from vault.keys import ring
from vault.models import Vault
from vault.models.audit import Actor, record

SHORTEST_DAYS, LONGEST_DAYS, USUAL_DAYS = 1, 365, 90
MOST_OF_ONE_PERSON: Final = 50
# 43 characters of 62 hold 256 bits; six more tell a mistyped token, or one in a log, from other words.
_DIGITS: Final = string.digits + string.ascii_letters
_LENGTH, _CHECK = 43, 6
_TOKEN, _SECRET = "chv_", "chs_"
_PATTERN: Final = re.compile(rf"ch[vs]_[0-9A-Za-z]{{{_LENGTH + _CHECK}}}")


@transaction.atomic
def make(
    *, user: User, name: str, vaults: Iterable[Vault], verbs: Iterable[str], days: int, by: Actor
) -> tuple[Token, str]:
    """Make a token of `user` that lives `days` days; return it with its text, which is nowhere kept.

    Raises:
        BadParameter: a name, vault, verb or number of days that cannot be.
        TooMany: the person has very many already.
    """
    name, vaults, verbs = name.strip(), list(vaults), sorted(set(verbs))
    _check(user, name, vaults, verbs, days)
    text = _generate(_TOKEN)
    token = Token.objects.create(
        user=user,
        name=name,
        digest=_digests(text)[0],
        start=text[:8],
        verbs=verbs,
        expires_at=timezone.now() + timedelta(days=days),
    )
    token.vaults.set(vaults)
    details = {"vaults": [vault.name for vault in vaults], "verbs": verbs, "days": days}
    _record("tokens/create", token, by, **details)
    return token, text


@transaction.atomic
def make_for(secret: ApplicationSecret, *, seconds: int) -> str:
    """Return a token for the application that has proved to know `secret`; it ends after `seconds`, or with the secret.

    It opens what the application may do in its vaults at that moment. The tokens it had before and has let expire go.
    """
    moment, account = timezone.now(), secret.application.account
    Token.objects.filter(user=account, secret__isnull=False, expires_at__lte=moment).delete()
    text = _generate(_TOKEN)
    Token.objects.create(
        user=account,
        secret=secret,
        name=secret.application.name,
        digest=_digests(text)[0],
        start=secret.start,
        verbs=Token.ALL,
        expires_at=min(moment + timedelta(seconds=seconds), secret.expires_at),
    )
    return text


def make_secret() -> str:
    """A new secret for an application, which is nowhere kept."""
    return _generate(_SECRET)


def is_secret(text: str) -> bool:
    """Whether this could be an application's secret at all: its check digits fit."""
    return text.startswith(_SECRET) and _is_whole(text)


@transaction.atomic
def revoke(*, token: Token, by: Actor) -> None:
    """End a token at once. Raises NotAllowedNow when it is revoked already."""
    token.revoke()
    _record("tokens/revoke", token, by)


def find(text: str, *, vault: str = "") -> Token | None:
    """Return the token of this text, usable or not, with `fits`: whether it is for the vault of that name.

    An application's is for all its vaults.

    Raises RingError.
    """
    if not text.startswith(_TOKEN) or not _is_whole(text):
        return None
    through = Token.vaults.through.objects.filter(token=OuterRef("pk"), vault__name_key=vault.lower())
    known = Token.objects.filter(digest__in=_digests(text)).select_related("user").annotate(for_vault=Exists(through))
    token: Any = known.first()
    if token is not None:
        token.fits = token.for_vault or token.secret_id is not None
    return cast("Token | None", token)


def note_use(token: Token, text: str) -> None:
    """Remember that a token is used, at most once a minute."""
    if not token.was_used_just_now:
        token.note_use(_digests(text)[0])


def in_text(text: str) -> str:
    """Return the first token, or secret of an application, in `text`, or nothing."""
    return next((found for found in _PATTERN.findall(text) if _is_whole(found)), "")


@transaction.atomic
def note_exposed(token: Token, by: Actor) -> None:
    """Note that a token came where logs keep it."""
    _record("tokens/in-address", token, by)


def _check(user: User, name: str, vaults: list[Vault], verbs: list[str], days: int) -> None:
    if not 1 <= len(name) <= 60 or not name.isprintable():
        raise BadParameter("A token's name has 1 to 60 characters. Name it after what will use it.", field="name")
    if not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        message = f"A token cannot live {days} days. Choose {SHORTEST_DAYS} to {LONGEST_DAYS}."
        raise BadParameter(message, field="days")
    if not vaults:
        raise BadParameter("Pick at least one vault for the token.", field="vaults")
    if not verbs:
        raise BadParameter("Say what the token may do.", field="verbs")
    if verbs != Token.ALL and (unknown := set(verbs) - TOKEN_VERBS):
        raise BadParameter(
            f"“{min(unknown)}” is nothing that a token can be for. Choose all, or from: "
            f"{', '.join(sorted(TOKEN_VERBS))}.",
            field="verbs",
        )
    mine = access.vaults_of(user)
    if foreign := [vault.name for vault in vaults if vault not in mine]:
        raise BadParameter(f"“{user}” is no member of “{foreign[0]}”. Add them to it first.", field="vaults")
    if Token.objects.usable().filter(user=user).count() >= MOST_OF_ONE_PERSON:
        raise TooMany(f"“{user}” has {MOST_OF_ONE_PERSON} tokens. Revoke one that is not needed any more.")


def _generate(begin: str) -> str:
    body = "".join(secrets.choice(_DIGITS) for _ in range(_LENGTH))
    return f"{begin}{body}{_checksum(body)}"


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _is_whole(text: str) -> bool:
    return bool(_PATTERN.fullmatch(text)) and _checksum(text[4:-_CHECK]) == text[-_CHECK:]


def _digests(text: str) -> list[str]:
    """HMAC-SHA-256, in hex, of a token's text under each ring key, the active one's first."""
    keys = ring.current().derived("token").values()
    return [hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for key in keys]


def _record(action: str, token: Token, by: Actor, **details: object) -> None:
    record(action, f"people/{token.user}", by=by, details={"name": str(token), **details})
