import json
import uuid

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from vault.errors import RingError
from vault.keys import ring
from vault.keys.sealing import Purpose, seal, unseal

pytestmark = pytest.mark.no_database
ROW = uuid.UUID(int=7)
PLACE = {"purpose": Purpose.KEY, "vault_id": 1, "row_id": ROW}


@given(st.binary(max_size=5000))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_what_is_sealed_opens_again(secret: bytes) -> None:
    assert unseal(seal(secret, **PLACE), **PLACE) == secret


def test_the_same_secret_is_never_sealed_to_the_same_octets() -> None:
    blobs = {seal(b"secret", **PLACE) for _ in range(100)}

    assert len(blobs) == 100


@pytest.mark.parametrize(
    "elsewhere",
    [{"purpose": Purpose.SECRET}, {"vault_id": 2}, {"vault_id": 11}, {"row_id": uuid.UUID(int=8)}],
    ids=str,
)
def test_a_blob_does_not_open_elsewhere(elsewhere: dict) -> None:
    blob = seal(b"secret", **PLACE)

    with pytest.raises(RingError, match="does not open here"):
        unseal(blob, **{**PLACE, **elsewhere})


def test_no_octet_of_a_blob_can_be_changed() -> None:
    blob = seal(b"secret", **PLACE)

    for place in range(len(blob)):
        changed = bytearray(blob)
        changed[place] ^= 1
        with pytest.raises(RingError):
            unseal(bytes(changed), **PLACE)


def test_a_cut_blob_does_not_open() -> None:
    blob = seal(b"secret", **PLACE)

    for length in range(len(blob)):
        with pytest.raises(RingError):
            unseal(blob[:length], **PLACE)


def test_a_ring_is_private_to_its_owner_and_is_not_replaced(tmp_path) -> None:
    path = tmp_path / "ring"
    ring.create(path)

    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        ring.create(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["ring"]


def test_a_ring_that_others_can_read_is_refused(settings, tmp_path) -> None:
    settings.KEYRING = tmp_path / "ring"
    ring.create(settings.KEYRING)
    settings.KEYRING.chmod(0o640)

    with pytest.raises(RingError, match="can be read by others"):
        ring.current()


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"version": 1, "active": "x", "keys": []}', "\x00" * 50])
def test_a_damaged_ring_is_refused(settings, tmp_path, content: str) -> None:
    settings.KEYRING = tmp_path / "ring"
    settings.KEYRING.touch(mode=0o600)
    settings.KEYRING.write_text(content)

    with pytest.raises(RingError):
        ring.current()


def test_a_ring_key_that_lost_a_bit_is_noticed(settings, tmp_path) -> None:
    settings.KEYRING = tmp_path / "ring"
    ring.create(settings.KEYRING)
    data = json.loads(settings.KEYRING.read_text())
    key = data["keys"][0]["key"]
    data["keys"][0]["key"] = ("B" if key[0] != "B" else "C") + key[1:]
    settings.KEYRING.write_text(json.dumps(data))

    with pytest.raises(RingError, match="is damaged"):
        ring.current()


def test_another_ring_does_not_open_a_blob_and_says_which_key_is_missing(settings, tmp_path) -> None:
    blob = seal(b"secret", **PLACE)
    settings.KEYRING = tmp_path / "ring"
    ring.create(settings.KEYRING)

    with pytest.raises(RingError, match="lacks the key"):
        unseal(blob, **PLACE)


def test_neither_ring_nor_keys_show_in_a_repr() -> None:
    from base64 import b64encode

    found = ring.current()

    for key in found.keys.values():
        assert b64encode(key).decode() not in repr(found)
        assert repr(key) not in repr(found)
