"""`manage.py up`: the whole portal as one program."""

import argparse
import contextlib
import functools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import OperationalError, connections

from portal import ports, tls
from portal.supervisor import AlreadyRunning, Child, Supervisor, sole_use
from vault import processes
from vault.errors import VaultError
from vault.models import Vault

_MOST_HOSTS: Final = 20


class Command(BaseCommand):
    """Prepares the data directory, then runs web server and worker until it is told to stop."""

    help = "Start Chancery: prepare what is missing, then run the web server and the worker until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the port, TLS and the demonstration."""
        parser.add_argument("--port", type=ports.port, help="port to listen on (default: 8000, with --tls 8443)")
        parser.add_argument("--tls", action="store_true", help="serve over TLS with a certificate of its own")
        parser.add_argument(
            "--demo", action="store_true", help="add two vaults, people, played CAs and certificates to look at"
        )

    def handle(self, *, port: int | None, demo: bool, **options: Any) -> None:
        """Run until SIGINT or SIGTERM; end with 1 and a sentence when it cannot start."""
        processes.rename("chancery-up")
        over_tls: bool = options["tls"]
        port = port or (8443 if over_tls else 8000)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with sole_use(settings.DATA_DIR):
                ports.check_free(ports.LOOPBACK, port)
                self._prepare()
                with self._demonstration() if demo else contextlib.nullcontext():
                    self._supervise(port, _tls_files() if over_tls else None)
        except (AlreadyRunning, ports.PortTaken, VaultError) as refusal:
            self.stderr.write(str(refusal))
            raise SystemExit(1) from refusal
        except OperationalError as error:
            self.stderr.write(f"The database does not answer: {str(error).splitlines()[0]}")
            raise SystemExit(1) from error
        except KeyboardInterrupt:
            self.stdout.write("Stopped before anything ran.")

    def _prepare(self) -> None:
        from portal import setup

        setup.prepare(cast("TextIO", self.stdout))
        connections.close_all()

    @contextlib.contextmanager
    def _demonstration(self) -> Iterator[None]:
        """Play the demonstration's CAs in threads of this process, and let web server and worker call them."""
        from portal import demo as demonstration
        from portal import rehearsal

        out = cast("TextIO", self.stdout)
        settings.CA_LOOPBACK = True
        os.environ["CHANCERY_CA_LOOPBACK"] = "1"
        with rehearsal.playing(out) as played:
            demonstration.fill(out, played)
            connections.close_all()
            yield

    def _supervise(self, port: int, files: tls.Files | None) -> None:
        url = f"{'https' if files else 'http'}://{ports.LOOPBACK}:{port}"
        secured = ["--tls-certificate", str(files.certificate), "--tls-key", str(files.key)] if files else []
        children = [Child("web", "--port", str(port), *secured), Child("worker")]
        environment = {"CHANCERY_URL": url, **os.environ, "CHANCERY_DATA": str(settings.DATA_DIR)}
        supervisor = Supervisor(children, environment=environment, warn=self.stderr.write)
        ca = files.ca if files else None
        supervisor.run(
            until_ready=functools.partial(ports.answers, ports.LOOPBACK, port, ca=ca),
            ready=functools.partial(self._announce, url, port, ca),
        )
        self.stdout.write("Stopped.")

    def _announce(self, url: str, port: int, ca: Path | None) -> None:
        if ca is not None:
            self._announce_api(port, ca)
        self.stdout.write(f"Chancery runs at {url}/ (Ctrl-C stops it).")
        self.stdout.flush()

    def _announce_api(self, port: int, ca: Path) -> None:
        """Say what clients need: the CA, and names that resolve."""
        names = [*Vault.objects.live().order_by("name_key").values_list("name", flat=True)[:_MOST_HOSTS], "login"]
        connections.close_all()
        hosts = " ".join([*(f"{name}.{settings.API_DOMAIN}" for name in names), *settings.API_HOSTS])
        self.stdout.write(f"Its certificate is from a CA of its own. Clients need this file: {ca}")
        self.stdout.write(f"Each vault is a host: https://VAULT.{settings.API_DOMAIN}:{port}. Where such names are not")
        self.stdout.write(
            "found (browsers find *.localhost, other programs do not), put into the hosts file, /etc/hosts:"
        )
        self.stdout.write(f"  {ports.LOOPBACK} {hosts}")


def _tls_files() -> tls.Files:
    return tls.prepare(
        settings.DATA_DIR / "tls", domain=settings.API_DOMAIN, hosts=[*settings.PORTAL_HOSTS, *settings.API_HOSTS]
    )
