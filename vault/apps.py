"""The vault: the certificate service, without requests or pages."""

import warnings

from django.apps import AppConfig
from django.conf import settings

from vault.x509 import weaklists

# What the library says to developers about odd certificates; people read our own words about them.
_SAID_OF_CERTIFICATES = ("Parsed a serial number which", "Attribute's length must be")


class VaultConfig(AppConfig):
    """Vaults, certificates, keys, operations, audit."""

    name = "vault"

    def ready(self) -> None:
        """Tell the readers of files where the lists of known keys are, and keep odd certificates out of the log."""
        weaklists.use(settings.WEAK_KEY_LISTS)
        for message in _SAID_OF_CERTIFICATES:
            warnings.filterwarnings("ignore", message=message)
