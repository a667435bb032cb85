"""Reading files in a child process."""

import base64
import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pki import forging
from tests.pki.authority import key_pem, make_csr, make_intermediate, make_leaf, make_root
from vault.errors import BadParameter
from vault.x509 import parsing
from vault.x509.found import Found, FoundFile, Upload
from vault.x509.parsing import read_files
from vault.x509.requests import csr_pem

ROOT = make_root()
ISSUING = make_intermediate(ROOT)
LEAF = make_leaf(ISSUING)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in the place of the child."""
    script = tmp_path / "child.py"
    monkeypatch.setattr(parsing, "CHILD", script)
    return script


def read(data: bytes) -> Found:
    return read_files([Upload(content=data)])


def test_certificates_come_back_from_the_child_as_they_were_sent() -> None:
    found = read((LEAF.pem + ISSUING.pem + ROOT.pem).encode())

    assert found.certificates == (LEAF.der, ISSUING.der, ROOT.der)
    assert [file.looks_like for file in found.files] == ["a certificate"]


def test_a_certificate_with_a_negative_serial_number_is_read() -> None:
    der = forging.with_serial(ISSUING, LEAF.der, b"\xff")

    assert read(der).certificates == (der,)


@pytest.mark.parametrize("data", [key_pem(LEAF.key), LEAF.pem + key_pem(LEAF.key), LEAF.pem[:200] + key_pem(LEAF.key)])
def test_a_private_key_is_noticed_whatever_stands_beside_it(data: str) -> None:
    found = read(data.encode())

    assert found.holds_private_key
    assert key_pem(LEAF.key).splitlines()[1] not in found.files[0].refusal


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (csr_pem(make_csr()).encode(), "a certificate request"),
        (b"<html><body>canary</body></html>", "an HTML page"),
        (b"", "an empty file"),
        (b"\x30\x80\x02\x01\x03\x30\x80", "a PFX file"),
        (b"canary", "text"),
    ],
)
def test_what_is_no_certificate_comes_back_with_what_it_looks_like(data: bytes, kind: str) -> None:
    (file,) = read(data).files

    assert (file.certificates, file.looks_like) == ((), kind)
    assert "canary" not in file.refusal


def test_the_childs_own_refusal_is_passed_on() -> None:
    assert "is cut off" in read(LEAF.pem[:300].encode()).files[0].refusal


def test_a_file_over_the_limit_is_refused_before_a_child_is_started(stand_in: Path) -> None:
    with pytest.raises(BadParameter, match="has 1,000,001 octets; 1,000,000 is the most"):
        read(b"a" * 1_000_001)

    assert not stand_in.exists()


@pytest.mark.parametrize(
    "script",
    [
        "",
        "raise SystemExit(1)",
        "import os; os.abort()",
        "import os; os.kill(os.getpid(), 15)",
        "print('garbage')",
        "print('[]')",
        "print('null')",
        "print('{}')",
        "print('[' * 100000)",
        "print('[0')",
        "print('[1]')",
        "print('[-2]')",
        "print('[true, {}]')",
        "print('[0, {}]')",
        "print('[0, []]')",
        "import sys; sys.stdout.buffer.write(b'\\xff\\xfe')",
        "import sys; sys.stdout.write('a' * 20_000_000)",
        "import sys; sys.stdin.buffer.read(10); sys.stdin.close()",
    ],
    ids=range(18),
)
def test_a_child_that_fails_dies_or_answers_garbage_gives_one_plain_refusal(stand_in: Path, script: str) -> None:
    stand_in.write_text(script)

    (file,) = read(b"a" * 500_000).files

    assert file.certificates == ()
    assert "cannot be read" in file.refusal


def stand_in_answer(**changes: object) -> str:
    """A script that answers with one file, and its end."""
    lines = [json.dumps([0, FoundFile().to_json() | changes]), json.dumps([0])]
    return f"print({chr(10).join(lines)!r})"


def test_an_answer_that_does_not_clear_the_file_of_keys_counts_as_a_key(stand_in: Path) -> None:
    stand_in.write_text(stand_in_answer(holds_private_key="no"))

    assert read(b"a").holds_private_key


def test_what_was_found_before_the_child_died_is_kept(stand_in: Path) -> None:
    lines = [json.dumps([0, FoundFile(certificates=(LEAF.der,)).to_json()]), "[0]"]
    stand_in.write_text(f"import os; print({chr(10).join(lines)!r}, flush=True); os.kill(os.getpid(), 9)")

    found = read_files([Upload(name=name, content=b"a") for name in ("a.pem", "b.pem", "c.pem")])

    assert found.certificates == (LEAF.der,)
    assert [file.name for file in found.files] == ["", "b.pem", "c.pem"]
    assert "takes too long" in found.files[1].refusal
    assert "one before it" in found.files[2].refusal


def test_a_child_that_never_ends_is_stopped_and_leaves_nothing_behind(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "DEADLINE", 0.3)
    note = tmp_path / "pid"
    stand_in.write_text(f"import os, time\nopen({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")

    started = time.monotonic()
    found = read(b"a" * 900_000)

    assert "takes too long" in found.files[0].refusal
    assert time.monotonic() - started < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_the_child_has_no_environment_no_error_output_and_no_other_files(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHANCERY_CANARY", "canary")
    stand_in.write_text(
        "import json, os, sys\n"
        "print('canary', file=sys.stderr)\n"
        "facts = [sorted(os.environ), os.getcwd(), sys.flags.isolated, sorted(os.listdir('/proc/self/fd'))[:4], sys.argv]\n"
        f"file = {FoundFile().to_json()!r} | {{'looks_like': json.dumps(facts)}}\n"
        "print(json.dumps([0, file]))\n"
        "print('[0]')\n"
    )

    with Path(os.devnull).open("rb") as other:
        os.set_inheritable(other.fileno(), True)
        found = read_files([Upload(content=b"a")], password="canary")

    environment, directory, isolated, files, arguments = json.loads(found.files[0].looks_like)
    assert arguments == [str(stand_in)]
    assert set(environment) <= {"LC_CTYPE"}
    assert (directory, isolated) == ("/", 1)
    assert files == ["0", "1", "2", "3"]
    assert capfd.readouterr() == ("", "")


def run_in_child(code: str) -> subprocess.CompletedProcess[bytes]:
    """Run code in a process under the child's limits."""
    root = str(Path(parsing.__file__).parents[2])
    script = f"import sys; sys.path.insert(0, {root!r})\nfrom vault.x509 import child\nchild.limit()\n{code}"
    return subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, check=False, timeout=30)


def test_the_child_cannot_take_much_memory() -> None:
    done = run_in_child("b'a' * 800_000_000")

    assert b"MemoryError" in done.stderr


def test_the_child_cannot_write_files(tmp_path: Path) -> None:
    target = tmp_path / "file"

    run_in_child(f"open({str(target)!r}, 'w').write('a')")

    assert not target.exists() or target.stat().st_size == 0


def test_the_child_cannot_run_for_long_or_lift_its_limits() -> None:
    done = run_in_child(
        "import resource\n"
        "print(resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_CORE))\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    )

    assert done.stdout.split(b"\n")[:2] == [b"(2, 10) (0, 0)", b"(32, 32)"]


def test_the_child_reads_without_django_and_without_the_models() -> None:
    root = str(Path(parsing.__file__).parents[2])
    script = (
        f"import sys; sys.path.insert(0, {root!r})\n"
        "from vault.x509 import child, reading, checks, chains, pfx, dates, requests\n"
        "from vault.x509 import archives\n"
        'child.answer(len(header := b\'{"password": null, "weak_keys": [], "files": [["a", 1]]}\').to_bytes(4) + header + b\'a\', lambda line: None)\n'
        "print(sorted(name for name in sys.modules if name.startswith(('django', 'vault.models', 'vault.keys'))))"
    )

    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, check=True, timeout=30)

    assert done.stdout == b"[]\n"


def test_many_children_can_run_one_after_the_other_without_leaving_files_open() -> None:
    before = open_files()

    for _ in range(3):
        read(base64.b64encode(b"hello" * 100))

    assert not open_files() - before


def open_files() -> set[str]:
    """What this process has open, by what it is; others' sockets may close meanwhile, and need not be counted."""
    gc.collect()
    return {str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()}
