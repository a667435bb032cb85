import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.factories import make_vault
from vault import tasks
from vault.keys import making
from vault.models import PooledKey
from vault.models.policy import KeyPolicy


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
