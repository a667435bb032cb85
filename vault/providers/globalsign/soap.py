"""One SOAP 1.1 call, document/literal, and what its answer means.

Only the element of the operation has a namespace; everything below it has none, and the order of the children counts.
The password travels in the body: bodies are never logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import (
    Element,
    ParseError,
    SubElement,
    register_namespace,
    tostring,
)

from defusedxml.ElementTree import fromstring

from vault.providers.base import NotAuthorised, ProviderError, Rejected
from vault.providers.globalsign.account import TITLE
from vault.providers.web import Answer, Purpose, Web, words

Nodes = Sequence[tuple[str, "str | Nodes"]]
"""Children in their order: name and text, or name and children."""

_ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_HEADERS: Final = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', "Accept": "text/xml"}
_ADVICE: Final = {
    "-4001": "Put the right user name and password into the issuer.",
    "-4201": "Ask GlobalSign to put this machine's address on the allow list of the account.",
    "-9200": "Ask GlobalSign to give the user access to the API.",
    "-9403": "Ask GlobalSign to give the user the right to Managed SSL.",
    "-9939": "The account is locked. Ask GlobalSign to unlock it.",
}
# Of the system or its database: nothing is said about what was asked for.
_SYSTEM: Final = frozenset({"-1", "-201", "-300", "-301", "-2001"})
_ORDER_ADVICE: Final = {
    "-4083": "The common name must lie under a domain of the profile.",
    "-6007": "This key was used for another common name before. Ask with a new key.",
    "-6017": "There are too many names. Ask for fewer.",
    "-6018": "One of the names is not accepted. Check them.",
    "-6021": "The common name must stay as it was.",
    "-6101": "The balance does not cover it. Ask whoever keeps the GlobalSign account.",
    "-9401": "Check the profile and its domains in GCC.",
    "-9440": "Check the profile and its domains in GCC.",
    "-9443": "Check the profile and its domains in GCC.",
    "-9450": "Check the profile and its domains in GCC.",
    "-9901": "Check the product in the issuer's form.",
    "-9936": "The key is too weak. Ask with a stronger one.",
    "-9942": "GlobalSign's own CA failed. Ask again later.",
    "-9943": "GlobalSign's own CA failed. Ask again later.",
    "-9971": "Internal names are not signed. Ask with public names.",
}

register_namespace("s", _ENVELOPE)


@dataclass(frozen=True)
class Service:
    """One of the two services: its path, and the namespace of its operations."""

    path: str
    namespace: str


ORDERS = Service("/kb/ws/v2/ManagedSSLService", "https://system.globalsign.com/kb/ws/v2/")
QUERIES = Service("/kb/ws/v1/GASService", "https://system.globalsign.com/kb/ws/v1/")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What was answered to a call that was accepted; `warning` are GlobalSign's words where it had doubts."""

    response: Element
    warning: str = ""

    def text(self, path: str) -> str:
        """The text at a path below `Response`; "" when it is absent or nil."""
        return text(self.response, path)


@dataclass(frozen=True, kw_only=True)
class Soap:
    """The calls, signed in by user name and password in each body."""

    web: Web
    user: str
    password: str = field(repr=False)

    def call(self, service: Service, operation: str, nodes: Nodes, *, purpose: Purpose) -> Reply:
        """Make one call; reads carry a `QueryRequestHeader`, all else an `OrderRequestHeader`.

        Raises:
            NotAuthorised: user, password, address or right.
            Rejected: refused for what was asked; `ca_code` is the number. Nothing was ordered.
            Transient: no usable answer, nothing was changed that matters.
            OutcomeUnknown: no usable answer to an order.
        """
        header = "QueryRequestHeader" if purpose is Purpose.READ else "OrderRequestHeader"
        token: Nodes = [("UserName", self.user), ("Password", self.password)]
        body = envelope(service, operation, [(header, [("AuthToken", token)]), *nodes])
        answer = self.web.call("POST", service.path, purpose=purpose, content=body, headers=_HEADERS, take=(500,))
        return self._read(answer, purpose)

    def _read(self, answer: Answer, purpose: Purpose) -> Reply:
        if answer.status in {401, 403}:
            raise NotAuthorised(
                f"{TITLE} refuses the call (HTTP {answer.status}). Check user name and password, and whether this "
                "machine's address is on the allow list.",
                ca_code=str(answer.status),
            )
        root = parse(answer.body)
        fault = text(root, "Body/Fault/faultstring") if root is not None else ""
        response = root.find("Body/*/Response") if root is not None else None
        if answer.status >= 400 or response is None:
            why = f"a fault, “{fault}”" if fault else f"HTTP {answer.status} without an answer that can be read"
            raise self.web.unusable(purpose, why)
        header = response.find("OrderResponseHeader")
        header = response.find("QueryResponseHeader") if header is None else header
        return self._judged(response, header, purpose)

    def _judged(self, response: Element, header: Element | None, purpose: Purpose) -> Reply:
        """0 is good, 1 is good with a warning, less is refused; an answer with an order number is never a refusal."""
        code = text(header, "SuccessCode") if header is not None else ""
        errors = [] if header is None else [(text(one, "ErrorCode"), _words_of(one)) for one in header.iter("Error")]
        said = "; ".join(filter(None, (quoted for _, quoted in errors)))
        ordered = purpose is Purpose.ORDER and text(response, "OrderID")
        if code in {"0", "1"} or ordered:
            return Reply(response=response, warning=words(said))
        if not code.startswith("-") or not errors:
            raise self.web.unusable(purpose, f"its success code is “{words(code, most=20)}” and no reason is given")
        raise self._refusal([code for code, _ in errors], said, purpose)

    def _refusal(self, codes: Sequence[str], said: str, purpose: Purpose) -> ProviderError:
        for code in codes:
            if code in _ADVICE:
                return NotAuthorised(f"{TITLE} refuses the user: {words(said)}. {_ADVICE[code]}", ca_code=code)
        for code in codes:
            if code in _SYSTEM:
                return self.web.unusable(purpose, words(said))
        advice = next((_ORDER_ADVICE[code] for code in codes if code in _ORDER_ADVICE), "")
        return Rejected(f"{TITLE} said no: {words(said)}. {advice}".rstrip(), ca_code=codes[0])


def envelope(service: Service, operation: str, nodes: Nodes) -> bytes:
    """Write a whole request document in UTF-8."""
    root = Element(f"{{{_ENVELOPE}}}Envelope")
    wrapper = SubElement(SubElement(root, f"{{{_ENVELOPE}}}Body"), f"{{{service.namespace}}}{operation}")
    _fill(SubElement(wrapper, "Request"), nodes)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def parse(body: bytes) -> Element | None:
    """Read a document without DTD or entities, namespaces taken off every name; None when it is no such document."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, ValueError, LookupError):
        return None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def text(element: Element, path: str) -> str:
    """The text at a path; "" when it is absent or nil."""
    return (element.findtext(path) or "").strip()


def _fill(parent: Element, nodes: Nodes) -> None:
    for name, value in nodes:
        child = SubElement(parent, name)
        if isinstance(value, str):
            child.text = value
        else:
            _fill(child, value)


def _words_of(error: Element) -> str:
    """An error as one line: message, the element it is about, and its number."""
    parts = (text(error, "ErrorMessage"), text(error, "ErrorField"), text(error, "ErrorCode"))
    message, about, code = parts
    return f"{message.rstrip('.')}{f', {about}' if about else ''} ({code})".strip()
