"""BIND: a name server that takes updates (RFC 2136)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.message
import dns.query

from tests.servers.challtestsrv import TestNameServer
from tests.servers.programs import connect, program, running

KEY_NAME = "acme-key"
SECRET = base64.b64encode(b"a key that only tests know, 32 by").decode()

_CONFIG = """
key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
key "narrow-key" {{ algorithm hmac-sha256; secret "{secret}"; }};
options {{ directory "."; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; minimal-responses yes;
  allow-transfer {{ none; }}; pid-file "named.pid"; session-keyfile "session.key"; dnssec-validation no; }};
controls {{ }};
zone "example.test" {{ type primary; file "example.test.zone";
  update-policy {{ grant {key} subdomain example.test. TXT; grant narrow-key name one.example.test. TXT; }}; }};
zone "split.test" {{ type primary; file "split.test.zone"; update-policy {{ grant {key} subdomain split.test. TXT; }}; }};
"""
_HEAD = "$TTL 60\n@ SOA ns hostmaster 1 60 60 600 60\n@ NS ns\nns A 127.0.0.1\n"
_ZONES = {
    # Every name leads here.
    "example.test": _HEAD + "@ A 127.0.0.1\n* A 127.0.0.1\n"
    "_acme-challenge.alias CNAME alias.validation\n_acme-challenge.round CNAME one\none CNAME two\ntwo CNAME one\n",
    # The second name server hears of no update.
    "split.test": _HEAD + "@ NS ns2\nns2 A 127.0.0.3\n* A 127.0.0.1\n",
}


@dataclass(frozen=True)
class Bind:
    """One that runs at 127.0.0.1. `second` is a name server beside it, at 127.0.0.3, that hears of no update."""

    port: int
    second: TestNameServer

    @property
    def resolvers(self) -> tuple[tuple[str, int], ...]:
        """Both, as an adapter is told of them."""
        return (("127.0.0.1", self.port), ("127.0.0.3", self.port))

    def txt(self, name: str) -> set[str]:
        """The TXT values of a name."""
        answer = dns.query.udp(dns.message.make_query(name, "TXT"), "127.0.0.1", port=self.port, timeout=5)
        return {b"".join(record.strings).decode() for found in answer.answer for record in found}


@contextmanager
def bind(at: Path, *, port: int) -> Iterator[None]:
    """Run BIND at 127.0.0.1: it listens at addresses of the machine's interfaces alone."""
    named = program("root/usr/sbin/named")
    at.mkdir()
    (at / "named.conf").write_text(_CONFIG.format(key=KEY_NAME, secret=SECRET, port=port))
    for zone, content in _ZONES.items():
        (at / f"{zone}.zone").write_text(content)
    command = (named, "-g", "-n", "1", "-c", "named.conf")
    with running(command, at=at, answers=lambda: connect("127.0.0.1", port)):
        yield
