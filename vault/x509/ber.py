"""BER made into DER (ITU-T X.690 §8, §10): lengths definite, octet strings in one piece.

PFX and PKCS#7 files are often written as BER, by Windows and Java above all. Only the structure changes: what is
inside an OCTET STRING stays as it is, for it may be signed. Everything raises ValueError on octets that are not BER.
"""

from __future__ import annotations

from vault.x509 import asn1

MAX_DEPTH = 40
MAX_ELEMENTS = 50_000
_INDEFINITE, _END = 0x80, b"\x00\x00"
_CONSTRUCTED, _PIECES = 0x20, 0x24


def to_der(data: bytes) -> bytes:
    """The first element of `data` as DER; what follows it is left off."""
    return _Reader(data).element(0, depth=0)[0]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.seen = 0

    def element(self, start: int, *, depth: int) -> tuple[bytes, int]:
        """The element at `start` as DER, and where the next one begins."""
        self.seen += 1
        if depth > MAX_DEPTH or self.seen > MAX_ELEMENTS:
            raise ValueError("BER is nested too deeply")
        tag, length, body = asn1.header(self.data, start)
        if not tag & _CONSTRUCTED:
            return self._primitive(tag, length, body)
        members, end = self._members(length, body, depth=depth)
        if tag == _PIECES:
            return asn1.encode(asn1.OCTET_STRING, _joined(members)), end
        return asn1.encode(tag, b"".join(members)), end

    def _primitive(self, tag: int, length: int | None, body: int) -> tuple[bytes, int]:
        if length is None:
            raise ValueError("only a constructed element may be of indefinite length")
        return asn1.encode(tag, self.data[body : body + length]), body + length

    def _members(self, length: int | None, start: int, *, depth: int) -> tuple[list[bytes], int]:
        members: list[bytes] = []
        end = None if length is None else start + length
        while start != end:
            if end is None and self.data[start : start + 2] == _END:
                return members, start + 2
            member, start = self.element(start, depth=depth + 1)
            members.append(member)
            if end is not None and start > end:
                raise ValueError("a member is longer than what holds it")
        return members, start


def joined(element: asn1.Element) -> bytes:
    """The octets of an OCTET STRING under an implicit tag, in one piece or in several (X.690 §8.7)."""
    if not element.tag & _CONSTRUCTED:
        return element.content
    return _joined([member.whole for member in asn1.children(element.content)])


def _joined(pieces: list[bytes]) -> bytes:
    members = [asn1.read(piece) for piece in pieces]
    if any(member.tag != asn1.OCTET_STRING for member in members):
        raise ValueError("an octet string is made of octet strings")
    return b"".join(member.content for member in members)
