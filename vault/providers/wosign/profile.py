"""What a contract with WoSign says about its API, as data: names of fields, codes of products, what answers mean."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from vault.providers.web import Answer, BadAnswer


class Mark(enum.StrEnum):
    """What the mark of an answer means."""

    OK = "ok"
    REFUSED = "refused"
    TOKEN = "token"  # noqa: S105 - the token is wrong
    NO_ORDER = "no_order"


class State(enum.StrEnum):
    """What the state of an order means."""

    PENDING = "pending"
    VALIDATING = "validating"
    ISSUED = "issued"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


DEFAULT = """
# Appended to the address.
path =
# How requests are sent: form or json.
request = form
# How answers are written: text, like [1];OrderID=100001;orderStatus=1, or json.
answer = text

# The field that says what is wanted, and its values. An empty one: there is no such call.
action.field = actionType
action.order = MakeOrder
action.status = QueryOrderStatusCode
action.fetch =
action.cancel = CancelOrder
action.revoke = ReStartOrder

# Names of the fields that are sent. An empty one: it is not sent.
send.token = connect_token
send.account =
send.product = certName
send.months = certExpTime
send.domains = certallDomain
send.csr = CSR
send.order = OrderID
send.reason = reason
send.person_name = ownUser_name
send.person_email = ownUser_email
send.person_phone = ownUser_phone
send.organisation = org_name
send.organisation_kind = org_Type

# Sent with every order, as it is.
fixed.certencryptType = SHA2

# Codes of products. An empty one: no code is sent, and what is set in the account counts.
product.account =
product.OV-SSL = OVZhenSSLPro
product.EV-SSL = EVZhenSSLPro

# The mark of an answer (in text: the number in brackets) and what it means.
mark.1 = ok
mark.0 = refused
mark.2 = token
mark.3 = no_order

# Names of the fields that are read.
read.mark = status
read.order = OrderID
read.state = orderStatus
read.certificate = certificate
read.chain = intermediateCertificate
read.message = message

# States of an order and what they mean.
state.1 = pending
state.2 = issued
state.3 = rejected
state.4 = cancelled
state.5 = validating
"""

_MEANINGS = {
    "mark": tuple(Mark),
    "state": tuple(State),
}
_FORMATS = {"request": ("form", "json"), "answer": ("text", "json")}
# Anything may follow these.
_OPEN = ("fixed", "product", "mark", "state")
_TEXT = re.compile(r"\[\s*(-?\w{1,20})\s*\]\s*;?(.*)", re.DOTALL)
_MOST_FIELDS = 200


@dataclass(frozen=True, kw_only=True)
class Said:
    """One answer, understood as far as it goes. `meaning` of its mark and `state` are empty when not in the profile."""

    meaning: str
    order: str
    state: str
    state_code: str
    certificate: str
    chain: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Names and values of a contract; `flaws` are sentences about lines that make no sense."""

    values: Mapping[str, str]
    flaws: tuple[str, ...] = ()

    @classmethod
    def read(cls, changes: str) -> Self:
        """Read the lines of a profile that differ from the default one; “#” begins a comment line."""
        known, _ = _lines(DEFAULT, {})
        values, flaws = _lines(changes, known)
        return cls(values={**known, **values}, flaws=tuple(flaws))

    def __getitem__(self, name: str) -> str:
        """Return a value; empty when there is none."""
        return self.values.get(name, "")

    def under(self, group: str) -> dict[str, str]:
        """Return the values of a group like “fixed”, by what follows the full stop."""
        start = f"{group}."
        return {name.removeprefix(start): value for name, value in self.values.items() if name.startswith(start)}

    def understand(self, answer: Answer) -> Said:
        """Read an answer as the contract has it. Raises BadAnswer when it is written in another way."""
        found = _from_json(answer.json()) if self["answer"] == "json" else _from_text(answer.text())
        fields = {name.lower(): value for name, value in found.items()}

        def value(name: str) -> str:
            return fields.get(self[f"read.{name}"].lower(), "")

        mark = value("mark") if self["answer"] == "json" else fields.get("", "")
        if not mark:
            raise BadAnswer("the answer is not written as the contract profile says")
        return Said(
            meaning=self[f"mark.{mark}"],
            order=value("order"),
            state=self[f"state.{value('state')}"],
            state_code=value("state"),
            certificate=value("certificate"),
            chain=value("chain"),
            message=value("message"),
        )


def _lines(text: str, known: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Read lines like `name = value`; names have to be `known`, if any are."""
    values, flaws = {}, []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if flaw := _flaw(name, equals, value, known):
            flaws.append(flaw)
        else:
            values[name] = value
    return values, flaws


def _flaw(name: str, equals: str, value: str, known: Mapping[str, str]) -> str:
    group = name.partition(".")[0]
    if not equals:
        return f"“{name[:80]}” in the contract profile is no line like name = value. Correct it."
    if known and name not in known and group not in _OPEN:
        return f"“{name[:80]}” is no name of the contract profile. Correct it, or leave the line out."
    allowed = _FORMATS.get(name) or _MEANINGS.get(group)
    if allowed and value not in allowed:
        return f"“{name[:80]} = {value[:80]}” in the contract profile: choose one of {', '.join(allowed)}."
    return ""


def _from_text(text: str) -> dict[str, str]:
    """Read `[1];name=value;…`; the mark is kept under the empty name."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise BadAnswer("the answer is not written as the contract profile says")
    parts = (part.partition("=") for part in match[2].split(";", _MOST_FIELDS))
    return {"": match[1]} | {name.strip(): value.strip() for name, equals, value in parts if equals and name.strip()}


def _from_json(value: Any) -> dict[str, str]:
    """Read an object, and the objects in it, as one list of names and values; outer ones win."""
    if not isinstance(value, dict):
        raise BadAnswer("the answer is not written as the contract profile says")
    inner = [_from_json(item) for item in value.values() if isinstance(item, dict)]
    own = {str(name): _text(item) for name, item in value.items() if not isinstance(item, dict)}
    merged: dict[str, str] = {}
    for fields in (*inner, own):
        merged |= fields
    return merged


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
