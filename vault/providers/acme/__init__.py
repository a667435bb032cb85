"""ACME (RFC 8555): Let's Encrypt, ZeroSSL, Google Trust Services, and every other CA that speaks it."""

from vault.providers.acme.offer import OFFER

__all__ = ["OFFER"]
