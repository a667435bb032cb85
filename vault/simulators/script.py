"""What a simulator does out of turn: delays, refusals and every way in which an answer gets lost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

# What every simulator does; a number may follow the colon.
COMMON = (
    "status",
    "status-after",
    "429",
    "401",
    "reset",
    "reset-after",
    "truncate",
    "html",
    "html-after",
    "garbage",
    "slow",
)
# What each does in its CA's own way, as far as that CA knows it.
OWN = (
    "ov-wait",
    "needs-approval",
    "reject",
    "unknown-status",
    "wrong-key",
    "crlf-root",
    "extra-names",
    "short-validity",
    "late-issue",
    "not-yet",
)


@dataclass(kw_only=True)
class Fault:
    """Do something wrong at the calls named `on` (“*”: any): the first `skip` pass, then `times` do not (-1: all)."""

    on: str
    do: str
    times: int = 1
    skip: int = 0
    value: str = ""

    @property
    def kind(self) -> str:
        """What stands before the colon."""
        return self.do.partition(":")[0]

    @property
    def number(self) -> float:
        """What stands after the colon; 0 when nothing does."""
        return float(self.do.partition(":")[2] or 0)

    def is_due(self) -> bool:
        """Count one chance; whether this is the time to do it."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times > 0:
            self.times -= 1
            return True
        return self.times < 0


@dataclass(kw_only=True)
class Script:
    """How an authority behaves. `delay_polls`: how often an order is asked about before it is issued.

    `approval`: every order waits until a person at the CA approves. `more` are settings of one simulator alone.
    """

    faults: list[Fault] = field(default_factory=list)
    delay_polls: int = 0
    approval: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    def take(self, on: str, kinds: Sequence[str]) -> Fault | None:
        """Return the first fault of these kinds that is due at this call."""
        for fault in self.faults:
            if fault.kind in kinds and (on == fault.on or "*" in {on, fault.on}) and fault.is_due():
                return fault
        return None

    @classmethod
    def read(cls, given: Any) -> "Script":
        """Read a script from what its JSON holds. Raises ValueError with a sentence."""
        if not isinstance(given, Mapping):
            raise ValueError('A script is an object like {"faults": []}.')  # noqa: TRY004 - one refusal for all
        faults = given.get("faults", [])
        if not isinstance(faults, list):
            raise ValueError("“faults” is a list.")  # noqa: TRY004
        own = {"faults", "delay_polls", "approval"}
        delay = given.get("delay_polls", 0)
        if not isinstance(delay, int):
            raise ValueError(f"“delay_polls” is a whole number, not “{delay}”.")  # noqa: TRY004
        return cls(
            faults=[_fault(item) for item in faults],
            delay_polls=delay,
            approval=bool(given.get("approval", False)),
            more={key: value for key, value in given.items() if key not in own},
        )

    @classmethod
    def from_file(cls, path: str | Path) -> "Script":
        """Read a script from a file of JSON. Raises ValueError with a sentence."""
        try:
            return cls.read(json.loads(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise ValueError(f"“{path}” cannot be read: {error.strerror}.") from error
        except json.JSONDecodeError as error:
            raise ValueError(f"“{path}” is not JSON (line {error.lineno}).") from error


def _fault(given: Any) -> Fault:
    known = {item.name for item in fields(Fault)}
    if not isinstance(given, Mapping) or not {"on", "do"} <= set(given) <= known:
        raise ValueError(f"A fault is an object with “on” and “do” (and {', '.join(sorted(known))}), not “{given}”.")
    fault = Fault(**given)
    if fault.kind not in COMMON + OWN:
        raise ValueError(f"“{fault.do}” is nothing a simulator does. Choose from {', '.join(COMMON + OWN)}.")
    return fault
