"""One module per noun."""

from vault.models.audit import AuditChain, AuditEvent
from vault.models.ca_certificate import CACertificate
from vault.models.certificate import Certificate
from vault.models.challenge import Challenge
from vault.models.contact import Contact
from vault.models.draft import Draft
from vault.models.issuer import Issuer
from vault.models.key import Key, PooledKey, RingKey
from vault.models.notice import Mail, Notice
from vault.models.operation import Operation, OperationStep
from vault.models.vault import Vault
from vault.models.version import Version, VersionName
from vault.models.webhook import Delivery, EventKind, Webhook

__all__ = [
    "AuditChain",
    "AuditEvent",
    "CACertificate",
    "Certificate",
    "Challenge",
    "Contact",
    "Delivery",
    "Draft",
    "EventKind",
    "Issuer",
    "Key",
    "Mail",
    "Notice",
    "Operation",
    "OperationStep",
    "PooledKey",
    "RingKey",
    "Vault",
    "Version",
    "VersionName",
    "Webhook",
]
