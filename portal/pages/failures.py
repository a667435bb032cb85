"""Error pages. The one place where pages turn a refusal into an HTTP status."""

from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from vault import errors

# The first class that fits decides.
_STATUS: tuple[tuple[type[errors.VaultError], HTTPStatus], ...] = (
    (errors.BadParameter, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.TooMany, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.Conflict, HTTPStatus.CONFLICT),
    (errors.NotAllowedNow, HTTPStatus.CONFLICT),
    (errors.NotAllowed, HTTPStatus.FORBIDDEN),
    (errors.RingError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def status_of(error: errors.VaultError) -> HTTPStatus:
    """Return the HTTP status that a refusal has on pages."""
    fitting = (status for kind, status in _STATUS if isinstance(error, kind))
    return next(fitting, HTTPStatus.CONFLICT)


def refused(request: HttpRequest, error: errors.VaultError) -> HttpResponse:
    """Show what the vault refused, in its own sentence."""
    status = status_of(error)
    return render(request, "errors/refused.html", {"message": str(error), "status": status}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request could not be understood; 413 when it was too large to be read."""
    if isinstance(exception, RequestDataTooBig):
        return render(request, "errors/413.html", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return render(request, "errors/400.html", status=HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: says what the person may not do and who can help."""
    message = str(exception) if exception else ""
    return render(request, "errors/403.html", {"message": message}, status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """404: the same for what does not exist and what is not yours."""
    return render(request, "errors/404.html", status=HTTPStatus.NOT_FOUND)


def broken(request: HttpRequest) -> HttpResponse:
    """500: something went wrong here."""
    return render(request, "errors/500.html", status=HTTPStatus.INTERNAL_SERVER_ERROR)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """403: the form was too old, or came from somewhere else."""
    return render(request, "errors/csrf.html", status=HTTPStatus.FORBIDDEN)
