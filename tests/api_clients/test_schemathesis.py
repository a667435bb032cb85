"""Schemathesis calls everything that the OpenAPI document promises, with what fits it and with what does not."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from azure.keyvault.certificates import CertificateClient, CertificatePolicy

from tests.api_clients.live import Live

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(180)]
CONFIG = Path(__file__).with_name("schemathesis.toml")
COMMAND = Path(sys.executable).with_name("schemathesis")
# Counted, not timed: a busy machine asks as many questions as a quiet one. The phase of coverage asks some 5,000.
PHASES, EXAMPLES = "examples,fuzzing", 5


def test_nothing_breaks_its_promise(live: Live, client_for, tmp_path: Path) -> None:
    vault = live.make_vault("administrator")
    client_for(CertificateClient, vault, "administrator").begin_create_certificate(
        "www-example-org", CertificatePolicy.get_default(), _polling_interval=0.5
    ).result()
    base = f"https://127.0.0.1:{live.portal.port}"
    document = tmp_path / "openapi.json"
    document.write_bytes(live.read(f"{base}/openapi.json"))
    operations = sum(len(methods) for methods in json.loads(document.read_bytes())["paths"].values())

    done = subprocess.run(
        [
            *(COMMAND, "--config-file", CONFIG, "run", document, "--url", base, "--tls-verify", live.ca),
            *("-H", f"Authorization: Bearer {vault.tokens['administrator']}", "-H", f"Host: {vault.url[8:]}"),
            *("--generation-deterministic", "--no-shrink", "--phases", PHASES, "--max-examples", str(EXAMPLES)),
            *("--continue-on-failure", "--no-color", "--request-timeout", "20"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=150,
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(rf"Tested: {operations}\b", done.stdout), done.stdout[-3000:]
