"""What a DigiCert issuer is made of: the fields of its form, and their values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from vault.providers.base import Administrator, FieldKind, FormField, Setup

OV, EV = "OV-SSL", "EV-SSL"
US_ADDRESS = "https://www.digicert.com/services/v2"
EU_ADDRESS = "https://certcentral.digicert.eu/services/v2"
DNS_TXT, DNS_CNAME, HTTP_FILE, EMAIL = "dns-txt-token", "dns-cname-token", "http-token", "email"
_METHODS = (
    (DNS_TXT, "A TXT record in the DNS"),
    (DNS_CNAME, "A CNAME record in the DNS"),
    (HTTP_FILE, "A file on the web server (not for wildcards)"),
    (EMAIL, "E-mail to the domain's owner"),
)
_PAYMENTS = (("balance", "Account balance"), ("card", "Credit card"), ("profile", "Billing profile"))
_NO_SUCH_PRODUCT = "Empty: certificates of this type are not ordered here."

FIELDS = (
    FormField(
        name="account_id",
        label="Account number",
        required=False,
        help="As CertCentral shows it. Orders do not need it; with it, a test tells when the key is another account's.",
    ),
    FormField(
        name="password",
        label="API key",
        kind=FieldKind.SECRET,
        secret=True,
        help="CertCentral → Automation → API keys. Its user needs a role that may order, and approve, certificates.",
    ),
    FormField(
        name="organisation_id",
        label="Organisation",
        kind=FieldKind.CHOICE,
        dynamic=True,
        help="The number of an organisation that DigiCert has validated for OV or EV.",
    ),
    FormField(
        name="product_ov",
        label="Product for OV-SSL",
        kind=FieldKind.CHOICE,
        dynamic=True,
        required=False,
        default="ssl_basic",
        help=_NO_SUCH_PRODUCT,
    ),
    FormField(
        name="product_ev",
        label="Product for EV-SSL",
        kind=FieldKind.CHOICE,
        dynamic=True,
        required=False,
        default="ssl_ev_basic",
        help=_NO_SUCH_PRODUCT,
    ),
    FormField(
        name="dcv_method",
        label="Proof of domain control",
        kind=FieldKind.CHOICE,
        choices=_METHODS,
        default=DNS_TXT,
        help="How DigiCert checks domains that it has not validated yet. The request's page says what to do.",
    ),
    FormField(
        name="skip_approval",
        label="Approve requests here",
        kind=FieldKind.BOOLEAN,
        required=False,
        default="yes",
        help="Needs a key whose user may approve. Otherwise each request waits for someone in CertCentral.",
    ),
    FormField(
        name="address",
        label="Address",
        kind=FieldKind.ADDRESS,
        default=US_ADDRESS,
        help=f"Accounts on the EU platform use {EU_ADDRESS}.",
        more=True,
        steers=True,
    ),
    FormField(
        name="container_id",
        label="Division",
        kind=FieldKind.CHOICE,
        dynamic=True,
        required=False,
        help="Empty: the division of the key's user.",
        more=True,
    ),
    FormField(
        name="payment_method",
        label="Payment",
        kind=FieldKind.CHOICE,
        choices=_PAYMENTS,
        default="balance",
        more=True,
    ),
    FormField(
        name="ca_cert_id",
        label="Issuing CA for OV-SSL",
        kind=FieldKind.CHOICE,
        dynamic=True,
        required=False,
        help="Empty: DigiCert chooses.",
        more=True,
    ),
    FormField(
        name="ca_cert_id_ev",
        label="Issuing CA for EV-SSL",
        kind=FieldKind.CHOICE,
        dynamic=True,
        required=False,
        help="Empty: DigiCert chooses.",
        more=True,
    ),
    FormField(
        name="metadata_id",
        label="Custom field",
        required=False,
        help="The number of a custom order field of your account. It is given the number of the request here.",
        more=True,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """An issuer's values, read. Empty texts mean “not given”."""

    number: str
    address: str
    organisation: str
    product_ov: str
    product_ev: str
    method: str
    approves: bool
    container: str
    payment: str
    ca_ov: str
    ca_ev: str
    metadata: str
    people: tuple[Administrator, ...]

    @classmethod
    def of(cls, setup: Setup) -> Self:
        """Read the values of the form; what was never asked has its default."""
        defaults = {field.name: field.default for field in FIELDS}
        given = {name: value.strip() for name, value in {**defaults, **setup.config}.items()}
        return cls(
            number=given["account_id"],
            address=given["address"].rstrip("/") or US_ADDRESS,
            organisation=given["organisation_id"],
            product_ov=given["product_ov"],
            product_ev=given["product_ev"],
            method=given["dcv_method"] or DNS_TXT,
            approves=given["skip_approval"] == "yes",
            container=given["container_id"],
            payment=given["payment_method"] or "balance",
            ca_ov=given["ca_cert_id"],
            ca_ev=given["ca_cert_id_ev"],
            metadata=given["metadata_id"],
            people=tuple(setup.administrators),
        )

    def product(self, certificate_type: str) -> str:
        """The product ordered for a type of certificate, OV when none is asked for; "" when there is none."""
        return self.product_ev if certificate_type == EV else self.product_ov if certificate_type in {"", OV} else ""

    def ca(self, certificate_type: str) -> str:
        """The issuing CA to ask for; "" leaves it to DigiCert."""
        return self.ca_ev if certificate_type == EV else self.ca_ov

    def page(self, path: str) -> str:
        """The address of a page of CertCentral for people."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}/secure/{path}"


def is_private(product: str) -> bool:
    """Whether a product issues below a root of one's own, where the rules of browsers do not hold."""
    return product.startswith("private_")
