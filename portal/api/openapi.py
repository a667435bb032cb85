"""The API's OpenAPI document, made from the addresses in `urls` and the models that read and write the bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, get_resolver
from django.views.decorators.http import require_GET
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from portal.api.errors import MethodNotAllowed
from portal.api.http import ApiRequest, ByMethod, Endpoint
from portal.api.models import bodies, replies
from portal.api.models.policy import CertificatePolicy

_REF: Final = "#/components/schemas/{model}"
_VERSIONS: Final = ("7.4", "7.6", "2025-07-01", "2026-04-01")
_PAGED: Final = ("maxresults",)
_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "maxresults": {"type": "integer", "minimum": 1, "maximum": 25, "default": 25},
    "includePending": {"type": "boolean", "default": False},
    "request_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "outContentType": {"type": "string", "enum": ["application/x-pkcs12", "application/x-pem-file"]},
}
_PATTERNS: Final = {"name": "^[0-9a-zA-Z-]{1,127}$", "version": "^[0-9a-f]{32}$"}
_EXAMPLES: Final = {"name": "www-example-org"}
_REFUSALS: Final = {
    400: "a field is not valid (BadParameter)",
    401: "no good token; the challenge is in WWW-Authenticate",
    403: "not allowed to this token, or by the object itself",
    404: "no such object, or none that the token's owner may see",
    405: "another method is wanted",
    409: "it exists, is deleted, or is being made",
    413: "the body is too large",
    429: "too many calls; Retry-After says when to come back",
    503: "the vault cannot answer at this moment",
}


@dataclass(frozen=True)
class _Shape:
    """What goes into an endpoint and comes out of it."""

    reply: type[BaseModel] | None
    body: type[BaseModel] | None = None
    status: int = 200
    query: tuple[str, ...] = ()


_SHAPES: Final[dict[str, _Shape]] = {
    "certificates.index": _Shape(replies.CertificateList, query=(*_PAGED, "includePending")),
    "certificates.versions": _Shape(replies.CertificateList, query=_PAGED),
    "certificates.detail": _Shape(replies.CertificateBundle),
    "certificates.update": _Shape(replies.CertificateBundle, bodies.CertificateUpdateParameters),
    "certificates.delete": _Shape(replies.DeletedCertificateBundle),
    "certificates.policy": _Shape(CertificatePolicy),
    "certificates.update_policy": _Shape(CertificatePolicy, CertificatePolicy),
    "operations.create": _Shape(replies.CertificateOperation, bodies.CertificateCreateParameters, 202),
    "operations.detail": _Shape(replies.CertificateOperation, query=("request_id",)),
    "operations.cancel": _Shape(replies.CertificateOperation, bodies.CertificateOperationUpdateParameter),
    "operations.delete": _Shape(replies.CertificateOperation),
    "operations.merge": _Shape(replies.CertificateBundle, bodies.CertificateMergeParameters, 201),
    "imports.create": _Shape(replies.CertificateBundle, bodies.CertificateImportParameters),
    "backups.create": _Shape(replies.BackupCertificateResult),
    "backups.restore": _Shape(replies.CertificateBundle, bodies.CertificateRestoreParameters),
    "deleted.index": _Shape(replies.DeletedCertificateList, query=(*_PAGED, "includePending")),
    "deleted.detail": _Shape(replies.DeletedCertificateBundle),
    "deleted.recover": _Shape(replies.CertificateBundle),
    "deleted.purge": _Shape(None, status=204),
    "contacts.detail": _Shape(replies.Contacts),
    "contacts.replace": _Shape(replies.Contacts, bodies.ContactsGiven),
    "contacts.delete": _Shape(replies.Contacts),
    "issuers.index": _Shape(replies.IssuerList, query=("maxresults",)),
    "issuers.detail": _Shape(replies.IssuerBundle),
    "issuers.replace": _Shape(replies.IssuerBundle, bodies.IssuerSetParameters),
    "issuers.update": _Shape(replies.IssuerBundle, bodies.IssuerUpdateParameters),
    "issuers.delete": _Shape(replies.IssuerBundle),
    "secrets.index": _Shape(replies.SecretList, query=_PAGED),
    "secrets.versions": _Shape(replies.SecretList, query=_PAGED),
    "secrets.detail": _Shape(replies.SecretBundle, query=("outContentType",)),
    "keys.index": _Shape(replies.KeyList, query=_PAGED),
    "keys.versions": _Shape(replies.KeyList, query=_PAGED),
    "keys.detail": _Shape(replies.KeyBundle),
    "keys.verify": _Shape(replies.KeyVerifyResult, bodies.KeyVerifyParameters),
    **{
        f"keys.{name}": _Shape(replies.KeyOperationResult, bodies.KeyOperationParameters)
        for name in ("sign", "encrypt", "decrypt", "wrapkey", "unwrapkey")
    },
}


@require_GET
def document(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - a view
    """Answer with the document, on the portal's own host; it is the same for everyone."""
    return JsonResponse(describe())


def on_vault(request: ApiRequest) -> HttpResponse:
    """Answer with the document on a vault's host."""
    if request.method != "GET":
        raise MethodNotAllowed(request.method or "", ("GET",))
    return JsonResponse(describe())


@cache
def describe() -> dict[str, Any]:
    """The whole document (OpenAPI 3.1)."""
    refs, definitions = models_json_schema(_models(), ref_template=_REF, by_alias=True)
    paths: dict[str, dict[str, Any]] = {}
    for address, one in endpoints():
        paths.setdefault(address, {})[one.methods[0].lower()] = _operation(address, one, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chancery",
            "version": _VERSIONS[-1],
            "description": "The certificates API of a key vault. Every vault is a host of its own.",
        },
        "servers": [
            {
                "url": f"https://{{vault}}.{settings.API_DOMAIN}",
                "variables": {"vault": {"default": "vault", "description": "the vault's name"}},
            }
        ],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**definitions["$defs"], "Error": _ERROR},
        },
    }


def endpoints() -> Iterator[tuple[str, Endpoint]]:
    """Every endpoint with its address: `/certificates/{name}`."""
    for pattern in get_resolver("portal.api.urls").url_patterns:
        if not isinstance(pattern, URLPattern):
            continue
        address = "/" + re.sub(r"<str:(\w+)>", r"{\1}", str(pattern.pattern))
        view: object = pattern.callback
        found = view.endpoints if isinstance(view, ByMethod) else (view,)
        yield from ((address, one) for one in found if isinstance(one, Endpoint))


def name_of(one: Endpoint) -> str:
    """`certificates.index`: the module and the function."""
    return f"{one.view.__module__.rpartition('.')[2]}.{one.view.__name__}"


def _models() -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    found: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for shape in _SHAPES.values():
        if shape.body is not None:
            found[shape.body, "validation"] = None
        if shape.reply is not None:
            found[shape.reply, "serialization"] = None
    return list(found)


def _operation(address: str, one: Endpoint, refs: Any) -> dict[str, Any]:
    name = name_of(one)
    shape = _SHAPES[name]
    summary = (one.view.__doc__ or "").strip().partition("\n")[0]
    with_version = "{version}" in address
    return {
        "operationId": f"{name}.version" if with_version else name,
        "summary": summary,
        "description": f"Needs the permission `{one.verb}`.",
        "parameters": [*_in_path(address), *_in_query(shape)],
        **({"requestBody": _content(refs[shape.body, "validation"])} if shape.body else {}),
        "responses": {str(shape.status): _answer(shape, refs), **_refusals()},
    }


def _in_path(address: str) -> list[dict[str, Any]]:
    return [_path_parameter(name) for name in re.findall(r"{(\w+)}", address)]


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": _PATTERNS[name]}
    example = {"example": _EXAMPLES[name]} if name in _EXAMPLES else {}
    return {"name": name, "in": "path", "required": True, "schema": schema, **example}


def _in_query(shape: _Shape) -> list[dict[str, Any]]:
    version = {"name": "api-version", "in": "query", "required": True, "schema": {"type": "string", "enum": _VERSIONS}}
    return [version, *({"name": name, "in": "query", "schema": _PARAMETERS[name]} for name in shape.query)]


def _content(schema: Any) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _answer(shape: _Shape, refs: Any) -> dict[str, Any]:
    if shape.reply is None:
        return {"description": "done"}
    schema = refs[shape.reply, "serialization"]
    return {"description": "done", "content": {"application/json": {"schema": schema}}}


def _refusals() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _REF.format(model="Error")}}}
    return {str(status): {"description": words, "content": content} for status, words in _REFUSALS.items()}


_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "innererror": {
                    "type": "object",
                    "required": ["code"],
                    "properties": {"code": {"type": "string"}},
                },
            },
        }
    },
}
