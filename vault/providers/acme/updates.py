"""Writing a challenge's record by dynamic update (RFC 2136), signed with a shared key (TSIG, RFC 8945)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update

from vault.providers.acme.config import NameServer
from vault.providers.addresses import check_all, resolve
from vault.providers.answers import words
from vault.providers.base import AddressRules, NotAuthorised, ProviderError, Rejected, Transient

ALGORITHMS: Final = ("hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224", "hmac-sha1")
_TTL: Final = 60
_SECONDS: Final = 10.0
_REFUSALS: Final = {
    dns.rcode.NOTAUTH: "it does not serve the zone “{zone}”, or does not know the key",
    dns.rcode.NOTZONE: "the name is not in the zone “{zone}”",
    dns.rcode.REFUSED: "the key may not write this record",
}


@dataclass(frozen=True, kw_only=True)
class Updates:
    """The name server that records are written at."""

    server: NameServer
    rules: AddressRules

    def add(self, name: str, value: str, *, zone: str) -> None:
        """Add a value, never replacing what stands beside it. Raises ProviderError."""
        update = self._message(zone)
        update.add(_absolute(name), _TTL, _txt(value))
        self._send(update, name, zone)

    def remove(self, name: str, value: str, *, zone: str) -> None:
        """Take exactly this value away; what is not there is no matter. Raises ProviderError."""
        update = self._message(zone)
        update.delete(_absolute(name), _txt(value))
        self._send(update, name, zone)

    def _message(self, zone: str) -> dns.update.UpdateMessage:
        message = dns.update.UpdateMessage(_absolute(zone))
        if self.server.key:
            message.use_tsig({_absolute(self.server.key): self._key()})
        return message

    def _key(self) -> dns.tsig.Key:
        try:
            secret = base64.b64decode(self.server.secret, validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if not secret:
            raise NotAuthorised("The secret of the TSIG key is not base64. Enter it again as your name server has it.")
        return dns.tsig.Key(_absolute(self.server.key), secret, _absolute(self.server.algorithm))

    def _send(self, update: dns.update.UpdateMessage, name: str, zone: str) -> None:
        """Send over TCP. Raises NotAuthorised, Rejected or Transient."""
        where = f"{self.server.host}:{self.server.port}"
        address = self._address()
        try:
            code = dns.query.tcp(update, address, timeout=_SECONDS, port=self.server.port).rcode()
        except (dns.tsig.PeerError, dns.tsig.BadSignature, dns.message.UnknownTSIGKey) as error:
            raise self._bad_key(where, error) from None
        except (dns.exception.DNSException, OSError, EOFError) as error:
            message = f"The name server {where} did not take the record ({type(error).__name__}). It is tried again."
            raise Transient(message) from None
        if code != dns.rcode.NOERROR:
            raise _refusal(code, where, name, zone)

    def _address(self) -> str:
        host, port = self.server.host, self.server.port
        try:
            found = resolve(host, port, seconds=_SECONDS)
            check_all(found, self.rules, host=host, plain=False)
        except Transient as error:
            raise Transient(f"The name server {host} cannot be asked: {error}") from None
        first = next((one for one in found if isinstance(one, ipaddress.IPv4Address)), found[0])
        return str(first)

    def _bad_key(self, where: str, error: Exception) -> ProviderError:
        kind = type(error).__name__
        if isinstance(error, dns.tsig.PeerBadTime):
            return Transient(f"The clocks of {where} and of this portal differ too much for TSIG. Set them right.")
        message = f"The name server {where} refuses the TSIG key “{self.server.key}” ({kind}). Check name and secret."
        return NotAuthorised(message, ca_code=kind)


def _refusal(code: dns.rcode.Rcode, where: str, name: str, zone: str) -> ProviderError:
    word = dns.rcode.to_text(code)
    why = _REFUSALS.get(code)
    if why is None:
        return Transient(f"The name server {where} could not write “{name}” ({word}). It is tried again.")
    return Rejected(f"The name server {where} refuses to write “{name}”: {why.format(zone=zone)}.", ca_code=word)


def _absolute(name: str) -> dns.name.Name:
    try:
        return dns.name.from_text(name, dns.name.root)
    except (dns.exception.DNSException, UnicodeError):
        raise Rejected(f"“{words(name, most=100)}” is not a name in the DNS. Write it like example.org.") from None


def _txt(value: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, f'"{value}"')
