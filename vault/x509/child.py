"""The parsing child: reads a file from standard input, writes what it found as JSON, and ends.

Started by `parsing.py` in a fresh interpreter without environment. It limits itself before it imports or reads
anything, so that hostile input costs at most a few seconds and some memory of a process that holds no secret.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

CPU_SECONDS = 5
MEMORY = 700 * 1024 * 1024
OPEN_FILES = 32
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


def answer(data: bytes) -> str:
    """What was found in `data`, or the sentence that refuses it, as JSON."""
    import base64
    import json

    from vault.errors import UnreadableFile
    from vault.x509.reading import find_certificates

    try:
        found = find_certificates(data)
    except UnreadableFile as error:
        return json.dumps({"refusal": str(error)})
    return json.dumps(
        {
            "certificates": [base64.b64encode(one).decode() for one in found.certificates],
            "private_key": found.private_key,
            "request": found.request,
            "looks_like": found.looks_like,
        }
    )


if __name__ == "__main__":
    limit()
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.stdout.write(answer(sys.stdin.buffer.read(LONGEST_INPUT)))
