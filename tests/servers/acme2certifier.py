"""acme2certifier: an ACME server with profiles and renewal information (RFC 9773), on a CA of its own."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tests.pki.authority import make_intermediate, make_root, rsa_key
from tests.servers.programs import connect, free_port, program, running

KEY_ID = "keyid_00"
DNS = "127.0.0.5"
_CONFIG = """
[DEFAULT]
debug: False
dns_server_list: ["{dns}"]
server_name: 127.0.0.1:{port}
[CAhandler]
handler_module: acme2certifier.cahandlers.openssl_ca_handler
issuing_ca_key: sub.key
issuing_ca_cert: sub.pem
issuing_ca_crl: crl.pem
cert_validity_days: 30
cert_save_path: certs
ca_cert_chain_list: ["root.pem"]
[DBhandler]
handler: wsgi
dbfile: acme.db
[EABhandler]
eab_handler_module: acme2certifier.eabhandlers.json_handler
key_file: keys.json
[Order]
profiles: {{"classic":"http://127.0.0.1/docs/classic","shortlived":"http://127.0.0.1/docs/shortlived"}}
[Renewalinfo]
renewalthreshold_pctg: 66
"""
_RUN = """
import os, sys
os.environ["ACME_SRV_CONFIGFILE"] = os.path.abspath("acme_srv.cfg")
os.environ["ACME2CERTIFIER_BASE_DIR"] = os.getcwd()
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server
from acme2certifier.share import acme2certifier_wsgi as w
class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True
make_server("127.0.0.1", int(sys.argv[1]), w.application, server_class=Threaded, handler_class=w.get_handler_cls()).serve_forever()
"""


@dataclass(frozen=True)
class Acme2certifier:
    """One that runs; it asks http-01 at port 80 and looks names up at port 53 of DNS."""

    directory: str
    mac_key: str


@contextmanager
def acme2certifier(at: Path) -> Iterator[Acme2certifier]:
    """Run it on a root and an intermediate made for it."""
    python = program("acme2certifier/bin/python")
    at.mkdir()
    (at / "certs").mkdir()
    root = make_root("Test Root")
    issuing = make_intermediate(root, "Test Issuing CA", key=rsa_key())
    (at / "root.pem").write_text(root.pem)
    (at / "sub.pem").write_text(issuing.pem)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    key = issuing.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (at / "sub.key").write_bytes(key)
    mac_key = base64.urlsafe_b64encode(secrets.token_bytes(96)).decode().rstrip("=")
    (at / "keys.json").write_text(json.dumps({KEY_ID: mac_key}))
    port = free_port("127.0.0.1")
    (at / "acme_srv.cfg").write_text(_CONFIG.format(dns=DNS, port=port))
    (at / "run.py").write_text(_RUN)
    with running((python, "run.py", str(port)), at=at, answers=lambda: connect("127.0.0.1", port)):
        yield Acme2certifier(directory=f"http://127.0.0.1:{port}/directory", mac_key=mac_key)
