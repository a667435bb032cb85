"""Keys on a list of known keys are refused wherever keys come from outside; a list is what OpenSSL's own output says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.exceptions import ImproperlyConfigured

from portal import environment
from tests.pki.authority import rsa_key
from vault.x509 import weaklists
from vault.x509.found import Upload
from vault.x509.keychecks import why_refused
from vault.x509.parsing import read_files


@pytest.fixture(autouse=True)
def _lists_of_before() -> Iterator[None]:
    before = weaklists.in_use()
    yield
    weaklists.use(before)


def pem_of(key: rsa.RSAPrivateKey) -> bytes:
    pkcs8 = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption())


def line_of(key: rsa.RSAPrivateKey) -> str:
    """As the package's own words say: openssl rsa -noout -modulus | sha1sum, without the first 20 digits."""
    command = "openssl rsa -noout -modulus | sha1sum"
    told = subprocess.run(["sh", "-c", command], input=pem_of(key), capture_output=True, check=True).stdout.decode()
    return told[20:40]


def list_with(path: Path, *lines: str, end: str = "\n") -> Path:
    text = end.join(["# known keys", "", "00006aa0ce2cd60e6660", *lines, "ffff00000000000000ff"])
    path.write_bytes(text.encode() + end.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_listed_key_is_refused(tmp_path: Path, end: str) -> None:
    key = rsa_key()
    weaklists.use([list_with(tmp_path / "blacklist.RSA-2048", line_of(key), end=end)])

    assert "list of keys that everybody knows" in why_refused(key.public_key())


def test_the_last_line_of_a_list_counts_without_a_line_end(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("# one\n" + line_of(rsa_key()))
    weaklists.use([path])

    assert weaklists.is_listed(rsa_key().public_key().public_numbers().n)


def test_a_key_that_is_not_on_any_list_is_sound(tmp_path: Path) -> None:
    line = line_of(rsa_key())
    other = f"{line[1:]}0"
    weaklists.use([list_with(tmp_path / "one", other), list_with(tmp_path / "two")])

    assert not why_refused(rsa_key().public_key())


def test_a_line_that_only_holds_the_digits_among_others_is_no_hit(tmp_path: Path) -> None:
    weaklists.use([list_with(tmp_path / "one", f"ab{line_of(rsa_key())}", f"{line_of(rsa_key())}cd")])

    assert not why_refused(rsa_key().public_key())


def test_a_key_is_refused_while_a_list_cannot_be_read(tmp_path: Path) -> None:
    weaklists.use([tmp_path / "gone"])

    assert "was not checked" in why_refused(rsa_key().public_key())


def test_the_reader_refuses_a_listed_key_in_a_file(tmp_path: Path) -> None:
    key = rsa_key()
    weaklists.use([list_with(tmp_path / "list", line_of(key))])

    found = read_files([Upload(name="key.pem", content=pem_of(key))])

    assert "list of keys that everybody knows" in found.keys[0].refusal


def test_the_setting_takes_lists_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = list_with(tmp_path / "good"), tmp_path / "bad"
    bad.write_text("# not a list\nhello\n")
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n")

    monkeypatch.setenv("CHANCERY_WEAK_KEYS", f"{good}, {good}")
    assert environment.lists_of_keys("CHANCERY_WEAK_KEYS") == [good, good]

    for flawed, words in ((bad, "20 hex digits"), (empty, "20 hex digits"), (tmp_path / "none", "cannot be read")):
        monkeypatch.setenv("CHANCERY_WEAK_KEYS", str(flawed))
        with pytest.raises(ImproperlyConfigured, match=words):
            environment.lists_of_keys("CHANCERY_WEAK_KEYS")
