"""Importing everything good in an upload, one by one, and saying of every file what became of it."""

from collections.abc import Callable, Mapping

from vault.errors import Conflict, DraftGone, NameTaken, VaultError
from vault.lifecycle.importing import drafts
from vault.lifecycle.importing.candidates import Candidate, Outcome, Result, Row
from vault.lifecycle.importing.proposing import consequence, propose
from vault.lifecycle.importing.storing import ImportOrder, import_candidate
from vault.models import Certificate, Draft, Vault, Version
from vault.models.audit import Actor
from vault.models.policy import Policy

MayHave = Callable[[str], Certificate | None]
"""Returns the certificate of which an import under a name makes a version, None when it is free; raises NameTaken."""


def import_all(
    *,
    vault: Vault,
    draft: Draft,
    by: Actor,
    may_have: MayHave,
    names: Mapping[int, str] | None = None,
    new_versions: bool = False,
) -> tuple[Result, ...]:
    """Import what can be imported of a draft, each certificate in a transaction of its own, under proposed policies.

    `names` are those that a person chose, by candidate number; what is not among them is left out (None: all, under
    the proposed names). A certificate that exists gets a new version only with `new_versions`. What became of every
    file is kept in the draft in the files' place. Doing it again, even at the same time or after it was cut short,
    imports nothing twice.

    Raises DraftGone when the draft's time was over before it began; RingError.
    """
    done = drafts.results_of(draft)
    if done:
        return done
    survey = drafts.open_draft(draft)
    run = _Run(vault, by, may_have, names, new_versions=new_versions)
    candidates = {one.number: one for one in survey.candidates}
    results = tuple(run.result(row, candidates) for row in survey.rows)
    return _kept(draft, results)


def _kept(draft: Draft, results: tuple[Result, ...]) -> tuple[Result, ...]:
    """Keep the results for their page; of two runs at once, the first to end tells what happened."""
    try:
        drafts.settle(draft, results)
    except DraftGone:
        fresh = Draft.objects.open().filter(pk=draft.pk).first()
        return (drafts.results_of(fresh) if fresh else ()) or results
    return results


class _Run:
    """One pass over an upload."""

    def __init__(
        self,
        vault: Vault,
        by: Actor,
        may_have: MayHave,
        names: Mapping[int, str] | None,
        *,
        new_versions: bool,
    ) -> None:
        self.vault, self.by, self.may_have = vault, by, may_have
        self.names, self.new_versions = names, new_versions

    def result(self, row: Row, candidates: Mapping[int, Candidate]) -> Result:
        """What becomes of one row of the survey."""
        if row.outcome is not Outcome.IMPORTABLE or row.candidate is None:
            return Result(file=row.file, outcome=row.outcome, sentence=row.sentence, code=_code(row, candidates))
        candidate = candidates[row.candidate]
        name = candidate.proposed_name if self.names is None else self.names.get(candidate.number)
        if name is None:
            return Result(file=row.file, outcome=Outcome.LEFT_OUT, sentence="Left out: it was not chosen.")
        try:
            return self._settled(row.file, candidate, name)
        except VaultError as refusal:
            return Result(file=row.file, outcome=Outcome.REFUSED, sentence=str(refusal), code=refusal.code, name=name)

    def _settled(self, file: str, candidate: Candidate, name: str) -> Result:
        """Import it; where another run was faster, say that it is there already."""
        try:
            return self._imported(file, candidate, name)
        except (Conflict, NameTaken):
            return self._imported(file, candidate, name)

    def _imported(self, file: str, candidate: Candidate, name: str) -> Result:
        certificate = self.may_have(name)
        same = _same_version(certificate, candidate) if certificate else None
        if same is not None:
            return _told(file, same, Outcome.ALREADY, f"It is version {same.number} of “{certificate}” already.")
        if certificate and not self.new_versions:
            raise NameTaken(
                f"“{certificate}” exists already. Choose another name, or import this one by itself as its new version."
            )
        version = import_candidate(
            vault=self.vault, candidate=candidate, order=self._order(candidate, name, certificate), by=self.by
        )
        sentence = f"Imported as version {version.number} of “{version.certificate}”."
        return _told(file, version, Outcome.IMPORTED, sentence)

    def _order(self, candidate: Candidate, name: str, certificate: Certificate | None) -> ImportOrder:
        policy = propose(candidate, certificate=certificate).policy
        _refuse_silent_replacement(policy, candidate)
        return ImportOrder(name=name, policy=policy, holder=certificate.pk if certificate else 0)


def _refuse_silent_replacement(policy: Policy, candidate: Candidate) -> None:
    """In a row of many nobody reads a warning, so what needs one is imported by itself."""
    outlook = consequence(policy, self_signed=candidate.facts.self_signed)
    if outlook.code == "renews-self-signed":
        raise Conflict(f"{outlook.sentence} Import it by itself to change its policy.")


def _same_version(certificate: Certificate, candidate: Candidate) -> Version | None:
    same = Version.objects.light().filter(certificate=certificate)
    return same.filter(thumbprint_sha256=candidate.facts.thumbprint_sha256).select_related("certificate").first()


def _told(file: str, version: Version, outcome: Outcome, sentence: str) -> Result:
    return Result(file=file, outcome=outcome, sentence=sentence, name=version.certificate.name, version=version.id.hex)


def _code(row: Row, candidates: Mapping[int, Candidate]) -> str:
    return candidates[row.candidate].refusal_code if row.candidate is not None else ""
