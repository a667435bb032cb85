"""Looking at an upload: which private key belongs to which certificate, and what every file is for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from vault import policies
from vault.errors import BadCertificate, UnreadableFile
from vault.lifecycle import chaining
from vault.lifecycle.importing.candidates import Candidate, Survey
from vault.lifecycle.importing.rows import Seen, leftovers, overall_refusal, rows
from vault.models import Vault
from vault.models.policy import AlternativeNames
from vault.x509 import certificates
from vault.x509.asking import key_terms
from vault.x509.certificates import CertificateFacts
from vault.x509.chains import Tries
from vault.x509.checks import check_certificate, expiry_refusal
from vault.x509.found import Found, FoundFile, FoundKey, Locked
from vault.x509.keychecks import shared_factor
from vault.x509.keytypes import certificate_key
from vault.x509.names import propose_certificate_name

_LONGEST_NAME = 127
_TRIES = 2000
"""Signatures checked for the chains of one upload; a hundred certificates need some three hundred."""
# A friendly name that a program made up says nothing to a person: a GUID, a number, a thumbprint.
_MADE_UP = re.compile(r"[0-9-]*|\{?[0-9A-Fa-f]{8}[0-9A-Fa-f-]*\}?|[Tt][PpEe]-[0-9A-Fa-f-]{8,}")


def survey(vault: Vault, found: Found) -> Survey:
    """Pair every private key with the certificate of its public key, over all files, and judge each pair.

    Where several certificates fit one key nothing is guessed: the pair is refused. CA certificates that the vault
    knows fill the gaps of a chain. Nothing is stored.
    """
    pile = _Pile()
    for der in found.certificates:
        pile.add(der)
    candidates = _distinct(_without_shared_primes(_candidates(vault, found, pile)))
    seen = Seen(candidates=candidates, facts=pile.facts, unreadable=pile.unreadable)
    told = rows(found, seen)
    return Survey(
        candidates=candidates,
        rows=told,
        ignored=leftovers(found, seen),
        locked=_locked(found),
        refusal=overall_refusal(candidates, told),
    )


@dataclass
class _Pile:
    """All certificates of an upload, by what they are looked for."""

    facts: dict[bytes, CertificateFacts] = field(default_factory=dict)
    unreadable: dict[bytes, str] = field(default_factory=dict)
    issuers: dict[bytes, str] = field(default_factory=dict)
    by_key: dict[str, list[bytes]] = field(default_factory=dict)
    by_subject: dict[str, list[bytes]] = field(default_factory=dict)

    def add(self, der: bytes) -> None:
        """Take in one certificate; one that is damaged is remembered with the sentence that says so."""
        try:
            facts, subject = certificates.facts(der), certificates.subject_sha256(der)
            self.issuers[der] = certificates.issuer_sha256(der)
        except UnreadableFile as error:
            self.unreadable[der] = str(error)
            return
        self.facts[der] = facts
        self.by_key.setdefault(facts.spki_sha256, []).append(der)
        self.by_subject.setdefault(subject, []).append(der)

    def above(self, leaf: bytes) -> list[bytes]:
        """Return the certificates that could stand above `leaf` by their names, nearest first."""
        reached = [leaf]
        for below in reached:
            reached += [der for der in self.by_subject.get(self.issuers[below], []) if der not in reached]
        return reached[1:]


def _candidates(vault: Vault, found: Found, pile: _Pile) -> list[Candidate]:
    made: list[Candidate] = []
    tries = Tries(_TRIES)
    for key in found.keys:
        leaves = pile.by_key.get(key.spki_sha256, [])
        if leaves:
            made.append(_candidate(vault, found, pile, key, leaves, tries, number=len(made)))
    return made


def _candidate(
    vault: Vault, found: Found, pile: _Pile, key: FoundKey, leaves: Sequence[bytes], tries: Tries, *, number: int
) -> Candidate:
    leaf = max(leaves, key=lambda der: pile.facts[der].not_after)
    facts = pile.facts[leaf]
    files = [file for file in found.files if leaf in file.certificates]
    files += [file for file in found.files if leaf not in file.certificates and _holds(file, key)]
    completed = chaining.complete_chain(vault, leaf, pile.above(leaf), tries=tries)
    candidate = Candidate(
        number=number,
        leaf=leaf,
        key=key,
        chain=replace(completed.chain, ignored=()),
        added=completed.added,
        sources=tuple(file.name for file in files),
        proposed_name=_name(files, facts),
        facts=facts,
    )
    return _judged(candidate, key, [pile.facts[der] for der in leaves])


def _holds(file: FoundFile, key: FoundKey) -> bool:
    return any(one.spki_sha256 == key.spki_sha256 for one in file.keys)


def _judged(candidate: Candidate, key: FoundKey, leaves: Sequence[CertificateFacts]) -> Candidate:
    """The candidate with the first thing that speaks against it; expiry last, for the archive takes the expired."""
    if len(leaves) > 1:
        return _refused(candidate, "several-certificates", _several(leaves))
    if key.refusal:
        return _refused(candidate, "key-refused", key.refusal)
    if key_terms(certificate_key(certificates.load(candidate.leaf)))[0] is None:
        return _refused(candidate, "key-type", _key_type(key))
    now = timezone.now()
    try:
        warnings = check_certificate(candidate.leaf, now=now, chain=candidate.chain)
    except (BadCertificate, UnreadableFile) as error:
        return _refused(candidate, "certificate-refused", str(error))
    judged = replace(candidate, warnings=tuple(warnings))
    expired = expiry_refusal(candidate.facts.not_after, now)
    return replace(_refused(judged, "expired", expired), is_expired=True) if expired else judged


def _refused(candidate: Candidate, code: str, sentence: str) -> Candidate:
    return replace(candidate, refusal=sentence, refusal_code=code)


def _without_shared_primes(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Refuse RSA keys of one upload that share a prime: whoever has both public keys has both private ones."""
    sound = [one for one in candidates if not one.refusal or one.is_expired]
    pairs = shared_factor([_modulus(one) for one in sound])
    sharing = {sound[place].number for pair in pairs for place in pair}
    return [_sharing(one) if one.number in sharing else one for one in candidates]


def _modulus(candidate: Candidate) -> int:
    key = certificates.public_key_of(candidate.leaf)
    return key.public_numbers().n if isinstance(key, rsa.RSAPublicKey) else 0


def _sharing(candidate: Candidate) -> Candidate:
    sentence = (
        "This RSA key shares a prime with another key in this upload, so anyone can compute both. "
        "Make new keys on another machine, and have both certificates issued again."
    )
    return replace(_refused(candidate, "shared-factor", sentence), is_expired=False, warnings=())


def _several(leaves: Sequence[CertificateFacts]) -> str:
    ends = ", ".join(f"{one.not_after:%-d %B %Y}" for one in sorted(leaves, key=lambda one: one.not_after)[:5])
    return (
        f"{len(leaves)} different certificates here belong to one private key; they end on {ends}. "
        "Send the one to import, with the key."
    )


def _key_type(key: FoundKey) -> str:
    sizes, curves = ", ".join(map(str, policies.RSA_SIZES)), ", ".join(policies.CURVES)
    return f"{key.title} keys are not kept here. RSA keys of {sizes} bits are, and EC keys on {curves}."


def _name(files: Sequence[FoundFile], facts: CertificateFacts) -> str:
    """The friendly name, else the common name, the first DNS name, or the name of the file."""
    friendly = [file.friendly_name for file in files if not _MADE_UP.fullmatch(file.friendly_name)]
    dns = [value for kind, value in facts.names if kind == "dns"]
    stems = [PurePosixPath(file.name).stem for file in files]
    texts = [text for text in (*friendly, *facts.common_names, *dns, *stems) if re.search("[0-9A-Za-z]", text)]
    return propose_certificate_name(AlternativeNames(dns=tuple(texts[:1])))


def _distinct(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The same candidates, no two with the same proposed name: the second `www` is `www-2`."""
    taken: set[str] = set()
    made = []
    for candidate in candidates:
        name = _free_name(candidate.proposed_name, taken)
        taken.add(name.lower())
        made.append(replace(candidate, proposed_name=name))
    return tuple(made)


def _free_name(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name.lower() in taken:
        number += 1
        ending = f"-{number}"
        name = wanted[: _LONGEST_NAME - len(ending)] + ending
    return name


def _locked(found: Found) -> Locked:
    states = {file.locked for file in found.files}
    for state in (Locked.WRONG_PASSWORD, Locked.NEEDS_PASSWORD):
        if state in states:
            return state
    return Locked.NO
