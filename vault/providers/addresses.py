"""Which addresses an adapter may call. What counts is where a connection goes, not how the address is spelled."""

import ipaddress
import socket
import threading
from collections.abc import Sequence

import httpx

from vault.providers.base import AddressRules, Transient

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"https": 443, "http": 80}

# Of IPv6 only these are given out to anyone (RFC 4291 §2.4), and of those not what follows.
_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them (RFC 2928, RFC 4380)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4: an IPv4 address inside (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1


class CallRefused(Transient):
    """Our own rules or settings forbid the call; nothing was sent. It may be made once they are put right."""

    code = "CallRefused"


class NoAddress(Transient):
    """The name has no address now; nothing was sent."""

    code = "NoAddress"


def parse(address: str) -> httpx.URL:
    """Read an http or https address. Raises CallRefused for anything that could be read in two ways."""
    try:
        url = httpx.URL(address)
        host, port = url.host, url.port
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise CallRefused(f"“{address[:200]}” is not an address. Write it like https://ca.example.com/path.") from None
    if url.scheme not in _PORTS or not host or port == 0:
        raise CallRefused(f"“{address[:200]}” is not an address to call. Write it like https://ca.example.com/path.")
    if url.userinfo or url.fragment or "\\" in address or address != address.strip():
        message = "The address holds a user name, a “#”, a backslash or a space, and must not. Write it without."
        raise CallRefused(message)
    return url


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Return scheme, host and port; two addresses with the same three lead to the same server."""
    return url.scheme, url.host.rstrip("."), url.port or _PORTS[url.scheme]


def resolve(host: str, port: int, *, seconds: float) -> list[IPAddress]:
    """Return the addresses of a host, in the order to try them; it takes at most `seconds`. Raises NoAddress."""
    try:
        return _look_up(host, port, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        pass  # a name
    found: list[IPAddress] = []

    def ask() -> None:
        try:
            found.extend(_look_up(host, port, 0))
        except (OSError, UnicodeError):
            return

    asking = threading.Thread(target=ask, daemon=True, name="look-up")
    asking.start()
    asking.join(seconds)
    addresses = list(found)
    if not addresses:
        raise NoAddress(f"no address was found for the name “{host}”")
    return addresses


def check_all(addresses: Sequence[IPAddress], rules: AddressRules, *, host: str, plain: bool) -> None:
    """Raise CallRefused unless every address of a host may be called; `plain`: without TLS."""
    for ip in addresses:
        check_ip(ip, rules, host=host, plain=plain)


def check_ip(ip: IPAddress, rules: AddressRules, *, host: str, plain: bool) -> None:
    """Raise CallRefused unless this address may be called; `plain`: without TLS."""
    real = _without_wrapping(ip)
    if real.is_loopback:
        if not rules.loopback:
            raise CallRefused(f"“{host}” leads to this machine ({ip}). Set CHANCERY_CA_LOOPBACK=1 to allow that.")
    elif plain:
        raise CallRefused(f"“{host}” would be called without encryption. Write its address with https://.")
    elif not _is_public(real) and not _is_listed(real, rules):
        message = f"“{host}” leads to {ip}, which is not a public address. List its network in CHANCERY_CA_NETWORKS."
        raise CallRefused(message)


def _look_up(host: str, port: int, flags: int) -> list[IPAddress]:
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(ipaddress.ip_address(answer[4][0]) for answer in answers))


def _without_wrapping(ip: IPAddress) -> IPAddress:
    """Return the IPv4 address where an IPv6 one only wraps it."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return ip.ipv4_mapped
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def _is_public(ip: IPAddress) -> bool:
    if any(ip in network for network in _SPECIAL if network.version == ip.version):
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        return ip in _UNICAST and ip.is_global
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _is_listed(ip: IPAddress, rules: AddressRules) -> bool:
    if ip.is_multicast or ip.is_unspecified:
        return False
    networks = (ipaddress.ip_network(network) for network in rules.networks)
    return any(ip in network for network in networks if network.version == ip.version)
