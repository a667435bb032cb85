from collections.abc import Callable

import pytest
from django.test import Client

from portal.models import User
from portal.pages import search
from tests.factories import make_certificate, make_member, make_vault
from vault.models import Vault, VersionName
from vault.models.policy import AlternativeNames

NAMES = {
    "web-shop": ("shop.example.org", "www.shop.example.org"),
    "web-wild": ("*.example.com",),
    "mail": ("mail.example.org", "10.0.0.7"),
    "intranet-cert": ("intranet",),
    "Old-Name": ("legacy.example.net",),
}


@pytest.fixture
def vault() -> Vault:
    vault = make_vault()
    for name, hosts in NAMES.items():
        names = AlternativeNames(
            dns=tuple(host for host in hosts if not host[0].isdigit()),
            ips=tuple(host for host in hosts if host[0].isdigit()),
        )
        make_certificate(vault=vault, name=name, names=names)
    return vault


def found(vault: Vault, query: str, client_of: Callable[[User], Client]) -> list[str]:
    response = client_of(make_member(vault)).get(f"/vaults/{vault}/", {"q": query})
    return [row.certificate.name for row in response.context_data["rows"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("web", ["web-shop", "web-wild"]),
        ("WEB-S", ["web-shop"]),
        ("old", ["Old-Name"]),
        ("intranet", ["intranet-cert"]),
        ("shop.example.org", ["web-shop"]),
        ("www.shop.example.org", ["web-shop"]),
        ("example.org", ["mail", "web-shop"]),
        ("*.example.org", ["mail", "web-shop"]),
        (".shop.example.org", ["web-shop"]),
        ("api.example.com", ["web-wild"]),
        ("*.example.com", ["web-wild"]),
        ("mail.ex", ["mail"]),
        ("10.0.0.7", ["mail"]),
        ("hop", []),
        ("%", []),
        ("we_", []),
        ("*.org.example", []),
    ],
)
def test_the_search_box_finds_names_and_hosts(
    vault: Vault, client_of: Callable[[User], Client], query: str, expected: list[str]
) -> None:
    assert found(vault, query, client_of) == expected


def test_a_single_word_that_is_a_host_is_found_although_the_certificate_is_called_otherwise(
    client_of: Callable[[User], Client],
) -> None:
    vault = make_vault()
    make_certificate(vault=vault, name="c1", names=AlternativeNames(dns=("printer",)))

    assert found(vault, "printer", client_of) == ["c1"]


@pytest.mark.parametrize("column", ["serial", "thumbprint_sha1", "thumbprint_sha256"])
def test_numbers_are_found_with_and_without_colons_and_in_capitals(
    vault: Vault, client_of: Callable[[User], Client], column: str
) -> None:
    number = getattr(vault.certificates.get(name="mail").current, column)
    padded = number.zfill(len(number) + len(number) % 2)
    spelled = ":".join(padded[at : at + 2] for at in range(0, len(padded), 2)).upper()

    assert found(vault, number, client_of) == ["mail"]
    assert found(vault, spelled, client_of) == ["mail"]
    assert found(vault, spelled.replace(":", " "), client_of) == ["mail"]
    assert found(vault, number[:-1], client_of) == []


def test_names_of_older_versions_are_not_found(client_of: Callable[[User], Client]) -> None:
    vault = make_vault()
    make_certificate(vault=vault, name="shop", names=AlternativeNames(dns=("old.example.org",)))
    make_certificate(vault=vault, name="shop", names=AlternativeNames(dns=("new.example.org",)))

    assert found(vault, "old.example.org", client_of) == []
    assert found(vault, "new.example.org", client_of) == ["shop"]


def test_hosts_of_another_vault_are_not_found(vault: Vault, client_of: Callable[[User], Client]) -> None:
    other = make_vault()
    make_certificate(vault=other, name="elsewhere", names=AlternativeNames(dns=("shop.example.org",)))

    assert found(vault, "shop.example.org", client_of) == ["web-shop"]


def test_many_matching_hosts_are_found_as_few_are(
    vault: Vault, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_FEW", 1)
    assert VersionName.objects.filter(reversed__prefix="gro.elpmaxe").count() > 1

    assert found(vault, "*.example.org", client_of) == ["mail", "web-shop"]
