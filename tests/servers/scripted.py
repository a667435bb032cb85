"""A server that answers as ACME servers do at their oddest: each address has answers, and the last is for good."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class Says:
    """One answer."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(kind: str, status: int, detail: str = "no", **headers: str) -> Says:
    """A refusal (RFC 9457)."""
    return Says({"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail}, status, headers)


@dataclass
class Scripted:
    """What it answers at each path, and every signed request that came: path and payload."""

    address: str
    answers: dict[str, list[Says]]
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def payloads(self, path: str) -> list[Any]:
        """The payloads of signed requests to a path."""
        return [payload for called, payload in self.calls if called == path]

    def answer(self, path: str) -> Says:
        known = self.answers.get(path, [problem("malformed", 404)])
        return known.pop(0) if len(known) > 1 else known[0]


@contextmanager
def scripted() -> Iterator[Scripted]:
    """Run it; one order for one name that waits for http-01."""
    nonces = itertools.count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536
        disable_nagle_algorithm = True
        log_message = staticmethod(lambda *_: None)

        def do_GET(self) -> None:
            self._say(state.answer(self.path))

        def do_HEAD(self) -> None:
            self._say(Says(), body=False)

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["payload"]
            decoded = base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4))
            state.calls.append((self.path, json.loads(decoded) if decoded else None))
            self._say(state.answer(self.path))

        def _say(self, says: Says, *, body: bool = True) -> None:
            data = says.body.encode() if isinstance(says.body, str) else json.dumps(says.body).encode()
            self.send_response(says.status)
            headers = {"Replay-Nonce": f"nonce-{next(nonces)}", "Content-Length": str(len(data)), **says.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        at = f"http://127.0.0.1:{server.server_address[1]}"
        state = Scripted(at, _usual(at))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def _usual(at: str) -> dict[str, list[Says]]:
    names = ("newNonce", "newAccount", "newOrder", "revokeCert", "renewalInfo")
    return {
        "/directory": [Says({name: f"{at}/{name}" for name in names})],
        "/newAccount": [Says({"status": "valid"}, 201, {"Location": f"{at}/account"})],
        "/newOrder": [Says(order(at), 201, {"Location": f"{at}/order"})],
        "/order": [Says(order(at))],
        "/authorization": [Says(authorization(at))],
        "/challenge": [Says({"status": "pending"})],
    }


def order(at: str, status: str = "pending", **more: Any) -> dict[str, Any]:
    """An order object."""
    return {"status": status, "authorizations": [f"{at}/authorization"], "finalize": f"{at}/finalize", **more}


def authorization(at: str, status: str = "pending", *, kind: str = "http-01", **challenge: Any) -> dict[str, Any]:
    """An authorization with one challenge."""
    token = "DGyRejmCefe7v4NfDGDKfADGyRejmCefe7v4NfDGDK1"
    one = {"type": kind, "url": f"{at}/challenge", "token": token, "status": "pending", **challenge}
    return {"status": status, "identifier": {"type": "dns", "value": "www.example.org"}, "challenges": [one]}
