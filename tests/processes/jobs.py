"""Tasks for the tests that watch the queue's processes."""

import os
import time

from django.conf import settings


def leave_mark(number: int) -> None:
    """Leave a file behind that shows that the task ran."""
    (settings.DATA_DIR / f"mark-{number}").touch()


def take_time(seconds: int, number: int) -> None:
    """Be busy, then leave a mark; who is busy stands in a file."""
    draft = settings.DATA_DIR / f"draft-{number}"
    draft.write_text(str(os.getpid()))
    draft.rename(settings.DATA_DIR / f"begun-{number}")
    time.sleep(seconds)
    leave_mark(number)
