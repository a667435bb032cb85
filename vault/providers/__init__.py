"""One module per CA behind one protocol, and the registry of those that an administrator can choose."""

from vault.providers import acme, digicert, globalsign, wosign
from vault.providers.base import Offer

# By the provider's name on the wire, in the order of the form.
OFFERS: dict[str, Offer] = {offer.key: offer for offer in (digicert.OFFER, globalsign.OFFER, wosign.OFFER, acme.OFFER)}


def offer_of(provider: str) -> Offer | None:
    """Return the offer of this name, whatever its case; None when there is none."""
    return next((offer for key, offer in OFFERS.items() if key.lower() == provider.lower()), None)
