"""Every X.509, PKCS#12, PKCS#7 and key file that the library itself is tested with runs through the reader."""

from __future__ import annotations

import time
from pathlib import Path

import cryptography
import cryptography_vectors
import pytest

from vault.x509.counting import Budget
from vault.x509.found import FoundFile, Upload
from vault.x509.parsing import read_files
from vault.x509.reading import read_upload

ROOT = Path(cryptography_vectors.__file__).parent
FOLDERS = ("pkcs12", "pkcs7", "x509", "asymmetric")
PASSWORDS = {"pkcs12": "cryptography", "asymmetric": "foobar"}
SLOWEST = 2.0
"""Seconds of processor time, as promised for any file."""
LARGEST = 1_000_000


def files(folder: str) -> list[Path]:
    return [path for path in sorted((ROOT / folder).rglob("*")) if path.is_file() and path.stat().st_size <= LARGEST]


def password_of(path: Path) -> str | None:
    return "password" if "pwd" in path.name else PASSWORDS.get(path.relative_to(ROOT).parts[0])


def read(path: Path) -> list[FoundFile]:
    upload = Upload(name=path.name, content=path.read_bytes())
    return list(read_upload(upload, password=password_of(path), budget=Budget()))


def test_the_vectors_are_those_of_the_library() -> None:
    assert cryptography_vectors.__version__ == cryptography.__version__


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_answered_and_none_takes_long(folder: str) -> None:
    for path in files(folder):
        started = time.process_time()
        found = read(path)
        spent = time.process_time() - started

        assert len(found) == 1, path
        assert found[0].certificates or found[0].keys or found[0].requests or found[0].ignored or found[0].refusal, path
        assert spent < SLOWEST, (path, spent)


def test_every_pfx_opens_with_its_password() -> None:
    for path in files("pkcs12"):
        [found] = read(path)

        assert not found.refusal, (path, found.refusal)
        assert found.certificates or found.keys, path


def test_the_child_reads_them_as_well() -> None:
    paths = [path for path in files("pkcs12") if "pwd" in path.name]

    found = read_files([Upload(name=path.name, content=path.read_bytes()) for path in paths], password="password")

    assert [file.name for file in found.files] == [path.name for path in paths]
    assert not found.refusals
