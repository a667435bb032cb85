"""Looking through one file for certificates, private keys and requests, whatever form it has.

Runs in the parsing child: nothing here may import Django, settings or the database. Input is hostile: every step is
linear in its size, what costs more is charged before it is done, and no sentence repeats anything of it.
"""

from __future__ import annotations

from vault.x509 import advising, armour, keyreading, opening, pfxreading, recognising
from vault.x509.armour import Block
from vault.x509.collecting import Collection
from vault.x509.counting import Budget, TooExpensive, rounds_of
from vault.x509.found import Locked
from vault.x509.opening import DoesNotOpen, UnknownScheme

MAX_DEPTH = 3
_CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})
_PKCS7_LABELS = frozenset({"PKCS7", "CMS", "PKCS #7 SIGNED DATA"})
_REQUEST_LABELS = frozenset({"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"})
_OTHER_LABELS = {
    "X509 CRL": recognising.REVOCATIONS,
    "PUBLIC KEY": recognising.PUBLIC_KEY,
    "RSA PUBLIC KEY": recognising.PUBLIC_KEY,
    "DSA PUBLIC KEY": recognising.PUBLIC_KEY,
    "SSH2 PUBLIC KEY": recognising.SSH,
    "DH PARAMETERS": recognising.PARAMETERS,
    "X9.42 DH PARAMETERS": recognising.PARAMETERS,
    "EC PARAMETERS": recognising.PARAMETERS,
    "DSA PARAMETERS": recognising.PARAMETERS,
    "ATTRIBUTE CERTIFICATE": "an attribute certificate",
}
_FOREIGN_KEYS = {"OPENSSH PRIVATE KEY": "an OpenSSH private key", "SSH2 ENCRYPTED PRIVATE KEY": "an SSH key"}


class Finder:
    """Reads one file, or what was found inside it, into a `Collection`."""

    def __init__(self, into: Collection, *, password: str | None, budget: Budget) -> None:
        self.into, self.password, self.budget = into, password or None, budget

    def read(self, data: bytes, *, depth: int = 0) -> bool:
        """Take in `data`; False if it is of no kind we know."""
        text = recognising.as_text(data)
        self.into.holds_private_key |= recognising.names_private_key(text) or recognising.begins_as_key(data)
        self.into.is_binary |= "\x00" in text
        if recognising.is_cut_off(data):
            self.into.holds_private_key |= recognising.names_key_bag(data)
            self.into.note(recognising.CUT_OFF)
            self.into.refuse(advising.CUT_OFF)
            return True
        if data[:1] == b"\x30" and self._read_binary(data):  # before any guess: by chance, octets spell anything
            return True
        kind = recognising.file_kind(data, text)
        if kind:
            self.into.note(kind)
            return True
        text = armour.plain(text)
        if armour.has_mark(text):
            for block in armour.blocks(text):
                self._read_block(block)
            return True
        return depth < MAX_DEPTH and self._read_base64(text, depth=depth)

    def _read_base64(self, text: str, *, depth: int) -> bool:
        decoded = armour.bare_base64(text)
        return decoded is not None and self.read(decoded, depth=depth + 1)

    def _read_block(self, block: Block) -> None:
        label = block.label
        if label in _FOREIGN_KEYS:
            self.into.note(_FOREIGN_KEYS[label])
        elif label.startswith("PGP"):
            self.into.note(recognising.PGP)
        elif "PRIVATE KEY" in label:
            self._read_key_block(block)
        elif label in _REQUEST_LABELS:
            self._read_body(block, recognising.REQUEST)
        elif label in _CERTIFICATE_LABELS | _PKCS7_LABELS:
            self._read_body(block, recognising.CERTIFICATE)
        else:
            self.into.ignore(_OTHER_LABELS.get(label, "a PEM block of another kind"))

    def _read_key_block(self, block: Block) -> None:
        self.into.holds_private_key = True
        if block.cipher and block.octets and block.ended:
            self._open_pem(block)
        elif not block.octets or not block.ended or not recognising.looks_like_key(block.octets):
            self.into.refuse("A private key in this text is damaged or cut off. Copy the whole text again.")
        else:
            self._read_binary(block.octets)

    def _open_pem(self, block: Block) -> None:
        if self.password is None:
            self.into.lock(Locked.NEEDS_PASSWORD, "The private key in this file")
            return
        try:
            opened = opening.decrypt_pem(block.cipher, block.iv, block.octets or b"", self.password)
        except UnknownScheme as error:
            self.into.refuse(str(error))
        except DoesNotOpen:
            self.into.lock(Locked.WRONG_PASSWORD, "the private key in this file")
        except (ValueError, IndexError):
            self.into.refuse("An encrypted private key here is damaged. Export it again.")
        else:
            if recognising.kind_of(opened) == recognising.KEY:
                self.into.keep_key(opened)
            else:
                self.into.lock(Locked.WRONG_PASSWORD, "the private key in this file")

    def _read_body(self, block: Block, kind: str) -> None:
        octets = block.octets
        if octets and block.label == "TRUSTED CERTIFICATE":
            octets = recognising.first_element(octets)
        if block.ended and octets and self._read_binary(octets):
            return
        self.into.note(kind)
        what = kind.replace("a ", "A ", 1)
        if block.ended:
            self.into.refuse(f"{what} in this text is damaged. Copy the whole text again, or upload the file.")
        else:
            self.into.refuse(f"{what} in this text is cut off: its END line is missing. Copy the whole text again.")

    def _read_binary(self, data: bytes) -> bool:
        """Take in one or more DER (or BER) elements; False if the first is of no kind we know."""
        if data[:2] == b"\x30\x80":
            return self._read_element(recognising.kind_of_ber(data), data)
        elements = recognising.elements(data)
        if elements is None:
            return False
        known = [self._read_element(recognising.kind_of(element), element) for element in elements]
        if any(known) and not all(known):
            what = "its certificate" if self.into.certificates else "what it holds"
            self.into.refuse(f"This file goes on after {what}. Send the certificate alone.")
        return any(known)

    def _read_element(self, kind: str, data: bytes) -> bool:
        match kind:
            case "":
                return False
            case recognising.CERTIFICATE:
                self.into.keep(data)
            case recognising.PKCS7:
                self._keep_all(data)
            case recognising.KEY:
                self.into.keep_key(data)
            case recognising.SEALED_KEY:
                self._open_key(data)
            case recognising.REQUEST:
                self.into.keep_request(data)
            case recognising.PFX:
                self._open_pfx(data)
            case recognising.PUBLIC_KEY | recognising.REVOCATIONS | recognising.PARAMETERS:
                self.into.ignore(kind)
            case other:
                self.into.note(other)
        return True

    def _keep_all(self, data: bytes) -> None:
        members = _pkcs7_members(data)
        if members is None:
            self.into.refuse("This PKCS#7 file is damaged or cut off. Send it again.")
        elif not members:
            self.into.refuse("There is no certificate in this PKCS#7 file. Send the certificate itself.")
        self.into.note(recognising.PKCS7 if members else "a PKCS#7 file without certificates")
        for one in members or ():
            self.into.keep(one)

    def _open_key(self, data: bytes) -> None:
        """An EncryptedPrivateKeyInfo (RFC 5958 §3)."""
        self.into.holds_private_key = True
        try:
            opened = self._opened(data)
        except (TooExpensive, UnknownScheme) as error:
            self.into.refuse(str(error))
        except DoesNotOpen:
            self.into.lock(Locked.WRONG_PASSWORD, "the private key in this file")
        except (ValueError, IndexError):
            self.into.refuse("An encrypted private key here is damaged. Export it again.")
        else:
            self._keep_or_lock(opened)

    def _keep_or_lock(self, opened: bytes) -> None:
        if opened:
            self.into.keep_key(opened)
        else:
            self.into.lock(Locked.NEEDS_PASSWORD, "The private key in this file")

    def _opened(self, data: bytes) -> bytes:
        """The key inside, b"" when it is sealed with a password and none was given."""
        algorithm, sealed = recognising.sealed_key(data)
        self.budget.charge(rounds_of(algorithm))
        for password in [self.password] if self.password else [None, ""]:
            try:
                opened = opening.decrypt(algorithm, sealed, password)
            except DoesNotOpen:
                continue
            if keyreading.is_key(opened):
                return opened
        if self.password:
            raise DoesNotOpen("another password")
        return b""

    def _open_pfx(self, data: bytes) -> None:
        self.into.note(recognising.PFX)
        try:
            contents = pfxreading.read_pfx(data, password=self.password, budget=self.budget)
        except pfxreading.Sealed as error:
            self.into.holds_private_key |= error.holds_key
            given = Locked.WRONG_PASSWORD if error.given else Locked.NEEDS_PASSWORD
            self.into.lock(given, "this PFX file" if error.given else "This PFX file")
        except (TooExpensive, UnknownScheme, pfxreading.Damaged) as error:
            self.into.holds_private_key = True
            self.into.refuse(str(error))
        except (ValueError, IndexError):
            self.into.holds_private_key |= recognising.names_key_bag(data)
            self.into.refuse("This PFX file is damaged or cut off. Export it again.")
        else:
            self._keep_contents(contents)

    def _keep_contents(self, contents: pfxreading.Contents) -> None:
        for one in contents.keys:
            self.into.keep_key(one.content)
        for one in contents.certificates:
            self.into.keep(one.content)
        for what in contents.others:
            self.into.ignore(what)
        self.into.friendly_name = self.into.friendly_name or contents.friendly_name


def _pkcs7_members(data: bytes) -> list[bytes] | None:
    """The certificates of PKCS#7 signed data (RFC 2315 §9) in its order; None if it cannot be read."""
    try:
        return recognising.signed_certificates(data)
    except (ValueError, IndexError):
        return None
