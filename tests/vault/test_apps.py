"""What a process says when it reads what is odd: nothing, for standard error is what an operator watches."""

import base64
import subprocess
import sys

from django.conf import settings

from tests.pki.authority import make_leaf, make_root
from tests.pki.forging import with_serial

_READ = """
import base64, sys
import django
django.setup()
from vault.x509 import certificates
print(certificates.facts(base64.b64decode(sys.stdin.read())).subject)
"""


def test_an_odd_certificate_leaves_no_line_in_the_log() -> None:
    root = make_root()
    odd = with_serial(root, make_leaf(root, "www.example.org").der, b"\x00")

    told = subprocess.run(
        [sys.executable, "-c", _READ],
        input=base64.b64encode(odd),
        env={"DJANGO_SETTINGS_MODULE": "portal.settings", "CHANCERY_DATA": str(settings.DATA_DIR)},
        capture_output=True,
        check=True,
    )

    assert b"www.example.org" in told.stdout
    assert told.stderr == b""
