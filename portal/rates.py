"""Counts of calls that all processes of this machine share: a small file in memory, one lock.

A count per call must not cost a write to the database, which on SQLite waits for the disk and for all other writers;
and counting in each process apart would let through as many times the limit as there are processes. Several machines
count each for itself. What is lost with the file is at most one window.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import math
import mmap
import os
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from django.conf import settings

# A slot holds the key's tag, the moment its window began (seconds since 1970) and a count. Keys that fall
# into one slot push each other out, and each begins anew: with 65 536 slots that is rare and costs little.
_SLOT: Final = struct.Struct("<QdQ")
_SLOTS: Final = 65_536


class Rates:
    """Fixed windows: a key may be counted so many times in the seconds after its first."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, _SLOTS * _SLOT.size)
        self._table = mmap.mmap(self._file, _SLOTS * _SLOT.size)
        self._threads = threading.Lock()

    def take(self, limits: Sequence[tuple[str, int]], *, window: int) -> tuple[int | None, int]:
        """Count once for each key, or, where one has reached its limit, for none.

        Returns (None, 0), or the place of the full one in `limits` and the seconds until it begins anew.
        """
        return self._locked(limits, window, counting=True)

    def full(self, limits: Sequence[tuple[str, int]], *, window: int) -> tuple[int | None, int]:
        """Return what `take` would, and count nothing."""
        return self._locked(limits, window, counting=False)

    def _locked(self, limits: Sequence[tuple[str, int]], window: int, *, counting: bool) -> tuple[int | None, int]:
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                return self._count(limits, window, time.time(), counting=counting)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _count(
        self, limits: Sequence[tuple[str, int]], window: int, now: float, *, counting: bool
    ) -> tuple[int | None, int]:
        counted = []
        for place, (key, limit) in enumerate(limits):
            tag, offset = _place(key)
            held, began, count = _SLOT.unpack_from(self._table, offset)
            if held != tag or not began <= now < began + window:
                began, count = now, 0
            if count >= limit:
                return place, max(1, math.ceil(began + window - now))
            counted.append((offset, tag, began, count + 1))
        for offset, *slot in counted if counting else ():
            _SLOT.pack_into(self._table, offset, *slot)
        return None, 0


def _place(key: str) -> tuple[int, int]:
    digest = hashlib.blake2b(key.encode(), digest_size=12).digest()
    return int.from_bytes(digest[:8]), int.from_bytes(digest[8:]) % _SLOTS * _SLOT.size


@functools.cache
def shared() -> Rates:
    """The counts of this portal."""
    return Rates(settings.DATA_DIR / "run" / "rates")
