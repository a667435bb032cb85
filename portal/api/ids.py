"""The addresses that stand in answers: the host as the client wrote it, always https, the port when it is not 443."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from portal.api.http import base_url


@dataclass(frozen=True)
class Ids:
    """Makes ids for one host. A version is 32 lower-case hexadecimal digits."""

    base: str

    @classmethod
    def of(cls, request: HttpRequest) -> Ids:
        """Ids for the host that a request came to."""
        return cls(base_url(request))

    def certificate(self, name: str, version: object = "") -> str:
        """A certificate, or one version of it."""
        return self._object("certificates", name, version)

    def key(self, name: str, version: object = "") -> str:
        """The key of a certificate, or of one version."""
        return self._object("keys", name, version)

    def secret(self, name: str, version: object = "") -> str:
        """The secret of a certificate, or of one version."""
        return self._object("secrets", name, version)

    def policy(self, name: str) -> str:
        """A certificate's policy."""
        return f"{self.certificate(name)}/policy"

    def pending(self, name: str) -> str:
        """A certificate's latest operation."""
        return f"{self.certificate(name)}/pending"

    def deleted(self, name: str) -> str:
        """A deleted certificate; its recovery id."""
        return f"{self.base}/deletedcertificates/{name}"

    def contacts(self) -> str:
        """The vault's contacts."""
        return f"{self.base}/certificates/contacts"

    def _object(self, kind: str, name: str, version: object) -> str:
        end = f"/{version}" if version else ""
        return f"{self.base}/{kind}/{name}{end}"
