"""The form of an ACME issuer."""

from typing import Final

from vault.providers.acme import adapter
from vault.providers.acme.config import OTHER, Method
from vault.providers.acme.signing import KEY_TYPES
from vault.providers.acme.updates import ALGORITHMS
from vault.providers.base import FieldKind, FormField, Offer

LETS_ENCRYPT: Final = "https://acme-v02.api.letsencrypt.org/directory"
_DIRECTORIES: Final = (
    (LETS_ENCRYPT, "Let's Encrypt"),
    ("https://acme-staging-v02.api.letsencrypt.org/directory", "Let's Encrypt, staging (for trying out)"),
    ("https://acme.zerossl.com/v2/DV90", "ZeroSSL"),
    ("https://dv.acme-v02.api.pki.goog/directory", "Google Trust Services"),
    ("https://acme.digicert.com/v2/acme/directory/", "DigiCert"),
    ("https://acme.sectigo.com/v2/OV", "Sectigo, OV"),
    ("https://emea.acme.atlas.globalsign.com/directory", "GlobalSign Atlas"),
    (OTHER, "Another, by its address"),
)
_METHODS: Final = (
    (Method.HTTP.value, "http-01: this portal answers at port 80 of each name"),
    (Method.DNS_UPDATE.value, "dns-01: this portal writes records (RFC 2136 update)"),
    (Method.DNS_BY_HAND.value, "dns-01: a person publishes records"),
)
_WRITES: Final = ("method", Method.DNS_UPDATE.value)

OFFER: Final = Offer(
    key="ACME",
    title="ACME",
    about="Let's Encrypt, ZeroSSL, Google Trust Services, and every CA that speaks ACME (RFC 8555).",
    build=adapter.build,
    fields=(
        FormField(
            name="directory",
            label="CA",
            kind=FieldKind.CHOICE,
            choices=_DIRECTORIES,
            default=_DIRECTORIES[0][0],
            steers=True,
        ),
        FormField(
            name="address",
            label="Directory address",
            kind=FieldKind.ADDRESS,
            only_when=("directory", OTHER),
            steers=True,
            help="The address of the ACME directory, as the CA gives it.",
        ),
        FormField(
            name="terms",
            label="The CA's terms of service are agreed to",
            kind=FieldKind.BOOLEAN,
            help="A test of the issuer shows where the CA has them.",
        ),
        FormField(
            name="account_id",
            label="Key id for external account binding",
            required=False,
            help="Needed by CAs that give accounts only to their customers, like ZeroSSL, Google and DigiCert.",
        ),
        FormField(
            name="password",
            label="HMAC key for external account binding",
            kind=FieldKind.SECRET,
            required=False,
            secret=True,
            help="In base64url, as the CA gives it. Many work a single time: the account made with it is kept.",
        ),
        FormField(
            name="contacts",
            label="Contact e-mail addresses",
            kind=FieldKind.LINES,
            required=False,
            help="One a line. Where the CA writes to; Let's Encrypt no longer does.",
        ),
        FormField(
            name="method",
            label="How names are shown to be yours",
            kind=FieldKind.CHOICE,
            choices=_METHODS,
            default=Method.HTTP.value,
            help="Wildcard names need dns-01.",
        ),
        FormField(
            name="dns_server",
            label="Name server that takes updates",
            only_when=_WRITES,
            help="A host name or an address.",
            steers=True,
        ),
        FormField(name="dns_port", label="Its port", default="53", required=False, only_when=_WRITES, steers=True),
        FormField(
            name="dns_zone",
            label="Zone",
            required=False,
            only_when=_WRITES,
            help="Empty: found for each name by its SOA record.",
        ),
        FormField(name="tsig_name", label="Name of the TSIG key", only_when=_WRITES),
        FormField(
            name="tsig_algorithm",
            label="Algorithm of the TSIG key",
            kind=FieldKind.CHOICE,
            choices=tuple((one, one) for one in ALGORITHMS),
            default=ALGORITHMS[0],
            only_when=_WRITES,
            steers=True,
        ),
        FormField(
            name="tsig_secret",
            label="Secret of the TSIG key",
            kind=FieldKind.SECRET,
            secret=True,
            only_when=_WRITES,
            help="In base64, as in the name server's own file.",
        ),
        FormField(
            name="profile",
            label="Profile",
            required=False,
            dynamic=True,
            more=True,
            help="What kind of certificate the CA makes, where it has several. Empty: its usual one.",
        ),
        FormField(
            name="chain",
            label="Preferred root",
            required=False,
            more=True,
            help="The common name of a root, where the CA offers several chains, like ISRG Root X1.",
        ),
        FormField(
            name="key_type",
            label="Kind of account key",
            kind=FieldKind.CHOICE,
            choices=KEY_TYPES,
            default=KEY_TYPES[0][0],
            required=False,
            more=True,
            help="Counts when the account is made.",
        ),
        FormField(
            name="trust",
            label="CA certificates to trust",
            kind=FieldKind.PEM,
            required=False,
            more=True,
            help="For a private CA: what its own server's certificate is signed by, as PEM.",
            steers=True,
        ),
    ),
)
