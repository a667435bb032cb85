"""GlobalSign: Managed SSL (SOAP) and Atlas (HVCA, REST), two platforms that share nothing but the name."""

from vault.providers.globalsign.adapter import OFFER

__all__ = ["OFFER"]
