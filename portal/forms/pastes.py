"""Whether what was pasted may go back into the page."""

from __future__ import annotations

import re

from vault.x509.found import Found

_KEY_MARK = "PRIVATE KEY"
# Base64 without armour, octets in hexadecimal or decimal digits: what a piece of a private key looks like.
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{44,}|(?:[0-9A-Fa-f]{2}[\s:,]{0,3}){32}|(?:[0-9]{1,3}[\s,]{1,3}){32}")
_PUBLIC = re.compile(r"-----BEGIN [A-Z0-9 #]*(?:CERTIFICATE|PKCS ?#?7|CMS)[A-Z ]*-----[^-]*")


def is_harmless(text: str, found: Found | None) -> bool:
    """Whether no private key can be in `text`: the reader found none (None: nobody has read it), nor looks it like one.

    Where nothing was recognised, even a part of a key without its first line is kept out of the page.
    """
    if found is None:
        return not text.strip()
    if found.holds_private_key or _KEY_MARK in text.upper():
        return False
    return bool(found.certificates or found.requests) or not looks_encoded(text)


def looks_encoded(text: str) -> bool:
    """Whether there are encoded octets in `text`, outside of certificates and requests."""
    return bool(_ENCODED.search(_PUBLIC.sub("", text)))
