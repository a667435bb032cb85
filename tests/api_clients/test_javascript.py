"""The key vault's clients for JavaScript, unmodified, on a whole journey."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.api_clients.live import DOMAIN, Live
from tests.pki.authority import key_pem, make_leaf, make_root

pytestmark = [pytest.mark.slow, pytest.mark.no_database, pytest.mark.timeout(180)]
HERE = Path(__file__).parent
MODULES = HERE.parents[1] / ".venv/node-clients/node_modules"


@pytest.fixture(autouse=True)
def _tools() -> None:
    if shutil.which("node") is None or not MODULES.is_dir():
        pytest.skip("node, or the clients for it, are missing: .ci/node-clients installs them.")


def journey(live: Live, name: str, **environment: str) -> dict[str, Any]:
    leaf = make_leaf(make_root(), "in.example.org")
    done = subprocess.run(
        ["node", "--require", HERE / "hosts.js", HERE / "journey.js"],
        env={
            **os.environ,
            "NODE_PATH": str(MODULES),
            "NODE_EXTRA_CA_CERTS": live.ca,
            "NAME": name,
            "PEM": leaf.pem + key_pem(leaf.key),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def check(seen: dict[str, Any], name: str) -> None:
    key, leaf, _ = pkcs12.load_key_and_certificates(base64.b64decode(seen["value"]), None)
    assert key.public_key() == leaf.public_key()
    assert seen["contentType"] == "application/x-pkcs12"
    assert seen["secretVersion"] == seen["version"] == seen["restored"]
    assert seen["tags"] == {"team": "web"}
    assert x509.load_der_x509_csr(base64.b64decode(seen["csr"])).is_signature_valid
    assert seen["cancelled"] == "cancelled"
    assert seen["months"] == 24
    assert [contact["email"] for contact in seen["contacts"]] == ["a@example.org"]
    assert name in seen["listed"]
    assert len(seen["imported"]) == 32
    assert seen["missing"] == [404, "CertificateNotFound"]


def test_the_journey_with_a_token(live: Live) -> None:
    vault = live.make_vault("administrator")

    check(journey(live, "www", VAULT_URL=vault.url, TOKEN=vault.tokens["administrator"]), "www")


def test_the_journey_as_an_application(live: Live) -> None:
    vault = live.make_vault("administrator")
    client_id, secret = live.make_application(vault, "administrator")
    authority = f"https://login.{DOMAIN}:{live.portal.port}"
    signed_in = {"CLIENT_ID": client_id, "CLIENT_SECRET": secret, "AUTHORITY": authority}

    check(journey(live, "app", VAULT_URL=vault.url, **signed_in), "app")
