"""When nothing is asked of a CA for a while: its issuer is paused, and its operations wait."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from vault import notices, queue
from vault.models import Issuer, Operation
from vault.models.audit import SYSTEM, record
from vault.providers.base import NotAuthorised, RateLimited

log = logging.getLogger(__name__)

FIRST_SLOWDOWN, LONGEST_SLOWDOWN = timedelta(seconds=30), timedelta(minutes=5)
# So many waiting operations are rung for at once; the others come up by their time.
RUNG_AT_ONCE = 500


def for_credentials(issuer: Issuer, error: NotAuthorised) -> bool:
    """Pause an issuer whose credentials the CA refuses; False when it was edited meanwhile.

    The refusal was about the credentials of before then.
    """
    with transaction.atomic():
        is_new = issuer.pause_for_credentials(str(error))
        if is_new:
            details = {"issuer": issuer.name, "provider": issuer.provider, "words": str(error)[:500]}
            record("issuers/paused", f"issuers/{issuer}", by=SYSTEM, vault=issuer.vault, details=details)
    if is_new:
        log.warning("The CA refuses the credentials of the issuer %s; it is paused.", issuer.pk)
    issuer.refresh_from_db(fields=["pause", "paused_until", "pause_words", "revision"])
    return issuer.is_paused


def for_rate(issuer: Issuer, error: RateLimited) -> datetime:
    """Pause an issuer whose CA asks us to slow down, and return until when.

    As long as the CA says; else 30 s, doubling with every time in a row up to 5 min.
    """
    doubled = FIRST_SLOWDOWN * (1 << min(issuer.slowed, 8))
    until = timezone.now() + (error.retry_after or min(doubled, LONGEST_SLOWDOWN))
    issuer.pause_for_rate(until, str(error))
    return until


def wait_for(issuer: Issuer) -> tuple[str, datetime | None]:
    """What an operation of a paused issuer says while it waits, and until when (None: until it is resumed)."""
    if issuer.pause == Issuer.Pause.CREDENTIALS:
        sentence = (
            f"The CA refuses the credentials of the issuer “{issuer}”, so nothing is asked of it. An administrator of "
            "the vault can correct them; the request then goes on by itself."
        )
        return sentence, None
    return f"The CA asked the issuer “{issuer}” to slow down. The request goes on by itself.", issuer.paused_until


def move_due(issuer: Issuer, until: datetime | None) -> None:
    """Let everything that is due at a paused issuer wait as well, so that it is not taken up one by one."""
    due = Operation.objects.due().filter(issuer=issuer, leased_by="", step=Operation.Step.ORDERED)
    due.update(next_step_at=until)


def ring_for_issuer(issuer: Issuer) -> int:
    """Let the operations that waited for an issuer to be resumed go on; return how many."""
    waiting = Operation.objects.waiting_for_issuer().filter(issuer=issuer)
    with transaction.atomic():
        first = list(waiting.order_by("pk").values_list("pk", flat=True)[:RUNG_AT_ONCE])
        freed: int = waiting.update(next_step_at=timezone.now())
        for operation_id in first:
            queue.advance_soon(operation_id)
    return freed


def ring_for_resumed() -> int:
    """Ring for operations that wait for an issuer although it is not paused any more; return how many."""
    waiting = Operation.objects.waiting_for_issuer().filter(issuer=OuterRef("pk"))
    resumed = Issuer.objects.light().filter(Exists(waiting)).exclude(pause=Issuer.Pause.CREDENTIALS)
    return sum(ring_for_issuer(issuer) for issuer in resumed)


def tell_administrators() -> int:
    """Tell the administrators about issuers whose credentials are refused, each once; return about how many."""
    untold = Issuer.objects.light().filter(pause=Issuer.Pause.CREDENTIALS, told_at__isnull=True)
    told = 0
    for issuer in untold.select_related("vault"):
        if issuer.claim_telling():
            if notices.tell_credentials_refused(issuer):
                told += 1
            else:
                issuer.unclaim_telling()
    return told
