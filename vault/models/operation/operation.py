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
from vault.models.operation.history import OperationStep
from vault.models.operation.queries import OperationQuerySet
from vault.models.policy import UNKNOWN, PolicyField
from vault.models.vault import Vault
from vault.models.version import Version

FIRST_WATCH = timedelta(hours=1)


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
    # When the CA last said something new: from then on it is asked often, then ever less.
    news_at = models.DateTimeField(null=True)
    # When the CA was asked to withdraw the order.
    cancel_asked_at = models.DateTimeField(null=True)
    # Whether the order number is a person's word that no certificate has proved yet.
    number_given = models.BooleanField(default=False)
    # When a person last said that nothing was ordered.
    ruled_out_at = models.DateTimeField(null=True)
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
                fields=["issuer"],
                name="operation_waits_for_issuer",
                condition=Q(status="inProgress", deleted_at__isnull=True, next_step_at__isnull=True),
            ),
            models.Index(
                fields=["leased_by"],
                name="operation_leased",
                condition=Q(status="inProgress", deleted_at__isnull=True) & ~Q(leased_by=""),
            ),
        ]

    # Whether whoever holds this object has begun to send in this very step; not a column.
    sent_now = False

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

    @property
    def is_sent_on_a_word(self) -> bool:
        """Whether a person has said that the CA has no order, and it was not sent since."""
        word = self.ruled_out_at
        return word is not None and (self.submitted_at is None or self.submitted_at < word)

    def is_news(self, detail: str, *, ref: dict[str, Any], tasks: list[Any]) -> bool:
        """Whether an answer of the CA says something that the one before did not."""
        if self.step != self.Step.ORDERED or detail != self.detail or tasks != self.tasks:
            return True
        return bool(ref.get("step") != self.provider_ref.get("step"))

    # ----------------------------------------------------- a worker's verbs
    def begin_submitting(self) -> None:
        """Note, before the CA is called, that it is about to be."""
        mine = self._held().filter(step=self.Step.READY, order_number="")
        self._change(mine, step=self.Step.SUBMITTING, submitted_at=timezone.now())
        self.sent_now = True

    def remember(self, ref: dict[str, Any]) -> None:
        """Save the CA's reference (JSON, no secrets) before anything else of its answer is read.

        An order number is kept even when the claim was lost meanwhile; OperationClosed is raised all the same.
        """
        number = str(ref.get("order_id", ""))[:500]
        is_news = bool(number) and number != self.order_number
        try:
            self._advance(provider_ref=ref, order_number=number)
        except OperationClosed:
            if is_news:
                without = Operation.objects.filter(pk=self.pk, order_number="")
                without.update(provider_ref=ref, order_number=number, changes=F("changes") + 1)
                # What a person was asked about has answered itself.
                asked = Operation.objects.unclear().filter(pk=self.pk, order_number=number)
                asked.update(unclear_at=None, next_step_at=timezone.now(), changes=F("changes") + 1)
            raise
        if is_news:
            self.note(f"The CA has the order; its number is {number}", kind=OperationStep.Kind.SENT)

    def await_issuer(
        self, detail: str, *, ref: dict[str, Any], tasks: list[Any], check_at: datetime, said: str = ""
    ) -> None:
        """The CA has the order and is not done; ask again at `check_at`."""
        moment = timezone.now()
        told = detail != self.detail or self.step != self.Step.ORDERED
        is_news = self.is_news(detail, ref=ref, tasks=tasks)
        self._advance(
            step=self.Step.ORDERED,
            provider_ref=ref,
            order_number=str(ref.get("order_id", ""))[:500],
            tasks=tasks,
            detail=detail,
            said=said,
            asked_at=moment,
            news_at=moment if is_news else self.news_at,
            unclear_at=None,
            attempts=0,
            leased_by="",
            next_step_at=check_at,
        )
        if told:
            self.note(detail)

    def back_to_ready(self, detail: str, *, again_at: datetime | None) -> None:
        """Nothing reached the CA: it may be sent again at `again_at` (None: when its issuer is resumed)."""
        changes = {"detail": detail, "asked_at": timezone.now(), "leased_by": "", "next_step_at": again_at}
        self._change(self._held().filter(order_number=""), step=self.Step.READY, unclear_at=None, **changes)

    def try_again_later(self, detail: str, *, again_at: datetime | None, asked: bool = False) -> None:
        """Leave the step as it is and come back at `again_at` (None: when its issuer is resumed).

        `asked`: the CA was called for this.
        """
        moment = {"asked_at": timezone.now()} if asked else {}
        self._advance(detail=detail, leased_by="", next_step_at=again_at, **moment)

    def leave_to_a_person(self, detail: str, *, candidates: list[Any], again_at: datetime | None = None) -> bool:
        """Wait until someone says whether the CA has an order; True when that was not known before.

        It is looked for once more at `again_at`, should nobody have said by then.

        `candidates` are orders (JSON) that might be it. A number that a person gave, and that is not right, is
        forgotten.
        """
        is_new = self.unclear_at is None
        forgotten = {"number_given": False, "order_number": "", "provider_ref": {}} if self.number_given else {}
        self._advance(
            step=self.Step.SUBMITTING,
            unclear_at=self.unclear_at or timezone.now(),
            candidates=candidates,
            detail=detail,
            asked_at=timezone.now(),
            leased_by="",
            next_step_at=again_at,
            **forgotten,
        )
        if is_new:
            self.note(detail, kind=OperationStep.Kind.ALERT)
        return is_new

    def note_cancel_asked(self) -> None:
        """Note that the CA was asked to withdraw the order."""
        self._advance(cancel_asked_at=timezone.now())

    def fail(self, error: VaultError | None = None, *, code: str = "", message: str = "") -> None:
        """End as failed, with the refusal's code and sentence, or the CA's own."""
        code, message = (error.code, str(error)) if error else (code, message)
        changes = {"error_code": code[:64], "error_message": message, "watch_at": self._first_watch()}
        with transaction.atomic():
            self._end(self._held(), self.Status.FAILED, **changes)
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
            unclear_at=None,
            watch_at=None,
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
            self._end(self._held(), self.Status.CANCELLED, detail=detail, watch_at=self._first_watch())
            self.note(detail, kind=OperationStep.Kind.CANCELLED)

    def ask_now(self, *, pause: timedelta) -> bool:
        """Have the CA asked now; False when that is happening already, or happened less than `pause` ago."""
        moment = timezone.now()
        resting = Q(asked_at__isnull=True) | Q(asked_at__lte=moment - pause)
        mine = Operation.objects.in_progress().filter(resting, pk=self.pk, leased_by="")
        mine = mine.filter(Q(next_step_at__isnull=True) | Q(next_step_at__gt=moment))
        if not mine.update(next_step_at=moment, asked_at=moment):
            return False
        self.next_step_at = self.asked_at = moment
        return True

    def adopt_order(self, ref: dict[str, Any]) -> None:
        """Go on with this order on a person's word; only while nobody else knows which it is."""
        changes = {"provider_ref": ref, "order_number": str(ref["order_id"])[:500], "number_given": True}
        self._change(
            self._undecided(),
            step=self.Step.ORDERED,
            detail="",
            unclear_at=None,
            attempts=0,
            next_step_at=timezone.now(),
            **changes,
        )

    def send_again(self) -> None:
        """Send it once more on a person's word that nothing was ordered; `candidates` are no orders of ours then."""
        moment = timezone.now()
        self._change(
            self._undecided(),
            step=self.Step.READY,
            detail="",
            unclear_at=None,
            ruled_out_at=moment,
            attempts=0,
            next_step_at=moment,
        )

    def claim_watch(self, again_at: datetime | None) -> bool:
        """Whether it falls to the caller to look at the order of an ended operation; the next look is at `again_at`."""
        return bool(Operation.objects.to_watch().filter(pk=self.pk).update(watch_at=again_at))

    def keep_late(self, certificates: str) -> bool:
        """Keep what the CA issued after the end (PEM, leaf first); False when that was done already."""
        mine = Operation.objects.filter(pk=self.pk, late_at__isnull=True, version__isnull=True)
        mine = mine.exclude(status=self.Status.IN_PROGRESS)
        return bool(mine.update(late=certificates, late_at=timezone.now(), watch_at=None, changes=F("changes") + 1))

    def settle_late(self, how: LateSettled) -> None:
        """Note what a person decided about the late certificate. Raises OperationClosed when that was done already."""
        self._change(Operation.objects.with_late_certificate().filter(pk=self.pk), late_settled=how)

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
    def _undecided(self) -> models.QuerySet[Operation]:
        return Operation.objects.unclear().filter(pk=self.pk, order_number="", leased_by="")

    def _first_watch(self) -> datetime | None:
        """When to look at the order of an operation that ends now without a certificate."""
        return timezone.now() + FIRST_WATCH if self.order_number and self.issuer_id else None

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
        if status != self.Status.COMPLETED:
            Certificate.objects.filter(pk=self.certificate_id).look_again()

    def _change(self, mine: models.QuerySet[Operation], **changes: Any) -> None:
        if not mine.update(changes=F("changes") + 1, **changes):
            raise OperationClosed(f"The request for “{self.certificate}” has already ended, or was changed meanwhile.")
        for name, value in changes.items():
            setattr(self, name, value)
        self.changes += 1
