"""What a certificate fits: requests that wait for it and versions that it is, as far as a person may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal import access
from portal.pages import readable, stories
from portal.pages.http import PageRequest
from portal.rights import Rights
from vault.errors import VaultError
from vault.lifecycle import diagnosing, merging
from vault.lifecycle.merging import Examined
from vault.models import Operation, Vault, Version
from vault.x509 import certificates, requests
from vault.x509.certificates import CertificateFacts
from vault.x509.checks import CertificateWarning

MOST_NAMES = 12
_SERIOUS = frozenset(
    {"names-missing", "no-names", "no-chain", "not-yet-valid", "ekus-missing", "unknown-critical", "file-left-out"}
)


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name in a comparison; `mark` is "added" where only the certificate has it, "missing" where it lacks it."""

    value: str
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One column of a comparison: a request or a certificate."""

    title: str
    key: str
    fingerprint: str
    subject: str
    names: Sequence[Name]
    when: str
    at: datetime

    @property
    def shown(self) -> Sequence[Name]:
        """The names as far as a column has room, those that differ first."""
        return sorted(self.names, key=lambda name: not name.mark)[:MOST_NAMES]

    @property
    def more(self) -> int:
        """How many names are not shown."""
        return max(0, len(self.names) - MOST_NAMES)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A request that was made with the certificate's key: who started it, and whether it can be merged there."""

    operation: Operation
    status: str
    started_by: str
    may_merge: bool
    request: Side
    certificate: Side
    doubts: Sequence[CertificateWarning] = ()
    refusal: str = ""

    @property
    def is_doubtful(self) -> bool:
        """Whether something is missing that clients need, or that was asked for."""
        return any(doubt.code in _SERIOUS for doubt in self.doubts)

    @property
    def sides(self) -> Sequence[Side]:
        """The two columns of the comparison."""
        return (self.certificate, self.request)


@dataclass(frozen=True, kw_only=True)
class There:
    """A version that is the very certificate; who stored it, and when."""

    version: Version
    by: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What there is to tell a person about the certificates that they brought; `pem` brings them somewhere else."""

    certificate: Side
    facts: CertificateFacts
    fits: Sequence[Fit]
    there: Sequence[There]
    pem: str
    may_import: Sequence[Vault]

    @property
    def in_short(self) -> str:
        """What it fits in a sentence, "" when it fits nothing."""
        if self.there:
            version = self.there[0].version
            return f"This certificate is version {version.number} of “{version.certificate}” already."
        if not self.fits:
            return ""
        named = " and ".join(f"“{fit.operation.certificate}”" for fit in self.fits)
        return f"This certificate was made for another request: it fits {named}."


def find(request: PageRequest, given: Sequence[bytes]) -> Finding:
    """Find what the certificates (DER, the likeliest first) fit in all vaults, as far as the person may see it."""
    mine = access.vaults_of(request.user)
    known = access.visible(request.user, mine, diagnosing.versions_of(given, among=mine))
    waiting = access.visible(request.user, mine, diagnosing.requests_for(given, among=mine))
    there = [There(version=version, by=_who(request, version)) for version, _ in known]
    facts = certificates.facts(_there_first(given, [one.version for one in there])[0])
    fits = [] if there else [_fit(request, operation, rights, given) for operation, rights in waiting]
    return Finding(
        certificate=_side_of(facts),
        facts=facts,
        fits=fits,
        there=there,
        pem="".join(certificates.pem(der) for der in given),
        may_import=[vault for vault, rights in mine.items() if "certificates/import" in rights],
    )


def letter(operation: Operation, finding: Finding) -> str:
    """What to ask a CA whose certificate fits no request: plain text to send."""
    wanted, given = side_of_request(operation), finding.certificate
    names = [name.value for name in wanted.shown] + ([f"and {wanted.more} more"] if wanted.more else [])
    lines = (
        "Which certificate signing request (CSR) did you sign?",
        "",
        f"You sent us a certificate for {given.subject or 'no subject'} with the serial number",
        f"  {finding.facts.serial}",
        "It is not for our request: its public key is another one.",
        "",
        "SHA-256 of the SubjectPublicKeyInfo, in our request:",
        f"  {wanted.fingerprint}",
        "and in your certificate:",
        f"  {given.fingerprint}",
        f"Subject of our request: {wanted.subject or 'none'}",
        f"Names in our request: {', '.join(names) or 'none'}",
        f"Our reference: {operation}",
        "",
        "Please send the certificate for our request. The CSR is attached.",
    )
    return "\n".join(lines)


def _there_first(given: Sequence[bytes], versions: Sequence[Version]) -> list[bytes]:
    """The certificates, those first that are versions already."""
    thumbprints = {version.thumbprint_sha256 for version in versions}
    return sorted(given, key=lambda der: certificates.facts(der).thumbprint_sha256 not in thumbprints)


def side_of_request(operation: Operation, *, title: str = "") -> Side:
    """A request as one side of a comparison."""
    facts = requests.describe_csr(bytes(operation.csr))
    return Side(
        title=title or f"The request for {operation.certificate}",
        key=facts.key_title,
        fingerprint=facts.spki_sha256,
        subject=facts.subject,
        names=[Name(value=value) for _, value in facts.names],
        when="Asked for",
        at=operation.created_at,
    )


def _side_of(facts: CertificateFacts, examined: Examined | None = None) -> Side:
    missing = examined.doubt("names-missing") if examined else None
    added = examined.doubt("names-added") if examined else None
    names = [Name(value=name, mark="missing") for name in (missing.names if missing else ())]
    names += [Name(value=name, mark="added" if added and name in added.names else "") for _, name in facts.names]
    return Side(
        title="The certificate",
        key=facts.key_title,
        fingerprint=facts.spki_sha256,
        subject=facts.subject,
        names=names,
        when="Valid from",
        at=facts.not_before,
    )


def _fit(request: PageRequest, operation: Operation, rights: Rights, given: Sequence[bytes]) -> Fit:
    leaf = next(der for der in given if certificates.facts(der).spki_sha256 == operation.spki_sha256)
    examined, refusal = _examined(request, operation, given)
    return Fit(
        operation=operation,
        status=stories.status_of(operation),
        started_by=_starter(request, operation),
        may_merge=not refusal and "certificates/create" in rights,
        request=side_of_request(operation),
        certificate=_side_of(certificates.facts(leaf), examined),
        doubts=examined.doubts if examined else (),
        refusal=refusal,
    )


def _examined(request: PageRequest, operation: Operation, given: Sequence[bytes]) -> tuple[Examined | None, str]:
    if not operation.can_be_merged:
        issuer = readable.issuer_title(operation.issuer_name)
        return None, f"“{issuer}” answers this request itself. Cancel the request there to bring a certificate instead."
    try:
        by = access.actor(request, "certificates/get")
        return merging.examine(operation=operation, given=given, by=by), ""
    except VaultError as refusal:
        return None, str(refusal)


def _starter(request: PageRequest, operation: Operation) -> str:
    person = operation.requested_by
    if person is None:
        return ""
    return "you" if person == request.user else person.title


def _who(request: PageRequest, version: Version) -> str:
    stored = diagnosing.who_stored(version)
    return "you" if stored.by_id == request.user.pk else stored.by
