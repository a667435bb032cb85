"""What goes out."""

from __future__ import annotations

from typing import Any, cast

from pydantic import Field, GetJsonSchemaHandler, SerializerFunctionWrapHandler, model_serializer
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from portal.api.models.base import Reply
from portal.api.models.bodies import Contact
from portal.api.models.policy import CertificatePolicy


class Attributes(Reply):
    """Attributes of a certificate, key or secret. Times are whole Unix seconds."""

    enabled: bool
    nbf: int | None = None
    exp: int | None = None
    created: int
    updated: int
    recovery_level: str | None = None
    recoverable_days: int | None = None


class Link(Reply):
    """Where something is."""

    id: str


class CertificateBundle(Reply):
    """One certificate; without `cer`, `kid`, `sid` and `x5t` while its first version is pending."""

    id: str
    kid: str | None = None
    sid: str | None = None
    x5t: str | None = None
    cer: str | None = None
    content_type: str | None = None
    attributes: Attributes
    tags: dict[str, str] | None = None
    policy: CertificatePolicy | None = None
    pending: Link | None = None
    preserve_cert_order: bool | None = None


class DeletedCertificateBundle(CertificateBundle):
    """A deleted certificate and until when it can be recovered."""

    recovery_id: str
    deleted_date: int
    scheduled_purge_date: int


class CertificateItem(Reply):
    """One line of a list of certificates."""

    id: str
    x5t: str | None = None
    attributes: Attributes
    tags: dict[str, str] | None = None
    subject: str = ""


class DeletedCertificateItem(CertificateItem):
    """One line of the list of deleted certificates."""

    recovery_id: str
    deleted_date: int
    scheduled_purge_date: int


class SecretBundle(Reply):
    """The secret of a version: PFX in base64, or PEM text."""

    value: str = Field(repr=False)
    content_type: str
    id: str
    managed: bool = True
    attributes: Attributes
    kid: str | None = None
    tags: dict[str, str] | None = None
    previous_version: str | None = None


class SecretItem(Reply):
    """One line of a list of secrets."""

    id: str
    content_type: str
    attributes: Attributes
    managed: bool = True
    tags: dict[str, str] | None = None


class JsonWebKey(Reply):
    """The public key of a version (RFC 7517)."""

    kid: str
    kty: str
    key_ops: list[str]
    n: str | None = None
    e: str | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None


class KeyBundle(Reply):
    """A version's key."""

    key: JsonWebKey
    attributes: Attributes
    managed: bool = True
    tags: dict[str, str] | None = None


class KeyItem(Reply):
    """One line of a list of keys."""

    kid: str
    attributes: Attributes
    managed: bool = True
    tags: dict[str, str] | None = None


class BackupCertificateResult(Reply):
    """A certificate with all its versions and keys, sealed, in base64url."""

    value: str = Field(repr=False)


class KeyOperationResult(Reply):
    """A signature, or what was encrypted or decrypted, in base64url."""

    kid: str
    value: str = Field(repr=False)


class KeyVerifyResult(Reply):
    """Whether a signature fits."""

    value: bool


class InnerError(Reply):
    """The finer code of an error."""

    code: str


class OperationError(Reply):
    """Why an operation failed."""

    code: str
    message: str
    innererror: InnerError | None = None


class OperationIssuer(Reply):
    """Who is asked to sign."""

    name: str
    cty: str | None = None


class CertificateOperation(Reply):
    """One attempt to get a version; `csr` is DER in base64."""

    id: str
    issuer: OperationIssuer
    csr: str
    cancellation_requested: bool
    status: str
    status_details: str | None = None
    error: OperationError | None = None
    target: str | None = None
    request_id: str
    preserve_cert_order: bool | None = None


class Contacts(Reply):
    """A vault's contacts."""

    id: str
    contacts: list[Contact]


class IssuerItem(Reply):
    """One line of the list of issuers."""

    id: str
    provider: str


class AdministratorDetails(Reply):
    """A person whom the CA may turn to."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None


class OrganizationDetails(Reply):
    """The organisation at the CA; `zip` is always 0, as clients have come to expect."""

    id: str | None = None
    zip: int = 0
    admin_details: list[AdministratorDetails]


class IssuerCredentials(Reply):
    """The account at the CA, without its password."""

    account_id: str | None = None


class IssuerAttributes(Reply):
    """Whether new orders may begin, and when it was made and changed, in Unix seconds."""

    enabled: bool
    created: int
    updated: int


class IssuerBundle(Reply):
    """One issuer."""

    id: str
    provider: str
    credentials: IssuerCredentials
    org_details: OrganizationDetails
    attributes: IssuerAttributes


class _List(Reply):
    """One page of a list; `nextLink` is an address to call as it is, null on the last page."""

    next_link: str | None = None

    @model_serializer(mode="wrap")
    def _with_next_link(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {**handler(self), "nextLink": self.next_link}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the fields; the serializer above, which only puts a null back, would hide them."""
        plain = {key: value for key, value in core.items() if key != "serialization"}
        return handler(cast("CoreSchema", plain))


class CertificateList(_List):
    """A page of certificates."""

    value: list[CertificateItem]


class DeletedCertificateList(_List):
    """A page of deleted certificates."""

    value: list[DeletedCertificateItem]


class SecretList(_List):
    """A page of secrets."""

    value: list[SecretItem]


class KeyList(_List):
    """A page of keys."""

    value: list[KeyItem]


class IssuerList(_List):
    """A page of issuers."""

    value: list[IssuerItem]
