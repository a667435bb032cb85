"""The operation: one attempt to get one certificate version."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from vault.errors import NotAllowedNow, OperationClosed, VaultError
from vault.models.certificate import Certificate
from vault.models.issuer import Issuer
from vault.models.key import Key
from vault.models.policy import UNKNOWN, PolicyField
from vault.models.vault import Vault
from vault.models.version import Version


class OperationQuerySet(models.QuerySet["Operation"]):
    """Questions about operations, and the claim."""

    def in_progress(self) -> OperationQuerySet:
        """Operations that have not ended, not counting deleted ones."""
        return self.filter(status=Operation.Status.IN_PROGRESS, deleted_at__isnull=True)

    def due(self) -> OperationQuerySet:
        """Operations in progress whose next step should be taken by now."""
        return self.in_progress().filter(next_step_at__lte=timezone.now())

    def waiting_for_merge(self) -> OperationQuerySet:
        """Operations in progress that wait for a person to bring the signed certificate."""
        return self.in_progress().filter(step=Operation.Step.AWAITING_MERGE)

    def light(self) -> OperationQuerySet:
        """Without policy and request: what lists need."""
        return self.defer("policy", "csr", "provider_ref", "tasks", "said", "candidates", "late")

    def claim(self, pk: int, *, lease: timedelta, by: str) -> Operation | None:
        """Reserve an operation that is due, for `lease`; None if it has ended, is not due, or another worker has it.

        The attempt is counted here, before the work starts, so that a step which kills its worker is counted too.
        """
        mine = self.due().filter(pk=pk)
        counted = {"attempts": F("attempts") + 1, "claims": F("claims") + 1}
        if not mine.update(next_step_at=timezone.now() + lease, leased_by=by, **counted):
            return None
        return self.select_related("vault", "certificate", "key", "issuer").get(pk=pk)


class Operation(models.Model):
    """One attempt to obtain a certificate version.

    IN_PROGRESS ─┬─ complete() ─▶ COMPLETED ◀─ complete() by a merge ─┐
                 ├─ fail() ─────▶ FAILED ────────────────────────────┤
                 └─ cancel() ───▶ CANCELLED ─────────────────────────┘

    Every change is one conditional UPDATE that raises OperationClosed when another was faster. A worker's verbs
    hold only while its own claim does (`claims` is the fencing token).
    """

    class Status(models.TextChoices):
        """The status on the wire."""

        IN_PROGRESS = "inProgress", "In progress"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Step(models.TextChoices):
        """Where an operation in progress stands."""

        AWAITING_APPROVAL = "awaiting_approval", "Waiting for approval"
        READY = "ready", "Ready to be sent"
        SUBMITTING = "submitting", "Being sent"
        ORDERED = "ordered", "Ordered"
        AWAITING_MERGE = "awaiting_merge", "Waiting for the signed certificate"
        DONE = "done", "Done"

    class Reason(models.TextChoices):
        """Why it was started."""

        REQUEST = "request", "Request"
        RENEWAL = "renewal", "Renewal"

    class LateSettled(models.TextChoices):
        """What became of a certificate that was issued after the end."""

        NONE = "", "Not decided"
        ADOPTED = "adopted", "Adopted"
        REVOKED = "revoked", "Revoked"
        LEFT = "left", "Left as it is"

    request_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="operations")
    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="operations")
    status = models.CharField(max_length=10, choices=Status, default=Status.IN_PROGRESS)
    step = models.CharField(max_length=20, choices=Step, default=Step.READY)
    reason = models.CharField(max_length=10, choices=Reason, default=Reason.REQUEST)
    policy = PolicyField()
    issuer_name = models.CharField(max_length=127)
    issuer = models.ForeignKey(Issuer, null=True, on_delete=models.SET_NULL, related_name="operations")
    key = models.ForeignKey(Key, null=True, on_delete=models.SET_NULL, related_name="operations")
    csr = models.BinaryField()
    spki_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    version = models.OneToOneField(Version, null=True, on_delete=models.SET_NULL, related_name="operation")
    tags = models.JSONField(default=dict)
    enabled = models.BooleanField(default=True)
    preserve_order = models.BooleanField(default=False)
    provider_ref = models.JSONField(default=dict)
    # What the CA calls the order, for people and lists; empty until it has one.
    order_number = models.CharField(max_length=500, blank=True)
    tasks = models.JSONField(default=list)
    detail = models.TextField(blank=True)
    # The CA's last answer in its own words, and when it came.
    said = models.TextField(blank=True)
    asked_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    # Since when only a person can say whether the CA has an order, and orders that might be it.
    unclear_at = models.DateTimeField(null=True)
    candidates = models.JSONField(default=list)
    # When to look again at the order of an operation that has ended without a certificate.
    watch_at = models.DateTimeField(null=True)
    # What the CA issued after the end: certificate and chain as PEM, and what a person decided about it.
    late = models.TextField(blank=True)
    late_at = models.DateTimeField(null=True)
    late_settled = models.CharField(max_length=10, blank=True, choices=LateSettled)
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.TextField(blank=True)
    cancellation_requested = models.BooleanField(default=False)
    submission = models.UUIDField(null=True, unique=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    attempts = models.PositiveIntegerField(default=0)
    claims = models.PositiveIntegerField(default=0)
    leased_by = models.CharField(max_length=120, blank=True)
    next_step_at = models.DateTimeField(null=True)
    changes = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Operation]] = models.Manager.from_queryset(OperationQuerySet)()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["certificate"],
                condition=Q(status="inProgress", deleted_at__isnull=True),
                name="one_in_progress",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_step_at"],
                name="operation_due",
                condition=Q(status="inProgress", deleted_at__isnull=True, next_step_at__isnull=False),
            ),
            models.Index(fields=["vault", "-id"], name="operation_newest_in_vault"),
            models.Index(fields=["vault", "status", "-id"], name="operation_by_status"),
            models.Index(
                fields=["vault", "step"],
                name="operation_running",
                condition=Q(status="inProgress", deleted_at__isnull=True),
            ),
            models.Index(
                fields=["requested_by"],
                name="operation_running_of_person",
                condition=Q(status="inProgress", deleted_at__isnull=True),
            ),
            models.Index(fields=["issuer", "-ended_at"], name="operation_of_issuer", condition=Q(issuer__isnull=False)),
            models.Index(
                fields=["issuer", "step"],
                name="operation_open_at_issuer",
                condition=Q(status="inProgress", deleted_at__isnull=True, issuer__isnull=False),
            ),
            models.Index(fields=["watch_at"], name="operation_watched", condition=Q(watch_at__isnull=False)),
            models.Index(
                fields=["vault"],
                name="operation_late",
                condition=Q(late_at__isnull=False, late_settled=""),
            ),
            models.Index(fields=["order_number"], name="operation_by_order", condition=~Q(order_number="")),
            models.Index(
                fields=["leased_by"],
                name="operation_leased",
                condition=Q(status="inProgress", deleted_at__isnull=True) & ~Q(leased_by=""),
            ),
        ]

    def __str__(self) -> str:
        return self.request_id.hex

    # ------------------------------------------------------------- questions
    @property
    def is_in_progress(self) -> bool:
        """Whether it may still change by itself or by a person."""
        return self.status == self.Status.IN_PROGRESS and self.deleted_at is None

    @property
    def can_be_merged(self) -> bool:
        """Whether a signed certificate may be brought now: when one is waited for, or after failure or cancellation."""
        if self.deleted_at is not None or not self.csr:
            return False
        if self.status == self.Status.IN_PROGRESS:
            return self.step == self.Step.AWAITING_MERGE
        return self.status in {self.Status.FAILED, self.Status.CANCELLED}

    @property
    def is_by_hand(self) -> bool:
        """Whether its CA is one the portal does not know, so that a person carries request and answer."""
        return self.issuer_name == UNKNOWN

    @property
    def key_is_elsewhere(self) -> bool:
        """Whether the request was brought, so that its private key was never here."""
        return self.key_id is None

    # ----------------------------------------------------- a worker's verbs
    def begin_submitting(self) -> None:
        """Note, before the CA is called, that it is about to be."""
        self._advance(step=self.Step.SUBMITTING)

    def remember(self, ref: dict[str, Any]) -> None:
        """Save the CA's reference (JSON, no secrets) before anything else of its answer is read."""
        self._advance(provider_ref=ref, order_number=str(ref.get("order_id", ""))[:500])

    def await_issuer(self, detail: str, *, ref: dict[str, Any], tasks: list[Any], check_at: datetime) -> None:
        """The CA has the order and is not done; ask again at `check_at`."""
        told = detail != self.detail or self.step != self.Step.ORDERED
        self._advance(
            step=self.Step.ORDERED,
            provider_ref=ref,
            order_number=str(ref.get("order_id", ""))[:500],
            tasks=tasks,
            detail=detail,
            attempts=0,
            leased_by="",
            next_step_at=check_at,
        )
        if told:
            self.note(detail)

    def back_to_ready(self, detail: str, *, again_at: datetime) -> None:
        """Nothing reached the CA: it may be sent again at `again_at`."""
        self._advance(step=self.Step.READY, detail=detail, leased_by="", next_step_at=again_at)

    def try_again_later(self, detail: str, *, again_at: datetime) -> None:
        """Leave the step as it is and come back at `again_at`."""
        self._advance(detail=detail, leased_by="", next_step_at=again_at)

    def fail(self, error: VaultError | None = None, *, code: str = "", message: str = "") -> None:
        """End as failed, with the refusal's code and sentence, or the CA's own."""
        code, message = (error.code, str(error)) if error else (code, message)
        with transaction.atomic():
            self._end(self._held(), self.Status.FAILED, error_code=code[:64], error_message=message)
            self.note(message, kind=OperationStep.Kind.FAILED)

    # ------------------------------------------------------ anyone's verbs
    def complete(self, version: Version) -> None:
        """End as completed with `version`; allowed in progress and, for a merge, after failure or cancellation."""
        open_still = Operation.objects.filter(pk=self.pk, deleted_at__isnull=True, version__isnull=True)
        self._end(
            open_still.exclude(status=self.Status.COMPLETED),
            self.Status.COMPLETED,
            version=version,
            error_code="",
            error_message="",
        )

    def cancel(self) -> bool:
        """End as cancelled if nothing has been sent yet, else ask for it; True when it has ended.

        Raises OperationClosed when it has ended already.
        """
        unsent = [self.Step.AWAITING_APPROVAL, self.Step.READY, self.Step.AWAITING_MERGE]
        with transaction.atomic():
            try:
                mine = Operation.objects.in_progress().filter(pk=self.pk, step__in=unsent)
                self._end(mine, self.Status.CANCELLED, cancellation_requested=True)
            except OperationClosed:
                mine = Operation.objects.in_progress().filter(pk=self.pk)
                self._change(mine, cancellation_requested=True)
                return False
        return True

    def end_cancelled(self, detail: str) -> None:
        """End as cancelled because the CA said so."""
        with transaction.atomic():
            self._end(self._held(), self.Status.CANCELLED, detail=detail)
            self.note(detail, kind=OperationStep.Kind.CANCELLED)

    def delete_softly(self) -> None:
        """Take it off the pages; the row and its order number stay. Raises NotAllowedNow when that is done already."""
        mine = Operation.objects.filter(pk=self.pk, deleted_at__isnull=True)
        moment = timezone.now()
        if not mine.update(deleted_at=moment, changes=F("changes") + 1):
            raise NotAllowedNow("This request is deleted already.")
        self.deleted_at = moment

    def note(self, text: str, *, kind: OperationStep.Kind | None = None) -> None:
        """Add a line to its history."""
        OperationStep.objects.create(operation=self, kind=kind or OperationStep.Kind.NEWS, text=text[:500])

    # ------------------------------------------------------------- the rule
    def _held(self) -> models.QuerySet[Operation]:
        return Operation.objects.in_progress().filter(pk=self.pk, claims=self.claims)

    def _advance(self, **changes: Any) -> None:
        self._change(self._held(), **changes)

    def _end(self, mine: models.QuerySet[Operation], status: Status, **changes: Any) -> None:
        self._change(
            mine,
            status=status,
            step=self.Step.DONE,
            ended_at=timezone.now(),
            next_step_at=None,
            leased_by="",
            tasks=[],
            **changes,
        )

    def _change(self, mine: models.QuerySet[Operation], **changes: Any) -> None:
        if not mine.update(changes=F("changes") + 1, **changes):
            raise OperationClosed(f"The request for “{self.certificate}” has already ended, or was changed meanwhile.")
        for name, value in changes.items():
            setattr(self, name, value)
        self.changes += 1


class OperationStep(models.Model):
    """One line of an operation's history, with its time."""

    class Kind(models.TextChoices):
        """What sort of news it is."""

        REQUESTED = "requested", "Requested"
        KEY = "key", "Key and request made"
        SENT = "sent", "Sent"
        NEWS = "news", "News"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=10, choices=Kind)
    text = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.text
