"""An operation told to a person: whose turn it is, what has happened, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from portal.rights import Rights
from vault.models import Issuer, Operation, OperationStep
from vault.models.policy import SELF
from vault.providers.base import Can, TaskKind

_LONG = timedelta(minutes=1)
_STATES = {
    OperationStep.Kind.FAILED: "failed",
    OperationStep.Kind.CANCELLED: "stopped",
    OperationStep.Kind.ALERT: "alert",
}
# What the wire calls an error, in words for its title.
_TITLES = {
    "Rejected": "The CA refused the request",
    "Request rejected": "The CA refused the request",
    "InvalidRequest": "This CA does not issue what was asked for",
    "GaveUp": "There was no certificate in time",
    "StepFailed": "It broke each time it was tried",
    "DomainNotValidated": "The domain was not validated",
}
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
    """The word that components/status.html shows: the status, or `awaiting_merge`, `unclear`, `late`."""
    if operation.is_in_progress and operation.unclear_at is not None:
        return "unclear"
    if operation.late_at is not None and not operation.late_settled:
        return "late"
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
    if (turn := _administrator(operation, rights)) is not None:
        return turn
    if operation.step == Operation.Step.ORDERED:
        return _at_issuer(operation, rights)
    if operation.next_step_at and operation.attempts and not operation.leased_by:
        again = "looks for the order" if operation.step == Operation.Step.SUBMITTING else "tries again"
        return Turn(on="nobody", what=f"until {operation.next_step_at:%H:%M:%S} UTC, then the portal {again}")
    return Turn(on="the portal", what="to sign it" if operation.issuer_name == SELF else "to send it")


def _administrator(operation: Operation, rights: Rights) -> Turn | None:
    """An administrator's turn: nobody else can say what became of an order, or correct credentials."""
    if operation.unclear_at is not None:
        verb, what = "certificates/manageissuers", "to say whether the CA has the order"
    elif operation.issuer is not None and operation.issuer.pause == Issuer.Pause.CREDENTIALS:
        verb, what = "certificates/setissuers", "to correct the credentials of the issuer"
    else:
        return None
    return Turn(on="you" if verb in rights else "an administrator of this vault", what=what)


def _at_issuer(operation: Operation, rights: Rights) -> Turn:
    if operation.cancellation_requested:
        return Turn(on="issuer", what="to withdraw the order")
    if not operation.tasks:
        return Turn(on="issuer")
    if {task.get("kind") for task in operation.tasks} <= {TaskKind.APPROVE, TaskKind.ORGANISATION}:
        return Turn(on="someone with an account at the CA", what="to do what is below")
    return Turn(on="you" if "certificates/create" in rights else "the owner", what="to do what is below")


def _merger(operation: Operation, rights: Rights) -> Turn:
    what = "to bring the signed certificate"
    if "certificates/create" in rights:
        return Turn(on="you", what=what)
    owner = operation.certificate.owner
    return Turn(on=owner.title if owner else "an officer of this vault", what=what)


def is_running_by_itself(operation: Operation) -> bool:
    """Whether it moves without a person, so that a page without scripts should load itself again."""
    by_person = {Operation.Step.AWAITING_MERGE, Operation.Step.AWAITING_APPROVAL}
    waits = operation.step in by_person or operation.unclear_at is not None
    return operation.is_in_progress and not waits


def timeline(operation: Operation) -> list[Line]:
    """What has happened, what happens now and what is still to come."""
    lines = [_line(step) for step in operation.steps.all()]
    if operation.is_in_progress:
        note = _note(operation)
        told = bool(lines) and lines[-1].title == note
        lines.append(Line(title=_now(operation), state="current", note="" if told else note))
        lines.append(Line(title="Certificate checked and stored as the newest version", state="todo"))
    return lines


def _now(operation: Operation) -> str:
    if operation.unclear_at is not None:
        return "Nobody knows yet whether the CA has the order"
    if operation.step == Operation.Step.READY and operation.issuer_id is not None:
        return "Ready to be sent to the issuer"
    if operation.step == Operation.Step.ORDERED and operation.tasks:
        return "The issuer waits for someone"
    return _NOW.get(Operation.Step(operation.step), "Under way")


def _line(step: OperationStep) -> Line:
    kind = OperationStep.Kind(step.kind)
    return Line(title=step.text, state=_STATES.get(kind, "done"), at=step.at)


def _note(operation: Operation) -> str:
    if operation.unclear_at is not None:
        return ""
    if operation.cancellation_requested:
        return f"Cancellation was asked for. The issuer may still issue the certificate. {operation.detail}".strip()
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
        case _ if operation.unclear_at is not None:
            return (
                "It was sent, and the answer was lost on the way: the CA may have the order or not. To order nothing "
                "twice, it is not sent again before an administrator of this vault has looked at the CA."
            )
        case Operation.Step.SUBMITTING if operation.asked_at is not None:
            return (
                "It was sent, and the answer of the CA was lost on the way. The portal looks for the order there, and "
                "sends nothing again before that is clear. You can close this page."
            )
        case Operation.Step.ORDERED if operation.tasks:
            return "Do what is asked for below; the portal notices by itself and goes on."
        case Operation.Step.ORDERED:
            return "The issuer works on it, and the portal asks by itself. You can close this page."
        case _:
            return "The portal works on it. This takes a moment, and goes on when you close this page."


def cancel_words(operation: Operation, can: Can = Can.NONE) -> str:
    """What cancelling does, and what may still happen, at a CA that can do this."""
    if operation.is_by_hand:
        return (
            "The portal stops waiting for the signed certificate. If you have given the signing request to a CA, it "
            "does not learn of this and may still issue: tell it. A certificate that comes can still be brought here."
        )
    if operation.unclear_at is not None:
        return (
            "It ends when an administrator has said whether the CA has the order: if so, the CA is asked to stop; if "
            "not, nothing is sent any more."
        )
    if operation.step in {Operation.Step.SUBMITTING, Operation.Step.ORDERED}:
        if operation.issuer_id is not None and Can.CANCEL not in can:
            return (
                "It has been sent, and this CA has no way to withdraw an order. The request ends here; what the CA "
                "issues all the same is looked for and shown on this page, and it may cost money."
            )
        return "It has been sent. The issuer is asked to stop; if it has issued already, you get the certificate."
    return "Nothing has been sent yet, so it ends at once and nothing is issued."


def advice(operation: Operation) -> str:
    """What a person can do about a failed operation."""
    if operation.error_code == "StepFailed":
        return "Ask again with the same answers. If that fails too, tell whoever runs this portal."
    return "Ask again with the same answers if the cause is gone, or change them and ask again."


def failure_title(operation: Operation) -> str:
    """What a failure is called; the CA's own word where it has one."""
    code = operation.error_code
    return _TITLES.get(code, code or "No reason was given")


def is_late(operation: Operation) -> bool:
    """Whether something that should take a second has been running for a minute or more."""
    age = timezone.now() - operation.created_at
    return operation.issuer_name == SELF and is_running_by_itself(operation) and age > _LONG
