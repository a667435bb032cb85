"""Tables to take away as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def write(rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV; cells that people or files have written go through `harmless` first.

    Every cell in quotes: where spreadsheets part cells at semicolons, `x;=1+1` would begin a formula.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


def harmless(cell: str) -> str:
    """Keep a spreadsheet from taking text for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
