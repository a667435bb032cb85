"""What the form of a WoSign issuer asks for."""

from vault.providers.base import FieldKind, FormField

TITLE = "WoSign"
ADDRESS = "https://api.wosign.com"
OV, EV = "OV-SSL", "EV-SSL"

WARNING = (
    "Not verified against the provider: WoSign publishes no description of its ordering API. Compare the contract "
    "profile with your WoSign contract, and place one small order before you rely on it. Browsers do not trust "
    "WoSign's own roots; ask which root your products are issued under."
)

FIELDS = (
    FormField(
        name="password",
        label="Connection token",
        kind=FieldKind.SECRET,
        secret=True,
        help="The fixed token of your contract; in requests it is called connect_token.",
    ),
    FormField(
        name="certificate_type",
        label="Certificate type",
        kind=FieldKind.CHOICE,
        required=False,
        choices=(("", "As set in the account"), (OV, "OV"), (EV, "EV")),
        help="For requests that do not name a type themselves.",
    ),
    FormField(
        name="organisation",
        label="Organisation",
        required=False,
        help="Its full name, as registered. Leave it empty when your account has one set.",
    ),
    FormField(
        name="organisation_kind",
        label="Kind of organisation",
        kind=FieldKind.CHOICE,
        required=False,
        choices=(
            ("", "As set in the account"),
            ("PrivateOrganization", "Company"),
            ("BusinessEntity", "Other business"),
            ("GovernmentEntity", "Public authority"),
            ("Non-CommercialEntity", "Non-profit"),
        ),
        more=True,
    ),
    FormField(
        name="address",
        label="Address of the API",
        kind=FieldKind.ADDRESS,
        default=ADDRESS,
        help="From your contract.",
        more=True,
        steers=True,
    ),
    FormField(
        name="account_id",
        label="Account",
        required=False,
        help="Sent only when the contract profile names a field for it (send.account).",
        more=True,
    ),
    FormField(
        name="profile",
        label="Contract profile",
        kind=FieldKind.LINES,
        required=False,
        help="Lines like “send.csr = CSR” where your contract differs from what is described in the documentation.",
        more=True,
    ),
)
