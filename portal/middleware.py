"""Headers on every answer, limits on sessions, refusals of the vault as pages, the first password."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from portal.pages import failures
from vault.errors import VaultError

Handler = Callable[[HttpRequest], HttpResponse]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class SecurityHeaders:
    """Puts the same headers on every answer, errors and files included."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.setdefault("X-Frame-Options", "DENY")
        response.setdefault("X-Content-Type-Options", "nosniff")
        response.setdefault("Referrer-Policy", "same-origin")
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path.startswith(f"/{settings.STATIC_URL.strip('/')}/"):
            response.setdefault("Cache-Control", "no-store")
        return response


class SessionLimits:
    """Ends a session half an hour after the person last did something, and twelve hours after sign-in.

    A page's own polling (`HX-Trigger: live…`) does not count as doing something.
    """

    _WRITE_EVERY = 60

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "_auth_user_id" in request.session:
            self._check(request)
        return self.get_response(request)

    def _check(self, request: HttpRequest) -> None:
        session, moment = request.session, int(datetime.now(UTC).timestamp())
        began, seen = session.get("began", moment), session.get("seen", moment)
        if moment - seen > settings.SESSION_IDLE_SECONDS or moment - began > settings.SESSION_COOKIE_AGE:
            auth.logout(request)
        elif "seen" not in session or (moment - seen >= self._WRITE_EVERY and not _polls(request)):
            session["began"], session["seen"] = began, moment


def _polls(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true" and "seen" in request.GET


class Refusals:
    """Turns what the vault refuses, where no form took it, into a page with its sentence."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer VaultError with the status of its class; leave everything else to Django."""
        return failures.refused(request, exception) if isinstance(exception, VaultError) else None


class FirstPassword:
    """Sends whoever still has a password made by someone else to the page that changes it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.user.must_change_password:
            allowed = {reverse("accounts:password"), reverse("accounts:sign-out"), reverse("accounts:theme")}
            if request.path not in allowed:
                return redirect("accounts:password")
        return self.get_response(request)
