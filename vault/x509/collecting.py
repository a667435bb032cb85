"""What one file has given so far: certificates, keys and requests, each once, and the first reason against it.

Runs in the parsing child. Nothing is kept that could fail later, and nothing beyond what a person can look through.
"""

from __future__ import annotations

import warnings

from vault.errors import UnreadableFile
from vault.x509 import advising, certificates, keyreading, recognising
from vault.x509.found import FoundFile, FoundKey, FoundRequest, Ignored, Locked
from vault.x509.library import refusing
from vault.x509.visible import display

MAX_CERTIFICATES = 20
MAX_KEYS = 8
MAX_REQUESTS = 20
MAX_KEY_WORK = 384
"""Eight RSA keys of 2048 bits, six of 4096: checking one takes time that grows with the third power of its length."""
MAX_IGNORED = 20
_LONGEST_NAME = 250
_WRONG = "The password does not open {}. Send it again with its own password."
_MISSING = "{} is protected by a password. Send it again with its password."


class Collection:
    """Takes in what is found in one file. Goes on after a refusal: a private key may stand behind what is damaged."""

    def __init__(self) -> None:
        self.certificates: dict[bytes, None] = {}
        self.keys: dict[str, FoundKey] = {}
        self.requests: dict[bytes, FoundRequest] = {}
        self.ignored: dict[Ignored, None] = {}
        self.locked = Locked.NO
        self.holds_private_key = False
        self.looks_like = ""
        self.refusal = ""
        self.friendly_name = ""
        self.is_binary = False
        self.seen: set[bytes] = set()
        self.key_work = 0

    def result(self, name: str) -> FoundFile:
        """The answer for the file; there is something in it, or a reason why not."""
        kind = self.looks_like or ("a file of an unknown kind" if self.is_binary else "text")
        if kind != recognising.PFX and (self.holds_private_key or self.certificates):
            kind = recognising.KEY if self.holds_private_key else recognising.CERTIFICATE
        found = self.certificates or self.keys or self.requests or self.ignored
        return FoundFile(
            name=shown_name(name),
            certificates=tuple(self.certificates),
            keys=tuple(self.keys.values()),
            requests=tuple(self.requests.values()),
            ignored=tuple(self.ignored),
            looks_like=kind,
            refusal=self.refusal or ("" if found else advising.refusal(self.looks_like or kind)),
            locked=self.locked,
            holds_private_key=self.holds_private_key,
            friendly_name=display(self.friendly_name[:_LONGEST_NAME]),
        )

    def refuse(self, sentence: str) -> None:
        """Note the first reason why the file, or a part of it, cannot be used."""
        self.refusal = self.refusal or sentence

    def note(self, kind: str) -> None:
        """Note what the file looks like; the first guess is the best."""
        self.looks_like = self.looks_like or kind

    def ignore(self, what: str) -> None:
        """Note something that is left aside."""
        self.note(what)
        if len(self.ignored) < MAX_IGNORED:
            self.ignored[advising.ignored(what)] = None

    def keep(self, data: bytes) -> None:
        """Take in a certificate as DER."""
        if data in self.certificates:
            return
        if len(self.certificates) == MAX_CERTIFICATES:
            sentence = f"This file holds more than {MAX_CERTIFICATES} certificates. Send the new one and its chain."
            self.refuse(sentence)
            return
        if _can_be_read(data):
            self.certificates[data] = None
        else:
            self.note(recognising.CERTIFICATE)
            self.refuse("A certificate here is damaged and cannot be read. Ask the CA for it again.")

    def keep_request(self, data: bytes) -> None:
        """Take in a request as DER."""
        self.note(recognising.REQUEST)
        if data in self.requests or not self._has_room(len(self.requests), MAX_REQUESTS, "requests"):
            return
        try:
            self.requests[data] = keyreading.read_request(data)
        except UnreadableFile as error:
            self.refuse(str(error))

    def keep_key(self, data: bytes) -> None:
        """Take in a private key in any form that is not encrypted."""
        self.holds_private_key = True
        if data in self.seen or not self._has_room(len(self.seen), MAX_KEYS, "private keys"):
            return
        self.seen.add(data)
        self.key_work += keyreading.work(data)
        if self.key_work > MAX_KEY_WORK:
            self.refuse("This file holds too many long RSA keys to check at a time. Send one certificate at a time.")
            return
        try:
            key = keyreading.read_key(data)
        except UnreadableFile as error:
            self.refuse(str(error))
        else:
            self.keys.setdefault(key.spki_sha256, key)

    def _has_room(self, kept: int, most: int, what: str) -> bool:
        if kept < most:
            return True
        self.refuse(f"This file holds more than {most} {what}. Send one certificate at a time.")
        return False

    def lock(self, locked: Locked, what: str) -> None:
        """Note that something does not open; `what` it is stands in the sentence."""
        self.locked = self.locked or locked
        self.refuse((_WRONG if locked is Locked.WRONG_PASSWORD else _MISSING).format(what))


def shown_name(name: str) -> str:
    """A file's name made visible, its end if it is long."""
    return display(name[-_LONGEST_NAME:])


def _can_be_read(data: bytes) -> bool:
    """Read everything in a certificate now, so that nothing in it can fail later."""
    try:
        with refusing(UnreadableFile("")), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for extension in certificates.load(data).extensions:
                repr(extension.value)
            certificates.facts(data)
            certificates.describe(data)
    except UnreadableFile:
        return False
    return True
