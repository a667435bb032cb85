"""An upload in words, before anything of it is stored: the certificate, its chain, the policy and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.forms import BoundField
from django.urls import reverse
from django.utils import timezone

from portal.forms.imports import BulkForm
from portal.pages import readable
from portal.pages.readable import SOON
from vault.lifecycle import importing
from vault.lifecycle.importing import Candidate, Consequence, Leftover, Match, Origin, Outcome, Proposal, Row, Survey
from vault.lifecycle.importing.elsewhere import Same
from vault.models import Version
from vault.models.policy import PKCS12, UNKNOWN, Policy
from vault.x509 import certificates
from vault.x509.certificates import CertificateFacts

_NO_END = 9999
_PARTS = {
    "Subject": ("subject",),
    "Alternative names": ("names",),
    "Extended key usages": ("ekus",),
    "Key usages": ("key_usage",),
    "Issuer": ("issuer_name",),
    "Valid for": ("validity",),
    "Key": ("key", "reuse"),
    "Private key": ("exportable",),
    "Format": ("content_type",),
    "Renewal": ("lifetime_actions",),
}
# The kind of notice, its icon and its title, by the vault's word for what follows.
_FOLLOWS = {
    "renews": ("good", "refresh", "What happens before it expires"),
    "notice-only": ("info", "mail", "What happens before it expires"),
    "renews-self-signed": ("bad", "warning", "It would be replaced by a self-signed certificate"),
}
# Said beside the chain already.
_OF_CHAIN = "chain-incomplete"


@dataclass(frozen=True, kw_only=True)
class Link:
    """One CA certificate of the chain, and whether the vault added it."""

    subject: str
    not_after: datetime
    is_root: bool
    is_added: bool


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value of the policy: what it is called, its lines, and where it comes from."""

    title: str
    lines: Sequence[str]
    origin: str


@dataclass(frozen=True, kw_only=True)
class Follows:
    """What happens by itself once the certificate is here; `code` is the vault's word for it, `kind` a notice's."""

    code: str
    kind: str
    icon: str
    title: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """A certificate that has the same certificate or key already: how it is related, and where it is."""

    words: str
    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """A candidate for showing: what people call it, its state, how long it lasts, its names and its chain."""

    title: str
    state: str
    left: str
    names: Sequence[tuple[str, str]]
    notes: Sequence[str]
    chain: Sequence[Link]
    chain_words: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of a file in a larger upload; with the fields to choose and to name its certificate, if it can be."""

    file: str
    sentence: str
    outcome: Outcome
    take: BoundField | None = None
    name: BoundField | None = None
    look: Look | None = None
    places: Sequence[Place] = ()


def look_at(candidate: Candidate) -> Look:
    """The candidate in words."""
    facts = candidate.facts
    return Look(
        title=title_of(facts),
        state=_state(facts),
        left=_time_left(facts),
        names=readable.names(facts.names),
        notes=[warning.sentence for warning in candidate.warnings if warning.code != _OF_CHAIN],
        chain=[_link(der, is_added=der in candidate.added) for der in candidate.chain.certificates],
        chain_words=_chain_words(candidate),
    )


def left_aside(survey: Survey) -> list[Leftover]:
    """What an upload with one certificate holds beside it, whole files and parts of them, each with the reason."""
    used = {Outcome.IMPORTABLE, Outcome.PART}
    others = [row for row in survey.rows if row.candidate is None and row.outcome not in used]
    files = [Leftover(file=row.file, what=row.file or "The text", why=row.sentence) for row in others]
    return [*files, *survey.ignored]


def lines(survey: Survey, form: BulkForm, matches: Mapping[int, Sequence[Match]]) -> list[Line]:
    """Every row of an upload of several certificates."""
    candidates = {one.number: one for one in survey.candidates}
    return [_line(row, candidates, form, matches) for row in survey.rows]


def _line(
    row: Row, candidates: Mapping[int, Candidate], form: BulkForm, matches: Mapping[int, Sequence[Match]]
) -> Line:
    candidate = candidates[row.candidate] if row.candidate is not None else None
    if row.outcome is not Outcome.IMPORTABLE or candidate is None:
        archive = " To keep it for the record, import it alone." if candidate and candidate.is_expired else ""
        return Line(file=row.file, sentence=row.sentence + archive, outcome=row.outcome)
    return Line(
        file=row.file,
        sentence=row.sentence,
        outcome=row.outcome,
        take=form[f"take-{candidate.number}"],
        name=form[f"name-{candidate.number}"],
        look=look_at(candidate),
        places=places(matches.get(candidate.number, ())),
    )


def follows(candidate: Candidate, policy: Policy) -> Follows:
    """What importing with this policy leads to."""
    found = importing.consequence(policy, self_signed=candidate.facts.self_signed)
    kind, icon, title = _FOLLOWS[found.code]
    return Follows(code=found.code, kind=kind, icon=icon, title=title, sentence=_sentence(found, policy))


def _sentence(found: Consequence, policy: Policy) -> str:
    if found.code != "renews-self-signed":
        when = dict(readable.policy_rows(policy))["Renewal"]
        return " ".join([found.sentence, *(f"{line}." for line in when)])
    by_hand = readable.issuer_title(UNKNOWN)
    return (
        "With this policy the next version would be signed with its own key and take the place of yours, and clients "
        f"would refuse it. Open “Change the policy” below and choose “{by_hand}” to have people told instead."
    )


def policy_line(policy: Policy) -> str:
    """A policy in one line: who issues, for how long, which key, which file."""
    issuer, key = readable.issuer_title(policy.issuer_name), policy.key
    where = "" if key.exportable else " that never leaves the vault"
    form = "PFX" if policy.content_type == PKCS12 else "PEM"
    return f"{issuer}; valid for {policy.validity}; {key.title} key{where}; kept as {form}."


def policy_values(policy: Policy, proposal: Proposal, source: str) -> list[Value]:
    """Every value of a policy and where it comes from; `source` is the certificate whose policy was there before."""
    proposed = dict(readable.policy_rows(proposal.policy))
    return [
        Value(
            title=title, lines=lines, origin=_origin(title, proposal, source) if proposed[title] == lines else "yours"
        )
        for title, lines in readable.policy_rows(policy)
    ]


def _origin(title: str, proposal: Proposal, source: str) -> str:
    found = dict.fromkeys(proposal.origins[part] for part in _PARTS[title] if part in proposal.origins)
    words = {
        Origin.CERTIFICATE: "from the certificate",
        Origin.POLICY: f"from the policy of {source}",
        Origin.DEFAULT: "default",
    }
    return ", ".join(words[one] for one in found)


def title_of(facts: CertificateFacts) -> str:
    """What people would call the certificate: its first name, else its common name, else its subject."""
    first = next((value for kind, value in facts.names if kind in {"dns", "ip", "email"}), "")
    return first or next(iter(facts.common_names), "") or facts.subject or f"Serial number {facts.serial}"


def _state(facts: CertificateFacts) -> str:
    """The word for components/status.html."""
    moment = timezone.now()
    if facts.not_after < moment:
        return "expired"
    return "expiring" if facts.not_after <= moment + SOON else "enabled"


def _time_left(facts: CertificateFacts) -> str:
    """`90 days left`, `Expired 3 days ago`, `No end`."""
    if facts.not_after.year >= _NO_END:
        return "No end"
    left = facts.not_after - timezone.now()
    if left < timedelta(0):
        return f"Expired {_days(-left.days - 1)} ago" if left < -timedelta(days=1) else "Expired today"
    return f"{_days(left.days)} left"


def _days(count: int) -> str:
    return f"{count} {'day' if count == 1 else 'days'}"


def _link(der: bytes, *, is_added: bool) -> Link:
    facts = certificates.facts(der)
    return Link(subject=facts.subject, not_after=facts.not_after, is_root=facts.self_signed, is_added=is_added)


def _chain_words(candidate: Candidate) -> str:
    """Whether something of the chain is missing, and what to do about it."""
    if candidate.facts.self_signed:
        return "It is its own issuer, so there is no chain."
    if not candidate.chain.certificates:
        return (
            f"Nothing of the CA came with it. It was issued by {candidate.facts.issuer}: servers usually need that "
            "CA's certificate. Choose it together with these files, or ask the CA for it."
        )
    if candidate.chain.complete:
        return "Complete, in order, up to the root."
    return "In order. The root is not among it: public CAs leave it out on purpose, because clients have it."


def places(matches: Sequence[Match]) -> list[Place]:
    """Where the same certificate or the same key is already."""
    return [_place(match.version, is_same=match.same == Same.CERTIFICATE) for match in matches]


def _place(version: Version, *, is_same: bool) -> Place:
    certificate = version.certificate
    what = "This very certificate is" if is_same else "The same key belongs to"
    names = [certificate.vault.name, certificate.name, version.id.hex]
    return Place(
        words=what,
        title=f"version {version.number} of {certificate} in {certificate.vault}",
        url=reverse("versions:detail", args=names),
    )
