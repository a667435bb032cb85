"""The `openssl` command as a second opinion."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def openssl(*arguments: str, data: bytes = b"") -> bytes:
    """Run it and return what it writes, words about its work included; a test that needs it is skipped where it is not installed."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    done = subprocess.run([program, *arguments], input=data, capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout + (done.stderr if {"-verify", "-info"} & set(arguments) else b"")
