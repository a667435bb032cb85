"""What comes in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, WithJsonSchema

from portal.api.models.base import Body, Tags, Text
from portal.api.models.policy import CertificatePolicy


class CertificateAttributesGiven(Body):
    """Of a certificate's attributes, what a client may set; dates are the certificate's own and ignored."""

    enabled: bool | None = None


class CertificateCreateParameters(Body):
    """POST /certificates/{name}/create."""

    policy: CertificatePolicy | None = None
    attributes: CertificateAttributesGiven | None = None
    tags: Tags | None = None
    preserve_cert_order: bool | None = None


class CertificateImportParameters(Body):
    """POST /certificates/{name}/import."""

    value: Annotated[str, StringConstraints(min_length=1)] = Field(repr=False)
    pwd: str | None = Field(default=None, max_length=200, repr=False)
    policy: CertificatePolicy | None = None
    attributes: CertificateAttributesGiven | None = None
    tags: Tags | None = None
    preserve_cert_order: bool | None = None


class CertificateMergeParameters(Body):
    """POST /certificates/{name}/pending/merge."""

    x5c: list[str] = Field(max_length=100)
    attributes: CertificateAttributesGiven | None = None
    tags: Tags | None = None


class CertificateUpdateParameters(Body):
    """PATCH /certificates/{name}/{version}."""

    policy: CertificatePolicy | None = None
    attributes: CertificateAttributesGiven | None = None
    tags: Tags | None = None


class CertificateOperationUpdateParameter(Body):
    """PATCH /certificates/{name}/pending."""

    cancellation_requested: Annotated[bool, WithJsonSchema({"type": "boolean", "const": True})]


class CertificateRestoreParameters(Body):
    """POST /certificates/restore; `value` is base64url."""

    value: Annotated[str, StringConstraints(min_length=1)] = Field(repr=False)


class KeyOperationParameters(Body):
    """POST /keys/{name}/{version}/sign, decrypt and the like; `value` is base64url."""

    alg: Text
    value: Annotated[str, StringConstraints(max_length=20_000)] = Field(repr=False)


class KeyVerifyParameters(Body):
    """POST /keys/{name}/{version}/verify; `digest` and `value`, the signature, are base64url."""

    alg: Text
    digest: Text
    value: Text


class Contact(Body):
    """Who hears about a vault's certificates."""

    email: Annotated[str, StringConstraints(min_length=3, max_length=254, pattern=r"^[^\x00]*$")]
    name: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] | None = None
    phone: Annotated[str, StringConstraints(max_length=50, pattern=r"^[^\x00]*$")] | None = None


class ContactsGiven(Body):
    """PUT /certificates/contacts."""

    contacts: list[Contact] = Field(min_length=1, max_length=100)


class AdministratorDetails(Body):
    """A person whom the CA may turn to."""

    first_name: Text | None = None
    last_name: Text | None = None
    email: Text | None = None
    phone: Text | None = None


class OrganizationDetails(Body):
    """The organisation at the CA."""

    id: Text | None = None
    admin_details: list[AdministratorDetails] | None = Field(default=None, max_length=100)


class IssuerCredentials(Body):
    """The account at the CA; `pwd` is never sent back."""

    account_id: Text | None = None
    pwd: Text | None = Field(default=None, repr=False)


class IssuerUpdateParameters(Body):
    """PATCH /certificates/issuers/{name}."""

    provider: Text | None = None
    credentials: IssuerCredentials | None = Field(default=None, repr=False)
    org_details: OrganizationDetails | None = None
    attributes: CertificateAttributesGiven | None = None


class IssuerSetParameters(IssuerUpdateParameters):
    """PUT /certificates/issuers/{name}."""

    provider: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
