"""The TLS files of `up --tls`: made once, kept while they fit."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from portal import tls
from portal.tls import Files

pytestmark = pytest.mark.no_database
HOSTS = ["127.0.0.1", "localhost", "[::1]"]


def prepare(directory: Path, **changes: object) -> Files:
    facts = {"domain": "vault.localhost", "hosts": HOSTS, **changes}
    return tls.prepare(directory / "tls", **facts)  # type: ignore[arg-type]


def contents(files: Files) -> tuple[bytes, bytes, bytes]:
    return files.ca.read_bytes(), files.certificate.read_bytes(), files.key.read_bytes()


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    first = contents(prepare(tmp_path))

    assert contents(prepare(tmp_path)) == first


def test_keys_are_for_the_owner_alone(tmp_path: Path) -> None:
    files = prepare(tmp_path)

    for key in (files.key, files.ca.with_name("ca.key")):
        assert key.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in files.ca.read_bytes() + files.certificate.read_bytes()
    assert sorted(path.name for path in files.ca.parent.iterdir()) == ["ca.key", "ca.pem", "server.key", "server.pem"]


def test_a_certificate_that_ends_soon_is_made_anew_by_the_same_ca(tmp_path: Path) -> None:
    ca, certificate, _ = contents(prepare(tmp_path))

    with time_machine.travel(datetime.now(UTC) + timedelta(days=350), tick=False):
        later = contents(prepare(tmp_path))

    assert later[0] == ca
    assert later[1] != certificate


def test_a_ca_that_ends_soon_is_made_anew(tmp_path: Path) -> None:
    ca = contents(prepare(tmp_path))[0]

    with time_machine.travel(datetime.now(UTC) + timedelta(days=3300), tick=False):
        assert contents(prepare(tmp_path))[0] != ca


def test_other_names_need_another_ca(tmp_path: Path) -> None:
    first = contents(prepare(tmp_path))

    second = contents(prepare(tmp_path, domain="kv.example.org"))

    assert second[0] != first[0]
    assert second[1] != first[1]


@pytest.mark.parametrize("name", ["ca.pem", "ca.key", "server.pem", "server.key"])
def test_what_is_damaged_or_missing_is_made_anew(tmp_path: Path, name: str) -> None:
    files = prepare(tmp_path)
    path = files.ca.with_name(name)

    for damage in (lambda: path.write_bytes(b"nothing"), path.unlink):
        damage()
        made = contents(prepare(tmp_path))
        assert contents(prepare(tmp_path)) == made


def test_patterns_of_hosts_are_left_out() -> None:
    names = tls.names_of("vault.localhost", ["localhost", ".example.org", "*", "192.0.2.1", "[::1]", "localhost"])

    assert names.hosts == ("localhost",)
    assert names.addresses == ("192.0.2.1", "::1")
