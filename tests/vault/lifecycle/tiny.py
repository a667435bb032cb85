"""A CA of a few lines, to test the driver with: adapters “Tiny”, which can list orders, and “Blind”, which cannot."""

# ruff: noqa: ARG002 - a protocol's arguments
from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from vault.providers.base import (
    Can,
    Cancelled,
    CancelResult,
    CertRequest,
    Checkpoint,
    Failed,
    FieldKind,
    FormField,
    InvalidRequest,
    Issued,
    Lookup,
    NotAuthorised,
    Offer,
    OrderNotFound,
    Outcome,
    Pending,
    Provider,
    Ref,
    Rejected,
    RevocationReason,
    RevokeResult,
    Setup,
    Task,
    TaskKind,
)
from vault.providers.web import Answer, Purpose, Web
from vault.simulators.kit import Call, Order, Reply, Simulator
from vault.x509.certificates import split_pem
from vault.x509.requests import describe_csr

KEY = "tiny-key"


class TinySimulator(Simulator):
    """Orders as JSON: POST /orders, GET /orders[?key=], GET /orders/N, /orders/N/certificate, /cancel, /revoke."""

    title: ClassVar[str] = "Tiny"
    provider: ClassVar[str] = "Tiny"
    key = KEY

    def name_of(self, call: Call) -> str:
        match [call.method, *call.path.strip("/").split("/")]:
            case ["POST", "orders"]:
                return "submit"
            case ["GET", "orders"]:
                return "find"
            case ["GET", "orders", _]:
                return "poll"
            case ["GET", "orders", _, "certificate"]:
                return "download"
            case ["POST", "orders", _, verb]:
                return verb
        return "check"

    def values(self) -> Mapping[str, str]:
        return {"address": self.address, "password": self.key}

    def handle(self, call: Call) -> Reply:
        if call.headers.get("X-Key") != self.key:
            return Reply(status=401, json={"error": "bad key"})
        name = self.name_of(call)
        if name == "submit":
            return self._submit(call)
        if name == "find":
            found = [one for one in self.orders if describe_csr(one.csr).spki_sha256 == call.params.get("key")]
            return Reply(json={"orders": [one.id for one in found], "complete": not self.fault("incomplete-list")})
        order = self.order(call.path.split("/")[2])
        if order is None:
            return Reply(status=404, json={"error": "no such order"})
        return self._about(name, order)

    def _submit(self, call: Call) -> Reply:
        if self.fault("refuse"):
            return Reply(status=400, json={"error": "This product is not in your account."})
        order = self.accept(base64.b64decode(call.json()["csr"]))
        if self.fault("at-once"):
            self.issue(order)
        return Reply(status=201, json={"id": order.id, "status": order.status})

    def _about(self, name: str, order: Order) -> Reply:
        match name:
            case "poll":
                self.look(order)
                return Reply(json={"id": order.id, "status": order.status, "comment": order.comment})
            case "download":
                return Reply(text=self.chain(order))
            case "cancel":
                if order.status == "issued":
                    return Reply(status=409, json={"error": "issued"})
                self.withdraw(order)
                return Reply(json={"status": "processing" if self.fault("slow-cancel") else "cancelled"})
            case "revoke":
                again = order.status == "revoked"
                waits = self.fault("revoke-waits") is not None
                if not waits:
                    self.revoke(order, "unspecified")
                return Reply(json={"again": again, "waits": waits})
        return Reply(status=404, json={"error": "no such call"})


@dataclass(frozen=True, kw_only=True)
class Tiny(Provider):
    """Talks to `TinySimulator`."""

    title: ClassVar[str] = "Tiny"
    can: ClassVar[Can] = Can.CANCEL | Can.REVOKE | Can.FIND_ORDERS
    give_up_after: ClassVar[timedelta | None] = timedelta(days=30)
    pace: ClassVar[tuple[timedelta, ...]] = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))
    web: Web

    def validate(self, request: CertRequest) -> tuple[str, ...]:
        if "invalid.example" in request.names.dns:
            raise InvalidRequest("Tiny issues nothing for invalid.example.")
        return ("The name is doubtful.",) if "doubt.example" in request.names.dns else ()

    def submit(self, request: CertRequest, save: Checkpoint) -> Outcome:
        body = {"csr": base64.b64encode(request.csr).decode(), "tag": request.operation_id}
        answer = self.web.call("POST", "/orders", purpose=Purpose.ORDER, json=body)
        self._authorised(answer)
        told = self.web.json(answer, Purpose.ORDER)
        if answer.status == 400:
            raise Rejected(f"Tiny: {told['error']}")
        ref = Ref(order_id=told["id"])
        save(ref)
        return self._outcome(ref, told)

    def poll(self, request: CertRequest, ref: Ref, save: Checkpoint) -> Outcome:
        return self._outcome(ref, self._get(f"/orders/{ref.order_id}"))

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        told = self._get("/orders", key=request.spki_sha256)
        found = tuple(Ref(order_id=number) for number in told["orders"])
        return Lookup(found=found, complete=told["complete"])

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        answer = self.web.call("POST", f"/orders/{ref.order_id}/cancel", purpose=Purpose.WRITE)
        self._authorised(answer)
        if answer.status == 409:
            return CancelResult.TOO_LATE
        told = self.web.json(answer, Purpose.WRITE)
        return CancelResult.REQUESTED if told["status"] == "processing" else CancelResult.DONE

    def revoke(self, certificate: bytes, ref: Ref | None, reason: RevocationReason, note: str) -> RevokeResult:
        assert ref is not None
        answer = self.web.call("POST", f"/orders/{ref.order_id}/revoke", purpose=Purpose.WRITE)
        self._authorised(answer)
        told = self.web.json(answer, Purpose.WRITE)
        if told["waits"]:
            return RevokeResult.REQUESTED
        return RevokeResult.ALREADY if told["again"] else RevokeResult.DONE

    def _outcome(self, ref: Ref, told: dict[str, Any]) -> Outcome:
        match told["status"]:
            case "issued" | "revoked":
                return self._issued(ref)
            case "approval":
                task = Task(kind=TaskKind.APPROVE, title="Approve it.", detail={"url": "https://tiny.example/"})
                return Pending(ref=ref, detail="Tiny waits for approval.", tasks=[task], said="approval")
            case "rejected":
                return Failed(ref=ref, code="Request rejected", message=f"Tiny: {told['comment']}")
            case "cancelled":
                return Cancelled(ref=ref, detail="Tiny has withdrawn the order.")
            case other:
                return Pending(ref=ref, detail="Tiny is working on it.", said=other)

    def _issued(self, ref: Ref) -> Outcome:
        answer = self.web.call("GET", f"/orders/{ref.order_id}/certificate", purpose=Purpose.READ)
        leaf, *chain = split_pem(answer.text())
        return Issued(ref=ref, leaf=leaf, chain=tuple(chain))

    def _get(self, path: str, **params: str) -> dict[str, Any]:
        answer = self.web.call("GET", path, purpose=Purpose.READ, params=params)
        self._authorised(answer)
        if answer.status == 404:
            raise OrderNotFound("Tiny does not know this order.")
        told: dict[str, Any] = self.web.json(answer, Purpose.READ)
        return told

    def _authorised(self, answer: Answer) -> None:
        if answer.status == 401:
            raise NotAuthorised("Tiny refuses the key.")


@dataclass(frozen=True, kw_only=True)
class Blind(Tiny):
    """Has no way to look for orders, and none to withdraw them."""

    title: ClassVar[str] = "Blind"
    can: ClassVar[Can] = Can.NONE

    def find(self, request: CertRequest, since: datetime) -> Lookup:
        return Lookup(complete=False)

    def cancel(self, request: CertRequest, ref: Ref) -> CancelResult:
        return CancelResult.UNSUPPORTED


def _web(setup: Setup) -> Web:
    headers = {"X-Key": setup.secrets.get("password", "")}
    return Web(title="Tiny", base=setup.config["address"], rules=setup.rules, headers=headers)


_FIELDS = (
    FormField(name="address", label="Address", kind=FieldKind.ADDRESS),
    FormField(name="password", label="Key", kind=FieldKind.SECRET, secret=True),
)
TINY = Offer(key="Tiny", title="Tiny", about="For tests.", fields=_FIELDS, build=lambda setup: Tiny(web=_web(setup)))
BLIND = Offer(
    key="Blind", title="Blind", about="For tests.", fields=_FIELDS, build=lambda setup: Blind(web=_web(setup))
)
