"""The command lines of OpenSSL, Java, GnuTLS and NSS. A test whose tool is not installed is skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_PACKAGES = {
    "openssl": "openssl",
    "keytool": "default-jre-headless",
    "certtool": "gnutls-bin",
    "pk12util": "libnss3-tools",
    "certutil": "libnss3-tools",
}


def run(program: str, *words: str | Path, stdin: bytes = b"") -> bytes:
    """Run a tool and return all that it says; the test fails when the tool does."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed: it is in Debian's {_PACKAGES[program]}.")
    done = subprocess.run(
        [path, *map(str, words)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"},
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    return done.stdout + done.stderr


def openssl(*words: str | Path, stdin: bytes = b"") -> bytes:
    """OpenSSL 3."""
    return run("openssl", *words, stdin=stdin)


def keytool(*words: str | Path) -> bytes:
    """Java's key and certificate tool, without its waits for entropy and compilers."""
    return run("keytool", "-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto", "-J-Dfile.encoding=UTF-8", *words)


def certtool(*words: str | Path) -> bytes:
    """GnuTLS."""
    return run("certtool", *words)


class Nss:
    """An NSS database of its own."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._at = ("-d", f"sql:{directory}")
        run("certutil", "-N", "--empty-password", *self._at)

    def pk12util(self, *words: str | Path) -> bytes:
        """Read and write PKCS#12 files."""
        return run("pk12util", *words, *self._at, "-K", "")

    def certutil(self, *words: str | Path, stdin: bytes = b"") -> bytes:
        """Make and list certificates."""
        return run("certutil", *words, *self._at, stdin=stdin)
