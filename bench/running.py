"""A portal that runs: `manage.py up` on a scratch place."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.scratch import Scratch

_PROJECT = Path(__file__).resolve().parent.parent


class Portal:
    """The supervisor of a running portal, and the port it answers on."""

    def __init__(self, up: "subprocess.Popen[bytes]", port: int) -> None:
        self.up, self.port = up, port

    def processes(self) -> list[psutil.Process]:
        """Return the supervisor and all its descendants."""
        top = psutil.Process(self.up.pid)
        return [top, *top.children(recursive=True)]

    def worked(self) -> dict[str, float]:
        """Return the seconds of processor time that each role's processes and their ended children used so far."""
        used: Counter[str] = Counter()
        for process in self.processes():
            times = process.cpu_times()
            used[process.name()] += times.user + times.system + times.children_user + times.children_system
        return dict(used)


@contextlib.contextmanager
def portal(place: Scratch) -> Iterator[Portal]:
    """Run the portal until the block ends. SystemExit: it did not start; its output is shown."""
    port = free_port()
    output = place.directory / "up.txt"
    environment = {**os.environ, **place.environment, "CHANCERY_URL": f"http://127.0.0.1:{port}"}
    command = [sys.executable, str(_PROJECT / "manage.py"), "up", "--port", str(port)]
    with output.open("wb") as file:
        up = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        _wait(up, output, f":{port}/")
        yield Portal(up, port)
    finally:
        up.terminate()
        up.wait(60)
        problems = [line for line in output.read_text().splitlines() if "ERROR" in line or "Traceback" in line]
        if problems:
            print("The portal wrote:", *problems[:10], sep="\n  ", file=sys.stderr)


def _wait(up: "subprocess.Popen[bytes]", output: Path, sign: str) -> None:
    deadline = time.monotonic() + 60
    while sign not in output.read_text():
        if up.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"The portal did not start.\n{output.read_text()}")
        time.sleep(0.05)


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
