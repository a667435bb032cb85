"""Feed the reader whatever a fuzzer can think of, in this process and without its limits.

    python bench/fuzz_reader.py SEEDS/ -max_total_time=600 -max_len=20000 -timeout=5

needs `atheris`, which is not among the pins: install it into an environment of its own, beside `cryptography`. The
first octet of an input chooses the password, the rest is the file. Key-derivation counts are cut to 10,000 here, so
that the time is spent on structure and not on hashing; `tests/vault/x509/test_hostile.py` tries the true ones.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
with atheris.instrument_imports(include=["vault.x509"]):
    from vault.x509 import counting
    from vault.x509.found import FoundFile, Upload
    from vault.x509.reading import read_upload

SLOWEST = 2.0
PASSWORDS = (None, "secret", "", "pässwörd")
counting.MAX_ROUNDS = counting.MAX_TOGETHER = 10_000


def try_one(data: bytes) -> None:
    """Read one file. An exception of any kind, a silent answer or a slow one is a finding."""
    started = time.process_time()
    upload = Upload(name="fuzzed", content=data[1:])
    password = PASSWORDS[data[0] % len(PASSWORDS)] if data else None
    for file in read_upload(upload, password=password, budget=counting.Budget()):
        check(file)
    assert time.process_time() - started < SLOWEST, "slow"


def check(file: FoundFile) -> None:
    """An answer says something, in letters that can be shown, and crosses from the child unchanged."""
    assert file.certificates or file.keys or file.requests or file.ignored or file.refusal, "silent"
    assert file.refusal.isprintable(), "unprintable"
    assert FoundFile.from_json(file.to_json()) == file, "does not survive its own JSON"


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
