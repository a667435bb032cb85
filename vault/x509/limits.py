"""How much of what comes from outside is looked at."""

from __future__ import annotations

MAX_OCTETS = 1_000_000
"""All files of one upload together."""
MAX_FILES = 100
"""Files of one upload."""
MAX_FOUND = 500
"""Answers for one upload, the members of its ZIP archives counted."""
MAX_CERTIFICATES = 400
"""Different certificates in one upload: the portal looks at each once more, up to 5 ms a time."""
MAX_PASSWORD = 200
READERS = 2
"""Parsing children that one process runs at the same time."""
MOST_WAITING = 1
"""Uploads that wait for one. With those being read, fewer than the web server has threads: pages go on."""
READER_WAIT = 3.0
"""Seconds to wait for one of them before giving up."""
