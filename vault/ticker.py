"""The clock of the worker: calls a few functions at their intervals, whatever happens to them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import close_old_connections

log = logging.getLogger(__name__)

# What one look may add to a silence, in seconds: a machine that slept has not been silent.
_LONGEST_LOOK: Final = 15.0


@dataclass
class Job:
    """A function called every `interval` seconds, at once the first time."""

    action: Callable[[], object]
    interval: float
    due_at: float = float("-inf")
    failing: bool = False

    def run(self, now: float) -> None:
        """Call the function if it is due at `now` (seconds of a steady clock). A failure is logged, once a row."""
        if now < self.due_at:
            return
        self.due_at = now + self.interval
        close_old_connections()
        try:
            self.action()
        except Exception as error:  # noqa: BLE001 - the clock must go on
            self._report(error)
        else:
            self._recovered()
        finally:
            close_old_connections()

    @property
    def name(self) -> str:
        """The function's name, for the log."""
        return getattr(self.action, "__name__", repr(self.action))

    def _report(self, error: Exception) -> None:
        if not self.failing:
            log.error("%s fails: %s. It is tried again every %g s.", self.name, type(error).__name__, self.interval)
            log.debug("%s failed", self.name, exc_info=error)
        self.failing = True

    def _recovered(self) -> None:
        if self.failing:
            log.warning("%s works again.", self.name)
        self.failing = False


class Watch:
    """Notices that a count which ought to grow has stood still for too long."""

    def __init__(self, limit: float, *, now: float) -> None:
        """`limit` and `now` are seconds; `now` is of the steady clock that `stands_still` is given too."""
        self._limit = limit
        self._looked_at = now
        self._seen = -1
        self._silence = 0.0

    def stands_still(self, count: int, *, now: float) -> bool:
        """Say whether `count` has been the same for more than the limit."""
        if count == self._seen:
            self._silence += min(now - self._looked_at, _LONGEST_LOOK)
        else:
            self._silence = 0.0
        self._seen, self._looked_at = count, now
        return self._silence > self._limit

    def rest(self, *, now: float) -> None:
        """Forget the silence so far: there was nothing to do."""
        self._silence, self._looked_at = 0.0, now
