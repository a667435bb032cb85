"""The OpenAPI document says what the API does: every address, every model, and answers that fit."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal.api import openapi
from portal.models import Role
from tests.factories import make_certificate, make_member, make_operation, make_vault
from tests.portal.api.client import ApiClient
from vault.lifecycle import retiring
from vault.models.audit import SYSTEM

Api = Callable[..., ApiClient]
DOCUMENT = openapi.describe()


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, methods in DOCUMENT["paths"].items() for method, one in methods.items()]


def test_it_is_served_to_everyone_on_the_portal_and_to_tokens_on_a_vault(api: Api) -> None:
    vault = make_vault()

    public = Client().get("/openapi.json").json()
    on_vault = api(make_member(vault), vault).get("/openapi.json").json()

    assert public == on_vault == json.loads(json.dumps(DOCUMENT))


def test_every_endpoint_is_in_it_once() -> None:
    there = {(address, method.lower()) for address, one in openapi.endpoints() for method in one.methods}

    assert there == {(path, method) for path, method, _ in operations()}
    ids = [one["operationId"] for _, _, one in operations()]
    assert len(set(ids)) == len(ids)
    assert len(ids) > 45


@pytest.mark.parametrize(
    ("path", "method", "operation"), operations(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"].endswith(".")
    assert re.search(r"`\w+/\w+`", operation["description"])
    parameters = {one["name"]: one for one in operation["parameters"]}
    assert set(re.findall(r"{(\w+)}", path)) <= set(parameters)
    assert parameters["api-version"]["required"]
    assert {"401", "403", "404", "429"} <= set(operation["responses"])


def test_every_reference_leads_somewhere() -> None:
    found = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT)))

    assert len(found) > 20
    for reference in found:
        assert reference.startswith("#/components/schemas/")
        assert reference.rpartition("/")[2] in DOCUMENT["components"]["schemas"]


def test_the_wires_names_stand_in_it() -> None:
    schemas = json.dumps(DOCUMENT["components"]["schemas"])

    for name in ("preserveCertOrder", "contentType", "ipAddresses", "nextLink", "recoveryId", "scheduledPurgeDate"):
        assert f'"{name}"' in schemas
    assert '"preserve_cert_order"' not in schemas


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """As much of JSON Schema as the models use."""
    if "$ref" in schema:
        return fits(value, DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return any(fits(value, one) for one in schema["anyOf"])
    match schema.get("type"):
        case "object":
            known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
            required = set(schema.get("required", []))
            return (
                isinstance(value, dict)
                and required <= set(value)
                and all(
                    fits(one, known[name]) if name in known else (fits(one, rest) if isinstance(rest, dict) else rest)
                    for name, one in value.items()
                )
            )
        case "array":
            return isinstance(value, list) and all(fits(one, schema["items"]) for one in value)
        case "string":
            return isinstance(value, str)
        case "integer":
            return type(value) is int
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case _:
            return True


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/certificates", "/certificates"),
        ("/certificates/www", "/certificates/{name}"),
        ("/certificates/slow", "/certificates/{name}"),
        ("/certificates/www/VERSION", "/certificates/{name}/{version}"),
        ("/certificates/www/versions", "/certificates/{name}/versions"),
        ("/certificates/www/policy", "/certificates/{name}/policy"),
        ("/certificates/www/pending", "/certificates/{name}/pending"),
        ("/certificates/issuers", "/certificates/issuers"),
        ("/deletedcertificates", "/deletedcertificates"),
        ("/deletedcertificates/gone", "/deletedcertificates/{name}"),
        ("/secrets", "/secrets"),
        ("/secrets/www", "/secrets/{name}"),
        ("/keys", "/keys"),
        ("/keys/www", "/keys/{name}"),
    ],
)
def test_answers_fit_it(api: Api, path: str, template: str) -> None:
    vault = make_vault()
    version = make_certificate(vault=vault, name="www").current
    make_operation(vault=vault, name="slow")
    retiring.delete_certificate(certificate=make_certificate(vault=vault, name="gone"), by=SYSTEM)

    body = api(make_member(vault, Role.ADMINISTRATOR), vault).get(path.replace("VERSION", str(version))).json()

    answer = DOCUMENT["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert fits(body, answer)
    assert not fits({**body, "surprise": 1}, answer) or template.endswith("policy")


def test_the_page_about_the_api_names_every_address_and_every_permission() -> None:
    page = (Path(__file__).parents[3] / "docs/api.md").read_text()

    for address, one in openapi.endpoints():
        assert f"`{one.verb}`" in page
        plain = address.replace("/{version}", "")
        assert f"`{plain}`" in page or f"`{plain.rpartition('/')[2]}`" in page
