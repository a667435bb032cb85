"""Servers that answer with exactly these octets, and count what reaches them."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import warnings
from collections.abc import Callable
from typing import Self

Script = Callable[[socket.socket], None]


class RawServer:
    """Listens on loopback; `answer` is run for each request until it returns. `connections`, `requests`: what came."""

    def __init__(
        self, answer: bytes | Script = b"", *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.answer = answer
        self.tls = tls
        self.connections = 0
        self.requests = 0
        self.received = b""
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.bind((host, 0))
        self._socket.listen(50)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for connection in self._open:
            connection.close()

    @property
    def address(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while self._request(connection):
                self.requests += 1
                if isinstance(self.answer, bytes):
                    connection.sendall(self.answer)
                else:
                    self.answer(connection)
                    break
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def _request(self, connection: socket.socket) -> bool:
        """Read one request, or whatever TLS begins with where none is spoken."""
        data, wanted = b"", None
        while wanted is None or len(data) < wanted:
            part = connection.recv(65536)
            self.received += part
            if not part:
                return False
            data += part
            if data.startswith(b"\x16"):
                return True
            head, end, _ = data.partition(b"\r\n\r\n")
            if end:
                length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
                wanted = len(head) + 4 + (int(length[1]) if length else 0)
        return True


def response(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """An answer; `length` is what it says about its body."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode() + body


def server_context(chain_pem: str, key_pem: str, *, old: bool = False) -> ssl.SSLContext:
    """The server's side of TLS, as careless as can be; `old`: TLS 1.1 and nothing else."""
    from vault.providers.tls import show

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    if old:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    show(context, chain_pem, key_pem)
    return context
