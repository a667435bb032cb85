"""PEM (RFC 7468) out of whatever text it comes in: mail, web pages, JSON, program source, a single line.

Every step is linear in the size of the text. Runs in the parsing child.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_DASHES = "[-\u2010-\u2015]{2,5}"
_MARK = re.compile(rf"{_DASHES} ?(BEGIN|END) ([A-Z0-9 #]{{1,40}}?) ?{_DASHES}", re.IGNORECASE)
_QUOTING = re.compile(r"^[>| \t]+", re.MULTILINE)
_HEADER = re.compile(r"^[A-Za-z0-9-]+:.*$", re.MULTILINE)
_DEK_INFO = re.compile(r"DEK-Info:\s{0,20}([A-Za-z0-9-]{1,40}),\s{0,20}([0-9A-Fa-f]{2,64})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_DATA_URL = re.compile(r"\A\s{0,20}data:[\w./+-]{0,80}(?:;[\w=-]{1,40}){0,3};base64,")
_TAG = re.compile(r"<[^<>]{0,200}>")
_SOURCE = re.compile(r"[\"',;\\]|[ \t]\+[ \t]*$", re.MULTILINE)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


@dataclass(frozen=True)
class Block:
    """What stands between a BEGIN and its END. `octets` is None when it is no base64; `ended` if the END is there.

    `cipher` and `iv` come from a `DEK-Info` header: the octets are sealed.
    """

    label: str
    octets: bytes | None = field(repr=False)
    ended: bool
    cipher: str = ""
    iv: bytes = b""


def has_mark(text: str) -> bool:
    """Whether a BEGIN or an END stands in the text."""
    return bool(_MARK.search(text))


def plain(text: str) -> str:
    """The text without what mail, web pages and addresses do to it."""
    text = text.translate(_INVISIBLE) if not text.isascii() else text
    if "BEGIN%20" in text:
        from urllib.parse import unquote

        text = unquote(text)
    if "&" in text:
        from html import unescape

        text = unescape(text)
    if "=3D" in text:  # quoted-printable (RFC 2045 §6.7): no other equals sign is left standing
        text = text.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=")
    return text


def blocks(text: str) -> Iterator[Block]:
    """Go from mark to mark; a block is what stands between a BEGIN and the END of the same label."""
    marks = list(_MARK.finditer(text))
    for number, mark in enumerate(marks):
        if mark[1].upper() == "END":
            continue
        label = mark[2].strip().upper()
        after = marks[number + 1] if number + 1 < len(marks) else None
        ended = after is not None and after[1].upper() == "END" and after[2].strip().upper() == label
        yield _block(label, text[mark.end() : after.start() if after else len(text)], ended=ended)


def bare_base64(text: str) -> bytes | None:
    """The octets of base64 without any armour, in either alphabet; None if the text is something else."""
    text = _DATA_URL.sub("", text)
    joined = "".join(_QUOTING.sub("", text.strip("\"' \t\r\n")).split())
    if not _BASE64.fullmatch(joined):
        return None
    return _decoded(joined.replace("-", "+").replace("_", "/"))


def _block(label: str, body: str, *, ended: bool) -> Block:
    body = body.replace("\\r", "").replace("\\n", "\n").replace("\r", "\n")
    found = _DEK_INFO.search(body)
    if found and len(found[2]) % 2 == 0:
        octets = _decoded(_joined(body[found.end() :]))
        return Block(label, octets, ended, found[1].upper(), bytes.fromhex(found[2]))
    return Block(label, _decoded(_joined(body)), ended)


def _joined(body: str) -> str:
    """The base64 of a body, without headers, quoting, markup and the commas of source text."""
    lines = _HEADER.sub("", _QUOTING.sub("", body))
    if "<" in lines:
        lines = _TAG.sub("", lines)
    return "".join(_SOURCE.sub("", lines).split())


def _decoded(text: str) -> bytes | None:
    """The octets, padding added where it was left off; None if this is no base64."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
