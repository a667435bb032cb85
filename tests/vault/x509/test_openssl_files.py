"""Every cipher that OpenSSL still writes is opened, the old ones too; tests/interop asks the other programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pki.authority import key_pem, make_leaf, make_root
from tests.vault.x509.openssl import openssl
from vault.x509.counting import Budget
from vault.x509.found import FoundFile, Locked
from vault.x509.reading import read_file

LEAF = make_leaf(make_root())
PASSWORD = "geheim-ß"
ASCII = "geheim"
MODERN = ["-certpbe", "AES-256-CBC", "-keypbe", "AES-256-CBC"]
OPENSSL = {
    "modern": [],
    "3DES and RC2-40": ["-legacy"],
    "RC2-40": ["-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-RC2-40"],
    "RC2-128 and RC4-128": ["-legacy", "-certpbe", "PBE-SHA1-RC4-128", "-keypbe", "PBE-SHA1-RC2-128"],
    "2-key 3DES and RC4-40": ["-legacy", "-certpbe", "PBE-SHA1-RC4-40", "-keypbe", "PBE-SHA1-2DES"],
    "SHA-512 MAC": [*MODERN, "-macalg", "sha512"],
    "no MAC": ["-nomac"],
    "not encrypted": ["-certpbe", "NONE", "-keypbe", "NONE"],
}
PKCS8 = {
    "scrypt": ["-scrypt"],
    "AES": ["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512"],
    "3DES": ["-v2", "des3"],
    "MD5 and DES": ["-v1", "PBE-MD5-DES", "-provider", "legacy", "-provider", "default"],
    "SHA-1 and RC2": ["-v1", "PBE-SHA1-RC2-40", "-provider", "legacy", "-provider", "default"],
}


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory one is in, with a certificate and its key in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crt.pem").write_text(LEAF.pem)
    (tmp_path / "key.pem").write_text(key_pem(LEAF.key))
    return tmp_path


def read(path: Path, password: str | None) -> FoundFile:
    return read_file(path.name, path.read_bytes(), password=password, budget=Budget())


def assert_is_ours(found: FoundFile) -> None:
    assert not found.refusal
    assert found.certificates == (LEAF.der,)
    assert [key.title for key in found.keys] == ["EC P-256"]


def with_openssl(pair: Path, *options: str, password: str = PASSWORD) -> Path:
    files = ["-in", "crt.pem", "-inkey", "key.pem", "-out", "a.p12", "-name", "Fré"]
    openssl("pkcs12", "-export", *files, *options, "-passout", f"pass:{password}")
    return pair / "a.p12"


@pytest.mark.parametrize("options", OPENSSL.values(), ids=OPENSSL)
def test_a_pfx_of_openssl_is_read_with_its_password_and_not_with_another(pair: Path, options: list[str]) -> None:
    file = with_openssl(pair, *options)

    assert_is_ours(read(file, PASSWORD))
    assert read(file, PASSWORD).friendly_name == "Fré"
    assert read(file, "other").locked is Locked.WRONG_PASSWORD
    assert read(file, None).locked is Locked.NEEDS_PASSWORD


def test_a_pfx_of_openssl_with_the_empty_password_needs_none(pair: Path) -> None:
    assert_is_ours(read(with_openssl(pair, password=""), None))


@pytest.mark.parametrize("options", PKCS8.values(), ids=PKCS8)
def test_an_encrypted_key_of_openssl_is_read(pair: Path, options: list[str]) -> None:
    openssl("pkcs8", "-topk8", "-in", "key.pem", "-out", "a.pem", *options, "-passout", f"pass:{ASCII}")

    assert [key.title for key in read(pair / "a.pem", ASCII).keys] == ["EC P-256"]
    assert read(pair / "a.pem", "other").locked is Locked.WRONG_PASSWORD


@pytest.mark.parametrize("cipher", ["-aes256", "-des3"])
def test_an_encrypted_key_of_an_old_openssl_is_read(pair: Path, cipher: str) -> None:
    openssl("ec", cipher, "-in", "key.pem", "-out", "a.pem", "-passout", f"pass:{ASCII}")

    assert "DEK-Info" in (pair / "a.pem").read_text()
    assert [key.title for key in read(pair / "a.pem", ASCII).keys] == ["EC P-256"]
