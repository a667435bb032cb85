"""`manage.py simulate_ca NAME [--port N] [--script FILE]`."""

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from vault.providers import OFFERS
from vault.providers.base import FormField
from vault.providers.values import is_long
from vault.simulators import SIMULATORS
from vault.simulators.kit import Script, Simulator


class Command(BaseCommand):
    help = (
        "Play a commercial CA on this machine, to rehearse an issuer without cost. Its certificates are worth nothing."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ca", choices=sorted(SIMULATORS), help="which CA to play")
        parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; 0: any free port")
        parser.add_argument("--script", default="", help="a file of JSON that says what goes wrong")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            script = Script.from_file(options["script"]) if options["script"] else Script()
            simulator = SIMULATORS[options["ca"]](port=options["port"], script=script)
        except ValueError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Port {options['port']} cannot be listened on: {error.strerror}.") from error
        except OverflowError as error:
            raise CommandError(f"{options['port']} is not a port. Choose one from 1 to 65535.") from error
        for line in introduction(simulator):
            self.stdout.write(line)
        self.stdout.flush()
        # A shell that starts it in the background has Ctrl-C ignored.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        simulator.serve_forever()


def introduction(simulator: Simulator) -> list[str]:
    """Say where it listens and what to enter into the issuer's form."""
    offer = OFFERS[simulator.provider]
    fields = {field.name: field for field in offer.fields}
    lines = [
        f"{simulator.title}: playing at {simulator.address}. Ctrl-C stops it, and its orders are gone.",
        "Start the portal with CHANCERY_CA_LOOPBACK=1, then make an issuer with:",
        f"  Provider: {offer.title}",
    ]
    for name, value in simulator.values().items():
        lines += _entry(fields.get(name), name, value)
    lines.append(f"Orders so far, as JSON: {simulator.address}/_simulator/orders")
    return lines


def _entry(field: FormField | None, name: str, value: str) -> list[str]:
    label = field.label if field else name
    if field and field.choices:
        value = dict(field.choices).get(value, value)
    if field and is_long(field):
        return [f"  {label}:", *value.splitlines()]
    return [f"  {label}: {value}"]
