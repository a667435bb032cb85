"""What a GlobalSign issuer is made of: the fields of its form, and their values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from vault.providers.base import Administrator, FieldKind, FormField, Setup

TITLE: Final = "GlobalSign"
OV, EV = "OV-SSL", "EV-SSL"
MSSL, ATLAS = "mssl", "atlas"
MSSL_ADDRESS = "https://system.globalsign.com"
MSSL_TEST_ADDRESS = "https://test-gcc.globalsign.com"
ATLAS_ADDRESS = "https://emea.api.hvca.globalsign.com:8443/v2"
EXACT = "exact"
RENEWAL, REISSUE, NEW = "renewal", "reissue", "new"
DATE_FORMATS: Final = {
    "milliseconds": "2026-11-23T07:49:18.123Z",
    "seconds": "2026-11-23T07:49:18Z",
    "local": "2026-11-23T07:49:18",
}
_FOR_MSSL, _FOR_ATLAS = ("platform", MSSL), ("platform", ATLAS)

FIELDS = (
    FormField(
        name="platform",
        label="Platform",
        kind=FieldKind.CHOICE,
        choices=((MSSL, "Managed SSL (GCC)"), (ATLAS, "Atlas")),
        default=MSSL,
        help="Two systems with separate contracts. A GCC user name means Managed SSL; an API key with a client "
        "certificate means Atlas.",
        steers=True,
    ),
    FormField(
        name="account_id",
        label="User name or API key",
        help="Managed SSL: the API user, like PAR12345_portal. Atlas: the API key.",
    ),
    FormField(
        name="password",
        label="Password or API secret",
        kind=FieldKind.SECRET,
        secret=True,
        help="Managed SSL: the API user's password. Atlas: the secret that belongs to the API key.",
    ),
    FormField(
        name="organisation_id",
        label="Profile",
        kind=FieldKind.CHOICE,
        dynamic=True,
        only_when=_FOR_MSSL,
        help="The MSSL profile, like 117830_SMS2_1234: the organisation that GlobalSign has vetted.",
    ),
    FormField(
        name="product_ov",
        label="Product for OV-SSL",
        required=False,
        default="PV_SHA2",
        only_when=_FOR_MSSL,
        help="Empty: certificates of this type are not ordered here.",
    ),
    FormField(
        name="product_ev",
        label="Product for EV-SSL",
        required=False,
        default="PEV_SHA2",
        only_when=_FOR_MSSL,
        help="Empty: certificates of this type are not ordered here.",
    ),
    FormField(
        name="validity",
        label="Validity",
        kind=FieldKind.CHOICE,
        choices=(
            ("6", "6 months"),
            ("3", "3 months, for products that offer it"),
            ("1", "1 month, for products that offer it"),
            (EXACT, "Exact dates, as the request asks"),
        ),
        default="6",
        only_when=_FOR_MSSL,
    ),
    FormField(
        name="renewal",
        label="Renewed certificates are ordered",
        kind=FieldKind.CHOICE,
        choices=(
            (RENEWAL, "as renewals of the order before"),
            (REISSUE, "as reissues while little of the validity is used, else as renewals"),
            (NEW, "as new orders"),
        ),
        default=RENEWAL,
        only_when=_FOR_MSSL,
        help="A reissue costs nothing and keeps the end date. It is chosen only when at most a tenth of the validity "
        "is used and the names are the same.",
        more=True,
    ),
    FormField(
        name="address",
        label="Address",
        kind=FieldKind.ADDRESS,
        default=MSSL_ADDRESS,
        only_when=_FOR_MSSL,
        help=f"The test system is {MSSL_TEST_ADDRESS}; it needs an account of its own.",
        more=True,
        steers=True,
    ),
    FormField(
        name="date_format",
        label="Dates are sent like",
        kind=FieldKind.CHOICE,
        choices=tuple(DATE_FORMATS.items()),
        default="milliseconds",
        only_when=_FOR_MSSL,
        more=True,
    ),
    FormField(
        name="intranet",
        label="Intranet products",
        kind=FieldKind.BOOLEAN,
        required=False,
        only_when=_FOR_MSSL,
        help="For IntranetSSL, whose names need not be public and which browsers do not trust.",
        more=True,
    ),
    FormField(
        name="sub_id",
        label="Send our request's number as SubID",
        kind=FieldKind.BOOLEAN,
        required=False,
        only_when=_FOR_MSSL,
        help="Makes orders easier to recognise. Ask GlobalSign first: an account may not be allowed to set it.",
        more=True,
    ),
    FormField(
        name="atlas_address",
        label="Address",
        kind=FieldKind.ADDRESS,
        default=ATLAS_ADDRESS,
        only_when=_FOR_ATLAS,
        steers=True,
    ),
    FormField(
        name="client_certificate",
        label="Client certificate",
        kind=FieldKind.PEM,
        only_when=_FOR_ATLAS,
        help="The certificate that GlobalSign issued for the API, with its chain, in PEM.",
    ),
    FormField(
        name="client_key",
        label="Key of the client certificate",
        kind=FieldKind.PEM,
        secret=True,
        only_when=_FOR_ATLAS,
        help="Its private key in PEM, without a password.",
    ),
    FormField(
        name="ca_bundle",
        label="Trusted roots",
        kind=FieldKind.PEM,
        required=False,
        only_when=_FOR_ATLAS,
        help="Empty: those of the system. Otherwise only these, in PEM.",
        more=True,
        steers=True,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """The values of a Managed SSL issuer. `months` is 0 when exact dates are sent."""

    profile: str
    products: tuple[tuple[str, str], ...]
    months: int
    renewal: str
    address: str
    date_format: str
    intranet: bool
    sub_id: bool
    contact: Administrator

    @classmethod
    def of(cls, setup: Setup) -> Self:
        """Read what the form holds; what is missing has its default."""
        defaults = {one.name: one.default for one in FIELDS}
        value = {**defaults, **setup.config}
        contacts = [*setup.administrators, Administrator()]
        return cls(
            profile=value["organisation_id"].strip(),
            products=((OV, value["product_ov"].strip()), (EV, value["product_ev"].strip())),
            months=0 if value["validity"] == EXACT else int(value["validity"]),
            renewal=value["renewal"],
            address=value["address"].rstrip("/"),
            date_format=value["date_format"],
            intranet=bool(value["intranet"]),
            sub_id=bool(value["sub_id"]),
            contact=contacts[0],
        )

    def product_for(self, certificate_type: str) -> str:
        """The product code to order for a certificate type (OV when none is named); "" when there is none."""
        return dict(self.products).get(certificate_type or OV, "")
