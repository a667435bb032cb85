"""Requests that wait for an approver: approved here where that is wished and allowed, else a task for a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from vault.providers.base import Outcome, Pending, Ref, Task, TaskKind
from vault.providers.digicert.account import Account
from vault.providers.digicert.orders import APPROVED, Order, number_of, with_data
from vault.providers.digicert.wire import TITLE, Api, quoted

_APPROVED_HERE, _BY_ANOTHER = "approved", "by_another"
_SOON = timedelta(seconds=10)


def approve(api: Api, account: Account, ref: Ref, order: Order) -> Outcome:
    """Approve what waits, once; a refusal means that another person has to. Raises Transient, NotAuthorised."""
    asked = order.latest()
    number = asked.number if asked is not None else ""
    if ref.data.get(_APPROVED_HERE) == number != "":
        return Pending(ref=ref, detail=f"The request {number} is approved. {TITLE} goes on.")
    if account.approves and number and ref.data.get(_BY_ANOTHER) != number:
        words = approve_request(api, number)
        if not words:
            ref = replace(ref, data=with_data(ref, **{_APPROVED_HERE: number}))
            return Pending(ref=ref, detail=f"The request {number} is approved. {TITLE} goes on.", retry_after=_SOON)
        ref = replace(ref, data=with_data(ref, **{_BY_ANOTHER: number, "why": words}))
    return _task(account, ref, number)


def approve_request(api: Api, number: str) -> str:
    """Approve one request; "" when that is done, else what DigiCert said. Raises Transient, NotAuthorised."""
    body = {"status": APPROVED, "processor_comment": "portal"}
    reply = api.change(f"/request/{number}/status", body, may_lack_right=True)
    return quoted(reply.code, reply.words) if reply.refused else ""


def _task(account: Account, ref: Ref, number: str) -> Pending:
    what = f"request {number}" if number else f"order {number_of(ref)}"
    detail = {"url": account.page(f"requests/{number}"), "request": number}
    task = Task(kind=TaskKind.APPROVE, title=f"Approve {what} in CertCentral.", detail=detail)
    why = f" {TITLE} does not let the issuer's key approve it: {ref.data['why']}" if "why" in ref.data else ""
    return Pending(ref=ref, detail=f"Someone has to approve {what} in CertCentral.{why}", tasks=(task,))
