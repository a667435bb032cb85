"""What cannot be saved: the cryptography and the commits that one certificate needs, without a portal around them."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.scratch import Scratch

_ROW = "x" * 300


def rate(action: Callable[[], object], seconds: float) -> float:
    """Return how often per second `action` can be done, one after the other, measured for that long."""
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        action()
        done += 1
    return done / (time.perf_counter() - started)


def certificate() -> x509.Certificate:
    """Make a P-256 key, a CSR and a self-signed certificate with two names."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.example.org")])
    names = x509.SubjectAlternativeName([x509.DNSName("www.example.org"), x509.DNSName("example.org")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False)
    csr = builder.sign(key, hashes.SHA256())
    moment = datetime.now(UTC)
    certificate = x509.CertificateBuilder(subject, subject, csr.public_key(), x509.random_serial_number())
    certificate = certificate.not_valid_before(moment).not_valid_after(moment + timedelta(days=365))
    return certificate.add_extension(names, critical=False).sign(key, hashes.SHA256())


@contextlib.contextmanager
def three_commits(place: Scratch) -> Iterator[Callable[[], None]]:
    """Yield a function that commits three rows of 300 octets, one by one, durably, on the bench's kind of database."""
    opened = _postgresql(place.postgresql) if place.postgresql else _sqlite(place.directory / "bare.sqlite3")
    with opened as insert:

        def action() -> None:
            for _ in range(3):
                insert()

        yield action


@contextlib.contextmanager
def _sqlite(path: Path) -> Iterator[Callable[[], object]]:
    """Insert into a file beside the portal's own, with the portal's journal and synchronous modes."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, text TEXT)")
        yield lambda: connection.execute("INSERT INTO bare (text) VALUES (?)", (_ROW,))


@contextlib.contextmanager
def _postgresql(url: str) -> Iterator[Callable[[], object]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, text text)")
        yield lambda: connection.execute("INSERT INTO bare (text) VALUES (%s)", (_ROW,))
