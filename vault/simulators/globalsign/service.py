"""Managed SSL that is none: the SOAP services of GlobalSign's GCC on loopback, oddities of the schema included.

Scripts may hold besides: `domains` (the profile's), `immediate` (the certificate comes with the order's answer),
`warn` (true: orders are taken with a warning and held), `errors` ({"submit": ["-6102"]}: refused so, once each).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from vault.simulators.authority import names_in
from vault.simulators.globalsign import details
from vault.simulators.globalsign.wire import NIL, Refused, Tree, check_order, document, fault, text
from vault.simulators.kit import Call, Order, Reply, Simulator

USER, PASSWORD, PROFILE = "PAR12345_rehearsal", "rehearsal-only", "117830_SMS2_1234"
DOMAINS: Final = ("example.com", "example.org", "example.net")
MOST_LISTED: Final = 500
_NAMES: Final = {
    "PVOrder": "submit",
    "ReIssue": "submit",
    "GetOrderByOrderID": "poll",
    "GetOrderByDateRange": "find",
    "GetMSSLProfiles": "check",
    "GetDomains": "domains",
}
_ORDER_SERVICE: Final = ("/kb/ws/v2/ManagedSSLService", "https://system.globalsign.com/kb/ws/v2/")
_QUERY_SERVICE: Final = ("/kb/ws/v1/GASService", "https://system.globalsign.com/kb/ws/v1/")
_SERVICE: Final = {
    "PVOrder": _ORDER_SERVICE,
    "ModifyMSSLOrder": _ORDER_SERVICE,
    "GetMSSLProfiles": _ORDER_SERVICE,
    "GetDomains": _ORDER_SERVICE,
    "ReIssue": _QUERY_SERVICE,
    "GetOrderByOrderID": _QUERY_SERVICE,
    "GetOrderByDateRange": _QUERY_SERVICE,
}
_WORDS: Final = {
    "-4001": "Login failure. Invalid user name or password",
    "-4003": "The order was not found",
    "-4083": "The common name does not match the domain",
    "-6021": "The common name differs from the order's",
    "-6102": "The order cannot be renewed",
    "-9938": "The order is in this state already",
}


class GlobalSignSimulator(Simulator):
    """Managed SSL for one user, one profile and its domains."""

    title: ClassVar[str] = "GlobalSign MSSL (rehearsal)"
    provider: ClassVar[str] = "GlobalSign"

    def values(self) -> Mapping[str, str]:
        """Return user, password, profile and address."""
        return {
            "platform": "mssl",
            "account_id": USER,
            "password": PASSWORD,
            "organisation_id": PROFILE,
            "address": self.address,
        }

    def next_id(self) -> str:
        """Return a number like those of GlobalSign: letters, date, count."""
        return f"CEAP{datetime.now(UTC):%y%m%d}{len(self.orders) + 1:06d}"

    def name_of(self, call: Call) -> str:
        """Name a call by its operation."""
        operation = _operation(call)
        if operation is None:
            return "other"
        verb = operation.findtext("Request/ModifyOrderOperation") or ""
        return _NAMES.get(_local(operation), verb.lower() or "other")

    def refusal(self, status: int) -> Reply:
        """Return a SOAP fault."""
        return fault(status, f"Internal error (HTTP {status})")

    def handle(self, call: Call) -> Reply:
        """Check sign-in, then answer the operation."""
        operation = _operation(call)
        name = "" if operation is None else _local(operation)
        path, namespace = _SERVICE.get(name, ("", ""))
        if operation is None or call.path != path or operation.tag != f"{{{namespace}}}{name}":
            return fault(500, f"There is no operation “{name}” at {call.path}")
        request = operation.find("Request")
        if request is None or not check_order(name, request):
            return fault(500, f"The request of {name} does not follow the schema")
        query = name.startswith("Get")
        try:
            self._sign_in(request, "QueryRequestHeader" if query else "OrderRequestHeader")
            self._scripted(self.name_of(call))
            tree = self._answers(name, request)
        except Refused as refused:
            tree = []
            code = refused.code
            header = _header(name, [("SuccessCode", "-1"), ("Errors", [("Error", _error(code, refused.field))])])
            return document(f"{name}Response", namespace, [header])
        warned = name == "PVOrder" and self.script.more.get("warn")
        good: list[Tree] = [("SuccessCode", "1" if warned else "0")]
        if warned:
            good.append(("Errors", [("Error", _error("-5001", "", "Held for a phishing check"))]))
        good.append(("Timestamp", details.date(datetime.now(UTC))))
        return document(f"{name}Response", namespace, [_header(name, good), *tree])

    def issue(self, order: Order, **how: Any) -> None:
        """Issue for the names ordered; what comes with the common name for free is added."""
        how = {"names": order.names, "common_name": order.common_name, "days": order.data.get("days", 186), **how}
        super().issue(order, **how)

    # ------------------------------------------------------------------ sign-in
    def _sign_in(self, request: Element, header: str) -> None:
        token = f"{header}/AuthToken"
        if text(request, f"{token}/UserName") != USER or text(request, f"{token}/Password") != PASSWORD:
            raise Refused("-4001")

    def _scripted(self, name: str) -> None:
        """Refuse with the next code that the script has for this call."""
        codes = self.script.more.get("errors", {}).get(name, [])
        if codes:
            raise Refused(codes.pop(0))

    def _answers(self, name: str, request: Element) -> list[Tree]:
        match name:
            case "PVOrder":
                return self._pv_order(request)
            case "ReIssue":
                return self._reissue(request)
            case "GetOrderByOrderID":
                return self._one(request)
            case "GetOrderByDateRange":
                return self._list(request)
            case "ModifyMSSLOrder":
                return self._modify(request)
            case "GetMSSLProfiles":
                return [("SearchMSSLProfileDetails", [("SearchMsslProfileDetail", _PROFILE_ROW)])]
        rows: list[Tree] = [("DomainDetail", self._domain(number)) for number in range(len(self._domains()))]
        return [("DomainDetails", rows)]

    # ------------------------------------------------------------------- orders
    def _pv_order(self, request: Element) -> list[Tree]:
        parameter = request.find("OrderRequestParameter")
        assert parameter is not None
        csr = text(parameter, "CSR")
        try:
            common_name, _ = names_in(csr)
        except ValueError:
            raise Refused("-105", "CSR") from None
        self._check_domain(common_name, text(request, "MSSLDomainID"))
        target = text(parameter, "RenewalTargetOrderID")
        if text(parameter, "OrderKind") == "renewal":
            self._renew(target, common_name)
        sans = [text(one, "SubjectAltName") for one in request.iter("SANEntry")]
        if sans and text(parameter, "Options/Option/OptionName") != "SAN":
            raise Refused("-101", "Options")
        order = self.accept(csr, names=tuple(dict.fromkeys([common_name, *_free(common_name), *sans])))
        order.data |= {
            "product": text(parameter, "ProductCode"),
            "kind": text(parameter, "OrderKind"),
            "sub_id": text(request, "SubID"),
            "days": 31 * int(text(parameter, "ValidityPeriod/Months") or 6),
        }
        return self._taken(order)

    def _reissue(self, request: Element) -> list[Tree]:
        target = self.order(text(request, "TargetOrderID"))
        if target is None or target.certificate is None or target.status != "issued":
            raise Refused("-6102", "TargetOrderID")
        csr = text(request, "OrderParameter/CSR")
        if names_in(csr)[0] != target.common_name:
            raise Refused("-6021")
        order = self.accept(csr, names=target.names)
        order.data |= {"product": target.data.get("product", ""), "kind": "reissue", "days": target.data["days"]}
        return self._taken(order)

    def _taken(self, order: Order) -> list[Tree]:
        if self.script.more.get("warn"):
            order.become("validation")
        elif order.status == "pending" and self.script.more.get("immediate"):
            self.issue(order)
        return [("OrderID", order.id), ("PVOrderDetail", details.brief(self, order))]

    def _renew(self, target: str, common_name: str) -> None:
        before = self.order(target)
        if before is None or before.status != "issued" or before.common_name != common_name:
            raise Refused("-6102", "RenewalTargetOrderID")
        if before.data.get("renewed"):
            raise Refused("-6102", "RenewalTargetOrderID")
        before.data["renewed"] = True

    def _one(self, request: Element) -> list[Tree]:
        order = self._known(request)
        self.look(order)
        return [("OrderID", order.id), ("OrderDetail", details.whole(self, order))]

    def _list(self, request: Element) -> list[Tree]:
        start, end = _moment(text(request, "FromDate")), _moment(text(request, "ToDate"))
        found = [order for order in self.orders if start <= order.created <= end][:MOST_LISTED]
        rows: list[Tree] = [("OrderDetail", details.whole(self, order, certificates=False)) for order in found]
        return [("OrderDetails", rows or NIL)]

    def _modify(self, request: Element) -> list[Tree]:
        order, verb = self._known(request), text(request, "ModifyOrderOperation")
        if verb == "APPROVE" and order.status == "approval":
            order.become("pending")
        elif verb == "CANCEL" and order.status == "issued":
            order.data["void"] = True
            order.become("cancelled")
        elif verb == "CANCEL" and order.status in {"pending", "approval", "validation"}:
            self.withdraw(order)
        elif verb == "REVOKE" and order.status == "issued":
            self.revoke(order, "unspecified")
        else:
            raise Refused("-9938", "ModifyOrderOperation")
        return [("OrderID", order.id)]

    def _known(self, request: Element) -> Order:
        order = self.order(text(request, "OrderID"))
        if order is None:
            raise Refused("-4003", "OrderID")
        return order

    # ------------------------------------------------------------------ domains
    def _domains(self) -> list[str]:
        return list(self.script.more.get("domains", DOMAINS))

    def _domain(self, number: int) -> list[Tree]:
        return [
            ("MSSLProfileID", PROFILE),
            ("MSSLDomainID", f"DSMS2{number:010d}"),
            ("DomainName", self._domains()[number]),
            ("MSSLDomainStatus", "3"),
            ("PVRecieveDate", NIL),
        ]

    def _check_domain(self, name: str, domain_id: str) -> None:
        known = {f"DSMS2{number:010d}": domain for number, domain in enumerate(self._domains())}
        domain = known.get(domain_id)
        if domain is None or not f".{name.removeprefix('*.')}".endswith(f".{domain}"):
            raise Refused("-4083", "MSSLDomainID")


_PROFILE_ROW: Final[list[Tree]] = [
    ("MSSLProfileId", PROFILE),
    ("MSSLPlofileStatus", "3"),
    ("OrganizationName", "Example AB (rehearsal)"),
    ("ProfileLevel", "EV"),
]


def _operation(call: Call) -> Element | None:
    """The element of the operation; None when there is none."""
    try:
        root: Element = fromstring(call.body, forbid_dtd=True)
    except (ParseError, ValueError, LookupError):
        return None
    return root.find("{http://schemas.xmlsoap.org/soap/envelope/}Body/*")


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _header(name: str, children: list[Tree]) -> Tree:
    """Lists answer with a query's header, even the one for a single order with an order's."""
    query = name.startswith("Get") and name != "GetOrderByOrderID"
    return ("QueryResponseHeader" if query else "OrderResponseHeader"), children


def _error(code: str, about: str, words: str = "") -> list[Tree]:
    return [("ErrorCode", code), ("ErrorField", about or NIL), ("ErrorMessage", words or _WORDS.get(code, "Refused"))]


def _free(name: str) -> list[str]:
    """What comes with a common name without being ordered."""
    base = name.removeprefix("*.").removeprefix("www.")
    return [base] if name in {f"*.{base}", f"www.{base}"} else []


def _moment(given: str) -> datetime:
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise Refused("-103", "FromDate") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
