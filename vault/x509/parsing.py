"""Files from outside are parsed in a child process that holds nothing worth stealing and cannot run for long."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vault.errors import KeyExposed, UnreadableFile
from vault.x509.reading import MAX_CERTIFICATES, Found
from vault.x509.visible import shown

CHILD = Path(__file__).with_name("child.py")
DEADLINE = 10.0
"""Seconds on the wall; the child's own limit is on processor time."""
_MAX_ANSWER = 8_000_000
_NEEDED = (
    "What is needed is the signed certificate from the CA: a .cer, .crt, .pem or .p7b file, or its text with the line "
    "-----BEGIN CERTIFICATE-----."
)
_HINTS = {"a PFX file": " It may hold a private key, so nothing of it was kept."}


def read_certificates(data: bytes, *, limit: int = 1_000_000) -> Found:
    """Find the certificates in an upload or a paste; there is at least one in the answer.

    Args:
        data: the octets as they came.
        limit: the most octets that are looked at.

    Raises:
        UnreadableFile: field `certificate`; too large, damaged, or no certificate; the sentence says which.
        KeyExposed: field `certificate`; a private key is in it, whatever else is. Nothing was kept.
    """
    if len(data) > limit:
        sentence = (
            f"This file has {len(data):,} octets; {limit:,} is the most that is read. Send the certificate alone."
        )
        raise UnreadableFile(sentence, field="certificate")
    found = _found(_ask_child(data))
    if found.private_key:
        raise KeyExposed(
            "This holds a private key. Nothing of it was kept, but a key that was sent here should be treated as "
            "exposed: replace it. Then send the certificate alone.",
            field="certificate",
        )
    if not found.certificates:
        verb = "is" if found.looks_like == "an empty file" else "looks like"
        hint = _HINTS.get(found.looks_like, "")
        raise UnreadableFile(f"This {verb} {found.looks_like}.{hint} {_NEEDED}", field="certificate")
    return found


def _ask_child(data: bytes) -> bytes:
    """The child's answer; empty when it failed, died or was stopped at the deadline."""
    with _child() as child:
        writer = threading.Thread(target=_write, args=(child, data), daemon=True)
        stopper = threading.Timer(DEADLINE, child.kill)
        writer.start()
        stopper.start()
        try:
            answer = child.stdout.read(_MAX_ANSWER) if child.stdout else b""
        finally:
            stopper.cancel()
            child.kill()
            writer.join()
    return answer


@contextlib.contextmanager
def _child() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(  # noqa: S603 - our own script, nothing of the input on its command line
        [sys.executable, "-I", str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a panic of the library prints its input there
        env={},
        cwd="/",
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()


def _write(child: subprocess.Popen[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError):
        if child.stdin:
            child.stdin.write(data)
            child.stdin.close()


def _found(answer: bytes) -> Found:
    """Read the child's answer as carefully as any other input."""
    try:
        found = json.loads(answer)
        refusal = found.get("refusal")
        if isinstance(refusal, str):
            raise UnreadableFile(refusal, field="certificate")
        return _as_found(found)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise UnreadableFile(f"This file cannot be read. {_NEEDED}", field="certificate") from None


def _as_found(found: dict[str, Any]) -> Found:
    encoded = found["certificates"]
    if len(encoded) > MAX_CERTIFICATES:
        raise ValueError("more certificates than the child may give")
    return Found(
        certificates=tuple(base64.b64decode(one, validate=True) for one in encoded),
        private_key=found["private_key"] is not False,
        request=found["request"] is True,
        looks_like=shown(found["looks_like"]),
    )
