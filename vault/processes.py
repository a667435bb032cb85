"""A process that carries a name people can read, and that does not outlive its parent."""

import ctypes
import os
import signal
import sys
import threading
import time
from typing import Final

_SET_PARENT_DEATH_SIGNAL: Final = 1  # <linux/prctl.h>
_SET_NAME: Final = 15
_LINUX: Final = sys.platform == "linux"


def rename(title: str) -> None:
    """Show `title` (15 octets are kept) in ps and top. Does nothing where the system cannot."""
    if _LINUX:
        _prctl(_SET_NAME, title.encode()[:15])


def die_with(parent: int, *, forks: bool = False) -> None:
    """Arrange that this process is killed when the process `parent`, which started it, ends.

    Linux sends the signal itself (prctl(2)). Elsewhere a thread looks once a second; a process that
    `forks` gets no thread and calls `leave_if_orphaned` in its own loop. If the parent is gone already,
    this function does not return.
    """
    if _LINUX:
        _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    elif not forks:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    leave_if_orphaned(parent)


def leave_if_orphaned(parent: int) -> None:
    """End this process at once, without clean-up, when `parent` is no longer its parent."""
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while True:
        time.sleep(1)
        leave_if_orphaned(parent)


def _prctl(option: int, value: int | bytes) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
