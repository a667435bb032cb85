"""Lawful files in unusual forms: they are taken."""

from __future__ import annotations

import base64
import html
import json

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from tests.pki import containers as c
from tests.pki.forging import oid_der
from tests.vault.x509.corpus.cases import (
    BOTH,
    CSR,
    EC256,
    ISSUING,
    KEY,
    LEAF,
    P8,
    PEM,
    ROOT,
    SEC1,
    Case,
    armoured,
    b64,
    octets,
    pkcs1,
    taken,
    text,
)
from vault.x509.requests import csr_pem

P7 = pkcs7.serialize_certificates(
    [x509.load_der_x509_certificate(der) for der in (LEAF.der, ISSUING.der, ROOT.der)], serialization.Encoding.DER
)


def in_text() -> list[Case]:
    return [
        taken("certificate and key", text(BOTH)),
        taken("key and certificate", text(KEY + PEM)),
        taken("key between chain", text(ISSUING.pem + KEY + PEM), certificates=2),
        taken("CRLF", text(BOTH.replace("\n", "\r\n"))),
        taken("CR", text(BOTH.replace("\n", "\r"))),
        taken("no line end at the end", text(BOTH.rstrip())),
        taken("BOM", lambda: b"\xef\xbb\xbf" + BOTH.encode()),
        taken("UTF-16 with mark", lambda: BOTH.encode("utf-16")),
        taken("UTF-16 big end first", lambda: BOTH.encode("utf-16-be")),
        taken("UTF-16 little end first", lambda: BOTH.encode("utf-16-le")),
        taken(
            "bag attributes",
            text(
                f"Bag Attributes\n    friendlyName: a\n    localKeyID: 01 02\nsubject=CN = a\n{PEM}Key Attributes: <No Attributes>\n{KEY}"
            ),
        ),
        taken("mail quoting", text("".join(f"> {line}\n" for line in BOTH.splitlines()))),
        taken("indented", text("".join(f"\t  {line}\n" for line in BOTH.splitlines()))),
        taken("a letter around it", lambda: f"Grüße,\n\n{BOTH}\n-- \nDie CA".encode("latin-1")),
        taken("HTML around it", text(f"<pre>{BOTH}</pre>")),
        taken("HTML escapes", text("".join(f"&#{ord(char)};" if char in "+/=-\n" else char for char in BOTH))),
        taken("HTML line breaks", text(html.escape(BOTH).replace("\n", "<br>\n"))),
        taken("quoted-printable", text(BOTH.replace("=", "=3D"))),
        taken(
            "percent escapes",
            text(BOTH.replace("%", "%25").replace("+", "%2B").replace(" ", "%20").replace("\n", "%0A")),
        ),
        taken("literal line ends", text(BOTH.replace("\n", "\\n"))),
        taken("JSON", text(json.dumps({"crt": PEM, "key": KEY}))),
        taken("program source", text("".join(f'    "{line}\\n" +\n' for line in BOTH.splitlines()))),
        taken("one line", text(BOTH.replace("\n", " "))),
        taken("blank lines", text(BOTH.replace("\n", "\n\n"))),
        taken("long dashes", text(BOTH.replace("-----", "\u2014\u2014"))),
        taken("invisible characters", text(BOTH.replace("\n", "\u200b\n\u00a0"))),
        taken(
            "small letters in the marks",
            text(BOTH.replace("BEGIN CERTIFICATE", "Begin Certificate").replace("END CERTIFICATE", "End Certificate")),
        ),
        taken("base64 twice", lambda: base64.b64encode(base64.b64encode(BOTH.encode()))),
        taken("a data address", lambda: b"data:application/x-pem-file;base64," + base64.b64encode(BOTH.encode())),
        taken("the same twice", text(BOTH + BOTH)),
        taken("the key under another label", text(PEM + KEY.replace("PRIVATE KEY", "RSA PRIVATE KEY"))),
        taken("the key as certificate", text(PEM + KEY.replace("PRIVATE KEY", "CERTIFICATE"))),
        taken(
            "SEC1",
            text(PEM + armoured("EC PARAMETERS", oid_der("1.2.840.10045.3.1.7")) + armoured("EC PRIVATE KEY", SEC1)),
            ignored="parameters for keys",
        ),
        taken("with DH parameters", text(BOTH + armoured("DH PARAMETERS", b"0")), ignored="parameters for keys"),
        taken("with a public key", text(BOTH + armoured("PUBLIC KEY", b"0")), ignored="a public key"),
        taken("with a request", text(BOTH + csr_pem(CSR)), requests=1),
        taken("with something else", text(BOTH + armoured("HELLO", b"0")), ignored="a PEM block of another kind"),
    ]


def in_octets() -> list[Case]:
    return [
        Case(name="DER certificate", make=octets(LEAF.der), certificates=1),
        Case(name="DER certificate and line end", make=octets(LEAF.der + b"\r\n"), certificates=1),
        Case(name="DER certificates in a row", make=octets(LEAF.der + ISSUING.der), certificates=2),
        Case(name="PKCS#8", make=octets(P8), keys=EC256, secret=True),
        Case(name="SEC1 in DER", make=octets(SEC1), keys=EC256, secret=True),
        Case(name="PKCS#1", make=pkcs1, keys=("RSA 2048",), secret=True),
        Case(name="base64 of PKCS#8", make=text(b64(P8)), keys=EC256, secret=True),
        taken("DER certificate, then DER key", octets(LEAF.der + P8)),
        Case(name="PKCS#7", make=octets(P7), certificates=3),
        Case(name="PKCS#7 in BER", make=lambda: c.as_ber(P7), certificates=3),
        Case(name="PKCS#7 in PEM", make=text(armoured("PKCS7", P7)), certificates=3),
        Case(name="PKCS#7 in base64", make=text(b64(P7)), certificates=3),
        Case(name="a request", make=octets(CSR), requests=1),
        Case(name="a request in PEM", make=text(csr_pem(CSR)), requests=1),
        Case(name="a new request", make=text(csr_pem(CSR).replace("CERTIFICATE", "NEW CERTIFICATE")), requests=1),
    ]
