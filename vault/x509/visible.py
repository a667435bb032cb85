"""Foreign text made safe to read: nothing in it is invisible or steers the text around it."""

from __future__ import annotations

_MAX_SHOWN = 60
# Letters that print as nothing at all, and variation selectors.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(code) for code in range(0xFE00, 0xFE10)
}


def display(text: str) -> str:
    """Foreign text for showing: control, format, bidirectional and invisible characters become `U+202E`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_visible(char) else f"U+{ord(char):04X}" for char in text)


def shown(text: str) -> str:
    """`text` for quoting in a sentence: as `display`, cut to 60 characters."""
    visible = display(text[: _MAX_SHOWN + 1])
    return visible if len(visible) <= _MAX_SHOWN else visible[: _MAX_SHOWN - 1] + "…"


def is_plain(text: str) -> bool:
    """Whether `text` can be shown as it is: nothing in it is invisible or steers the text around it."""
    return display(text) == text


def _is_visible(char: str) -> bool:
    return char.isprintable() and char not in _INVISIBLE
