"""What all simulators share: orders, a throw-away CA, scripted faults, and a way to act as the CA's staff.

A simulator speaks its CA's wire protocol on loopback, so that an issuer can be rehearsed and tested without cost.
It subclasses `Simulator`, says what each call is for in `name_of`, and answers it in `handle`.
"""

import contextlib
import logging
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from vault.simulators.authority import Authority, csr_der, names_in, serial_of
from vault.simulators.script import COMMON, Fault, Script
from vault.simulators.server import Call, Reply, Server, ServerTls

__all__ = ["Authority", "Call", "Fault", "Order", "Reply", "Script", "ServerTls", "Simulator"]

log = logging.getLogger(__name__)

CONTROL = "/_simulator/"
_PAGE = "<!DOCTYPE html><title>Proxy</title><h1>The requested service is not available</h1>"
# Said by a fault before the call is handled, or after.
_AFTER = {"status-after", "reset-after", "truncate", "html-after"}


@dataclass(kw_only=True)
class Order:
    """One order. `status`: pending, approval, validation, issued, rejected, cancelled or revoked, whatever its CA says.

    `csr` and `certificate` are DER; `data` holds what one CA alone knows; `events` what happened, in order.
    """

    id: str
    csr: bytes = b""
    common_name: str = ""
    names: tuple[str, ...] = ()
    status: str = "pending"
    comment: str = ""
    certificate: bytes | None = None
    polls: int = 0
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    data: dict[str, Any] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def become(self, status: str) -> None:
        """Change the state and note it."""
        self.status = status
        self.events.append(status)


class Simulator(ABC):
    """A CA that is none. `orders` are all that were ever accepted; `counts` the calls by their names.

    `title` names it in every answer; `provider` is the kind of issuer that it plays the CA for.
    """

    title: ClassVar[str]
    provider: ClassVar[str]
    first_number: ClassVar[int] = 100001

    def __init__(self, *, port: int = 0, script: Script | None = None, tls: ServerTls | None = None) -> None:
        self.script = script or Script()
        self.authority = Authority(f"{self.provider} Rehearsal")
        self.orders: list[Order] = []
        self.counts: Counter[str] = Counter()
        self.lock = threading.RLock()
        self._by_id: dict[str, Order] = {}
        self._over = threading.Event()
        self._tls = tls
        self._server = Server(port, self._answer, tls)
        self._thread: threading.Thread | None = None

    # ------------------------------------------------- what each CA does itself
    @abstractmethod
    def name_of(self, call: Call) -> str:
        """Say what a call is for: submit, poll, find, download, cancel, revoke, check …; scripts use these names."""

    @abstractmethod
    def handle(self, call: Call) -> Reply:
        """Answer a call as the CA would. Runs one at a time."""

    @abstractmethod
    def values(self) -> Mapping[str, str]:
        """Return what to enter into the issuer's form, by the names of its fields; secrets included."""

    def refusal(self, status: int) -> Reply:
        """Return a refusal in the CA's own form."""
        return Reply(status=status, json={"error": f"HTTP {status}"})

    def act(self, order: Order, verb: str, value: str) -> None:
        """Do what the CA's staff or a domain's owner would: issue, approve, reject, validate, revoke."""
        match verb:
            case "issue":
                self.issue(order)
            case "approve" | "validate":
                order.become("pending")
            case "reject":
                order.comment = value or "The organisation could not be reached."
                order.become("rejected")
            case "revoke":
                self.revoke(order, value or "unspecified")

    # -------------------------------------------------------------------- orders
    def accept(self, csr: bytes | str, **facts: Any) -> Order:
        """Take an order; it gets a number. Scripts decide what it waits for. Raises ValueError for a bad CSR."""
        common_name, names = names_in(csr)
        order = Order(id=self.next_id(), csr=csr_der(csr), common_name=common_name, names=names)
        for name, value in facts.items():
            setattr(order, name, value)
        order.events.append("accepted")
        if self.script.approval or self.fault("needs-approval"):
            order.become("approval")
        elif self.fault("ov-wait"):
            order.become("validation")
        elif refused := self.fault("reject"):
            self.act(order, "reject", refused.value)
        self.orders.append(order)
        self._by_id[order.id] = order
        return order

    def next_id(self) -> str:
        """Return the number of the next order."""
        return str(self.first_number + len(self.orders))

    def order(self, number: str) -> Order | None:
        """Find an order; None when there is none."""
        return self._by_id.get(number)

    def look(self, order: Order) -> None:
        """Count that someone asked about an order; it is issued when it was asked about often enough."""
        order.polls += 1
        late = order.status == "cancelled" and order.data.get("late")
        if late or (order.status == "pending" and order.polls > self.script.delay_polls):
            self.issue(order)

    def issue(self, order: Order, **how: Any) -> None:
        """Make the certificate of an order, as scripts have it; `how` goes to `Authority.issue`."""
        if self.fault("wrong-key"):
            how["wrong_key"] = True
        if extra := self.fault("extra-names"):
            how["extra_names"] = (extra.value or f"www.{order.common_name}",)
        if short := self.fault("short-validity"):
            how["days"] = int(short.value or 7)
        order.certificate = self.authority.issue(order.csr, **how)
        order.become("issued")

    def withdraw(self, order: Order) -> None:
        """Cancel an order that is open; scripts may have it issued all the same."""
        order.data["late"] = self.fault("late-issue") is not None
        order.become("cancelled")

    def revoke(self, order: Order, reason: str) -> None:
        """Revoke what was issued for an order."""
        if order.certificate is not None:
            self.authority.revoke(serial_of(order.certificate), reason)
        order.become("revoked")

    def chain(self, order: Order, *, root: bool = False) -> str:
        """Return an order's certificate and chain as PEM; scripts add the root and CR LF."""
        assert order.certificate is not None
        odd = self.fault("crlf-root") is not None
        return self.authority.chain_pem(order.certificate, root=root or odd, crlf=odd)

    def fault(self, do: str, on: str = "*") -> Fault | None:
        """Return the scripted fault of this kind, if it is due now (at the call named `on`)."""
        return self.script.take(on, (do,))

    def clear(self, script: Script | None = None) -> None:
        """Forget all orders and counts, and begin this script."""
        with self.lock:
            self.orders.clear()
            self._by_id.clear()
            self.counts.clear()
            self.script = script or Script()

    # -------------------------------------------------------------------- server
    @property
    def address(self) -> str:
        """Where it listens: http://127.0.0.1:PORT."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def start(self) -> Self:
        """Listen in a thread of its own."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=self.title, daemon=True)
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Listen until interrupted (Ctrl-C)."""
        with self, contextlib.suppress(KeyboardInterrupt):
            self._over.wait()

    def stop(self) -> None:
        """Listen no more; open connections are ended."""
        self._over.set()
        if self._thread is None:
            self._server.server_close()
            return
        self._server.stop()
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answer(self, call: Call) -> Reply:
        reply = self._control(call) if call.path.startswith(CONTROL) else self._as_scripted(call)
        return replace(reply, headers={**reply.headers, "X-Simulator": self.title})

    def _as_scripted(self, call: Call) -> Reply:
        name = self.name_of(call)
        with self.lock:
            self.counts[name] += 1
            fault = self.script.take(name, COMMON)
        if fault and fault.kind == "slow":
            self._over.wait(fault.number)
        elif fault and fault.kind not in _AFTER:
            return self._broken(fault, Reply())
        reply = self._handled(call)
        return self._broken(fault, reply) if fault else reply

    def _handled(self, call: Call) -> Reply:
        try:
            with self.lock:
                return self.handle(call)
        except Exception:
            log.exception("%s broke at %s %s", self.title, call.method, call.path)
            return self.refusal(500)

    def _broken(self, fault: Fault, reply: Reply) -> Reply:
        """Return what a fault makes of an answer."""
        match fault.kind:
            case "status" | "status-after":
                return self.refusal(int(fault.number))
            case "401":
                return self.refusal(401)
            case "429":
                return replace(self.refusal(429), headers={"Retry-After": fault.value} if fault.value else {})
            case "reset" | "reset-after":
                return Reply(reset=True)
            case "truncate":
                return replace(reply, cut=True)
            case "html" | "html-after":
                page = {"Content-Type": "text/html; charset=utf-8"}
                return Reply(status=int(fault.value or 200), text=_PAGE, headers=page)
            case "garbage":
                return Reply(body=bytes(range(256)), headers={"Content-Type": "application/json"})
            case _:
                return reply

    # ------------------------------------------------------------------- control
    def _control(self, call: Call) -> Reply:
        """Answer a call to the simulator itself."""
        with self.lock:
            match [call.method, *call.path.removeprefix(CONTROL).split("/")]:
                case ["GET", "orders"]:
                    return Reply(json={"orders": [_shown(order) for order in self.orders], "calls": dict(self.counts)})
                case ["POST", "script"]:
                    return self._rewrite(call)
                case ["POST", "orders", number, "issue" | "approve" | "reject" | "validate" | "revoke" as verb]:
                    order = self.order(number)
                    if order is not None:
                        self.act(order, verb, call.body.decode("utf-8", "replace"))
                        return Reply(json=_shown(order))
        return Reply(status=404, json={"error": "There is no such order or call."})

    def _rewrite(self, call: Call) -> Reply:
        try:
            self.script = Script.read(call.json())
        except ValueError as error:
            return Reply(status=400, json={"error": str(error)})
        return Reply(status=204)


def _shown(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "status": order.status,
        "common_name": order.common_name,
        "names": list(order.names),
        "polls": order.polls,
        "created": order.created.isoformat(),
        "events": order.events,
        "issued": order.certificate is not None,
    }
