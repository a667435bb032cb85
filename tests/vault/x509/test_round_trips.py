"""Whatever is exported here is read here again, equal: key, certificate, chain and friendly name."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pki.authority import CURVES, ec_key, make_intermediate, make_leaf, make_root, rsa_key
from vault.x509 import bundles, flavours, pfx
from vault.x509.certificates import facts
from vault.x509.chains import order
from vault.x509.flavours import Format, Parts
from vault.x509.found import Found, Locked, Upload
from vault.x509.parsing import read_files
from vault.x509.visible import display

ROOT = make_root()
UPPER = make_intermediate(ROOT, "Example Upper CA")
ISSUING = make_intermediate(UPPER)
CHAIN = (ISSUING.der, UPPER.der, ROOT.der)
KEYS = [*(ec_key(curve) for curve in CURVES), rsa_key(), rsa_key(3072)]
LEAVES = [make_leaf(ISSUING, key=key) for key in KEYS]

# Each example starts a child process: a few of them per format are enough.
a_few = settings(max_examples=6, deadline=None, derandomize=True)
letters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
friendly_names = st.text(letters, min_size=1, max_size=pfx.MAX_FRIENDLY_NAME).filter(lambda text: display(text) == text)


def passwords(as_: Format) -> st.SearchStrategy[str]:
    if as_ is Format.JAVA:
        return st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=6, max_size=pfx.MAX_PASSWORD)
    return st.text(letters, min_size=1, max_size=pfx.MAX_PASSWORD)


def read(content: bytes, password: str | None) -> Found:
    found = read_files([Upload(name="download", content=content)], password=password)
    assert [(file.refusal, file.locked) for file in found.files if file.refusal or file.locked] == []
    return found


@pytest.mark.parametrize("as_", Format)
@a_few
@given(data=st.data())
def test_a_download_is_read_back_equal(as_: Format, data: st.DataObject) -> None:
    leaf = data.draw(st.sampled_from(LEAVES))
    chain = CHAIN[: data.draw(st.integers(0, len(CHAIN)))]
    password, name = data.draw(passwords(as_)), data.draw(friendly_names)
    parts = Parts(key=leaf.key, leaf=leaf.der, chain=chain, password=password, friendly_name=name, folder="shop")
    flavours.check_words(as_, password=password, friendly_name=name)

    found = read(flavours.write(parts, as_), password if as_.has_password else None)

    form = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (key,) = found.keys
    assert serialization.load_der_private_key(key.pkcs8, None).private_bytes(*form) == leaf.key.private_bytes(*form)
    assert (key.spki_sha256, key.refusal) == (facts(leaf.der).spki_sha256, "")
    assert set(found.certificates) == {leaf.der, *chain}
    assert order(leaf.der, found.certificates).certificates == chain
    if as_.has_name:
        assert [file.friendly_name for file in found.files] == [name]


@pytest.mark.parametrize("length", range(len(CHAIN) + 1))
def test_a_p7b_is_read_back_equal(length: int) -> None:
    leaf, chain = LEAVES[0], CHAIN[:length]

    found = read(bundles.build_p7b(leaf=leaf.der, chain=chain), None)

    assert set(found.certificates) == {leaf.der, *chain}
    assert order(leaf.der, found.certificates).certificates == chain
    assert not found.holds_private_key


@pytest.mark.parametrize("as_", [one for one in Format if one.has_password])
def test_another_password_opens_nothing(as_: Format) -> None:
    leaf = LEAVES[0]
    parts = Parts(key=leaf.key, leaf=leaf.der, chain=(), password="the right one", friendly_name="shop", folder="shop")
    upload = Upload(name="download", content=flavours.write(parts, as_))

    wrong, none = read_files([upload], password="another"), read_files([upload])

    assert (wrong.keys, wrong.files[0].locked) == ((), Locked.WRONG_PASSWORD)
    assert (none.keys, none.files[0].locked) == ((), Locked.NEEDS_PASSWORD)
    assert wrong.holds_private_key
    assert none.holds_private_key
