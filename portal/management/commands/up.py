"""`manage.py up`: the whole portal as one program."""

import argparse
import functools
import os
import signal
from typing import Any, TextIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import OperationalError, connections

from portal import ports
from portal.supervisor import AlreadyRunning, Child, Supervisor, sole_use
from vault import processes
from vault.errors import VaultError


class Command(BaseCommand):
    """Prepares the data directory, then runs web server and worker until it is told to stop."""

    help = "Start Chancery: prepare what is missing, then run the web server and the worker until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the port and the demonstration."""
        parser.add_argument("--port", type=ports.port, default=8000, help="port to listen on (default: %(default)s)")
        parser.add_argument("--demo", action="store_true", help="add two vaults, people and certificates to look at")

    def handle(self, *, port: int, demo: bool, **_: Any) -> None:
        """Run until SIGINT or SIGTERM; end with 1 and a sentence when it cannot start."""
        processes.rename("chancery-up")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with sole_use(settings.DATA_DIR):
                ports.check_free(ports.LOOPBACK, port)
                self._prepare(demo=demo)
                self._supervise(port)
        except (AlreadyRunning, ports.PortTaken, VaultError) as refusal:
            self.stderr.write(str(refusal))
            raise SystemExit(1) from refusal
        except OperationalError as error:
            self.stderr.write(f"The database does not answer: {str(error).splitlines()[0]}")
            raise SystemExit(1) from error
        except KeyboardInterrupt:
            self.stdout.write("Stopped before anything ran.")

    def _prepare(self, *, demo: bool) -> None:
        from portal import setup

        setup.prepare(cast("TextIO", self.stdout))
        if demo:
            from portal import demo as demonstration

            demonstration.fill(cast("TextIO", self.stdout))
        connections.close_all()

    def _supervise(self, port: int) -> None:
        url = f"http://{ports.LOOPBACK}:{port}"
        children = [Child("web", "--port", str(port)), Child("worker")]
        environment = {"CHANCERY_URL": url, **os.environ, "CHANCERY_DATA": str(settings.DATA_DIR)}
        supervisor = Supervisor(children, environment=environment, warn=self.stderr.write)
        supervisor.run(
            until_ready=functools.partial(ports.answers, ports.LOOPBACK, port),
            ready=functools.partial(self._announce, url),
        )
        self.stdout.write("Stopped.")

    def _announce(self, url: str) -> None:
        self.stdout.write(f"Chancery runs at {url}/ (Ctrl-C stops it).")
        self.stdout.flush()
