"""Vaults' own host names: those of the settings, and those that vaults were given on their pages.

They are read again from the database after some seconds, so that no call costs a query.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Final

from django.conf import settings
from django.db import DatabaseError

from vault.models import Vault

# In seconds; so long may a host that was just given be unknown, or one that was taken be answered.
KEPT: Final = 5.0


class _Known:
    """What was read, and until when it counts."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}
        self._until = 0.0
        self._guard = threading.Lock()

    def hosts(self) -> dict[str, str]:
        """Hosts to names of vaults, both in lower case."""
        if time.monotonic() >= self._until:
            with self._guard, contextlib.suppress(DatabaseError):  # while it is away, what was known counts
                rows = Vault.objects.live().filter(host__isnull=False).values_list("host", "name_key")
                self._hosts = {host: name for host, name in rows if host}
                self._until = time.monotonic() + KEPT
        return self._hosts

    def forget(self) -> None:
        """Read them again the next time."""
        self._until = 0.0


_known = _Known()
forget = _known.forget


def hosts() -> dict[str, str]:
    """Every host of its own, in lower case, and the name of its vault; the settings win."""
    return {**_known.hosts(), **settings.API_HOSTS}
