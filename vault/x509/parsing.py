"""Files from outside are parsed in a child process that holds nothing worth stealing and cannot run for long."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vault.errors import BadParameter, TooMany
from vault.x509 import weaklists
from vault.x509.found import Found, FoundFile, Upload
from vault.x509.limits import (
    MAX_CERTIFICATES,
    MAX_FILES,
    MAX_FOUND,
    MAX_OCTETS,
    MAX_PASSWORD,
    MOST_WAITING,
    READER_WAIT,
    READERS,
)
from vault.x509.visible import display

CHILD = Path(__file__).with_name("child.py")
DEADLINE = 20.0
"""Seconds on the wall; the child's own limits are on processor time."""
_MAX_ANSWER = 16_000_000
_LONGEST_NAME = 250
_readers = threading.BoundedSemaphore(READERS)
_places = threading.BoundedSemaphore(READERS + MOST_WAITING)
_UNKNOWN = "a file"
_UNREADABLE = "This file cannot be read. Export it again, as PEM or PFX."
_TOO_SLOW = "This file takes too long to read, so it was not read to its end. Export it again, or send less at a time."
_NOT_REACHED = "This file was not read, because one before it could not be. Send it alone."


def read_files(files: Sequence[Upload], *, password: str | None = None) -> Found:
    """Read everything in the files, in the parsing child; a ZIP gives one `FoundFile` for each file in it.

    What a file holds never raises: each `FoundFile` carries its own refusal.

    Args:
        files: the uploads as they came, at most 100 of them and 1,000,000 octets together.
        password: for whatever is protected; None and "" stand for none.

    Raises:
        BadParameter: field `file`: too many, too large together, too many certificates in them; field `password`: it
            cannot be one.
        TooMany: too many files are being read at this moment.
    """
    _check_size(files)
    _check_password(password)
    with _a_reader():
        answer, died_late = _ask_child(_input(files, password or None))
    found = Found(files=tuple(_found(answer, files, died_late=died_late)))
    _check_number(found)
    return found


def _check_size(files: Sequence[Upload]) -> None:
    size = sum(len(file.content) for file in files)
    if len(files) > MAX_FILES:
        sentence = f"These are {len(files):,} files; {MAX_FILES} is the most at a time. Send them in parts."
        raise BadParameter(sentence, field="file")
    if size > MAX_OCTETS:
        what = "This file has" if len(files) == 1 else "These files have together"
        raise BadParameter(f"{what} {size:,} octets; {MAX_OCTETS:,} is the most that is read.", field="file")


def _check_number(found: Found) -> None:
    count = len(found.certificates)
    if count > MAX_CERTIFICATES:
        sentence = f"Here are {count:,} certificates; {MAX_CERTIFICATES} is the most at a time. Send them in parts."
        raise BadParameter(sentence, field="file")


def _check_password(password: str | None) -> None:
    """Control characters would make the library print the password to standard error (`pfx.check_password`)."""
    if password is None:
        return
    if len(password) > MAX_PASSWORD:
        sentence = f"The password has more than {MAX_PASSWORD} characters, which no file has. Check what was pasted."
        raise BadParameter(sentence, field="password")
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in password):
        sentence = "The password holds control characters, which no file has. Type it by hand."
        raise BadParameter(sentence, field="password")


@contextlib.contextmanager
def _a_reader() -> Iterator[None]:
    busy = TooMany("Many files are being read at this moment. Wait a minute, then send this again.")
    with _one_of(_places, busy, seconds=0), _one_of(_readers, busy, seconds=READER_WAIT):
        yield


@contextlib.contextmanager
def _one_of(places: threading.Semaphore, refusal: TooMany, *, seconds: float) -> Iterator[None]:
    if not places.acquire(timeout=seconds):
        raise refusal
    try:
        yield
    finally:
        places.release()


def _input(files: Sequence[Upload], password: str | None) -> bytes:
    """What the child reads: nothing of it stands on a command line or in an environment."""
    sizes = [(file.name[-_LONGEST_NAME:], len(file.content)) for file in files]
    header = json.dumps({"password": password, "files": sizes, "weak_keys": weaklists.in_use()}).encode()
    return len(header).to_bytes(4) + header + b"".join(file.content for file in files)


def _ask_child(data: bytes) -> tuple[bytes, bool]:
    """The child's answer, as far as it came, and whether it ran into a limit on time."""
    with _child() as child:
        writer = threading.Thread(target=_write, args=(child, data), daemon=True)
        stopper = threading.Timer(DEADLINE, child.kill)
        writer.start()
        stopper.start()
        try:
            answer = child.stdout.read(_MAX_ANSWER) if child.stdout else b""
        finally:
            late = not stopper.is_alive()
            stopper.cancel()
            child.poll()
            late = late or _ended(child) in (-signal.SIGXCPU, -signal.SIGKILL)
            child.kill()
            writer.join()
    return answer, late


def _ended(child: subprocess.Popen[bytes]) -> int | None:
    """How the child ended; it may need a moment after it closed its output. None when it still runs."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return child.wait(timeout=0.5)
    return None


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


def _found(answer: bytes, files: Sequence[Upload], *, died_late: bool) -> Iterator[FoundFile]:
    """Read the child's answer as carefully as any other input; a file it did not finish carries a refusal."""
    lines = _Answer(len(files))
    lines.take(answer)
    reached = True
    for number, file in enumerate(files):
        yield from (_weighed(one, lines.broken) for one in lines.found[number])
        if number not in lines.done:
            sentence = (_TOO_SLOW if died_late else _UNREADABLE) if reached else _NOT_REACHED
            yield FoundFile(name=display(file.name[-_LONGEST_NAME:]), looks_like=_UNKNOWN, refusal=sentence)
            reached = False


class _Answer:
    """The lines of an answer, up to the first that is not as it should be."""

    def __init__(self, count: int) -> None:
        self.found: list[list[FoundFile]] = [[] for _ in range(count)]
        self.done: set[int] = set()
        self.broken: dict[str, str] = {}

    def take(self, answer: bytes) -> None:
        with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
            for line in answer.splitlines():
                self.take_line(json.loads(line))

    def take_line(self, line: Any) -> None:
        match line:
            case [int(number)]:
                self.done.add(number)
            case [int(number), dict(file)] if sum(map(len, self.found)) < MAX_FOUND:
                self.found[number].append(FoundFile.from_json(file))
            case dict(broken):
                self.broken = {str(name): display(str(sentence)) for name, sentence in broken.items()}
            case _:
                raise ValueError("not what the child writes")


def _weighed(file: FoundFile, broken: dict[str, str]) -> FoundFile:
    """The file with the keys refused that are broken beside others."""
    if not any(key.spki_sha256 in broken for key in file.keys):
        return file
    keys = [replace(key, refusal=key.refusal or broken.get(key.spki_sha256, "")) for key in file.keys]
    return replace(file, keys=tuple(keys))
