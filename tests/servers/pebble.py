"""Pebble: Let's Encrypt's small ACME server for tests. It asks for EAB and refuses every fifth nonce."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.programs import connect, free_port, program, running
from vault.x509 import serving

KEY_ID = "kid-1"
MAC_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


@dataclass(frozen=True)
class Pebble:
    """One that runs. `trust` is what its TLS certificate is signed by, PEM; `http_port` where http-01 is asked."""

    directory: str
    management: str
    trust: str
    http_port: int


@contextmanager
def pebble(at: Path, *, resolver: str) -> Iterator[Pebble]:
    """Run Pebble, which looks names up at `resolver` (address:port)."""
    path = program("root/usr/bin/pebble")
    at.mkdir()
    names = serving.Names(hosts=("localhost",), addresses=("127.0.0.1",))
    authority = serving.make_authority(names)
    server = serving.make_server(names, authority)
    (at / "cert.pem").write_bytes(server.certificate_pem())
    (at / "key.pem").write_bytes(server.key_pem())
    port, management, http_port = (free_port("127.0.0.1") for _ in range(3))
    config = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": "cert.pem",
        "privateKey": "key.pem",
        "httpPort": http_port,
        "tlsPort": free_port("127.0.0.1"),
        "ocspResponderURL": "",
        "externalAccountBindingRequired": True,
        "externalAccountMACKeys": {KEY_ID: MAC_KEY},
    }
    (at / "config.json").write_text(json.dumps({"pebble": config}))
    # No authorization is used twice, and nobody waits: nothing random but the nonces.
    environment = {
        "PEBBLE_VA_NOSLEEP": "1",
        "PEBBLE_ALTERNATE_ROOTS": "1",
        "PEBBLE_WFE_NONCEREJECT": "20",
        "PEBBLE_AUTHZREUSE": "0",
    }
    command = (path, "-config", "config.json", "-dnsserver", resolver, "-strict")
    with running(command, at=at, answers=lambda: connect("127.0.0.1", port), environment=environment):
        yield Pebble(
            directory=f"https://127.0.0.1:{port}/dir",
            management=f"https://127.0.0.1:{management}",
            trust=authority.certificate_pem().decode(),
            http_port=http_port,
        )
