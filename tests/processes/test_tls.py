"""`manage.py up --tls`: pages and vaults over TLS."""

import http.client
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.processes import services
from tests.processes.portal import PROJECT, Portal, free_port, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(180)]

CALLS = 5
TOKEN = """
from portal import memberships, tokens
from portal.models import Role, User
from vault.lifecycle import vaults
from vault.models.audit import SYSTEM
vault = vaults.create_vault(name="counted", by=SYSTEM)
ada = User.objects.create(username="ada")
memberships.add(vault=vault, member=ada, role=Role.READER, by=SYSTEM)
print(tokens.make(user=ada, name="ci", vaults=[vault], verbs=["all"], days=1, by=SYSTEM)[1])
"""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with services.queue() as queue, services.database() as database:
        few = {"CHANCERY_API_CALLS_PER_TOKEN": str(CALLS)}
        portal = Portal(tmp_path_factory.mktemp("tls"), environment={**queue, **database, **few}, tls=True)
        try:
            portal.start()
            yield portal
        finally:
            portal.clean_up()


def get(
    portal: Portal, path: str, *, host: str = "127.0.0.1", token: str = "", context: ssl.SSLContext | None = None
) -> tuple[int, str, dict[str, str]]:
    trust = context or ssl.create_default_context(cafile=str(portal.ca))
    connection = http.client.HTTPSConnection("127.0.0.1", portal.port, timeout=20, context=trust)
    try:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", path, headers={"Host": f"{host}:{portal.port}", **bearer})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def test_pages_and_vaults_answer_at_one_port(secured: Portal) -> None:
    assert get(secured, "/health/")[:2] == (200, "ok")
    status, body, headers = get(secured, "/certificates?api-version=7.4", host="payments.vault.localhost")

    assert status == 401
    assert body.startswith('{"error"')
    assert f'resource="https://vault.localhost:{secured.port}"' in headers["www-authenticate"]


def test_all_web_processes_share_one_count(secured: Portal) -> None:
    token = secured.run_python(TOKEN).strip()
    began = time.monotonic()

    statuses = [
        get(secured, "/certificates?api-version=7.4", host="counted.vault.localhost", token=token)[0]
        for _ in range(4 * CALLS)
    ]

    windows = 1 + (time.monotonic() - began) // 10
    assert set(statuses) <= {200, 429}
    assert statuses[0] == 200
    assert statuses.count(200) <= CALLS * windows


def test_sessions_are_for_https_and_this_machines_names_are_not_bound_to_it(secured: Portal) -> None:
    _, _, headers = get(secured, "/sign-in/")

    assert headers["set-cookie"].startswith("__Host-csrf=")
    assert "; Secure" in headers["set-cookie"]
    assert "strict-transport-security" not in headers


def test_http_on_the_port_gets_no_page(secured: Portal) -> None:
    with socket.create_connection(("127.0.0.1", secured.port), timeout=10) as connection:
        connection.sendall(b"GET /health/ HTTP/1.1\r\nHost: localhost\r\n\r\n")

        assert b"HTTP/1.1 200" not in received(connection)


def received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1000)
    except ConnectionError:
        return b""


def test_tls_before_1_2_is_refused(secured: Portal) -> None:
    trust = ssl.create_default_context(cafile=str(secured.ca))
    assert trust.minimum_version >= ssl.TLSVersion.TLSv1_2
    trust.maximum_version = ssl.TLSVersion.TLSv1_2

    assert get(secured, "/health/", context=trust)[0] == 200


def test_it_says_where_the_ca_is_and_which_names_to_add(secured: Portal) -> None:
    secured.run_python(
        "from vault.lifecycle import vaults; from vault.models.audit import SYSTEM; "
        "vaults.create_vault(name='payments', by=SYSTEM)"
    )
    secured.stop()
    ca = secured.ca.read_bytes()

    secured.start()
    wait_until(secured.answers, within=20, what=secured.said)

    said = secured.said()
    assert str(secured.ca) in said
    hosts = next(line.split() for line in said.splitlines() if line.strip().startswith("127.0.0.1 "))
    assert {"payments.vault.localhost", "login.vault.localhost"} <= set(hosts)
    assert len(said.splitlines()) <= 6
    assert secured.ca.read_bytes() == ca


def test_web_alone_takes_a_certificate_and_its_key(secured: Portal) -> None:
    status, words = run_web(secured, "--tls-certificate", str(secured.ca))

    assert status != 0
    assert "TLS needs both --tls-certificate and --tls-key." in words


def run_web(portal: Portal, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "manage.py", "web", "--port", str(free_port()), *arguments]
    result = subprocess.run(
        command, env=portal.env, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    return result.returncode, result.stdout + result.stderr
