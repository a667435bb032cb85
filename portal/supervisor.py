"""Keeps the web server and the worker running, and stops them together."""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

_MANAGE: Final = Path(__file__).resolve().parent.parent / "manage.py"
_SHORTEST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
# Who lived this long did not die of its start.
_LIVED_WELL: Final = 10.0
_GRACE: Final = 30.0
_LOOK: Final = 0.1


class AlreadyRunning(Exception):
    """Another supervisor holds the data directory; the text is a sentence for a person."""


@contextlib.contextmanager
def sole_use(directory: Path) -> Iterator[None]:
    """Hold the data directory as the only supervisor on this machine. AlreadyRunning: another one does."""
    path = directory / "run" / "up.lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise AlreadyRunning(f"Chancery already runs on {directory}{_process(file.read())}.") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _process(pid: str) -> str:
    return f" (process {pid})" if pid.isdecimal() else ""


class Child:
    """One management command that is to run for ever."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self._command = [sys.executable, str(_MANAGE), name, *arguments, "--parent", str(os.getpid())]
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._pause = _SHORTEST_PAUSE
        self._due_at = 0.0

    def start_if_due(self, now: float, environment: dict[str, str]) -> None:
        """Start the command if it does not run and its pause is over; in a session of its own, away from Ctrl-C."""
        if self._process is None and now >= self._due_at:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                self._command, env=environment, start_new_session=True
            )
            self._started_at = now

    def has_ended(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._process is None or self._process.poll() is not None

    def bury(self, now: float) -> str:
        """Forget the ended process and whatever it left in its group; return what happened, as a sentence."""
        if self._process is None:
            return ""
        status = self._process.returncode
        self.kill()
        self._process = None
        if now - self._started_at > _LIVED_WELL:
            self._pause = _SHORTEST_PAUSE
        self._due_at, pause = now + self._pause, self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"The {self.name} process {how}; it is started again in {pause:g} s."

    def stop(self) -> None:
        """Ask the command to finish."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End the command and its process group at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


class Supervisor:
    """Runs children until a signal says stop. Use it in the main thread."""

    def __init__(self, children: list[Child], *, environment: dict[str, str], warn: Callable[[str], object]) -> None:
        """`environment` is the children's; `warn` hears a sentence when one of them had to be started again."""
        self._children = children
        self._environment = environment
        self._warn = warn
        self._signals = 0

    def run(self, *, until_ready: Callable[[], bool], ready: Callable[[], object]) -> None:
        """Start the children and keep them running; call `ready` once, when `until_ready` says yes."""
        announced = False
        with self._listening() as wakened:
            while not self._signals:
                self._look_after(time.monotonic())
                if not announced and until_ready():
                    announced = True
                    ready()
                select.select([wakened], [], [], 1.0 if announced else _LOOK)
                _drain(wakened)
            self._stop()

    def _look_after(self, now: float) -> None:
        for child in self._children:
            if child.has_ended() and (sentence := child.bury(now)):
                with contextlib.suppress(OSError):  # whoever read our output has left; the portal stays
                    self._warn(sentence)
            child.start_if_due(now, self._environment)

    def _stop(self) -> None:
        """Stop all children; kill them after the grace, or as soon as a second signal comes."""
        for child in self._children:
            child.stop()
        deadline = time.monotonic() + _GRACE
        while not all(child.has_ended() for child in self._children):
            if self._signals > 1 or time.monotonic() > deadline:
                for child in self._children:
                    child.kill()
            time.sleep(_LOOK / 2)
        for child in self._children:
            child.kill()

    @contextlib.contextmanager
    def _listening(self) -> Iterator[int]:
        """Count stop signals, and yield a descriptor that becomes readable with each signal and each child's end."""
        reader, writer = os.pipe()
        for end in (reader, writer):
            os.set_blocking(end, False)
        earlier = {number: signal.signal(number, self._count) for number in _stop_signals()}
        earlier[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in earlier.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)

    def _count(self, _number: int, _frame: object) -> None:
        self._signals += 1


def _stop_signals() -> Iterator[signal.Signals]:
    yield signal.SIGINT
    yield signal.SIGTERM
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup(1) leaves it
        yield signal.SIGHUP


def _drain(reader: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(reader, 1024)
