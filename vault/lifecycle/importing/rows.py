"""What every file of an upload is for, in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vault.lifecycle.importing.candidates import Candidate, Leftover, Outcome, Row
from vault.x509.certificates import CertificateFacts
from vault.x509.found import Found, FoundFile, FoundKey, Locked
from vault.x509.visible import shown

_LOCKED = {
    Locked.NEEDS_PASSWORD: "It is protected by a password. Send it again with its password.",
    Locked.WRONG_PASSWORD: "The password does not open it. Send it again with its own password.",
}
_REQUEST = "A certificate request holds no certificate. Have a CA sign it, or ask for the certificate here."


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of an upload's certificates: the candidates, the facts, and why some cannot be read."""

    candidates: Sequence[Candidate]
    facts: Mapping[bytes, CertificateFacts]
    unreadable: Mapping[bytes, str]

    def of_key(self, spki_sha256: str) -> Candidate | None:
        """The candidate that has this key."""
        return next((one for one in self.candidates if one.facts.spki_sha256 == spki_sha256), None)

    def of_leaf(self, der: bytes) -> Candidate | None:
        """The candidate for whose key this certificate was made."""
        return self.of_key(self.facts[der].spki_sha256) if der in self.facts else None

    def above(self, der: bytes) -> Candidate | None:
        """The first candidate in whose chain this certificate stands."""
        return next((one for one in self.candidates if der in one.chain.certificates), None)

    def spare_certificates(self, file: FoundFile) -> list[bytes]:
        """The file's certificates that are no candidate's and stand in no chain."""
        return [der for der in file.certificates if self.of_leaf(der) is None and self.above(der) is None]

    def spare_keys(self, file: FoundFile) -> list[FoundKey]:
        """The file's private keys that have no certificate in the upload."""
        return [key for key in file.keys if self.of_key(key.spki_sha256) is None]


def title(facts: CertificateFacts) -> str:
    """What people call a certificate: its common name, its first name, or its serial number."""
    names = [*facts.common_names, *(value for _, value in facts.names), f"serial number {facts.serial}"]
    return shown(names[0])


def rows(found: Found, seen: Seen) -> tuple[Row, ...]:
    """A row for every file, and one more for every further candidate in it; a candidate's first row decides on it."""
    told: list[Row] = []
    begun: set[int] = set()
    for file in found.files:
        told += [*_leaf_rows(file, seen, begun), *_key_rows(file, seen)] or [_other_row(file, seen)]
    return tuple(told)


def _leaf_rows(file: FoundFile, seen: Seen, begun: set[int]) -> Iterator[Row]:
    for candidate in dict.fromkeys(filter(None, map(seen.of_leaf, file.certificates))):
        again = candidate.number in begun
        begun.add(candidate.number)
        yield _again(file, candidate) if again else _first(file, candidate)


def _first(file: FoundFile, candidate: Candidate) -> Row:
    if candidate.refusal:
        return Row(file=file.name, outcome=Outcome.REFUSED, sentence=candidate.refusal, candidate=candidate.number)
    key_here = any(key.spki_sha256 == candidate.facts.spki_sha256 for key in file.keys)
    where = "" if key_here else " from another of the files"
    sentence = f"The certificate of “{title(candidate.facts)}” with its private key{where}."
    return Row(file=file.name, outcome=Outcome.IMPORTABLE, sentence=sentence, candidate=candidate.number)


def _again(file: FoundFile, candidate: Candidate) -> Row:
    sentence = f"The certificate of “{title(candidate.facts)}” once more."
    return Row(file=file.name, outcome=Outcome.PART, sentence=sentence, candidate=candidate.number)


def _key_rows(file: FoundFile, seen: Seen) -> Iterator[Row]:
    """The private keys whose certificates are in other files."""
    here = [seen.of_leaf(der) for der in file.certificates]
    for key in file.keys:
        candidate = seen.of_key(key.spki_sha256)
        if candidate and candidate not in here:
            sentence = f"The private key of “{title(candidate.facts)}”."
            yield Row(file=file.name, outcome=Outcome.PART, sentence=sentence, candidate=candidate.number)


def _other_row(file: FoundFile, seen: Seen) -> Row:
    """A file without a candidate's certificate or key: what is wrong with it, else its place in a chain."""
    wrong = next(_troubles(file, seen), None)
    if wrong:
        return Row(file=file.name, outcome=wrong.outcome, sentence=wrong.why)
    for der in file.certificates:
        candidate = seen.above(der)
        if candidate:
            sentence = f"“{title(seen.facts[der])}”, a CA certificate of the chain."
            return Row(file=file.name, outcome=Outcome.PART, sentence=sentence, candidate=candidate.number)
    if file.requests:
        return Row(file=file.name, outcome=Outcome.NOTHING, sentence=_REQUEST)
    sentence = f"This looks like {file.looks_like}. There is no certificate with its private key in it."
    return Row(file=file.name, outcome=Outcome.NOTHING, sentence=sentence)


@dataclass(frozen=True, kw_only=True)
class _Trouble:
    """Something in a file that cannot be imported."""

    outcome: Outcome
    what: str
    why: str


def _troubles(file: FoundFile, seen: Seen) -> Iterator[_Trouble]:
    """Everything in a file that cannot be imported, the gravest first."""
    if file.locked is not Locked.NO:
        yield _Trouble(outcome=Outcome.LOCKED, what="a locked part", why=file.refusal or _LOCKED[file.locked])
    elif file.refusal:
        yield _Trouble(outcome=Outcome.REFUSED, what="a part of the file", why=file.refusal)
    for key in seen.spare_keys(file):
        yield _Trouble(outcome=Outcome.REFUSED, what=f"a private key ({key.title})", why=_no_certificate(key))
    troubles = [_keyless(der, seen) for der in seen.spare_certificates(file)]
    yield from sorted(troubles, key=lambda one: one.outcome is Outcome.NOTHING)


def _no_certificate(key: FoundKey) -> str:
    missing = f"The certificate of this private key ({key.title}) is not among these files. Send it too."
    return key.refusal or missing


def _keyless(der: bytes, seen: Seen) -> _Trouble:
    if der in seen.unreadable:
        return _Trouble(outcome=Outcome.REFUSED, what="a damaged certificate", why=seen.unreadable[der])
    name = title(seen.facts[der])
    if seen.facts[der].is_ca:
        why = f"“{name}” is a CA certificate that is in no chain here, without its private key."
        return _Trouble(outcome=Outcome.NOTHING, what=f"the certificate of “{name}”", why=why)
    why = (
        f"The private key of “{name}” is not among these files. Send it too, or a PFX file. If a request here made the "
        "key, “I have a certificate” finds that request."
    )
    return _Trouble(outcome=Outcome.REFUSED, what=f"the certificate of “{name}”", why=why)


def leftovers(found: Found, seen: Seen) -> tuple[Leftover, ...]:
    """What is in the files and not used, beyond what the rows say."""
    return tuple(one for file in found.files for one in _left_over(file, seen))


def _left_over(file: FoundFile, seen: Seen) -> Iterator[Leftover]:
    for one in file.ignored:
        yield Leftover(file=file.name, what=one.what, why=one.why)
    is_used = any(map(seen.of_leaf, file.certificates)) or len(seen.spare_keys(file)) < len(file.keys)
    for number, trouble in enumerate(_troubles(file, seen)):
        if is_used or number > 0:  # else the file's row says it
            yield Leftover(file=file.name, what=trouble.what, why=trouble.why)
    if is_used and file.requests:
        yield Leftover(file=file.name, what="a certificate request", why="It is not needed any more.")


def overall_refusal(candidates: Sequence[Candidate], told: Sequence[Row]) -> str:
    """The sentence for an upload of which nothing can be imported, not even for the archive; else ""."""
    if any(one.can_be_imported or one.is_expired for one in candidates):
        return ""
    if not told:
        return "Nothing was sent. Choose a file, or paste the certificate and its private key."
    order = (Outcome.LOCKED, Outcome.REFUSED, Outcome.NOTHING, Outcome.PART)
    worst = min(told, key=lambda row: order.index(row.outcome))
    return f"{shown(worst.file)}: {worst.sentence}" if worst.file and len(told) > 1 else worst.sentence
