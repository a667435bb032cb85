"""The TLS files of `manage.py up --tls`: made once, kept while they fit, made anew in time."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from vault.x509 import serving
from vault.x509.serving import Names, Pair

# A server's certificate that ends sooner is made anew at the start.
_AHEAD: Final = timedelta(days=60)


@dataclass(frozen=True)
class Files:
    """Where clients find the CA, and the server its certificate and key."""

    ca: Path
    certificate: Path
    key: Path


def prepare(directory: Path, *, domain: str, hosts: Iterable[str]) -> Files:
    """Return the files for a server that answers to `hosts` and to every host one label below `domain`.

    The CA stays the same as long as it may speak for these names and outlives the server's certificate.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = names_of(domain, hosts)
    files = Files(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    authority = _authority(files.ca, directory / "ca.key", names)
    server = _read(files.certificate, files.key)
    if server is None or not serving.is_good(server, names, authority, until=datetime.now(UTC) + _AHEAD):
        _write(serving.make_server(names, authority), files.certificate, files.key)
    return files


def names_of(domain: str, hosts: Iterable[str]) -> Names:
    """Sort names from addresses; what is neither, such as a pattern of host names, is left out."""
    addresses, named = [], []
    for host in dict.fromkeys(hosts):
        try:
            addresses.append(str(ipaddress.ip_address(host.strip("[]"))))
        except ValueError:
            named.append(host)
    plain = tuple(host for host in named if not host.startswith(".") and "*" not in host)
    return Names(plain, above=(domain,), addresses=tuple(addresses))


def _authority(certificate: Path, key: Path, names: Names) -> Pair:
    held = _read(certificate, key)
    if held is not None and serving.may_vouch(held, names, until=datetime.now(UTC) + serving.SERVER_LIFE):
        return held
    made = serving.make_authority(names)
    _write(made, certificate, key)
    return made


def _read(certificate: Path, key: Path) -> Pair | None:
    try:
        return serving.read(certificate.read_bytes(), key.read_bytes())
    except OSError:
        return None


def _write(pair: Pair, certificate: Path, key: Path) -> None:
    """Write both; after a crash between the two they do not belong together and are made anew."""
    _replace(key, pair.key_pem(), 0o600)
    _replace(certificate, pair.certificate_pem(), 0o644)


def _replace(path: Path, content: bytes, mode: int) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
