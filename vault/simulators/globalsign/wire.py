"""Documents of Managed SSL: reading a request as strictly as its schema does, and writing an answer."""

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from vault.simulators.server import Reply

Tree = tuple[str, "str | Sequence[Tree]"]
"""An element: its name, and its text or children."""

NIL: Final = "\0nil"
"""Written in place of a text that is absent: xsi:nil="true"."""

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE: Final = {"Content-Type": "text/xml;charset=utf-8"}
# Children in the order of the schema; “?”: may be missing.
_CHILDREN: Final = {
    "PVOrder": (
        "OrderRequestHeader OrderRequestParameter MSSLProfileID MSSLDomainID SubID? PVSealInfo? ContactInfo "
        "SANEntries? Extensions? CertificateTemplate?"
    ),
    "OrderRequestParameter": (
        "ProductCode BaseOption? OrderKind Licenses Options? ValidityPeriod CSR RenewalTargetOrderID? TargetCERT? "
        "SpecialInstructions? Coupon? Campaign?"
    ),
    "ValidityPeriod": "Months NotBefore? NotAfter?",
    "ContactInfo": "FirstName LastName Phone Email",
    "SANEntry": "SANOptionType SubjectAltName",
    "AuthToken": "UserName Password",
    "ReIssue": "OrderRequestHeader OrderParameter TargetOrderID HashAlgorithm?",
    "OrderParameter": "CSR DNSNames?",
    "ModifyMSSLOrder": "OrderRequestHeader OrderID ModifyOrderOperation",
    "GetOrderByOrderID": "QueryRequestHeader OrderID OrderQueryOption?",
    "GetOrderByDateRange": "QueryRequestHeader FromDate ToDate OrderQueryOption?",
    "OrderQueryOption": (
        "OrderStatus? ReturnOrderOption? ReturnCertificateInfo? ReturnFulfillment? ReturnCACerts? ReturnOriginalCSR? "
        "ReturnPKCS12? ReturnSANEntries?"
    ),
    "GetMSSLProfiles": "QueryRequestHeader",
    "GetDomains": "QueryRequestHeader",
}


class Refused(Exception):
    """The order system says no, with its number and the element that it is about."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(code)
        self.code, self.field = code, field


def check_order(operation: str, request: Element) -> bool:
    """Whether a request has the children that its schema names, in their order, without a namespace."""
    if not _fits(_CHILDREN[operation], request):
        return False
    return all(_fits(_CHILDREN[one.tag], one) for one in request.iter() if one.tag in _CHILDREN)


def text(element: Element, path: str) -> str:
    """The text at a path; "" when there is none."""
    return (element.findtext(path) or "").strip()


def document(name: str, namespace: str, response: Sequence[Tree]) -> Reply:
    """Write an answer: only the operation's element has a namespace."""
    root = Element(f"{{{_SOAP}}}Envelope")
    wrapper = SubElement(SubElement(root, f"{{{_SOAP}}}Body"), f"{{{namespace}}}{name}")
    _fill(SubElement(wrapper, "Response"), response)
    return Reply(body=tostring(root, encoding="utf-8", xml_declaration=True), headers=_TYPE)


def fault(status: int, words: str) -> Reply:
    """Write a SOAP fault."""
    root = Element(f"{{{_SOAP}}}Envelope")
    one = SubElement(SubElement(root, f"{{{_SOAP}}}Body"), f"{{{_SOAP}}}Fault")
    _fill(one, [("faultcode", "soap:Server"), ("faultstring", words)])
    return Reply(status=status, body=tostring(root, encoding="utf-8", xml_declaration=True), headers=_TYPE)


def csr_pem(der: bytes) -> str:
    """Write a request (DER) as PEM."""
    return x509.load_der_x509_csr(der).public_bytes(serialization.Encoding.PEM).decode()


def _fits(children: str, element: Element) -> bool:
    given = [child.tag for child in element]
    for name in children.split():
        if given and given[0] == name.rstrip("?"):
            given.pop(0)
        elif not name.endswith("?"):
            return False
    return not given


def _fill(parent: Element, trees: Sequence[Tree]) -> None:
    for name, value in trees:
        child = SubElement(parent, name)
        if value == NIL:
            child.set(f"{{{_XSI}}}nil", "true")
        elif isinstance(value, str):
            child.text = value
        else:
            _fill(child, value)
