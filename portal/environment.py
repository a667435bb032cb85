"""Reads settings from the environment, once; a bad value stops the start with a sentence."""

import ipaddress
import os
import re
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from vault.x509.weaklists import why_no_list

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\Z")


def text(name: str, default: str = "") -> str:
    """Return the variable's value, or `default` when it is unset or empty."""
    return os.environ.get(name) or default


def number(name: str, default: int, *, low: int = 0, high: int = 10**9) -> int:
    """Return the variable as a whole number within `low` to `high`. Else: ImproperlyConfigured."""
    given = os.environ.get(name)
    if not given:
        return default
    if not given.isdecimal() or not low <= int(given) <= high:
        raise ImproperlyConfigured(f"{name} is “{given}”. Set it to a whole number from {low} to {high}.")
    return int(given)


def flag(name: str, *, default: bool = False) -> bool:
    """Return the variable as yes or no (1/0, yes/no, true/false, on/off). Else: ImproperlyConfigured."""
    given = os.environ.get(name, "").lower()
    if not given:
        return default
    if given in {"1", "yes", "true", "on"}:
        return True
    if given in {"0", "no", "false", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is “{given}”. Set it to yes or no.")


def host(name: str, default: str) -> str:
    """Return the variable as a host name in lower case. Else: ImproperlyConfigured."""
    given = text(name, default).lower()
    if not _HOST.match(given):
        raise ImproperlyConfigured(f"{name} is “{given}”. Set it to a host name like vault.example.org.")
    return given


def hosts(name: str) -> dict[str, str]:
    """Return the variable's pairs `host=word`, separated by commas, hosts in lower case. Else: ImproperlyConfigured."""
    pairs = [pair.partition("=") for pair in words(name)]
    for found, _, word in pairs:
        if not _HOST.match(found.strip().lower()) or not word.strip():
            raise ImproperlyConfigured(f"{name} holds “{found}”. Write it like kv.example.org=payments.")
    return {found.strip().lower(): word.strip().lower() for found, _, word in pairs}


def networks(name: str) -> list[str]:
    """Return the variable's networks, like 10.0.0.0/8, separated by commas. Else: ImproperlyConfigured."""
    found = words(name)
    for word in found:
        try:
            ipaddress.ip_network(word)
        except ValueError:
            raise ImproperlyConfigured(f"{name} holds “{word}”. Write networks like 10.20.0.0/16.") from None
    return found


def servers(name: str, *, port: int) -> list[tuple[str, int]]:
    """Return the variable's servers `address` or `address:port`, separated by commas. Else: ImproperlyConfigured."""
    found = []
    for word in words(name):
        address, _, given = word.rpartition(":") if word.count(":") == 1 or word.startswith("[") else (word, "", "")
        try:
            number = int(given or port)
            ipaddress.ip_address(address.strip("[]"))
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} holds “{word}”. Write servers like 10.0.0.53 or [2001:db8::1]:53."
            ) from None
        found.append((address.strip("[]"), number))
    return found


def lists_of_keys(name: str) -> list[Path]:
    """Return the variable's files, separated by commas, each a list of known keys. Else: ImproperlyConfigured."""
    found = [Path(word).expanduser().resolve() for word in words(name)]
    for path in found:
        flaw = why_no_list(path)
        if flaw:
            raise ImproperlyConfigured(
                f"{name} names “{path}”, but {flaw}. Name lists like Debian's blacklist.RSA-2048."
            )
    return found


def words(name: str) -> list[str]:
    """Return the variable's comma-separated values."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def secret_file(path: Path) -> str:
    """Return the secret that lies in `path`, making it (0600, 50 random characters) the first time."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
