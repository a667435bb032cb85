"""Putting the certificates around a leaf in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from vault.x509 import asn1
from vault.x509.certificates import is_self_signed, is_signed_by, load
from vault.x509.extensions import (
    AUTHORITY_KEY_IDENTIFIER,
    SUBJECT_KEY_IDENTIFIER,
    is_ca,
    key_identifier,
)

MAX_CHAIN = 10
MAX_CANDIDATES = 50
MAX_TRIES = 200


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The issuers of a leaf as DER, nearest first, without the leaf.

    `complete` says that it ends at a self-signed certificate (or that the leaf is one). Public CAs leave their
    root out, so an incomplete chain may well be right. `ignored` are the given certificates that have no place in it.
    """

    certificates: tuple[bytes, ...] = ()
    complete: bool = False
    ignored: tuple[bytes, ...] = ()


@dataclass
class Tries:
    """How many signatures may still be checked, for one chain or for all of an upload: each costs up to 1 ms."""

    left: int = MAX_TRIES

    def proves(self, below: x509.Certificate, issuer: x509.Certificate) -> bool:
        """Whether `issuer` signed `below`; False when nothing is left."""
        if below.issuer != issuer.subject or not self.left:
            return False
        self.left -= 1
        return is_signed_by(below, issuer)


@dataclass(frozen=True)
class _Node:
    """A certificate with what matters for finding its issuer and its subjects."""

    octets: bytes
    certificate: x509.Certificate
    own_key: bytes | None
    issuer_key: bytes | None
    may_issue: bool

    @classmethod
    def of(cls, octets: bytes) -> _Node:
        certificate = load(octets)
        try:
            found = asn1.certificate_extensions(certificate.tbs_certificate_bytes)
        except ValueError:
            found = []
        own = key_identifier(found, SUBJECT_KEY_IDENTIFIER)
        issuer = key_identifier(found, AUTHORITY_KEY_IDENTIFIER)
        return cls(octets, certificate, own, issuer, may_issue=is_ca(found) is not False)


def order(leaf_der: bytes, others: Sequence[bytes], *, tries: Tries | None = None) -> Chain:
    """Find the shortest way from the leaf to a root among `others`, else the longest way up.

    Each step is proved by the signature; key identifiers (RFC 5280 §4.2.1.1) only say which to try first.
    Duplicates, loops and cross-signed certificates are fine; at most 50 others are looked at, each pair once, and at
    most 200 signatures checked, or what is left of `tries`.

    Raises:
        UnreadableFile: one of them is not a certificate.
    """
    unique = list(dict.fromkeys(octets for octets in others if octets != leaf_der))
    nodes = [_Node.of(octets) for octets in unique[:MAX_CANDIDATES]]
    path, complete = _climb(_Node.of(leaf_der), nodes, tries or Tries())
    certificates = tuple(node.octets for node in path)
    return Chain(
        certificates=certificates,
        complete=complete,
        ignored=tuple(octets for octets in unique if octets not in certificates),
    )


def _climb(leaf: _Node, nodes: Sequence[_Node], tries: Tries) -> tuple[list[_Node], bool]:
    """Breadth first, so that every certificate is expanded at most once."""
    if is_self_signed(leaf.certificate):
        return [], True
    paths: list[list[_Node]] = [[]]
    waiting = [node for node in nodes if node.may_issue]
    for path in paths:
        if len(path) == MAX_CHAIN:
            continue
        below = path[-1] if path else leaf
        for issuer in _issuers(below, waiting, tries):
            waiting.remove(issuer)
            longer = [*path, issuer]
            if is_self_signed(issuer.certificate):
                return longer, True
            paths.append(longer)
    return max(paths, key=len), False


def _issuers(below: _Node, waiting: Sequence[_Node], tries: Tries) -> list[_Node]:
    """Those that signed `below`, the best first: matching key identifier, then the one that lives longest."""
    signers = [node for node in waiting if tries.proves(below.certificate, node.certificate)]
    return sorted(
        signers,
        key=lambda node: (
            node.own_key is not None and node.own_key == below.issuer_key,
            node.certificate.not_valid_after_utc,
        ),
        reverse=True,
    )
