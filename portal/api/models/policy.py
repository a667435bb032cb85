"""The certificate policy, which comes in as it goes out; coming in, all of it is optional."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from portal.api.models.base import MOST_LISTED, Body, Moment, Number, Text


class KeyProperties(Body):
    """The key to make."""

    exportable: bool | None = None
    kty: Text | None = None
    key_size: Number | None = None
    reuse_key: bool | None = None
    crv: Text | None = None


class SecretProperties(Body):
    """The form of the secret."""

    content_type: Text | None = None


class SubjectAlternativeNames(Body):
    """Names beside the subject."""

    dns_names: list[Text] | None = Field(default=None, max_length=MOST_LISTED)
    emails: list[Text] | None = Field(default=None, max_length=MOST_LISTED)
    upns: list[Text] | None = Field(default=None, max_length=MOST_LISTED)
    uris: list[Text] | None = Field(default=None, max_length=MOST_LISTED)
    ip_addresses: list[Text] | None = Field(default=None, max_length=MOST_LISTED)


class BasicConstraints(Body):
    """Whether the certificate is a CA's; only `false` is issued here."""

    ca: bool | None = None


class X509Properties(Body):
    """What stands in the certificate."""

    subject: Text | None = None
    sans: SubjectAlternativeNames | None = None
    ekus: list[Text] | None = Field(default=None, max_length=MOST_LISTED)
    key_usage: list[Text] | None = Field(default=None, max_length=MOST_LISTED)
    validity_months: Number | None = None
    basic_constraints: BasicConstraints | None = None


class Trigger(Body):
    """When: exactly one of the two."""

    lifetime_percentage: Number | None = None
    days_before_expiry: Number | None = None


class Action(Body):
    """What: AutoRenew or EmailContacts."""

    action_type: Text | None = None


class LifetimeAction(Body):
    """One rule for the time before expiry."""

    trigger: Trigger | None = None
    action: Action | None = None


class IssuerParameters(Body):
    """Who signs: Self, Unknown, or an issuer of the vault."""

    name: Text | None = None
    cty: Text | None = None
    cert_transparency: bool | None = None


class PolicyAttributes(Body):
    """Dates of a policy; read-only."""

    enabled: bool | None = None
    created: Moment | None = None
    updated: Moment | None = None


class CertificatePolicy(Body):
    """What rules the next version."""

    id: Text | None = None
    key_props: KeyProperties | None = None
    secret_props: SecretProperties | None = None
    x509_props: X509Properties | None = None
    lifetime_actions: list[LifetimeAction] | None = Field(default=None, max_length=MOST_LISTED)
    issuer: IssuerParameters | None = None
    attributes: PolicyAttributes | None = None
    platform_managed: dict[str, Any] | None = None
