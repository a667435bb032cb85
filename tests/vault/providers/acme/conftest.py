"""Pebble, BIND and acme2certifier, started once for all tests that talk to them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.wsgi import get_wsgi_application

from tests.servers import acme2certifier as a2c
from tests.servers.acme2certifier import Acme2certifier, acme2certifier
from tests.servers.bind import Bind, bind
from tests.servers.challtestsrv import challtestsrv
from tests.servers.pebble import Pebble, pebble
from tests.servers.programs import free_port, may_bind


@pytest.fixture(scope="session")
def name_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    """Return BIND, and a second name server beside it."""
    at = tmp_path_factory.mktemp("bind")
    port = free_port("127.0.0.1", "127.0.0.3")
    with bind(at / "first", port=port), challtestsrv(at / "second", f"127.0.0.3:{port}") as second:
        yield Bind(port=port, second=second)


@pytest.fixture(scope="session")
def ca(name_server: Bind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """Return Pebble, which looks names up at BIND."""
    with pebble(tmp_path_factory.mktemp("pebble") / "one", resolver=f"127.0.0.1:{name_server.port}") as found:
        yield found


@pytest.fixture(scope="session")
def modern_ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acme2certifier]:
    """Return acme2certifier; it asks at ports 80 and 53, which take the right to listen there."""
    if not may_bind("127.0.0.1", 80) or not may_bind(a2c.DNS, 53):
        pytest.skip("Ports 80 and 53 cannot be listened at: acme2certifier asks there. Run the tests as root.")
    at = tmp_path_factory.mktemp("acme2certifier")
    with challtestsrv(at / "dns", f"{a2c.DNS}:53"), acme2certifier(at / "one") as found:
        yield found


class _Quiet(WSGIRequestHandler):
    log_message = staticmethod(lambda *_: None)


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def _portal_at(port: int) -> Iterator[None]:
    with make_server("127.0.0.1", port, get_wsgi_application(), server_class=_Threaded, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def portal_at() -> Iterator[Callable[[int], None]]:
    """Let the portal answer at a port; tests that use it commit what it is to see."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    with ExitStack() as stack:
        known: set[int] = set()

        def begin(port: int) -> None:
            if port not in known:
                stack.enter_context(_portal_at(port))
                known.add(port)

        yield begin
