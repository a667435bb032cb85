"""Queue, event and timer between processes, none of which can be left locked by a process that was killed.

The objects of `multiprocessing` with the same methods share locks in user space: whoever is killed while
holding one stops all the others for ever. Here every waiting is done in the kernel, which forgets a process
that dies. All objects are meant to be made before a fork and used on both sides of it.
"""

import errno
import mmap
import multiprocessing
import os
import pickle  # noqa: TID251 - between processes of one program; nothing is stored
import select
import socket
import time
from types import TracebackType
from typing import Any, Final, Self

# On Linux a socket with this send buffer (4 kB, doubled by the kernel) reports room for a third small packet
# only when one of two has been read: socket(7) SO_SNDBUF, unix(7).
_FEW_PACKETS: Final = 4096
_MANY_PACKETS: Final = 1 << 20
_LARGEST_PACKET: Final = 1 << 20


class PacketQueue:
    """A queue of small picklable objects on a pair of datagram sockets.

    A datagram arrives whole or not at all, exactly one reader gets it, and it stays when its writer dies.
    """

    def __init__(self, maxsize: int = 0) -> None:
        """Make a queue; with a `maxsize`, `put` waits while two packets are unread, however large it is."""
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _FEW_PACKETS if maxsize else _MANY_PACKETS)
        self._bounded = maxsize > 0

    def put(self, item: object) -> None:
        """Add one object, waiting for room. OSError (EMSGSIZE): its pickle is larger than the buffer."""
        packet = pickle.dumps(item, pickle.HIGHEST_PROTOCOL)
        while True:
            if self._bounded:
                self._wait_for_room()
            try:
                self._writer.send(packet)
            except OSError as error:  # BSD's way to say that the buffer is full
                if error.errno != errno.ENOBUFS:
                    raise
                time.sleep(0.01)
            else:
                return

    def get(self) -> Any:
        """Take the next object, waiting for one."""
        return pickle.loads(self._reader.recv(_LARGEST_PACKET))  # noqa: S301 - written by our own processes

    def close(self) -> None:
        """Let go of the queue in this process; what was put stays for the others."""
        self._reader.close()
        self._writer.close()

    def join_thread(self) -> None:
        """Do nothing: `put` has no thread behind it."""

    def _wait_for_room(self) -> None:
        room = select.poll()
        room.register(self._writer, select.POLLOUT)
        room.poll()


class PipeEvent:
    """An event that is set once: a pipe with a byte in it."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def set(self) -> None:
        """Wake everyone who waits, now and later."""
        if not self.is_set():
            os.write(self._writer, b"!")

    def is_set(self) -> bool:
        """Say whether `set` was called."""
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait up to `timeout` seconds (None: for ever); True when the event is set."""
        ready = select.poll()
        ready.register(self._reader, select.POLLIN)
        return bool(ready.poll(None if timeout is None else timeout * 1000))


class Timer:
    """A number shared with one other process; stands in for `multiprocessing.Value("f", …)`."""

    def __init__(self, _typecode: str, value: float) -> None:
        self._cell = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("f")
        self._lock = PatientLock()
        self.value = value

    @property
    def value(self) -> float:
        """The number; reading and writing one needs no lock."""
        return self._cell[0]

    @value.setter
    def value(self, value: float) -> None:
        self._cell[0] = value

    def get_lock(self) -> "PatientLock":
        """Return the lock for changes that take more than one step."""
        return self._lock


class PatientLock:
    """A lock that is waited for one second: its users hold it for microseconds, so by then its holder is dead."""

    def __init__(self) -> None:
        self._lock = multiprocessing.get_context("fork").Lock()
        self._mine = False

    def __enter__(self) -> Self:
        self._mine = self._lock.acquire(timeout=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._mine:
            self._lock.release()


class Counter:
    """A count that other processes may read while one or more raise it. A step may get lost, never the movement."""

    def __init__(self) -> None:
        self._cell = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")

    @property
    def value(self) -> int:
        """How often `step` was called, about."""
        return self._cell[0]

    def step(self) -> None:
        """Raise the count by one."""
        self._cell[0] += 1
