"""A vault, an issuer and a simulator of its CA, with a clock that jumps to whatever is planned next.

    with Rig(DigiCertSimulator()) as rig:
        operation = rig.play(rig.request())
        assert operation.status == "completed"
        assert rig.orders_of(operation) == 1

Everything in between is real: adapter, sockets, rows, the worker's own step. Only time is not waited for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import time_machine
from django.test import override_settings

from tests.factories import make_operation, make_vault
from vault import tasks
from vault.lifecycle import issuers, withdrawing
from vault.models import Issuer, Operation, Vault
from vault.models.audit import SYSTEM
from vault.providers import OFFERS
from vault.providers.base import Offer
from vault.providers.web import Web
from vault.simulators.kit import Fault, Script, Simulator
from vault.x509.requests import describe_csr

_count = itertools.count(1)


def make_issuer(
    vault: Vault,
    *,
    provider: str,
    config: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    name: str = "",
) -> Issuer:
    """An issuer's row with its credentials sealed."""
    issuer = Issuer(vault=vault, name=name or f"ca{next(_count)}", provider=provider, config=dict(config or {}))
    issuer.secrets = issuers.seal_secrets(issuer, secrets or {})
    issuer.save(force_insert=True)
    return issuer


class Rig:
    """An issuer at a simulator. Without `config` and `secrets`, those that the simulator itself asks for.

    Time stands still inside `with`, at `rig.now`, unless it is moved.
    """

    def __init__(
        self,
        simulator: Simulator,
        *,
        provider: str = "",
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        vault: Vault | None = None,
    ) -> None:
        self.simulator = simulator
        self.provider = provider or simulator.provider
        self._given = (config, secrets)
        self._vault = vault
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start the simulator if nobody has, make the issuer, stop the clock."""
        if self.simulator._thread is None:
            self._stack.enter_context(self.simulator)
        self._stack.enter_context(override_settings(CA_LOOPBACK=True))
        start = datetime.now(UTC).replace(microsecond=0)
        self._clock = self._stack.enter_context(time_machine.travel(start, tick=False))
        self.vault = self._vault or make_vault()
        config, secrets = self._values()
        self.issuer = make_issuer(self.vault, provider=self.provider, config=config, secrets=secrets)
        self._issuer_id = self.issuer.pk.hex
        return self

    def __exit__(self, *details: object) -> None:
        """Close the adapters' connections, and let time go on."""
        for key, adapter in list(issuers._adapters.items()):
            if key[1] == self._issuer_id:
                del issuers._adapters[key]
                for web in _webs(adapter):
                    if "pool" in web._kept:
                        web._kept["pool"].close()
        self._stack.close()

    # ------------------------------------------------------------------ time
    @property
    def now(self) -> datetime:
        """The time inside the rig."""
        return datetime.now(UTC)

    def move(self, by: timedelta) -> None:
        """Let time pass; nothing is done in it."""
        self._clock.shift(by)

    def move_to(self, moment: datetime) -> None:
        """Go to a moment."""
        self._clock.move_to(moment, tick=False)

    # ------------------------------------------------------------------ work
    def request(self, name: str = "", **facts: Any) -> Operation:
        """Ask for a certificate of this issuer; `facts` are the policy's."""
        return make_operation(vault=self.vault, name=name, issuer=self.issuer.name, **facts)

    def step(self, operation: Operation) -> Operation:
        """Take one step if it is due, and return the operation as it is then."""
        tasks.advance_operation(operation.pk)
        return fresh(operation)

    def play(self, operation: Operation, *, most: int = 60, days: float = 40) -> Operation:
        """Take the planned steps, each at its time, until the operation ends or waits for a person.

        AssertionError after `most` steps; after `days` it is returned as it is.
        """
        over = self.now + timedelta(days=days)
        for _ in range(most):
            operation = fresh(operation)
            planned = operation.next_step_at
            # Where a person is asked, it is looked for now and then all the same.
            is_asked = operation.unclear_at is not None and planned is not None and planned > self.now
            if is_asked or not operation.is_in_progress or planned is None or planned > over:
                return operation
            if planned > self.now:
                self.move_to(planned)
            tasks.advance_operation(operation.pk)
        told = [step.text for step in operation.steps.all()]
        raise AssertionError(f"Not at an end after {most} steps: {operation.step}, “{operation.detail}”, {told}")

    def play_until(self, operation: Operation, step: str, *, most: int = 20) -> Operation:
        """Take the planned steps until the operation stands at `step`."""
        for _ in range(most):
            operation = fresh(operation)
            if operation.step == step or not operation.is_in_progress or operation.next_step_at is None:
                return operation
            if operation.next_step_at > self.now:
                self.move_to(operation.next_step_at)
            tasks.advance_operation(operation.pk)
        raise AssertionError(f"Not “{step}” after {most} steps but “{operation.step}”: {operation.detail}")

    def cancel(self, operation: Operation) -> bool:
        """Cancel as a person does."""
        return withdrawing.cancel(operation=fresh(operation), by=SYSTEM)

    def break_down(self, *faults: Fault, **more: Any) -> None:
        """Have the simulator do this from now on."""
        self.simulator.script = Script(faults=list(faults), **more)

    # --------------------------------------------------------------- looking
    def orders_of(self, operation: Operation) -> int:
        """How many orders the CA has ever accepted for the operation's key."""
        mine = operation.spki_sha256
        return sum(describe_csr(order.csr).spki_sha256 == mine for order in self.simulator.orders)

    def assert_ended_well(self, operation: Operation) -> None:
        """Completed, with one order at the CA and one certificate for our key."""
        told = [step.text for step in operation.steps.all()]
        assert operation.status == Operation.Status.COMPLETED, (operation.status, operation.error_message, told)
        assert self.orders_of(operation) == 1
        assert operation.version is not None

    def _values(self) -> tuple[dict[str, str], dict[str, str]]:
        config, secrets = self._given
        if config is not None and secrets is not None:
            return dict(config), dict(secrets)
        fields = OFFERS[self.provider].fields
        sealed = {field.name for field in fields if field.secret}
        given = {field.name: field.default for field in fields} | dict(self.simulator.values())
        open_values = {name: value for name, value in given.items() if name not in sealed}
        hidden = {name: value for name, value in given.items() if name in sealed}
        return dict(config) if config is not None else open_values, dict(secrets) if secrets is not None else hidden


def fresh(operation: Operation) -> Operation:
    """The operation as it is in the database now."""
    return Operation.objects.select_related("vault", "certificate", "certificate__current", "key", "issuer").get(
        pk=operation.pk
    )


def _webs(thing: object, depth: int = 4) -> Iterator[Web]:
    """What an adapter calls its CA with, wherever it keeps that."""
    if isinstance(thing, Web):
        yield thing
    elif depth and type(thing).__module__.startswith(("vault.", "tests.")) and hasattr(thing, "__dict__"):
        for value in vars(thing).values():
            yield from _webs(value, depth - 1)


@contextmanager
def offered(*offers: Offer) -> Iterator[None]:
    """Let issuers be made of these kinds as well."""
    before = dict(OFFERS)
    OFFERS.update({offer.key: offer for offer in offers})
    try:
        yield
    finally:
        OFFERS.clear()
        OFFERS.update(before)
