"""What all models share."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

# PostgreSQL cannot keep a NUL; longer texts than this are never meant.
Text = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
Tags = dict[Text, Text]
MOST_LISTED = 1000
# Most names on the wire are as ours, these are not.
_WIRE_NAMES: Final = {
    "content_type": "contentType",
    "deleted_date": "deletedDate",
    "ip_addresses": "ipAddresses",
    "next_link": "nextLink",
    "platform_managed": "platformManaged",
    "preserve_cert_order": "preserveCertOrder",
    "previous_version": "previousVersion",
    "recoverable_days": "recoverableDays",
    "recovery_id": "recoveryId",
    "recovery_level": "recoveryLevel",
    "scheduled_purge_date": "scheduledPurgeDate",
}


def _wire_name(name: str) -> str:
    return _WIRE_NAMES.get(name, name)


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 12.0 is 12."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Number = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=2**31 - 1)]
Moment = Annotated[int, BeforeValidator(_whole)]
_BOTH_NAMES: Final = ConfigDict(
    frozen=True, hide_input_in_errors=True, alias_generator=_wire_name, validate_by_name=True, validate_by_alias=True
)


class Body(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(**_BOTH_NAMES, strict=True, extra="ignore")


class Reply(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(**_BOTH_NAMES, extra="forbid")
