"""A real portal: `manage.py up` with a data directory and a port of its own, to be started, killed and stopped."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
_MARK: Final = "CHANCERY_TEST_PORTAL"

# What `manage.py up` runs: role, the name the process gives itself, how many.
ROLES: Final = {
    "supervisor": ("chancery-up", 1),
    "web master": ("chancery-web", 1),
    "web worker": ("chancery-http", 2),
    "cluster parent": ("chancery-worker", 1),
    "sentinel": ("chancery-guard", 1),
    "pusher": ("chancery-push", 1),
    "monitor": ("chancery-ack", 1),
    "worker": ("chancery-task", 2),
}
COMPLETE: Final = Counter({role: count for role, (_, count) in ROLES.items()})


class Portal:
    """One `manage.py up` and everything it started.

    `environment` is added to this process's; `DATABASE_URL` and `REDIS_URL` count only if they are named in it.
    Its processes are found by a mark in their environment, so that an orphan is found too.
    """

    def __init__(
        self,
        directory: Path,
        *,
        environment: dict[str, str] | None = None,
        port: int | None = None,
        tls: bool = False,
    ) -> None:
        self.data = directory / "data"
        self.tls = tls
        self.output = directory / "output.txt"
        self.port = port or free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._token = secrets.token_hex(8)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CHANCERY_", "COV_")) and name not in {"DATABASE_URL", "REDIS_URL"}
        }
        self.env = {
            **inherited,
            "CHANCERY_DATA": str(self.data),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            **(environment or {}),
            _MARK: self._token,
        }
        self._up: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str, within: float = 60) -> None:
        """Run `manage.py up` in a session of its own and wait until it says that it answers."""
        if self._up is not None:
            self._up.wait(10)
        self._up = up = self._manage_up(*arguments)
        wait_until(lambda: self.url in self.said() or up.poll() is not None, within=within, what=self.said)
        if up.poll() is not None:
            raise AssertionError(f"manage.py up ended with {up.returncode}: {self.said()}")

    def refuse(self, *arguments: str) -> tuple[int, str]:
        """Run a second `manage.py up` that is to end by itself; return its status and its words."""
        result = subprocess.run(
            self._command(*arguments),
            env=self.env,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return result.returncode, result.stdout + result.stderr

    def stop(self, number: signal.Signals = signal.SIGTERM, *, group: bool = False, within: float = 40) -> int:
        """Send a signal to the supervisor, or to its whole group as a terminal does; return the exit status."""
        assert self._up is not None
        (os.killpg if group else os.kill)(self._up.pid, number)
        return self._up.wait(within)

    def clean_up(self) -> None:
        """Kill whatever is left."""
        for process in self.everyone():
            process.kill()
        if self._up is not None:
            self._up.wait(10)

    def kill(self, role: str) -> psutil.Process:
        """Send SIGKILL to one process of that role, wait until it is dead, and return it."""
        victim = self.processes(role)[0]
        self.kill_all([victim])
        return victim

    def kill_all(self, victims: list[psutil.Process]) -> None:
        """Send SIGKILL to these processes at once and wait until they are dead."""
        for victim in victims:
            victim.kill()
        wait_until(lambda: not any(self._is_ours(victim) for victim in victims), within=5, what=self.census)

    def processes(self, role: str) -> list[psutil.Process]:
        """Return the living processes of that role, oldest first."""
        title = ROLES[role][0]
        return [process for process in self.everyone() if _name(process) == title]

    def census(self) -> Counter[str]:
        """Count the living processes by role; one that has no role counts under its own name."""
        roles = {title: role for role, (title, _) in ROLES.items()}
        return Counter(roles.get(_name(process), _name(process)) for process in self.everyone())

    def is_complete(self) -> bool:
        """Whether each role is there, no more and no fewer."""
        return self.census() == COMPLETE

    def everyone(self) -> list[psutil.Process]:
        """Return every living process that this portal or a helper of it started, oldest first."""
        found = [process for process in psutil.process_iter() if self._is_ours(process)]
        return sorted(found, key=lambda process: (_started(process), process.pid))

    def answers(self) -> bool:
        """Whether the web server takes a connection and says something."""
        from portal import ports

        return ports.answers("127.0.0.1", self.port, ca=self.ca if self.tls else None)

    @property
    def ca(self) -> Path:
        """The file that clients of a portal with TLS need."""
        return self.data / "tls" / "ca.pem"

    def run_python(self, code: str, *, within: float = 60) -> str:
        """Run Python code in the portal's Django and return what it prints."""
        code = f"import django; django.setup()\n{code}"
        command = [sys.executable, "-c", code]
        result = subprocess.run(
            command, env=self.env, cwd=PROJECT, capture_output=True, text=True, timeout=within, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def does_a_job(self, *, within: float = 10) -> bool:
        """Put a task into the queue and say whether a worker did it in time."""
        number = secrets.randbelow(10**9)
        task = "tests.processes.jobs.leave_mark"
        self.run_python(f"from django_q.tasks import async_task; async_task({task!r}, {number})")
        mark = self.data / f"mark-{number}"
        done = eventually(mark.exists, within=within)
        if not done:
            print(f"Not done within {within:g} s. {self.census()}\n{self.said()}")  # noqa: T201 - pytest shows it
        return done

    def said(self) -> str:
        """Return what the supervisor and its children have written so far."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def _command(self, *arguments: str) -> list[str]:
        tls = ["--tls"] if self.tls else []
        return [sys.executable, "manage.py", "up", "--port", str(self.port), *tls, *arguments]

    def _manage_up(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with self.output.open("wb") as output:
            return subprocess.Popen(
                self._command(*arguments),
                env=self.env,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            living = process.status() != psutil.STATUS_ZOMBIE
            return living and process.environ().get(_MARK) == self._token
        except psutil.Error:
            return False


def overload() -> float:
    """Return by how much longer things may take because the machine is busy with something else; at least 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(holds: Callable[[], bool], *, within: float) -> bool:
    """Ask again and again for up to `within` seconds of an idle machine; True as soon as it holds."""
    deadline = time.monotonic() + within * overload()
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def wait_until(holds: Callable[[], bool], *, within: float, what: Callable[[], object]) -> None:
    """Fail with what `what` says if something does not hold within that many seconds."""
    if not eventually(holds, within=within):
        raise AssertionError(f"Not within {within:g} s: {what()}")


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return "gone"


def _started(process: psutil.Process) -> float:
    try:
        return process.create_time()
    except psutil.Error:
        return 0.0
