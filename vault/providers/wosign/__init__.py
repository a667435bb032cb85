"""WoSign / WoTrus, by a contract profile: no public description of its ordering API is known."""

from vault.providers.wosign.adapter import OFFER, WoSign

__all__ = ["OFFER", "WoSign"]
