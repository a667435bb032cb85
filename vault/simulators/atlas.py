"""Atlas that is none: GlobalSign's HVCA REST API on loopback, with or without client certificates.

Scripts may hold besides: `mtls` (true: https, and a client certificate is asked for), `policy` (the validation
policy), `quota` (certificates left), `token_lives` (seconds), `domains` (those verified).
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from vault.simulators.authority import Authority, names_in, pem, serial_of
from vault.simulators.kit import Call, Order, Reply, Script, ServerTls, Simulator

KEY, SECRET = "rehearsal-key", "rehearsal-only"
_REASONS: Final = {
    "unspecified",
    "affiliationChanged",
    "keyCompromise",
    "superseded",
    "cessationOfOperation",
    "privilegeWithdrawn",
}
_NAME: Final = r"^[^\s]+$"
POLICY: Final[dict[str, Any]] = {
    "validity": {
        "secondsmin": 3600,
        "secondsmax": 199 * 86_400,
        "not_before_negative_skew": 120,
        "not_before_positive_skew": 3600,
    },
    "subject_dn": {
        "common_name": {"presence": "REQUIRED", "format": _NAME},
        "organization": {"presence": "STATIC", "format": "Example AB (rehearsal)"},
        "organizational_unit": {"static": False, "list": [], "mincount": 0, "maxcount": 0},
        "country": {"presence": "STATIC", "format": "SE"},
        "locality": {"presence": "OPTIONAL", "format": ".*"},
        "email": {"presence": "FORBIDDEN", "format": ""},
    },
    "san": {
        "dns_names": {"static": False, "list": [_NAME], "mincount": 0, "maxcount": 100},
        "emails": {"static": False, "list": [], "mincount": 0, "maxcount": 0},
        "ip_addresses": {"static": False, "list": [_NAME], "mincount": 0, "maxcount": 10},
        "uris": {"static": False, "list": [], "mincount": 0, "maxcount": 0},
    },
    "extended_key_usages": {
        "ekus": {"static": False, "list": [r"^1\.3\.6\.1\.5\.5\.7\.3\.[12]$"], "mincount": 0, "maxcount": 2},
        "critical": False,
    },
    "signature": {
        "algorithm": {"presence": "STATIC", "list": ["RSA"]},
        "hash_algorithm": {"presence": "REQUIRED", "list": ["SHA-256"]},
    },
    "public_key": {"key_type": "RSA", "allowed_lengths": [2048, 4096], "key_format": "PKCS10"},
    "public_key_signature": "FORBIDDEN",
}


class AtlasSimulator(Simulator):
    """Atlas for one API credential and its validation policy."""

    title: ClassVar[str] = "GlobalSign Atlas (rehearsal)"
    provider: ClassVar[str] = "GlobalSign"

    def __init__(self, *, port: int = 0, script: Script | None = None, tls: ServerTls | None = None) -> None:
        self.clients = Authority("Atlas Rehearsal Clients")
        self._asks = bool(script and script.more.get("mtls"))
        if self._asks:
            tls = self.clients.server_tls("127.0.0.1", client_ca=pem(self.clients.root))
        super().__init__(port=port, script=script, tls=tls)
        self._tokens: dict[str, datetime] = {}
        self._client = self.clients.pair("portal.rehearsal")

    def values(self) -> Mapping[str, str]:
        """Return key, secret, client certificate and address."""
        certificate, key = self._client
        found = {
            "platform": "atlas",
            "account_id": KEY,
            "password": SECRET,
            "atlas_address": f"{self.address}/v2",
            "client_certificate": certificate,
            "client_key": key,
        }
        return {**found, "ca_bundle": pem(self.clients.root)} if self._asks else found

    def name_of(self, call: Call) -> str:
        """Name a call by method and path."""
        match [call.method, *call.path.removeprefix("/v2/").split("/")]:
            case ["POST", "login"]:
                return "login"
            case ["POST", "certificates"]:
                return "submit"
            case ["GET", "certificates", _]:
                return "poll"
            case ["PATCH", "certificates", _]:
                return "revoke"
            case ["GET", "trustchain"]:
                return "download"
            case ["GET", "stats", "issued"]:
                return "find"
            case ["GET", "validationpolicy"]:
                return "policy"
            case _:
                return "check"

    def refusal(self, status: int, description: str = "") -> Reply:
        """Return a problem document."""
        headers = {"Content-Type": "application/problem+json"}
        return Reply(status=status, json={"description": description or f"HTTP {status}"}, headers=headers)

    def handle(self, call: Call) -> Reply:
        """Check the token, then answer."""
        path = call.path.removeprefix("/v2/").split("/")
        has_body = call.method in {"POST", "PATCH"}
        if has_body and not call.headers.get("Content-Type", "").lower().startswith("application/json;charset=utf-8"):
            return self.refusal(415, "The content type is not application/json;charset=utf-8")
        if [call.method, *path] == ["POST", "login"]:
            return self._log_in(call)
        if not self._is_signed_in(call):
            return self.refusal(401, "The token is not valid")
        match [call.method, *path]:
            case ["POST", "certificates"]:
                return self._order(call)
            case ["GET" | "PATCH", "certificates", serial]:
                order = self.order(serial)
                if order is None:
                    return self.refusal(404, "There is no such certificate")
                return self._show(order) if call.method == "GET" else self._revoke(order, call)
            case _:
                return self._told(call, "/".join(path))

    # ------------------------------------------------------------------ sign-in
    def _log_in(self, call: Call) -> Reply:
        given = call.json()
        if given != {"api_key": KEY, "api_secret": SECRET}:
            return self.refusal(401, "The API key or secret is wrong")
        token = secrets.token_urlsafe(16)
        self._tokens[token] = datetime.now(UTC) + timedelta(seconds=self.script.more.get("token_lives", 600))
        return Reply(json={"access_token": token})

    def _is_signed_in(self, call: Call) -> bool:
        until = self._tokens.get(call.headers.get("Authorization", "").removeprefix("Bearer "))
        return until is not None and datetime.now(UTC) < until

    # ------------------------------------------------------------- certificates
    def _order(self, call: Call) -> Reply:
        body = call.json()
        if self._left() <= 0:
            return self.refusal(403, "Insufficient quota")
        refused = self.fault("reject")
        wrong = (refused.value or "Rejected") if refused else self._unfit(body)
        if wrong:
            return self.refusal(422, wrong)
        names = body.get("san", {})
        listed = [*names.get("dns_names", []), *names.get("ip_addresses", [])]
        common_name = body["subject_dn"].get("common_name", "")
        order = self.accept(body["public_key"], names=tuple(listed), common_name=common_name)
        self._make(order)
        return Reply(status=201, headers={"Location": f"{self.address}/v2/certificates/{order.id}"})

    def _make(self, order: Order) -> None:
        """Make the certificate at once, for its serial number is the order's; it is handed out later."""
        status = order.status
        super().issue(order, names=order.names, common_name=order.common_name)
        assert order.certificate is not None
        del self._by_id[order.id]
        order.id = f"{serial_of(order.certificate):040X}"
        self._by_id[order.id] = order
        order.data["made"], order.certificate, order.status = order.certificate, None, status
        order.events.remove("issued")

    def issue(self, order: Order, **_how: Any) -> None:
        """Hand out what was made."""
        order.certificate = order.data["made"]
        order.become("issued")

    def _unfit(self, body: Any) -> str:
        """Say what of a request does not fit the policy; "" when all does."""
        policy = self._policy()
        try:
            names_in(body["public_key"])
        except (KeyError, TypeError, ValueError):
            return "public_key is not a request"
        for part, rule in policy["subject_dn"].items():
            presence, given = rule.get("presence"), body.get("subject_dn", {}).get(part)
            if (presence == "REQUIRED" and not given) or (presence in {"FORBIDDEN", "STATIC"} and given):
                return f"subject_dn.{part} is {presence}"
        for kind, values in body.get("san", {}).items():
            if len(values) > policy["san"][kind]["maxcount"]:
                return f"san.{kind} has more than {policy['san'][kind]['maxcount']} entries"
        validity = body.get("validity", {})
        length = validity.get("not_after", 0) - validity.get("not_before", 0)
        if validity.get("not_after") and length > policy["validity"]["secondsmax"]:
            return "validity is longer than allowed"
        return "" if body.get("signature", {}).get("hash_algorithm") == "SHA-256" else "signature.hash_algorithm"

    def _show(self, order: Order) -> Reply:
        self.look(order)
        if self.fault("not-yet"):
            return self.refusal(404, "There is no such certificate")
        if order.certificate is None:
            return Reply(status=202)
        state = "REVOKED" if order.status == "revoked" else "ISSUED"
        state = "SUSPENDED" if self.fault("unknown-status") else state
        text = pem(order.certificate)
        odd = self._odd(order)
        return Reply(
            json={
                "certificate": text.replace("\n", "\r\n") if odd else text,
                "status": state,
                "updated_at": int(order.created.timestamp()),
            }
        )

    def _odd(self, order: Order) -> bool:
        """Whether this certificate and its chain come with CR LF and root; decided once."""
        if "odd" not in order.data:
            order.data["odd"] = self.fault("crlf-root") is not None
        return bool(order.data["odd"])

    def _revoke(self, order: Order, call: Call) -> Reply:
        reason = call.json().get("revocation_reason")
        if reason not in _REASONS:
            return self.refusal(422, f"“{reason}” is not a reason")
        if order.status == "revoked":
            return self.refusal(409, "The certificate is revoked already")
        self.revoke(order, reason)
        return Reply(status=204)

    # ------------------------------------------------------------------ reading
    def _told(self, call: Call, path: str) -> Reply:
        match path:
            case "validationpolicy":
                return Reply(json=self._policy())
            case "quotas/issuance":
                return Reply(json={"value": self._left()})
            case "claims/domains":
                domains = self.script.more.get("domains", ["example.com", "example.org"])
                return Reply(json=[{"id": f"claim-{name}", "domain": name, "status": "VERIFIED"} for name in domains])
            case "trustchain":
                odd = any(order.data.get("odd") for order in self.orders)
                chain = [self.authority.intermediate, *([self.authority.root] if odd else [])]
                return Reply(json=[pem(one) for one in chain])
            case "stats/issued":
                return self._stats(call)
        return self.refusal(404, "There is no such address")

    def _stats(self, call: Call) -> Reply:
        page, per_page = int(call.params.get("page", "1")), int(call.params.get("per_page", "100"))
        start, end = int(call.params.get("from", "0")), int(call.params.get("to", "0"))
        found = [order for order in self.orders if start <= order.created.timestamp() < end]
        rows = found[(page - 1) * per_page : page * per_page]
        shown = [{"serial_number": one.id, "not_before": int(one.created.timestamp()), "not_after": 0} for one in rows]
        return Reply(json=shown, headers={"Total-Count": str(len(found))})

    def _left(self) -> int:
        return int(self.script.more.get("quota", 480)) - len(self.orders)

    def _policy(self) -> dict[str, Any]:
        policy: dict[str, Any] = self.script.more.get("policy", POLICY)
        return policy
