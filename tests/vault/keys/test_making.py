import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.factories import make_vault
from tests.pki import authority, uploads
from vault import tasks
from vault.errors import BadCertificate
from vault.keys import making
from vault.models import PooledKey
from vault.models.policy import KeyPolicy
from vault.x509.certificates import facts


def test_an_rsa_key_comes_from_the_pool_and_is_gone_from_it() -> None:
    making.fill_pool({2048: 1})
    pooled = PooledKey.objects.get()
    vault = make_vault()

    made = making.new_key(vault, KeyPolicy(kty="RSA", size=2048))
    made.row.save()

    assert not PooledKey.objects.exists()
    assert bytes(made.row.sealed) != bytes(pooled.sealed)
    assert isinstance(made.private, rsa.RSAPrivateKey)
    assert making.open_key(made.row).public_key() == made.private.public_key()


def test_an_empty_pool_means_making_the_key_on_the_spot() -> None:
    made = making.new_key(make_vault(), KeyPolicy(kty="RSA", size=2048))

    assert made.private.key_size == 2048
    assert made.private.public_key().public_numbers().e == 65537


def test_the_pool_is_filled_up_and_not_over() -> None:
    assert making.fill_pool({2048: 2}) == 2
    assert making.fill_pool({2048: 2}) == 0


def test_the_worker_fills_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tasks.POOL, 3072, 0)
    monkeypatch.setitem(tasks.POOL, 4096, 0)
    monkeypatch.setitem(tasks.POOL, 2048, 1)

    tasks.fill_pool()

    assert PooledKey.objects.filter(size=2048).count() == 1


def test_a_new_key_does_not_show_in_its_repr() -> None:
    made = making.new_key(make_vault(), KeyPolicy(kty="EC", size=None, curve="P-256"))

    assert repr(made) == f"<NewKey {made.row.id}>"


@pytest.mark.parametrize(
    "key", [authority.ec_key(), authority.ec_key("P-521"), authority.rsa_key()], ids=["P-256", "P-521", "RSA"]
)
def test_an_imported_key_is_sealed_for_its_vault_and_row(key) -> None:
    vault = make_vault()
    leaf = authority.make_leaf(authority.make_root(), key=key)

    made = making.imported_key(vault, uploads.found_key(key).pkcs8, leaf=leaf.der, exportable=False)
    made.row.save()

    assert making.open_key(made.row).private_numbers() == key.private_numbers()
    assert (made.row.vault, made.row.exportable) == (vault, False)
    assert made.row.spki_sha256 == facts(leaf.der).spki_sha256
    assert uploads.found_key(key).pkcs8 not in bytes(made.row.sealed)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"hello",
        uploads.found_key(authority.ec_key()).pkcs8,
        uploads.found_key(ed25519.Ed25519PrivateKey.generate()).pkcs8,
    ],
    ids=["nothing", "text", "another key", "another kind"],
)
def test_what_is_not_the_certificates_key_is_not_kept(octets: bytes) -> None:
    leaf = authority.make_leaf(authority.make_root())

    with pytest.raises(BadCertificate, match="does not belong to the certificate"):
        making.imported_key(make_vault(), octets, leaf=leaf.der, exportable=True)


def test_an_rsa_key_whose_private_part_is_anothers_is_not_kept() -> None:
    mine, other = authority.rsa_key(), authority.rsa_key(number=1)
    numbers = mine.private_numbers()
    d = other.private_numbers().d
    mixed = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, d, d % (numbers.p - 1), d % (numbers.q - 1), numbers.iqmp, numbers.public_numbers
    )
    pkcs8 = uploads.found_key(mixed.private_key(unsafe_skip_rsa_key_validation=True)).pkcs8
    leaf = authority.make_leaf(authority.make_root(), key=mine)

    with pytest.raises(BadCertificate, match="does not belong to the certificate"):
        making.imported_key(make_vault(), pkcs8, leaf=leaf.der, exportable=True)
