"""Orders at acme2certifier: profiles, renewal information, http-01 asked at port 80, chains with their root."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.servers import acme2certifier as a2c
from tests.servers.acme2certifier import Acme2certifier
from tests.vault.providers.acme.rig import Board, Memory, Rig, request, rig, values
from vault.providers.base import Failed, Issued, NotAuthorised, Previous, Rejected, RevocationReason, RevokeResult
from vault.x509.certificates import facts

pytestmark = pytest.mark.no_database


def at_a2c(ca: Acme2certifier, *, memory: Memory | None = None, **more: str) -> Rig:
    """An adapter for acme2certifier."""
    config = values(ca.directory, method="http-01", account_id=a2c.KEY_ID, contacts="admin@example.org", **more)
    return rig(config, {"password": ca.mac_key}, memory=memory)


@contextmanager
def answering(board: Board) -> Iterator[None]:
    """Answer what is put up, at port 80."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = board.answers.get(self.path.rpartition("/")[2], "")
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(found.encode())

        log_message = staticmethod(lambda *_: None)

    with ThreadingHTTPServer(("127.0.0.1", 80), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_a_profile_is_ordered_renewed_within_its_window_and_revoked(modern_ca: Acme2certifier) -> None:
    memory = Memory()
    one = at_a2c(modern_ca, memory=memory, profile="shortlived")
    wanted = request("www.modern.test")

    with answering(one.board):
        first = one.take(wanted)
        assert isinstance(first, Issued), first
        hint = one.provider.renewal_info(first.leaf)
        previous = Previous(certificate=first.leaf, ref=first.ref)
        two = at_a2c(modern_ca, memory=memory, profile="shortlived")
        with answering_also(two, one):
            second = two.take(request("www.modern.test", previous=previous))
            third = two.take(request("www.modern.test", previous=previous))

    assert not any(facts(found).self_signed for found in first.chain), "the root is left out"
    assert hint is not None
    assert datetime.now(UTC) < hint.start < hint.end <= facts(first.leaf).not_after
    assert isinstance(second, Issued), second
    assert isinstance(third, Issued), "what was replaced already is ordered without that link"
    revoke = [one.provider.revoke(first.leaf, first.ref, RevocationReason.SUPERSEDED, "") for _ in range(2)]
    assert revoke == [RevokeResult.DONE, RevokeResult.ALREADY]


@contextmanager
def answering_also(rig: Rig, other: Rig) -> Iterator[None]:
    """Let two adapters put up their answers in one place."""
    rig.board.answers = other.board.answers
    yield


def test_a_profile_that_the_ca_does_not_have_is_refused_with_its_words(modern_ca: Acme2certifier) -> None:
    one = at_a2c(modern_ca, profile="shiny")

    with pytest.raises(Rejected, match="invalidProfile"):
        one.take(request("www.modern.test"))

    assert [name for name, _ in one.provider.choices("profile")] == ["classic", "shortlived"]
    assert not one.provider.check().ok


def test_a_failed_challenge_ends_the_order_although_the_ca_leaves_it_pending(modern_ca: Acme2certifier) -> None:
    one = at_a2c(modern_ca)

    with answering(Board()):
        outcome = one.take(request("www.failing.test"))

    assert isinstance(outcome, Failed), outcome
    assert "www.failing.test" in outcome.message


def test_a_wrong_hmac_key_pauses_and_is_not_quoted(modern_ca: Acme2certifier) -> None:
    config = values(modern_ca.directory, account_id=a2c.KEY_ID, contacts="admin@example.org")
    one = rig(config, {"password": "c2VjcmV0LXRoYXQtaXMtd3Jvbmc"})

    with pytest.raises(NotAuthorised) as refused:
        one.take(request("www.modern.test"))
    check = one.provider.check()

    assert "c2VjcmV0" not in str(refused.value)
    assert not check.ok, "an account that an order began to make is tried by the test as well"
