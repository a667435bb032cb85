"""What the real child does with files that were made to do harm, and that it holds nothing worth having."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from portal.management.commands import web
from tests.pki import containers as c
from tests.pki.authority import make_leaf, make_root
from tests.vault.x509.corpus import BOTH, CASES, KEY, LEAF, P8, PEM, Case
from vault.errors import BadParameter, TooMany
from vault.x509 import parsing
from vault.x509.found import Found, Locked, Upload
from vault.x509.limits import MAX_FILES, MOST_WAITING, READERS
from vault.x509.parsing import read_files

PATIENT = 20.0
"""Seconds on the wall, for two that are promised: the machine that runs the tests may be busy."""
MEMORY = 200 * 1024
"""Kilobytes of memory that any file may cost."""
COSTLY = [case for case in CASES if "round" in case.refused or "a megabyte" in case.name or "bomb" in case.name]


def read(content: bytes, password: str | None = None, *, name: str = "a") -> Found:
    return read_files([Upload(name=name, content=content)], password=password)


def test_the_hostile_files_of_the_table_are_refused_by_the_child_in_time() -> None:
    for case in COSTLY:
        started = time.monotonic()
        found = read(case.make(), case.password)

        assert case.refused in found.files[0].refusal, case.name
        assert time.monotonic() - started < PATIENT, case.name


def as_input(content: bytes, password: str | None) -> bytes:
    header = json.dumps({"password": password, "weak_keys": [], "files": [["a", len(content)]]}).encode()
    return len(header).to_bytes(4) + header + content


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.name in {"a megabyte of BEGIN", "ZIP bomb", "PFX", "many certificates"}],
    ids=lambda case: case.name,
)
def test_no_file_costs_much_memory(case: Case) -> None:
    script = (
        "import resource, subprocess, sys\n"
        f"subprocess.run([sys.executable, '-I', {str(parsing.CHILD)!r}], stdin=0, stdout=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-c", script],
        input=as_input(case.make(), case.password),
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert int(done.stdout) < MEMORY


def test_a_file_that_takes_too_long_costs_only_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = str(Path(parsing.__file__).parents[2])
    script = tmp_path / "child.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {root!r})\n"
        "from vault.x509 import child, reading\n"
        "child.limit()\n"
        "whole = reading.read_file\n"
        "def slow(name, *arguments, **options):\n"
        "    while name == 'slow':\n"
        "        pass\n"
        "    return whole(name, *arguments, **options)\n"
        "reading.read_file = slow\n"
        "child.answer(sys.stdin.buffer.read(), child._write)\n"
    )
    monkeypatch.setattr(parsing, "CHILD", script)

    found = read_files([Upload(name=name, content=PEM.encode()) for name in ("first", "slow", "last")])

    assert found.certificates == (LEAF.der,)
    assert [file.refusal.split(",")[0] for file in found.files] == [
        "",
        "This file takes too long to read",
        "This file was not read",
    ]


def test_a_mistake_of_ours_in_one_file_leaves_the_others_readable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = str(Path(parsing.__file__).parents[2])
    script = tmp_path / "child.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {root!r})\n"
        "from vault.x509 import child, reading\n"
        "child.limit()\n"
        "whole = reading.read_file\n"
        "reading.read_file = lambda name, *a, **o: whole(name, *a, **o) if name != 'bad' else 1 // 0\n"
        "child.answer(sys.stdin.buffer.read(), child._write)\n"
    )
    monkeypatch.setattr(parsing, "CHILD", script)

    found = read_files([Upload(name=name, content=PEM.encode()) for name in ("bad", "good")])

    assert "cannot be read" in found.files[0].refusal
    assert found.files[1].certificates == (LEAF.der,)


def test_a_zip_gives_one_answer_for_each_file_in_it() -> None:
    archive = c.zipped([("leaf.crt", PEM.encode()), ("keys/leaf.key", KEY.encode()), ("note.txt", b"hello")])

    found = read(archive, name="bundle.zip")

    assert [file.name for file in found.files] == [
        "bundle.zip/leaf.crt",
        "bundle.zip/keys/leaf.key",
        "bundle.zip/note.txt",
    ]
    assert len(found.certificates) == len(found.keys) == 1
    assert "looks like text" in found.files[2].refusal


def test_members_of_a_zip_that_are_too_much_together_are_refused_one_by_one() -> None:
    archive = c.zipped([(str(number), bytes(900_000)) for number in range(6)])

    found = read(archive, name="a.zip")

    assert ["too large" in file.refusal for file in found.files] == [False] * 4 + [True] * 2


def test_one_password_is_tried_on_every_file() -> None:
    first, second = c.encrypted_key(P8, "one"), c.encrypted_key(P8, "two")

    found = read_files([Upload(name="1", content=first), Upload(name="2", content=second)], password="two")

    assert [file.locked for file in found.files] == [Locked.WRONG_PASSWORD, Locked.NO]


def test_the_rounds_of_all_files_together_are_bounded() -> None:
    files = [Upload(name=str(number), content=c.pfx(password="x", rounds=999_999)) for number in range(3)]

    found = read_files([*files, Upload(name="plain", content=BOTH.encode())], password="x")

    assert "2,000,000 rounds" in found.files[2].refusal
    assert found.files[3].certificates == (LEAF.der,)


def test_a_key_is_a_pkcs8_key_again() -> None:
    found = read(BOTH.encode())

    assert [key.pkcs8 for key in found.keys] == [P8]
    assert KEY.splitlines()[1] not in repr(found)


@pytest.mark.parametrize("password", ["a\x00b", "\n", "a\x7f", "\ud800", "a\x85"])
def test_a_password_with_control_characters_is_refused_before_a_child_is_started(
    password: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parsing, "CHILD", Path("/nowhere"))

    with pytest.raises(BadParameter, match="control characters") as refusal:
        read(BOTH.encode(), password)

    assert refusal.value.field == "password"
    assert password not in str(refusal.value)
    assert capfd.readouterr() == ("", "")


def test_a_password_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadParameter, match="more than 200 characters") as refusal:
        read(BOTH.encode(), "x" * 201)

    assert refusal.value.field == "password"


def test_too_many_files_and_too_large_ones_are_refused() -> None:
    with pytest.raises(BadParameter, match="101 files; 100 is the most") as many:
        read_files([Upload(content=b"a")] * (MAX_FILES + 1))
    with pytest.raises(BadParameter, match="These files have together 1,000,002 octets") as large:
        read_files([Upload(content=b"a" * 500_001)] * 2)

    assert many.value.field == large.value.field == "file"


def test_no_file_at_all_gives_no_answer() -> None:
    assert read_files([]) == Found()


def test_no_more_children_run_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_readers", threading.BoundedSemaphore(1))
    monkeypatch.setattr(parsing, "READER_WAIT", 0.05)

    with parsing._a_reader(), pytest.raises(TooMany, match="Wait a minute"):
        read(BOTH.encode())

    assert read(BOTH.encode()).certificates == (LEAF.der,)


def test_uploads_that_wait_leave_threads_to_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_places", threading.BoundedSemaphore(1))

    with parsing._a_reader(), pytest.raises(TooMany, match="Wait a minute"):
        read(BOTH.encode())

    assert READERS + MOST_WAITING < web._THREADS


def test_more_certificates_than_can_be_looked_at_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "MAX_CERTIFICATES", 1)

    assert read(LEAF.pem.encode()).certificates == (LEAF.der,)
    with pytest.raises(BadParameter, match="Here are 2 certificates; 1 is the most") as refused:
        read_files([Upload(content=(LEAF.pem + make_leaf(make_root()).pem).encode())])
    assert refused.value.field == "file"


def test_the_name_of_a_file_is_made_visible_and_cut() -> None:
    found = read(b"hello", name="x" * 300 + "\u202egpj.exe")

    assert found.files[0].name.endswith("U+202Egpj.exe")
    assert len(found.files[0].name) < 300
