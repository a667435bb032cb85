"""The WSGI application."""

import os

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class Utf8Request(WSGIRequest):
    """A request in UTF-8, whatever it says: the encoding that it names may be any of Python's codecs, `hex` too."""

    @property
    def encoding(self) -> str:
        """UTF-8."""
        return "utf-8"

    @encoding.setter
    def encoding(self, named: str) -> None:
        """Leave it at that."""


class Application(WSGIHandler):
    """Django's, with our requests."""

    request_class = Utf8Request


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup(set_prefix=False)
application = Application()
