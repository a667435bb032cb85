"""Every file of the table of odd and hostile files gets the answer that is right for it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.x509.corpus import CASES, Case
from vault.x509.counting import Budget
from vault.x509.found import FoundFile, Upload
from vault.x509.reading import read_upload


def read(case: Case) -> FoundFile:
    [file] = read_upload(Upload(name="a", content=case.make()), password=case.password, budget=Budget())
    return file


def test_the_table_is_as_long_as_promised_and_no_name_stands_twice_in_it() -> None:
    names = [case.name for case in CASES]

    assert len(names) >= 200
    assert len(names) == len(set(names))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_is_right(case: Case) -> None:
    file = read(case)

    assert (len(file.certificates), len(file.requests)) == (case.certificates, case.requests)
    assert tuple(key.title for key in file.keys) == case.keys
    assert case.refused in file.refusal
    assert bool(case.refused) == bool(file.refusal), file.refusal
    assert file.locked is case.locked
    assert file.holds_private_key is case.secret
    assert [one.what for one in file.ignored] == ([case.ignored] if case.ignored else [])
    assert file.friendly_name == case.friendly_name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_key_or_a_request_is_refused_when_it_is_weak_and_only_then(case: Case) -> None:
    file = read(case)

    refusals = [one.refusal for one in [*file.keys, *file.requests]]
    assert bool(case.weak) == any(refusals), refusals
    assert not case.weak or case.weak in refusals[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_crosses_from_the_child_unchanged_and_can_be_shown(case: Case) -> None:
    file = read(case)

    assert FoundFile.from_json(json.loads(json.dumps(file.to_json()))) == file
    assert file.refusal.isprintable()
    assert file.friendly_name.isprintable()


SOURCES = [
    case
    for case in CASES
    if case.name
    in {
        "PFX",
        "PFX in BER",
        "encrypted PKCS#8",
        "PKCS#1",
        "SEC1",
        "ZIP",
        "certificate and key",
        "OpenSSL's old way",
        "PKCS#7 in BER",
        "PFX with a safe in a safe",
    }
]


@settings(max_examples=250)
@given(data=st.data(), case=st.sampled_from(SOURCES))
def test_any_of_them_with_some_octets_changed_is_answered(data: st.DataObject, case: Case) -> None:
    changed = bytearray(case.make())
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(changed)))
    budget = Budget()
    budget.left = 20_000  # nothing here is meant to be expensive

    for content in (bytes(changed), bytes(changed[:cut])):
        for file in read_upload(Upload(name="a", content=content), password=case.password, budget=budget):
            assert file.certificates or file.keys or file.requests or file.ignored or file.refusal
            assert file.refusal.isprintable()


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"PK\x03\x04", b"\x30\x80", b"\x30\x82\x01\x00", b"-----BEGIN PRIVATE KEY-----"]),
)
def test_any_octets_are_answered(octets: bytes, start: bytes) -> None:
    for file in read_upload(Upload(content=start + octets), password="secret", budget=Budget()):
        assert file.certificates or file.keys or file.requests or file.ignored or file.refusal
