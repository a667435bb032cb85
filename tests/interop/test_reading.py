"""What OpenSSL, Java, GnuTLS and NSS write is read here: every key and certificate, and they belong together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509

from tests.interop.tools import Nss, certtool, keytool, openssl
from tests.pki.authority import Leaf, ec_key, key_pem, make_intermediate, make_leaf, make_root, rsa_key
from vault.x509.certificates import facts
from vault.x509.found import Found, FoundFile, Locked, Upload
from vault.x509.parsing import read_files

pytestmark = pytest.mark.no_database

ISSUING = make_intermediate(make_root())
LEAVES = {"RSA": make_leaf(ISSUING, key=rsa_key()), "EC": make_leaf(ISSUING, key=ec_key())}
STRONG, ACCENTED, SPACE = "correct horse battery", "pässwörd mit Lücken", " "


def read(content: bytes, password: str | None = None) -> Found:
    return read_files([Upload(name="file", content=content)], password=password)


def only(found: Found) -> FoundFile:
    (file,) = found.files
    assert (file.refusal, file.locked) == ("", Locked.NO)
    return file


def expect_pair(found: Found, leaf: Leaf, *others: bytes) -> None:
    """The leaf's own key, the leaf, and these certificates besides."""
    file = only(found)
    assert set(file.certificates) == {leaf.der, *others}
    assert [key.spki_sha256 for key in file.keys] == [facts(leaf.der).spki_sha256]
    assert [key.refusal for key in file.keys] == [""]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Keys and certificates of both kinds, as PEM, for the tools to work with."""
    for kind, leaf in LEAVES.items():
        (tmp_path / f"{kind}.key").write_text(key_pem(leaf.key))
        (tmp_path / f"{kind}.crt").write_text(leaf.pem)
    (tmp_path / "issuing.crt").write_text(ISSUING.pem)
    return tmp_path


def pkcs12(files: Path, kind: str, password: str, options: Sequence[str | Path] = ()) -> bytes:
    pair = ("-inkey", files / f"{kind}.key", "-in", files / f"{kind}.crt")
    openssl("pkcs12", "-export", *pair, "-out", files / "out", "-passout", f"pass:{password}", *options)
    return (files / "out").read_bytes()


@pytest.mark.parametrize(
    ("options", "password"),
    [
        ([], STRONG),
        ([], ACCENTED),
        (["-legacy"], ACCENTED),
        (["-descert", "-legacy"], SPACE),
        (["-macalg", "sha512"], SPACE),
    ],
)
@pytest.mark.parametrize("kind", LEAVES)
def test_a_pfx_of_openssl(files: Path, kind: str, options: list[str], password: str) -> None:
    chain = ["-certfile", files / "issuing.crt", "-name", "Laden 7"]

    found = read(pkcs12(files, kind, password, [*options, *chain]), password)

    expect_pair(found, LEAVES[kind], ISSUING.der)
    assert only(found).friendly_name == "Laden 7"


@pytest.mark.parametrize("options", [["-nomac"], ["-keypbe", "NONE", "-certpbe", "NONE"]], ids=" ".join)
def test_an_unusual_pfx_of_openssl(files: Path, options: list[str]) -> None:
    expect_pair(read(pkcs12(files, "RSA", STRONG, options), STRONG), LEAVES["RSA"])


def test_a_pfx_of_openssl_with_an_empty_password(files: Path) -> None:
    expect_pair(read(pkcs12(files, "EC", "")), LEAVES["EC"])


def test_a_pfx_of_openssl_without_key(files: Path) -> None:
    octets = pkcs12(files, "EC", STRONG, ["-nokeys"])

    assert only(read(octets, STRONG)).certificates == (LEAVES["EC"].der,)


def test_a_pfx_of_openssl_with_another_password_stays_locked(files: Path) -> None:
    octets = pkcs12(files, "RSA", STRONG)

    assert read(octets, "another").files[0].locked is Locked.WRONG_PASSWORD
    assert read(octets).files[0].locked is Locked.NEEDS_PASSWORD


@pytest.mark.parametrize(
    ("scheme", "password"),
    [
        (("-v2", "aes-256-cbc"), ACCENTED),
        (("-v2", "des3"), SPACE),
        (("-v1", "PBE-SHA1-3DES"), ACCENTED),
        (("-scrypt",), STRONG),
    ],
)
def test_an_encrypted_pkcs8_key_of_openssl(files: Path, scheme: tuple[str, ...], password: str) -> None:
    key = openssl("pkcs8", "-topk8", "-in", files / "RSA.key", "-passout", f"pass:{password}", *scheme)

    expect_pair(read(key + (files / "RSA.crt").read_bytes(), password), LEAVES["RSA"])


@pytest.mark.parametrize("encoding", ["PEM", "DER"])
@pytest.mark.parametrize(("kind", "program"), [("RSA", "rsa"), ("EC", "ec")])
def test_a_traditional_key_of_openssl(files: Path, kind: str, program: str, encoding: str) -> None:
    how = ["-traditional"] if program == "rsa" else []
    openssl(program, "-in", files / f"{kind}.key", "-outform", encoding, "-out", files / "key", *how)
    uploads = [Upload(name=name, content=(files / name).read_bytes()) for name in ("key", f"{kind}.crt")]

    found = read_files(uploads)

    assert found.certificates == (LEAVES[kind].der,)
    assert [key.spki_sha256 for key in found.keys] == [facts(LEAVES[kind].der).spki_sha256]


@pytest.mark.parametrize("cipher", ["-aes256", "-des3"])
def test_a_traditional_encrypted_key_of_openssl(files: Path, cipher: str) -> None:
    out = files / "key"
    openssl("rsa", "-in", files / "RSA.key", "-traditional", cipher, "-passout", f"pass:{STRONG}", "-out", out)

    expect_pair(read(out.read_bytes() + (files / "RSA.crt").read_bytes(), STRONG), LEAVES["RSA"])


@pytest.mark.parametrize("encoding", ["PEM", "DER"])
def test_a_p7b_of_openssl(files: Path, encoding: str) -> None:
    both = ("-certfile", files / "EC.crt", "-certfile", files / "issuing.crt")

    found = read(openssl("crl2pkcs7", "-nocrl", *both, "-outform", encoding))

    assert set(only(found).certificates) == {LEAVES["EC"].der, ISSUING.der}


@pytest.mark.parametrize("algorithm", ["RSA", "EC"])
def test_a_keystore_of_java(tmp_path: Path, algorithm: str) -> None:
    store = tmp_path / "store.p12"
    opening = ("-keystore", store, "-storetype", "PKCS12", "-storepass", STRONG)
    size = ("-keysize", "2048") if algorithm == "RSA" else ("-groupname", "secp256r1")
    keytool("-genkeypair", "-alias", "laden", "-keyalg", algorithm, *size, "-dname", "CN=www.example.org", *opening)

    file = only(read(store.read_bytes(), STRONG))

    assert file.friendly_name == "laden"
    assert [facts(der).spki_sha256 for der in file.certificates] == [key.spki_sha256 for key in file.keys]
    assert [key.refusal for key in file.keys] == [""]


def test_a_keystore_in_javas_own_format_is_named_and_refused(tmp_path: Path) -> None:
    store = tmp_path / "store.jks"
    opening = ("-keystore", store, "-storetype", "JKS", "-storepass", STRONG, "-keypass", STRONG)
    keytool("-genkeypair", "-alias", "laden", "-keyalg", "EC", "-dname", "CN=www.example.org", *opening)

    (file,) = read(store.read_bytes(), STRONG).files

    assert "Java" in file.looks_like
    assert not file.certificates
    assert not file.keys


@pytest.mark.parametrize(
    ("cipher", "password"), [("aes-256", ACCENTED), ("aes-256", SPACE), ("3des-pkcs12", ACCENTED), ("rc2-40", STRONG)]
)
def test_a_pfx_of_gnutls(files: Path, cipher: str, password: str) -> None:
    pair = ("--load-privkey", files / "RSA.key", "--load-certificate", files / "RSA.crt")
    how = ("--p12-name", "Laden 7", "--password", password, "--pkcs-cipher", cipher)
    certtool("--to-p12", "--outder", "--outfile", files / "out", *pair, *how)

    found = read((files / "out").read_bytes(), password)

    expect_pair(found, LEAVES["RSA"])
    assert only(found).friendly_name == "Laden 7"


def test_an_encrypted_key_of_gnutls(files: Path) -> None:
    how = ("--password", STRONG, "--pkcs-cipher", "aes-256", "--outfile", files / "out")
    certtool("--to-p8", "--load-privkey", files / "EC.key", *how)

    expect_pair(read((files / "out").read_bytes() + (files / "EC.crt").read_bytes(), STRONG), LEAVES["EC"])


@pytest.mark.parametrize(
    ("cipher", "password"),
    [
        ("AES-256-CBC", ACCENTED),
        ("AES-256-CBC", SPACE),
        ("PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC", ACCENTED),
    ],
)
def test_a_pfx_of_nss(files: Path, cipher: str, password: str) -> None:
    nss = Nss(files / "nss")
    pkcs12(files, "RSA", STRONG, ["-name", "Laden 7"])
    nss.pk12util("-i", files / "out", "-W", STRONG)

    nss.pk12util("-o", files / "of-nss", "-n", "Laden 7", "-W", password, "-c", cipher)

    found = read((files / "of-nss").read_bytes(), password)
    expect_pair(found, LEAVES["RSA"])
    assert only(found).friendly_name == "Laden 7"


def test_a_request_of_openssl(files: Path) -> None:
    octets = openssl("req", "-new", "-key", files / "EC.key", "-subj", "/CN=www.example.org")

    (request,) = only(read(octets)).requests

    assert x509.load_der_x509_csr(request.der).is_signature_valid
    assert (request.title, request.refusal) == ("EC P-256", "")
