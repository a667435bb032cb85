"""Refusals in the key vault's words. The one place where the API turns an exception into a status and a code."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from django.core import signals
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError

from portal import access
from vault import errors

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 10


class ApiError(Exception):
    """A refusal in the key vault's own words. `headers` go with the answer."""

    def __init__(
        self, status: int, code: str, message: str, *, inner: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.inner, self.headers = status, code, message, inner, headers or {}


class MethodNotAllowed(ApiError):
    """The path exists, but not with this method."""

    def __init__(self, method: str, allowed: tuple[str, ...] = ()) -> None:
        shown = method if method.isalpha() else "method"
        headers = {"Allow": ", ".join(sorted(allowed))}
        super().__init__(
            HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", f"HTTP {shown} not allowed", headers=headers
        )


@dataclass(frozen=True)
class _Kind:
    status: HTTPStatus
    code: str
    inner: str = ""


_BAD: Final = _Kind(HTTPStatus.BAD_REQUEST, "BadParameter")
_BROKEN: Final = _Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError")
_AWAY: Final = _Kind(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable")
# The first class that fits decides.
_KINDS: Final[tuple[tuple[type[errors.VaultError], _Kind], ...]] = (
    (errors.BadParameter, _BAD),
    (errors.TooMany, _Kind(HTTPStatus.TOO_MANY_REQUESTS, "Throttled")),
    (errors.Conflict, _Kind(HTTPStatus.CONFLICT, "Conflict")),
    (errors.OperationClosed, _Kind(HTTPStatus.FORBIDDEN, "Forbidden")),
    (errors.NotAllowedNow, _Kind(HTTPStatus.CONFLICT, "Conflict")),
    (errors.NotAllowed, _Kind(HTTPStatus.FORBIDDEN, "Forbidden")),
    (errors.RingError, _AWAY),
)
_RECOVERABLE: Final = "ObjectIsDeletedButRecoverable"
_NOT_HERE: Final = (
    "A {noun} with (name/id) {name} was not found in this key vault. If you recently deleted this {noun} you may be "
    "able to recover it using the correct recovery command."
)
_NOUNS: Final = {"secrets": "secret", "keys": "key"}


def answer(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer with the error envelope; a bug is logged and says nothing about itself."""
    refusal = _refusal(request, error)
    if refusal.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("the API broke", exc_info=error)
        signals.got_request_exception.send(sender=None, request=request)
    return envelope(refusal)


def envelope(refusal: ApiError) -> HttpResponse:
    """The answer to a refusal; `innererror` is left out where there is none, for az breaks on null."""
    body: dict[str, object] = {"code": refusal.code, "message": refusal.message}
    if refusal.inner:
        body["innererror"] = {"code": refusal.inner}
    response = JsonResponse({"error": body}, status=refusal.status, headers=refusal.headers)
    if refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
        response.setdefault("Retry-After", str(RETRY_SECONDS))
    return response


def _refusal(request: HttpRequest, error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case errors.VaultError():
            return _of_vault(error)
        case access.NotFound():
            return _not_found(request, error)
        case Http404():
            return ApiError(HTTPStatus.NOT_FOUND, "NotFound", "There is nothing at this address.")
        case access.Refused():
            return _forbidden(request, error)
        case PermissionDenied():
            return ApiError(HTTPStatus.FORBIDDEN, "Forbidden", str(error), inner="AccessDenied")
        case RequestDataTooBig():
            return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BadParameter", "The body is too large.")
        case UnreadablePostError() | SuspiciousOperation():
            return ApiError(_BAD.status, _BAD.code, "The request cannot be read.")
        case OperationalError():
            log.warning("the database does not answer: %s", type(error).__name__)
            return ApiError(_AWAY.status, _AWAY.code, "The key vault cannot answer at this moment. Try again.")
        case _:
            return ApiError(_BROKEN.status, _BROKEN.code, "The key vault made a mistake. It is in its log.")


def _of_vault(error: errors.VaultError) -> ApiError:
    kind = next((kind for one, kind in _KINDS if isinstance(error, one)), _BROKEN)
    message, inner = str(error), kind.inner
    if isinstance(error, errors.BadParameter) and error.field:
        message = f"Property {error.field} has invalid value\r\n{message}"
    if isinstance(error, errors.NameTaken) and error.recoverable:
        inner = _RECOVERABLE
    if isinstance(error, errors.RingError):
        log.error("%s", error)
        message = "The key vault cannot open its keys at this moment. Whoever runs it finds the reason in its log."
    return ApiError(kind.status, kind.code, message, inner=inner)


def _not_found(request: HttpRequest, error: access.NotFound) -> ApiError:
    """Say it in the words of what was asked for: a certificate, the secret or the key of the same name."""
    kind, name = error.kind, error.name
    if kind == "vault":
        return ApiError(HTTPStatus.NOT_FOUND, "VaultNotFound", f"There is no vault {name} that you can use here.")
    if kind == "deleted certificate":
        message = f"Deleted Certificate not found: {name}"
        return ApiError(HTTPStatus.NOT_FOUND, "CertificateNotFound", message)
    if kind == "operation":
        message = f"Pending certificate not found: {name}"
        return ApiError(HTTPStatus.NOT_FOUND, "PendingCertificateNotFound", message)
    noun = _NOUNS.get(request.path_info.split("/", 2)[1], "certificate")
    message = _NOT_HERE.format(noun=noun, name=name)
    return ApiError(HTTPStatus.NOT_FOUND, f"{noun.capitalize()}NotFound", message)


def _forbidden(request: HttpRequest, error: access.Refused) -> ApiError:
    """Name person, verb and vault as the key vault does, then who can help."""
    noun, _, verb = getattr(request, "verb", "").partition("/")
    user, vault = getattr(request, "user", ""), getattr(request, "vault", "")
    lacking = f"The user, group or application '{user}' does not have {noun} {verb} permission on key vault '{vault}'."
    message = f"{lacking} {error}"
    return ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, inner="AccessDenied")
