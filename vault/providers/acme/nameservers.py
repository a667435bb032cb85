"""What the DNS says about a challenge's record: where it really lies, and who has it already."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from vault.providers.addresses import CallRefused, check_ip
from vault.providers.base import AddressRules, Transient

_LOOK_UP: Final = 6.0
_ASK: Final = 3.0
_MOST_SERVERS: Final = 12
_MOST_ALIASES: Final = 8
DNS_PORT: Final = 53


@dataclass(frozen=True, kw_only=True)
class Sight:
    """How many name servers of a zone have a value, of those that answered; `silent` did not answer."""

    have: int
    answered: int
    silent: int = 0

    @property
    def everywhere(self) -> bool:
        """Whether nobody who answered lacks it. A server that does not answer misleads no CA."""
        return self.answered > 0 and self.have == self.answered

    @property
    def words(self) -> str:
        """The same for people."""
        if not self.answered:
            return "None of its name servers answered."
        if not self.have:
            return "Not seen yet."
        rest = f" {self.silent} did not answer." if self.silent else ""
        return f"Seen at {self.have} of {self.answered} name servers.{rest}"


@dataclass(frozen=True, kw_only=True)
class NameServers:
    """Looks things up: `resolvers` (address, port) in place of the system's, authoritative servers within `rules`.

    `ports`: authoritative servers that are known to listen elsewhere than at port 53, by address.
    """

    rules: AddressRules
    resolvers: Sequence[tuple[str, int]] = ()
    ports: Mapping[str, int] = field(default_factory=dict)

    def target(self, name: str) -> str:
        """Follow the aliases (CNAME) of a name to where its record has to stand. Raises Transient."""
        here, seen = name, {name.lower()}
        for _ in range(_MOST_ALIASES):
            found = self._resolve(here, "CNAME")
            if not found:
                return here
            here = found[0].rstrip(".")
            if here.lower() in seen:
                break
            seen.add(here.lower())
        raise Transient(f"“{name}” is an alias (CNAME) of an alias without end. Mend it in the DNS; it is tried again.")

    def zone_of(self, name: str) -> str:
        """Find the zone that holds a name, by asking for SOA upwards (RFC 1034 §4.3.4). Raises Transient."""
        try:
            found = dns.resolver.zone_for_name(name, resolver=self._resolver(), lifetime=_LOOK_UP * 2)
        except (dns.exception.DNSException, OSError) as error:
            raise _no_answer(name, error) from None
        return found.to_text(omit_final_dot=True)

    def sight(self, name: str, value: str, *, zone: str = "") -> Sight:
        """Ask every authoritative server whether a TXT record holds a value. Raises Transient.

        Where none may be asked or none answers, the resolver's word counts.
        """
        have = answered = silent = 0
        for address in self._authorities(zone or self.zone_of(name)):
            found = self._ask(address, name)
            silent += found is None
            answered += found is not None
            have += found is not None and value in found
        if not answered:
            seen = value in self._resolve(name, "TXT")
            return Sight(have=int(seen), answered=1, silent=silent)
        return Sight(have=have, answered=answered, silent=silent)

    # ------------------------------------------------------------ questions
    def _authorities(self, zone: str) -> list[str]:
        """One address of each name server of a zone that may be called."""
        found = []
        for host in self._resolve(zone, "NS")[:_MOST_SERVERS]:
            addresses = self._resolve(host, "A") or self._resolve(host, "AAAA")
            found += [address for address in addresses if self._may_ask(address)][:1]
        return list(dict.fromkeys(found))

    def _may_ask(self, address: str) -> bool:
        try:
            check_ip(ipaddress.ip_address(address), self.rules, host=address, plain=False)
        except CallRefused:
            return False
        return True

    def _ask(self, address: str, name: str) -> list[str] | None:
        """The TXT values of a name at one server; None when it does not answer or does not know the zone."""
        query = dns.message.make_query(name, dns.rdatatype.TXT)
        query.flags &= ~dns.flags.RD
        port = self.ports.get(address, DNS_PORT)
        try:
            answer, _ = dns.query.udp_with_fallback(query, address, timeout=_ASK, port=port, ignore_unexpected=True)
        except (dns.exception.DNSException, OSError):
            return None
        if answer.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            return None
        sets = [one for one in answer.answer if one.rdtype == dns.rdatatype.TXT]
        return [_joined(record) for one in sets for record in one]

    def _resolve(self, name: str, kind: str) -> list[str]:
        try:
            answer = self._resolver().resolve(name, kind, search=False, raise_on_no_answer=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.YXDOMAIN):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise _no_answer(name, error) from None
        if answer.rrset is None:
            return []
        return [_joined(one) if kind == "TXT" else one.to_text() for one in answer.rrset]

    def _resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=not self.resolvers)
        resolver.lifetime, resolver.timeout = _LOOK_UP, _ASK
        if self.resolvers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(*one) for one in self.resolvers]
        return resolver


def _joined(record: object) -> str:
    strings: tuple[bytes, ...] = getattr(record, "strings", ())
    return b"".join(strings).decode("ascii", "replace")


def _no_answer(name: str, error: Exception) -> Transient:
    return Transient(f"The DNS gave no answer about “{name}” ({type(error).__name__}). It is asked again.")


class Clock:
    """How much of one step's time is left."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether to leave the rest to the next step."""
        return time.monotonic() > self._until
