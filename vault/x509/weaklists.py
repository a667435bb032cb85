"""Lists of RSA keys that are known to the world, in the format of Debian's package openssl-blacklist.

That package held the keys which Debian's OpenSSL of 2006 to 2008 made (CVE-2008-0166); lists of demonstration keys are
kept in the same format. A line is the last 20 of the 40 hex digits that `openssl rsa -noout -modulus | sha1sum` prints
for a key; lines that begin with # say what the list is. See openssl-vulnkey(1).
"""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Iterable
from pathlib import Path

_LINE = re.compile(rb"[0-9a-f]{20}")
_LOOKED_AT = 100
_lists: tuple[str, ...] = ()


def use(paths: Iterable[str | Path]) -> None:
    """Look keys up in the lists of these files from now on, in this process and in the readers that it starts."""
    global _lists  # noqa: PLW0603 - set once, when the process begins
    _lists = tuple(str(path) for path in paths)


def in_use() -> tuple[str, ...]:
    """The files that keys are looked up in."""
    return _lists


def why_no_list(path: Path) -> str:
    """Say why a file is no list of keys; "" when it is one that can be read."""
    try:
        with path.open("rb") as file:
            lines = [line.strip() for line, _ in zip(file, range(_LOOKED_AT), strict=False)]
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    kept = [line for line in lines if line and not line.startswith(b"#")]
    if not kept or not all(map(_LINE.fullmatch, kept)):
        return "its lines are not 20 hex digits each"
    return ""


def is_listed(modulus: int) -> bool:
    """Whether an RSA key of this modulus is in one of the lists. Raises OSError when a list can no longer be read."""
    mark = hashlib.sha1(b"Modulus=%X\n" % modulus, usedforsecurity=False).hexdigest()[20:].encode()
    return any(_holds(path, mark) for path in _lists)


def _holds(path: str, mark: bytes) -> bool:
    """Whether one line of the file is `mark`: a list of hundreds of thousands of lines takes a few milliseconds."""
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        at = text.find(mark)
        while at >= 0:
            end = at + len(mark)
            if (at == 0 or text[at - 1 : at] == b"\n") and text[end : end + 1] in {b"", b"\n", b"\r"}:
                return True
            at = text.find(mark, end)
    return False
