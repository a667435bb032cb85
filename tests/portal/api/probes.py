"""A small API behind the door, for tests that are about the door."""

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import HttpResponse
from django.urls import path

from portal import access
from portal.api import finding
from portal.api.http import Answer, ApiRequest, base_url, by_method, endpoint, respond
from vault import errors

REFUSALS: dict[str, Exception] = {
    "bad": errors.BadParameter("It is not valid."),
    "bad-field": errors.PolicyViolation("RSA keys have 2048 bits at least.", field="policy"),
    "many": errors.TooMany("Too many run."),
    "taken": errors.NameTaken("It is deleted.", recoverable=True),
    "conflict": errors.Conflict("It exists."),
    "not-now": errors.NotAllowedNow("One is in progress."),
    "closed": errors.OperationClosed("It has ended."),
    "not-allowed": errors.NotAllowed("It is protected."),
    "ring": errors.RingError("The key ring /srv/secret/keyring is damaged."),
    "vault": errors.VaultError("Something else."),
    "denied": PermissionDenied("No."),
    "big": RequestDataTooBig("too big"),
    "database": OperationalError("connection to server at 192.0.2.7 failed"),
    "bug": RuntimeError("canary-in-a-bug"),
    "certificate": access.NotFound("certificate", "www"),
    "deleted": access.NotFound("deleted certificate", "www"),
    "operation": access.NotFound("operation", "www"),
}


class Words:
    def __init__(self, words: str) -> None:
        self.words = words

    def model_dump_json(self, **how: bool) -> str:
        assert how == {"by_alias": True, "exclude_none": True}
        return f'"{self.words}"'


@endpoint("certificates/list")
def index(request: ApiRequest) -> Answer:
    finding.require_somewhere(request)
    return Words(f"{request.user} {request.vault} {base_url(request)} {request.path}")


@endpoint("certificates/get")
def detail(request: ApiRequest, name: str) -> Answer:
    return Words(access.certificate_for(request, request.vault.name, name, may=request.verb).name)


@endpoint("certificates/create", methods=("POST",), makes_key=True)
def create(request: ApiRequest) -> Answer:
    access.vault_for(request, request.vault.name, may=request.verb)
    return Words(f"made by {access.actor(request, request.verb).token}"), 202


@endpoint("certificates/delete", methods=("DELETE",))
def delete(_request: ApiRequest, name: str) -> Answer:
    return respond(Words(name), headers={"Location": "https://example.org"})


@endpoint("certificates/get")
def refuse(_request: ApiRequest, how: str) -> Answer:
    raise REFUSALS[how]


@endpoint("certificates/get")
def empty(_request: ApiRequest) -> Answer:
    return HttpResponse(status=204)


urlpatterns = [
    path("certificates", index),
    path("certificates/create", create),
    path("certificates/empty", empty),
    path("certificates/<str:name>", by_method(detail, delete)),
    path("secrets/<str:name>", detail),
    path("keys/<str:name>", detail),
    path("refuse/<str:how>", refuse),
]
