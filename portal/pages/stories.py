"""An operation told to a person: whose turn it is, what has happened, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from portal.access import Rights
from vault.models import Operation, OperationStep
from vault.models.policy import SELF

_LONG = timedelta(minutes=1)
_ENDED_BADLY = {OperationStep.Kind.FAILED: "failed", OperationStep.Kind.CANCELLED: "stopped"}
_NOW = {
    Operation.Step.AWAITING_APPROVAL: "Waiting for approval",
    Operation.Step.READY: "Ready to be signed",
    Operation.Step.SUBMITTING: "Being sent",
    Operation.Step.ORDERED: "With the issuer",
    Operation.Step.AWAITING_MERGE: "Waiting for the signed certificate",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a timeline, as components/timeline.html shows it."""

    title: str
    state: str
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Whose turn it is, as components/waiting.html says it."""

    on: str
    what: str = ""


def status_of(operation: Operation) -> str:
    """The word that components/status.html shows: the status, or `awaiting_merge`."""
    waits = operation.is_in_progress and operation.step == Operation.Step.AWAITING_MERGE
    return "awaiting_merge" if waits else operation.status


def turn_of(operation: Operation, rights: Rights) -> Turn | None:
    """Whose turn it is in the eyes of a person with these rights; None when the operation has ended."""
    if not operation.is_in_progress:
        return None
    if operation.step == Operation.Step.AWAITING_MERGE:
        return _merger(operation, rights)
    if operation.step == Operation.Step.AWAITING_APPROVAL:
        return Turn(on="approver")
    if operation.step == Operation.Step.ORDERED:
        return Turn(on="you", what="and others: see the tasks below") if operation.tasks else Turn(on="issuer")
    if operation.next_step_at and operation.attempts and not operation.leased_by:
        return Turn(on="nobody", what=f"until {operation.next_step_at:%H:%M:%S} UTC, then the portal tries again")
    return Turn(on="the portal", what="to sign it" if operation.issuer_name == SELF else "to send it")


def _merger(operation: Operation, rights: Rights) -> Turn:
    what = "to bring the signed certificate"
    if "certificates/create" in rights:
        return Turn(on="you", what=what)
    owner = operation.certificate.owner
    return Turn(on=owner.title if owner else "an officer of this vault", what=what)


def is_running_by_itself(operation: Operation) -> bool:
    """Whether it moves without a person, so that a page without scripts should load itself again."""
    by_person = {Operation.Step.AWAITING_MERGE, Operation.Step.AWAITING_APPROVAL}
    return operation.is_in_progress and operation.step not in by_person


def timeline(operation: Operation) -> list[Line]:
    """What has happened, what happens now and what is still to come."""
    lines = [_line(step) for step in operation.steps.all()]
    if operation.is_in_progress:
        lines.append(
            Line(title=_NOW.get(Operation.Step(operation.step), "Under way"), state="current", note=_note(operation))
        )
        lines.append(Line(title="Certificate checked and stored as the newest version", state="todo"))
    return lines


def _line(step: OperationStep) -> Line:
    kind = OperationStep.Kind(step.kind)
    return Line(title=step.text, state=_ENDED_BADLY.get(kind, "done"), at=step.at)


def _note(operation: Operation) -> str:
    if operation.cancellation_requested:
        return "Cancellation was asked for. The issuer may still issue the certificate."
    return operation.detail


def next_words(operation: Operation) -> str:
    """What happens next, in a sentence or two."""
    match Operation.Step(operation.step):
        case Operation.Step.AWAITING_MERGE if operation.key_is_elsewhere:
            return (
                "Give the signing request to your CA. When its answer comes, bring it here: it is checked against this "
                "request and kept with its expiry in view. The private key stays where it is."
            )
        case Operation.Step.AWAITING_MERGE:
            return (
                "Give the signing request below to your CA. When its answer comes, bring it back here: it is checked "
                "against this request and stored beside its private key, which need not leave the vault for this."
            )
        case Operation.Step.AWAITING_APPROVAL:
            return "Someone who may approve it is asked. You can close this page; the request goes on."
        case Operation.Step.ORDERED:
            return "The issuer works on it, and the portal asks by itself. You can close this page."
        case _:
            return "The portal works on it. This takes a moment, and goes on when you close this page."


def cancel_words(operation: Operation) -> str:
    """What cancelling does, and what may still happen."""
    if operation.is_by_hand:
        return (
            "The portal stops waiting for the signed certificate. If you have given the signing request to a CA, it "
            "does not learn of this and may still issue: tell it. A certificate that comes can still be brought here."
        )
    if operation.step in {Operation.Step.SUBMITTING, Operation.Step.ORDERED}:
        return "It has been sent. The issuer is asked to stop; if it has issued already, you get the certificate."
    return "Nothing has been sent yet, so it ends at once and nothing is issued."


def advice(operation: Operation) -> str:
    """What a person can do about a failed operation."""
    if operation.error_code == "StepFailed":
        return "Ask again with the same answers. If that fails too, tell whoever runs this portal."
    return "Ask again with the same answers if the cause is gone, or change them and ask again."


def is_late(operation: Operation) -> bool:
    """Whether something that should take a second has been running for a minute or more."""
    age = timezone.now() - operation.created_at
    return operation.issuer_name == SELF and is_running_by_itself(operation) and age > _LONG
