"""`manage.py simulate_ca`: it says where it listens and what to enter, and what it says works."""

import io
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from vault.management.commands.simulate_ca import introduction
from vault.providers import OFFERS
from vault.providers.base import AddressRules
from vault.providers.web import Purpose, Web
from vault.simulators import SIMULATORS

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize("name", sorted(SIMULATORS))
def test_every_simulator_says_what_to_enter_into_its_issuers_form(name: str) -> None:
    with SIMULATORS[name]() as simulator:
        said = "\n".join(introduction(simulator))

        fields = {field.name: field for field in OFFERS[simulator.provider].fields}
        assert set(simulator.values()) <= set(fields)
        assert simulator.address in said
        assert "CHANCERY_CA_LOOPBACK=1" in said
        for field in simulator.values():
            assert f"  {fields[field].label}:" in said


def test_every_simulator_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs/rehearsing.md").read_text(encoding="utf-8")

    assert [name for name in SIMULATORS if f"`simulate_ca {name}`" not in page] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--script", "{missing}"], "cannot be read: No such file"),
        (["--script", "{odd}"], "“explode” is nothing a simulator does"),
        (["--port", "99999"], "99999 is not a port"),
        (["--port", "{taken}"], "cannot be listened on: Address already in use"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text('{"faults": [{"on": "*", "do": "explode"}]}')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        known = {"missing": tmp_path / "missing.json", "odd": tmp_path / "odd.json", "taken": taken.getsockname()[1]}
        given = [argument.format(**known) for argument in arguments]

        with pytest.raises(CommandError, match=words):
            call_command("simulate_ca", "wosign", *given, stdout=io.StringIO())


@pytest.mark.slow
def test_the_command_plays_a_ca_until_ctrl_c(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"faults": [{"on": "*", "do": "status:503"}]}')
    command = [sys.executable, "manage.py", "simulate_ca", "wosign", "--script", str(script)]
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    running = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True)
    over = threading.Timer(60, running.kill)
    over.start()
    try:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(6)]
        address = lines[-1].split(": ")[1].strip().removesuffix("/_simulator/orders")
        web = Web(title="CA", base=address, rules=AddressRules(loopback=True))

        answers = [web.call("POST", "", purpose=Purpose.READ, form={}, take={503}).status for _ in range(2)]

        assert answers == [503, 200]
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
    finally:
        over.cancel()
        running.kill()
        running.communicate()
