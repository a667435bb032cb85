"""Finding certificates in whatever a person pastes or uploads.

Runs in the parsing child: nothing here may import Django, settings or the database. Input is hostile: every
step is linear in its size, and every refusal is one fixed sentence that repeats nothing of it.
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from vault.errors import UnreadableFile
from vault.x509 import certificates, recognising
from vault.x509.library import refusing

MAX_CERTIFICATES = 20
MAX_DEPTH = 3
_DASHES = "[-\u2010-\u2015]{2,5}"
_MARK = re.compile(rf"{_DASHES} ?(BEGIN|END) ([A-Z0-9 #]{{1,40}}?) ?{_DASHES}")
_CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})
_PKCS7_LABELS = frozenset({"PKCS7", "CMS", "PKCS #7 SIGNED DATA"})
_REQUEST_LABELS = frozenset({"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"})
_OTHER_LABELS = {
    "X509 CRL": "a revocation list",
    "PUBLIC KEY": "a public key",
    "RSA PUBLIC KEY": "a public key",
    "SSH2 PUBLIC KEY": "an SSH key",
}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_QUOTING = re.compile(r"^[>| \t]+", re.MULTILINE)
_HEADER = re.compile(r"^[A-Za-z0-9-]+:.*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file holds: its certificates as DER, in their order and each once, and what else was seen.

    `looks_like` completes "This looks like …": `a certificate`, `a certificate request`, `an HTML page`, `text` …
    """

    certificates: tuple[bytes, ...] = ()
    private_key: bool = False
    request: bool = False
    looks_like: str = "text"


def find_certificates(data: bytes) -> Found:
    """Read PEM, DER, PKCS#7 in either form, and base64 of any of these, up to three times over.

    Text, quoting, byte order marks and UTF-16 around PEM do no harm.

    Raises:
        UnreadableFile: field `certificate`; a certificate is damaged or cut off, or there are more than 20.
    """
    finder = _Finder()
    finder.read(data, depth=0)
    if finder.refusal and not finder.private_key:
        raise UnreadableFile(finder.refusal, field="certificate")
    return finder.result()


class _Finder:
    """Collects what one file holds. Goes on after a refusal, for a private key may stand behind what is damaged."""

    def __init__(self) -> None:
        self.certificates: dict[bytes, None] = {}
        self.private_key = False
        self.request = False
        self.looks_like = ""
        self.refusal = ""
        self.binary = False

    def result(self) -> Found:
        kind = self.looks_like or ("a file of an unknown kind" if self.binary else "text")
        if self.private_key or self.certificates:
            kind = "a private key" if self.private_key else "a certificate"
        found = tuple(self.certificates)
        return Found(certificates=found, private_key=self.private_key, request=self.request, looks_like=kind)

    def read(self, data: bytes, *, depth: int) -> bool:
        """Take in `data`; False if it is of no kind we know."""
        text = recognising.as_text(data)
        self.private_key |= recognising.names_private_key(text)
        self.binary |= "\x00" in text
        if recognising.is_cut_off(data):
            self._note("a file that was cut off")
            return True
        if data[:1] == b"\x30" and self._read_binary(data):  # before any guess: by chance, octets spell anything
            return True
        kind = recognising.file_kind(data, text)
        if kind:
            self._note(kind)
            return True
        if _MARK.search(text):
            self._read_pem(text)
            return True
        return depth < MAX_DEPTH and self._read_base64(text, depth=depth)

    def _refuse(self, sentence: str) -> None:
        self.refusal = self.refusal or sentence

    def _note(self, kind: str) -> None:
        self.looks_like = self.looks_like or kind

    def _read_base64(self, text: str, *, depth: int) -> bool:
        joined = "".join(_QUOTING.sub("", text).split())
        if not _BASE64.fullmatch(joined):
            return False
        decoded = _from_base64(joined.replace("-", "+").replace("_", "/"))
        return decoded is not None and self.read(decoded, depth=depth + 1)

    def _read_pem(self, text: str) -> None:
        """Go from mark to mark; a block is what stands between a BEGIN and the END of the same label."""
        marks = list(_MARK.finditer(text))
        for number, mark in enumerate(marks):
            label = mark[2].strip()
            if mark[1] == "END":
                continue
            after = marks[number + 1] if number + 1 < len(marks) else None
            ended = after is not None and after[1] == "END" and after[2].strip() == label
            body = text[mark.end() : after.start() if after else len(text)]
            self._read_block(label, body, ended=ended)

    def _read_block(self, label: str, body: str, *, ended: bool) -> None:
        if "PRIVATE KEY" in label:
            self.private_key = True
        elif label in _REQUEST_LABELS:
            self.request = True
            self._note("a certificate request")
        elif label.startswith("PGP"):
            self._note("a PGP file")
        elif label not in _CERTIFICATE_LABELS | _PKCS7_LABELS:
            self._note(_OTHER_LABELS.get(label, "a PEM file of another kind"))
        elif not ended:
            self._refuse("A certificate in this text is cut off: its END line is missing. Copy the whole text again.")
        else:
            self._read_body(label, body)

    def _read_body(self, label: str, body: str) -> None:
        lines = _QUOTING.sub("", body.replace("\\r", "").replace("\\n", "\n").replace("\r", "\n"))
        decoded = _from_base64("".join(_HEADER.sub("", lines).split()))
        if decoded and label == "TRUSTED CERTIFICATE":
            decoded = recognising.first_element(decoded)
        if not decoded or not self._read_binary(decoded):
            self._refuse("A certificate in this text is damaged. Copy the whole text again, or upload the file.")

    def _read_binary(self, data: bytes) -> bool:
        """Take in one or more DER (or BER) elements; False if the first is of no kind we know."""
        if data[:2] == b"\x30\x80":
            return self._read_element(recognising.kind_of_ber(data), data)
        elements = recognising.elements(data)
        if elements is None:
            return False
        known = [self._read_element(recognising.kind_of(element), element) for element in elements]
        if any(known) and not all(known):
            self._refuse("This file goes on after its certificate. Send the certificate alone.")
        return bool(known) and all(known)

    def _read_element(self, kind: str, data: bytes) -> bool:
        match kind:
            case "":
                return False
            case "a certificate":
                self._keep(data)
            case "a PKCS#7 file":
                self._note("a PKCS#7 file without certificates")
                for one in _pkcs7_members(data):
                    self._keep(one)
            case "a private key":
                self.private_key = True
            case "a certificate request":
                self.request = True
                self._note(kind)
            case other:
                self._note(other)
        return True

    def _keep(self, data: bytes) -> None:
        if data in self.certificates:
            return
        if len(self.certificates) == MAX_CERTIFICATES:
            sentence = f"This file holds more than {MAX_CERTIFICATES} certificates. Send the new one and its chain."
            self._refuse(sentence)
            return
        self.certificates[data] = None
        if not _can_be_read(data):
            self._refuse("A certificate here is damaged and cannot be read. Ask the CA for it again.")


def _can_be_read(data: bytes) -> bool:
    """Read everything in a certificate now, so that nothing in it can fail later."""
    try:
        with refusing(UnreadableFile("")):
            for extension in certificates.load(data).extensions:
                repr(extension.value)
            certificates.facts(data)
            certificates.describe(data)
    except UnreadableFile:
        return False
    return True


def _pkcs7_members(data: bytes) -> list[bytes]:
    """The certificates of PKCS#7 signed data (RFC 2315 §9) in its order, none if it cannot be read."""
    try:
        with refusing(UnreadableFile("")), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library warns of BER, which OpenSSL and Windows write
            members = pkcs7.load_der_pkcs7_certificates(data)
            return [one.public_bytes(serialization.Encoding.DER) for one in members]
    except UnreadableFile:
        return []


def _from_base64(text: str) -> bytes | None:
    """The octets, padding added where it was left off; None if this is no base64."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
