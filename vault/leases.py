"""Who holds a lease: names a process so that others on the same machine can tell whether it still lives."""

import functools
import os
import platform
from pathlib import Path

import psutil


@functools.cache
def machine() -> str:
    """Name this boot of this machine and its process namespace; two containers differ."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def me() -> str:
    """Name this process: machine, process id, and when it started."""
    return _own_name(os.getpid())


@functools.lru_cache(maxsize=1)
def _own_name(pid: int) -> str:
    return _name(pid, psutil.Process(pid).create_time())


def is_dead(holder: str) -> bool:
    """Whether `holder` was a process of this machine and is gone. Processes elsewhere are never called dead."""
    place, _, _ = holder.rpartition(" ")
    place, _, pid = place.rpartition(" ")
    if place != machine():
        return False
    try:
        process = psutil.Process(int(pid))
        return _name(process.pid, process.create_time()) != holder or process.status() == psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return True
    except psutil.AccessDenied:
        return False


def _name(pid: int, started: float) -> str:
    return f"{machine()} {pid} {started:.2f}"
