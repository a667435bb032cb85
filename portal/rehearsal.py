"""The CAs that `up --demo` plays on this machine, their issuers, and requests in every state that a CA can lead to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, TextIO
from urllib.parse import urlsplit

from django.db.models import Q
from django.utils import timezone

from vault import tasks
from vault.lifecycle import importing, reconciling, withdrawing
from vault.lifecycle.configuring import Given, create_issuer
from vault.lifecycle.importing import ImportOrder
from vault.models import Issuer, Operation, Vault
from vault.models.audit import SYSTEM
from vault.providers import OFFERS
from vault.providers.base import Administrator
from vault.simulators import SIMULATORS
from vault.simulators.kit import Authority, Fault, Script, Simulator
from vault.x509.found import Upload
from vault.x509.parsing import read_files

if TYPE_CHECKING:
    from portal.demo import Desk

Cast = dict[str, Simulator]

# The names of issuers in the demonstration's vault, and of the simulators behind them.
VAULT: Final = "payments"
_CAS: Final = {"digicert": "digicert", "globalsign": "globalsign", "wosign": "wosign"}
_MOST_STEPS: Final = 8


@contextlib.contextmanager
def playing(out: TextIO) -> Iterator[Cast]:
    """Play the CAs until the block ends, each where its issuer looks for it; orders of before are forgotten."""
    with contextlib.ExitStack() as stack:
        cast: Cast = {}
        ports = {name: _port_of(name) for name, simulator in _CAS.items() if simulator in SIMULATORS}
        for name, port in ports.items():
            try:
                cast[name] = stack.enter_context(SIMULATORS[_CAS[name]](port=port))
            except OSError as error:
                out.write(f"The CA of the issuer “{name}” cannot be played on port {port}: {error.strerror}.\n")
        yield cast


def _port_of(name: str) -> int:
    """The port that an issuer of an earlier start knows; 0 when there is none."""
    issuer = Issuer.objects.filter(vault__name_key=VAULT, vault__deleted_at__isnull=True).named(name).first()
    address = urlsplit(issuer.config.get("address", "")) if issuer else None
    return address.port or 0 if address and address.hostname == "127.0.0.1" else 0


def fill(vault: Vault, desk: Desk, cast: Cast) -> None:
    """Make an issuer for each CA that is played, and requests at them."""
    for name, simulator in cast.items():
        create_issuer(vault=vault, name=name, given=_given(simulator), by=SYSTEM)
    if "digicert" in cast:
        _fill_digicert(desk, cast["digicert"])
    if "globalsign" in cast:
        _play(desk.ask("docs-example-org", "docs.example.org", issuer="globalsign"))
    if "wosign" in cast:
        lost = Script(faults=[Fault(on="submit", do="reset-after")])
        _at(desk, "wosign", cast["wosign"], lost, "forum-example-org", "forum.example.org")
    _import(vault, desk)


def _fill_digicert(desk: Desk, simulator: Simulator) -> None:
    def ask(name: str, *faults: Fault, **more: object) -> Operation:
        host = name.replace("-example-org", ".example.org")
        return _at(desk, "digicert", simulator, Script(faults=list(faults), more=more), name, host)

    ask("login-example-org")
    ask("careers-example-org", Fault(on="*", do="ov-wait"))
    ask("cdn-example-org", dcv=True)
    ask("partners-example-org", approver=False)
    words = "The organisation's telephone number could not be verified."
    ask("blog-example-org", Fault(on="*", do="reject", value=words))
    late = ask("survey-example-org", Fault(on="*", do="ov-wait"))
    simulator.script = Script(faults=[Fault(on="*", do="late-issue")])
    withdrawing.cancel(operation=late, by=desk.by)
    _play(late)
    Operation.objects.filter(pk=late.pk, watch_at__isnull=False).update(watch_at=timezone.now())
    reconciling.watch_due()


def _import(vault: Vault, desk: Desk) -> None:
    """A certificate that was made elsewhere and brought with its key."""
    chain, key = Authority("Former CA").pair("shop.example.org")
    found = read_files([Upload(name="shop.pem", content=f"{chain}\n{key}".encode())])
    for candidate in importing.survey(vault, found).candidates:
        order = ImportOrder(name="shop-example-org", policy=importing.propose(candidate, certificate=None).policy)
        importing.import_candidate(vault=vault, candidate=candidate, order=order, by=desk.by)


def _at(desk: Desk, issuer: str, simulator: Simulator, script: Script, name: str, host: str) -> Operation:
    """Ask for a certificate while the CA does what the script says, and go on until it ends or someone must act."""
    simulator.script = script
    operation = _play(desk.ask(name, host, issuer=issuer))
    simulator.script = Script()
    return operation


def _play(operation: Operation) -> Operation:
    """Take the next steps now instead of at their times, until someone must act."""
    for _ in range(_MOST_STEPS):
        due = Operation.objects.in_progress().filter(pk=operation.pk, next_step_at__isnull=False)
        if not due.filter(Q(tasks=[]) | Q(cancellation_requested=True)).update(next_step_at=timezone.now()):
            break
        tasks.advance_operation(operation.pk)
    return Operation.objects.select_related("vault", "certificate").get(pk=operation.pk)


def _given(simulator: Simulator) -> Given:
    """What the form of an issuer needs to reach a simulator."""
    offer = OFFERS[simulator.provider]
    values = {field.name: field.default for field in offer.fields} | dict(simulator.values())
    sealed = {field.name for field in offer.fields if field.secret}
    person = Administrator(first_name="Adele", last_name="Administrator", email="adele@example.org", phone="+46 8 1234")
    return Given(
        provider=offer.key,
        config=_part(values, {*values} - sealed),
        secrets=_part(values, sealed & {*values}),
        administrators=[person] if offer.administrator else [],
    )


def _part(values: Mapping[str, str], names: set[str]) -> dict[str, str]:
    return {name: values[name] for name in names if values[name]}
