"""An order's life at the stand-in: issued, approved, rejected, validated, cancelled, revoked."""

from __future__ import annotations

from typing import Any

from vault.simulators.authority import serial_of
from vault.simulators.digicert.orders import Item, has_certificate, is_reissue, requests, waiting
from vault.simulators.kit import Order, Reply, Simulator

# What a script may set, besides faults.
DEFAULTS: dict[str, Any] = {
    "immediate": False,
    "bare": False,
    "dcv": False,
    "approver": True,
    "view_only": False,
    "caa": False,
    "paid_days": 365,
    "list_lag": 0,
    "filters": True,
    "list_pending": True,
    "zone_hours": 0,
    "ev": True,
    "no_renewal": False,
    "errors": "list",
}


class Desk(Simulator):
    """What CertCentral's staff, its approvers and its clock do to an order."""

    _made = 0

    def issue(self, order: Order, **how: Any) -> None:
        """Make what the order waits for, by its own names and key."""
        item = waiting(order)
        if item is None:
            return
        order.csr = item.csr
        super().issue(order, names=item.names, common_name=item.common_name, days=item.days, **how)
        assert order.certificate is not None
        item.certificate, item.status = order.certificate, "issued"

    def act(self, order: Order, verb: str, value: str) -> None:
        """Do what CertCentral's staff or the domain's owner would."""
        if verb == "validate":
            order.data["dcv_open"] = False
        if verb == "approve":
            requests(order)[-1]["status"] = "approved"
        super().act(order, verb, value)
        if verb == "reject" and requests(order):
            requests(order)[-1].update(status="rejected", processor_comment=order.comment)
            if is_reissue(order):
                self._drop_reissue(order)

    def cancel(self, order: Order, body: dict[str, Any]) -> Reply:
        """PUT /order/certificate/{id}/status: what is not issued can be withdrawn; of a reissue, only the reissue."""
        if body.get("status") != "canceled" or not body.get("note"):
            return self.error(400, "bad_request_format", "status and note are required")
        if order.status not in {"pending", "validation"}:
            return self.error(400, "invalid_order_status", "The order cannot be canceled in its state")
        if is_reissue(order):
            requests(order)[-1]["status"] = "rejected"
            self._drop_reissue(order)
        else:
            self.withdraw(order)
        return Reply(status=204)

    def _drop_reissue(self, order: Order) -> None:
        item = waiting(order)
        if item is not None:
            item.status = "canceled"
        order.become("issued")

    def decide(self, number: str, body: dict[str, Any]) -> Reply:
        """PUT /request/{id}/status: approve or reject what waits."""
        for order in self.orders:
            for asked in requests(order):
                if str(asked["id"]) == number:
                    return self._settle(order, asked, str(body["status"]))
        return self.error(404, "not_found|request", "Request not found")

    def _settle(self, order: Order, asked: dict[str, Any], status: str) -> Reply:
        if status == "approved" and not self.setting("approver"):
            return self.error(403, "access_denied|invalid_approver", "You may not approve this request")
        if asked["status"] != "pending" or status not in {"approved", "rejected"}:
            return self.error(400, "invalid_request_status", "The request is not pending")
        if asked["type"] == "revoke":
            asked["status"] = status
            if status == "approved":
                self._revoke_item(has_certificate(order, asked["certificate"]), asked["reason"])
        elif status == "approved":
            self.act(order, "approve", "")
        elif is_reissue(order):
            asked["status"] = "rejected"
            self._drop_reissue(order)
        else:
            asked["status"] = "rejected"
            order.become("rejected")
        return Reply(status=204)

    def revoke_one(self, order: Order | None, item: Item | None, body: dict[str, Any]) -> Reply:
        """PUT /certificate/{id or serial number}/revoke: at once, or once an approver agrees."""
        if order is None or item is None:
            return self.error(404, "not_found|certificate", "Certificate not found")
        if is_reissue(order):
            return self.error(400, "reissue_pending", "A reissue of this order is pending")
        if item.status == "revoked":
            return self.error(400, "order_already_revoked", "The certificate is revoked already")
        if body.get("skip_approval") and self.setting("approver"):
            self._revoke_item(item, str(body["revocation_reason"]))
            return Reply(status=204)
        asked = {"id": 922432 + self.next_number(), "type": "revoke", "status": "pending", "certificate": item.number}
        requests(order).append({**asked, "reason": str(body["revocation_reason"])})
        return Reply(status=201, json={"id": asked["id"], "type": "revoke", "status": "pending"})

    def _revoke_item(self, item: Item | None, reason: str) -> None:
        if item is not None:
            item.status = "revoked"
            self.authority.revoke(serial_of(item.certificate), reason)

    # --------------------------------------------------------------------- small
    def error(self, status: int, code: str, message: str) -> Reply:
        """Return a refusal as CertCentral writes it."""
        error = {"code": code, "message": message}
        return Reply(status=status, json={"errors": error if self.setting("errors") == "object" else [error]})

    def setting(self, name: str) -> Any:
        """A setting of the script, or its default."""
        return self.script.more.get(name, DEFAULTS[name])

    def next_number(self) -> int:
        """Return a number that was not used yet."""
        self._made += 1
        return self._made
