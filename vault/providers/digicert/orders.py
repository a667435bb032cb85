"""Orders as DigiCert describes them (GET /order/certificate/{id})."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from vault.errors import VaultError
from vault.providers.base import CertRequest, OrderNotFound, Ref, Transient
from vault.providers.digicert.wire import TITLE, Api, child, identifier, moment, pem_blocks, rows, text
from vault.x509.requests import describe_csr
from vault.x509.visible import shown

# In `Ref.step`. A reissue belongs to an order that an earlier request has already: its number alone would name both,
# so that `Ref.order_id` is the order's number, a stroke, and the number of the certificate or of the request.
REISSUE, RENEWAL = "reissue", "renewal"
_STROKE = "/"
_REQUEST_LABELS = ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
APPROVED, REJECTED, CANCELED = "approved", "rejected", "canceled"
# A request in one of these waits for an approver.
WAITING = frozenset({"pending", "submitted", "needs_approval"})
_REVOCATION = "revoke"
_OUR_COMMENT = "portal "


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request of an order: the first one, a reissue, a revocation. `words` are what its approver wrote."""

    number: str
    status: str
    kind: str
    words: str

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read one entry of `requests`; what the portal wrote itself is nobody's words."""
        comments = text(row.get("comments"))
        words = text(row.get("processor_comment")) or ("" if comments.startswith(_OUR_COMMENT) else comments)
        kind = text(row.get("type"))
        return cls(number=identifier(row.get("id")), status=text(row.get("status")).lower(), kind=kind, words=words)


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order at one moment. `certificate_id` is the current certificate's, "" before there is one."""

    number: str
    status: str
    certificate_id: str
    csr: str
    names: frozenset[str]
    product: str
    method: str
    asked: tuple[Asked, ...]
    paid_until: datetime | None
    renewed: bool

    @classmethod
    def of(cls, data: Any) -> Self:
        """Read an answer; members that are missing or of another kind are empty."""
        certificate = child(data, "certificate")
        listed = child(certificate, "dns_names")
        names = [text(name).lower() for name in listed] if isinstance(listed, list) else []
        csr = child(certificate, "csr")
        return cls(
            number=identifier(child(data, "id")),
            status=text(child(data, "status")).lower(),
            certificate_id=identifier(child(certificate, "id")),
            csr=csr if isinstance(csr, str) else "",
            names=frozenset(name for name in (*names, text(child(certificate, "common_name")).lower()) if name),
            product=text(child(data, "product", "name_id")),
            method=text(child(data, "dcv_method")),
            asked=tuple(Asked.of(row) for row in rows(data, "requests")),
            paid_until=moment(child(data, "order_valid_till")),
            renewed=child(data, "is_renewed") is True,
        )

    def request(self, number: str) -> Asked | None:
        """The request of this number."""
        return next((one for one in self.asked if one.number == number), None)

    def latest(self) -> Asked | None:
        """The latest request for a certificate; revocations are requests too, and never ours to decide here."""
        return next((one for one in reversed(self.asked) if one.kind != _REVOCATION), None)

    def waiting(self) -> Asked | None:
        """The latest request for a certificate, if it waits for an approver."""
        latest = self.latest()
        return latest if latest is not None and latest.status in WAITING else None


def read_order(api: Api, number: str) -> Order:
    """Ask for one order.

    Raises:
        OrderNotFound: DigiCert does not know it, or not with this key.
        Transient, NotAuthorised: as every call.
    """
    if not identifier(number):
        raise OrderNotFound(f"“{shown(number)}” is no order number of {TITLE}: those are digits only.")
    reply = api.read(f"/order/certificate/{number}")
    if reply.status == 404:
        raise OrderNotFound(
            f"{TITLE} does not know the order {number} (any more). Look for it in CertCentral.", ca_code=reply.code
        )
    if reply.refused:
        raise Transient(f"{TITLE} does not show the order {number}: {reply.words} ({reply.code})")
    order = Order.of(reply.data)
    if order.number != number:
        raise Transient(f"{TITLE} answered with another order than {number}. It is asked again.")
    return order


def number_of(ref: Ref) -> str:
    """DigiCert's number of the order."""
    return ref.order_id.partition(_STROKE)[0].strip()


def reissue_number(order: str, part: str) -> str:
    """What a reissue is called."""
    return f"{order}{_STROKE}{part}" if part else order


def is_reissue(ref: Ref) -> bool:
    """Whether this is a further certificate of an order, also when a person entered its number."""
    return ref.step == REISSUE or _STROKE in ref.order_id


def fits(csr_pem: str, request: CertRequest) -> bool:
    """Whether a request (CSR) that DigiCert holds is ours: the same octets, or at least the same key."""
    return same_csr(csr_pem, request) or key_of(csr_pem) == own_key(request)


def check_ours(order: Order, request: CertRequest, ref: Ref) -> None:
    """An order that we did not number ourselves, but a person did, has to be for our key. Raises OrderNotFound."""
    placed_here = "sent" in ref.data
    if not placed_here and not is_reissue(ref) and order.csr and not fits(order.csr, request):
        raise of_another(order)


def of_another(order: Order) -> OrderNotFound:
    """The error for an order that is not this request's."""
    return OrderNotFound(
        f"The order {order.number} at {TITLE} was made for another request: its key is not this one's."
    )


def same_csr(csr_pem: str, request: CertRequest) -> bool:
    """Whether it is ours octet for octet."""
    return request.csr in pem_blocks(csr_pem, *_REQUEST_LABELS)


def key_of(csr_pem: str) -> str:
    """The SHA-256 of its public key; "" for what is no request."""
    for octets in pem_blocks(csr_pem, *_REQUEST_LABELS):
        try:
            return describe_csr(octets).spki_sha256
        except VaultError:
            return ""
    return ""


def own_key(request: CertRequest) -> str:
    """The SHA-256 of the request's public key."""
    return request.spki_sha256 or describe_csr(request.csr).spki_sha256


def with_data(ref: Ref, **more: Any) -> dict[str, Any]:
    """The reference's own data with some members set; those set to None are left out."""
    return {name: value for name, value in {**ref.data, **more}.items() if value is not None}
