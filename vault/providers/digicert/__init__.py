"""DigiCert: CertCentral Services API v2 (https://dev.digicert.com/certcentral-apis/services-api.html)."""

from vault.providers.digicert.adapter import OFFER, DigiCert

__all__ = ["OFFER", "DigiCert"]
