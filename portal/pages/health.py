"""Whether the portal can work, for whoever watches it."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

log = logging.getLogger(__name__)


@require_GET
def index(_request: HttpRequest) -> HttpResponse:
    """“ok” when the database answers, else 503. It says nothing more, for it asks nobody who they are."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("the database does not answer: %s", type(error).__name__)
        return HttpResponse("unavailable", content_type="text/plain", status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse("ok", content_type="text/plain")
