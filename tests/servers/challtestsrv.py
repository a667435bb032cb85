"""Pebble's name server for tests: every name leads to 127.0.0.1, and it has the TXT records it is told of."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.programs import connect, free_port, program, running


@dataclass(frozen=True)
class TestNameServer:
    """One that runs; `management` is the address where it is told what to answer."""

    __test__ = False
    management: str

    def add_txt(self, name: str, value: str) -> None:
        """Answer with this value from now on."""
        body = json.dumps({"host": f"{name}.", "value": value}).encode()
        request = urllib.request.Request(f"{self.management}/set-txt", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass


@contextmanager
def challtestsrv(at: Path, *addresses: str) -> Iterator[TestNameServer]:
    """Run it at these addresses (address:port)."""
    path = program("root/usr/bin/pebble-challtestsrv")
    at.mkdir()
    port = free_port("127.0.0.1")
    off = ("-http01", "", "-https01", "", "-tlsalpn01", "")
    dns = ("-defaultIPv6", "", "-defaultIPv4", "127.0.0.1", "-dns01", ",".join(addresses))
    command = (path, *dns, *off, "-management", f"127.0.0.1:{port}")
    with running(command, at=at, answers=lambda: connect("127.0.0.1", port)):
        yield TestNameServer(management=f"http://127.0.0.1:{port}")
