"""Settings from the environment."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import environment as env

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize("name", ["vault.localhost", "KV.Example.ORG", "kv", "a-b.c1", "xn--bcher-kva.example"])
def test_a_host_name_is_taken_in_lower_case(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("CHANCERY_API_DOMAIN", name)

    assert env.host("CHANCERY_API_DOMAIN", "vault.localhost") == name.lower()


@pytest.mark.parametrize(
    "name",
    [".example.org", "*.example.org", "https://kv.example.org", "kv.example.org:8443", "-a", "a..b", "bücher", "a b"],
)
def test_what_is_no_host_name_stops_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("CHANCERY_API_DOMAIN", name)

    with pytest.raises(ImproperlyConfigured, match=r"CHANCERY_API_DOMAIN is .* Set it to a host name"):
        env.host("CHANCERY_API_DOMAIN", "vault.localhost")


def test_a_host_name_that_is_not_set_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHANCERY_API_DOMAIN", raising=False)

    assert env.host("CHANCERY_API_DOMAIN", "vault.localhost") == "vault.localhost"


def test_hosts_of_vaults_are_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANCERY_API_HOSTS", "KV.example.org = Payments, keys.example.net=intranet")

    assert env.hosts("CHANCERY_API_HOSTS") == {"kv.example.org": "payments", "keys.example.net": "intranet"}


@pytest.mark.parametrize("text", ["payments", "kv.example.org", "=payments", "kv.example.org=", "https://kv=payments"])
def test_what_is_no_pair_stops_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CHANCERY_API_HOSTS", text)

    with pytest.raises(ImproperlyConfigured, match="Write it like"):
        env.hosts("CHANCERY_API_HOSTS")
