"""PFX files (PKCS#12, RFC 7292) taken apart: every key, certificate and name in them.

The library gives the first key of a file and hides the others; it derives what the file asks for, and what is asked
for inside a safe is seen only when it is open. Here a safe is opened, looked into, and what is found in it is charged
before it is run. Runs in the parsing child.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from vault.x509 import asn1, ber, opening
from vault.x509.counting import Budget, count, rounds_of
from vault.x509.keyreading import is_key
from vault.x509.opening import DoesNotOpen, UnknownScheme

MAX_BAGS = 200
_MAX_NESTING = 4
_PKCS7 = "1.2.840.113549.1.7."
_DATA, _SIGNED, _ENVELOPED, _ENCRYPTED = f"{_PKCS7}1", f"{_PKCS7}2", f"{_PKCS7}3", f"{_PKCS7}6"
_BAGS = "1.2.840.113549.1.12.10.1."
_KEY, _SHROUDED, _CERTIFICATE, _CRL, _SECRET, _SAFE = (f"{_BAGS}{number}" for number in range(1, 7))
_X509 = "1.2.840.113549.1.9.22.1"
_FRIENDLY_NAME, _LOCAL_ID = "1.2.840.113549.1.9.20", "1.2.840.113549.1.9.21"
_EXPLICIT = 0xA0
_PARTS = 3
_CHEAP = 100_000
"""Rounds up to which more is tried than what must be."""


class Sealed(ValueError):
    """It does not open: `given` says whether a password was tried. `holds_key` when a key can be seen from outside."""

    def __init__(self, *, given: bool, holds_key: bool) -> None:
        super().__init__("sealed")
        self.given, self.holds_key = given, holds_key


class Damaged(ValueError):
    """The password is right and the file is not; the text is a sentence."""


@dataclass
class Bag:
    """One thing in a PFX: the OID of its kind, its octets once opened, and what its owner called it."""

    kind: str
    content: bytes = field(repr=False)
    name: str = ""
    local_id: bytes = b""


@dataclass
class Contents:
    """What a PFX holds, in its order: keys as PKCS#8, certificates as DER, and the names of what is ignored."""

    keys: list[Bag] = field(default_factory=list)
    certificates: list[Bag] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def friendly_name(self) -> str:
        """The name of the first key, or of its certificate, or else of the first thing that has one."""
        ids = {bag.local_id for bag in self.keys if bag.local_id}
        mates = [bag for bag in self.certificates if bag.local_id in ids]
        return next((bag.name for bag in [*self.keys, *mates, *self.certificates] if bag.name), "")


def read_pfx(data: bytes, *, password: str | None, budget: Budget) -> Contents:
    """Take a PFX apart; without a password, none and the empty one are tried.

    Raises:
        Sealed: no password that is at hand opens it.
        Damaged: the password opens it, and its checksum or its contents are wrong.
        TooExpensive, UnknownScheme, ValueError: too much work, unknown, or no PFX.
    """
    return _Pfx(data, password, budget).contents()


class _Pfx:
    def __init__(self, data: bytes, password: str | None, budget: Budget) -> None:
        members = asn1.sequence(ber.to_der(data))
        self.content = _octets(members[1])
        self.mac = asn1.children(members[2].content) if len(members) == _PARTS else []
        self.password, self.given, self.budget = password, bool(password), budget
        self.safes = [asn1.children(safe.content) for safe in asn1.sequence(ber.to_der(self.content))]
        self.plain = [bag for safe in self.safes if asn1.oid(safe[0]) == _DATA for bag in _bags(_octets_of(safe[1]))]
        self.found = Contents()
        self.is_cheap = True
        self.charge()

    def charge(self) -> None:
        """Charge all that can be seen from outside, before anything is run."""
        if len(self.safes) > MAX_BAGS:
            raise ValueError("more safes than anybody needs")
        rounds = [rounds_of(algorithm) for algorithm in self.algorithms()]
        rounds += [_mac_rounds(self.mac)] if self.mac else []
        for one in rounds:
            self.budget.charge(one)
        self.is_cheap = sum(rounds) <= _CHEAP

    def algorithms(self) -> Iterator[bytes]:
        for safe in self.safes:
            if asn1.oid(safe[0]) == _ENCRYPTED:
                yield _sealed(safe[1])[0]
        for bag in self.plain:
            if bag.kind == _SHROUDED:
                yield asn1.sequence(bag.content)[0].whole

    def contents(self) -> Contents:
        self.unlock()
        for safe in self.safes:
            self.take_safe(safe)
        return self.found

    def unlock(self) -> None:
        """Settle which password opens this file; the MAC tells, or the first thing that is sealed."""
        for password in self.passwords():
            if self.opens(password):
                self.password = password
                return
        if self.mac and self.is_cheap and any(map(self.can_open_a_seal, self.passwords())):
            raise Damaged("This PFX file was damaged or changed: its checksum does not fit. Export it again.")
        raise Sealed(given=self.given, holds_key=any(bag.kind in (_KEY, _SHROUDED) for bag in self.plain))

    def passwords(self) -> list[str | None]:
        """What is tried: the one that was given; none and the empty one too unless that would take long."""
        if not self.password:
            return [None, ""]
        old = self.password.encode().decode("latin-1")  # what OpenSSL before 1.1.0 took for the password
        return list(dict.fromkeys([self.password, old, None, ""])) if self.is_cheap else [self.password]

    def opens(self, password: str | None) -> bool:
        if self.mac:
            return opening.is_mac_right(self.mac, self.content, password)
        return not any(True for _ in self.algorithms()) or self.can_open_a_seal(password)

    def can_open_a_seal(self, password: str | None) -> bool:
        """Whether the first thing that is sealed makes sense under this password."""
        for algorithm, data, makes_sense in self.seals():
            try:
                return makes_sense(opening.decrypt(algorithm, data, password))
            except UnknownScheme:
                raise
            except (ValueError, IndexError):
                return False
        return False

    def seals(self) -> Iterator[tuple[bytes, bytes, Callable[[bytes], bool]]]:
        for bag in self.plain:
            if bag.kind == _SHROUDED:
                algorithm, data = asn1.sequence(bag.content)
                yield algorithm.whole, data.content, is_key
        for safe in self.safes:
            if asn1.oid(safe[0]) == _ENCRYPTED:
                yield *_sealed(safe[1]), _holds_bags

    def take_safe(self, safe: list[asn1.Element]) -> None:
        kind = asn1.oid(safe[0])
        if kind == _DATA:
            self.take_bags(_bags(_octets_of(safe[1])), charged=True)
        elif kind == _ENCRYPTED:
            algorithm, data = _sealed(safe[1])
            self.take_bags(_bags(self.opened(algorithm, data, charged=True)), charged=False)
        elif kind == _ENVELOPED:
            self.found.others.append("a part that is sealed for somebody's certificate")

    def opened(self, algorithm: bytes, data: bytes, *, charged: bool) -> bytes:
        if not charged:
            self.budget.charge(rounds_of(algorithm))
        try:
            return opening.decrypt(algorithm, data, self.password)
        except DoesNotOpen:
            if not self.mac:
                raise Sealed(given=self.given, holds_key=True) from None
            raise Damaged(
                "A part of this PFX file has another password than the rest, or is damaged. Export it again."
            ) from None

    def take_bags(self, bags: list[Bag], *, charged: bool, depth: int = 0) -> None:
        if len(self.found.keys) + len(self.found.certificates) + len(bags) > MAX_BAGS or depth > _MAX_NESTING:
            raise Damaged(
                f"This PFX file holds more than {MAX_BAGS} things, or things in things. Export one certificate."
            )
        for bag in bags:
            self.take(bag, charged=charged, depth=depth)

    def take(self, bag: Bag, *, charged: bool, depth: int) -> None:
        if bag.kind == _KEY:
            self.found.keys.append(bag)
        elif bag.kind == _SHROUDED:
            self.found.keys.append(self.unshrouded(bag, charged=charged))
        elif bag.kind == _CERTIFICATE:
            self.take_certificate(bag)
        elif bag.kind == _SAFE:
            self.take_bags(_bags(bag.content), charged=False, depth=depth + 1)
        else:
            self.found.others.append(
                {_CRL: "a revocation list", _SECRET: "a secret"}.get(bag.kind, "something unknown")
            )

    def unshrouded(self, bag: Bag, *, charged: bool) -> Bag:
        algorithm, data = asn1.sequence(bag.content)
        opened = self.opened(algorithm.whole, data.content, charged=charged)
        if not is_key(opened):
            raise Damaged("The private key in this PFX file is damaged. Export it again.")
        return Bag(_KEY, opened, bag.name, bag.local_id)

    def take_certificate(self, bag: Bag) -> None:
        kind, value = asn1.sequence(bag.content)
        if asn1.oid(kind) != _X509:
            self.found.others.append("a certificate that is not X.509")
            return
        octets = asn1.read(value.content)
        self.found.certificates.append(Bag(_CERTIFICATE, octets.content, bag.name, bag.local_id))


def _mac_rounds(mac: list[asn1.Element]) -> int:
    algorithm = asn1.children(mac[0].content)[0].whole
    return rounds_of(algorithm) or (count(mac[2]) if len(mac) == _PARTS else 1)


def _octets(content_info: asn1.Element) -> bytes:
    """The octets of a ContentInfo of type data."""
    kind, *content = asn1.children(content_info.content)
    if asn1.oid(kind) == _SIGNED:
        raise Damaged(
            "This PFX file is sealed with a certificate in place of a password. Export it again with a password."
        )
    if asn1.oid(kind) != _DATA or not content:
        raise ValueError("not the content of a PFX")
    return _octets_of(content[0])


def _octets_of(explicit: asn1.Element) -> bytes:
    octets = asn1.read(explicit.content)
    if explicit.tag != _EXPLICIT or octets.tag != asn1.OCTET_STRING:
        raise ValueError("not octets")
    return octets.content


def _sealed(explicit: asn1.Element) -> tuple[bytes, bytes]:
    """Algorithm and ciphertext of EncryptedData (RFC 5652 §8)."""
    _, info, *_ = asn1.sequence(asn1.read(explicit.content).whole)
    _, algorithm, *data = asn1.children(info.content)
    return algorithm.whole, ber.joined(data[0]) if data else b""


def _bags(octets: bytes) -> list[Bag]:
    return [_bag(asn1.children(one.content)) for one in asn1.sequence(ber.to_der(octets))]


def _holds_bags(octets: bytes) -> bool:
    """Whether this is what a safe holds; ValueError or IndexError if not."""
    return all(bag.kind for bag in _bags(octets))


def _bag(members: list[asn1.Element]) -> Bag:
    kind, value, *attributes = members
    bag = Bag(asn1.oid(kind), value.content)
    for attribute in asn1.children(attributes[0].content) if attributes else []:
        name, values = asn1.children(attribute.content)
        first = asn1.children(values.content)[:1]
        if first and asn1.oid(name) == _FRIENDLY_NAME:
            bag.name = first[0].content.decode("utf-16-be", "replace")
        if first and asn1.oid(name) == _LOCAL_ID:
            bag.local_id = first[0].content
    return bag
