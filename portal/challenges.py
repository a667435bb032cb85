"""Answers CAs that ask whether a name is ours (http-01, RFC 8555 §8.3).

They ask on the name's own host, over plain http, without knowing anything of this portal: so this comes before every
check of hosts, and needs no session, cookie or sign-in. Tokens are random and public; what is not a live one is 404.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from vault.models import Challenge

PREFIX: Final = "/.well-known/acme-challenge/"
# At least 128 bits in base64url (RFC 8555 §8.3); CAs give 43 characters and more.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22,128}\Z")
_PER_SECOND, _BURST = 50.0, 200.0
_SNAPSHOT_LASTS: Final = 0.25
_MOST: Final = 5000


class Challenges:
    """The first middleware: answers below PREFIX itself, hands everything else on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._rest = get_response
        self._answers = _Answers()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self._rest(request)
        return self._answer(request.method or "", request.path_info.removeprefix(PREFIX))

    def _answer(self, method: str, token: str) -> HttpResponse:
        if method not in {"GET", "HEAD"}:
            return _plain("Only GET and HEAD are answered here.", status=405, Allow="GET, HEAD")
        found = self._answers.to(token) if _TOKEN.match(token) else None
        if found is None:
            return _plain("There is no challenge of this name.", status=404)
        return _plain(found, status=200)


class _Answers:
    """What to answer with, at a bounded cost: strangers who guess tokens cannot keep the database busy.

    A process looks up 50 tokens a second, 200 in a burst. Beyond that it reads all live ones, four times a second at
    most, so that a CA still gets its answer: the portal puts one up before it asks the CA to look.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._left, self._at = _BURST, time.monotonic()
        self._read_at, self._all = -_SNAPSHOT_LASTS, dict[str, str]()

    def to(self, token: str) -> str | None:
        """The key authorization of a live challenge; None when there is none."""
        if self._may_look_up():
            found = Challenge.objects.filter(token=token)
            return found.values_list("key_authorization", flat=True).first()
        return self._snapshot().get(token)

    def _may_look_up(self) -> bool:
        with self._guard:
            now = time.monotonic()
            self._left = min(_BURST, self._left + (now - self._at) * _PER_SECOND)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def _snapshot(self) -> dict[str, str]:
        with self._guard:
            now = time.monotonic()
            if now - self._read_at >= _SNAPSHOT_LASTS:
                newest = Challenge.objects.order_by("-created_at")
                self._all = dict(newest.values_list("token", "key_authorization")[:_MOST])
                self._read_at = now
            return self._all


def _plain(text: str, *, status: int, **headers: str) -> HttpResponse:
    response = HttpResponse(text, content_type="text/plain; charset=utf-8", status=status, headers=headers)
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
