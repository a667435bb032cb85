"""Finding certificates in whatever a person sends."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pki.authority import ec_key, key_pem, make_csr, make_intermediate, make_leaf, make_root, rsa_key
from tests.pki.forging import extension, with_extensions
from tests.vault.x509.openssl import openssl
from vault.x509 import collecting, recognising
from vault.x509.collecting import MAX_CERTIFICATES
from vault.x509.counting import Budget
from vault.x509.found import FoundFile
from vault.x509.reading import read_file
from vault.x509.requests import csr_pem

ROOT = make_root()
ISSUING = make_intermediate(ROOT)
LEAF = make_leaf(ISSUING)
CSR = make_csr()
PEM, DER = LEAF.pem, LEAF.der
BUNDLE = PEM + ISSUING.pem + ROOT.pem
KEY = key_pem(LEAF.key)
P7 = pkcs7.serialize_certificates(
    [x509.load_der_x509_certificate(der) for der in (DER, ISSUING.der, ROOT.der)], serialization.Encoding.DER
)
SECRET_FORMS = (serialization.Encoding.DER, serialization.Encoding.PEM)


def read(data: bytes, password: str | None = None) -> FoundFile:
    return read_file("", data, password=password, budget=Budget())


def private(
    form: serialization.PrivateFormat,
    encoding: serialization.Encoding = serialization.Encoding.DER,
    password: bytes | None = None,
) -> bytes:
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return LEAF.key.private_bytes(encoding, form, protection)


def b64(data: bytes | str) -> bytes:
    return base64.b64encode(data.encode() if isinstance(data, str) else data)


@pytest.mark.parametrize(
    "data",
    [
        PEM.encode(),
        PEM.replace("\n", "\r\n").encode(),
        PEM.replace("\n", "\r").encode(),
        PEM.strip().encode(),
        b"\xef\xbb\xbf" + PEM.encode(),
        PEM.encode("utf-16"),
        PEM.encode("utf-16-le"),
        PEM.encode("utf-16-be"),
        b"\xfe\xff" + PEM.encode("utf-16-be"),
        ("subject=CN = x\nissuer=CN = y\n" + PEM + "\nBest regards,\nYour CA").encode(),
        ("Grüße\n" + PEM).encode("latin-1"),
        "".join(f"> {line}\n" for line in PEM.splitlines()).encode(),
        "".join(f">> > {line}\r\n" for line in PEM.splitlines()).encode(),
        "".join(f"    {line}\n" for line in PEM.splitlines()).encode(),
        PEM.replace("\n", "\n\n").encode(),
        PEM.replace("\n", "\\n").encode(),
        json.dumps({"certificate": PEM}).encode(),
        PEM.replace("-----", "\u2014\u2014").encode(),
        PEM.replace("CERTIFICATE", "X509 CERTIFICATE").encode(),
        PEM.replace("CERTIFICATE-----\n", "CERTIFICATE-----\nComment: mine\n\n", 1).encode(),
        PEM.replace("=", "").encode(),
        (PEM + PEM).encode(),
        DER,
        DER + b"\n",
        DER + b"\x00\x00",
        DER + DER,
        b64(DER),
        base64.encodebytes(DER),
        base64.urlsafe_b64encode(DER).rstrip(b"="),
        b64(b64(DER)),
        b64(b64(b64(DER))),
        b64(PEM),
        b64(b64(PEM)),
        b64(DER).decode().encode("utf-16"),
        b"  \n" + b64(DER) + b"\n\n",
    ],
    ids=range(35),
)
def test_one_certificate_is_found_in_every_lawful_form(data: bytes) -> None:
    assert read(data) == FoundFile(certificates=(DER,), looks_like="a certificate")


@pytest.mark.parametrize(
    "data",
    [
        BUNDLE.encode(),
        (PEM + "-- the CA's own --\n" + ISSUING.pem + ROOT.pem).encode(),
        DER + ISSUING.der + ROOT.der,
        P7,
        b64(P7),
        b64(BUNDLE),
        f"-----BEGIN PKCS7-----\n{base64.encodebytes(P7).decode()}-----END PKCS7-----\n".encode(),
        f"-----BEGIN CMS-----\n{base64.encodebytes(P7).decode()}-----END CMS-----\n".encode(),
    ],
    ids=range(8),
)
def test_a_chain_is_found_whole(data: bytes) -> None:
    assert set(read(data).certificates) == {DER, ISSUING.der, ROOT.der}


def test_the_order_of_a_bundle_is_kept() -> None:
    assert read((ROOT.pem + PEM + ISSUING.pem).encode()).certificates == (ROOT.der, DER, ISSUING.der)


@pytest.mark.parametrize("form", ["DER", "PEM"])
def test_a_p7b_that_openssl_made_is_read(form: str, tmp_path: Path) -> None:
    file = tmp_path / "bundle.pem"
    file.write_text(BUNDLE)

    data = openssl("crl2pkcs7", "-nocrl", "-certfile", str(file), "-outform", form)

    assert set(read(data).certificates) == {DER, ISSUING.der, ROOT.der}


def test_a_signed_message_of_indefinite_length_is_read(tmp_path: Path) -> None:
    signer, key = tmp_path / "leaf.pem", tmp_path / "key.pem"
    signer.write_text(PEM)
    key.write_text(KEY)

    arguments = ["-sign", "-signer", str(signer), "-inkey", str(key), "-nodetach", "-stream", "-outform", "DER"]
    data = openssl("cms", *arguments, data=b"hello")

    assert data.startswith(b"\x30\x80")
    assert read(data).certificates == (DER,)


def test_an_openssl_trusted_certificate_is_read(tmp_path: Path) -> None:
    file = tmp_path / "leaf.pem"
    file.write_text(PEM)

    data = openssl("x509", "-in", str(file), "-trustout", "-addtrust", "serverAuth")

    assert b"TRUSTED" in data
    assert read(data).certificates == (DER,)


@pytest.mark.parametrize(
    ("data", "looks_like"),
    [
        (b"", "an empty file"),
        (b" \r\n\t", "an empty file"),
        (b"\x00" * 50, "an empty file"),
        (b"\xef\xbb\xbf\r\n", "an empty file"),
        (csr_pem(CSR).encode(), "a certificate request"),
        (csr_pem(CSR).replace("CERTIFICATE", "NEW CERTIFICATE").encode(), "a certificate request"),
        (CSR, "a certificate request"),
        (b64(CSR), "a certificate request"),
        (csr_pem(CSR).replace("CERTIFICATE REQUEST", "CERTIFICATE").encode(), "a certificate request"),
        (b"<!DOCTYPE html><html><body>Login</body></html>", "an HTML page"),
        (b"\n\n  <HTML>", "an HTML page"),
        (b"<?xml version='1.0'?><a/>", "an XML file"),
        (b'{"error": "no"}', "a JSON file"),
        (b"\x30\x80\x02\x01\x03\x30\x80", "a PFX file"),
        (b"\xfe\xed\xfe\xed\x00\x00\x00\x02", "a Java keystore"),
        (b64(b"\xfe\xed\xfe\xed\x00\x00\x00\x02" * 4), "a Java keystore"),
        (b"PK\x03\x04 zipped", "a ZIP archive"),
        (b"\x1f\x8b\x08", "a compressed file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n-----END PGP PUBLIC KEY BLOCK-----", "a PGP file"),
        (b"-----BEGIN PGP MESSAGE-----\nabc", "a PGP file"),
        (b"\x99\x01\x0d\x04", "a PGP file"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@host", "an SSH key"),
        (b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "an SSH key"),
        (b"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----", "a public key"),
        (b"-----BEGIN X509 CRL-----\nMFkw\n-----END X509 CRL-----", "a revocation list"),
        (b"-----BEGIN DH PARAMETERS-----\nMFkw\n-----END DH PARAMETERS-----", "parameters for keys"),
        (DER[:200], "a file that was cut off"),
        (b64(DER[:200]), "a file that was cut off"),
        (b"hello", "text"),
        (b"aGVsbG8gd29ybGQgaG93IGFyZSB5b3U=", "text"),
        (b"a" * 100_000, "text"),
        (b"\x01\x02\x00\x04" * 20, "a file of an unknown kind"),
        (b"\x30\x03\x02\x01\x01", "text"),
        (b"\x30\x80" * 1000, "text"),
        (b"-----END CERTIFICATE-----", "text"),
        ("日本語".encode(), "text"),
    ],
    ids=range(39),
)
def test_what_holds_no_certificate_is_recognised(data: bytes, looks_like: str) -> None:
    found = read(data)

    assert found.looks_like == looks_like
    assert found.certificates == found.keys == ()
    assert not found.holds_private_key
    assert bool(found.requests) is (looks_like == "a certificate request")
    assert found.requests or found.ignored or found.refusal


def test_a_public_key_and_a_revocation_list_in_der_are_recognised() -> None:
    root = x509.load_der_x509_certificate(ROOT.der)
    lists = x509.CertificateRevocationListBuilder().issuer_name(root.subject)
    lists = lists.last_update(root.not_valid_before_utc).next_update(root.not_valid_after_utc)
    revocations = lists.sign(ROOT.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    spki = LEAF.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    assert read(revocations).looks_like == "a revocation list"
    assert read(spki).looks_like == "a public key"


@pytest.mark.parametrize(
    "data",
    [
        KEY.encode(),
        KEY.encode("utf-16"),
        KEY.encode("utf-16-be"),
        KEY.replace("\n", "\\n").encode(),
        KEY.splitlines()[0].encode(),
        (PEM + KEY).encode(),
        (KEY + PEM).encode(),
        (PEM + KEY.splitlines()[0]).encode(),
        b64(KEY),
        b64(b64(KEY)),
        (BUNDLE + "\n" + KEY).replace("\n", "\r\n").encode(),
        private(serialization.PrivateFormat.PKCS8),
        private(serialization.PrivateFormat.TraditionalOpenSSL),
        private(serialization.PrivateFormat.PKCS8, password=b"secret"),
        b64(private(serialization.PrivateFormat.PKCS8)),
        private(serialization.PrivateFormat.TraditionalOpenSSL, serialization.Encoding.PEM),
        private(serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM, b"secret"),
        private(serialization.PrivateFormat.OpenSSH, serialization.Encoding.PEM),
        DER + private(serialization.PrivateFormat.PKCS8),
        DER + KEY.encode(),
        PEM[:200].encode() + KEY.encode(),
        PEM.replace("MII", "!!!").encode() + KEY.encode(),
        KEY.replace("PRIVATE KEY", "CERTIFICATE").encode(),
        f"<pre>{KEY}</pre>".encode(),
        json.dumps({"kty": "EC", "crv": "P-256", "d": "a" * 43}).encode(),
        b"PuTTY-User-Key-File-3: ssh-rsa",
        b"<RSAKeyValue><D>" + b"a" * 40 + b"</D></RSAKeyValue>",
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc",
        rsa_key().private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ),
        PEM.encode() * 30 + KEY.encode(),
    ],
    ids=range(30),
)
def test_a_private_key_is_noticed_wherever_it_stands(data: bytes) -> None:
    found = read(data)

    assert found.holds_private_key
    assert found.looks_like == "a private key"


def test_a_request_beside_a_certificate_does_no_harm() -> None:
    found = read((csr_pem(CSR) + PEM).encode())

    assert found.certificates == (DER,)
    assert [one.der for one in found.requests] == [CSR]


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (PEM[:300].encode(), "cut off"),
        ((PEM[:300] + "\n" + PEM).encode(), "cut off"),
        (b"-----BEGIN CERTIFICATE-----\n", "cut off"),
        (PEM.replace("END CERTIFICATE", "END PKCS7").encode(), "cut off"),
        (b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "damaged"),
        (b"-----BEGIN CERTIFICATE-----\nhello!\n-----END CERTIFICATE-----\n", "damaged"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "damaged"),
        (PEM.replace("MII", "MIJ", 1).encode(), "damaged"),
        (PEM.replace("\nM", "\n", 1).encode(), "damaged"),
        (DER + b"hello", "goes on after"),
        (DER + DER[:100], "goes on after"),
        (b"\x30\x0b\x30\x04\xa0\x00\x02\x00\x30\x00\x03\x01\x00", "damaged"),
    ],
    ids=range(12),
)
def test_a_damaged_certificate_is_refused_with_what_to_do(data: bytes, advice: str) -> None:
    assert advice in read(data).refusal


@pytest.mark.parametrize(
    "extensions",
    [
        [extension("2.5.29.19", b"\x30\x00"), extension("2.5.29.19", b"\x30\x00")],
        [extension("2.5.29.17", b"\x30\x05\x82\xff")],
        [extension("2.5.29.17", b"\x04\x00")],
        [extension("2.5.29.15", b"\x03\x01")],
        [extension("2.5.29.15", b"\x03\x03\x07\x00\x80")],
        [extension("2.5.29.37", b"\x30\x03\x06\x01\x80")],
    ],
    ids=["twice", "cut off", "wrong type", "no bits", "decipherOnly alone", "bad oid"],
)
def test_a_certificate_whose_extensions_fail_only_when_looked_at_fails_here(extensions: list[bytes]) -> None:
    assert "damaged" in read(with_extensions(ISSUING, DER, *extensions)).refusal


def test_twenty_certificates_are_read_and_one_more_is_refused() -> None:
    ders = [make_root(f"Root {number}").der for number in range(MAX_CERTIFICATES + 1)]

    assert len(read(b"".join(ders[:-1])).certificates) == MAX_CERTIFICATES
    assert "more than 20 certificates" in read(b"".join(ders)).refusal


def test_a_certificate_whose_octets_spell_a_tag_is_no_html_page() -> None:
    root = make_root("<p> <html>")

    assert read(root.der).certificates == (root.der,)
    assert read(root.der[:-9]).looks_like == "a file that was cut off"
    assert read(root.der[4:]).looks_like == "a file of an unknown kind"


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"-----BEGIN CERTIFICATE-----\n" * 35_000,
        lambda: b"-" * 1_000_000,
        lambda: b"-----BEGIN " * 90_000,
        lambda: b"-----BEGIN A" + b" A" * 500_000,
        lambda: b64(b64(b64(b64(b"a" * 300_000)))),
        lambda: b"\x30\x00" * 500_000,
        lambda: b"\x30\x82\x00\x00" * 250_000,
        lambda: b"> " * 500_000,
        lambda: b"-----BEGIN CERTIFICATE-----\n" + b"a:\n" * 300_000 + b"-----END CERTIFICATE-----",
        lambda: b'"kty"' + b'"d"' * 300_000,
        lambda: b"<D>" * 333_000,
        lambda: b"<" * 1_000_000,
        lambda: b"BEGIN " + b"A" * 999_000,
        lambda: "\u2014".encode() * 333_000,
        lambda: b"\x00-" * 500_000,
    ],
    ids=range(15),
)
def test_a_hostile_megabyte_is_looked_at_a_few_times_only(make: Callable[[], bytes]) -> None:
    data = make()

    with (
        mock.patch.object(recognising, "as_text", wraps=recognising.as_text) as texts,
        mock.patch.object(collecting, "_can_be_read", wraps=collecting._can_be_read) as parsed,
    ):
        found = read(data)

    assert found.certificates == ()
    assert texts.call_count <= 4
    assert parsed.call_count <= MAX_CERTIFICATES


@given(st.binary(max_size=300))
def test_any_octets_are_answered(data: bytes) -> None:
    found = read(data)

    assert found.certificates == ()


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@settings(max_examples=150)
@given(data=st.data(), source=st.sampled_from([DER, P7, PEM.encode(), CSR]))
def test_a_file_with_some_octets_changed_is_answered(data: st.DataObject, source: bytes) -> None:
    changed = bytearray(source)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))

    found = read(bytes(changed))

    assert len(found.certificates) <= 3
    assert found.certificates or found.requests or found.ignored or found.refusal


def test_refusals_never_repeat_what_was_sent() -> None:
    data = b"-----BEGIN CERTIFICATE-----\ncanary-in-the-file\n-----END CERTIFICATE-----"

    assert "canary" not in repr(read(data))


def test_an_unused_key_is_not_called_private_because_of_prose() -> None:
    assert not read(b"Please send your private key to nobody.").holds_private_key
    assert ec_key() is not None
