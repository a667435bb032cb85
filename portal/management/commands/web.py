"""`manage.py web`: the portal's web server."""

import argparse
import functools
import gc
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.log import LogLevels

from portal import ports
from vault import processes

_THREADS: Final = 4
_STOP_SECONDS: Final = 20

# Granian's own lines go where the portal's go.
_LOGGING: Final = {
    "handlers": {},
    "formatters": {},
    "loggers": {
        "_granian": {"handlers": [], "propagate": True},
        "granian.access": {"handlers": [], "propagate": True},
    },
}


class Command(BaseCommand):
    """Serves the portal with granian: one master that does nothing but replace its workers."""

    help = "Serve the portal over http, or over https with a certificate and its key."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add where to listen, and what the supervisor says about itself."""
        parser.add_argument("--host", default=ports.LOOPBACK, help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=ports.port, default=8000, help="port to listen on (default: %(default)s)")
        parser.add_argument(
            "--tls-certificate", type=Path, help="serve over TLS: PEM file of the certificate and chain"
        )
        parser.add_argument("--tls-key", type=Path, help="PEM file of its key")
        parser.add_argument("--parent", type=int, default=0, help=argparse.SUPPRESS)

    def handle(self, *, host: str, port: int, parent: int, **options: Any) -> None:
        """Serve until told to stop."""
        certificate, key = options["tls_certificate"], options["tls_key"]
        if (certificate is None) != (key is None):
            raise CommandError("TLS needs both --tls-certificate and --tls-key.")
        processes.rename("chancery-web")
        if parent:
            processes.die_with(parent)
        try:
            ports.check_free(host, port)
        except ports.PortTaken as taken:
            self.stderr.write(str(taken))
            raise SystemExit(1) from taken
        _load_everything()
        tls = {"ssl_cert": certificate, "ssl_key": key, "ssl_protocol_min": SSLProtocols.tls12} if key else {}
        self._server(host, port, tls).serve(target_loader=functools.partial(load, os.getpid()), wrap_loader=False)

    def _server(self, host: str, port: int, tls: dict[str, Any]) -> Any:
        return Granian(
            "portal.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            websockets=False,
            workers=settings.WEB_WORKERS,
            blocking_threads=min(_THREADS, 2 * multiprocessing.cpu_count() + 1),
            respawn_failed_workers=True,
            workers_kill_timeout=_STOP_SECONDS,
            log_level=LogLevels.error,
            log_dictconfig=_LOGGING,
            **tls,
        )


def load(master: int) -> Callable[..., Any]:
    """Return the application, in a worker of the process `master`."""
    processes.rename("chancery-http")
    processes.die_with(master)
    from portal.wsgi import application

    return application


def _load_everything() -> None:
    """Import pages and all before the workers fork, so that they share the memory and start at once."""
    from django.urls import get_resolver

    import portal.wsgi  # noqa: F401

    for sites in (None, "portal.api.urls"):
        _ = get_resolver(sites).url_patterns
    connections.close_all()
    gc.collect()
    gc.freeze()
