"""Files from outside: the preview of a PFX with three certificates, and a merge, beside what cannot be saved.

Through Django's test client: the preview is the upload, the redirect and the page; the merge the upload and the
redirect. Beside them, in the same rounds: the parsing child with nothing to read, and the library's own calls for
the same file. Run it by `.venv/bin/python -m bench.files`.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from django.core.files.uploadedfile import SimpleUploadedFile

from bench.figures import p50_p95, show
from bench.scratch import Scratch, scratch

if TYPE_CHECKING:
    from vault.models import Operation, Vault

_PASSWORD = "ferry lantern"
_VAULT = "files"


def main() -> None:
    """Measure in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="how often each has its turn")
    options = parser.parse_args()
    with scratch(CHANCERY_RUNNING_PER_VAULT="10000", CHANCERY_RUNNING_PER_PERSON="10000") as place:
        place.enter()
        _measure(place, options.rounds)


def _measure(place: Scratch, rounds: int) -> None:
    bench = _Bench()
    actions: dict[str, Callable[[], object]] = {
        "Python alone": _python,
        "parsing child, nothing to read": bench.read_nothing,
        "preview of a PFX, RSA 2048": lambda: bench.preview("rsa"),
        "library alone, PFX, RSA 2048": lambda: bench.load("rsa"),
        "preview of a PFX, EC P-256": lambda: bench.preview("ec"),
        "library alone, PFX, EC P-256": lambda: bench.load("ec"),
        "merge, three certificates as PEM": bench.merge,
        "library alone, three certificates as PEM": bench.load_answer,
    }
    found: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(-2, rounds):
        bench.prepare()
        for name, action in actions.items():
            began = time.perf_counter()
            action()
            if number >= 0:
                found[name].append(time.perf_counter() - began)
    for name, seconds in found.items():
        show(name, p50_p95(seconds), "ms", f"p50 / p95, {rounds} rounds, {place.conditions}")


def _python() -> None:
    subprocess.run([sys.executable, "-I", "-c", "pass"], check=True, env={})


class _Bench:
    """An officer's browser, and files of a CA of its own."""

    def __init__(self) -> None:
        from tests.pki.authority import ec_key, make_intermediate, make_leaf, make_root, rsa_key

        self.root = make_root()
        self.authority = make_intermediate(self.root)
        self.keys = {"rsa": rsa_key(), "ec": ec_key()}
        leaves = {kind: make_leaf(self.authority, "www.example.org", key=key) for kind, key in self.keys.items()}
        self.files = {kind: self._pfx(kind, leaf.der) for kind, leaf in leaves.items()}
        self.vault, self.client = _desk()
        self.operation: Operation | None = None
        self.answer = ""

    def prepare(self) -> None:
        """Have a request that waits, and the CA's answer to it."""
        from tests.factories import make_operation
        from tests.pki.authority import sign_csr, to_pem

        self.operation = make_operation(vault=self.vault)
        leaf = sign_csr(self.authority, bytes(self.operation.csr))
        self.answer = to_pem(leaf) + self.authority.pem + self.root.pem

    def read_nothing(self) -> None:
        from vault.x509.found import Upload
        from vault.x509.parsing import read_files

        read_files([Upload(content=b"")])

    def preview(self, kind: str) -> None:
        file = SimpleUploadedFile("site.pfx", self.files[kind])
        data = {"file": [file], "password": _PASSWORD}
        response = self.client.post(f"/vaults/{_VAULT}/import/", data, follow=True)
        if response.status_code != 200 or b"www.example.org" not in response.content:
            raise SystemExit(f"The preview was answered with {response.status_code}.")

    def load(self, kind: str) -> None:
        pkcs12.load_pkcs12(self.files[kind], _PASSWORD.encode())

    def merge(self) -> None:
        assert self.operation is not None
        path = f"/vaults/{_VAULT}/operations/{self.operation.request_id.hex}/merge/"
        response = self.client.post(path, {"certificate": self.answer})
        if response.status_code != 303:
            raise SystemExit(f"The merge was answered with {response.status_code}.")

    def load_answer(self) -> None:
        x509.load_pem_x509_certificates(self.answer.encode())

    def _pfx(self, kind: str, leaf: bytes) -> bytes:
        chain = [x509.load_der_x509_certificate(one.der) for one in (self.authority, self.root)]
        certificate = x509.load_der_x509_certificate(leaf)
        sealed = serialization.BestAvailableEncryption(_PASSWORD.encode())
        return pkcs12.serialize_key_and_certificates(b"site", self.keys[kind], certificate, chain, sealed)


def _desk() -> "tuple[Vault, Any]":
    from django.test import Client

    from tests.factories import make_member, make_vault

    vault = make_vault(_VAULT)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(make_member(vault), backend="django.contrib.auth.backends.ModelBackend")
    client.get("/")
    return vault, client


if __name__ == "__main__":
    main()
