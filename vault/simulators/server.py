"""The HTTP server below every simulator: loopback, threaded, keep-alive, and able to break off in every way."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from vault.providers.tls import show

_IDLE = 60.0
"""Seconds after which a silent connection is closed."""
_LONGEST = 2_000_000


@dataclass(frozen=True, kw_only=True)
class ServerTls:
    """Certificate chain and key of a server, PEM; with `client_ca_pem` it asks for client certificates."""

    certificate_pem: str
    key_pem: str = field(repr=False)
    client_ca_pem: str = ""

    def context(self) -> ssl.SSLContext:
        """Make the server's side of TLS."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        show(made, self.certificate_pem, self.key_pem)
        if self.client_ca_pem:
            made.load_verify_locations(cadata=self.client_ca_pem)
            made.verify_mode = ssl.CERT_REQUIRED
        return made


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request. Of parameters given twice the last counts; `client`: the client's certificate, DER."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    client: bytes | None = None

    def json(self) -> Any:
        """Read the body as JSON. Raises ValueError."""
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """Read the body as a form's."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer: JSON, text or octets. `cut`: only half the body is sent; `reset`: nothing is."""

    status: int = 200
    json: Any = None
    text: str | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    reset: bool = False

    def content(self) -> tuple[bytes, str]:
        """Return the body and its type."""
        if self.body is not None:
            return self.body, "application/octet-stream"
        if self.text is not None:
            return self.text.encode(), "text/plain; charset=utf-8"
        return (b"", "") if self.json is None else (json.dumps(self.json).encode(), "application/json")


class Server(ThreadingHTTPServer):
    """Answers every request with what `answer` returns."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Call], Reply], tls: ServerTls | None) -> None:
        self.answer = answer
        self.context = tls.context() if tls else None
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the resolver for a name of this machine."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections break here on purpose."""

    def stop(self) -> None:
        """Answer nothing any more, and end what is open."""
        self.shutdown()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Simulator"
    sys_version = ""
    timeout = _IDLE
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def setup(self) -> None:
        if self.server.context:
            self.request.settimeout(_IDLE)
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        if self.server.context:
            self.request.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's word
        """Say nothing: requests may carry credentials."""

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LONGEST or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            return
        address = urlsplit(self.path)
        client = self.connection.getpeercert(binary_form=True) if isinstance(self.connection, ssl.SSLSocket) else None
        self._send(
            self.server.answer(
                Call(
                    method=self.command,
                    path=address.path,
                    params=dict(parse_qsl(address.query, keep_blank_values=True)),
                    headers=self.headers,  # type: ignore[arg-type]  # a message finds names as a mapping does
                    body=self.rfile.read(int(length)),
                    client=client,
                )
            )
        )

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - the library's names

    def _send(self, reply: Reply) -> None:
        if reply.reset:
            self._reset()
            return
        content, kind = reply.content()
        headers = ({"Content-Type": kind} if kind else {}) | dict(reply.headers)
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and reply.status != 204:
            self.wfile.write(content[: len(content) // 2] if reply.cut else content)
        self.close_connection = self.close_connection or reply.cut
        self.wfile.flush()

    def _reset(self) -> None:
        """End the connection without a word: the other side sees a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection = socket.socket(fileno=self.connection.detach())
        self.connection.close()
        self.rfile.close()
