"""How much of what comes from outside is looked at."""

from __future__ import annotations

MAX_OCTETS = 1_000_000
"""All files of one upload together."""
MAX_FILES = 100
"""Files of one upload."""
MAX_FOUND = 500
"""Answers for one upload, the members of its ZIP archives counted."""
MAX_PASSWORD = 200
READERS = 4
"""Parsing children that one process runs at the same time."""
READER_WAIT = 5.0
"""Seconds to wait for one of them before giving up."""
