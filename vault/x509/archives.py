"""The files in a ZIP archive, one level deep. Runs in the parsing child.

Names are shown and never used as paths. Nothing is unpacked beyond what fits the limits: how large a member says it
is, or how well it is packed, is not believed but seen while reading.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_MEMBERS = 100
MAX_MEMBER = 1_000_000
MAX_UNPACKED = 4_000_000
_ENCRYPTED = 0x1
_STORED, _DEFLATED = 0, 8
_LONGEST_NAME = 120
_OFFICE = "[Content_Types].xml"
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    LookupError,
    OSError,
    EOFError,
    RuntimeError,
    OverflowError,
)


@dataclass(frozen=True)
class Member:
    """One file in an archive: its name there, and its octets or the sentence that refuses it."""

    name: str
    content: bytes = field(default=b"", repr=False)
    refusal: str = ""


class BadArchive(ValueError):
    """The archive as a whole cannot be read; the text is a sentence."""


def members(data: bytes) -> Iterator[Member]:
    """Unpack one file after the other; directories and what macOS adds are skipped. Raises BadArchive."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = [info for info in archive.infolist() if not _is_chaff(info.filename)]
    except _BROKEN:
        raise BadArchive("This ZIP archive is damaged or cut off. Pack it again.") from None
    _check(infos)
    left = MAX_UNPACKED
    for info in infos:
        member = _read(archive, info, min(left, MAX_MEMBER))
        left -= len(member.content)
        yield member


def _check(infos: list[zipfile.ZipInfo]) -> None:
    if any(info.filename == _OFFICE for info in infos):
        raise BadArchive("This is an Office document. Send the certificate itself.")
    if not infos:
        raise BadArchive("There is no file in this ZIP archive.")
    if len(infos) > MAX_MEMBERS:
        sentence = (
            f"This ZIP archive has {len(infos):,} files; {MAX_MEMBERS} is the most that is read. Send it in parts."
        )
        raise BadArchive(sentence)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> Member:
    name = info.filename[-_LONGEST_NAME:]
    if info.flag_bits & _ENCRYPTED:
        return Member(name, refusal="This file is encrypted in its ZIP archive. Unpack it, and send the file itself.")
    if info.compress_type not in (_STORED, _DEFLATED):
        return Member(name, refusal="This file is packed in an unusual way. Pack it as an ordinary ZIP archive.")
    try:
        with archive.open(info) as stream:
            content = stream.read(limit + 1)
    except _BROKEN:
        return Member(name, refusal="This file is damaged in its ZIP archive. Pack it again.")
    if len(content) > limit:
        return Member(
            name, refusal=f"This file is too large: {MAX_MEMBER:,} octets is the most, {MAX_UNPACKED:,} together."
        )
    return Member(name, content)


def _is_chaff(name: str) -> bool:
    """Directories, and what macOS and Windows lay beside one's files."""
    parts = name.replace("\\", "/").split("/")
    return not parts[-1] or parts[0] == "__MACOSX" or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")
