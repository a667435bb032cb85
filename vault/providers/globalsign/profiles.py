"""Profiles (vetted organisations) and their domains, as Managed SSL lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vault.providers.base import Rejected
from vault.providers.globalsign.account import TITLE, Account
from vault.providers.globalsign.soap import ORDERS, Soap, text
from vault.providers.web import Purpose, words
from vault.x509.visible import shown


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One organisation; `status` is GlobalSign's number for how far its vetting is."""

    profile_id: str
    organisation: str
    level: str
    status: str

    @property
    def title(self) -> str:
        """Name and level, as far as they are told."""
        return f"{self.organisation or self.profile_id}{f' ({self.level})' if self.level else ''}"


@dataclass(frozen=True, kw_only=True)
class Domain:
    """One domain of a profile."""

    domain_id: str
    profile_id: str
    name: str


def profiles(soap: Soap) -> tuple[Profile, ...]:
    """Ask for all profiles of the account. Raises ProviderError."""
    reply = soap.call(ORDERS, "GetMSSLProfiles", [], purpose=Purpose.READ)
    rows = reply.response.iter("SearchMsslProfileDetail")
    return tuple(
        Profile(
            # Rows spell two names in ways of their own.
            profile_id=words(text(row, "MSSLProfileId") or text(row, "MSSLProfileID")),
            organisation=words(text(row, "OrganizationName") or text(row, "MSSLOrgInfo/OrganizationName")),
            level=words(text(row, "ProfileLevel") or text(row, "VettingLevel")),
            status=words(text(row, "MSSLPlofileStatus") or text(row, "MSSLProfileStatus")),
        )
        for row in rows
    )


def domains(soap: Soap, account: Account) -> tuple[Domain, ...]:
    """Ask for the domains of the issuer's profile. Raises ProviderError."""
    reply = soap.call(ORDERS, "GetDomains", [], purpose=Purpose.READ)
    found = (
        Domain(
            domain_id=text(row, "MSSLDomainID"),
            profile_id=text(row, "MSSLProfileID") or text(row, "MSSLProfileId"),
            name=(text(row, "DomainName") or text(row, "MSSLDomainName")).lower().strip("."),
        )
        for row in reply.response.iter("DomainDetail")
    )
    return tuple(one for one in found if one.domain_id and one.profile_id in {"", account.profile})


def domain_for(soap: Soap, account: Account, name: str) -> str:
    """The id of the profile's domain that is the longest suffix of a name. Raises Rejected when there is none."""
    own = {one.name: one.domain_id for one in domains(soap, account)}
    for suffix in _suffixes(name.removeprefix("*.")):
        if suffix in own:
            return own[suffix]
    message = (
        f"“{shown(name)}” lies under no domain of the profile {account.profile}. Add the domain in GCC, then ask again."
    )
    raise Rejected(f"{TITLE}: {message}", ca_code="-4083")


def _suffixes(name: str) -> Iterator[str]:
    labels = name.split(".")
    return (".".join(labels[start:]) for start in range(len(labels)))
