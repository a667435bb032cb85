"""The parsing child: reads files from standard input, writes what it found as lines of JSON, and ends.

Started by `parsing.py` in a fresh interpreter without environment. It limits itself before it imports or reads
anything, so that hostile input costs at most a few seconds and some memory of a process that holds no secret but the
files themselves and their password.

Input: four octets that say how long the header is, the header as JSON (`password`, `weak_keys`: lists to look keys up
in, and for each file its name and size), then the files' octets. Output: for each thing found `[number of the file,
what was found]`, after each file `[number]`, and at last `{SPKI SHA-256: why this key is refused}` for keys that are
broken only beside each other.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

CPU_PER_FILE = 2
"""Seconds of processor time for one file, or one member of a ZIP; whole seconds are what the kernel counts in."""
CPU_SECONDS = 10
"""For all files together."""
MEMORY = 300 * 1024 * 1024
OPEN_FILES = 32
LONGEST_HEADER = 200_000
LONGEST_INPUT = 8_000_000


def limit() -> None:
    """Set the limits that cannot be taken back. No core file: it would hold what was pasted."""
    limits = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (lower, lower))
    begin_file()


def begin_file() -> None:
    """From now on, the next file has its share of processor time, and no more than is left for all."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (min(hard, int(time.process_time()) + CPU_PER_FILE), hard))


def answer(data: bytes, write: Callable[[str], object]) -> None:
    """Read the input and write a line for everything found."""
    import json

    from vault.x509.counting import Budget
    from vault.x509.found import FoundKey, Upload
    from vault.x509.reading import read_whatever
    from vault.x509.weaklists import use
    from vault.x509.weighing import sharing

    size = int.from_bytes(data[:4])
    header, start = json.loads(data[4 : 4 + size]), 4 + size
    use(header["weak_keys"])
    budget, keys = Budget(), list[FoundKey]()
    for number, (name, length) in enumerate(header["files"]):
        upload = Upload(name=name, content=data[start : start + length])
        start += length
        for file in read_whatever(upload, password=header["password"], budget=budget, begin=begin_file):
            keys += file.keys
            write(json.dumps([number, file.to_json()]) + "\n")
        write(json.dumps([number]) + "\n")
    write(json.dumps(sharing(keys)) + "\n")


def _write(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    limit()
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    answer(sys.stdin.buffer.read(LONGEST_INPUT), _write)
