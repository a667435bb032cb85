"""Log lines: one event a line, control characters escaped, private keys and tokens masked as the last net."""

import logging
import re
from datetime import UTC, datetime

_KEY = r"[A-Z0-9 ]{0,40}PRIVATE KEY-----"
_PRIVATE = re.compile(rf"-----BEGIN {_KEY}.*?(-----END {_KEY}|\Z)", re.DOTALL)
_TOKEN = re.compile(r"ch[vs]_[0-9A-Za-z]{49}")
# Addresses that let someone in or answer for them: Django writes the path of what it refuses.
_LINK = re.compile(r"(/(?:calendar|invitation|notices|password-reset)/)(?!mine/|sent/)[^\s\"'“”]+")


def mask(text: str) -> str:
    """Replace private keys in PEM, tokens, applications' secrets and what makes a mailed link work by a note."""
    return _LINK.sub(r"\1[link removed]", _TOKEN.sub("[token removed]", _PRIVATE.sub("[private key removed]", text)))


class MaskSecrets(logging.Filter):
    """Masks private keys and tokens in messages; what carries them should never have been logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), ()
        return True


class Line(logging.Formatter):
    """`2026-01-31T09:00:00Z WARNING name: message`, with control characters as escapes."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = record.getMessage()
        if record.exc_info:
            text += " | " + mask(self.formatException(record.exc_info)).replace("\n", " | ")
        safe = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
        return f"{time} {record.levelname} {record.name}: {safe}"
