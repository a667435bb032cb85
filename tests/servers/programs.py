"""Where the servers' programs lie, and how one runs while tests need it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_PROJECT = Path(__file__).resolve().parent.parent.parent
_AT = Path(os.environ.get("CHANCERY_TEST_SERVERS") or _PROJECT / ".venv" / "servers")
_LIBRARIES = _AT / "root/usr/lib" / f"{os.uname().machine}-linux-gnu"


def program(path: str) -> Path:
    """The program at this path below the folder of servers; the test is skipped when it is not there."""
    found = _AT / path
    if not found.exists():
        pytest.skip(f"{found.name} is not there: run .ci/acme-servers, which fetches it.")
    return found


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    at: Path,
    answers: Callable[[], object],
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run a server in the folder `at` until the block ends; it has begun when `answers` raises no OSError."""
    said = at / f"{Path(command[0]).name}.txt"
    surroundings = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(_LIBRARIES), **(environment or {})}
    with said.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=at,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait(process, answers, said)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], answers: Callable[[], object], said: Path) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            answers()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"{process.args!r} did not start: {said.read_text()[-3000:]}") from None
            time.sleep(0.05)
        else:
            return


def connect(address: str, port: int) -> None:
    """Connect once; OSError when nobody listens."""
    with socket.create_connection((address, port), timeout=2):
        pass


def free_port(*addresses: str) -> int:
    """A port that is free for TCP and UDP at each of these addresses, of this moment."""
    for _ in range(50):
        with socket.socket() as first:
            first.bind((addresses[0], 0))
            port: int = first.getsockname()[1]
        if all(
            _is_free(address, port, kind) for address in addresses for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
        ):
            return port
    raise AssertionError("No port is free.")


def may_bind(address: str, port: int) -> bool:
    """Whether this process may listen there: ports below 1024 need the right to."""
    return all(_is_free(address, port, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(type=kind) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((address, port))
        except OSError:
            return False
    return True
