"""Uploads stay in memory and stop at the limit; nothing that people send lies on the disk in the clear."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler


class BoundedMemoryHandler(MemoryFileUploadHandler):
    """Reads a file into memory, and refuses the request as soon as it grows over UPLOAD_LIMIT octets."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        super().handle_raw_input(*args, **kwargs)
        self.activated = True
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.received += len(raw_data)
        if self.received > settings.UPLOAD_LIMIT:
            raise RequestDataTooBig("The file is too large.")
        return super().receive_data_chunk(raw_data, start)
