"""When a CA wants a certificate renewed (RFC 9773)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vault.providers.acme.signing import b64
from vault.providers.acme.wire import Server
from vault.providers.base import RenewalHint
from vault.x509 import asn1
from vault.x509.certificates import load
from vault.x509.extensions import AUTHORITY_KEY_IDENTIFIER, key_identifier

_SHORTEST, _LONGEST, _USUAL = timedelta(minutes=1), timedelta(days=1), timedelta(hours=6)
_MOST_DIGITS: Final = 9


def cert_id(der: bytes) -> str | None:
    """Name a certificate by its issuer's key and its serial number (§4.1); None where it does not name the former.

    Raises UnreadableFile.
    """
    tbs = load(der).tbs_certificate_bytes
    identifier = key_identifier(asn1.certificate_extensions(tbs), AUTHORITY_KEY_IDENTIFIER)
    return f"{b64(identifier)}.{b64(asn1.certificate_serial(tbs).content)}" if identifier else None


def ask(server: Server, der: bytes) -> RenewalHint | None:
    """Ask for the window in which to renew; None when the CA offers none, or none that makes sense (§4.2).

    Raises ProviderError.
    """
    base, name = server.directory().renewal_info, cert_id(der)
    if not base or name is None:
        return None
    answer = server.get_answer(f"{base.rstrip('/')}/{name}")
    found = server.json(answer)
    window = found.get("suggestedWindow")
    start, end = (_moment(window.get(key)) for key in ("start", "end")) if isinstance(window, dict) else (None, None)
    if start is None or end is None or end <= start:
        return None
    page = found.get("explanationURL")
    return RenewalHint(
        start=start,
        end=end,
        explanation_url=page if isinstance(page, str) and page.startswith("https://") else "",
        ask_again=_ask_again(answer.headers.get("Retry-After", "")),
    )


def _ask_again(given: str) -> timedelta:
    """Between a minute and a day (§4.3.2)."""
    text = given.strip()
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
    return _USUAL if seconds is None else min(max(timedelta(seconds=seconds), _SHORTEST), _LONGEST)


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, TypeError, OverflowError):
        return None
