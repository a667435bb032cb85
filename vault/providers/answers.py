"""What came back from a CA: its octets within bounds, and the words of it that people may read."""

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from vault.providers.base import ProviderError

MOST_OCTETS = 5_000_000
"""Longest answer that is read, after decompression."""
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(hours=1)

# Written in JSON, these are no characters that a database or a page can hold.
_UNFIT_ESCAPE = re.compile(rb"\\u(?:0000|d[89a-f])", re.IGNORECASE)
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


class BadAnswer(ProviderError):
    """The answer is not what it should be; `Web.json` turns this into what it means for the call."""

    code = "BadAnswer"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a CA answered. `headers` are found whatever their case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON, without characters that cannot be stored. Raises BadAnswer."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise BadAnswer("the answer is not JSON") from None
        return _fit(value) if _UNFIT_ESCAPE.search(self.body) else value

    def text(self) -> str:
        """Read the body as UTF-8; what is not is replaced."""
        return _UNFIT.sub("\ufffd", self.body.decode("utf-8", "replace"))

    def wait(self) -> timedelta | None:
        """How long the CA asks us to wait (Retry-After, RFC 9110 §10.2.3), 1 s to 1 h; None: it does not say."""
        return retry_after(self.headers.get("Retry-After", ""))


def retry_after(given: str) -> timedelta | None:
    """Read a Retry-After header: seconds or a date. None when it is missing or neither."""
    if re.fullmatch(r"[0-9]{1,9}", given.strip(), re.ASCII):
        wanted = timedelta(seconds=int(given))
    else:
        try:
            moment = parsedate_to_datetime(given)
        except (ValueError, TypeError, OverflowError):
            return None
        wanted = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)
    return min(max(wanted, SHORTEST_WAIT), LONGEST_WAIT)


def words(value: object, *, most: int = 500) -> str:
    """Return what a CA said as one line that may be stored and shown: no control characters, at most `most` long."""
    line = " ".join(_NOT_SHOWN.sub(" ", str(value)).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def collect(parts: Iterable[bytes], *, encoding: str) -> bytes:
    """Join a body, unpacking gzip as it comes. Raises BadAnswer: too long, or packed in another way."""
    encoding = encoding.strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise BadAnswer("the answer is packed in a way that was not asked for")
    unpack = zlib.decompressobj(wbits=31) if encoding.endswith("gzip") else None
    body = bytearray()
    for part in parts:
        try:
            body += unpack.decompress(part, MOST_OCTETS + 1 - len(body)) if unpack else part
        except zlib.error:
            raise BadAnswer("the answer cannot be unpacked") from None
        if len(body) > MOST_OCTETS:
            raise BadAnswer("the answer is longer than 5 MB")
    if unpack and body and not unpack.eof:
        raise BadAnswer("the answer was cut off")
    return bytes(body)


def _fit(value: Any) -> Any:
    """Replace what no database can hold, in every text of a JSON value."""
    match value:
        case str():
            return _UNFIT.sub("\ufffd", value)
        case list():
            return [_fit(item) for item in value]
        case dict():
            return {_fit(key): _fit(item) for key, item in value.items()}
        case _:
            return value
