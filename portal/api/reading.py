"""Reading what a client sends: JSON into a typed model, or a refusal that says which property is wrong."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, TypeVar

from django.http import HttpRequest
from pydantic import ValidationError

from portal.api.models.base import Body
from vault.errors import BadParameter
from vault.x509.visible import shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=Body)
# In octets.
_MOST_DRAINED: Final = 8_000_000
_CHUNK: Final = 65_536


def body_of(request: HttpRequest, model: type[Model]) -> Model:
    """Read the body. Raises BadParameter, never with what was sent in its text, and RequestDataTooBig."""
    try:
        return model.model_validate_json(request.body)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False, include_context=False, include_input=False)[0]) from None


def drain(request: HttpRequest) -> None:
    """Read what is left of a body, up to a limit, and forget it.

    Many clients hear no answer before they have sent everything; to them a connection that is closed meanwhile is
    broken.
    """
    left = _MOST_DRAINED
    with contextlib.suppress(OSError):
        while left > 0 and (chunk := request.read(_CHUNK)):
            left -= len(chunk)


def _refusal(first: ErrorDetails) -> BadParameter:
    if first["type"] in {"json_invalid", "json_type"}:
        return BadParameter("The body of the request is not JSON that can be read.")
    if not first["loc"]:
        return BadParameter("The body of the request is not a JSON object.")
    field, *rest = (shown(str(part)) for part in first["loc"][:8])
    place = f"{'.'.join(rest)}: " if rest else ""
    return BadParameter(f"{place}{first['msg']}.", field=field)
