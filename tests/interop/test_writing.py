"""What is downloaded here, OpenSSL, Java, GnuTLS and NSS open, and find in it what was put there."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.interop.tools import Nss, certtool, keytool, openssl
from tests.pki.authority import Leaf, ec_key, make_intermediate, make_leaf, make_root, rsa_key
from vault.x509.bundles import build_p7b
from vault.x509.flavours import Format, Parts, write

pytestmark = pytest.mark.no_database

ISSUING = make_intermediate(make_root())
KEYS = {"RSA": rsa_key(), "P-256": ec_key(), "P-384": ec_key("P-384"), "P-521": ec_key("P-521")}
LEAVES = {name: make_leaf(ISSUING, key=key) for name, key in KEYS.items()}
STRONG, ACCENTED, SPACE = "correct horse battery", "pässwörd mit Lücken", " "
EACH = [("RSA", STRONG), ("P-256", ACCENTED), ("P-384", SPACE), ("P-521", ACCENTED)]
PKCS12 = [Format.PFX, Format.PFX_LEGACY]


def written(as_: Format, leaf: Leaf, to: Path, *, password: str = STRONG, with_chain: bool = True) -> Path:
    parts = Parts(
        key=leaf.key,
        leaf=leaf.der,
        chain=(ISSUING.der,) if with_chain else (),
        password=password,
        friendly_name="Laden 7",
        folder="shop",
    )
    file = to / "file"
    file.write_bytes(write(parts, as_))
    return file


def public_pem(leaf: Leaf) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return leaf.key.public_key().public_bytes(serialization.Encoding.PEM, form)


def expect_pair(pem: bytes, leaf: Leaf) -> None:
    """OpenSSL finds this leaf's key, and this leaf as the first certificate."""
    assert openssl("pkey", "-pubout", stdin=pem) == public_pem(leaf)
    assert openssl("x509", "-pubkey", "-noout", stdin=pem) == public_pem(leaf)


@pytest.mark.parametrize("as_", PKCS12)
@pytest.mark.parametrize(("kind", "password"), EACH)
def test_openssl_opens_a_pfx(tmp_path: Path, as_: Format, kind: str, password: str) -> None:
    file = written(as_, LEAVES[kind], tmp_path, password=password)
    legacy = ["-legacy"] if as_ is Format.PFX_LEGACY else []

    pem = openssl("pkcs12", "-in", file, "-noenc", "-passin", f"pass:{password}", *legacy)

    expect_pair(pem, LEAVES[kind])
    assert pem.count(b"BEGIN CERTIFICATE") == 2
    assert b"friendlyName: Laden 7" in pem


def test_openssl_opens_a_pfx_without_chain(tmp_path: Path) -> None:
    file = written(Format.PFX, LEAVES["RSA"], tmp_path, with_chain=False)

    pem = openssl("pkcs12", "-in", file, "-noenc", "-passin", f"pass:{STRONG}")

    expect_pair(pem, LEAVES["RSA"])
    assert pem.count(b"BEGIN CERTIFICATE") == 1


@pytest.mark.parametrize("as_", [Format.PEM, Format.HAPROXY])
@pytest.mark.parametrize("kind", KEYS)
def test_openssl_reads_the_pem_files(tmp_path: Path, as_: Format, kind: str) -> None:
    expect_pair(written(as_, LEAVES[kind], tmp_path).read_bytes(), LEAVES[kind])


@pytest.mark.parametrize(("kind", "password"), EACH)
def test_openssl_opens_a_pem_file_with_encrypted_key(tmp_path: Path, kind: str, password: str) -> None:
    file = written(Format.PEM_ENCRYPTED, LEAVES[kind], tmp_path, password=password)

    assert openssl("pkey", "-in", file, "-pubout", "-passin", f"pass:{password}") == public_pem(LEAVES[kind])


@pytest.mark.parametrize("as_", [Format.NGINX, Format.APACHE])
def test_openssl_reads_what_the_zips_hold(tmp_path: Path, as_: Format) -> None:
    octets = written(as_, LEAVES["P-256"], tmp_path).read_bytes()

    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        archive.extractall(tmp_path)

    folder = tmp_path / "shop"
    expect_pair((folder / "privkey.pem").read_bytes() + (folder / "fullchain.pem").read_bytes(), LEAVES["P-256"])
    if as_ is Format.APACHE:
        assert b"Example Issuing CA" in openssl("x509", "-in", folder / "chain.pem", "-noout", "-subject")


def test_openssl_reads_a_p7b(tmp_path: Path) -> None:
    octets = build_p7b(leaf=LEAVES["RSA"].der, chain=[ISSUING.der])

    listed = openssl("pkcs7", "-inform", "DER", "-print_certs", "-noout", stdin=octets)

    assert listed.count(b"subject=") == 2


@pytest.mark.parametrize("as_", [Format.JAVA, Format.PFX_LEGACY])
@pytest.mark.parametrize("kind", ["RSA", "P-256"])
def test_java_finds_the_key_by_its_alias_with_its_chain(tmp_path: Path, as_: Format, kind: str) -> None:
    file = written(as_, LEAVES[kind], tmp_path, password=STRONG)
    opening = ("-keystore", file, "-storepass", STRONG)

    listed = keytool("-list", "-rfc", "-alias", "laden 7", *opening)

    assert b"Entry type: PrivateKeyEntry" in listed
    assert b"Certificate chain length: 2" in listed
    assert x509.load_pem_x509_certificate(listed[listed.index(b"-----BEGIN") :]) == x509.load_der_x509_certificate(
        LEAVES[kind].der
    )


def test_java_signs_with_the_key(tmp_path: Path) -> None:
    file = written(Format.JAVA, LEAVES["P-384"], tmp_path)

    said = keytool("-certreq", "-alias", "laden 7", "-keystore", file, "-storepass", STRONG)

    request = x509.load_pem_x509_csr(said[said.index(b"-----BEGIN") :])
    assert request.is_signature_valid
    assert request.public_key() == KEYS["P-384"].public_key()


@pytest.mark.parametrize("as_", PKCS12)
@pytest.mark.parametrize(("kind", "password"), EACH)
def test_gnutls_opens_a_pfx(tmp_path: Path, as_: Format, kind: str, password: str) -> None:
    file = written(as_, LEAVES[kind], tmp_path, password=password)

    said = certtool("--p12-info", "--inder", "--infile", file, "--password", password)

    assert said.count(b"BEGIN CERTIFICATE") == 2
    assert b"Laden 7" in said
    key = tmp_path / "key.pem"
    key.write_bytes(said[said.index(b"-----BEGIN ENCRYPTED PRIVATE") :])
    assert b"Public Key PIN" in certtool("--key-info", "--infile", key, "--password", password)


@pytest.mark.parametrize("kind", ["RSA", "P-256"])
def test_gnutls_reads_the_pem_files(tmp_path: Path, kind: str) -> None:
    file = written(Format.PEM, LEAVES[kind], tmp_path)
    encrypted = written(Format.PEM_ENCRYPTED, LEAVES[kind], tmp_path)

    assert b"www.example.org" in certtool("-i", "--infile", file)
    assert b"Public Key" in certtool("--key-info", "--infile", encrypted, "--password", STRONG)


@pytest.mark.parametrize("as_", PKCS12)
@pytest.mark.parametrize(("kind", "password"), EACH)
def test_nss_opens_and_imports_a_pfx(tmp_path: Path, as_: Format, kind: str, password: str) -> None:
    file = written(as_, LEAVES[kind], tmp_path, password=password)
    nss = Nss(tmp_path / "nss")

    listed = nss.pk12util("-l", file, "-W", password)
    nss.pk12util("-i", file, "-W", password)

    assert b"Laden 7" in listed
    assert b"Laden 7" in nss.certutil("-K")
