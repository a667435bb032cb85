"""CertCentral, Services API v2, as far as an issuer uses it (https://dev.digicert.com/certcentral-apis/services-api.html).

Settings of its own in a script: `immediate` (the certificate comes with the answer to the order), `bare` (the answer
holds the order's number and its request alone), `dcv` (domains have to be proved: true, or after so many checks),
`approver` (false: the key's user may not approve), `view_only` (the key may not order), `caa` (CAA forbids),
`paid_days` (how long orders are paid for), `no_renewal` (none can be renewed), `list_lag` (so many lists come without
orders), `filters` (false: the list ignores them), `list_pending` (false: reissues are listed once they are issued),
`zone_hours` (the time zone in which the list reads times), `ev` (false: not validated for EV), `errors` ("object":
`errors` is no list).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from vault.simulators.authority import csr_der
from vault.simulators.digicert import facts, orders
from vault.simulators.digicert.desk import Desk
from vault.simulators.digicert.facts import ACCOUNT, API_KEY, ORGANISATION, PRODUCTS, in_days, stamp
from vault.simulators.digicert.orders import Item, current, has_certificate, is_reissue, items, requests, waiting
from vault.simulators.kit import Call, Order, Reply, Script, ServerTls

BASE = "/services/v2/"
MOST_DAYS = 199
TOKEN = "fjqr7th5ds"  # noqa: S105 - published in the DNS


class DigiCertSimulator(Desk):
    """Orders, approval, validation, reissue, renewal, revocation, lists; issues from a throw-away CA."""

    title: ClassVar[str] = "DigiCert"
    provider: ClassVar[str] = "DigiCert"
    first_number: ClassVar[int] = 542772

    def __init__(self, *, port: int = 0, script: Script | None = None, tls: ServerTls | None = None) -> None:
        super().__init__(port=port, script=script, tls=tls)
        self.bodies: list[dict[str, Any]] = []
        self.reissued = 0

    def clear(self, script: Script | None = None) -> None:
        """Forget what was ordered, and begin this script."""
        super().clear(script)
        self.bodies.clear()
        self.reissued = self._made = 0

    def values(self) -> Mapping[str, str]:
        """What the issuer's form is to hold."""
        return {
            "account_id": str(ACCOUNT),
            "password": API_KEY,
            "organisation_id": str(ORGANISATION),
            "address": f"{self.address}{BASE}".rstrip("/"),
        }

    def refusal(self, status: int) -> Reply:
        """A refusal in CertCentral's form."""
        codes = {401: "invalid_api_key", 429: "request_limit_exceeded", 406: "invalid_accept"}
        return self.error(status, codes.get(status, "server_error"), f"HTTP {status}")

    # ------------------------------------------------------------------- calls
    def name_of(self, call: Call) -> str:
        """Say what a call is for."""
        match [call.method, *call.path.removeprefix(BASE).split("/")]:
            case ["POST", "order", "certificate", _]:
                return "submit"
            case ["POST", "order", "certificate", _, "reissue"]:
                return "reissue"
            case ["GET", "order", "certificate"] | ["GET", "order", "certificate", _, "reissue"]:
                return "find"
            case ["GET", "order", "certificate", _]:
                return "poll"
            case ["GET", "certificate", *_]:
                return "download"
            case ["PUT", "order", "certificate", _, "status"]:
                return "cancel"
            case ["PUT", "order", "certificate", _, "check-dcv" | "dcv-random-value"]:
                return "validate"
            case ["PUT", "request", _, "status"]:
                return "approve"
            case ["PUT", "certificate", _, "revoke"]:
                return "revoke"
            case _:
                return "check"

    def handle(self, call: Call) -> Reply:
        """Answer a call as CertCentral would."""
        if not call.path.startswith(BASE):
            return self.error(404, "not_found|route", "Route not found")
        if call.headers.get("X-DC-DEVKEY") != API_KEY:
            return self.error(401, "invalid_api_key", "The API key is not valid")
        if not {"application/json", "*/*"} & set(call.headers.get("Accept", "*/*").split(", ")):
            return self.refusal(406)
        try:
            body = call.json() if call.body.strip() else {}
            return self._routed(call, body if isinstance(body, dict) else {})
        except (ValueError, KeyError, TypeError):
            return self.error(400, "bad_request_format", "The request is not well-formed")

    def _routed(self, call: Call, body: dict[str, Any]) -> Reply:
        match [call.method, *call.path.removeprefix(BASE).split("/")]:
            case ["GET", "user" | "organization" | "product" | "container" as noun, *rest]:
                found = facts.looked_up(noun, rest, ev=self.setting("ev"))
                return self.error(404, f"not_found|{noun}", "Not found") if found is None else Reply(json=found)
            case ["POST", "order", "certificate", product]:
                return self._ordered(product, body)
            case ["GET", "order", "certificate"]:
                return self._list(call)
            case [method, "order", "certificate", number, *rest]:
                order = self.order(number)
                if order is None:
                    return self.error(404, "not_found|order", "Order not found")
                return self._of_order(method, order, rest, body)
            case ["PUT", "request", number, "status"]:
                return self.decide(number, body)
            case [_, "certificate", *rest]:
                return self._of_certificate(call.method, rest, body)
        return self.error(404, "not_found|route", "Route not found")

    def _of_order(self, method: str, order: Order, rest: list[str], body: dict[str, Any]) -> Reply:
        match [method, *rest]:
            case ["GET"]:
                return self._polled(order)
            case ["GET", "reissue"]:
                return Reply(json=orders.reissues(order, pending=self.setting("list_pending")))
            case ["POST", "reissue"]:
                return self._reissue(order, body)
            case ["PUT", "status"]:
                return self.cancel(order, body)
            case ["PUT", "check-dcv"]:
                return self._checked(order)
            case ["PUT", "dcv-random-value"]:
                return Reply(json={"dcv_random_value": TOKEN, "expiration_date": stamp(in_days(30))})
        return self.error(404, "not_found|route", "Route not found")

    def _of_certificate(self, method: str, rest: list[str], body: dict[str, Any]) -> Reply:
        match [method, *rest]:
            case ["GET", "download", "order", number, "format", _]:
                order = self.order(number)
                return self._sent(order, current(order) if order else None)
            case ["GET", name, "download", "format", _]:
                return self._sent(*self._holder(name))
            case ["PUT", name, "revoke"]:
                return self.revoke_one(*self._holder(name), body)
        return self.error(404, "not_found|route", "Route not found")

    # ---------------------------------------------------------------- ordering
    def _ordered(self, product: str, body: dict[str, Any]) -> Reply:
        self.bodies.append(body)
        if refused := self._unfit(product, body):
            return refused
        before = self.order(str(body.get("renewal_of_order_id", "")))
        if before is not None:
            if before.data.get("renewed") or self.setting("no_renewal"):
                return self.error(400, "order_cannot_be_renewed", "This order cannot be renewed")
            before.data["renewed"] = True
        given = body["certificate"]
        order = self.accept(
            given["csr"],
            common_name=given["common_name"],
            names=tuple(given.get("dns_names", ())),
            data={
                "product": product,
                "organization": body["organization"]["id"],
                "dcv_method": body.get("dcv_method", "email"),
                "paid_days": self.setting("paid_days"),
            },
        )
        self._add(order, given, "new_request", body)
        return self._taken(order)

    def _unfit(self, product: str, body: dict[str, Any]) -> Reply | None:
        if self.setting("view_only"):
            return self.error(403, "access_denied|missing_permission", "This key may not order certificates")
        if product not in PRODUCTS:
            return self.error(404, "not_found|product", "Product not found")
        if body["organization"]["id"] != ORGANISATION:
            return self.error(404, "not_found|organization", "Organization not found")
        if self.setting("caa"):
            return self.error(400, "caa_check_failed|other_ca", "The domain's CAA record does not allow DigiCert")
        return None

    def _reissue(self, order: Order, body: dict[str, Any]) -> Reply:
        self.bodies.append(body)
        if self.setting("view_only"):
            return self.error(403, "access_denied|missing_permission", "This key may not order certificates")
        if order.status != "issued" and not is_reissue(order):
            return self.error(400, "order_cannot_be_reissued", "This order cannot be reissued")
        for item in items(order):
            item.status = "canceled" if item.status == "pending" else item.status
        self.reissued += 1
        self._begin(order)
        self._add(order, body["certificate"], "reissue", body)
        return self._taken(order)

    def _begin(self, order: Order) -> None:
        """As the kit does for a new order: what a reissue waits for."""
        order.polls = 0
        order.become("approval" if self.script.approval or self.fault("needs-approval") else "pending")
        if self.fault("ov-wait"):
            order.become("validation")

    def _add(self, order: Order, given: dict[str, Any], kind: str, body: dict[str, Any]) -> None:
        """Add the certificate to be made, and the request for it."""
        if not (body.get("skip_approval") and self.setting("approver")) and order.status != "rejected":
            order.become("approval")
        elif order.status == "pending" and self.setting("dcv"):
            order.data["dcv_open"] = True
            order.become("validation")
        state = {"approval": "pending", "rejected": "rejected"}.get(order.status, "approved")
        entry = {"id": 922432 + self.next_number(), "date": stamp(datetime.now(UTC)), "type": kind, "status": state}
        entry["comments"] = body.get("comments", "")
        if order.comment:
            entry["processor_comment"] = order.comment
        requests(order).append(entry)
        number = str(688991 + self.next_number())
        names = tuple(given.get("dns_names", ())) or (given["common_name"],)
        days = min(int(given.get("cert_validity", {}).get("days", MOST_DAYS)), MOST_DAYS)
        common_name, asked = given["common_name"], str(entry["id"])
        item = Item(
            number=number, csr=csr_der(given["csr"]), common_name=common_name, names=names, days=days, asked=asked
        )
        items(order).append(item)

    def _taken(self, order: Order) -> Reply:
        """One of the three shapes of a good answer."""
        asked = requests(order)[-1]
        answer: dict[str, Any] = {"id": int(order.id), "requests": [{"id": asked["id"], "status": asked["status"]}]}
        item = waiting(order)
        if item is None or order.status in {"approval", "rejected"} or self.setting("bare"):
            return Reply(status=201, json=answer)
        answer["certificate_id"] = int(item.number)
        if order.data.get("dcv_open"):
            token = {"token": TOKEN, "status": "pending", "expiration_date": stamp(in_days(30))}
            domains = [{"id": 410987, "name": name, "dcv_token": token} for name in _bases(item.names)]
            answer |= {"dcv_random_value": TOKEN, "domains": domains}
        elif order.status == "pending" and self.setting("immediate"):
            self.issue(order)
            names = (item.common_name, "DigiCert Rehearsal Issuing CA", "DigiCert Rehearsal Root")
            blocks = self.authority.chain_pem(item.certificate, crlf=True).split("-----BEGIN ")[1:]
            pairs = zip(names, blocks, strict=True)
            chain = [{"subject_common_name": name, "pem": f"-----BEGIN {block}"} for name, block in pairs]
            answer["certificate_chain"] = chain
        return Reply(status=201, json=answer)

    # ------------------------------------------------------------- an order's life
    def _polled(self, order: Order) -> Reply:
        if odd := self.fault("unknown-status"):
            return Reply(json={**orders.shown(order), "status": odd.value or "quarantined"})
        self.look(order)
        return Reply(json=orders.shown(order))

    def _checked(self, order: Order) -> Reply:
        checks = order.data["checks"] = order.data.get("checks", 0) + 1
        wanted = self.setting("dcv")
        if order.data.get("dcv_open") and not isinstance(wanted, bool) and checks >= wanted:
            self.act(order, "validate", "")
        state = "pending" if order.data.get("dcv_open") else "complete"
        if state == "pending" and order.data["dcv_method"] == "http-token":
            return self.error(400, "invalid_dcv_file", "The file was not found")
        names = (waiting(order) or current(order)).names
        method = order.data["dcv_method"]
        looked_at = [{"dns_name": name, "status": state, "method": method} for name in names]
        return Reply(
            json={"order_status": orders.status(order), "dcv_status": state, "dns_name_validations": looked_at}
        )

    # ------------------------------------------------------------ certificates
    def _sent(self, order: Order | None, item: Item | None) -> Reply:
        if order is None or item is None or not item.certificate or self.fault("not-yet"):
            return self.error(404, "not_found|certificate", "Certificate not found")
        crlf = self.fault("crlf-root") is not None
        return Reply(text=self.authority.chain_pem(item.certificate, crlf=crlf))

    def _holder(self, name: str) -> tuple[Order | None, Item | None]:
        for order in self.orders:
            item = has_certificate(order, name)
            if item is not None:
                return order, item
        return None, None

    # ------------------------------------------------------------------- reading
    def _list(self, call: Call) -> Reply:
        lag = self.setting("list_lag")
        self.script.more["list_lag"] = max(0, lag - 1)
        zone = timedelta(hours=self.setting("zone_hours"))
        filters = self.setting("filters")
        return Reply(json=orders.listed([] if lag else self.orders, call.params, zone=zone, filters=filters))


def _bases(names: tuple[str, ...]) -> list[str]:
    """The domains that names are validated under: their last two labels."""
    return list(dict.fromkeys(".".join(name.split(".")[-2:]) for name in names))
