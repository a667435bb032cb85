"""What the API's views share of HTTP: the typed request, endpoints, answers.

    @endpoint("certificates/get")
    def policy(request: ApiRequest, name: str) -> Answer:
        certificate = access.certificate_for(request, request.vault.name, name, may=request.verb)
        return wire.policy(certificate)

A path with several methods is `by_method(policy, change_policy)`. Paths come without double slashes and without a slash
at the end (`portal.api.hosts`), so URL patterns have neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port

from portal.api import limits
from portal.api.errors import MethodNotAllowed

if TYPE_CHECKING:
    from portal.models import Token, User
    from portal.rights import Rights
    from vault.models import Vault


class ApiRequest(HttpRequest):
    """A request with a good token to a vault that its owner is a member of; `portal.api.hosts` makes it so.

    `rights` are the owner's in the vault, narrowed by the token; `verb` is what the endpoint needs.
    """

    user: User
    token: Token
    vault: Vault
    rights: Rights
    verb: str
    urlconf: str


class Wire(Protocol):
    """A typed answer: a pydantic model."""

    def model_dump_json(self, *, by_alias: bool, exclude_none: bool) -> str:
        """The answer as JSON."""
        ...


Answer = Wire | tuple[Wire, int] | HttpResponse
View = Callable[..., Answer]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A view with what it needs: methods, a verb, and whether it makes a key, of which fewer are allowed."""

    view: View
    verb: str
    methods: tuple[str, ...]
    makes_key: bool

    def __call__(self, request: ApiRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer a request. Refusals leave as exceptions, which `portal.api.errors` turns into answers."""
        if request.method not in self.methods:
            raise MethodNotAllowed(request.method or "", self.methods)
        request.verb = self.verb
        if self.makes_key:
            limits.count_key(request)
        return response_of(self.view(request, *args, **kwargs))


def endpoint(verb: str, *, methods: tuple[str, ...] = ("GET",), makes_key: bool = False) -> Callable[[View], Endpoint]:
    """Make a view an endpoint; the view itself asks `access` for its object, with `may=request.verb`."""

    def decorate(view: View) -> Endpoint:
        return Endpoint(view=view, verb=verb, methods=methods, makes_key=makes_key)

    return decorate


@dataclass(frozen=True)
class ByMethod:
    """A path on which each method is an endpoint of its own."""

    endpoints: tuple[Endpoint, ...]

    def __call__(self, request: ApiRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Hand the request to the endpoint of its method."""
        for one in self.endpoints:
            if request.method in one.methods:
                return one(request, *args, **kwargs)
        raise MethodNotAllowed(request.method or "", tuple(method for one in self.endpoints for method in one.methods))


def by_method(*endpoints: Endpoint) -> ByMethod:
    """One view for a path with several methods."""
    return ByMethod(endpoints)


def host_as_sent(request: HttpRequest) -> str:
    """The host that `portal.api.hosts` has found to be a vault's, as the client wrote it, with its port.

    Django's own `get_host` knows only the hosts of the settings. Raises SuspiciousOperation for what is no host.
    """
    sent: str = request.META.get("HTTP_HOST", "")
    if not split_domain_port(sent)[0]:
        raise SuspiciousOperation("The host cannot be read.")
    return sent


def base_url(request: HttpRequest) -> str:
    """What every id begins with: the vault's address as the client wrote it, without the port 443."""
    return f"https://{host_as_sent(request).removesuffix(':443')}"


def response_of(answer: Answer) -> HttpResponse:
    """Turn what a view returned into a response."""
    if isinstance(answer, HttpResponse):
        return answer
    model, status = answer if isinstance(answer, tuple) else (answer, HTTPStatus.OK)
    return respond(model, status=status)


def respond(model: Wire, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Answer with a model: names are the wire's, and fields without a value are left out."""
    text = model.model_dump_json(by_alias=True, exclude_none=True)
    return HttpResponse(
        text, content_type="application/json; charset=utf-8", status=status, headers=dict(headers or {})
    )
