"""What a TLS connection to a CA must be: at least TLS 1.2, always verified, perhaps with a certificate of our own."""

import os
import ssl
from contextlib import ExitStack
from functools import lru_cache

from vault.providers.addresses import CallRefused
from vault.providers.base import NotAuthorised

# What fits in a pipe at once, everywhere.
_LONGEST = 16_000


def context(title: str, ca_pem: str = "", client_pem: str = "", client_key: str = "") -> ssl.SSLContext:
    """Make the settings of connections; there is none that verifies less.

    Raises:
        CallRefused: `ca_pem` holds no certificates.
        NotAuthorised: `client_pem` and `client_key` are not a certificate and its key.
    """
    try:
        # One that shows no certificate is never changed, and may be shared.
        made = (_new if client_pem else _shared)(ca_pem)
    except (ssl.SSLError, ValueError):
        raise CallRefused(f"The roots to trust for {title} are not certificates in PEM. Enter them again.") from None
    if client_pem:
        try:
            show(made, client_pem, client_key)
        except (ssl.SSLError, OSError, ValueError):
            message = (
                f"The client certificate for {title} and its private key cannot be used together. Enter both again."
            )
            raise NotAuthorised(message) from None
    return made


def _new(ca_pem: str) -> ssl.SSLContext:
    made = ssl.create_default_context(cadata=ca_pem or None)
    # Names stand in the subject alternative names alone (RFC 9525 §2).
    made.hostname_checks_common_name = False
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # 112 bits: no SHA-1 signatures, no RSA keys below 2048 bits.
    made.set_ciphers("DEFAULT:@SECLEVEL=2")
    return made


# Reading the system's roots takes tens of milliseconds.
_shared = lru_cache(maxsize=16)(_new)


def show(made: ssl.SSLContext, chain: str, key: str) -> None:
    """Load certificate and key; the library reads them from files alone, so it is given pipes: no key meets a disk."""
    with ExitStack() as open_ends:
        ends = [_pipe(text, open_ends) for text in (chain, key)]
        # A key under a password is refused; without this the library would ask at the terminal.
        made.load_cert_chain(f"/dev/fd/{ends[0]}", f"/dev/fd/{ends[1]}", password=lambda: b"")


def _pipe(text: str, open_ends: ExitStack) -> int:
    data = text.encode("ascii")
    if len(data) > _LONGEST:
        raise ValueError
    reading, writing = os.pipe()
    open_ends.callback(os.close, reading)
    os.write(writing, data)
    os.close(writing)
    return reading
