"""Octets as text: standard base64 for certificates, base64url without padding for everything else."""

from __future__ import annotations

import base64
import binascii

from vault.errors import BadParameter


def base64_of(octets: bytes | memoryview) -> str:
    """Standard base64 on one line."""
    return base64.b64encode(octets).decode()


def base64url_of(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def octets_of_base64url(text: str, *, field: str) -> bytes:
    """Decode base64url, padded or not. Raises BadParameter."""
    try:
        return base64.b64decode(
            text.encode("ascii").rstrip(b"=") + b"=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True
        )
    except (UnicodeEncodeError, binascii.Error):
        raise BadParameter("This is not base64url.", field=field) from None


def x5t_of(thumbprint_sha1: str) -> str:
    """A SHA-1 thumbprint in hexadecimal digits as `x5t`."""
    return base64url_of(bytes.fromhex(thumbprint_sha1))
