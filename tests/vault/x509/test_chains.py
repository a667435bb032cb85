"""Putting the certificates around a leaf in order."""

import random
from pathlib import Path
from unittest import mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.pki.authority import Authority, Leaf, ec_key, make_intermediate, make_leaf, make_root, rsa_key
from tests.pki.forging import extension, with_extensions, with_key
from tests.vault.x509.openssl import openssl
from vault.errors import UnreadableFile
from vault.x509 import chains
from vault.x509.certificates import is_signed_by
from vault.x509.chains import MAX_CHAIN, MAX_TRIES, Tries, order


def make_tower(height: int) -> tuple[list[Authority], Leaf]:
    """A root, intermediates below it, and a leaf; the authorities from the root down."""
    tower = [make_root()]
    for number in range(height - 1):
        tower.append(make_intermediate(tower[-1], f"Floor {number}"))
    return tower, make_leaf(tower[-1])


def upwards(tower: list[Authority]) -> tuple[bytes, ...]:
    return tuple(authority.der for authority in reversed(tower))


TOWER, LEAF = make_tower(4)


@given(st.permutations([*upwards(TOWER), TOWER[1].der, LEAF.der]))
def test_any_order_and_repetition_gives_the_same_chain(others: list[bytes]) -> None:
    chain = order(LEAF.der, others)

    assert chain.certificates == upwards(TOWER)
    assert chain.complete
    assert chain.ignored == ()


def test_without_the_root_the_chain_is_incomplete() -> None:
    chain = order(LEAF.der, upwards(TOWER)[:-1])

    assert chain.certificates == upwards(TOWER)[:-1]
    assert not chain.complete


def test_a_gap_ends_the_chain_and_what_is_above_it_is_ignored() -> None:
    nearest, _missing, third, root = upwards(TOWER)

    chain = order(LEAF.der, [root, third, nearest])

    assert chain.certificates == (nearest,)
    assert set(chain.ignored) == {third, root}
    assert not chain.complete


def test_a_leaf_alone_has_an_empty_incomplete_chain() -> None:
    assert order(LEAF.der, []) == chains.Chain()


def test_a_self_signed_leaf_needs_no_one() -> None:
    root = make_root()

    chain = order(root.der, [LEAF.der])

    assert chain.complete
    assert chain.certificates == ()
    assert chain.ignored == (LEAF.der,)


def test_another_ca_of_the_same_name_is_not_in_the_chain() -> None:
    impostor = make_root()

    chain = order(LEAF.der, [impostor.der, *upwards(TOWER)])

    assert chain.certificates == upwards(TOWER)
    assert chain.ignored == (impostor.der,)


def test_of_two_ways_the_one_that_reaches_a_root_is_taken() -> None:
    root, other_root = make_root("Root A"), make_root("Root B")
    issuing = make_intermediate(root, "Issuing")
    crossed = make_intermediate(other_root, "Issuing", key=issuing.key)
    leaf = make_leaf(issuing)

    chain = order(leaf.der, [crossed.der, issuing.der, root.der])

    assert chain.certificates == (issuing.der, root.der)
    assert chain.complete
    assert chain.ignored == (crossed.der,)


def test_of_two_complete_ways_the_shorter_is_taken() -> None:
    new_root, old_root = make_root("New root"), make_root("Old root")
    crossed = make_intermediate(old_root, "New root", key=new_root.key)
    issuing = make_intermediate(new_root, "Issuing")
    leaf = make_leaf(issuing)

    chain = order(leaf.der, [old_root.der, crossed.der, new_root.der, issuing.der])

    assert chain.certificates == (issuing.der, new_root.der)


def test_a_cross_signed_way_is_taken_when_it_is_the_only_one() -> None:
    new_root, old_root = make_root("New root"), make_root("Old root")
    crossed = make_intermediate(old_root, "New root", key=new_root.key)
    leaf = make_leaf(new_root)

    chain = order(leaf.der, [old_root.der, crossed.der])

    assert chain.certificates == (crossed.der, old_root.der)
    assert chain.complete


def test_of_two_certificates_of_one_ca_the_one_that_lives_longer_is_taken() -> None:
    root = make_root()
    short = make_intermediate(root, "Issuing", days=10)
    long = make_intermediate(root, "Issuing", key=short.key, days=1000)
    leaf = make_leaf(short)

    assert order(leaf.der, [short.der, long.der, root.der]).certificates == (long.der, root.der)


def test_cas_that_certify_each_other_do_not_go_round_for_ever() -> None:
    first_key, second_key = ec_key(), ec_key()
    first, second = make_root("First", key=first_key), make_root("Second", key=second_key)
    first_by_second = make_intermediate(second, "First", key=first_key)
    second_by_first = make_intermediate(first, "Second", key=second_key)
    leaf = make_leaf(first)

    chain = order(leaf.der, [first_by_second.der, second_by_first.der])

    assert chain.certificates == (first_by_second.der, second_by_first.der)
    assert not chain.complete


def test_a_leaf_is_no_issuer_even_if_it_signed() -> None:
    root = make_root()
    leaf = make_leaf(root)
    name = x509.load_der_x509_certificate(leaf.der).subject
    below = make_leaf(Authority(subject=name, key=leaf.key, der=leaf.der), "below.example")

    chain = order(below.der, [leaf.der, root.der])

    assert chain.certificates == ()
    assert len(chain.ignored) == 2


def test_a_chain_has_at_most_ten_certificates() -> None:
    tower, leaf = make_tower(MAX_CHAIN + 3)

    chain = order(leaf.der, upwards(tower))

    assert chain.certificates == upwards(tower)[:MAX_CHAIN]
    assert not chain.complete


def test_fifty_clones_of_one_ca_cost_one_signature_check_each_and_more_are_not_looked_at() -> None:
    root = make_root("Root")
    key = ec_key()
    clones = [make_intermediate(root, "Clone", key=key) for _ in range(60)]
    looping = make_leaf(clones[0])

    with mock.patch.object(chains, "is_signed_by", wraps=is_signed_by) as checks:
        chain = order(looping.der, [clone.der for clone in clones])

    assert len(chain.certificates) == 1
    assert len(chain.ignored) == 59
    assert checks.call_count == 50


def test_clones_that_issue_each_other_cost_each_pair_at_most_once() -> None:
    key = ec_key()
    root = make_root("Clone", key=ec_key())
    clones = [
        make_intermediate(Authority(subject=root.subject, key=key, der=b""), "Clone", key=key).der for _ in range(20)
    ]
    leaf = make_leaf(Authority(subject=root.subject, key=key, der=b""))

    with mock.patch.object(chains, "is_signed_by", wraps=is_signed_by) as checks:
        order(leaf.der, clones)

    assert checks.call_count <= 20 * 21


def test_what_many_cas_of_one_name_cost_is_bounded_for_one_chain_and_for_all_of_an_upload() -> None:
    ladder = [ec_key() for _ in range(MAX_CHAIN)]
    name = make_root("Same").subject
    signers = [Authority(subject=name, key=key, der=b"") for key in ladder]
    steps = [make_intermediate(above, "Same", key=key).der for key, above in zip(ladder, signers[1:], strict=False)]
    strangers = [make_intermediate(make_root(), "Same").der for _ in range(40)]
    leaf, upload = make_leaf(signers[0]), Tries(50)

    with mock.patch.object(chains, "is_signed_by", wraps=is_signed_by) as checks:
        order(leaf.der, [*strangers, *steps])
        for_one = checks.call_count
        order(leaf.der, [*strangers, *steps], tries=upload)
        order(leaf.der, [*strangers, *steps], tries=upload)

    assert for_one == MAX_TRIES
    assert checks.call_count - for_one == 50
    assert upload.left == 0


@pytest.mark.parametrize(
    ("bits", "exponent"), [(16_384, 65_537), (3072, 2**3000 + 1)], ids=["a long modulus", "a long exponent"]
)
def test_a_key_with_which_checking_takes_long_proves_nothing(bits: int, exponent: int) -> None:
    root = make_root()
    numbers = rsa.RSAPublicNumbers(exponent, (1 << bits) - 1)
    spki = numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    dear = with_key(root, root.der, spki)

    below = mock.Mock(spec=x509.Certificate)  # anything would be proved for it

    assert not is_signed_by(below, x509.load_der_x509_certificate(dear))
    assert is_signed_by(below, x509.load_der_x509_certificate(root.der))


def test_an_issuer_with_damaged_extensions_is_just_another_candidate() -> None:
    root = make_root()
    broken = with_extensions(root, root.der, extension("2.5.29.19", b"\x30\x05\xff"), extension("2.5.29.14", b"\x04"))

    assert order(make_leaf(root).der, [broken]).certificates == (broken,)


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(UnreadableFile):
        order(LEAF.der, [b"hello"])


@pytest.mark.parametrize("seed", range(3))
def test_openssl_verifies_the_leaf_with_the_chain(seed: int, tmp_path: Path) -> None:
    tower = [make_root(key=rsa_key())]
    tower += [make_intermediate(tower[0], "Issuing", key=rsa_key(number=1))]
    leaf = make_leaf(tower[1])
    others = [authority.der for authority in tower]
    random.Random(seed).shuffle(others)

    chain = order(leaf.der, others)

    for name, octets in {"leaf": leaf.der, "issuing": chain.certificates[0], "root": chain.certificates[1]}.items():
        (tmp_path / name).write_bytes(openssl("x509", "-inform", "DER", data=octets))
    files = {name: str(tmp_path / name) for name in ("leaf", "issuing", "root")}
    answer = openssl("verify", "-CAfile", files["root"], "-untrusted", files["issuing"], files["leaf"])
    assert answer.endswith(b": OK\n")
