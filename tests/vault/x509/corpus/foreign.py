"""Files that are damaged, of another kind, or packed."""

from __future__ import annotations

import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.pki import containers as c
from tests.pki.forging import extension, oid_der, with_extensions
from tests.vault.x509.corpus.cases import BOTH, ISSUING, KEY, LEAF, PEM, ROOT, Case, b64, octets, pkcs1, taken, text
from tests.vault.x509.corpus.sealed import WHOLE
from vault.x509 import asn1


def damaged() -> list[Case]:
    header = b"-----BEGIN CERTIFICATE-----\n"
    return [
        Case(name="nothing", make=octets(b""), refused="empty file"),
        Case(name="blanks", make=octets(b" \r\n"), refused="empty file"),
        Case(name="zeros", make=octets(bytes(99)), refused="empty file"),
        Case(name="text", make=text("Please send me a certificate."), refused="looks like text"),
        Case(name="certificate cut off", make=lambda: c.sequence(LEAF.der)[4:][:300], refused="cut off"),
        Case(name="certificate cut off in PEM", make=text(PEM[:300]), refused="END line is missing"),
        Case(name="certificate with a hole", make=text(PEM.replace("\nM", "\n", 1)), refused="damaged"),
        Case(name="certificate with other letters", make=text(PEM.replace("MII", "!!!", 1)), refused="damaged"),
        Case(
            name="certificate with an extension twice",
            make=lambda: with_extensions(ISSUING, LEAF.der, *[extension("2.5.29.19", b"\x30\x00")] * 2),
            refused="damaged",
        ),
        Case(
            name="certificate, then letters", make=octets(LEAF.der + b"hello"), certificates=1, refused="goes on after"
        ),
        Case(name="an empty block", make=lambda: header + b"-----END CERTIFICATE-----\n", refused="damaged"),
        Case(
            name="key cut off in PEM",
            make=text(KEY[:120]),
            refused="private key in this text is damaged or cut off",
            secret=True,
        ),
        Case(name="key cut off", make=lambda: pkcs1()[:-40], refused="cut off", secret=True),
        Case(name="PFX cut off", make=lambda: c.pfx(*WHOLE)[:-30], refused="cut off", secret=True),
        Case(
            name="PFX with nonsense in it",
            make=lambda: c.sequence(c.integer(3), c.sequence(oid_der(c.DATA), c.explicit(c.octets(b"hello")))),
            refused="damaged",
        ),
        Case(
            name="PKCS#7 with nonsense in it",
            make=lambda: c.sequence(oid_der(c.SIGNED), c.explicit(c.octets(b"hello"))),
            refused="PKCS#7 file is damaged",
        ),
        Case(name="PKCS#7 with nothing in it", make=_empty_p7, refused="no certificate in this PKCS#7"),
        Case(
            name="an encrypted message",
            make=lambda: c.sequence(oid_der(c.ENVELOPED), c.explicit(c.sequence())),
            refused="encrypted message",
        ),
        Case(
            name="certificate in latin letters of another kind",
            make=lambda: PEM.replace("\nMII", "\nM\uff29I", 1).encode(),
            refused="damaged",
        ),
    ]


def foreign() -> list[Case]:
    ssh = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    jwk = json.dumps({"kty": "EC", "crv": "P-256", "d": "a" * 43})
    return [
        Case(name="Java keystore", make=octets(b"\xfe\xed\xfe\xed\x00\x00\x00\x02"), refused="keytool -importkeystore"),
        Case(name="JCEKS", make=octets(b"\xce\xce\xce\xce\x00\x00\x00\x02"), refused="keytool"),
        Case(
            name="Java keystore in base64", make=text(b64(b"\xfe\xed\xfe\xed\x00\x00\x00\x02" * 9)), refused="keytool"
        ),
        Case(name="OpenSSH key", make=octets(ssh), refused="ssh-keygen", secret=True),
        Case(
            name="PuTTY key",
            make=text("PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n"),
            refused="PuTTYgen",
            secret=True,
        ),
        Case(name="SSH public key", make=text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@host"), refused="SSH key"),
        Case(
            name="PGP private key",
            make=text("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nabcd\n"),
            refused="PGP",
            secret=True,
        ),
        Case(name="PGP public key", make=text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabcd\n"), refused="PGP"),
        Case(name="JSON Web Key", make=text(jwk), refused="JSON Web Key", secret=True),
        Case(name="JSON without PEM", make=text('{"error": "no"}'), refused="JSON file"),
        Case(name="age key", make=text("AGE-SECRET-KEY-1QQQQ"), refused="age", secret=True),
        Case(name="XML key", make=text(f"<RSAKeyValue><D>{'a' * 40}</D></RSAKeyValue>"), refused="XML", secret=True),
        Case(name="HTML", make=text("<!doctype html><title>Sign in</title>"), refused="HTML page"),
        Case(name="XML", make=text("<?xml version='1.0'?><a/>"), refused="XML file"),
        Case(name="PDF", make=octets(b"%PDF-1.7\n"), refused="PDF"),
        Case(name="picture", make=octets(b"\x89PNG\r\n\x1a\n"), refused="picture"),
        Case(name="gzip", make=octets(b"\x1f\x8b\x08\x00"), refused="Unpack"),
        Case(name="a public key", make=_spki, ignored="a public key"),
        Case(name="a revocation list", make=_revocations, ignored="a revocation list"),
        Case(
            name="DH parameters",
            make=lambda: c.sequence(c.integer(2**2047 + 1), c.integer(2)),
            ignored="parameters for keys",
        ),
    ]


def archives() -> list[Case]:
    """Each holds one file, so that there is one answer to compare."""
    bomb = c.zipped([("zeros", bytes(2_000_000))])
    broken = bytearray(c.zipped([("a.pem", PEM.encode())], compression=0))
    broken[60] ^= 1
    return [
        taken("ZIP", lambda: c.zipped([("a.pem", BOTH.encode())])),
        taken(
            "ZIP with directories and chaff",
            lambda: c.zipped(
                [("a/", b""), ("__MACOSX/a/._a.pem", b"x"), ("a/.DS_Store", b"x"), ("a/a.pem", BOTH.encode())]
            ),
        ),
        taken("ZIP with a path that leads out", lambda: c.zipped([("../../etc/a.pem", BOTH.encode())])),
        taken("ZIP not compressed", lambda: c.zipped([("a.pem", BOTH.encode())], compression=0)),
        Case(name="ZIP bomb", make=octets(bomb), refused="too large"),
        Case(name="ZIP in a ZIP", make=lambda: c.zipped([("a.zip", bomb)]), refused="inside another"),
        Case(
            name="ZIP packed in another way",
            make=lambda: c.zipped([("a.pem", PEM.encode())], compression=14),
            refused="unusual way",
        ),
        Case(name="ZIP that is encrypted", make=_encrypted_zip, refused="encrypted in its ZIP"),
        Case(name="ZIP cut off", make=lambda: c.zipped([("a.pem", PEM.encode())])[:-30], refused="damaged or cut off"),
        Case(name="ZIP that is damaged inside", make=octets(bytes(broken)), refused="damaged in its ZIP"),
        Case(name="ZIP with nothing in it", make=lambda: c.zipped([]), refused="no file"),
        Case(
            name="ZIP with a thousand files",
            make=lambda: c.zipped([(f"{number}", b"") for number in range(1000)]),
            refused="1,000 files",
        ),
        Case(
            name="Office document",
            make=lambda: c.zipped([("[Content_Types].xml", b""), ("a.xml", b"")]),
            refused="Office",
        ),
    ]


def _spki() -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return LEAF.key.public_key().public_bytes(serialization.Encoding.DER, form)


def _revocations() -> bytes:
    root = x509.load_der_x509_certificate(ROOT.der)
    lists = x509.CertificateRevocationListBuilder().issuer_name(root.subject)
    lists = lists.last_update(root.not_valid_before_utc).next_update(root.not_valid_after_utc)
    return lists.sign(ROOT.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _empty_p7() -> bytes:
    empty = asn1.encode(asn1.SET, b"")
    signed = c.sequence(c.integer(1), empty, c.sequence(oid_der(c.DATA)), empty)
    return c.sequence(oid_der(c.SIGNED), c.explicit(signed))


def _encrypted_zip() -> bytes:
    """Says of its one file that it is encrypted: bit 0 of the flags, in both headers."""
    data = bytearray(c.zipped([("a.pem", PEM.encode())]))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)
