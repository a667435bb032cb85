"""The vault: the certificate service, without requests or pages."""

from django.apps import AppConfig
from django.conf import settings

from vault.x509 import weaklists


class VaultConfig(AppConfig):
    """Vaults, certificates, keys, operations, audit."""

    name = "vault"

    def ready(self) -> None:
        """Tell the readers of files where the lists of known keys are."""
        weaklists.use(settings.WEAK_KEY_LISTS)
