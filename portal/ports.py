"""Whether a port is free, and whether the portal answers on it."""

import argparse
import errno
import http.client
import socket
import ssl
import time
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"


class PortTaken(Exception):
    """Something else listens there, or may not be listened on; the text is a sentence for a person."""


def port(text: str) -> int:
    """Read a port number from the command line."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"“{text}” is not a port. Choose a number from 1 to 65535.")
    return int(text)


def check_free(host: str, number: int, *, patience: float = 1.0) -> None:
    """Return if the port can be listened on. PortTaken: still not after `patience` seconds.

    The web server shares the port between its workers (SO_REUSEPORT) and would share it with a stranger too.
    """
    deadline = time.monotonic() + patience
    while (problem := _try(host, number)) is not None:
        if time.monotonic() > deadline:
            raise PortTaken(f"Port {number} cannot be used: {problem}. Choose another with --port.")
        time.sleep(0.1)


def answers(host: str, number: int, *, ca: Path | None = None) -> bool:
    """Say whether the portal answers a request, in whatever words; over TLS that `ca` vouches for, if given."""
    connection = http.client.HTTPConnection(host, number, timeout=2)
    if ca is not None:
        connection = http.client.HTTPSConnection(host, number, timeout=2, context=_trusting(ca))
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _trusting(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


def _try(host: str, number: int) -> str | None:
    """Return what stands against listening, or None."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "another program listens on it"
            return (error.strerror or str(error)).lower()
    return None
