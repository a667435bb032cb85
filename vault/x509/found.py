"""What the reader finds in files from outside, typed. Pure values: they cross from the parsing child as JSON."""

from __future__ import annotations

import base64
import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vault.x509.visible import display

_LONGEST = 600


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as it came: its name ("" for a paste) and its octets, which never show in a `repr`."""

    name: str = ""
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class FoundKey:
    """A private key as PKCS#8 DER (RFC 5958), not encrypted; it never shows in a `repr`.

    `title` is what people call it (`RSA 2048`, `EC P-256`, `Ed25519`); `refusal` a sentence when it is weak or broken.
    """

    pkcs8: bytes = field(repr=False)
    spki_sha256: str
    title: str
    refusal: str = ""


@dataclass(frozen=True, kw_only=True)
class FoundRequest:
    """A certification request (RFC 2986) as DER, what its key is called, and why it must not be signed, if so."""

    der: bytes
    spki_sha256: str
    title: str
    refusal: str = ""


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """Something in a file that is not used: what it is (`a public key`) and why, as a sentence."""

    what: str
    why: str


class Locked(enum.StrEnum):
    """Whether something in a file could not be opened for want of its password."""

    NO = ""
    NEEDS_PASSWORD = "needs-password"  # noqa: S105 - none was given
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - the one given does not open it


@dataclass(frozen=True, kw_only=True)
class FoundFile:
    """One file, or one member of a ZIP (`bundle.zip/leaf.crt`): everything in it, each once, in its order.

    `looks_like` completes "This looks like …". `refusal` is a sentence when the file, or a part of it, cannot be
    used: damaged, cut off, too expensive to open. `holds_private_key` is true also for a key that is locked, damaged
    or of an unknown kind. `friendly_name` is the one a PFX gives to its key or leaf.
    """

    name: str = ""
    certificates: tuple[bytes, ...] = ()
    keys: tuple[FoundKey, ...] = ()
    requests: tuple[FoundRequest, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    looks_like: str = "text"
    refusal: str = ""
    locked: Locked = Locked.NO
    holds_private_key: bool = False
    friendly_name: str = ""

    def to_json(self) -> dict[str, Any]:
        """The file as JSON-able data, keys included; `from_json` gives an equal one back."""
        return {
            "name": self.name,
            "certificates": [_text(der) for der in self.certificates],
            "keys": [[_text(key.pkcs8), key.spki_sha256, key.title, key.refusal] for key in self.keys],
            "requests": [[_text(one.der), one.spki_sha256, one.title, one.refusal] for one in self.requests],
            "ignored": [[one.what, one.why] for one in self.ignored],
            "looks_like": self.looks_like,
            "refusal": self.refusal,
            "locked": self.locked.value,
            "holds_private_key": self.holds_private_key,
            "friendly_name": self.friendly_name,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FoundFile:
        """Read what `to_json` wrote, as carefully as any other input. Raises ValueError, TypeError or LookupError."""
        return cls(
            name=_sentence(data["name"]),
            certificates=tuple(_octets(der) for der in data["certificates"]),
            keys=tuple(FoundKey(pkcs8=_octets(one), **_facts(facts)) for one, *facts in data["keys"]),
            requests=tuple(FoundRequest(der=_octets(one), **_facts(facts)) for one, *facts in data["requests"]),
            ignored=tuple(Ignored(what=_sentence(what), why=_sentence(why)) for what, why in data["ignored"]),
            looks_like=_sentence(data["looks_like"]),
            refusal=_sentence(data["refusal"]),
            locked=Locked(data["locked"]),
            holds_private_key=data["holds_private_key"] is not False,
            friendly_name=_sentence(data["friendly_name"]),
        )


@dataclass(frozen=True, kw_only=True)
class Found:
    """Everything in the files of one upload; what stands in several of them counts once."""

    files: tuple[FoundFile, ...] = ()

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """All certificates as DER, each once, in the order of the files."""
        return tuple(dict.fromkeys(der for file in self.files for der in file.certificates))

    @property
    def keys(self) -> tuple[FoundKey, ...]:
        """All private keys, each once."""
        return tuple({key.spki_sha256: key for file in self.files for key in file.keys}.values())

    @property
    def requests(self) -> tuple[FoundRequest, ...]:
        """All requests, each once."""
        return tuple({one.der: one for file in self.files for one in file.requests}.values())

    @property
    def holds_private_key(self) -> bool:
        """Whether a private key is anywhere in it, readable or not."""
        return any(file.holds_private_key for file in self.files)

    @property
    def refusals(self) -> Sequence[FoundFile]:
        """The files that say why they, or a part of them, cannot be used."""
        return [file for file in self.files if file.refusal]


def _facts(facts: Sequence[str]) -> dict[str, str]:
    spki_sha256, title, refusal = map(_sentence, facts)
    return {"spki_sha256": spki_sha256, "title": title, "refusal": refusal}


def _sentence(text: str) -> str:
    return display(text[:_LONGEST])


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _octets(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
