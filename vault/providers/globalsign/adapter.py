"""Which of the two platforms an issuer speaks to, and how its adapter is built."""

from __future__ import annotations

from vault.providers.base import Offer, Provider, Setup
from vault.providers.globalsign.account import ATLAS, ATLAS_ADDRESS, EV, FIELDS, OV, TITLE, Account
from vault.providers.globalsign.atlas import Api, Atlas
from vault.providers.globalsign.mssl import ManagedSsl
from vault.providers.globalsign.soap import Soap
from vault.providers.web import Web


def build(setup: Setup) -> Provider:
    """Build the adapter of one issuer."""
    return _atlas(setup) if setup.config.get("platform") == ATLAS else _managed_ssl(setup)


def _managed_ssl(setup: Setup) -> ManagedSsl:
    account = Account.of(setup)
    web = Web(title=TITLE, base=account.address, rules=setup.rules)
    soap = Soap(web=web, user=setup.config.get("account_id", ""), password=setup.secrets.get("password", ""))
    return ManagedSsl(soap=soap, account=account, now=setup.now)


def _atlas(setup: Setup) -> Atlas:
    web = Web(
        title=TITLE,
        base=setup.config.get("atlas_address") or ATLAS_ADDRESS,
        rules=setup.rules,
        ca_pem=setup.config.get("ca_bundle", ""),
        client_pem=setup.config.get("client_certificate", ""),
        client_key=setup.secrets.get("client_key", ""),
    )
    key, secret = setup.config.get("account_id", ""), setup.secrets.get("password", "")
    return Atlas(api=Api(web=web, key=key, secret=secret, now=setup.now), now=setup.now)


OFFER = Offer(
    key=TITLE,
    title=TITLE,
    about="OV and EV certificates through Managed SSL (GCC) or Atlas.",
    fields=FIELDS,
    build=build,
    certificate_types=(OV, EV),
    administrator=True,
)
