"""Testing an issuer: the calls that change nothing at the CA, within a short time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, Generic, TypeVar

from django.db import connections, transaction

from vault.errors import NotAllowedNow, TooMany, VaultError
from vault.lifecycle import issuers, pausing
from vault.lifecycle.configuring.values import Given, check_given
from vault.models import Issuer, Vault
from vault.models.audit import Actor, record
from vault.providers import offer_of, values
from vault.providers.base import Check, CheckLine, Offer, Provider, ProviderError
from vault.x509.visible import display

log = logging.getLogger(__name__)
Result = TypeVar("Result")
Choices = Mapping[str, Sequence[tuple[str, str]]]

# A person waits for it, and a web server's thread with them.
SECONDS = 20.0
_MOST_AT_ONCE: Final = 2
_MOST_LINES, _LONGEST_LINE, _MOST_CHOICES = 40, 500, 500
_places = threading.BoundedSemaphore(_MOST_AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a test found, and what the CA offers for fields of the form, by their names."""

    check: Check
    choices: Choices = field(default_factory=dict)


def test_issuer(*, issuer: Issuer, by: Actor) -> Tried:
    """Try an issuer's credentials and settings at its CA; remember the outcome, and go on when it is good.

    Raises:
        NotAllowedNow: it was edited while the CA was asked.
        TooMany: other tests are running.
        RingError: credentials do not open.
    """
    tried = _try(issuer, issuers.open_secrets(issuer))
    lines = [asdict(line) for line in tried.check.lines]
    with transaction.atomic():
        if not Issuer.objects.filter(pk=issuer.pk, revision=issuer.revision).exists():
            raise NotAllowedNow(f"“{issuer}” was changed during the test. Test it again.")
        issuer.note_check(good=tried.check.ok, lines=lines)
        resumed = tried.check.ok and _resume(issuer)
        target, result = f"issuers/{issuer}", "good" if tried.check.ok else "bad"
        record("issuers/test", target, by=by, vault=issuer.vault, result=result, details={"resumed": resumed})
    return tried


def try_values(*, vault: Vault, given: Given, issuer: Issuer | None = None, by: Actor) -> Tried:
    """Try values that are not saved, with the stored credentials of `issuer` where none were typed anew.

    Raises:
        BadValues: something is not valid or missing, or a credential has to be given again.
        TooMany: other tests are running.
        RingError: credentials do not open.
    """
    checked = check_given(given, issuer)
    # A row of its own, never saved: what the adapter would keep has no place.
    draft = Issuer(
        vault=vault,
        name="draft",
        provider=checked.provider,
        config=checked.config,
        administrators=checked.administrators,
    )
    tried = _try(draft, checked.secrets)
    target, result = f"issuers/{issuer or checked.provider}", "good" if tried.check.ok else "bad"
    with transaction.atomic():
        record("issuers/test", target, by=by, vault=vault, result=result, details={"saved": False})
    return tried


def _resume(issuer: Issuer) -> bool:
    """Go on after refused credentials. A CA that asked us to slow down is left its time."""
    paused = Issuer.objects.filter(pk=issuer.pk, pause=Issuer.Pause.CREDENTIALS)
    if not paused.exists() or not issuer.resume():
        return False
    pausing.ring_for_issuer(issuer)
    return True


def _try(issuer: Issuer, secrets: Mapping[str, str]) -> Tried:
    offer = offer_of(issuer.provider)
    if offer is None:
        return _bad(f"This portal does not know the provider “{issuer.provider}”: it can order nothing there.")
    gaps = values.lacking(offer, issuer.config, secrets)
    if gaps:
        labels = ", ".join(f"“{one.label}”" for one in gaps)
        return _bad(f"{labels}: not filled in yet. Edit the issuer and fill it in.")
    found = _Asked(lambda: _ask(issuer, secrets, offer)).wait(SECONDS)
    if found is None:
        return _bad(
            f"{offer.title} did not answer within {SECONDS:.0f} seconds. Check the address, and whether a firewall "
            "lets this machine reach it."
        )
    return found


def _ask(issuer: Issuer, secrets: Mapping[str, str], offer: Offer) -> Tried:
    try:
        provider = issuers.build(issuer, secrets)
        check = provider.check()
    except VaultError as error:
        return _bad(str(error))
    except Exception as error:  # noqa: BLE001 - the edge: a bug is told as what it is, without what it might hold
        log.error("a test of an issuer broke: %s, %s", offer.key, type(error).__name__)  # noqa: TRY400
        return _bad("The test broke on our side: this is a mistake in the portal. Its log names the kind of error.")
    lines = tuple(_line(line) for line in check.lines[:_MOST_LINES])
    names = [one.name for one in values.asked_for(offer, issuer.config) if one.dynamic]
    choices = {name: _choices(provider, name) for name in names} if check.ok else {}
    return Tried(check=Check(lines=lines), choices={name: found for name, found in choices.items() if found})


def _choices(provider: Provider, name: str) -> Sequence[tuple[str, str]]:
    try:
        found = provider.choices(name)
    except ProviderError:
        return ()
    return tuple((value, display(label)[:_LONGEST_LINE]) for value, label in found[:_MOST_CHOICES])


def _bad(words: str) -> Tried:
    return Tried(check=Check(lines=(_line(CheckLine(ok=False, text=words)),)))


def _line(line: CheckLine) -> CheckLine:
    return CheckLine(ok=line.ok, text=display(line.text)[:_LONGEST_LINE])


class _Asked(Generic[Result]):
    """A call in a thread of its own, so that nobody waits longer than they want; the thread ends with its call."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self._result: Result | None = None

    def wait(self, seconds: float) -> Result | None:
        """Return what the call returned, or None after so many seconds. Raises TooMany when too many are under way."""
        if not _places.acquire(blocking=False):
            raise TooMany("Other tests are running at this moment. Try again in a minute.")
        thread = threading.Thread(target=self._run, name="issuer test", daemon=True)
        thread.start()
        thread.join(seconds)
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._call()
        finally:
            connections.close_all()
            _places.release()
