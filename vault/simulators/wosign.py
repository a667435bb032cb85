"""A stand-in for WoSign that speaks exactly the default contract profile, which nobody has verified.

Requests are forms with `actionType` and `connect_token`; answers are text like `[1];OrderID=100001;orderStatus=1`.
"""

import base64
from collections.abc import Mapping
from typing import ClassVar

from vault.simulators.kit import Call, Order, Reply, Simulator

TOKEN = "rehearsal-connect-token"  # noqa: S105 - opens nothing but this simulator
_NAMES = {
    "MakeOrder": "submit",
    "QueryOrderStatusCode": "poll",
    "CancelOrder": "cancel",
    "ReStartOrder": "revoke",
}
_STATES = {"pending": 1, "approval": 1, "issued": 2, "rejected": 3, "cancelled": 4, "validation": 5, "revoked": 4}


class WoSignSimulator(Simulator):
    """Orders, states, cancel and revoke, as the default profile has them."""

    title: ClassVar[str] = "WoSign, default contract profile, not verified"
    provider: ClassVar[str] = "WoSign"

    def name_of(self, call: Call) -> str:
        """By `actionType`; a question about an order that was never made is a check."""
        form = call.form()
        name = _NAMES.get(form.get("actionType", ""), "")
        return "check" if name == "poll" and self.order(form.get("OrderID", "")) is None else name

    def values(self) -> Mapping[str, str]:
        """What the issuer's form needs."""
        return {"address": self.address, "password": TOKEN}

    def refusal(self, status: int) -> Reply:
        """A bare refusal: none is known of WoSign's own."""
        return Reply(status=status, text=f"HTTP {status}")

    def handle(self, call: Call) -> Reply:
        """Answer one action."""
        form = call.form()
        if form.get("connect_token") != TOKEN:
            return _said(2, message="connect_token is wrong")
        if form.get("actionType") == "MakeOrder":
            return self._make(form)
        order = self.order(form.get("OrderID", ""))
        if order is None:
            return _said(3, message="no such order")
        match form.get("actionType"):
            case "QueryOrderStatusCode":
                return self._state(order)
            case "CancelOrder":
                return self._cancel(order)
            case "ReStartOrder" if order.status == "issued":
                self.revoke(order, form.get("reason", ""))
                return _said(1, OrderID=order.id)
        return _said(0, message="this cannot be done now")

    def _make(self, form: Mapping[str, str]) -> Reply:
        names = tuple(name for name in form.get("certallDomain", "").split(",") if name)
        if not names or form.get("certencryptType") != "SHA2" or not form.get("certExpTime", "").isdecimal():
            return _said(0, message="certallDomain, certExpTime or certencryptType is missing")
        if form.get("certName", "OVZhenSSLPro") not in {"OVZhenSSLPro", "EVZhenSSLPro"}:
            return _said(0, message="certName is unknown")
        try:
            order = self.accept(form.get("CSR", ""), common_name=names[0], names=names)
        except ValueError:
            return _said(0, message="the CSR cannot be read")
        order.data["months"] = int(form["certExpTime"])
        return _said(1, **self._facts(order))

    def _state(self, order: Order) -> Reply:
        self.look(order)
        if self.fault("unknown-status", "poll"):
            return _said(1, OrderID=order.id, orderStatus="77", message="in a state of its own")
        facts = self._facts(order)
        if order.status == "issued" and self.fault("not-yet", "poll") is None:
            assert order.certificate is not None
            facts["certificate"], facts["intermediateCertificate"] = self._parts(order)
        return _said(1, **facts)

    def _facts(self, order: Order) -> dict[str, str]:
        facts = {"OrderID": order.id, "orderStatus": str(_STATES[order.status])}
        return facts | {"message": order.comment} if order.status == "rejected" else facts

    def _parts(self, order: Order) -> tuple[str, str]:
        """Leaf and chain in base64; scripts have the whole chain as PEM with CR LF instead."""
        assert order.certificate is not None
        if self.fault("crlf-root"):
            return self.authority.chain_pem(order.certificate, crlf=True), ""
        return _base64(order.certificate), _base64(self.authority.intermediate)

    def _cancel(self, order: Order) -> Reply:
        if order.status not in {"pending", "approval", "validation"}:
            return _said(0, message="the order has ended")
        self.withdraw(order)
        return _said(1, OrderID=order.id)


def _said(mark: int, **facts: str) -> Reply:
    return Reply(text=";".join([f"[{mark}]", *(f"{name}={value}" for name, value in facts.items())]))


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
