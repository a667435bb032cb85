"""The openssl command: a throw-away CA, and a second opinion on what the portal hands out."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

_DAYS: Final = "90"


def openssl(*words: str | Path, stdin: bytes = b"") -> bytes:
    """Run openssl and return what it writes; fail with its words if it refuses."""
    path = shutil.which("openssl")
    if path is None:
        pytest.skip("openssl is not installed.")
    done = subprocess.run([path, *map(str, words)], input=stdin, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


class Authority:
    """A root and an intermediate CA, made and used by openssl alone."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.root = directory / "root.pem"
        self.intermediate = directory / "intermediate.pem"
        self._key = directory / "intermediate.key"
        root_key, request = directory / "root.key", directory / "intermediate.csr"
        ca = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        _new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
        openssl("req", "-x509", *_new_key, "-keyout", root_key, "-out", self.root, "-subj", "/CN=Workshop Root", *ca)
        openssl("req", "-new", *_new_key, "-keyout", self._key, "-out", request, "-subj", "/CN=Workshop Issuing", *ca)
        signed_by = ("-CA", self.root, "-CAkey", root_key, "-copy_extensions", "copyall", "-days", "365")
        openssl("x509", "-req", "-in", request, *signed_by, "-out", self.intermediate)

    def sign(self, csr: Path, *, names: str = "") -> str:
        """Check a CSR's signature, sign it as it stands, and return the certificate as PEM.

        With `names` (`DNS:a.example,DNS:b.example`) these are all that the certificate holds.
        """
        openssl("req", "-in", csr, "-noout", "-verify")
        how: tuple[str | Path, ...] = ("-copy_extensions", "copyall")
        if names:
            extensions = self._directory / "names.cnf"
            extensions.write_text(f"subjectAltName = {names}\n")
            how = ("-extfile", extensions)
        signed_by = ("-CA", self.intermediate, "-CAkey", self._key, "-days", _DAYS)
        return openssl("x509", "-req", "-in", csr, *signed_by, *how).decode()

    def sign_another_key(self) -> str:
        """Return, as PEM, a certificate for a key that the portal has never seen."""
        request, key = self._directory / "other.csr", self._directory / "other.key"
        openssl("req", "-new", "-newkey", "ed25519", "-noenc", "-keyout", key, "-out", request, "-subj", "/CN=other")
        return self.sign(request)

    def verify(self, certificate: Path, *, untrusted: Path | None = None) -> None:
        """Fail unless the certificate's chain, with what is in `untrusted`, ends at the root."""
        openssl("verify", "-CAfile", self.root, "-untrusted", untrusted or self.intermediate, certificate)


def own_request(directory: Path, name: str, *more: str, subject: str = "") -> tuple[Path, Path]:
    """Make a key and a request for host names (`more` are extensions); return where they are."""
    key, csr = directory / f"{name}.key", directory / f"{name}.csr"
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", key, "-out", csr)
    asked = (f"subjectAltName=DNS:{name},DNS:www.{name}", "extendedKeyUsage=serverAuth", *more)
    added = [word for one in asked for word in ("-addext", one)]
    openssl("req", "-new", *ec, "-subj", subject or f"/O=Workshop/CN={name}", *added)
    return key, csr


def open_pfx(path: Path, password: str, *, legacy: bool = False) -> bytes:
    """Return key and certificates of a PFX file as PEM."""
    how = ("-legacy",) if legacy else ()
    return openssl("pkcs12", "-in", path, "-passin", f"pass:{password}", "-noenc", *how)


def public_key_of_private(pem: bytes) -> bytes:
    """Return the public half of the private key in a PEM text."""
    return openssl("pkey", "-pubout", stdin=pem)


def public_key_of_certificate(pem: bytes) -> bytes:
    """Return the public key of the first certificate in a PEM text."""
    return openssl("x509", "-noout", "-pubkey", stdin=pem)


def names_of(pem: bytes) -> str:
    """Return subject and alternative names of a certificate in openssl's words."""
    return openssl("x509", "-noout", "-subject", "-ext", "subjectAltName", stdin=pem).decode()
