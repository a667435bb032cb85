import argparse
import socket

import pytest

from portal import ports

pytestmark = pytest.mark.no_database


def test_a_free_port_may_be_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]

    ports.check_free("127.0.0.1", number)


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_on_which_someone_listens_is_refused_even_if_they_share_it(shared: bool) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=shared) as listener:
        number = listener.getsockname()[1]

        with pytest.raises(ports.PortTaken, match=f"Port {number} cannot be used: another program listens on it."):
            ports.check_free("127.0.0.1", number, patience=0)


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(ports.PortTaken, match="cannot be used"):
        ports.check_free("192.0.2.1", 8000, patience=0)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "", "8000.0"])
def test_what_is_not_a_port_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a port"):
        ports.port(text)


def test_nothing_answers_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]

    assert not ports.answers("127.0.0.1", number)
