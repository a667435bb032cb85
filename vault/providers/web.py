"""Calls to a CA: where they may go, how long they may take, and what a missing answer means.

Nothing is ever repeated here, and no redirect followed. A call that orders something gets a connection of its own,
so that an answer can only be lost after it was sent, never by a connection gone stale.
"""

import enum
import json
import logging
import ssl
import threading
import time
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpcore
import httpx

from vault.providers import addresses
from vault.providers.addresses import CallRefused, NoAddress
from vault.providers.answers import Answer, BadAnswer, collect, retry_after, words
from vault.providers.base import AddressRules, OutcomeUnknown, ProviderError, RateLimited, Transient
from vault.providers.connecting import CONNECT, Guarded, now, reason
from vault.providers.tls import context

__all__ = ["Answer", "BadAnswer", "CallRefused", "Purpose", "Web", "retry_after", "words"]

TOTAL, TOTAL_ORDER = 60.0, 120.0
"""Seconds from the first octet sent to the last received."""
_CONNECTIONS = 100
_KEPT = 10
_KEPT_FOR = 30.0

_LIMITED = {408, 425, 429}

log = logging.getLogger(__name__)


class Purpose(enum.Enum):
    """What a call is for, which decides what it means when its answer is lost.

    READ: nothing, it may be repeated. ORDER: an order may exist. WRITE (cancel, revoke, approve, validate): look at
    the state before repeating it.
    """

    READ = "read"
    ORDER = "order"
    WRITE = "write"


@dataclass(frozen=True, kw_only=True, eq=False)
class Web:
    """A CA's server, and how to call it.

    `title` begins the sentences of refusals. Paths are appended to `base`. `ca_pem` are roots to trust in place of the
    system's; `client_pem` and `client_key` a certificate chain and key to show, PEM. A full address may be called when
    it is on the server of `base`, or `anywhere` within the rules. READ and WRITE take `seconds` at most (None: a
    minute). Of a `quiet` one the path is not logged: it may hold a secret.
    """

    title: str
    base: str
    rules: AddressRules
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_pem: str = field(default="", repr=False)
    client_pem: str = field(default="", repr=False)
    client_key: str = field(default="", repr=False)
    anywhere: bool = False
    seconds: float | None = None
    quiet: bool = False
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def call(
        self,
        method: str,
        path: str,
        *,
        purpose: Purpose,
        json: Any = None,
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        take: Collection[int] = (),
    ) -> Answer:
        """Make one call and return its answer: 2xx, most 4xx, and whatever status is in `take`.

        Raises:
            CallRefused: the address, the trust list or a header cannot be used; nothing was sent.
            NotAuthorised: the client certificate and its key cannot be used; nothing was sent.
            RateLimited: 408, 425 or 429; `retry_after` where the CA says how long.
            Transient: not reached, whatever the purpose; no usable answer to a READ or WRITE.
            OutcomeUnknown: no usable answer to an ORDER.
        """
        url = self._address(path, params)
        body, kind = _body(json, content, form)
        sent = {"Host": url.netloc.decode("ascii"), "Accept": "application/json", "User-Agent": "Chancery"}
        sent |= {"Accept-Encoding": "gzip"} | kind | _titled(self.headers) | _titled(headers or {})
        sent["Content-Length"] = str(len(body))
        if not body and method.upper() in {"GET", "HEAD"}:
            del sent["Content-Length"]
        began = time.monotonic()
        answer = self._send(method.upper(), url, sent, body, purpose)
        took = round((time.monotonic() - began) * 1000)
        log.info("%s %s%s: %s in %s ms", method, url.host, "" if self.quiet else url.path, answer.status, took)
        return self._judged(answer, purpose, take)

    def json(self, answer: Answer, purpose: Purpose) -> Any:
        """Read an answer as JSON; one that is not (a proxy's page, cut off) is no usable answer.

        Raises Transient, or OutcomeUnknown for an ORDER.
        """
        try:
            return answer.json()
        except BadAnswer as error:
            raise self.unusable(purpose, f"{error} (HTTP {answer.status})") from None

    def unusable(self, purpose: Purpose, why: str) -> ProviderError:
        """Return the refusal for an answer that cannot be used, by what the call was for; `why` ends its sentence."""
        if purpose is Purpose.ORDER:
            message = f"An order was sent to {self.title}, and no usable answer came back: {why}. It may exist."
            return OutcomeUnknown(message)
        return Transient(f"{self.title} gave no usable answer: {why}. It is asked again.")

    # ------------------------------------------------------------- the call
    def _address(self, path: str, params: Mapping[str, str] | Sequence[tuple[str, str]]) -> httpx.URL:
        if "://" in path.partition("?")[0]:
            url = addresses.parse(path)
            if not self.anywhere and addresses.origin(url) != addresses.origin(addresses.parse(self.base)):
                raise CallRefused(f"{self.title} named an address on another server ({url.host}). It is not called.")
        else:
            url = addresses.parse(f"{self.base.rstrip('/')}/{path.lstrip('/')}" if path else self.base)
        if url.scheme == "http" and not self.rules.loopback:
            raise CallRefused(f"The address of {self.title} is not encrypted. Write it with https://.")
        return url.copy_merge_params(dict(params) if isinstance(params, Mapping) else list(params)) if params else url

    def _send(self, method: str, url: httpx.URL, headers: dict[str, str], body: bytes, purpose: Purpose) -> Answer:
        """Send and read everything, in bounded time and space."""
        order = purpose is Purpose.ORDER
        pool = self._new_pool(kept=0) if order else self._pool()
        now.until = time.monotonic() + CONNECT + (TOTAL_ORDER if order else self.seconds or TOTAL)
        now.plain = url.scheme == "http"
        try:
            return _exchange(pool, method, url, headers, body)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, NoAddress) as error:
            raise Transient(f"{self.title} could not be reached: {reason(error)}. It is tried again.") from None
        except (httpcore.LocalProtocolError, UnicodeEncodeError):
            # Its text would show the header.
            message = f"A setting or credential of {self.title} holds characters that cannot be sent. Enter it again."
            raise CallRefused(message) from None
        except httpcore.TimeoutException:
            raise self.unusable(purpose, "it took too long") from None
        except (httpcore.NetworkError, httpcore.ProtocolError):
            raise self.unusable(purpose, "the connection broke") from None
        except BadAnswer as error:
            raise self.unusable(purpose, str(error)) from None
        finally:
            if order:
                pool.close()

    def _judged(self, answer: Answer, purpose: Purpose, take: Collection[int]) -> Answer:
        status = answer.status
        if status in take or 200 <= status < 300:
            return answer
        if status in _LIMITED:
            message = f"{self.title} asks us to wait (HTTP {status})."
            raise RateLimited(message, retry_after=answer.wait())
        if 400 <= status < 500:
            return answer
        refusal = self.unusable(purpose, f"HTTP {status}")
        refusal.retry_after = answer.wait() if status == 503 else None
        raise refusal

    # ---------------------------------------------------------- connections
    def _pool(self) -> httpcore.ConnectionPool:
        with self._guard:
            if "pool" not in self._kept:
                self._kept["pool"] = self._new_pool(kept=_KEPT)
                # Connections end with the last adapter that holds this, as when an issuer is edited.
                weakref.finalize(self, self._kept["pool"].close).atexit = False
            pool: httpcore.ConnectionPool = self._kept["pool"]
            return pool

    def _new_pool(self, *, kept: int) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._context(),
            max_connections=_CONNECTIONS,
            max_keepalive_connections=kept,
            keepalive_expiry=_KEPT_FOR,
            network_backend=Guarded(self.rules),
        )

    def _context(self) -> ssl.SSLContext:
        if "tls" not in self._kept:
            self._kept["tls"] = context(self.title, self.ca_pem, self.client_pem, self.client_key)
        made: ssl.SSLContext = self._kept["tls"]
        return made


def _exchange(
    pool: httpcore.ConnectionPool, method: str, url: httpx.URL, headers: Mapping[str, str], body: bytes
) -> Answer:
    response = pool.handle_request(
        httpcore.Request(
            method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=[(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()],
            content=body,
            extensions={"timeout": {"connect": CONNECT, "pool": CONNECT}},
        )
    )
    try:
        found = httpx.Headers(response.headers)
        assert isinstance(response.stream, Iterable)
        return Answer(
            status=response.status,
            headers=found,
            body=collect(response.stream, encoding=found.get("Content-Encoding", "")),
        )
    finally:
        response.close()


def _body(value: Any, content: bytes | None, form: Mapping[str, str] | None) -> tuple[bytes, dict[str, str]]:
    if value is not None:
        return json.dumps(value, ensure_ascii=False).encode(), {"Content-Type": "application/json"}
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return content or b"", {}


def _titled(headers: Mapping[str, str]) -> dict[str, str]:
    """Spell names of headers in one way, so that a later one replaces an earlier."""
    return {name.title(): value for name, value in headers.items()}
