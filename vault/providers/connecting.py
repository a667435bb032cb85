"""How connections to a CA are made: to checked addresses alone, and within the time that a call has."""

import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from vault.providers import addresses
from vault.providers.answers import words
from vault.providers.base import AddressRules

CONNECT = 10.0
"""Seconds to find and reach a server, TLS included."""


class Now(threading.local):
    """The call this thread is making: until when (monotonic seconds), and whether without TLS."""

    until: float = 0.0
    plain: bool = False

    def left(self, most: float | None) -> float:
        """Seconds left, at most `most`; 0 or less: time is up."""
        left = self.until - time.monotonic()
        return left if most is None else min(left, most)


now = Now()


def reason(error: BaseException) -> str:
    """Say in words why nothing could be sent."""
    cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its TLS certificate is not trusted ({words(cause.verify_message, most=200)})"
    if isinstance(cause, ssl.SSLError):
        return f"no TLS connection came about ({words((cause.reason or 'it broke').replace('_', ' ').lower())})"
    if isinstance(cause, httpcore.TimeoutException | TimeoutError):
        return "it did not answer in time"
    if isinstance(cause, OSError) and cause.strerror:
        return words(cause.strerror[0].lower() + cause.strerror[1:])
    return words(error) or "the connection broke"


class Guarded(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and to those alone: a name is looked up once."""

    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        until = time.monotonic() + CONNECT
        found = addresses.resolve(host.strip("[]"), port, seconds=CONNECT)
        addresses.check_all(found, self._rules, host=host, plain=now.plain)
        for number, ip in enumerate(found):
            share = max(until - time.monotonic(), 0.1) / (len(found) - number)
            try:
                return _Stream(self._plain.connect_tcp(str(ip), port, timeout=share))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(found) - 1:
                    raise
        raise httpcore.ConnectError  # pragma: no cover - `found` is never empty


class _Stream(httpcore.NetworkStream):
    """A connection on which each octet counts against the call's one deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = now.left(timeout)
        if left <= 0:
            raise httpcore.ReadTimeout
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = now.left(timeout)
        if left <= 0:
            raise httpcore.WriteTimeout
        self._stream.write(buffer, left)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
