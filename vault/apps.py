"""The vault: the certificate service, without requests or pages."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """Vaults, certificates, keys, operations, audit."""

    name = "vault"
